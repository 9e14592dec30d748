"""A toy exchange for tests of the runtime: every command is acknowledged, and the state is a digest over all of them.

Lives here: a pure-Python machine with the same doors as the exchange, and builders of its commands.
Does not know: orders, money. An order record whose price is POISON_PRICE breaks an "invariant"; one with
UNFORESEEN_PRICE fails as no machine should.
"""

import hashlib
import struct

import msgspec

from domain import commands, wire
from domain.constants import COMMAND_NEW_ORDER, EVENT_COMMAND
from domain.ensure import ensure
from domain.limits import Limits
from runtime.engine import Engine

POISON_PRICE = 666_000_666
UNFORESEEN_PRICE = 666_000_667
LIMITS = Limits(accounts_max=64, orders_max=1_024)
_NEW_ORDER_PRICE = struct.Struct("<q")


class ToyState(msgspec.Struct):
    """All a toy knows."""

    limits: Limits
    sequence: int = 0
    time_ns: int = 0
    chain: bytes = b""
    orders: int = 0


class ToyMachine:
    """Counts orders and chains every record into a digest."""

    def __init__(self, state: ToyState) -> None:
        self._state = state
        self.skew = b""  # set by tests that need a machine that is not deterministic

    @classmethod
    def create(cls, limits: Limits) -> "ToyMachine":
        return cls(ToyState(limits))

    @classmethod
    def load_state(cls, data: bytes) -> "ToyMachine":
        return cls(msgspec.msgpack.decode(data, type=ToyState))

    @property
    def sequence(self) -> int:
        return self._state.sequence

    @property
    def time_ns(self) -> int:
        return self._state.time_ns

    def apply(self, records: bytes | bytearray | memoryview) -> bytes:
        state = self._state
        frames = []
        for record in wire.split_records(memoryview(records)):
            _, kind, _, sequence, time_ns, origin, request = wire.COMMAND_HEADER.unpack_from(record)
            ensure(sequence == state.sequence + 1, "commands come without gaps")
            ensure(time_ns >= state.time_ns, "time does not go back")
            if kind == COMMAND_NEW_ORDER:
                (price_ticks,) = _NEW_ORDER_PRICE.unpack_from(record, 48)
                ensure(price_ticks != POISON_PRICE, "no order is poisoned")
                if price_ticks == UNFORESEEN_PRICE:
                    raise KeyError("unforeseen")
                state.orders += 1
            state.sequence, state.time_ns = sequence, time_ns
            state.chain = hashlib.blake2b(state.chain + record + self.skew, digest_size=16).digest()
            value = int.from_bytes(state.chain[:7], "little")
            stamp = (wire.COMMAND_EVENT.size, EVENT_COMMAND, 0, sequence, time_ns, origin, request)
            frames.append(wire.COMMAND_EVENT.pack(*stamp, 0, kind, 0, 0, 0, value))
        return b"".join(frames)

    def read(self, request: bytes) -> bytes:
        """Echo: the request must be msgpack; the answer is (sequence, request)."""
        return msgspec.msgpack.encode([self.sequence, msgspec.msgpack.decode(request)])

    def digest(self) -> str:
        return hashlib.blake2b(self.dump_state(), digest_size=16).hexdigest()

    def dump_state(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    def check_invariants(self) -> None:
        ensure(self._state.orders <= self._state.sequence, "there are no more orders than commands")


def stamp_records(batch: bytearray, first_sequence: int, time_ns: int) -> int:
    """Same contract as exchange.record.stamp_records."""
    count = 0
    offset = 0
    for record in wire.split_records(bytes(batch)):
        if len(record) < wire.COMMAND_HEADER.size:
            raise ValueError(f"record of {len(record)} bytes")
        struct.pack_into("<Qq", batch, offset + 8, first_sequence + count, time_ns)
        offset += len(record)
        count += 1
    return count


TOY = Engine(ToyMachine.create, ToyMachine.load_state, stamp_records)


def order(request: int, *, price_ticks: int = 100, label: bytes = b"", origin: int = 0) -> bytes:
    """An order record; `request` tells it apart."""
    return commands.new_order(
        account=16, instrument=0, side=0, price_ticks=price_ticks, quantity_lots=1,
        label=label, origin=origin, request=request,
    )  # fmt: skip


def stamped(first_sequence: int, count: int, time_ns: int = 1_000) -> bytes:
    """A group's payload of `count` orders."""
    batch = bytearray(b"".join(order(first_sequence + i) for i in range(count)))
    stamp_records(batch, first_sequence, time_ns)
    return bytes(batch)
