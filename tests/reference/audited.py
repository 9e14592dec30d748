"""Books as a reader of the event stream keeps them.

Lives here: orders, queues, reference prices and extremes that follow from commands and events; depth and digest of it.
Does not know: whether an event was right (`auditor.py`), any engine.
Theory: prices are outside prices, as in the events; only the digest adds a combo's bias (MATCH-060, MATCH-110).
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from domain.constants import BUY, PHASE_CONTINUOUS, REFERENCE_LAST, TRIGGER_UP
from tests.reference.laws import DIGEST_RECORD, KIND_PARKED, KIND_WAITING

INCOMING: Final = 0
RESTING: Final = 1
WAITING: Final = 2
PARKED: Final = 3
DONE: Final = 4


@dataclass
class AuditedOrder:
    """What the event stream has said about one order. `limit_ticks` 0 means none; a resting peg's is its place."""

    book: int
    owner: int
    side: int
    limit_ticks: int
    open_lots: int
    filled_lots: int = 0
    shown_lots: int = 0
    display_lots: int = 0
    entry: int = 0
    state: int = INCOMING
    is_market: bool = False
    is_immediate: bool = False
    post_only: bool = False
    budget: int = 0
    peg: int = 0
    peg_limit: int = 0
    trigger: int = 0
    trigger_ticks: int = 0
    reference: int = REFERENCE_LAST
    trails: bool = False
    active: bool = False
    extreme_ticks: int | None = None


Level = list[int]  # order ids, first in line first


class AuditedBooks:
    """Everything that is open, by what was said of it."""

    def __init__(self) -> None:
        self.orders: dict[int, AuditedOrder] = {}  # alive: incoming, resting, waiting, parked
        self.resting: dict[int, AuditedOrder] = {}
        self.levels: dict[tuple[int, int], dict[int, Level]] = defaultdict(dict)  # (book, side) -> price -> queue
        self.last_price: dict[int, int] = {}
        self.prices: dict[tuple[int, int], int] = {}  # (book, reference) -> price
        self.phases: dict[int, int] = defaultdict(int)
        self.biases: dict[int, int] = defaultdict(int)
        self.groups: dict[int, int] = {}
        self.entries = 0

    # ---- questions ---------------------------------------------------------------------------------------------

    def queue(self, book: int, side: int) -> list[int]:
        """Ids of one side in priority order."""
        return [order_id for _, level in self._best_first(book, side) for order_id in level]

    def depth(self, book: int, side: int) -> list[tuple[int, int]]:
        """(price_ticks, shown lots) of one side, best first."""
        return [
            (price, sum(self.resting[order_id].shown_lots for order_id in level))
            for price, level in self._best_first(book, side)
        ]

    def best(self, book: int, side: int) -> int | None:
        """Best price of one side in ticks."""
        prices = self.levels[book, side]
        return None if not prices else max(prices) if side == BUY else min(prices)

    def is_call(self, book: int) -> bool:
        """Whether orders may stand crossed: whenever nothing trades. Rules MATCH-091, MATCH-098."""
        return self.phases[book] != PHASE_CONTINUOUS

    def level_lots(self, order: AuditedOrder) -> int:
        """Shown lots of the level an order is in."""
        level = self.levels[order.book, order.side][order.limit_ticks]
        return sum(self.resting[order_id].shown_lots for order_id in level)

    def are_same(self, one: AuditedOrder, other: AuditedOrder) -> bool:
        """Rule MATCH-030."""
        group = self.groups.get(one.owner, 0)
        grouped = group != 0 and group == self.groups.get(other.owner, 0)
        return one.owner != 0 and other.owner != 0 and (one.owner == other.owner or grouped)

    def state_digest(self) -> str:
        """The digest an engine in this state must report. Rule MATCH-060."""
        digest = hashlib.blake2b(digest_size=16)
        aside = [item for item in self.orders.items() if item[1].state in (WAITING, PARKED)]
        for book in sorted({book for book, _ in self.levels} | {order.book for _, order in aside}):
            bias = self.biases[book]
            for side in (BUY, 1 - BUY):
                for price, level in self._best_first(book, side):
                    for order_id in level:
                        order = self.resting[order_id]
                        common = (order_id, order.owner, order.open_lots, order.filled_lots)
                        digest.update(DIGEST_RECORD.pack(book, side, price + bias, *common, order.shown_lots))
            for order_id, order in sorted(aside, key=lambda item: item[1].entry):
                if order.book == book:
                    digest.update(DIGEST_RECORD.pack(book, *self._aside_record(order_id, order, bias)))
        return digest.hexdigest()

    def _aside_record(self, order_id: int, order: AuditedOrder, bias: int) -> tuple[int, ...]:
        common = (order_id, order.owner, order.open_lots, order.filled_lots)
        if order.state == PARKED:
            return KIND_PARKED, order.peg_limit, *common, 0
        trigger = order.trigger_ticks + bias if order.trigger_ticks else 0
        extreme = 0 if order.extreme_ticks is None else order.extreme_ticks + bias
        return KIND_WAITING, trigger, *common, extreme

    def _best_first(self, book: int, side: int) -> list[tuple[int, Level]]:
        return sorted(self.levels[book, side].items(), reverse=side == BUY)

    # ---- places ------------------------------------------------------------------------------------------------

    def show_at_the_back(self, order_id: int, order: AuditedOrder) -> None:
        """Put an order, or its next part, at the end of its price. Rules MATCH-005, MATCH-066."""
        level = self.levels[order.book, order.side].setdefault(order.limit_ticks, [])
        if order_id in level:
            level.remove(order_id)
        level.append(order_id)
        self.resting[order_id] = order
        order.state = RESTING
        order.shown_lots = min(order.display_lots or order.open_lots, order.open_lots)

    def leave_level(self, order_id: int, order: AuditedOrder) -> int:
        """Take an order out of its level; returns the lots left in it."""
        order.shown_lots = 0
        lots = self.level_lots(order)
        levels = self.levels[order.book, order.side]
        levels[order.limit_ticks].remove(order_id)
        if not levels[order.limit_ticks]:
            del levels[order.limit_ticks]
        del self.resting[order_id]
        order.state = INCOMING
        return lots

    def forget(self, order_id: int) -> None:
        """An order has nothing open any more."""
        self.orders.pop(order_id).state = DONE

    # ---- prices ------------------------------------------------------------------------------------------------

    def see(self, book: int, reference: int, price: int) -> None:
        """A price was seen: extremes of trailing orders follow. Rules MATCH-072, MATCH-075..077."""
        self.prices[book, reference] = price
        if reference == REFERENCE_LAST:
            self.last_price[book] = price
        for order in self.orders.values():
            if not (order.trails and order.state == WAITING and (order.book, order.reference) == (book, reference)):
                continue
            if order.active:
                known = price if order.extreme_ticks is None else order.extreme_ticks
                order.extreme_ticks = min(known, price) if order.side == BUY else max(known, price)
            elif _is_reached(order, price):
                order.active, order.extreme_ticks = True, price

    def activate_if_met(self, order: AuditedOrder) -> None:
        """A trailing order begins to wait, or has another activation price. Rules MATCH-075, MATCH-076."""
        price = self.prices.get((order.book, order.reference))
        met = order.trigger == 0 or (price is not None and _is_reached(order, price))
        if order.trails and not order.active and met:
            order.active, order.extreme_ticks = True, price


def _is_reached(order: AuditedOrder, price: int) -> bool:
    return price >= order.trigger_ticks if order.trigger == TRIGGER_UP else price <= order.trigger_ticks
