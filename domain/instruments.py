"""What can be traded, with its units.

Lives here: the instrument's terms and the exact conversion between what people write and what the book holds.
Does not know: the book, balances, time.

Units. A price is an integer number of ticks, a quantity an integer number of lots. `tick_value` is what one tick of
one lot is worth in ledger units of the quote asset; `lot_units` is what one lot is in ledger units of the base asset
(spot only). On the wire an `amount` counts the instrument's base unit (TH/s, BTC, PH/s-days): one lot is
`lot_amount` / `AMOUNT_SCALE` of it, so that price x amount is the notional (settled rule for existing clients).
"""

from functools import lru_cache
from typing import Final

import msgspec

from domain.book_rules import BookRules

KIND_SPOT: Final = 1  # hashrate tokens and BTC_USDC: both legs move inside the fill
KIND_FORWARD: Final = 2  # hashprice of a delivery month, margined
KIND_OPTION: Final = 3  # reserved
KIND_NOTE: Final = 4  # reserved
KIND_COMBO: Final = 5  # spreads and strips of forwards: a price, no position of its own

AMOUNT_SCALE: Final = 10**8  # lot_amount is in 1e-8 of the base unit
PRICE_SCALE: Final = 10**8  # tick_price is in 1e-8 of the quote unit
PERPETUAL_EXPIRY_NS: Final = 2**63 - 1  # no expiry
PERPETUAL_EXPIRY_MS: Final = 32_503_708_800_000  # how the dialect writes that: year 3000
DAY_NS: Final = 86_400 * 10**9


class Instrument(msgspec.Struct, frozen=True):
    """Terms of one instrument. Changed only by listing a new one."""

    instrument_id: int  # index of its book
    name: str  # dialect grammar, e.g. TH1A_BTC, HPU_USDC-31DEC26
    kind: int
    base: str  # asset (spot) or base code HPU, HPB (forwards)
    quote: str  # asset of price and settlement
    tick_price: int  # one tick, 1e-8 quote units per base unit
    lot_amount: int  # one lot, 1e-8 base units
    tick_value: int  # ledger units of quote per tick per lot
    lot_units: int  # ledger units of base per lot; 0 for forwards
    rules: BookRules
    taker_fee_ppm: int
    maker_fee_ppm: int
    rule_id: int  # eligibility rule; 0 = everybody with an open account
    created_ns: int
    expiry_ns: int = PERPETUAL_EXPIRY_NS  # last trading
    price_index: str = ""
    delivery_from_ns: int = 0  # forwards: first day of the delivery month
    delivery_days: int = 0  # N
    position_lots_max: int = 20_000  # forwards, per account (Bitnomial's position limit)
    strike_ticks: int = 0  # options
    option_kind: str = ""  # options: "call" | "put"
    legs: tuple[tuple[int, int], ...] = ()  # combos: (instrument_id, ratio in lots)
    auction_ns: int = 60 * 10**9  # how long a volatility auction lasts, and each extension


@lru_cache(maxsize=65_536)
def format_scaled(value: int, scale: int = AMOUNT_SCALE) -> str:
    """value/scale as a plain decimal without trailing zeros; scale is a power of ten.

    >>> format_scaled(150_000_000), format_scaled(-1), format_scaled(0)
    ('1.5', '-0.00000001', '0')
    """
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), scale)
    digits = f"{part:0{len(str(scale)) - 1}d}".rstrip("0") if scale > 1 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def price_text(instrument: Instrument, price_ticks: int) -> str:
    """A price as people write it."""
    return format_scaled(price_ticks * instrument.tick_price, PRICE_SCALE)


def amount_text(instrument: Instrument, quantity_lots: int) -> str:
    """A quantity as clients write it, in base units."""
    return format_scaled(quantity_lots * instrument.lot_amount, AMOUNT_SCALE)


def expiry_ms(instrument: Instrument) -> int:
    """Last trading in ms since 1970; the year 3000 for what never expires."""
    return PERPETUAL_EXPIRY_MS if instrument.expiry_ns == PERPETUAL_EXPIRY_NS else instrument.expiry_ns // 10**6
