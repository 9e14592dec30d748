"""Tells one engine a command, and asks it everything that can be asked.

Lives here: `Session` (which stream), `new_engine`, `answer`, `state_of`, `count`.
Does not know: that there are two engines, what they should say.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from tests.engines import Engine, Event
from tests.twin.flow import PROFILES, CommandFlow
from tests.twin.flow_state import Command
from tests.twin.flow_world import Setting

DEPTH_LEVELS: Final = 4
PLACES: Final = {name: place for place, name in enumerate(PROFILES)}
RAISED: Final = "raised"  # stands where events would be

Answer = Any  # a list of events, None, or (RAISED, text)


class Session(NamedTuple):
    """One stream of commands: everything that happens follows from these four."""

    profile: str
    seed: int
    number: int
    commands: int

    def flow(self) -> CommandFlow:
        return CommandFlow(self.seed * 10**9 + self.number * 97 + PLACES[self.profile], PROFILES[self.profile])


def new_engine(engine_type: Callable[..., Engine], setting: Setting) -> Engine:
    """An engine with the books of a setting."""
    books, orders_max, trailing_max, pegs_max, books_max = setting
    engine = engine_type(
        orders_max=orders_max, books_max=books_max, pages_max=4_096, trailing_max=trailing_max, pegs_max=pegs_max
    )
    for number, rules, legs in books:
        if legs:
            engine.add_combo(number, rules, legs)
        else:
            engine.add_book(number, rules)
    return engine


def answer(engine: Engine, command: Command) -> Answer:
    """What an engine says to a command; also that it breaks, or cannot be asked so."""
    method, args, options = command
    try:
        events: list[Event] | None = getattr(engine, method)(*args, **options)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the answer)
        return RAISED, f"{type(error).__name__}: {error}"
    return events


def state_of(engine: Engine, setting: Setting, ids: Iterable[int]) -> list[Any]:
    """Everything that can be asked about an engine; the orders of `ids` one by one."""
    engine.check_invariants()
    out: list[Any] = [engine.state_digest()]
    for number, _, _ in setting.books:
        out.append((
            number, engine.phase(number), engine.best(number), engine.last_price(number),
            engine.depth(number, DEPTH_LEVELS), engine.indicative(number), engine.implied(number),
            engine.waiting(number), engine.parked(number),
        ))  # fmt: skip
    out += [(order_id, engine.order(order_id), engine.shown(order_id)) for order_id in ids]
    return out


def count(answer: Answer, kinds: dict[str, int]) -> None:
    """Add up what happened, by kind and reason."""
    for event in answer or ():
        kind = event[0]
        if kind == "refused":
            kind = "refused " + event[2]
        elif kind == "cancelled":
            kind = "cancelled " + event[3]
        kinds[kind] = kinds.get(kind, 0) + 1
