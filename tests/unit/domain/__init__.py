"""Unit tests of the dictionary."""
