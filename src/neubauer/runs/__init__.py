"""One thing done to many inputs: found, skipped when done, results whole or not at all, failures, progress, provenance."""
