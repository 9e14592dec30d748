"""Level-two replicas: what every book shows in total per price, kept from depth events.

Lives here: the replica, its best prices and its texts.
Does not know: subscribers, orders behind the totals.
"""

from collections.abc import Callable, Iterable
from heapq import nlargest, nsmallest

from domain.constants import BUY
from gateway.checksums import LEVELS, checksum
from gateway.instrument_view import InstrumentView, rounded_ratio

Levels = dict[int, int]  # price in ticks -> lots, never 0


class Book:
    """Totals of one instrument. `change_id` is the sequence of the last command that moved it."""

    def __init__(
        self,
        view: InstrumentView,
        bids: Iterable[tuple[int, int]],
        asks: Iterable[tuple[int, int]],
        change_id: int,
        time_ns: int,
    ) -> None:
        self.view = view
        self.sides: tuple[Levels, Levels] = (dict(bids), dict(asks))
        self.change_id = change_id
        self.time_ns = time_ns
        self._tops: list[list[int] | None] = [None, None]  # prices of the best levels; None = not known just now
        self._checksum: int | None = None

    def apply(self, side: int, price_ticks: int, lots: int) -> int:
        """Set one level; returns what stood there before. O(1)."""
        levels = self.sides[side]
        before = levels.get(price_ticks, 0)
        top = self._tops[side]
        if top is not None and (len(top) < LEVELS or not _beyond(side, price_ticks, top[-1])):
            self._checksum = None
            if not (before and lots):
                self._tops[side] = None
        if lots:
            levels[price_ticks] = lots
        else:
            levels.pop(price_ticks, None)
        return before

    def best_bid(self) -> tuple[int, int]:
        """Highest bid and its lots; (0, 0) when empty."""
        return self._best(0)

    def best_ask(self) -> tuple[int, int]:
        """Lowest ask and its lots; (0, 0) when empty."""
        return self._best(1)

    def _best(self, side: int) -> tuple[int, int]:
        top = self.top_prices(side)
        return (top[0], self.sides[side][top[0]]) if top else (0, 0)

    def top_prices(self, side: int) -> list[int]:
        """Prices of the best levels, best first: O(1), or O(levels) after one of them came or went."""
        top = self._tops[side]
        if top is None:
            self._checksum = None
            pick = nlargest if side == BUY else nsmallest
            top = self._tops[side] = pick(LEVELS, self.sides[side])
        return top

    def checksum(self) -> int:
        """CRC32 over the ten best levels (checksums.py); made once for all readers."""
        asks, bids = self.top_prices(1), self.top_prices(0)
        if self._checksum is None:
            view = self.view
            texts = [
                [(view.price(price), view.amount(levels[price])) for price in top]
                for levels, top in zip(self.sides, (bids, asks), strict=True)
            ]
            self._checksum = checksum(texts[1], texts[0])
        return self._checksum

    def ladder(self, side: int, depth: int) -> list[tuple[int, int]]:
        """Best `depth` levels of one side, best first."""
        return sorted(self.sides[side].items(), reverse=side == BUY)[:depth]

    def ladder_json(self, side: int, depth: int) -> str:
        """[[price, amount], ...], best first."""
        return levels_json(self.view, self.ladder(side, depth))

    def grouped_json(self, side: int, depth: int, group_ticks: int) -> str:
        """As ladder_json with prices joined into groups, away from the middle."""
        if group_ticks <= 1:
            return self.ladder_json(side, depth)
        joined: Levels = {}
        for price, lots in self.sides[side].items():
            steps = price // group_ticks if side == BUY else -(-price // group_ticks)
            joined[steps * group_ticks] = joined.get(steps * group_ticks, 0) + lots
        return levels_json(self.view, sorted(joined.items(), reverse=side == BUY)[:depth])

    def snapshot_json(self) -> str:
        """The first message of a book channel."""
        view = self.view
        bids = ",".join(f'["new",{view.price(p)},{view.amount(n)}]' for p, n in self.ladder(0, len(self.sides[0])))
        asks = ",".join(f'["new",{view.price(p)},{view.amount(n)}]' for p, n in self.ladder(1, len(self.sides[1])))
        return (
            f'{{"type":"snapshot","timestamp":{self.time_ns // 1_000_000},"instrument_name":"{view.name}",'
            f'"change_id":{self.change_id},"bids":[{bids}],"asks":[{asks}],'
            f'"x_checksum":{self.checksum()}}}'
        )

    def change_json(self, previous_id: int, change_id: int, before: tuple[Levels, Levels]) -> str:
        """Message that leads from previous_id to change_id, the book as it is now. `before` holds what the touched
        levels showed then (0 = not shown)."""
        bids = self._changes(0, before[0])
        asks = self._changes(1, before[1])
        return (
            f'{{"type":"change","timestamp":{self.time_ns // 1_000_000},"instrument_name":"{self.view.name}",'
            f'"prev_change_id":{previous_id},"change_id":{change_id},"bids":[{bids}],"asks":[{asks}],'
            f'"x_checksum":{self.checksum()}}}'
        )

    def differs(self, before: tuple[Levels, Levels]) -> bool:
        """Whether any touched level shows something else than before."""
        return any(
            levels.get(price, 0) != lots
            for levels, touched in zip(self.sides, before, strict=True)
            for price, lots in touched.items()
        )

    def _changes(self, side: int, before: Levels) -> str:
        view, levels = self.view, self.sides[side]
        parts = []
        for price, old in before.items():
            new = levels.get(price, 0)
            if new == old:
                continue
            action = "new" if old == 0 else "change" if new else "delete"
            parts.append(f'["{action}",{view.price(price)},{view.amount(new)}]')
        return ",".join(parts)


def _beyond(side: int, price_ticks: int, last_ticks: int) -> bool:
    """Whether a price is worse than the last of the best."""
    return price_ticks < last_ticks if side == BUY else price_ticks > last_ticks


def levels_json(view: InstrumentView, levels: list[tuple[int, int]]) -> str:
    """[[price, amount], ...]."""
    price: Callable[[int], str] = view.price
    return "[" + ",".join(f"[{price(p)},{view.amount(n)}]" for p, n in levels) + "]"


def mid_price_text(view: InstrumentView, bid: tuple[int, int], ask: tuple[int, int]) -> str:
    """Half of bid plus ask, to half a tick; null when a side has no lots."""
    (bid_ticks, bid_lots), (ask_ticks, ask_lots) = bid, ask
    if not bid_lots or not ask_lots:
        return "null"
    return view.average_price(bid_ticks + ask_ticks, 2)


def percent_text(new: int, old: int) -> str:
    """Change from old to new in percent with two digits; null without old."""
    if old <= 0:
        return "null"
    hundredths = rounded_ratio((new - old) * 10_000, old)
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"
