"""Programs that trade by themselves, built on the SDK alone."""
