"""The core's only door: stamped command records in, event frames out.

Lives here: the walk over a group, the dispatch of cold commands, reads, dump, load and digest.
Does not know: trading rules (order_entry.pyx), what a command decides (its family's file), journals, sockets.
"""

import hashlib
from typing import Self, assert_never

import msgspec

from domain import reads
from domain.commands import (
    AdvanceTime,
    BlockConnected,
    BustTrade,
    CloseInstrument,
    ColdCommand,
    CorrectTrade,
    CreateAsset,
    DefineTranche,
    Deposit,
    ListInstrument,
    OpenAccount,
    PoolReport,
    ResetProtection,
    RunVariationMargin,
    SetCancelOnDisconnect,
    SetGreeks,
    SetIdentity,
    SetKillSwitch,
    SetPhase,
    SetPreventionGroup,
    SetPrice,
    SetProtection,
    SetRule,
    SetScenarios,
    StartChain,
    UpdateMarks,
    decode_cold,
)
from domain.constants import COMMAND_COLD
from domain.limits import Limits
from domain.rejects import RejectCode
from domain.wire import COMMAND_HEADER
from exchange import administration, chain_events, controls, corrections, snapshot, vm_cycle
from exchange.laws import check_state
from exchange.reads import answer
from exchange.state import Refusal, State


class StateMachine:
    """Deterministic: the same records give the same events and the same state, bit for bit, everywhere."""

    def __init__(self, state: State) -> None:
        self.state = state

    @classmethod
    def create(cls, limits: Limits) -> Self:
        """An empty venue with these capacities."""
        return cls(State(limits))

    @property
    def sequence(self) -> int:
        """Sequence of the last applied command, 0 before the first."""
        return int(self.state.core.sequence)

    @property
    def time_ns(self) -> int:
        """Exchange time of the last applied command."""
        return int(self.state.core.time_ns)

    def apply(self, records: bytes | bytearray | memoryview) -> bytes:
        """Apply a stamped group of whole records (exchange.record.stamp_records) and return its event frames.

        Hot records run without the interpreter; the walk comes back to Python for cold ones and for lapsing claims.
        """
        core = self.state.core
        view = memoryview(records)
        at, end = 0, len(view)
        while at < end:
            at = core.run(view, at)
            if at < end:
                at = self._apply_slowly(view, at)
        return bytes(core.take_events())

    def _apply_slowly(self, view: memoryview, at: int) -> int:
        """What the hot run left to Python: time first (lapses, room), then the command if it is a cold one."""
        length, kind, _, sequence, time_ns, _, _ = COMMAND_HEADER.unpack_from(view, at)
        core = self.state.core
        core.timeline.make_room(2 * self.state.limits.orders_max)
        if core.lapses_at(time_ns):
            self._lapse(sequence, time_ns)
            return at
        if core.is_due(time_ns):  # now there is room for what it does
            return at
        if kind == COMMAND_COLD:
            self._apply_cold(view[at : at + length])
            return at + int(length)
        return at

    def _lapse(self, sequence: int, time_ns: int) -> None:
        """Claims end at this record's time: their orders go before the command acts, in a frame of the venue's own
        under the same sequence (ELIG-005)."""
        core = self.state.core
        lapsed = dict.fromkeys(account for account, _ in core.registry.whitelist.lapse(time_ns))
        if not lapsed:  # the claim was renewed since: says nothing, like a core that was loaded after the renewal
            return
        core.begin_cold(COMMAND_HEADER.pack(COMMAND_HEADER.size, COMMAND_COLD, 0, sequence, time_ns, 0, 0), 0)
        for account in lapsed:
            administration.enforce_eligibility(self.state, account)
        core.end_cold(RejectCode.DONE, 0, 0)

    def _apply_cold(self, record: memoryview) -> None:
        """Decode, dispatch, frame. A payload that is no command is refused like any other bad command."""
        core = self.state.core
        core.begin_cold(record, 0)
        command = decode_or_none(record)
        refusal = Refusal(RejectCode.BAD_COMMAND) if command is None else dispatch(self.state, command)
        if refusal is None:
            core.end_cold(RejectCode.DONE, 0, 0)
        else:
            core.end_cold(refusal.code, refusal.detail, refusal.value)

    def read(self, request: bytes) -> bytes:
        """Answer an unjournaled question (domain.reads) at the present sequence."""
        decoded = reads.decode_request(request)
        digest = self.digest() if isinstance(decoded, reads.ReadDigest) else ""
        return reads.encode(answer(self.state, decoded, digest))

    def dump_state(self) -> bytes:
        """The whole state as bytes. O(state)."""
        return snapshot.dump_state(self.state)

    @classmethod
    def load_state(cls, data: bytes) -> Self:
        """A state machine from `dump_state`."""
        return cls(snapshot.load_state(data))

    def digest(self) -> str:
        """blake2b-128 of the dump: equal histories give equal digests. O(state)."""
        return hashlib.blake2b(self.dump_state(), digest_size=16).hexdigest()

    def check_invariants(self) -> None:
        """Raise InvariantViolation at the first law that does not hold. O(everything)."""
        check_state(self.state)


def decode_or_none(record: memoryview) -> ColdCommand | None:
    """The cold command, or None for bytes that are none: a journaled record is refused, never an exception."""
    try:
        return decode_cold(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def dispatch(state: State, command: ColdCommand) -> Refusal | None:
    """Each command to its family."""
    match command:
        case CreateAsset():
            return administration.create_asset(state, command)
        case ListInstrument():
            return administration.list_instrument(state, command)
        case CloseInstrument():
            return administration.close_instrument(state, command)
        case OpenAccount():
            return administration.open_account(state, command)
        case SetRule():
            return administration.set_rule(state, command)
        case SetIdentity():
            return administration.set_identity(state, command)
        case Deposit():
            return administration.deposit(state, command)
        case DefineTranche():
            return administration.define_tranche(state, command)
        case StartChain():
            return chain_events.start_chain(state, command)
        case BlockConnected():
            return chain_events.block_connected(state, command)
        case PoolReport():
            return chain_events.pool_report(state, command)
        case SetPrice():
            return chain_events.set_price(state, command)
        case UpdateMarks():
            return vm_cycle.update_marks(state, command)
        case RunVariationMargin():
            return vm_cycle.run_variation_margin(state, command)
        case SetScenarios():
            return administration.set_scenarios(state, command)
        case AdvanceTime():
            return vm_cycle.advance_time(state, command)
        case SetPhase():
            return controls.set_phase(state, command)
        case SetKillSwitch():
            return controls.set_kill_switch(state, command)
        case SetCancelOnDisconnect():
            return controls.set_cancel_on_disconnect(state, command)
        case SetProtection():
            return controls.set_protection(state, command)
        case ResetProtection():
            return controls.reset_protection(state, command)
        case SetGreeks():
            return controls.set_greeks(state, command)
        case SetPreventionGroup():
            return controls.set_prevention_group(state, command)
        case BustTrade():
            return corrections.bust_trade(state, command)
        case CorrectTrade():
            return corrections.correct_trade(state, command)
        case _:
            assert_never(command)
