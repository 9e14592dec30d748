"""Tests of the runtime room, file for file."""
