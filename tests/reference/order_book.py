"""The plain order book: every matching rule written the slow and obvious way.

Lives here: `ReferenceEngine`, the twin of the compiled engine, with the same door, events and digest: which command
means what, and the answers to questions.
Does not know: the compiled engine, tests, files, time. How an order trades is in `taking.py`, `triggers.py`, `pegs.py`,
`auction.py`, `combos.py`; what there is to know about a book in `book_state.py`.
Theory: one `SortedDict` per side maps a price to its level; a level is a dict from order id to order, and a dict keeps
the order in which keys were put in, so iterating it is the queue. Nothing is cached that could be computed, except the
lots of a level, which `check_invariants` recomputes. Rules: docs/rules/MATCH.md.
"""

from domain.book_rules import BookRules
from domain.constants import BUY, GTC, LIMIT, POST_ONLY_SLIDE, REFERENCE_LAST, SELL, STP_CANCEL_NEWEST
from domain.ensure import ensure
from tests.reference.amends import amend_order
from tests.reference.auction import change_phase, indicative
from tests.reference.book_records import NEVER_RESTED, PARKED, Book, Event, Leg, Order
from tests.reference.book_state import EngineState
from tests.reference.combos import quoted
from tests.reference.laws import DIGEST_RECORD, check_laws, digest_of
from tests.reference.order_checks import in_band, refuse_entry, refuse_limit
from tests.reference.pegs import enter_peg, reprice_touched
from tests.reference.quotes import keep_quote, refuse_group, reset_mmp, set_mmp
from tests.reference.taking import enter, passive_quote_price
from tests.reference.triggers import enter_waiting, run_line


