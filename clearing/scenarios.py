"""The flat scenario table: price moves as parts of the scan range.

Lives here: the 16 scenarios and the scan range of a contract from its mark.
Does not know: accounts, orders.
Source: SPAN's 16 scenarios; the extreme pair is three ranges at weight 33/100. Volatility moves stand in the pairs and
have no effect on forwards.
"""

from typing import Final

from domain.arithmetic import mul_div_ceil

# Price move of scenario s in 1/300 of the scan range, weight included: 0, +-1/3, +-2/3, +-1 twice, +-3 x 33/100.
MOVES_PER_300: Final = (0, 0, 100, 100, -100, -100, 200, 200, -200, -200, 300, 300, -300, -300, 297, -297)
PSR_UNIT: Final = 300  # a scan range is a multiple of this, so that every scenario is an integer


def scan_range(*, mark_ticks: int, tick_value: int, delivery_days: int, rate_ppm: int) -> int:
    """Scan range of one lot in quote units: per day ceil to a multiple of 300, times the days of the month.

    >>> scan_range(mark_ticks=6000, tick_value=30 * 10_000, delivery_days=30, rate_ppm=280_000)
    504000000
    """
    per_day = mul_div_ceil(mark_ticks * (tick_value // delivery_days), rate_ppm, 1_000_000)
    return mul_div_ceil(per_day, 1, PSR_UNIT) * PSR_UNIT * delivery_days


def losses_of_long_lot(psr: int) -> tuple[int, ...]:
    """Loss of one long lot in each scenario (negative = gain), quote units."""
    return tuple(-move * (psr // PSR_UNIT) for move in MOVES_PER_300)
