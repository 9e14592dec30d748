"""What a value of a JSON document is.

Lives here: questions about one value. Does not know: the case format.
"""

from collections.abc import Container
from typing import Any


def is_integer(value: Any) -> bool:
    """Whether a JSON value is a whole number; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_one_of(value: Any, words: Container[str]) -> bool:
    """Whether a JSON value is one of some words; safe for values that cannot be looked up."""
    return isinstance(value, str) and value in words
