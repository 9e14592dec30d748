"""Sends one stream of commands to two engines and compares everything they answer.

Lives here: `run_session`, `first_difference` for a given list of commands, and the text that a difference is told with.
Does not know: how commands are drawn, how either engine works, which one is right.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from tests.engines import Engine
from tests.twin.flow import PROFILES
from tests.twin.flow_state import Command
from tests.twin.flow_world import Setting
from tests.twin.playing import RAISED, Answer, Session, answer, count, new_engine, state_of

HISTORY_SHOWN: Final = 10

EngineType = Callable[..., Engine]


class Difference(NamedTuple):
    """Where two engines part: the last of `commands` shows it."""

    setting: Setting
    commands: list[Command]
    what: str  # "events" or "state"
    compiled: Any
    reference: Any

    def told(self) -> str:
        """Both answers after the last commands."""
        history = "\n".join(f"    {method}{args} {options}" for method, args, options in self.commands[-HISTORY_SHOWN:])
        number = len(self.commands)
        first, second = self.compiled, self.reference
        if self.what == "state" and isinstance(first, list) and isinstance(second, list):
            pairs = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
            first, second = [mine for mine, _ in pairs], [theirs for _, theirs in pairs]
        return (
            f"command {number}: {self.what} differ\n  compiled:  {first}\n  reference: {second}\n"
            f"  the last commands, the failing one at the end:\n{history}"
        )


class EnginesDiffer(AssertionError):
    """The engines disagree; the text names seed, profile and session, the command's number and what each one said."""

    def __init__(self, session: Session, difference: Difference) -> None:
        super().__init__(f"{session}, {difference.told()}")
        self.session = session
        self.difference = difference


class Pair:
    """Two engines that are told the same."""

    def __init__(self, compiled_type: EngineType, reference_type: EngineType, setting: Setting) -> None:
        self.setting = setting
        self.compiled = new_engine(compiled_type, setting)
        self.reference = new_engine(reference_type, setting)
        self.sent: list[Command] = []

    def send(self, command: Command) -> tuple[Answer, Difference | None]:
        """The reference's answer, and the difference if there is one."""
        self.sent.append(command)
        expected = answer(self.reference, command)
        actual = answer(self.compiled, command)
        if actual == expected or _broke_alike(actual, expected):
            return expected, None
        return expected, Difference(self.setting, self.sent, "events", actual, expected)

    def compare_states(self, ids: Sequence[int]) -> Difference | None:
        """The difference between what can be asked, if there is one."""
        actual, expected = _state(self.compiled, self.setting, ids), _state(self.reference, self.setting, ids)
        return None if actual == expected else Difference(self.setting, self.sent, "state", actual, expected)


def _state(engine: Engine, setting: Setting, ids: Sequence[int]) -> Any:
    try:
        return state_of(engine, setting, ids)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told)
        return RAISED, f"{type(error).__name__}: {error}"


def _broke_alike(one: Answer, other: Answer) -> bool:
    """Whether both raised the same kind of exception, whatever its words."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return False
    return str(one[1]).split(":")[0] == str(other[1]).split(":")[0]


def run_session(
    compiled_type: EngineType, reference_type: EngineType, session: Session, *, state_every: int = 0
) -> dict[str, int]:
    """Drive both engines with one session; how often each kind of event happened.

    Args:
        state_every: commands between comparisons of the whole state, 0 = as the profile says.

    Raises:
        EnginesDiffer: events differ, an answer about the state, or a law is broken in one of them.
    """
    flow = session.flow()
    pair = Pair(compiled_type, reference_type, flow.state.setting)
    state_every = state_every or PROFILES[session.profile].state_every
    kinds: dict[str, int] = {}
    for number in range(1, session.commands + 1):
        said, difference = pair.send(flow.next_command())
        if difference is None and (number % state_every == 0 or number == session.commands):
            difference = pair.compare_states(flow.state.ids)
        if difference is not None:
            raise EnginesDiffer(session, difference)
        if type(said) is tuple:
            break  # both broke in the same way: nothing that comes after means anything
        flow.learn(said)
        count(said, kinds)
    return kinds


def first_difference(
    compiled_type: EngineType, reference_type: EngineType, setting: Setting, commands: Sequence[Command], *,
    state_every: int = 0,
) -> Difference | None:  # fmt: skip
    """Play given commands on fresh engines until they differ.

    Args:
        state_every: commands between comparisons of the whole state, 0 = only at the end.
    """
    pair = Pair(compiled_type, reference_type, setting)
    for number, command in enumerate(commands, start=1):
        _, difference = pair.send(command)
        if difference is None and (number == len(commands) or (state_every and number % state_every == 0)):
            difference = pair.compare_states(_ids_of(pair.sent))
        if difference is not None:
            return difference
    return None


def _ids_of(commands: Sequence[Command]) -> list[int]:
    """Every order id that was given out."""
    places = {"submit": 1, "quote": 4}
    return sorted({args[places[method]] for method, args, _ in commands if method in places})
