"""Find the ruling of a counting chamber in a photograph."""
