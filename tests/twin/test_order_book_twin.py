"""Goal: the compiled engine and the plain twin give the same events, answers and digests, whatever they are told.

Method: seeded random commands over everything a book can do go to both, in sessions of a few thousand with books of
other rules each; HASHBOOK_TWIN_COMMANDS sets how many over all profiles. A difference names the session and is made
short. Together the profiles must have reached every kind of event, refusal and end of an order, or they prove less than
they claim. Differences that were found once are played again. The long run is `make twin COMMANDS=100000000 JOBS=2`.
"""

import os
from collections import Counter
from functools import cache
from typing import Any

import pytest

from domain.book_rules import BookRules
from tests.engines import COMPILED, REFERENCE, Event, engine_class
from tests.reference.order_book import ReferenceEngine
from tests.twin import regressions
from tests.twin.differential import EnginesDiffer, first_difference, run_session
from tests.twin.flow import EXPECTED_KINDS, PROFILES
from tests.twin.flow_state import Command
from tests.twin.flow_world import OpenBook, Setting
from tests.twin.playing import Session, answer, new_engine
from tests.twin.regressions import REGRESSIONS, Regression
from tests.twin.run import COMMANDS_FOR_EVERY_KIND, sessions_of
from tests.twin.shrinking import as_source, shrink

COMMANDS = int(os.environ.get("HASHBOOK_TWIN_COMMANDS", "2000000"))
SEED = 1


@cache
def kinds_of(profile: str) -> Counter[str]:
    """Run the sessions of a profile: how often each kind of event happened."""
    kinds: Counter[str] = Counter()
    for session in sessions_of([profile], commands=COMMANDS // len(PROFILES), seed=SEED):
        kinds.update(run_session(engine_class(COMPILED), engine_class(REFERENCE), session))
    return kinds


@pytest.mark.parametrize("profile", PROFILES)
def test_compiled_engine_and_twin_agree_on_random_commands(profile: str) -> None:
    assert kinds_of(profile)["rested"] > COMMANDS // len(PROFILES) // 10


@pytest.mark.skipif(COMMANDS < COMMANDS_FOR_EVERY_KIND, reason="a short run need not reach every kind of answer")
def test_random_commands_reach_every_kind_of_event_and_every_reason() -> None:
    assert EXPECTED_KINDS - {kind for profile in PROFILES for kind in kinds_of(profile)} == set()


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.name)
def test_engines_agree_where_they_once_differed(regression: Regression) -> None:
    difference = first_difference(
        engine_class(COMPILED), engine_class(REFERENCE), regression.setting, regression.commands, state_every=1
    )
    assert difference is None, difference.told()


