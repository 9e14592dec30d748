"""Sessions of existing, unmodified client libraries against a running demo venue."""
