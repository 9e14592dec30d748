"""The plain order book: every matching rule written the slow and obvious way.

Lives here: `ReferenceEngine`, the twin of the compiled engine, with the same door, events and digest.
Does not know: the compiled engine, tests, files, time.
Theory: one `SortedDict` per side maps a price to its level; a level is a dict from order id to order, and a dict keeps
the order in which keys were put in, so iterating it is the queue. Nothing is cached that could be computed, except the
open lots of a level, which `check_invariants` recomputes. Rules: docs/rules/MATCH.md.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Any, Final

from sortedcontainers import SortedDict

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from domain.ensure import ensure
from tests.reference.order_checks import accepts, protection_limit, refuse_lots, refuse_price

Event = tuple[Any, ...]

NEVER_RESTED: Final = -1  # stands where a level's lots would be when the order was in no level
DIGEST_RECORD: Final = struct.Struct("<IBqQIqq")  # book, side, price_ticks, order_id, owner, open_lots, filled_lots


class _Order:
    """One order, incoming or resting. `price_ticks` is 0 for an unbounded one; `entry` counts orders as they come."""

    __slots__ = (
        "book", "entry", "filled_lots", "open_lots", "order_id", "owner", "post_only", "price_ticks", "side", "stp",
    )  # fmt: skip

    def __init__(
        self, *, book: int, order_id: int, owner: int, side: int, price_ticks: int, open_lots: int, post_only: bool,
        stp: int, entry: int,
    ) -> None:  # fmt: skip
        self.book = book
        self.order_id = order_id
        self.owner = owner
        self.side = side
        self.price_ticks = price_ticks
        self.open_lots = open_lots
        self.filled_lots = 0
        self.post_only = post_only
        self.stp = stp
        self.entry = entry


class _Level:
    """All orders of one side at one price, oldest first, and the sum of their open lots."""

    __slots__ = ("lots", "queue")

    def __init__(self) -> None:
        self.queue: dict[int, _Order] = {}
        self.lots = 0


class _Book:
    """Two sides of levels, the rules of the instrument, and the price of the last trade."""

    __slots__ = ("last_price", "rules", "sides")

    def __init__(self, rules: BookRules) -> None:
        self.rules = rules
        self.sides: tuple[SortedDict, SortedDict] = (SortedDict(), SortedDict())
        self.last_price: int | None = None

    def best_price(self, side: int) -> int | None:
        """Highest bid or lowest ask in ticks, None on an empty side."""
        levels = self.sides[side]
        if not levels:
            return None
        price: int = levels.keys()[-1 if side == BUY else 0]
        return price

    def levels_best_first(self, side: int) -> Iterator[tuple[int, _Level]]:
        """Levels of a side from the best price outwards."""
        levels = self.sides[side]
        for price in reversed(levels) if side == BUY else iter(levels):
            yield price, levels[price]


class ReferenceEngine:
    """Price-time priority over several books; the door of `matching.order_book.MatchingEngine`.

    Refusals and kills are events, never exceptions. An order id may be used again once its order is gone. `owner` 0 is
    nobody: such orders never meet themselves. `pages_max` sizes memory in the compiled engine and has no meaning here.
    """

    def __init__(self, *, orders_max: int = 65536, books_max: int = 16, pages_max: int = 65536) -> None:
        ensure(orders_max > 0 and books_max > 0 and pages_max > 0, "engine sizes are positive")
        self._orders_max = orders_max
        self._books_max = books_max
        self._books: dict[int, _Book] = {}
        self._resting: dict[int, _Order] = {}
        self._entries = 0

    # ---- commands ----------------------------------------------------------------------------------------------

    def add_book(self, book: int, rules: BookRules) -> None:
        """Open an empty book under an id in 0..books_max-1.

        Raises:
            InvariantViolation: the id is out of range or taken.
        """
        ensure(0 <= book < self._books_max, "book id is in range")
        ensure(book not in self._books, "book id is free")
        self._books[book] = _Book(rules)

    def submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *, order_type: int = LIMIT,
        tif: int = GTC, post_only: bool = False, stp: int = STP_CANCEL_NEWEST,
    ) -> list[Event]:  # fmt: skip
        """Enter a new order: check, match, rest or cancel what is left. Rules MATCH-001..039.

        Args:
            price_ticks: the limit; ignored for a market order.
            lots: quantity wanted.

        Returns:
            The events in the order in which they happened; a refused order yields exactly one.
        """
        target = self._books.get(book)
        if target is None:
            return [("refused", order_id, "no_book")]
        if order_id in self._resting:
            return [("refused", order_id, "duplicate_id")]
        if (reason := refuse_lots(target.rules, lots)) is not None:
            return [("refused", order_id, reason)]
        if order_type == LIMIT:
            if (reason := refuse_price(target.rules, price_ticks)) is not None:
                return [("refused", order_id, reason)]
        else:
            best = target.best_price(SELL - side)
            if best is None:
                return [("cancelled", order_id, lots, "no_liquidity", 0, NEVER_RESTED)]
            price_ticks = protection_limit(target.rules, side, best)

        self._entries += 1
        order = _Order(
            book=book, order_id=order_id, owner=owner, side=side, price_ticks=price_ticks, open_lots=lots,
            post_only=post_only, stp=stp, entry=self._entries,
        )  # fmt: skip
        if post_only and _would_trade(target, side, price_ticks):
            return [("refused", order_id, "post_only_cross")]
        may_rest = order_type == LIMIT and tif == GTC
        if may_rest and len(self._resting) >= self._orders_max:
            return [("refused", order_id, "book_full")]
        if tif == FOK and _reachable_lots(target, order) < lots:
            return [("cancelled", order_id, lots, "fok", price_ticks, NEVER_RESTED)]

        events = self._match(target, order)
        if order.open_lots == 0:
            return events
        if may_rest:
            events.append(self._rest(target, order))
        else:
            reason = _remainder_reason(target, order, order_type)
            events.append(("cancelled", order_id, order.open_lots, reason, price_ticks, NEVER_RESTED))
        return events

    def cancel(self, order_id: int, owner: int) -> list[Event]:
        """Take a resting order away at its owner's wish. Unknown, gone and foreign orders look the same. MATCH-050."""
        order = self._resting.get(order_id)
        if order is None or order.owner != owner:
            return [("refused", order_id, "unknown_order")]
        return [self._remove(order, "user")]

    def amend(self, order_id: int, owner: int, price_ticks: int, total_lots: int) -> list[Event]:
        """Change price and total quantity (filled + open wanted) of a resting order. Rules MATCH-040..046."""
        order = self._resting.get(order_id)
        if order is None or order.owner != owner:
            return [("refused", order_id, "unknown_order")]
        target = self._books[order.book]
        wrong_lots = None if total_lots == 0 else refuse_lots(target.rules, total_lots)  # nothing is a legal total
        if (reason := wrong_lots or refuse_price(target.rules, price_ticks)) is not None:
            return [("refused", order_id, reason)]
        if total_lots <= order.filled_lots:
            return [self._remove(order, "amend_total")]

        open_lots = total_lots - order.filled_lots
        if price_ticks == order.price_ticks and open_lots <= order.open_lots:
            level = target.sides[order.side][price_ticks]
            level.lots -= order.open_lots - open_lots
            order.open_lots = open_lots
            return [("amended", order_id, price_ticks, open_lots, level.lots)]
        if order.post_only and _would_trade(target, order.side, price_ticks):
            return [("refused", order_id, "post_only_cross")]

        events = [self._remove(order, "amend_replace")]
        order.price_ticks = price_ticks
        order.open_lots = open_lots
        events += self._match(target, order)
        if order.open_lots > 0:
            events.append(self._rest(target, order))
        return events

    def cancel_owner(self, owner: int) -> list[Event]:
        """Take all resting orders of one owner away, in the order of entry; nobody has none. Rule MATCH-052."""
        mine = [order for order in self._resting.values() if order.owner == owner != 0]
        return [self._remove(order, "user") for order in sorted(mine, key=lambda order: order.entry)]

    # ---- queries -----------------------------------------------------------------------------------------------

    def best(self, book: int) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks; None where a side is empty."""
        return self._books[book].best_price(BUY), self._books[book].best_price(SELL)

    def depth(self, book: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(price_ticks, lots) of up to `levels` levels of bids and of asks, best first."""
        bids, asks = (
            [(price, level.lots) for price, level in self._books[book].levels_best_first(side)][:levels]
            for side in (BUY, SELL)
        )
        return bids, asks

    def order(self, order_id: int) -> tuple[int, int, int, int, int, int] | None:
        """(book, owner, side, price_ticks, open_lots, filled_lots) of a resting order, else None."""
        order = self._resting.get(order_id)
        if order is None:
            return None
        return order.book, order.owner, order.side, order.price_ticks, order.open_lots, order.filled_lots

    def last_price(self, book: int) -> int | None:
        """Price of the latest trade in ticks, None before the first."""
        return self._books[book].last_price

    def state_digest(self) -> str:
        """Digest of every resting order in queue order; independent of how an engine stores them. MATCH-060."""
        digest = hashlib.blake2b(digest_size=16)
        for order in self._orders_in_digest_order():
            digest.update(
                DIGEST_RECORD.pack(
                    order.book, order.side, order.price_ticks, order.order_id, order.owner, order.open_lots,
                    order.filled_lots,
                )
            )  # fmt: skip
        return digest.hexdigest()

    def check_invariants(self) -> None:
        """Recompute what the engine relies on.

        Raises:
            InvariantViolation: a law is broken.
        """
        seen = 0
        for target in self._books.values():
            bid, ask = target.best_price(BUY), target.best_price(SELL)
            ensure(bid is None or ask is None or bid < ask, "best bid is below best ask")
            for side in (BUY, SELL):
                for price, level in target.levels_best_first(side):
                    ensure(level.queue, "a level holds at least one order")
                    ensure(level.lots == sum(o.open_lots for o in level.queue.values()), "level lots are the sum")
                    for order_id, order in level.queue.items():
                        seen += 1
                        ensure(order.open_lots > 0, "a resting order has open lots")
                        ensure(order.filled_lots >= 0, "filled lots are not negative")
                        ensure((order.side, order.price_ticks) == (side, price), "an order is in its own level")
                        ensure(self._resting.get(order_id) is order, "a queued order is known by its id")
        ensure(seen == len(self._resting), "every known order is queued exactly once")

    # ---- helpers, in the order in which commands use them --------------------------------------------------------

    def _match(self, target: _Book, taker: _Order) -> list[Event]:
        """Trade `taker` against the opposite side while prices cross; returns events, leaves `open_lots` reduced.

        A taker stopped by self-trade prevention has its event among these and leaves with no open lots.
        """
        events: list[Event] = []
        opposite = SELL - taker.side
        while taker.open_lots > 0:
            best = target.best_price(opposite)
            if best is None or not accepts(taker.side, taker.price_ticks, best):
                break
            level = target.sides[opposite][best]
            maker = next(iter(level.queue.values()))
            if _is_self_trade(taker, maker):
                if taker.stp in (STP_CANCEL_OLDEST, STP_CANCEL_BOTH):
                    events.append(self._remove(maker, "stp"))
                if taker.stp in (STP_CANCEL_NEWEST, STP_CANCEL_BOTH):
                    events.append(
                        ("cancelled", taker.order_id, taker.open_lots, "stp", taker.price_ticks, NEVER_RESTED)
                    )
                    taker.open_lots = 0
                continue
            events.append(self._fill(target, level, maker, taker))
        return events

    def _fill(self, target: _Book, level: _Level, maker: _Order, taker: _Order) -> Event:
        """Trade as much as both want at the maker's price. Rules MATCH-002, MATCH-003."""
        lots = min(maker.open_lots, taker.open_lots)
        for order in (maker, taker):
            order.open_lots -= lots
            order.filled_lots += lots
        level.lots -= lots
        target.last_price = maker.price_ticks
        if maker.open_lots == 0:
            self._unlink(maker)
        return ("fill", maker.order_id, taker.order_id, maker.price_ticks, lots, maker.open_lots, level.lots)

    def _rest(self, target: _Book, order: _Order) -> Event:
        """Put what is left at the back of the queue at its limit. Rule MATCH-005."""
        level = target.sides[order.side].setdefault(order.price_ticks, _Level())
        level.queue[order.order_id] = order
        level.lots += order.open_lots
        self._resting[order.order_id] = order
        return ("rested", order.order_id, order.price_ticks, order.open_lots, level.lots)

    def _remove(self, order: _Order, reason: str) -> Event:
        """Take a resting order out of its queue and say so."""
        level = self._books[order.book].sides[order.side][order.price_ticks]
        level.lots -= order.open_lots
        self._unlink(order)
        return ("cancelled", order.order_id, order.open_lots, reason, order.price_ticks, level.lots)

    def _unlink(self, order: _Order) -> None:
        """Forget a resting order; an empty level goes with it."""
        levels = self._books[order.book].sides[order.side]
        queue = levels[order.price_ticks].queue
        del queue[order.order_id], self._resting[order.order_id]
        if not queue:
            del levels[order.price_ticks]

    def _orders_in_digest_order(self) -> Iterator[_Order]:
        for book in sorted(self._books):
            for side in (BUY, SELL):
                for _, level in self._books[book].levels_best_first(side):
                    yield from level.queue.values()


