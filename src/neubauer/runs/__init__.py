"""One thing done to many inputs: found, skipped when done, whole results or none, failures, progress, provenance."""
