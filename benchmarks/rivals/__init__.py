"""Matching engines of others, installable from PyPI, on the same streams as the book."""
