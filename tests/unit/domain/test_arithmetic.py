"""Goal: C and Python round and overflow alike. Method: both on every mix of int64's edges, and against fractions."""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import arithmetic, wire_layout
from domain.arithmetic import INT64_MAX, INT64_MIN

EDGES = (INT64_MIN, INT64_MIN + 1, -(2**32), -3, -2, -1, 0, 1, 2, 3, 7, 2**31, 2**32 + 1, INT64_MAX - 1, INT64_MAX)
DIVISORS = (1, 2, 3, 7, 10**6, 2**32, INT64_MAX)
int64 = st.integers(INT64_MIN, INT64_MAX)


def narrowed(value: int) -> int | None:
    return value if INT64_MIN <= value <= INT64_MAX else None


def python(operation: Callable[..., int], *numbers: int) -> int | None:
    try:
        return operation(*numbers)
    except OverflowError:
        return None


def test_products_and_sums_agree_at_the_edges() -> None:
    for a, b in product(EDGES, EDGES):
        assert wire_layout.fixed("mul", a, b) == narrowed(a * b) == python(arithmetic.mul, a, b)
        assert wire_layout.fixed("add", a, b) == narrowed(a + b)


@pytest.mark.parametrize(("name", "rounded"), [("mul_div_floor", floor), ("mul_div_ceil", ceil)])
def test_quotients_agree_at_the_edges(name: str, rounded: Callable[[Fraction], int]) -> None:
    for a, b, divisor in product(EDGES, EDGES, DIVISORS):
        expected = narrowed(rounded(Fraction(a * b, divisor)))
        assert wire_layout.fixed(name, a, b, divisor) == expected, (a, b, divisor)
        assert python(getattr(arithmetic, name), a, b, divisor) == expected, (a, b, divisor)


@given(int64, int64, st.integers(1, INT64_MAX))
def test_quotients_agree_everywhere(a: int, b: int, divisor: int) -> None:
    for name in ("mul_div_floor", "mul_div_ceil"):
        assert wire_layout.fixed(name, a, b, divisor) == python(getattr(arithmetic, name), a, b, divisor)


@given(int64, st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_half_even_is_the_nearest_with_ties_to_even(a: int, b: int, divisor: int) -> None:
    assert python(arithmetic.mul_div_half_even, a, b, divisor) == narrowed(round(Fraction(a * b, divisor)))


def test_an_unknown_operation_is_an_error() -> None:
    with pytest.raises(ValueError, match="cube"):
        wire_layout.fixed("cube", 1, 1)
