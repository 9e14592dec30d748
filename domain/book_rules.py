"""What one order book checks and defaults: the settings of an instrument that matching knows.

Lives here: the values. Does not know: why an instrument has them.
"""

from typing import Final

import msgspec

TICK_ROWS_MAX: Final = 8
PRICE_TICKS_LIMIT: Final = 2**27  # prices are below this; the level directory of a book is sized by its band


class BookRules(msgspec.Struct, frozen=True):
    """Checks of one book. Prices in ticks, quantities in lots. Rules MATCH-020..038, 071, 081, 110."""

    price_step_ticks: int = 1  # a limit price is a multiple of this
    lot_step: int = 1  # a quantity is a multiple of this
    lots_max: int = 2**53  # largest quantity of one order
    band_low_ticks: int = 1  # inclusive
    band_high_ticks: int = PRICE_TICKS_LIMIT - 1  # inclusive; also the highest representable price
    protection_bps: int = 0  # market orders: distance from the best opposite price, 0 = unbounded
    protection_ticks: int = 0  # market orders: absolute distance, used instead of bps when > 0
    notional_max: int = 0  # ticks x lots, 0 = none
    tick_table: tuple[tuple[int, int], ...] = ()  # (from_ticks, step_ticks), rising; at most TICK_ROWS_MAX
    dynamic_bps: int = 0  # trades farther than this from the reference open a volatility auction; 0 = off
    reject_triggered: bool = False  # stops whose condition is met on entry: refuse instead of triggering
    peg_cancel: bool = False  # pegs without a reference: refuse and cancel instead of parking
    price_bias_ticks: int = 0  # combos: inside, prices are this much higher, so that negative ones fit
