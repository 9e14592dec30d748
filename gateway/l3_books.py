"""Level-three replicas: the single orders of a book in queue order, kept from its L3 events.

Lives here: the replica, its texts and its checksum. Order numbers are public: they name no account and are not the ids
that owners use.
Does not know: subscribers, whose orders they are. `sequence` counts the events of one book without a gap.
"""

from collections.abc import Iterable
from heapq import nlargest, nsmallest
from typing import Final

from domain.constants import BUY, L3_ADDED, L3_CHANGED, L3_EXECUTED, L3_REMOVED, SELL
from domain.ensure import ensure
from gateway.checksums import LEVELS, checksum
from gateway.instrument_view import DIRECTIONS, InstrumentView

ACTIONS: Final = {L3_ADDED: "new", L3_CHANGED: "change", L3_REMOVED: "delete", L3_EXECUTED: "trade"}

Order = tuple[int, int, int]  # order number, price, shown lots
Queue = dict[int, int]  # order number -> shown lots, in queue order


class L3Book:
    """One instrument's visible orders."""

    def __init__(self, view: InstrumentView, bids: Iterable[Order], asks: Iterable[Order], sequence: int) -> None:
        """Orders in queue order, best price first; `sequence` = the last event that they include."""
        self.view = view
        self.sequence = sequence
        self.sides: tuple[dict[int, Queue], dict[int, Queue]] = ({}, {})
        self._prices: dict[int, tuple[int, int]] = {}  # order number -> side, price
        for side, orders in ((BUY, bids), (SELL, asks)):
            for order_id, price_ticks, lots in orders:
                self._place(side, order_id, price_ticks, lots)

    def apply(self, side: int, kind: int, order_id: int, price_ticks: int, lots: int, sequence: int) -> None:
        """One event; `lots` = shown afterwards, 0 = gone. O(1). A gap, or an order that is not there, is a broken
        invariant of the event stream."""
        ensure(sequence == self.sequence + 1, "L3 events have no gap")
        self.sequence = sequence
        if kind == L3_ADDED:
            ensure(order_id not in self._prices, "a new order is not in the book yet")
            self._place(side, order_id, price_ticks, lots)
            return
        ensure(self._prices.get(order_id) == (side, price_ticks), "an order changes where it stands")
        queue = self.sides[side][price_ticks]
        if lots:
            queue[order_id] = lots
            return
        del self._prices[order_id], queue[order_id]
        if not queue:
            del self.sides[side][price_ticks]

    def _place(self, side: int, order_id: int, price_ticks: int, lots: int) -> None:
        self._prices[order_id] = (side, price_ticks)
        self.sides[side].setdefault(price_ticks, {})[order_id] = lots

    def best_prices(self, side: int, levels: int) -> list[int]:
        """Prices of the best levels, best first."""
        return (nlargest if side == BUY else nsmallest)(levels, self.sides[side])

    def checksum(self) -> int:
        """CRC32 over the orders of the ten best levels of each side, asks first, in queue order (checksums.py)."""
        view = self.view
        texts = [
            [
                (view.price(price), view.amount(lots))
                for price in self.best_prices(side, LEVELS)
                for lots in self.sides[side][price].values()
            ]
            for side in (SELL, BUY)
        ]
        return checksum(*texts)

    def ladder_json(self, side: int, levels: int) -> str:
        """[[order_id, price, amount], ...] of the best levels, each in queue order."""
        view, books = self.view, self.sides[side]
        rows = [
            f'["{order_id}",{view.price(price)},{view.amount(lots)}]'
            for price in self.best_prices(side, levels)
            for order_id, lots in books[price].items()
        ]
        return f"[{','.join(rows)}]"

    def fields(self, levels: int) -> str:
        """Members shared by the method and the channel's snapshot, without braces."""
        return (
            f'"instrument_name":"{self.view.name}","sequence":{self.sequence},'
            f'"bids":{self.ladder_json(BUY, levels)},"asks":{self.ladder_json(SELL, levels)},'
            f'"checksum":{self.checksum()}'
        )

    def snapshot_json(self, time_ns: int) -> str:
        """The first message of the channel."""
        levels = max(len(self.sides[0]), len(self.sides[1]), 1)
        return f'{{"type":"snapshot","timestamp":{time_ns // 1_000_000},{self.fields(levels)}}}'

    def change_json(self, first_sequence: int, changes: list[str], time_ns: int) -> str:
        """What one command changed, the book as it is now. `first_sequence` is that of the first change."""
        return (
            f'{{"type":"change","timestamp":{time_ns // 1_000_000},"instrument_name":"{self.view.name}",'
            f'"first_sequence":{first_sequence},"sequence":{self.sequence},'
            f'"changes":[{",".join(changes)}],"checksum":{self.checksum()}}}'
        )

    def change_text(self, side: int, kind: int, order_id: int, price_ticks: int, lots: int) -> str:
        """One change: action, direction, order, price, amount shown afterwards (0 = gone)."""
        view = self.view
        return f'["{ACTIONS[kind]}","{DIRECTIONS[side]}","{order_id}",{view.price(price_ticks)},{view.amount(lots)}]'
