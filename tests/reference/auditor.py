"""Rebuilds every book from commands and events alone, and objects to events that break a law of matching.

Lives here: `Auditor`. It holds queues as a reader of the event stream would, so it also proves that the events are
enough to follow the book order by order (MATCH-061).
Does not know: any engine. It never decides who should trade with whom; it only judges what it is told.
"""

from typing import Any, Final

from domain.constants import (
    BUY,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    PHASE_VOLATILITY,
    REFERENCE_INDEX,
    REFERENCE_LAST,
    SELL,
    STP_DECREMENT,
)
from domain.ensure import ensure
from tests.reference.audited import DONE, INCOMING, PARKED, RESTING, WAITING, AuditedBooks, AuditedOrder
from tests.reference.book_records import NEVER_RESTED, Event

REMOVING: Final = {"cancel": "user", "cancel_owner": "user", "cancel_book": "mass"}
ENDED_BY_OTHERS: Final = ("oco", "mmp")  # what links and protection take away in the middle of a sweep


class Auditor(AuditedBooks):
    """Follows an engine command by command; every violation raises.

    Raises:
        InvariantViolation: from every method, when an event breaks a law; the text names it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._at_work: int | None = None  # the order that is on its way
        self._implied_lots = 0  # of the step whose parts follow
        self._last_taker: AuditedOrder | None = None  # perhaps used up by an implied step whose parts follow
        self._auction_price = 0
        self._may_cross = False
        self._reopened: int | None = None  # a book whose references are seen once its uncross is told
        self._quotes: dict[tuple[int, int, int, int], int] = {}  # (owner, set, book, side) -> order id

    def observe(self, method: str, args: tuple[Any, ...], options: dict[str, Any], events: list[Event]) -> None:
        """Judge the events of one command given as the name of an engine method and its arguments."""
        if events and events[0][0] == "refused":
            ensure(len(events) == 1, "a refusal stands alone")
            return
        if method == "submit":
            self._observe_submit(*args, options=options, events=events)
        elif method == "amend":
            self._observe_amend(*args, options=options, events=events)
        elif method == "quote":
            self._observe_quote(*args, options=options, events=events)
        elif method in REMOVING:
            self._observe_removal(method, args, events)
        else:
            self._observe_setting(method, args)
            self._apply_all(events)

    # ---- commands ----------------------------------------------------------------------------------------------

    def _observe_submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *, options: dict[str, Any],
        events: list[Event],
    ) -> None:  # fmt: skip
        ensure(order_id not in self.orders, "an id that is alive is not entered again")
        priced, tif = options.get("order_type", LIMIT) == LIMIT, options.get("tif", GTC)
        is_market = options.get("order_type", LIMIT) == MARKET
        queues = self.is_call(book) and not options.get("trigger")  # a market order waits for the uncross
        self.entries += 1
        taker = AuditedOrder(
            book, owner, side, price_ticks if priced else 0, lots, display_lots=options.get("display_lots", 0),
            entry=self.entries, is_market=is_market, is_immediate=not queues and (is_market or tif != GTC),
            post_only=bool(options.get("post_only", 0)), budget=options.get("budget", 0), peg=options.get("peg", 0),
            peg_limit=price_ticks, trigger=options.get("trigger", 0), trigger_ticks=options.get("trigger_ticks", 0),
            reference=options.get("reference", 0),
            trails=bool(options.get("trail_ticks", 0) or options.get("trail_bps", 0)),
        )  # fmt: skip
        self.orders[order_id] = taker
        self._enter(order_id, events)
        others = any(event[0] == "cancelled" and event[3] in ENDED_BY_OTHERS for event in events)
        waited = any(event[0] == "pending" for event in events)
        if tif == FOK and not others and not waited and options.get("stp") != STP_DECREMENT:
            ensure(taker.filled_lots in (0, lots), "a fill-or-kill order fills completely or not at all")

    def _observe_amend(
        self, order_id: int, owner: int, price_ticks: int, total_lots: int, *, options: dict[str, Any],
        events: list[Event],
    ) -> None:  # fmt: skip
        order, first = self.orders[order_id], events[0]
        ensure(order.owner == owner, "only the owner amends")
        ensure(first[1] == order_id, "an amend begins with its order")
        open_lots = total_lots - order.filled_lots
        if first[0] == "cancelled" and first[3] == "amend_total":
            ensure(open_lots <= 0, "a total at or below the fills cancels")
            self._apply_all(events)
        elif order.state == WAITING:
            order.limit_ticks = price_ticks if order.limit_ticks else 0
            order.open_lots = open_lots
            if options.get("trigger_ticks"):  # it begins to wait anew
                order.trigger_ticks, order.state = options["trigger_ticks"], INCOMING
            self._enter(order_id, events)
        elif first[0] == "amended":
            if order.peg:
                order.peg_limit = price_ticks
            elif not order.is_market:
                ensure(first[2] == order.limit_ticks == price_ticks, "an amend in place keeps its price")
            ensure(0 < first[3] <= order.open_lots, "an amend in place never increases")
            ensure(first[3] == open_lots, "an amend sets the total")
            self._apply_all(events)
        elif order.state == PARKED:
            order.peg_limit, order.open_lots = price_ticks, open_lots
            self._apply_all(events)
        else:
            self._apply_cancel(first)
            ensure(first[3] == "amend_replace", "an amend removes only to replace")
            order.open_lots = open_lots
            if order.peg:
                order.peg_limit = price_ticks
            elif not order.is_market:
                order.limit_ticks = price_ticks
            self._enter(order_id, events[1:])

    def _observe_quote(
        self, owner: int, quote_set: int, book: int, side: int, order_id: int, price_ticks: int, lots: int, *,
        options: dict[str, Any], events: list[Event],
    ) -> None:  # fmt: skip
        key = (owner, quote_set, book, side)
        standing = self.orders.get(self._quotes.get(key, 0))
        if standing is not None:
            standing.post_only = bool(options.get("post_only", 0))
        if standing is None:
            self._quotes[key] = order_id
            self._observe_submit(book, order_id, owner, side, price_ticks, lots, options=options, events=events)
        elif lots == 0:
            self._apply_all(events)
            ensure(standing.state == DONE, "a quote of nothing withdraws the one that stands")
        else:
            total = standing.filled_lots + lots
            self._observe_amend(self._quotes[key], owner, price_ticks, total, options={}, events=events)

    def _observe_removal(self, method: str, args: tuple[int, ...], events: list[Event]) -> None:
        for event in events:
            order = self.orders.get(event[1])
            follows = order is not None and order.peg and (event[0] != "cancelled" or event[3] != REMOVING[method])
            ensure(event[0] == "cancelled" or follows, "a cancel only removes")
            if order is not None and not follows:
                ensure(event[3] == REMOVING[method], "a cancel is at the owner's wish")
                ensure(method == "cancel_book" or order.owner == args[-1], "only the owner cancels")
            self._apply(event)

    def _observe_setting(self, method: str, args: tuple[Any, ...]) -> None:
        if method in ("add_book", "add_combo"):
            self.biases[args[0]] = args[1].price_bias_ticks
        elif method == "set_group":
            self.groups[args[0]] = args[1]
        elif method == "set_price":
            book, reference, price = args
            if not self.is_call(book):
                self.see(book, reference, price)
            self.prices[book, reference] = price
            if reference == REFERENCE_LAST:
                self.last_price[book] = price

    # ---- events ------------------------------------------------------------------------------------------------

    def _enter(self, order_id: int, events: list[Event]) -> None:
        """Follow an order from its entry through everything it causes."""
        self._at_work = order_id
        self._apply_all(events)

    def _apply_all(self, events: list[Event]) -> None:
        for place, event in enumerate(events):
            following = events[place + 1] if place + 1 < len(events) else ("",)
            # What opens a volatility auction rests crossed just before the event that says so (MATCH-038).
            self._may_cross = following[0] == "phase" and following[2] == PHASE_VOLATILITY
            self._apply(event)
        self._see_references()
        self._settle()

    def _settle(self) -> None:
        """The order at work has come to its end; every lot must be filled, resting or cancelled."""
        order = None if self._at_work is None else self.orders.get(self._at_work)
        ensure(order is None or order.state != INCOMING, "every lot is filled, cancelled or resting")
        self._at_work = None

    def _apply(self, event: Event) -> None:
        kind = event[0]
        if kind == "phase":
            self.phases[event[1]] = event[2]
            self._reopened = event[1] if event[2] == 0 else None
        elif kind == "auction":
            self._auction_price = event[2]
        elif kind not in ("mmp", "extended", "implied", "fill", "cross"):
            ensure(event[1] in self.orders, "nothing happens after an order is done")
        judge = getattr(self, f"_apply_{kind}", None)
        if judge is not None:
            judge(event)

    def _apply_fill(self, event: Event) -> None:
        _, maker_id, taker_id, price_ticks, lots, maker_open_lots, level_lots = event
        ensure(taker_id == self._at_work and maker_id != taker_id, "the incoming order is the taker")
        maker, taker = self.resting[maker_id], self._open_taker(taker_id, is_part=self._implied_lots > 0)
        self._ensure_next_in_line(maker_id, SELL - maker.side)
        ensure(price_ticks == maker.limit_ticks, "a trade is at the resting price")
        if maker.book != taker.book:
            ensure(lots == self._implied_lots, "every part of an implied trade is as large as the whole")
        else:
            self._implied_lots = 0
            largest = min(maker.shown_lots, taker.open_lots)
            affordable = taker.is_market and taker.budget > 0
            ensure(0 < lots <= largest and (lots == largest or affordable), "a trade is as large as both sides allow")
            self._take(taker_id, taker, price_ticks, lots)
        self._reduce_resting(maker_id, maker, lots, maker_open_lots, level_lots)
        self.see(maker.book, REFERENCE_LAST, price_ticks)

    def _apply_implied(self, event: Event) -> None:
        _, taker_id, _, price_ticks, lots, open_lots = event
        ensure(taker_id == self._at_work, "the incoming order is the taker")
        taker = self._open_taker(taker_id, is_part=False)
        self._implied_lots = lots
        ensure(0 < lots <= taker.open_lots, "a trade is as large as both sides allow")
        self._take(taker_id, taker, price_ticks, lots)
        ensure(taker.open_lots == open_lots, "an implied trade reports what the taker has left")
        self.see(taker.book, REFERENCE_LAST, price_ticks)

    def _open_taker(self, taker_id: int, *, is_part: bool) -> AuditedOrder:
        taker = self.orders.get(taker_id, self._last_taker if is_part else None)
        ensure(taker is not None, "nothing happens after an order is done")
        assert taker is not None
        ensure(not taker.post_only, "a post-only order never takes")
        self._last_taker = taker
        return taker

    def _take(self, taker_id: int, taker: AuditedOrder, price_ticks: int, lots: int) -> None:
        if taker.limit_ticks != 0 or (self.biases[taker.book] and not taker.is_market):
            worse = price_ticks - taker.limit_ticks if taker.side == BUY else taker.limit_ticks - price_ticks
            ensure(worse <= 0, "a fill is never worse than the limit")
        taker.open_lots -= lots
        taker.filled_lots += lots
        if taker.open_lots == 0:
            self.forget(taker_id)

    def _apply_cross(self, event: Event) -> None:
        _, bid_id, ask_id, price_ticks, lots, bid_open, ask_open, bid_level, ask_level = event
        bid, ask = self.resting[bid_id], self.resting[ask_id]
        ensure(price_ticks == self._auction_price, "an auction has one price")
        self._ensure_next_in_line(bid_id, SELL)
        self._ensure_next_in_line(ask_id, BUY)
        ensure(ask.limit_ticks <= price_ticks <= bid.limit_ticks, "a fill is never worse than the limit")
        ensure(lots == min(bid.shown_lots, ask.shown_lots) > 0, "a trade is as large as both sides allow")
        self._reduce_resting(bid_id, bid, lots, bid_open, bid_level)
        self._reduce_resting(ask_id, ask, lots, ask_open, ask_level)
        self.see(bid.book, REFERENCE_LAST, price_ticks)

    def _reduce_resting(self, order_id: int, order: AuditedOrder, lots: int, open_lots: int, level_lots: int) -> None:
        order.open_lots -= lots
        order.filled_lots += lots
        order.shown_lots -= lots
        ensure(order.open_lots == open_lots, "a fill reports what the maker has left")
        ensure(level_lots == self.level_lots(order), "level lots are the sum of its orders")
        if order.open_lots == 0:
            self.leave_level(order_id, order)
            self.forget(order_id)

    def _apply_rested(self, event: Event) -> None:
        _, order_id, price_ticks, open_lots, level_lots = event
        order = self.orders[order_id]
        moves = order.peg or (order.is_market and self.is_call(order.book)) or order.post_only
        if moves or order.limit_ticks == 0:  # a price of its own: pegs, slides, market orders in a call, to-limit
            order.limit_ticks = price_ticks
        ensure((price_ticks, open_lots) == (order.limit_ticks, order.open_lots), "what is left rests at its limit")
        ensure(not order.is_immediate, "an immediate order never rests")
        self.show_at_the_back(order_id, order)
        best = self.best(order.book, SELL - order.side)
        crossed = best is not None and (best <= price_ticks if order.side == BUY else best >= price_ticks)
        ensure(not crossed or self.is_call(order.book) or self._may_cross, "an order never rests crossed")
        ensure(level_lots == self.level_lots(order), "level lots are the sum of its orders")

    def _apply_amended(self, event: Event) -> None:
        self._shrink(event[1], event[3], event[4])

    def _apply_reduced(self, event: Event) -> None:
        _, order_id, lots, open_lots, _, level_lots = event
        ensure(self.orders[order_id].open_lots - lots == open_lots > 0, "prevented lots are taken off")
        self._shrink(order_id, open_lots, level_lots)

    def _shrink(self, order_id: int, open_lots: int, level_lots: int) -> None:
        order = self.orders[order_id]
        order.open_lots = open_lots
        order.shown_lots = min(order.shown_lots, open_lots)
        lots = self.level_lots(order) if order.state == RESTING else NEVER_RESTED
        ensure(level_lots == lots, "level lots are the sum of its orders")

    def _apply_refreshed(self, event: Event) -> None:
        _, order_id, price_ticks, shown_lots, level_lots = event
        order = self.resting[order_id]
        ensure(order.shown_lots == 0 and price_ticks == order.limit_ticks, "only a part that is used up is refreshed")
        self.show_at_the_back(order_id, order)
        ensure(shown_lots == order.shown_lots, "a new part is as large as display and rest allow")
        ensure(level_lots == self.level_lots(order), "level lots are the sum of its orders")

    def _apply_cancelled(self, event: Event) -> None:
        self._apply_cancel(event)
        order = self.orders[event[1]]
        if event[3] == "peg" or event[3] == "amend_replace":
            return
        order.open_lots = 0
        self.forget(event[1])

    def _apply_cancel(self, event: Event) -> None:
        """Take an order out of whatever it is in; what becomes of its lots is the caller's."""
        _, order_id, lots, reason, price_ticks, level_lots = event
        ensure(order_id in self.orders, "only a live order is removed")
        order = self.orders[order_id]
        if order.state != RESTING:
            ensure(lots == order.open_lots, "what is left is what is cancelled")
            ensure(level_lots == NEVER_RESTED, "an incoming order is cancelled unrested")
            return
        ensure((lots, price_ticks) == (order.open_lots, order.limit_ticks), "a removal names what was open and where")
        taker = None if self._at_work is None else self.orders.get(self._at_work)
        if reason == "stp" and taker is not None:
            ensure(self.are_same(order, taker), "only own makers are removed")
            self._ensure_next_in_line(order_id, taker.side)
        ensure(level_lots == self.leave_level(order_id, order), "level lots are the sum of its orders")

    def _apply_pending(self, event: Event) -> None:
        _, order_id, trigger_ticks, lots = event
        order = self.orders[order_id]
        ensure((trigger_ticks, lots) == (order.trigger_ticks, order.open_lots), "an order waits as it was told to")
        if order.state == INCOMING:
            self.activate_if_met(order)
        order.state = WAITING

    def _apply_parked(self, event: Event) -> None:
        order = self.orders[event[1]]
        ensure(order.peg != 0 and event[2] == order.open_lots, "only pegs are parked, whole")
        order.state = PARKED
        order.limit_ticks = order.peg_limit

    def _apply_triggered(self, event: Event) -> None:
        self._see_references()
        order = self.orders[event[1]]
        if order.state == WAITING:
            self._settle()
        order.state = INCOMING
        ensure(order.trigger != 0 or order.trails, "only a waiting order is triggered")
        self._at_work = event[1]

    def _see_references(self) -> None:
        """After an uncross every reference that has a price is seen. Rule MATCH-094."""
        book, self._reopened = self._reopened, None
        if book is not None:
            for reference in range(REFERENCE_INDEX + 1):
                if (book, reference) in self.prices:
                    self.see(book, reference, self.prices[book, reference])

    # ---- helpers -----------------------------------------------------------------------------------------------

    def _ensure_next_in_line(self, order_id: int, taker_side: int) -> None:
        """The order met is the first at the best price of the side opposite to a taker."""
        order = self.resting[order_id]
        best = self.best(order.book, SELL - taker_side)
        first = None if best is None else self.levels[order.book, SELL - taker_side][best][0]
        ensure(first == order_id, "best price first, then oldest first")
