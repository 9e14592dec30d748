"""Measurements beside their floors. Policy and how to read the numbers: README.md."""
