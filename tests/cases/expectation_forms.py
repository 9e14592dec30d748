"""Decides whether an expectation has the shape that its comparison reads.

Lives here: one form per expectation of the case format.
Does not know: engines, results, commands.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.cases import vocabulary as words
from tests.cases.values import is_integer, is_one_of


def missing_in_expectation(expect: Any) -> Iterator[str]:
    """Names of what an object of expectations needs and the runner lacks."""
    if not isinstance(expect, dict):
        yield "expectation that is not an object"
        return
    for name, value in expect.items():
        if name not in words.EXPECTATIONS:
            yield f"expectation {name}"
        elif not FORMS[name](value):
            yield f"expectation {name} in an unknown form"
        elif name == "rejects":
            for reject in value:
                if reject.get("reason") is not None and not is_one_of(reject["reason"], words.REJECT_REASONS):
                    yield f"reject reason {reject['reason']}"


def _objects(needed: set[str], allowed: set[str]) -> Callable[[Any], bool]:
    def is_form(value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(o, dict) and o and needed <= set(o) <= allowed for o in value)

    return is_form


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_integers_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(is_integer(number) for number in value.values())


def _by_side(is_side: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_form(value: Any) -> bool:
        return isinstance(value, dict) and {} != value and set(value) <= {"bids", "asks"} and all(
            is_side(side) for side in value.values()
        )  # fmt: skip

    return is_form


def _are_levels(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(level, list) and len(level) == 2 for level in value)


def _is_auction(value: Any) -> bool:
    if value is None:
        return True
    fields = {"price", "volume", "surplus"}
    return isinstance(value, dict) and value != {} and set(value) <= fields and _are_integers_by_name(value)


def _is_implied(value: Any) -> bool:
    fields = {"instrument", "side", "price", "qty"}
    return _objects(fields, fields)(value) and all(is_one_of(one["side"], words.SIDES) for one in value)


def _are_books(value: Any) -> bool:
    return isinstance(value, dict) and all(_by_side(_are_levels)(book) for book in value.values())


def _is_phase(value: Any) -> bool:
    by_name = value if isinstance(value, dict) else {"": value}
    return by_name != {} and all(is_one_of(word, words.PHASES) for word in by_name.values())


TRADE: Final = {"maker", "taker", "qty", "price"}
FORMS: Final[dict[str, Callable[[Any], bool]]] = {
    "trades": _objects(set(), TRADE), "trades_merged": _objects(set(), TRADE),
    "cancels": _objects({"id", "qty"}, {"id", "qty"}), "rejects": _objects({"id"}, {"id", "reason"}),
    "last": lambda value: value is None or is_integer(value), "trade_count": is_integer,
    "filled": _are_integers_by_name, "leaves": _are_integers_by_name, "prices": _are_integers_by_name,
    "displayed": _are_integers_by_name, "book": _by_side(_are_levels), "queue": _by_side(_is_list),
    "order_counts": _by_side(is_integer), "total_volume": _by_side(is_integer), "visible_volume": _by_side(is_integer),
    "triggered": _is_list, "pending_stops": _is_list, "parked": _is_list, "auction": _is_auction,
    "implied": _is_implied, "books": _are_books, "phase": _is_phase,
    "events": lambda value: isinstance(value, list) and all(isinstance(event, list) for event in value),
}  # fmt: skip
