"""Follows the events of one case as somebody outside would: who queues where, what traded, what ended and why.

Lives here: `Observer`. It rebuilds every queue from events alone and objects to a level whose lots are not the sum of
what its orders show, so `queue` expectations are also a proof that the events are enough (MATCH-061).
Does not know: engines, the case format, who should have traded with whom (tests/reference/auditor.py judges that).
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from domain.constants import BUY, SELL
from domain.ensure import ensure
from tests.engines import Engine, Event

NO_LEVEL: Final = -1  # stands where a level's lots would be when the order is in none
DIGEST_RECORD: Final = struct.Struct("<IBqQIqqq")  # MATCH-060
NOT_AN_END: Final = ("peg",)  # a cancel of this reason is one half of a re-pricing


@dataclass
class Followed:
    """One order. `shown` is what its level counts of it."""

    book: int
    owner: int
    side: int
    display: int
    open_lots: int
    filled: int = 0
    shown: int = 0
    price: int | None = None  # where it rests


@dataclass(frozen=True)
class Trade:
    """One match between two engine orders; in an auction nobody is the taker."""

    maker: int | tuple[int, int]  # (combo book, 0) when several books together were the other side
    taker: int
    lots: int
    price: int
    auction: bool = False


@dataclass(frozen=True)
class End:
    """A refusal, or a cancel. `untouched`: that command traded nothing for this order."""

    number: int
    reason: str
    lots: int
    untouched: bool


@dataclass
class Observer:
    """Everything seen since the start of a case; counts are per engine order number."""

    orders: dict[int, Followed] = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)
    triggered: list[int] = field(default_factory=list)
    auctions: dict[int, tuple[int, int]] = field(default_factory=dict)  # book -> price, volume of the last one
    _levels: dict[tuple[int, int, int], dict[int, Followed]] = field(default_factory=dict)  # in queue order

    def expect_order(self, number: int, order: Followed) -> None:
        """Say what the next command enters under this number; nothing queues before an event says so."""
        self.orders[number] = order

    def observe(self, events: Iterable[Event]) -> list[End]:
        """Follow the events of one engine call; returns its refusals and cancels."""
        ends, traded = [], set()
        for event in events:
            kind, number = event[0], event[1]
            if kind == "fill":
                self._fill(event)
                traded |= {number, event[2]}
            elif kind == "cross":
                self._cross(event)
                traded |= {number, event[2]}
            elif kind == "implied":
                self._trade_implied(event)
                traded.add(number)
            elif kind == "refused":
                ends.append(End(number, event[2], 0, untouched=True))
            elif kind == "cancelled":
                self._cancel(event)
                if event[3] not in NOT_AN_END:
                    ends.append(End(number, event[3], event[2], number not in traded))
            elif kind == "rested":
                self._rest(event)
            elif kind in ("amended", "reduced"):
                self._shrink(event)
            elif kind == "refreshed":
                self._refresh(event)
            elif kind == "triggered":
                self.triggered.append(number)
            elif kind in ("pending", "parked"):
                self.orders[number].open_lots = event[-1]
            elif kind == "auction":
                price, volume = event[2], self.auctions.get(number, (0, 0))[1]
                self.auctions[number] = (price, volume + event[3])
            else:
                ensure(kind in ("mmp", "phase", "extended"), f"event {kind} is in the door")
        return ends

    def queue(self, book: int, side: int) -> list[int]:
        """Order numbers of one side in priority order."""
        prices = sorted((key[2] for key in self._levels if key[:2] == (book, side)), reverse=side == BUY)
        return [number for price in prices for number in self._levels[book, side, price]]

    def depth(self, book: int, side: int) -> list[tuple[int, int]]:
        """(price, shown lots) of one side, best first."""
        prices = sorted((key[2] for key in self._levels if key[:2] == (book, side)), reverse=side == BUY)
        return [(price, _shown_lots(self._levels[book, side, price])) for price in prices]

    def ensure_engine_agrees(self, engine: Engine, biases: list[int]) -> None:
        """The engine's queues are what its events said; `biases` holds the price bias of each book.

        Raises:
            InvariantViolation: they are not.
        """
        for book in range(len(biases)):
            depth = engine.depth(book, len(self.orders) + 1)
            for side in (BUY, SELL):
                ensure(list(map(tuple, depth[side])) == self.depth(book, side), "depth is what the events say")
        if not any(engine.waiting(book) or engine.parked(book) for book in range(len(biases))):
            ensure(engine.state_digest() == self._digest(biases), "the state is what the events say")

    def _digest(self, biases: list[int]) -> str:
        """The digest of an engine in which nothing waits or is parked (MATCH-060)."""
        digest = hashlib.blake2b(digest_size=16)
        for book, bias in enumerate(biases):
            for number in (*self.queue(book, BUY), *self.queue(book, SELL)):
                order = self.orders[number]
                place = (book, order.side, (order.price or 0) + bias)
                digest.update(DIGEST_RECORD.pack(
                    *place, number, order.owner, order.open_lots, order.filled, order.shown
                ))  # fmt: skip
        return digest.hexdigest()

    # ---- one kind of event each -------------------------------------------------------------------------------------

    def _fill(self, event: Event) -> None:
        _, maker_id, taker_id, price, lots, maker_open, level_lots = event
        maker, taker = self.orders[maker_id], self.orders[taker_id]
        self.trades.append(Trade(maker_id, taker_id, lots, price))
        self._trade_resting(maker_id, lots, maker_open, level_lots)
        if maker.book == taker.book:  # the legs of an implied trade are filled for the taker, they do not fill him
            taker.filled += lots
            taker.open_lots -= lots

    def _cross(self, event: Event) -> None:
        _, bid_id, ask_id, price, lots, bid_open, ask_open, bid_level_lots, ask_level_lots = event
        self.trades.append(Trade(bid_id, ask_id, lots, price, auction=True))
        self._trade_resting(bid_id, lots, bid_open, bid_level_lots)
        self._trade_resting(ask_id, lots, ask_open, ask_level_lots)

    def _trade_resting(self, number: int, lots: int, open_lots: int, level_lots: int) -> None:
        order = self.orders[number]
        ensure(0 < lots <= order.shown, "a trade takes shown lots")
        order.filled += lots
        order.open_lots -= lots
        order.shown -= lots
        ensure(order.open_lots == open_lots >= 0, "a fill reports what the resting order has left")
        self._leave_if_empty(number, order, level_lots)

    def _trade_implied(self, event: Event) -> None:
        _, taker_id, combo, price, lots, taker_open = event
        taker = self.orders[taker_id]
        self.trades.append(Trade((combo, 0), taker_id, lots, price))
        taker.filled += lots
        taker.open_lots = taker_open

    def _rest(self, event: Event) -> None:
        _, number, price, open_lots, level_lots = event
        order = self.orders[number]
        ensure(order.price is None, "what rests does not come to rest again")
        order.price, order.open_lots = price, open_lots
        self._show_at_the_back(number, order, level_lots)

    def _refresh(self, event: Event) -> None:
        _, number, price, shown_lots, level_lots = event
        order = self.orders[number]
        ensure(order.price == price and order.shown == 0, "a part is shown when the last one is used up")
        del self._levels[order.book, order.side, price][number]
        self._show_at_the_back(number, order, level_lots)
        ensure(order.shown == shown_lots, "a new part is as large as display and rest allow")

    def _show_at_the_back(self, number: int, order: Followed, level_lots: int) -> None:
        assert order.price is not None
        order.shown = min(order.display or order.open_lots, order.open_lots)
        level = self._levels.setdefault((order.book, order.side, order.price), {})
        level[number] = order
        ensure(level_lots == _shown_lots(level), "level lots are what its orders show")

    def _shrink(self, event: Event) -> None:
        kind, number = event[0], event[1]
        price, open_lots = (event[2], event[3]) if kind == "amended" else (event[4], event[3])
        order = self.orders[number]
        order.open_lots = open_lots
        if event[-1] == NO_LEVEL:
            return
        ensure(order.price == price and open_lots > 0, "what is made smaller in place stays where it is")
        order.shown = min(order.shown, open_lots)
        self._leave_if_empty(number, order, event[-1])

    def _cancel(self, event: Event) -> None:
        _, number, lots, _, price, level_lots = event
        order = self.orders[number]
        if level_lots == NO_LEVEL:
            ensure(order.price is None, "what rests is cancelled out of its level")
            return
        ensure((order.price, order.open_lots) == (price, lots), "a cancel names what was open and where")
        order.open_lots = order.shown = 0
        self._leave_if_empty(number, order, level_lots)

    def _leave_if_empty(self, number: int, order: Followed, level_lots: int) -> None:
        key = (order.book, order.side, order.price)
        level = self._levels[key]  # type: ignore[index]
        if order.open_lots == 0:
            del level[number]
            order.price = None
        ensure(level_lots == _shown_lots(level), "level lots are what its orders show")
        if not level:
            del self._levels[key]  # type: ignore[arg-type]


def _shown_lots(level: dict[int, Followed]) -> int:
    return sum(order.shown for order in level.values())
