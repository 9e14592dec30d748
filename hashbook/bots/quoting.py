"""What a market maker wants to quote, as pure functions over what it knows.

Lives here: the fair value, the quote plan, the difference between wanted and open orders; the settings of all that.
Does not know: the network, time, how fast orders may be sent.

Theory. Fair value: a spot instrument's index price, or else its mark. A forward's ticker carries today's hashprice as
its index; difficulty growth makes later months worth less, so fair = index x (1 - decay)^(months to its last trading
day). A token without index and mark is worth `token_value_days` days of today's hashprice.
Inventory: the middle of the quotes moves against the inventory, linearly, by at most `skew_bps` at the limit, and the
side that would pass the limit is cut. When fair comes from the mark, which our own quotes may move, the middle is not
moved: the mark would follow our skew and our skew the mark, and the price would run away.
"""

from collections.abc import Collection, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hashbook.protocol import BUY, SELL, Instrument, Order, Ticker

BPS = Decimal(10_000)
MONTH_MS = Decimal(2_629_800_000)  # a twelfth of 365.25 days
TH_PER_PH = 1_000


class BookStyle(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of instrument is quoted.

    Sizes and the inventory limit are in base units, for forwards in lots (PH/s for the whole month).
    """

    half_spread_bps: int
    level_step_bps: int
    threshold_bps: int  # an open order this near to its wanted price stays
    skew_bps: int  # shift of the middle at the inventory limit
    sizes: tuple[Decimal, ...]  # one per level
    inventory_max: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.threshold_bps < self.half_spread_bps:
            raise ValueError("the threshold must be positive and below the half spread, else quotes lag behind fair")
        if not self.sizes or min(self.sizes) <= 0 or self.inventory_max <= 0:
            raise ValueError("sizes and the inventory limit must be positive")


class MakerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the market maker. The defaults suit an account with 1,000 BTC, 100 million USDC, 500,000 TH/s.

    With them all bids of 36 + 36 months hold about 1 million USDC and 12 BTC of margin at 35 % and 18 %.
    """

    token: BookStyle = BookStyle(
        half_spread_bps=60,
        level_step_bps=80,
        threshold_bps=20,
        skew_bps=50,
        sizes=(Decimal(300), Decimal(600)),
        inventory_max=Decimal(100_000),
    )
    coin: BookStyle = BookStyle(
        half_spread_bps=20,
        level_step_bps=20,
        threshold_bps=6,
        skew_bps=15,
        sizes=(Decimal("0.5"), Decimal(1)),
        inventory_max=Decimal(200),
    )
    forward: BookStyle = BookStyle(
        half_spread_bps=100,
        level_step_bps=100,
        threshold_bps=30,
        skew_bps=80,
        sizes=(Decimal(10), Decimal(20)),
        inventory_max=Decimal(200),
    )
    curve_decay_bps_per_month: int = 100
    token_value_days: int = 730
    inventory_targets: dict[str, Decimal] = {}  # spot, per currency; the balance at the start where not named
    label_prefix: str = "mm"
    requests_per_s: int = 100
    requests_in_flight: int = 8
    cycle_s: float = 0.5
    account_poll_s: float = 2
    instruments_poll_s: float = 60
    backoff_first_s: float = 5
    backoff_max_s: float = 60

    def style(self, instrument: Instrument) -> BookStyle:
        """The style for an instrument's kind."""
        if instrument.kind != "spot":
            return self.forward
        return self.coin if instrument.base_currency == "BTC" else self.token


class FairSource(StrEnum):
    """Where a fair value comes from; only the mark can be moved by our own quotes."""

    INDEX = "index"
    MARK = "mark"
    MODEL = "model"


class Fair(NamedTuple):
    """A fair value in quote per base unit."""

    price: Decimal
    source: FairSource


class Slot(NamedTuple):
    """One place in our ladder; each holds at most one order."""

    side: str
    level: int

    def label(self, prefix: str) -> str:
        """The order label that marks this slot."""
        return f"{prefix}.{self.side}.{self.level}"


class Quote(NamedTuple):
    """A wanted order: price in quote per base unit, open amount in base units."""

    price: Decimal
    amount: Decimal


class Place(NamedTuple):
    """Send a new order."""

    slot: Slot
    quote: Quote


class Edit(NamedTuple):
    """Move an order; `total_amount` includes what is filled already, as the API wants it."""

    slot: Slot
    order_id: str
    quote: Quote
    total_amount: Decimal


class Cancel(NamedTuple):
    """Take an order away."""

    order_id: str


Action = Place | Edit | Cancel


def slot_of_label(label: str, prefix: str) -> Slot | None:
    """The slot a label names; None when the order is not one of ours."""
    parts = label.split(".")
    if len(parts) != 3 or parts[0] != prefix or parts[1] not in (BUY, SELL) or not parts[2].isdecimal():
        return None
    return Slot(parts[1], int(parts[2]))


def fair_value(
    instrument: Instrument, ticker: Ticker, config: MakerConfig, *, hashprice: Decimal | None = None
) -> Fair | None:
    """Fair value of one instrument; None when nothing says what it is worth.

    Args:
        hashprice: today's value of one PH/s-day in the instrument's quote currency, for tokens without any price.
    """
    index_price = ticker.index_price or Decimal(0)
    if index_price > 0 and instrument.kind == "spot":
        return Fair(index_price, FairSource.INDEX)
    if index_price > 0:
        months = Decimal(max(0, instrument.expiration_timestamp - ticker.timestamp)) / MONTH_MS
        decay = 1 - config.curve_decay_bps_per_month / BPS
        return Fair(index_price * decay**months, FairSource.INDEX)
    if ticker.mark_price is not None and ticker.mark_price > 0:
        return Fair(ticker.mark_price, FairSource.MARK)
    if hashprice is not None and hashprice > 0 and instrument.kind == "spot" and instrument.base_currency != "BTC":
        return Fair(hashprice * config.token_value_days / TH_PER_PH, FairSource.MODEL)
    return None


def plan_quotes(
    instrument: Instrument,
    fair: Fair,
    inventory: Decimal,
    config: MakerConfig,
    *,
    price_min: Decimal | None = None,
    price_max: Decimal | None = None,
) -> dict[Slot, Quote]:
    """The orders wanted in one instrument.

    Args:
        inventory: base units above (below) the target; a forward's signed position.
        price_min, price_max: the venue's band; a level outside it is left out.

    Laws: best bid < best ask; levels of a side differ by at least a tick; filling a whole side never takes the
    inventory past its limit; amounts are multiples of the instrument's step.
    """
    style = config.style(instrument)
    step, tick = instrument.min_trade_amount, instrument.tick_size
    unit = step if instrument.kind != "spot" else Decimal(1)
    limit = style.inventory_max * unit

    used = min(Decimal(1), max(Decimal(-1), inventory / limit))
    skew_bps = Decimal(0) if fair.source is FairSource.MARK else -used * style.skew_bps
    middle = fair.price * (1 + skew_bps / BPS)

    quotes: dict[Slot, Quote] = {}
    room = {BUY: limit - inventory, SELL: limit + inventory}
    previous: dict[str, Decimal] = {}
    for level, size in enumerate(style.sizes):
        away = (style.half_spread_bps + level * style.level_step_bps) / BPS
        for side, factor in ((BUY, 1 - away), (SELL, 1 + away)):
            price = round_to(middle * factor, tick, ROUND_FLOOR if side == BUY else ROUND_CEILING)
            if side in previous:
                price = min(price, previous[side] - tick) if side == BUY else max(price, previous[side] + tick)
            elif side == SELL and BUY in previous:
                price = max(price, previous[BUY] + tick)
            previous[side] = price
            amount = round_to(min(size * unit, room[side]), step, ROUND_FLOOR)
            if amount <= 0 and room[side] >= step and size * unit < step:
                amount = step  # a size below the smallest order means one smallest order
            outside = price < tick or (price_min and price < price_min) or (price_max and price > price_max)
            if amount > 0 and not outside:
                quotes[Slot(side, level)] = Quote(price, amount)
                room[side] -= amount
    return quotes


def diff_quotes(
    wanted: Mapping[Slot, Quote], open_orders: Mapping[Slot, Order], config: MakerConfig, instrument: Instrument
) -> list[Action]:
    """What to do so that the open orders become the wanted ones, and nothing where they are near enough.

    Order of the actions: cancels; then edits, the side that gives way first (moving up, asks before bids), so that we
    never run into our own orders; then new orders, the best level first.
    """
    style = config.style(instrument)
    cancels = [Cancel(order.order_id) for slot, order in open_orders.items() if slot not in wanted]
    missing = sorted((slot for slot in wanted if slot not in open_orders), key=lambda slot: slot.level)
    places = [Place(slot, wanted[slot]) for slot in missing]
    edits: list[Edit] = []
    moving_up = True
    for slot, quote in wanted.items():
        order = open_orders.get(slot)
        if order is None:
            continue
        old_price = order.price or Decimal(0)
        moved = abs(old_price - quote.price) * BPS > style.threshold_bps * quote.price
        resized = order.open_amount * 2 < quote.amount or order.open_amount > quote.amount
        if moved or resized:
            edits.append(Edit(slot, order.order_id, quote, order.filled_amount + quote.amount))
            moving_up = quote.price >= old_price
    first = SELL if moving_up else BUY
    edits.sort(key=lambda edit: edit.slot.side != first)
    return [*cancels, *edits, *places]


def retreat(actions: list[Action], sides: Collection[str]) -> list[Action]:
    """The same without new risk on some sides: there an order that should move is cancelled, and none is sent."""
    calm: list[Action] = []
    for action in actions:
        if isinstance(action, Cancel) or action.slot.side not in sides:
            calm.append(action)
        elif isinstance(action, Edit):
            calm.append(Cancel(action.order_id))
    return calm


def round_to(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """`value` as a multiple of `step`, in the digits of the step."""
    return (value / step).to_integral_value(rounding=rounding) * step
