"""Goal: the compiled engine and the plain twin give the same events, answers and digests, whatever they are told.

Method: seeded random commands over several books with different rules go to both; HASHBOOK_TWIN_COMMANDS sets how many
(default 20,000 per profile and seed). A difference prints the seed. A run must also have reached every kind of event,
or it proves less than it claims. The long run is `python -m tests.twin.run --commands 1000000 --seed S`.
"""

import os
from typing import Any

import pytest

from domain.book_rules import BookRules
from tests.engines import COMPILED, REFERENCE, Event, engine_class
from tests.reference.order_book import ReferenceEngine
from tests.twin.differential import EnginesDiffer, run_differential
from tests.twin.flow import EXPECTED_KINDS, PROFILES, CommandFlow, new_engine

COMMANDS = int(os.environ.get("HASHBOOK_TWIN_COMMANDS", "20000"))
COMMANDS_FOR_EVERY_KIND = 20_000  # the rarest kind happens some 30 times in so many commands of the touch profile
DEEP_NEVER_FILLS_ITS_POOL = {("refused", "book_full")}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_compiled_engine_and_twin_agree_on_random_commands(profile: str, seed: int) -> None:
    result = run_differential(
        engine_class(COMPILED), engine_class(REFERENCE), commands=COMMANDS, seed=seed, profile=profile
    )
    assert result.commands == COMMANDS
    if COMMANDS >= COMMANDS_FOR_EVERY_KIND:
        unreached = EXPECTED_KINDS - set(result.kinds)
        assert unreached <= (DEEP_NEVER_FILLS_ITS_POOL if profile == "deep" else set()), f"seed {seed}"


class EngineThatLosesPriority(ReferenceEngine):
    """A wrong engine: an amend in place sends the order to the back of its queue without saying so."""

    def amend(self, order_id: int, owner: int, price_ticks: int, total_lots: int) -> list[Event]:
        events = super().amend(order_id, owner, price_ticks, total_lots)
        if events[0][0] == "amended":
            order = self._resting[order_id]
            queue = self._books[order.book].sides[order.side][price_ticks].queue
            queue[order_id] = queue.pop(order_id)
        return events


class EngineThatTradesAtTheTakersPrice(ReferenceEngine):
    """A wrong engine: fills name the taker's limit."""

    def submit(self, *args: int, **options: Any) -> list[Event]:
        events = super().submit(*args, **options)
        return [(*event[:3], args[4], *event[4:]) if event[0] == "fill" else event for event in events]


@pytest.mark.parametrize("wrong_engine", [EngineThatLosesPriority, EngineThatTradesAtTheTakersPrice])
def test_a_wrong_engine_is_found_and_the_seed_is_named(wrong_engine: type[ReferenceEngine]) -> None:
    with pytest.raises(EnginesDiffer, match="seed 11, command"):
        run_differential(wrong_engine, engine_class(REFERENCE), commands=20_000, seed=11)


def test_flow_depends_on_nothing_but_its_seed() -> None:
    flows = [CommandFlow(5, PROFILES["touch"]) for _ in range(2)]
    engines = [new_engine(engine_class(REFERENCE), PROFILES["touch"]) for _ in range(2)]
    for _ in range(2_000):
        commands = [flow.next_command(engine) for flow, engine in zip(flows, engines, strict=True)]
        assert commands[0] == commands[1]
        method, args, options = commands[0]
        answers = [getattr(engine, method)(*args, **options) for engine in engines]
        assert answers[0] == answers[1]


def test_digest_tells_queue_order_apart() -> None:
    digests = []
    for ids in ((1, 2), (2, 1)):
        engine = ReferenceEngine()
        engine.add_book(0, BookRules())
        for order_id in ids:
            engine.submit(0, order_id, 1, 0, 10, 5)
        digests.append(engine.state_digest())
    assert digests[0] != digests[1]
