"""Goal: the scenario table is SPAN's with the extremes at a third, and every loss is a whole number.

Method: against fractions. Rules MARGIN-001, MARGIN-002; CLR-03 for the rates.
"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.scenarios import losses_of_long_lot, scan_range
from tests.reference import margin as plain


@given(st.integers(1, 10**6).map(lambda n: n * 300))
def test_losses_are_the_table_s_parts_of_the_scan_range(psr: int) -> None:
    expected = [plain.loss_of_long_lot(plain.Contract(psr, 1, 1), scenario) for scenario in range(16)]
    assert list(losses_of_long_lot(psr)) == expected


def test_the_table_is_symmetric_and_its_worst_is_the_scan_range() -> None:
    losses = losses_of_long_lot(300)
    assert sorted(losses) == sorted(-loss for loss in losses)
    assert max(losses) == 300


@given(st.integers(1, 2**27), st.integers(1, 10_000), st.integers(1, 31), st.integers(1, 10**6))
def test_a_scan_range_is_the_rate_rounded_up_to_a_multiple_of_300_per_day(
    mark: int, unit: int, days: int, rate: int
) -> None:
    found = scan_range(mark_ticks=mark, tick_value=unit * days, delivery_days=days, rate_ppm=rate)
    assert found == plain.scan_range(mark, unit * days, days, rate)
    assert found % (300 * days) == 0
    exact = Fraction(mark * unit * days * rate, 10**6)
    assert exact <= found < exact + 301 * days


@pytest.mark.parametrize(
    ("mark", "unit", "days", "lots", "rate", "initial"),
    [
        (6_000, 10_000, 30, 100, 280_000, 63_000 * 10**6),  # 100 PH x 30 d x 60 dollars: 35 % = 63,000 dollars
        (80_000, 1_000, 31, 100, 144_000, 44_640_000 * 1_000),  # 100 x 31 x 0.00080 BTC = 2.48: 18 % = 0.4464 BTC
    ],
    ids=["USDC", "BTC"],
)
def test_clr_03_initial_margin_is_the_published_rate(
    mark: int, unit: int, days: int, lots: int, rate: int, initial: int
) -> None:
    psr = scan_range(mark_ticks=mark, tick_value=unit * days, delivery_days=days, rate_ppm=rate)
    assert plain.initial(lots * psr) == initial