def _would_trade(target: _Book, side: int, limit_ticks: int) -> bool:
    """Whether the limit meets the opposite best price, whoever owns it. Rule MATCH-016."""
    best = target.best_price(SELL - side)
    return best is not None and accepts(side, limit_ticks, best)


def _is_self_trade(taker: _Order, maker: _Order) -> bool:
    """Whether the taker's own mode forbids this meeting. Rules MATCH-030, MATCH-031."""
    return taker.stp != STP_NONE and taker.owner != 0 and taker.owner == maker.owner


def _reachable_lots(target: _Book, taker: _Order) -> int:
    """Lots the taker could really fill now. Rules MATCH-013, MATCH-035.

    Own orders never count; a mode that cancels the taker also puts everything behind the first own order out of reach.
    """
    lots = 0
    for price, level in target.levels_best_first(SELL - taker.side):
        if not accepts(taker.side, taker.price_ticks, price):
            break
        for maker in level.queue.values():
            if not _is_self_trade(taker, maker):
                lots += maker.open_lots
            elif taker.stp != STP_CANCEL_OLDEST:
                return lots
    return lots


def _remainder_reason(target: _Book, order: _Order, order_type: int) -> str:
    """Why the rest of an order that may not rest is cancelled. Rules MATCH-011, MATCH-027."""
    if order_type == MARKET:
        beyond = target.best_price(SELL - order.side) is not None
        return "protection" if beyond and order.price_ticks > 0 else "no_liquidity"
    return "ioc"


__all__ = ["DIGEST_RECORD", "NEVER_RESTED", "Event", "ReferenceEngine"]
