"""Goal: the faults that users of other matching engines report would not pass here.

Method: each is planted into the twin (planted.py, planted_around.py). Then something that already exists must object:
a transcribed case, a scenario, the auditor on a stream of random commands, or the comparison with the compiled engine
on that stream. The same thing must have nothing to say about the twin as it is, so that it is the fault that is caught.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_DECREMENT,
    STP_NONE,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from tests.cases.matching import load_cases, run_case
from tests.engines import COMPILED, REFERENCE, Engine, Event, engine_class
from tests.property import planted, planted_around
from tests.reference.auditor import Auditor

CASES_DIR: Final = Path(__file__).parents[1] / "cases"
TABLES: Final = ("data/matching_cases.json", "scenarios/trading.py", "scenarios/waiting.py", "scenarios/pegs.py",
                 "scenarios/auctions.py", "scenarios/makers.py")  # fmt: skip
CASES: Final = {case["id"]: case for table in TABLES for case in load_cases(CASES_DIR / table)}
BOOK: Final = 0
SEED: Final = 20_240_711
COMMANDS: Final = 2_000

AUDITOR: Final = "the auditor on random commands"
COMPILED_ENGINE: Final = "the compiled engine on random commands"

# Fault -> who objects: ids of cases and scenarios, or one of the two above.
CAUGHT_BY: Final[dict[Callable[[planted.Patch], None], tuple[str, ...]]] = {
    planted_around.stop_comparison_is_inverted: ("OM-008", "MATCH-070 each order watches the price it names"),
    planted_around.untriggered_stop_cannot_be_cancelled: (
        "LB-079",
        "MATCH-078 room for trailing orders",
        COMPILED_ENGINE,
    ),
    planted_around.trailing_stop_moves_only_once: ("BN-014", "MATCH-075 trailing follows again and again"),
    planted_around.stops_are_looked_at_in_a_single_pass: ("OM-009", "MATCH-073 cascade down to the end"),
    planted.partial_fill_demotes_the_maker: ("FX-003", AUDITOR, COMPILED_ENGINE),
    planted.cancel_inside_a_queue_breaks_its_order: ("MATCH-050 cancel inside a queue", AUDITOR, COMPILED_ENGINE),
    planted.empty_level_is_left_behind: ("MATCH-050 a level that has become empty", AUDITOR, COMPILED_ENGINE),
    planted.deleted_level_takes_its_neighbour_along: ("CT-001", AUDITOR, COMPILED_ENGINE),
    planted.orders_outside_a_price_window_are_lost: ("EC-012", AUDITOR, COMPILED_ENGINE),
    planted.queues_are_in_hash_order: ("BI-011", AUDITOR, COMPILED_ENGINE),
    planted.trade_is_at_the_takers_price: ("CM-001", AUDITOR, COMPILED_ENGINE),
    planted.trades_of_nothing_are_reported: ("BI-004", AUDITOR, COMPILED_ENGINE),
    planted.limit_order_sweeps_through_its_limit: ("BI-001", AUDITOR, COMPILED_ENGINE),
    planted.rest_of_an_immediate_order_rests: ("OX-016", AUDITOR, COMPILED_ENGINE),
    planted.fill_or_kill_is_judged_maker_by_maker: ("LB-049", COMPILED_ENGINE),
    planted.own_orders_are_found_in_hash_order: ("OR-003", AUDITOR, COMPILED_ENGINE),
    planted.rest_after_prevention_rests: ("CM-012", AUDITOR, COMPILED_ENGINE),
    planted.only_the_first_own_order_is_cancelled: ("OR-003", COMPILED_ENGINE),
    planted.amend_leaves_the_order_in_its_old_level: ("LB-038", AUDITOR, COMPILED_ENGINE),
    planted.increase_keeps_the_place: ("LB-032", AUDITOR, COMPILED_ENGINE),
    planted.refused_amend_costs_the_place: ("MATCH-100 a refused quote leaves the old one", AUDITOR),
    planted.amend_of_a_filled_order_is_accepted: ("OX-031", AUDITOR, COMPILED_ENGINE),
    planted.id_that_is_in_use_is_taken_again: ("FX-010", AUDITOR, COMPILED_ENGINE),
    planted.notional_is_checked_at_the_wrong_scale: ("FX-021",),
    planted_around.pegs_are_not_repriced: ("EN-019", "MATCH-083 after all triggers"),
    planted_around.peg_breaks_the_way_into_an_auction: ("MATCH-084 a call parks pegs",),
    planted_around.iceberg_of_an_auction_shows_its_whole_size: ("VG-050", "MATCH-092 reserves count whole"),
    planted_around.order_of_an_auction_never_expires: ("MATCH-050 dates and days end orders of every state",),
}
PAIRS: Final = [(plant, judge) for plant, judges in CAUGHT_BY.items() for judge in judges]


def commands() -> Iterator[tuple[str, tuple[int, ...], dict[str, Any]]]:
    """A stream that aims at collisions; it does not depend on any answer."""
    rand = random.Random(SEED)
    for number in range(1, COMMANDS + 1):
        side, known = rand.choice((BUY, SELL)), rand.randint(max(1, number - 40), number)
        away = rand.choice((0, 1, 1, 2, 2, 3, -3, 60))  # mostly where others of the side are, now and then across
        price, lots = 100 - away if side == BUY else 100 + away, rand.randint(1, 9)
        draw = rand.random()
        if draw < 0.15:
            yield "cancel", (known, known % 3 + 1), {}
        elif draw < 0.30:
            yield "amend", (known, known % 3 + 1, price, lots), {}
        else:
            tif = rand.choice((GTC, GTC, GTC, GTC, IOC, FOK))
            options = {
                "order_type": rand.choice((LIMIT,) * 9 + (MARKET,)), "tif": tif, "post_only": rand.random() < 0.1,
                "stp": rand.choice(
                    (STP_NONE, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST, STP_CANCEL_OLDEST, STP_CANCEL_BOTH, STP_DECREMENT)
                ),
            }  # fmt: skip
            if options["order_type"] == LIMIT and rand.random() < 0.1:
                options |= {"trigger": TRIGGER_UP if side == BUY else TRIGGER_DOWN, "trigger_ticks": price}
            elif options["order_type"] == LIMIT and tif == GTC and rand.random() < 0.3:
                options["display_lots"] = rand.randint(1, lots)
            order_id = known if rand.random() < 0.05 else number
            yield "submit", (BOOK, order_id, order_id % 3 + 1, side, price, lots), options


def opened(engine_name: str) -> Engine:
    engine = engine_class(engine_name)(orders_max=COMMANDS, books_max=1)
    engine.add_book(BOOK, BookRules())
    return engine


def objects(judge: str) -> bool:
    """Whether a judge finds fault with the twin as it is at this moment."""
    if judge in CASES:
        return run_case(CASES[judge], 0, engine_class(REFERENCE)).problems != []
    try:
        return stream_is_wrong(with_compiled=judge == COMPILED_ENGINE)
    except Exception:  # noqa: BLE001 - a broken law or a broken twin: either way it is noticed
        return True


def stream_is_wrong(*, with_compiled: bool) -> bool:
    twin, auditor, compiled = opened(REFERENCE), Auditor(), opened(COMPILED) if with_compiled else None
    for method, args, options in commands():
        events: list[Event] = getattr(twin, method)(*args, **options)
        if compiled is not None:
            if events != list(getattr(compiled, method)(*args, **options)):
                return True
        else:
            auditor.observe(method, args, options, events)
            twin.check_invariants()
            if twin.state_digest() != auditor.state_digest():
                return True
    return compiled is not None and compiled.state_digest() != twin.state_digest()


@pytest.mark.parametrize("judge", list(dict.fromkeys(judge for _, judge in PAIRS)))
def test_twin_without_a_fault_is_not_objected_to(judge: str) -> None:
    assert not objects(judge)


@pytest.mark.parametrize(("plant", "judge"), PAIRS, ids=[f"{plant.__name__} by {judge}" for plant, judge in PAIRS])
def test_planted_fault_is_caught(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[planted.Patch], None], judge: str
) -> None:
    plant(monkeypatch)
    assert objects(judge)


def test_every_planted_fault_has_somebody_who_objects() -> None:
    own = [
        function
        for module in (planted, planted_around)
        for function in vars(module).values()
        if getattr(function, "__module__", "") == module.__name__
    ]
    assert {plant for plant in own if not plant.__name__.startswith("_")} == set(CAUGHT_BY)
