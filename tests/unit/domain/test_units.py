"""Goal: decimal text becomes an exact integer or is refused. Method: edges by hand, the rest against fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import DECIMAL_CHARACTERS_MAX, NotExact, parse_scaled


@pytest.mark.parametrize(
    ("text", "digits", "value"),
    [
        ("0", 0, 0), ("-0", 2, 0), ("0.00", 0, 0), ("1.50", 2, 150), ("1.5", 2, 150), ("-1.5", 2, -150),
        ("2e-8", 8, 2), ("2E+3", 0, 2_000), ("2e3", 2, 200_000), ("100e-2", 0, 1), ("0e999", 3, 0), ("0e-999", 0, 0),
        ("12345678901234567890.1", 1, 123456789012345678901),
    ],
)  # fmt: skip
def test_a_number_is_read_exactly(text: str, digits: int, value: int) -> None:
    assert parse_scaled(text, digits) == value


@pytest.mark.parametrize(("text", "digits"), [("0.001", 2), ("1.5", 0), ("1e-1", 0), ("1e-99", 8), ("1e-999", 8)])
def test_more_precision_than_the_unit_has_is_not_exact(text: str, digits: int) -> None:
    with pytest.raises(NotExact):
        parse_scaled(text, digits)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1\n", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "e5", "0x1", "1_000", "NaN", "Infinity", "1,5",
     "--1", "1.2.3", "१", "1e1000", "1e41", "9" * (DECIMAL_CHARACTERS_MAX + 1)],
)  # fmt: skip
def test_what_is_no_json_number_or_too_large_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_scaled(text, 8)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_any_decimal_of_six_places_is_read_like_a_fraction(number: Decimal) -> None:
    assert parse_scaled(f"{number:f}", 6) == Fraction(number) * 10**6
