"""Implied prices: what combos and legs offer each other, and how a taker trades with it.

Lives here: offers that other books make in a book, the best of them, the part of a taker's step that trades with one.
Does not know: whether a direct order is better; self-trade prevention between direct orders.
Theory: a combo order on side s does s in each leg whose ratio is +1 and the opposite in each other leg. So the price of
a combo is the sum of ratio x leg price, and one leg's price is ratio x (combo price - that sum over the other legs).
Outside prices are used for that, they need no bias. Only first generation: orders that are really there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from domain.constants import SELL
from tests.reference.book_records import Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_checks import in_band, is_better


class Offer(NamedTuple):
    """What can be taken from other books: an inside price, the combo it comes through, the orders that trade."""

    price_ticks: int
    combo: Book
    makers: list[Order]  # the combo's order (implied out only), then the legs' in leg order


def offers(state: EngineState, book: Book, side: int, taker: Order | None) -> Iterator[Offer]:
    """Every implied price that a taker of this side could meet in a book, combos by number. MATCH-111..115."""
    if book.legs:
        makers = _leg_orders(book, side, without=None)
        if makers is not None:
            yield from _offer(state, book, book, _worth(book, makers, without=None), makers, taker)
    for combo in book.combos:
        ratio = next(leg.ratio for leg in combo.legs if leg.book is book)
        # The combo's order does the taker's opposite in this book, so it is on that side if the leg counts positive.
        combo_side = SELL - side if ratio > 0 else side
        first = combo.first(combo_side)
        others = _leg_orders(combo, combo_side, without=book)
        if first is not None and others is not None:
            outside = ratio * (combo.out(first.price_ticks) - _worth(combo, others, without=book))
            yield from _offer(state, book, combo, outside, [first, *others], taker)


def best_offer(state: EngineState, book: Book, side: int, taker: Order | None) -> Offer | None:
    """The best of them, of the lowest combo number where they tie. Rule MATCH-114."""
    best: Offer | None = None
    for offer in offers(state, book, side, taker):
        if best is None or is_better(side, offer.price_ticks, best.price_ticks):
            best = offer
    return best


def _leg_orders(combo: Book, combo_side: int, *, without: Book | None) -> list[Order] | None:
    """First orders that an order of this side of the combo would trade with in its legs; None if one is missing."""
    found = []
    for leg in combo.legs:
        if leg.book is without:
            continue
        does = combo_side if leg.ratio > 0 else SELL - combo_side
        first = leg.book.first(SELL - does)
        if first is None:
            return None
        found.append(first)
    return found


def _worth(combo: Book, leg_orders: list[Order], *, without: Book | None) -> int:
    """Sum of ratio x outside price over the legs these orders are in."""
    legs = [leg for leg in combo.legs if leg.book is not without]
    return sum(leg.ratio * leg.book.out(order.price_ticks) for leg, order in zip(legs, leg_orders, strict=True))


def _offer(
    state: EngineState, book: Book, combo: Book, outside_ticks: int, makers: list[Order], taker: Order | None
) -> Iterator[Offer]:
    """The offer, unless a rule takes it away. Rules MATCH-113, MATCH-115."""
    price = book.inside(outside_ticks)
    if not combo.is_continuous or not all(leg.book.is_continuous for leg in combo.legs):
        return
    if not in_band(book.rules, price):
        return
    # Implied in, every maker trades with the taker; implied out, the combo's order does, and the legs' trade with that.
    middle, outer = (taker, makers) if combo is book else (makers[0], makers[1:])
    meetings = [(middle, maker) for maker in outer if middle is not None]
    if combo is not book and taker is not None:
        meetings.append((taker, makers[0]))
    if not any(state.are_same(one, other) for one, other in meetings):
        yield Offer(price, combo, makers)


def quoted(state: EngineState, book: Book, side: int) -> tuple[int, int] | None:
    """(outside price, lots) of what a taker of this side could meet, from whole best levels. Rule MATCH-111."""
    offer = best_offer(state, book, side, None)
    if offer is None:
        return None
    levels = [state.books[maker.book].best_level(maker.side) for maker in offer.makers]
    return offer.price_ticks - book.bias, min(level.lots for level in levels)
