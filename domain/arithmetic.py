"""Exact integer arithmetic with named rounding.

Lives here: products and quotients of two domain numbers, bounded to the ledger's int64.
Does not know: units. The C twin is fixed.h; tests compare both at the edges.
"""

from typing import Final

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)


def fits_int64(value: int) -> bool:
    """True when `value` can be held by a ledger account."""
    return INT64_MIN <= value <= INT64_MAX


def _narrow(value: int) -> int:
    if not fits_int64(value):
        raise OverflowError(f"{value} does not fit int64")
    return value


def mul(a: int, b: int) -> int:
    """a*b. Raises OverflowError beyond int64."""
    return _narrow(a * b)


def mul_div_floor(a: int, b: int, divisor: int) -> int:
    """floor(a*b/divisor), divisor > 0.

    >>> mul_div_floor(-7, 1, 2)
    -4
    """
    return _narrow(a * b // divisor)


def mul_div_ceil(a: int, b: int, divisor: int) -> int:
    """ceil(a*b/divisor), divisor > 0.

    >>> mul_div_ceil(7, 1, 2)
    4
    """
    return _narrow(-((-a * b) // divisor))


def mul_div_half_even(a: int, b: int, divisor: int) -> int:
    """a*b/divisor to the nearest integer, ties to even, divisor > 0. For prices only: cash is never rounded.

    >>> [mul_div_half_even(n, 1, 2) for n in (1, 3, 5, -1, -3)]
    [0, 2, 2, 0, -2]
    """
    quotient, remainder = divmod(a * b, divisor)
    twice = 2 * remainder
    if twice > divisor or (twice == divisor and quotient % 2 == 1):
        quotient += 1
    return _narrow(quotient)
