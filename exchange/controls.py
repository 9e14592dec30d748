"""Phases, kill switches, protection and prevention: what steers order entry without being an order.

Lives here: one cold command family; each function validates everything, then acts.
Does not know: what a phase or a group means to the book (matching), how a call ends by time (phases.pyx).
"""

from typing import Any

from domain.commands import (
    ResetProtection,
    SetCancelOnDisconnect,
    SetGreeks,
    SetKillSwitch,
    SetPhase,
    SetPreventionGroup,
    SetProtection,
)
from domain.constants import PHASE_CLOSED, PHASE_EXPIRED, REASON_KILL_SWITCH
from domain.events import KillSwitchSet
from domain.rejects import RejectCode
from exchange import steering
from exchange.epochs import cancel_where
from exchange.state import Refusal, State

GROUPS_MAX = 17
KEYS_MAX = 65_536
GREEK_MAX = 2**20
SUM_MAX = 2**62


def set_phase(state: State, command: SetPhase) -> Refusal | None:
    """Move a book; the end of an instrument is the business of CloseInstrument."""
    if state.instrument_at(command.instrument_id) is None:
        return Refusal(RejectCode.UNKNOWN_INSTRUMENT)
    if not state.core.is_open(command.instrument_id):
        return Refusal(RejectCode.INSTRUMENT_CLOSED)
    if not 0 <= command.phase < PHASE_EXPIRED or (command.until_ns and command.until_ns <= state.now_ns):
        return Refusal(RejectCode.BAD_COMMAND)
    if command.until_ns < 0 or (command.until_ns and command.phase in (0, PHASE_CLOSED)):
        return Refusal(RejectCode.BAD_COMMAND)
    code = steering.set_phase(state.core, command.instrument_id, command.phase, command.until_ns, command.force)
    return Refusal(RejectCode(code)) if code else None


def set_kill_switch(state: State, command: SetKillSwitch) -> Refusal | None:
    """Cancel what rests in the scope, and refuse what would be new there (ORD-060)."""
    hit: dict[str, Any]
    match command.scope:
        case "key" | "own_key" if 0 < command.id < KEYS_MAX:
            hit = {"key": command.id}
        case "account" | "own_account" if state.has_account(command.id):
            hit = {"account": command.id}
        case "instrument" if state.instrument_at(command.id) is not None:
            over = (combo for combo in state.instruments if any(leg == command.id for leg, _ in combo.legs))
            hit = {"instruments": {command.id: True, **{combo.instrument_id: True for combo in over}}}
        case "venue" if command.id == 0:
            hit = {}
        case _:
            return Refusal(RejectCode.BAD_COMMAND)
    steering.set_killed(state.core, command.scope, command.id, command.on)
    if command.on:
        cancel_where(state.core, REASON_KILL_SWITCH, **hit)
    state.emit(KillSwitchSet(command.scope, command.id, command.on, command.reason))
    return None


def set_cancel_on_disconnect(state: State, command: SetCancelOnDisconnect) -> Refusal | None:
    """The account wants no orders without a session (ORD-015)."""
    if not state.has_account(command.account):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    steering.set_cancel_on_disconnect(state.core, command.account, command.on)
    return None


def set_protection(state: State, command: SetProtection) -> Refusal | None:
    """Limits of a protection group; its sums stay (MATCH-102)."""
    if not state.has_account(command.account):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    sums = (command.lots, command.delta, command.vega, command.window_ns, command.frozen_ns)
    if not 1 <= command.group < GROUPS_MAX or not all(0 <= number <= SUM_MAX for number in sums):
        return Refusal(RejectCode.BAD_COMMAND)
    if command.window_ns == 0:
        return Refusal(RejectCode.BAD_COMMAND)
    if not steering.set_protection(state.core, command.account, command.group, *sums):
        return Refusal(RejectCode.CAPACITY)
    return None


def reset_protection(state: State, command: ResetProtection) -> Refusal | None:
    """Unfreeze a group (MATCH-103)."""
    if not state.has_account(command.account):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    if not 1 <= command.group < GROUPS_MAX:
        return Refusal(RejectCode.BAD_COMMAND)
    steering.reset_protection(state.core, command.account, command.group)
    return None


def set_greeks(state: State, command: SetGreeks) -> Refusal | None:
    """What one lot counts in protection sums."""
    if state.instrument_at(command.instrument_id) is None:
        return Refusal(RejectCode.UNKNOWN_INSTRUMENT)
    if abs(command.delta) > GREEK_MAX or abs(command.vega) > GREEK_MAX:
        return Refusal(RejectCode.BAD_COMMAND)
    steering.set_greeks(state.core, command.instrument_id, command.delta, command.vega)
    return None


def set_prevention_group(state: State, command: SetPreventionGroup) -> Refusal | None:
    """Accounts of one group do not trade with each other (MATCH-030)."""
    if not state.has_account(command.account):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    if not 0 <= command.group < 2**32:
        return Refusal(RejectCode.BAD_COMMAND)
    steering.set_prevention_group(state.core, command.account, command.group)
    return None
