"""Rebuilds every book from commands and events alone, and objects to events that break a law of matching.

Lives here: `Auditor`. It holds queues as a reader of the event stream would, so it also proves that the events are
enough to follow the book order by order.
Does not know: any engine. It never decides who should trade with whom; it only judges what it is told.
"""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from domain.constants import BUY, FOK, GTC, LIMIT, MARKET, SELL
from domain.ensure import ensure
from tests.reference.order_book import DIGEST_RECORD, NEVER_RESTED, Event


@dataclass
class AuditedOrder:
    """What the event stream has said about one order. `limit_ticks` 0 means unbounded."""

    book: int
    owner: int
    side: int
    limit_ticks: int
    open_lots: int
    filled_lots: int = 0


Level = list[int]  # order ids, oldest first


class Auditor:
    """Follows an engine through `submit`, `amend`, `cancel` and `cancel_owner`; every violation raises.

    Raises:
        InvariantViolation: from every method, when an event breaks a law; the text names it.
    """

    def __init__(self) -> None:
        self.resting: dict[int, AuditedOrder] = {}
        self.levels: dict[tuple[int, int], dict[int, Level]] = defaultdict(dict)  # (book, side) -> price -> queue
        self.last_price: dict[int, int] = {}

    def observe(self, method: str, args: tuple[int, ...], options: dict[str, Any], events: list[Event]) -> None:
        """Judge the events of one command given as the name of an engine method and its arguments."""
        if method == "submit":
            self._observe_submit(*args, options=options, events=events)
        elif method == "amend":
            self._observe_amend(*args, events=events)
        else:
            for event in events:
                ensure(event[0] in ("refused", "cancelled"), "a cancel only removes")
                if event[0] == "cancelled":
                    ensure(event[3] == "user", "a cancel is at the owner's wish")
                    ensure(self.resting[event[1]].owner == args[-1], "only the owner cancels")
                    self._apply_removal(event)

    # ---- questions ---------------------------------------------------------------------------------------------

    def queue(self, book: int, side: int) -> list[int]:
        """Ids of one side in priority order."""
        return [order_id for _, level in self._best_first(book, side) for order_id in level]

    def depth(self, book: int, side: int) -> list[tuple[int, int]]:
        """(price_ticks, lots) of one side, best first."""
        return [
            (price, sum(self.resting[order_id].open_lots for order_id in level))
            for price, level in self._best_first(book, side)
        ]

    def best(self, book: int, side: int) -> int | None:
        """Best price of one side in ticks."""
        prices = self.levels[book, side]
        return None if not prices else max(prices) if side == BUY else min(prices)

    def state_digest(self) -> str:
        """The digest an engine in this state must report. Rule MATCH-060."""
        digest = hashlib.blake2b(digest_size=16)
        for book, side in sorted(self.levels):
            for price, level in self._best_first(book, side):
                for order_id in level:
                    order = self.resting[order_id]
                    digest.update(
                        DIGEST_RECORD.pack(
                            book, side, price, order_id, order.owner, order.open_lots, order.filled_lots,
                            order.open_lots,
                        )
                    )  # fmt: skip
        return digest.hexdigest()

    # ---- judging -----------------------------------------------------------------------------------------------

    def _observe_submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *, options: dict[str, Any],
        events: list[Event],
    ) -> None:  # fmt: skip
        if events and events[0][0] == "refused":
            ensure(len(events) == 1, "a refusal stands alone")
            return
        is_market = options.get("order_type", LIMIT) == MARKET
        ensure(order_id not in self.resting, "a resting id is not entered again")
        taker = AuditedOrder(book, owner, side, 0 if is_market else price_ticks, lots)
        if options.get("post_only", False):
            ensure(all(event[0] != "fill" for event in events), "a post-only order never takes")
        self._apply_entry(order_id, taker, events)
        if is_market or options.get("tif", GTC) != GTC:
            ensure(order_id not in self.resting, "an immediate order never rests")
        if options.get("tif", GTC) == FOK:
            ensure(taker.filled_lots in (0, lots), "a fill-or-kill order fills completely or not at all")

    def _observe_amend(
        self, order_id: int, owner: int, price_ticks: int, total_lots: int, *, events: list[Event]
    ) -> None:
        first = events[0]
        if first[0] == "refused":
            ensure(len(events) == 1, "a refusal stands alone")
            return
        order = self.resting[order_id]
        ensure(order.owner == owner, "only the owner amends")
        if first[0] == "amended":
            ensure(len(events) == 1, "an amend in place does nothing else")
            ensure(first[2] == order.limit_ticks == price_ticks, "an amend in place keeps its price")
            ensure(0 < first[3] <= order.open_lots, "an amend in place never increases")
            ensure(first[3] == total_lots - order.filled_lots, "an amend sets the total")
            order.open_lots = first[3]
            ensure(first[4] == self._level_lots(order), "level lots are the sum of its orders")
            return
        self._apply_removal(first)
        if first[3] == "amend_total":
            ensure(total_lots <= order.filled_lots and len(events) == 1, "a total at or below the fills cancels")
            return
        ensure(first[3] == "amend_replace", "an amend removes only to replace")
        order.limit_ticks = price_ticks
        order.open_lots = total_lots - order.filled_lots
        self._apply_entry(order_id, order, events[1:])

    def _apply_entry(self, order_id: int, taker: AuditedOrder, events: list[Event]) -> None:
        """Follow an incoming order to its end; every lot must be filled, resting or cancelled."""
        for event in events:
            ensure(taker.open_lots > 0, "nothing happens after an order is done")
            if event[0] == "fill":
                self._apply_fill(order_id, taker, event)
            elif event[0] == "rested":
                self._apply_rest(order_id, taker, event)
            elif event[1] == order_id:
                ensure(event[0] == "cancelled" and event[5] == NEVER_RESTED, "an incoming order is cancelled unrested")
                ensure(event[2] == taker.open_lots, "what is left is what is cancelled")
                taker.open_lots = 0
            else:
                ensure(event[3] == "stp" and self.resting[event[1]].owner == taker.owner, "only own makers are removed")
                self._ensure_next_in_line(event[1], taker)
                self._apply_removal(event)
        ensure(taker.open_lots == 0 or order_id in self.resting, "every lot is filled, cancelled or resting")

    def _apply_fill(self, taker_id: int, taker: AuditedOrder, event: Event) -> None:
        _, maker_id, event_taker_id, price_ticks, lots, maker_open_lots, level_lots = event
        ensure(event_taker_id == taker_id and maker_id != taker_id, "the incoming order is the taker")
        self._ensure_next_in_line(maker_id, taker)
        maker = self.resting[maker_id]
        ensure(price_ticks == maker.limit_ticks, "a trade is at the resting price")
        ensure(lots == min(maker.open_lots, taker.open_lots) > 0, "a trade is as large as both sides allow")
        if taker.limit_ticks > 0:
            worse = price_ticks - taker.limit_ticks if taker.side == BUY else taker.limit_ticks - price_ticks
            ensure(worse <= 0, "a fill is never worse than the limit")
        for order in (maker, taker):
            order.open_lots -= lots
            order.filled_lots += lots
        ensure(maker_open_lots == maker.open_lots, "a fill reports what the maker has left")
        ensure(level_lots == self._level_lots(maker), "level lots are the sum of its orders")
        self.last_price[taker.book] = price_ticks
        if maker.open_lots == 0:
            self._drop(maker_id)

    def _apply_rest(self, order_id: int, order: AuditedOrder, event: Event) -> None:
        ensure(event[1:4] == (order_id, order.limit_ticks, order.open_lots), "what is left rests at its limit")
        best = self.best(order.book, SELL - order.side)
        crossed = best is not None and (best <= order.limit_ticks if order.side == BUY else best >= order.limit_ticks)
        ensure(not crossed, "an order never rests crossed")
        self.resting[order_id] = order
        self.levels[order.book, order.side].setdefault(order.limit_ticks, []).append(order_id)
        ensure(event[4] == self._level_lots(order), "level lots are the sum of its orders")

    def _apply_removal(self, event: Event) -> None:
        _, order_id, lots, _, price_ticks, level_lots = event
        ensure(order_id in self.resting, "only a resting order is removed")
        order = self.resting[order_id]
        ensure((lots, price_ticks) == (order.open_lots, order.limit_ticks), "a removal names what was open and where")
        order.open_lots = 0
        ensure(level_lots == self._level_lots(order), "level lots are the sum of its orders")
        self._drop(order_id)

    # ---- helpers -----------------------------------------------------------------------------------------------

    def _ensure_next_in_line(self, maker_id: int, taker: AuditedOrder) -> None:
        """The order met is the oldest at the best price of the side opposite to the taker."""
        opposite = SELL - taker.side
        best = self.best(taker.book, opposite)
        first = None if best is None else self.levels[taker.book, opposite][best][0]
        ensure(first == maker_id, "best price first, then oldest first")

    def _level_lots(self, order: AuditedOrder) -> int:
        level = self.levels[order.book, order.side][order.limit_ticks]
        return sum(self.resting[order_id].open_lots for order_id in level)

    def _drop(self, order_id: int) -> None:
        order = self.resting.pop(order_id)
        levels = self.levels[order.book, order.side]
        levels[order.limit_ticks].remove(order_id)
        if not levels[order.limit_ticks]:
            del levels[order.limit_ticks]

    def _best_first(self, book: int, side: int) -> list[tuple[int, Level]]:
        return sorted(self.levels[book, side].items(), reverse=side == BUY)
