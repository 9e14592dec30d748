"""Pegs: orders whose price follows the book.

Lives here: the price of a peg, entering, re-pricing at the end of a command, parking in a call.
Does not know: matching; a peg never takes.
"""

from typing import NamedTuple

from domain.constants import BUY, PEG_ASK, PEG_BID, SELL
from tests.reference.book_records import CALL_PHASES, PARKED, RESTING, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_checks import best_passive_price, in_band, valid_at_or_above, valid_at_or_below


class Reference(NamedTuple):
    """Best prices of shown orders that are no pegs. Rule MATCH-080."""

    bid: int | None
    ask: int | None


def reference_of(book: Book) -> Reference:
    """What the pegs of a book follow at this moment."""
    bid, ask = (
        next(
            (price for price, level in book.levels_best_first(side) if any(not o.peg for o in level.queue.values())),
            None,
        )
        for side in (BUY, SELL)
    )
    return Reference(bid, ask)


def peg_price(book: Book, peg: Order, reference: Reference) -> int | None:
    """Where a peg belongs, None for nowhere. Rule MATCH-080."""
    rules, is_buy = book.rules, peg.side == BUY
    followed = _followed(peg, reference)
    if followed is None:
        return None
    price = followed + peg.peg_offset
    if peg.peg_limit:
        price = min(price, peg.peg_limit) if is_buy else max(price, peg.peg_limit)
    price = valid_at_or_below(rules, price) if is_buy else valid_at_or_above(rules, price)
    opposite = book.best_price(SELL - peg.side)
    meets = opposite is not None and (price >= opposite if is_buy else price <= opposite)
    if opposite is not None and meets:
        price = best_passive_price(rules, peg.side, opposite)
    return price if in_band(rules, price) else None


def _followed(peg: Order, reference: Reference) -> int | None:
    """The price a peg follows; a middle is rounded away from the other side."""
    if peg.peg == PEG_BID:
        return reference.bid
    if peg.peg == PEG_ASK:
        return reference.ask
    if reference.bid is None or reference.ask is None:
        return None
    total = reference.bid + reference.ask
    return total // 2 if peg.side == BUY else -(-total // 2)


def enter_peg(state: EngineState, book: Book, peg: Order, *, pegs_max: int, room: bool) -> str | None:
    """Let a peg in, at the back of its price or parked; or say why not. Rules MATCH-024, MATCH-078, 081, 082, 084."""
    if len(book.pegs) >= pegs_max:
        return "pegs_full"
    if not room:
        return "book_full"
    price = peg_price(book, peg, reference_of(book)) if book.is_continuous else None
    if price is None and book.is_continuous and book.rules.peg_cancel:
        return "no_reference"
    state.accept(peg)
    book.pegs[peg.order_id] = peg
    book.pegs_saw = None
    place(state, book, peg, price)
    return None


def place(state: EngineState, book: Book, peg: Order, price: int | None) -> None:
    """Rest a peg that is nowhere at its price, or park it. Rules MATCH-081, MATCH-082."""
    if price is not None:
        peg.price_ticks = price
        state.rest(peg)
        return
    peg.state = PARKED
    state.say(book, ("parked", peg.order_id, peg.open_lots))


def reprice_touched(state: EngineState) -> None:
    """Once at the end of a command: every book it touched, by number. Rule MATCH-083."""
    for number in sorted(state.touched):
        book = state.books[number]
        if book.pegs and book.is_continuous and book.pegs_saw != _what_pegs_go_by(book):
            _reprice(state, book)
            book.pegs_saw = _what_pegs_go_by(book)


def _what_pegs_go_by(book: Book) -> object:
    return reference_of(book), book.best_price(BUY), book.best_price(SELL)


def _reprice(state: EngineState, book: Book) -> None:
    """Peg by peg by entry number, all with the reference found at the start. Rules MATCH-081, MATCH-083."""
    reference = reference_of(book)
    for peg in list(book.pegs.values()):
        price = peg_price(book, peg, reference)
        if price is None and book.rules.peg_cancel:
            state.remove(peg, "no_reference")
        elif peg.state == RESTING and price != peg.price_ticks:
            state.lift(peg, "peg")
            place(state, book, peg, price)
        elif peg.state == PARKED and price is not None:
            place(state, book, peg, price)


def begin_phase(state: EngineState, book: Book, phase: int) -> None:
    """Change the phase and say so; a call parks the pegs at once. Rules MATCH-084, MATCH-090."""
    was_call, book.phase = book.is_call, phase
    book.pegs_saw = None
    state.say(book, ("phase", book.number, phase))
    if phase in CALL_PHASES and not was_call:
        for peg in list(book.pegs.values()):
            if peg.state == RESTING:
                state.lift(peg, "peg")
                place(state, book, peg, None)