MANY = 5_000  # orders: more events than the buffer of the compiled engine holds
TWO_BOOKS = Setting((OpenBook(0, BookRules()), OpenBook(1, BookRules())))
MANY_ORDERS: list[Command] = [  # both books, bids at 90, asks at 110, of one owner
    ("submit", (n % 2, n, 1, n // 2 % 2, 90 + n // 2 % 2 * 20, 1 + n % 3), {}) for n in range(1, 4 * MANY)
]
CROSSED: list[Command] = [("submit", (0, n, n, n % 2, 100, 1 + n % 3), {}) for n in range(1, 2 * MANY)]


@pytest.mark.parametrize(
    "commands",
    [
        [*MANY_ORDERS, ("cancel_owner", (1,), {})],
        [*MANY_ORDERS, ("cancel_owner", (1,), {"side": 1, "low": 100}), ("cancel_owner", (1,), {"book": 0})],
        [*MANY_ORDERS, ("cancel_book", (0,), {}), ("cancel_book", (1,), {"high": 100}), ("cancel_book", (1,), {})],
        [*MANY_ORDERS, ("set_phase", (1, 5), {}), ("set_phase", (1, 6), {})],
        [
            *MANY_ORDERS,
            ("submit", (0, 2**40, 2, 0, 120, 3 * MANY), {}),
            ("submit", (1, 2**41, 2, 1, 80, MANY), {"tif": 2}),
        ],
        [*MANY_ORDERS, ("amend", (4, 1, 200, 9 * MANY), {}), ("submit", (0, 2**40, 1, 0, 200, 9 * MANY), {"stp": 2})],
        [("set_phase", (0, 2), {}), *CROSSED, ("set_phase", (0, 0), {})],
    ],
    ids=["owner", "side of an owner", "book", "expiry", "taken", "prevented", "uncrossed"],
)
def test_engines_agree_on_thousands_of_events_at_once(commands: list[Command]) -> None:
    setting = TWO_BOOKS._replace(orders_max=len(commands))
    difference = first_difference(engine_class(COMPILED), ReferenceEngine, setting, commands)
    assert difference is None, difference.told()


def test_engines_agree_when_one_command_moves_thousands_of_pegs() -> None:
    books = tuple(OpenBook(book, BookRules()) for book in range(48))
    setting = Setting(books, orders_max=9_300, pegs_max=190, books_max=48)
    commands: list[Command] = []
    for book, _, _ in books:
        first_id = 1_000 * book
        commands += [("submit", (book, first_id + owner, owner, 0, 100 - owner, 1), {}) for owner in (1, 2)]
        commands += [("submit", (book, first_id + n, 3, 0, 0, 1), {"peg": 1}) for n in range(3, 193)]
    commands.append(("cancel_owner", (1,), {}))
    difference = first_difference(engine_class(COMPILED), ReferenceEngine, setting, commands)
    assert difference is None, difference.told()


class EngineThatLosesPriority(ReferenceEngine):
    """A wrong engine: an amend in place sends the order to the back of its queue without saying so."""

    def amend(self, order_id: int, owner: int, price_ticks: int, total_lots: int, **options: int) -> list[Event]:
        events = super().amend(order_id, owner, price_ticks, total_lots, **options)
        if events[0][0] == "amended":
            order = self._resting[order_id]
            queue = self._books[order.book].sides[order.side][order.price_ticks].queue
            queue[order_id] = queue.pop(order_id)
        return events


class EngineThatTradesAtTheTakersPrice(ReferenceEngine):
    """A wrong engine: fills name the taker's limit."""

    def submit(self, *args: int, **options: Any) -> list[Event]:
        events = super().submit(*args, **options)
        return [(*event[:3], args[4], *event[4:]) if event[0] == "fill" else event for event in events]


@pytest.mark.parametrize("wrong_engine", [EngineThatLosesPriority, EngineThatTradesAtTheTakersPrice])
def test_a_wrong_engine_is_found_and_what_shows_it_is_made_short(wrong_engine: type[ReferenceEngine]) -> None:
    session = Session("touch", 11, 0, 4_000)
    with pytest.raises(EnginesDiffer, match="seed=11") as caught:
        run_session(wrong_engine, ReferenceEngine, session)
    short = shrink(wrong_engine, ReferenceEngine, caught.value.difference)
    assert len(short.commands) < 8
    pasted = eval(as_source(short, "pasted").strip().rstrip(","), vars(regressions))
    assert (pasted.name, pasted.setting, pasted.commands) == ("pasted", short.setting, short.commands)


def test_sessions_share_the_commands_evenly_and_differ() -> None:
    sessions = list(sessions_of(list(PROFILES), commands=9_000 * len(PROFILES), seed=3))
    sent: Counter[str] = Counter()
    for session in sessions:
        sent[session.profile] += session.commands
    assert sent == dict.fromkeys(PROFILES, 9_000)
    assert len(set(sessions)) == len(sessions)


def test_flow_depends_on_nothing_but_its_seed_and_the_answers() -> None:
    session = Session("everything", 5, 0, 2_000)
    flows = [session.flow(), session.flow()]
    engines = [new_engine(ReferenceEngine, flow.state.setting) for flow in flows]
    for _ in range(session.commands):
        commands = [flow.next_command() for flow in flows]
        assert commands[0] == commands[1]
        answers = [answer(engine, commands[0]) for engine in engines]
        assert answers[0] == answers[1]
        for flow in flows:
            flow.learn(answers[0])


def test_digest_tells_queue_order_apart() -> None:
    digests = []
    for ids in ((1, 2), (2, 1)):
        engine = ReferenceEngine()
        engine.add_book(0, BookRules())
        for order_id in ids:
            engine.submit(0, order_id, 1, 0, 10, 5)
        digests.append(engine.state_digest())
    assert digests[0] != digests[1]
