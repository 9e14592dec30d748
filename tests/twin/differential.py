"""Sends one stream of commands to two engines and compares everything they answer.

Lives here: `run_differential` and the text that a difference is reported with.
Does not know: how commands are drawn, how either engine works.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

from tests.engines import Engine, Event
from tests.twin.flow import BOOKS, PROFILES, Command, CommandFlow, new_engine

STATE_EVERY: Final = 50  # commands between comparisons of the whole state
HISTORY_SHOWN: Final = 12
DEPTH_LEVELS: Final = 6


class EnginesDiffer(AssertionError):
    """The engines disagree; the text holds the seed, the command's number and what each one said."""


@dataclass
class DifferentialResult:
    """What a run without a difference did."""

    commands: int
    fills: int
    digest: str
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)


def run_differential(
    compiled_type: type[Engine], reference_type: type[Engine], *, commands: int, seed: int, profile: str = "touch"
) -> DifferentialResult:
    """Drive both engines with the same `commands` commands of one of the flow's PROFILES.

    Raises:
        EnginesDiffer: events, an open order, depth, best or last price, or the digest differ.
        InvariantViolation: an engine finds itself broken.
    """
    shape = PROFILES[profile]
    compiled, reference = new_engine(compiled_type, shape), new_engine(reference_type, shape)
    flow = CommandFlow(seed, shape)
    kinds: Counter[tuple[str, str]] = Counter()
    history: deque[Command] = deque(maxlen=HISTORY_SHOWN)

    for number in range(1, commands + 1):
        command = flow.next_command(reference)
        history.append(command)
        method, args, options = command
        expected: list[Event] = getattr(reference, method)(*args, **options)
        actual: list[Event] = list(getattr(compiled, method)(*args, **options))
        if actual != expected:
            raise EnginesDiffer(_report(seed, number, history, "events", actual, expected))
        for event in expected:
            kinds[event[0], _detail(event)] += 1
        if method in ("submit", "amend", "cancel"):
            order_id = args[1] if method == "submit" else args[0]
            if compiled.order(order_id) != reference.order(order_id):
                mine, theirs = compiled.order(order_id), reference.order(order_id)
                raise EnginesDiffer(_report(seed, number, history, "order", mine, theirs))
        if number % STATE_EVERY == 0 or number == commands:
            _compare_states(compiled, reference, seed, number, history)

    return DifferentialResult(commands, kinds["fill", ""], reference.state_digest(), kinds)


def _compare_states(
    compiled: Engine, reference: Engine, seed: int, number: int, history: deque[Command]
) -> None:
    compiled.check_invariants()
    reference.check_invariants()
    for book in BOOKS:
        for question, arguments in (("best", ()), ("last_price", ()), ("depth", (DEPTH_LEVELS,))):
            mine = getattr(compiled, question)(book, *arguments)
            theirs = getattr(reference, question)(book, *arguments)
            if mine != theirs:
                raise EnginesDiffer(_report(seed, number, history, f"{question} of book {book}", mine, theirs))
    if compiled.state_digest() != reference.state_digest():
        mine, theirs = compiled.state_digest(), reference.state_digest()
        raise EnginesDiffer(_report(seed, number, history, "digest", mine, theirs))


def _detail(event: Event) -> str:
    """The reason a refusal or a cancel carries."""
    return str(event[2]) if event[0] == "refused" else str(event[3]) if event[0] == "cancelled" else ""


def _report(seed: int, number: int, history: deque[Command], what: str, compiled: Any, reference: Any) -> str:
    commands = "\n".join(f"    {method}{args} {options}" for method, args, options in history)
    return (
        f"seed {seed}, command {number}: {what} differ\n  compiled:  {compiled}\n  reference: {reference}\n"
        f"  the last commands, the failing one at the end:\n{commands}"
    )
