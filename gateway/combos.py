"""Combos as clients see them, and the prices that books imply of each other.

Lives here: legs, implied prices from the replicas (MATCH-111..113), leg prices of a package.
Does not know: how implied prices trade; what is shown here may be gone, and owners' own orders do not count there.
"""

from collections.abc import Callable, Mapping
from typing import Any

from domain.constants import PHASE_CONTINUOUS
from gateway.books import Book
from gateway.image import Image
from gateway.instrument_view import InstrumentView, raw

Best = tuple[int, int]  # price, lots; lots 0 = none
Books = Callable[[int], Book]


def combo_dict(image: Image, view: InstrumentView) -> dict[str, Any]:
    """One entry of public/get_combos. `amount` of a leg is its ratio, negative for a sold one."""
    created_ms = view.instrument.created_ns // 1_000_000
    return {
        "id": view.name,
        "instrument_id": view.instrument_id,
        "state": "active" if view.is_open else "inactive",
        "state_timestamp": created_ms,
        "creation_timestamp": created_ms,
        "legs": [{"instrument_name": image.views[leg].name, "amount": ratio} for leg, ratio in view.instrument.legs],
    }


def implied_best(image: Image, books: Books, view: InstrumentView) -> tuple[Best, Best]:
    """(bid, ask) that other books imply of this one: a combo by its legs, a leg by combos and the other legs. First
    generation only, from shown orders, while all books concerned are continuous; none outside the static band."""
    if view.phase != PHASE_CONTINUOUS:
        return (0, 0), (0, 0)
    if view.instrument.legs:
        bid, ask = _of_combo(image, books, view, buying=True), _of_combo(image, books, view, buying=False)
        return _inside(view, bid), _inside(view, ask)
    bids: list[Best] = []
    asks: list[Best] = []
    for combo in image.combos_with(view.instrument_id):
        if combo.phase == PHASE_CONTINUOUS:
            bids.append(_inside(view, _of_leg(image, books, combo, view.instrument_id, buying=True)))
            asks.append(_inside(view, _of_leg(image, books, combo, view.instrument_id, buying=False)))
    none: Best = (0, 0)
    bid = max((best for best in bids if best[1]), key=lambda best: best[0], default=none)
    ask = min((best for best in asks if best[1]), key=lambda best: best[0], default=none)
    return bid, ask


def _inside(view: InstrumentView, best: Best) -> Best:
    return best if best[1] and view.low_ticks <= best[0] <= view.high_ticks else (0, 0)


def _of_combo(image: Image, books: Books, view: InstrumentView, *, buying: bool) -> Best:
    """A combo's bid: what its legs fetch now when it is sold to them; its ask: what they cost."""
    price, lots = 0, 0
    for leg, ratio in view.instrument.legs:
        found = _leg_best(image, books, leg, bid=(ratio > 0) == buying)
        if not found[1]:
            return 0, 0
        price += ratio * found[0]
        lots = found[1] if not lots else min(lots, found[1])
    return price, lots


def _of_leg(image: Image, books: Books, combo: InstrumentView, instrument: int, *, buying: bool) -> Best:
    """A leg's bid or ask out of a combo order and the other legs."""
    ratios: Mapping[int, int] = dict(combo.instrument.legs)
    ratio = ratios[instrument]
    book = books(combo.instrument_id)
    price, lots = book.best_bid() if (ratio > 0) == buying else book.best_ask()
    if not lots:
        return 0, 0
    sold = (ratio > 0) == buying  # whoever hits it sells the combo, and has to buy the other legs of it, or reversed
    for leg, other in combo.instrument.legs:
        if leg == instrument:
            continue
        found = _leg_best(image, books, leg, bid=(other > 0) != sold)
        if not found[1]:
            return 0, 0
        price -= other * found[0]
        lots = min(lots, found[1])
    return ratio * price, lots


def _leg_best(image: Image, books: Books, leg: int, *, bid: bool) -> Best:
    if image.views[leg].phase != PHASE_CONTINUOUS or not image.views[leg].is_open:
        return 0, 0
    book = books(leg)
    return book.best_bid() if bid else book.best_ask()


def implied_fields(image: Image, books: Books, view: InstrumentView) -> str:
    """x_implied_bid and x_implied_ask as [price, amount], null where there is none; without braces."""
    texts = [
        f"[{view.price(price)},{view.amount(lots)}]" if lots else "null"
        for price, lots in implied_best(image, books, view)
    ]
    return f'"x_implied_bid":{texts[0]},"x_implied_ask":{texts[1]}'


def leg_prices(image: Image, legs: list[tuple[InstrumentView, int]], price_ticks: int) -> list[dict[str, Any]]:
    """Prices of the legs that add up to the package's: all but the last at their mark, the last takes the rest, as the
    venue prints trades of spreads. `legs`: (instrument, signed ratio)."""
    left = price_ticks
    rows: list[dict[str, Any]] = []
    for place, (view, ratio) in enumerate(legs):
        ticks = image.marks[view.instrument_id][0]
        if place == len(legs) - 1:
            ticks = left // ratio
        left -= ratio * ticks
        rows.append(
            {
                "instrument_name": view.name,
                "direction": "buy" if ratio > 0 else "sell",
                "ratio": abs(ratio),
                "price": raw(view.price(ticks)),
            }
        )
    return rows