class ReferenceEngine:
    """Price-time priority over several books; the door is tests.engines.Engine.

    Refusals and kills are events, never exceptions. An order id may be used again once its order is gone. `owner` 0 is
    nobody: such orders never meet themselves. `pages_max` sizes memory in the compiled engine and has no meaning here.
    """

    def __init__(
        self, *, orders_max: int = 65536, books_max: int = 16, pages_max: int = 65536, trailing_max: int = 1_000,
        pegs_max: int = 250,
    ) -> None:  # fmt: skip
        ensure(orders_max > 0 and books_max > 0 and pages_max > 0, "engine sizes are positive")
        self._orders_max = orders_max
        self._books_max = books_max
        self._trailing_max = trailing_max
        self._pegs_max = pegs_max
        self._state = EngineState()
        self._books = self._state.books
        self._resting = self._state.orders  # what rests, waits or is parked, by id

    # ---- settings ----------------------------------------------------------------------------------------------

    def add_book(self, book: int, rules: BookRules) -> None:
        """Open an empty book under an id in 0..books_max-1.

        Raises:
            InvariantViolation: the id is out of range or taken.
        """
        self._add(Book(book, rules))

    def add_combo(self, book: int, rules: BookRules, legs: tuple[tuple[int, int], ...]) -> None:
        """Open a book of combos of other books, each counting +1 or -1. Rule MATCH-110.

        Raises:
            InvariantViolation: as for `add_book`, or the legs are not two or more different books without legs.
        """
        ensure(len({leg for leg, _ in legs}) == len(legs) > 1, "a combo has at least two different legs")
        for leg, ratio in legs:
            ensure(ratio in (1, -1), "a leg counts once, for or against")
            ensure(leg in self._books and not self._books[leg].legs, "a leg is a book that is no combo")
        combo = Book(book, rules, tuple(Leg(self._books[leg], ratio) for leg, ratio in legs))
        self._add(combo)
        for of_leg, _ in combo.legs:
            of_leg.combos = sorted([*of_leg.combos, combo], key=lambda other: other.number)

    def _add(self, book: Book) -> None:
        ensure(0 <= book.number < self._books_max, "book id is in range")
        ensure(book.number not in self._books, "book id is free")
        self._books[book.number] = book

    def set_mmp(
        self, owner: int, group: int, *, lots: int = 0, delta: int = 0, vega: int = 0, window: int, frozen: int = 0
    ) -> None:
        """Set a protection group's limits (0 = none); what was counted stays. Rules MATCH-102, MATCH-103."""
        set_mmp(self._state, owner, group, lots=lots, delta=delta, vega=vega, window=window, frozen=frozen)

    def reset_mmp(self, owner: int, group: int) -> None:
        """Thaw a group and forget its fills. Rule MATCH-103."""
        reset_mmp(self._state, owner, group)

    def set_now(self, now: int) -> None:
        """The time that protection windows are measured in; it never falls."""
        ensure(now >= self._state.now, "time never falls")
        self._state.now = now

    def set_greeks(self, book: int, delta: int, vega: int) -> None:
        """What one lot of a book weighs in protection sums. Rule MATCH-102."""
        self._books[book].delta, self._books[book].vega = delta, vega

    def set_group(self, owner: int, group: int) -> None:
        """Put an owner into a self-trade group, 0 = none. Rule MATCH-030."""
        self._state.groups[owner] = group

    def set_auction_reference(self, book: int, price_ticks: int) -> None:
        """The price that decides ties of an auction and carries the dynamic band before the first trade; 0 = none."""
        target = self._books[book]
        target.auction_reference = target.inside(price_ticks) if price_ticks else 0

    # ---- commands ----------------------------------------------------------------------------------------------

    def submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *, order_type: int = LIMIT,
        tif: int = GTC, post_only: int = 0, stp: int = STP_CANCEL_NEWEST, display_lots: int = 0, budget: int = 0,
        trigger: int = 0, trigger_ticks: int = 0, reference: int = 0, trail_ticks: int = 0, trail_bps: int = 0,
        peg: int = 0, peg_offset: int = 0, oco: int = 0, mmp: int = 0,
    ) -> list[Event]:  # fmt: skip
        """Enter a new order: check, then match and rest, or wait, or follow. Rules MATCH-001..039, MATCH-065..084.

        Args:
            price_ticks: the limit; ignored for a market order; 0 = none for a peg.
            lots: quantity wanted.

        Returns:
            The events in the order in which they happened; a refused order yields exactly one.
        """
        target = self._books.get(book)
        if target is None:
            return [("refused", order_id, "no_book")]
        state = self._state
        state.begin()
        order = Order(
            book, order_id, owner, side, price_ticks + target.bias if order_type == LIMIT else 0, lots,
            order_type=order_type, tif=tif, post_only=post_only, stp=stp, display_lots=display_lots, budget=budget,
            trigger=trigger, trigger_ticks=target.inside(trigger_ticks) if trigger_ticks else 0, reference=reference,
            trail_ticks=trail_ticks, trail_bps=trail_bps, peg=peg, peg_offset=peg_offset, mmp=mmp,
        )  # fmt: skip
        reason = refuse_entry(state, target, order, oco) or self._enter(target, order, oco)
        return self._finish() if reason is None else [("refused", order_id, reason)]

    def _enter(self, book: Book, order: Order, oco: int) -> str | None:
        room = len(self._state.orders) < self._orders_max
        if order.waits:
            return enter_waiting(self._state, book, order, trailing_max=self._trailing_max, room=room, oco=oco)
        if order.peg:
            return enter_peg(self._state, book, order, pegs_max=self._pegs_max, room=room)
        return enter(self._state, book, order, room=room, oco=oco)

    def _finish(self) -> list[Event]:
        """What follows from a command: the cascade, then pegs. Rules MATCH-073, MATCH-083."""
        run_line(self._state)
        reprice_touched(self._state)
        return self._state.events

    def cancel(self, order_id: int, owner: int) -> list[Event]:
        """Take an order away at its owner's wish. Unknown, gone and foreign orders look the same. MATCH-050."""
        order = self._resting.get(order_id)
        if order is None or order.owner != owner:
            return [("refused", order_id, "unknown_order")]
        return self._cancel([order], "user")

    def amend(
        self, order_id: int, owner: int, price_ticks: int, total_lots: int, *, trigger_ticks: int = 0
    ) -> list[Event]:
        """Change price and total quantity (filled + open wanted) of an order. Rules MATCH-040..047."""
        order = self._resting.get(order_id)
        if order is None or order.owner != owner:
            return [("refused", order_id, "unknown_order")]
        book = self._books[order.book]
        trigger_ticks = book.inside(trigger_ticks) if trigger_ticks else 0
        return self._amend(order, book.inside(price_ticks), total_lots, trigger_ticks, refused_id=order_id)

    def _amend(
        self, order: Order, price_ticks: int, total_lots: int, trigger_ticks: int, *, refused_id: int
    ) -> list[Event]:
        self._state.begin()
        reason = amend_order(self._state, order, price_ticks, total_lots, trigger_ticks)
        return self._finish() if reason is None else [("refused", refused_id, reason)]

    def cancel_owner(
        self, owner: int, *, book: int | None = None, side: int | None = None, low: int | None = None,
        high: int | None = None,
    ) -> list[Event]:  # fmt: skip
        """Take orders of one owner away, in the order of entry; nobody has none. Rule MATCH-052."""
        mine = [
            order
            for order in self._resting.values()
            if order.owner == owner != 0 and book in (None, order.book) and self._passes(order, side, low, high)
        ]
        return self._cancel(sorted(mine, key=lambda order: order.entry), "user")

    def cancel_book(
        self, book: int, *, side: int | None = None, low: int | None = None, high: int | None = None
    ) -> list[Event]:
        """Take orders of one book away, whoever owns them. Rule MATCH-053."""
        target = self._books.get(book)
        if target is None:
            return [("refused", book, "no_book")]
        everything = [*target.queued(BUY), *target.queued(SELL), *target.aside()]
        return self._cancel([order for order in everything if self._passes(order, side, low, high)], "mass")

    def _cancel(self, orders: list[Order], reason: str) -> list[Event]:
        self._state.begin()
        for order in orders:
            self._state.remove(order, reason)
        return self._finish()

    def _passes(self, order: Order, side: int | None, low: int | None, high: int | None) -> bool:
        """Whether an order is meant by the filters of a mass cancel; without a limit it passes no range. MATCH-052."""
        if side not in (None, order.side):
            return False
        if low is None and high is None:
            return True
        if order.state == PARKED or not order.has_limit:
            return False
        price = self._books[order.book].out(order.price_ticks)
        return (low is None or low <= price) and (high is None or price <= high)

    def quote(
        self, owner: int, quote_set: int, book: int, side: int, order_id: int, price_ticks: int, lots: int, *,
        mmp: int = 0, post_only: int = 0, stp: int = STP_CANCEL_NEWEST,
    ) -> list[Event]:  # fmt: skip
        """Enter, replace or withdraw (lots 0) the quote of an owner, set, book and side. Rules MATCH-100..103."""
        standing = self._state.quotes.get((owner, quote_set, book, side))
        if standing is None:
            events = self.submit(book, order_id, owner, side, price_ticks, lots, post_only=post_only, stp=stp, mmp=mmp)
            if events[0][0] != "refused":
                keep_quote(self._state, self._resting.get(order_id), quote_set)
            return events
        if lots == 0:
            return self._cancel([standing], "user")
        if refuse_group(self._state, owner, mmp) == "mmp_frozen":
            return [("refused", order_id, "mmp_frozen")]
        if lots < 0:
            return [("refused", order_id, "lots_range")]
        target = self._books[book]
        price = target.inside(price_ticks)
        if post_only == POST_ONLY_SLIDE and refuse_limit(target, price, lots) is None:
            price = passive_quote_price(self._state, target, side, price)
        before, standing.post_only = standing.post_only, post_only
        events = self._amend(standing, price, standing.filled_lots + lots, 0, refused_id=order_id)
        if events[0][0] == "refused":
            standing.post_only = before
        return events

    def set_price(self, book: int, reference: int, price_ticks: int) -> list[Event]:
        """The venue states last price, mark or index; outside continuous trading it is only kept. Rule MATCH-072."""
        target = self._books[book]
        price = target.inside(price_ticks)
        ensure(in_band(target.rules, price), "a stated price lies in the band of its book")
        state = self._state
        state.begin()
        state.touched.add(book)
        if reference == REFERENCE_LAST:
            state.set_last(target, price)
        target.references[reference] = price
        if target.is_continuous:
            state.see(target, reference, price)
        return self._finish()

    def set_phase(self, book: int, phase: int, *, force: bool = False) -> list[Event]:
        """Bring a book into another phase; `force` ends a volatility auction anyway. Rules MATCH-090..098."""
        target = self._books.get(book)
        if target is None:
            return [("refused", book, "no_book")]
        self._state.begin()
        reason = change_phase(self._state, target, phase, force=force)
        return self._finish() if reason is None else [("refused", book, reason)]

    # ---- questions ---------------------------------------------------------------------------------------------

    def phase(self, book: int) -> int:
        """Rule MATCH-090."""
        return self._books[book].phase

    def indicative(self, book: int) -> tuple[int, int, int] | None:
        """(price, volume, D - S) of an uncross at this moment of a call, else None. Rule MATCH-093."""
        target = self._books[book]
        found = indicative(target) if target.is_call else None
        return None if found is None else (target.out(found[0]), *found[1:])

    def implied(self, book: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """(price, lots) of the best implied bid and ask. Rules MATCH-111..113."""
        target = self._books[book]
        return quoted(self._state, target, SELL), quoted(self._state, target, BUY)

    def best(self, book: int) -> tuple[int | None, int | None]:
        """Best bid and best ask of what rests; None where a side is empty."""
        target = self._books[book]
        bid, ask = target.best_price(BUY), target.best_price(SELL)
        return None if bid is None else target.out(bid), None if ask is None else target.out(ask)

    def depth(self, book: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """(price, shown lots) of up to `levels` levels of bids and of asks, best first."""
        target = self._books[book]
        bids, asks = (
            [(target.out(price), level.lots) for price, level in target.levels_best_first(side)][:levels]
            for side in (BUY, SELL)
        )
        return bids, asks

    def order(self, order_id: int) -> tuple[int, int, int, int, int, int] | None:
        """(book, owner, side, price or limit, open lots, filled lots) of a live order, else None."""
        order = self._resting.get(order_id)
        if order is None:
            return None
        price = self._books[order.book].out(order.limit_ticks)
        return order.book, order.owner, order.side, price, order.open_lots, order.filled_lots

    def shown(self, order_id: int) -> int:
        """Lots an order shows in its level, 0 if it is in none. Rule MATCH-065."""
        order = self._resting.get(order_id)
        return 0 if order is None else order.shown_lots

    def waiting(self, book: int) -> list[int]:
        """Ids of waiting orders by entry number."""
        return list(self._books[book].waiting)

    def parked(self, book: int) -> list[int]:
        """Ids of parked pegs by entry number."""
        return [order.order_id for order in self._books[book].aside() if order.state == PARKED]

    def last_price(self, book: int) -> int | None:
        """Price of the latest trade in ticks, None before the first. Rule MATCH-062."""
        last = self._books[book].references[REFERENCE_LAST]
        return None if last is None else self._books[book].out(last)

    def state_digest(self) -> str:
        """Digest of every live order; independent of how an engine stores them. Rule MATCH-060."""
        return digest_of(self._books)

    def check_invariants(self) -> None:
        """Recompute what the engine relies on.

        Raises:
            InvariantViolation: a law is broken.
        """
        check_laws(self._state, self._orders_max)


__all__ = ["DIGEST_RECORD", "NEVER_RESTED", "Event", "ReferenceEngine"]
