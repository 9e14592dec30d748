"""What the plain engine holds: orders, levels, books, protection groups.

Lives here: the records and what can be read off them.
Does not know: how they change (`book_state.py`), who trades with whom.
Theory: prices in here are inside prices (MATCH-110); `Book.out` turns one into what the door shows. Rules:
docs/rules/MATCH.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sortedcontainers import SortedDict

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    PHASE_CONTINUOUS,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
)

Event = tuple[Any, ...]

NEVER_RESTED: Final = -1  # stands where a level's lots would be when the order was in no level
CALL_PHASES: Final = (PHASE_PRE_OPEN, PHASE_OPENING, PHASE_VOLATILITY)

# Where an order is.
INCOMING: Final = 0  # in no level: a taker at work, or not yet accepted
RESTING: Final = 1
WAITING: Final = 2  # for its trigger
PARKED: Final = 3  # a peg without a price
GONE: Final = 4


class Order:
    """One order at any stage of its life. Prices in inside ticks, quantities in lots.

    `price_ticks` is the limit, 0 for none; a resting peg's is where it rests, its own limit is `peg_limit`. `entry`
    counts acceptances. `shown_lots` is its part of its level, 0 in none. `extreme_ticks` 0 means none yet.
    """

    __slots__ = (
        "active", "book", "budget", "display_lots", "entry", "extreme_ticks", "filled_lots", "mmp", "open_lots",
        "order_id", "order_type", "owner", "partner", "peg", "peg_limit", "peg_offset", "post_only", "price_ticks",
        "quote_key", "reference", "shown_lots", "side", "spends", "state", "stp", "tif", "trail_bps", "trail_ticks",
        "trigger", "trigger_ticks",
    )  # fmt: skip

    def __init__(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *, order_type: int,
        tif: int, post_only: int, stp: int, display_lots: int, budget: int, trigger: int, trigger_ticks: int,
        reference: int, trail_ticks: int, trail_bps: int, peg: int, peg_offset: int, mmp: int,
    ) -> None:  # fmt: skip
        self.book = book
        self.order_id = order_id
        self.owner = owner
        self.side = side
        self.price_ticks = price_ticks
        self.open_lots = lots
        self.filled_lots = 0
        self.shown_lots = 0
        self.order_type = order_type
        self.tif = tif
        self.post_only = post_only
        self.stp = stp
        self.display_lots = display_lots  # 0 = shows everything
        self.budget = budget  # what is left of it
        self.spends = budget > 0 and order_type == MARKET and tif != FOK  # fill by fill; others as a whole
        self.trigger = trigger
        self.trigger_ticks = trigger_ticks
        self.reference = reference
        self.trail_ticks = trail_ticks
        self.trail_bps = trail_bps
        self.active = False
        self.extreme_ticks = 0
        self.peg = peg
        self.peg_offset = peg_offset
        self.peg_limit = price_ticks if peg else 0
        self.mmp = mmp
        self.partner: Order | None = None
        self.quote_key: tuple[int, int, int, int] | None = None
        self.entry = 0
        self.state = INCOMING

    @property
    def waits(self) -> bool:
        """Whether it enters only when a price triggers it. Rules MATCH-070, MATCH-075."""
        return self.trigger != 0 or self.trails

    @property
    def trails(self) -> bool:
        """Whether its trigger follows the price. Rule MATCH-075."""
        return self.trail_ticks > 0 or self.trail_bps > 0

    @property
    def may_rest(self) -> bool:
        """Whether what continuous trading leaves of it rests. Rules MATCH-010, MATCH-014."""
        return self.order_type != MARKET and self.tif == GTC

    @property
    def has_limit(self) -> bool:
        """Whether it has a limit of its own: no market order, nor a market-to-limit one that still waits."""
        return self.order_type == LIMIT or (self.order_type != MARKET and self.state != WAITING)

    @property
    def limit_ticks(self) -> int:
        """The limit it was given, 0 for none; a resting peg's price. Rules MATCH-047, MATCH-052."""
        return self.peg_limit if self.state == PARKED else self.price_ticks


