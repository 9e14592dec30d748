"""Goal: the auditor that other tests rely on objects to every kind of wrong event.

Method: a short true story of one book, then the same story with one detail falsified; each must be refused with the law
it breaks.
"""

from typing import Any

import pytest

from domain.constants import BUY, FOK, IOC, SELL
from domain.ensure import InvariantViolation
from tests.reference.auditor import Auditor
from tests.reference.order_book import Event

BOOK = 0


def told_auditor() -> Auditor:
    """Asks: order 1 (5 lots) then 2 (5 lots) at 10, order 3 (5 lots) at 11; owners 1, 2, 3."""
    auditor = Auditor()
    auditor.observe("submit", (BOOK, 1, 1, SELL, 10, 5), {}, [("rested", 1, 10, 5, 5)])
    auditor.observe("submit", (BOOK, 2, 2, SELL, 10, 5), {}, [("rested", 2, 10, 5, 10)])
    auditor.observe("submit", (BOOK, 3, 3, SELL, 11, 5), {}, [("rested", 3, 11, 5, 5)])
    return auditor


def buy(auditor: Auditor, lots: int, events: list[Event], limit_ticks: int = 10, **options: Any) -> None:
    auditor.observe("submit", (BOOK, 9, 9, BUY, limit_ticks, lots), options, events)


def test_true_story_is_accepted() -> None:
    auditor = told_auditor()
    buy(auditor, 7, [("fill", 1, 9, 10, 5, 0, 5), ("fill", 2, 9, 10, 2, 3, 3)])
    auditor.observe("amend", (2, 2, 10, 4), {}, [("amended", 2, 10, 2, 2)])
    auditor.observe("cancel", (2, 2), {}, [("cancelled", 2, 2, "user", 10, 0)])
    assert auditor.depth(BOOK, SELL) == [(11, 5)]
    assert auditor.last_price[BOOK] == 10


@pytest.mark.parametrize(
    ("lots", "events", "options", "law"),
    [
        (5, [("fill", 2, 9, 10, 5, 0, 5)], {}, "oldest first"),
        (5, [("fill", 3, 9, 11, 5, 0, 0)], {}, "best price first"),
        (5, [("fill", 1, 9, 9, 5, 0, 5)], {}, "at the resting price"),
        (5, [("fill", 1, 9, 10, 4, 1, 6)], {}, "as large as both sides allow"),
        (5, [("fill", 1, 9, 10, 5, 1, 5)], {}, "what the maker has left"),
        (5, [("fill", 1, 9, 10, 5, 0, 4)], {}, "sum of its orders"),
        (5, [("fill", 1, 8, 10, 5, 0, 5)], {}, "incoming order is the taker"),
        (5, [("fill", 1, 9, 10, 5, 0, 5)], {"post_only": True}, "never takes"),
        (6, [("fill", 1, 9, 10, 5, 0, 5)], {}, "every lot"),
        (6, [("fill", 1, 9, 10, 5, 0, 5), ("cancelled", 9, 1, "ioc", 10, -1)], {"tif": FOK}, "or not at all"),
        (6, [("fill", 1, 9, 10, 5, 0, 5), ("rested", 9, 10, 1, 1)], {}, "rests crossed"),
        (5, [("fill", 1, 9, 10, 5, 0, 5), ("rested", 9, 10, 1, 1)], {}, "after an order is done"),
        (5, [("cancelled", 1, 5, "stp", 10, 5), ("cancelled", 9, 5, "stp", 10, -1)], {}, "only own makers"),
        (5, [("cancelled", 9, 4, "ioc", 10, -1)], {"tif": IOC}, "what is left is what is cancelled"),
    ],
)
def test_false_entry_is_refused(lots: int, events: list[Event], options: dict[str, Any], law: str) -> None:
    with pytest.raises(InvariantViolation, match=law):
        buy(told_auditor(), lots, events, **options)


def test_fill_beyond_the_limit_is_refused() -> None:
    with pytest.raises(InvariantViolation, match="never worse than the limit"):
        buy(told_auditor(), 5, [("fill", 1, 9, 10, 5, 0, 5)], limit_ticks=9)


def test_immediate_order_that_rests_is_refused() -> None:
    with pytest.raises(InvariantViolation, match="never rests"):
        buy(told_auditor(), 5, [("rested", 9, 9, 5, 5)], limit_ticks=9, tif=IOC)


@pytest.mark.parametrize(
    ("arguments", "event", "law"),
    [
        ((1, 1, 10, 7), ("amended", 1, 10, 7, 12), "never increases"),
        ((1, 1, 11, 4), ("amended", 1, 11, 4, 9), "keeps its price"),
        ((1, 1, 10, 4), ("amended", 1, 10, 3, 8), "sets the total"),
        ((1, 2, 10, 4), ("amended", 1, 10, 4, 9), "only the owner"),
        ((1, 1, 10, 4), ("cancelled", 1, 5, "amend_total", 10, 5), "at or below the fills"),
    ],
)
def test_false_amend_is_refused(arguments: tuple[int, ...], event: Event, law: str) -> None:
    with pytest.raises(InvariantViolation, match=law):
        told_auditor().observe("amend", arguments, {}, [event])


@pytest.mark.parametrize(
    ("owner", "event", "law"),
    [
        (2, ("cancelled", 1, 5, "user", 10, 5), "only the owner"),
        (1, ("cancelled", 1, 4, "user", 10, 5), "what was open"),
        (1, ("cancelled", 1, 5, "user", 10, 4), "sum of its orders"),
        (1, ("cancelled", 1, 5, "ioc", 10, 5), "owner's wish"),
        (1, ("rested", 1, 10, 5, 10), "only removes"),
    ],
)
def test_false_cancel_is_refused(owner: int, event: Event, law: str) -> None:
    with pytest.raises(InvariantViolation, match=law):
        told_auditor().observe("cancel", (1, owner), {}, [event])
