"""What the runtime needs from the exchange: a deterministic machine and the record codec.

Lives here: the interface, and the one place that binds it to the exchange room.
Does not know: what a command means. Tests bind the same interface to a toy.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from domain.limits import Limits


class Machine(Protocol):
    """The exchange as a state machine. Deterministic: same limits and records give the same events and digest."""

    @property
    def sequence(self) -> int:
        """Of the last command applied; 0 before the first."""
        ...

    @property
    def time_ns(self) -> int:
        """Exchange time of the last command applied."""
        ...

    def apply(self, records: bytes | bytearray | memoryview) -> bytes:
        """Apply stamped records; the events of all of them. Raises InvariantViolation when a law is broken."""
        ...

    def read(self, request: bytes) -> bytes:
        """Answer an unjournaled read (domain.reads)."""
        ...

    def digest(self) -> str:
        """Digest of the whole state. Cost: O(state)."""
        ...

    def dump_state(self) -> bytes:
        """The whole state as bytes."""
        ...

    def check_invariants(self) -> None:
        """Raises InvariantViolation. Cost: O(state)."""
        ...


class Engine(NamedTuple):
    """How to make machines, and how to stamp records."""

    create: Callable[[Limits], Machine]
    load_state: Callable[[bytes], Machine]
    stamp_records: Callable[[bytearray, int, int], int]  # batch, first sequence, time_ns -> count; ValueError


class Genesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """First bytes of a journal: everything a replay needs to know before the first command."""

    venue_id: bytes  # random: tells one venue's journal from another's, and seeds its checksums
    limits: Limits


def encode_genesis(genesis: Genesis) -> bytes:
    """Bytes for the journal's first segment header."""
    return msgspec.msgpack.encode(genesis)


def decode_genesis(data: bytes) -> Genesis:
    """Raises msgspec.ValidationError or DecodeError for bytes that are none."""
    return msgspec.msgpack.decode(data, type=Genesis)


def exchange_engine() -> Engine:
    """The real one. Imported late, so that tools and tests without compiled modules can use the rest of the room."""
    from exchange.record import stamp_records
    from exchange.state_machine import StateMachine

    return Engine(StateMachine.create, StateMachine.load_state, stamp_records)