class Level:
    """All orders of one side at one price, first in line first, and the sum of their shown lots."""

    __slots__ = ("lots", "queue")

    def __init__(self) -> None:
        self.queue: dict[int, Order] = {}
        self.lots = 0


class Leg(NamedTuple):
    """One leg of a combo: a book and how its price counts, +1 or -1. Rule MATCH-110."""

    book: "Book"
    ratio: int


class Book:
    """Two sides of levels, the rules, what waits, what is pegged, and the prices that were seen."""

    __slots__ = (
        "auction_reference", "bias", "combos", "delta", "last_before", "legs", "number", "pegs", "pegs_saw", "phase",
        "references", "rules", "sides", "stamp", "vega", "waiting",
    )  # fmt: skip

    def __init__(self, number: int, rules: BookRules, legs: tuple[Leg, ...] = ()) -> None:
        self.number = number
        self.rules = rules
        self.bias = rules.price_bias_ticks
        self.legs = legs
        self.combos: list[Book] = []  # combos that have this book as a leg, by number
        self.phase = PHASE_CONTINUOUS
        self.sides: tuple[SortedDict, SortedDict] = (SortedDict(), SortedDict())
        self.waiting: dict[int, Order] = {}  # by id, in order of entry
        self.pegs: dict[int, Order] = {}  # resting and parked, by id, in order of entry
        self.pegs_saw: object = None  # references and best prices as the last re-pricing left them; None = asked for
        self.references: list[int | None] = [None, None, None]  # last, mark, index
        self.last_before: int | None = None  # last price before command number `stamp`
        self.stamp = 0
        self.auction_reference = 0
        self.delta = 1
        self.vega = 0

    @property
    def is_continuous(self) -> bool:
        return self.phase == PHASE_CONTINUOUS

    @property
    def is_call(self) -> bool:
        return self.phase in CALL_PHASES

    def out(self, price_ticks: int) -> int:
        """The outside price of an inside one; 0 (no price) stays 0. Rule MATCH-110."""
        return price_ticks - self.bias if price_ticks else 0

    def inside(self, price_ticks: int) -> int:
        """The inside price of a price that the door's caller states; 0 is a price in a combo."""
        return price_ticks + self.bias

    def best_price(self, side: int) -> int | None:
        """Highest bid or lowest ask, None on an empty side."""
        levels = self.sides[side]
        if not levels:
            return None
        price: int = levels.peekitem(-1 if side == BUY else 0)[0]
        return price

    def best_level(self, side: int) -> Level:
        """The level at the best price of a side that is not empty."""
        level: Level = self.sides[side].peekitem(-1 if side == BUY else 0)[1]
        return level

    def first(self, side: int) -> Order | None:
        """The order that trades next on a side. Rule MATCH-001."""
        return next(iter(self.best_level(side).queue.values())) if self.sides[side] else None

    def levels_best_first(self, side: int) -> Iterator[tuple[int, Level]]:
        """Levels of a side from the best price outwards."""
        levels = self.sides[side]
        for price in reversed(levels) if side == BUY else iter(levels):
            yield price, levels[price]

    def queued(self, side: int) -> list[Order]:
        """Everything that rests on a side, best price first, in queue order."""
        return [order for _, level in self.levels_best_first(side) for order in level.queue.values()]

    def aside(self) -> list[Order]:
        """Waiting and parked orders by entry number. Rules MATCH-053, MATCH-060."""
        parked = [order for order in self.pegs.values() if order.state == PARKED]
        return sorted([*self.waiting.values(), *parked], key=lambda order: order.entry)


@dataclass
class Protection:
    """Limits of one owner's group and what counts against them. Rules MATCH-102..104.

    `fills` holds (time, lots, signed lots x delta, signed lots x vega), oldest first. `frozen_until` None means not
    frozen, 0 until it is reset.
    """

    lots_max: int
    delta_max: int
    vega_max: int
    window: int
    frozen: int
    fills: list[tuple[int, int, int, int]] = field(default_factory=list)
    frozen_until: int | None = None
