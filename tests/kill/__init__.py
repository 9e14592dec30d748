"""Killing processes of a whole venue while clients trade through its gateway."""
