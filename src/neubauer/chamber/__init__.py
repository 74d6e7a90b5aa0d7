"""Counting chambers: find the ruling in a photograph, straighten it, count by the rule of two borders."""
