"""The sequencer: from batches of many links to one order of commands, and from durability to events.

Lives here: the order of things. Bytes in, bytes out.
Does not know: sockets, threads, files, asyncio; core_process.py is its thin shell, a simulation may be another one.

Theory of operation. Commands come in batches. When no group is on its way to the disk, all queued batches (bounded)
become one group: stamped with sequence and exchange time, handed to the journal, and applied while the disk syncs.
Its events leave when the journal says it is durable, never before. Then reads are answered, all of which see exactly
the durable state, and the next group starts. Work is done per batch and per group, never per command.

    take_batch ─▶ open_group ─▶ (journal writes) ─▶ release_group ─▶ events to all links
                      └─▶ apply_group ─────────────────────┘      └─▶ answer_reads ─▶ open_group ...
"""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

import msgspec

from domain.ensure import ensure
from runtime.engine import Machine
from runtime.journal_format import next_event_digest
from runtime.journal_thread import PendingGroup

GROUP_COMMANDS_MAX: Final = 1_024  # a group closes with the batch that reaches one of these
GROUP_BYTES_MAX: Final = 256 << 10
READS_PER_TURN_MAX: Final = 64


class Release(NamedTuple):
    """A durable group's events, ready to leave."""

    sequence: int
    time_ns: int
    events: bytes
    event_digest: bytes


class RefusedBatch(NamedTuple):
    """A batch that is no sequence of whole records. Nothing of it was applied."""

    source: Hashable
    reason: str


class ReadAnswer(NamedTuple):
    """Answer to one read, or in words why the request is none."""

    source: Hashable
    read_id: int
    answer: bytes | None
    problem: str = ""


class Sequencer:
    """Gives every command its place. One group at a time: open, apply, release."""

    def __init__(
        self,
        machine: Machine,
        stamp_records: Callable[[bytearray, int, int], int],
        now_ns: Callable[[], int],
        event_digest: bytes,
    ) -> None:
        """`machine` and `event_digest` as recovered; `now_ns` is exchange time."""
        self._machine = machine
        self._stamp_records = stamp_records
        self._now_ns = now_ns
        self._batches: deque[tuple[Hashable, bytes]] = deque()
        self.queued_bytes = 0  # of batches not yet in a group; the shell stops reading links when this grows
        self._reads: deque[tuple[Hashable, int, bytes]] = deque()
        self._group: PendingGroup | None = None
        self._events: bytes | None = None
        self.sequence = machine.sequence  # of the last command stamped
        self.time_ns = machine.time_ns
        self.event_digest = event_digest
        self.refused: list[RefusedBatch] = []  # the shell empties it

    # --- in ------------------------------------------------------------------------------------------------------

    def take_batch(self, source: Hashable, records: bytes) -> None:
        """Queue the commands of one link; batches are applied in the order they are taken."""
        self._batches.append((source, records))
        self.queued_bytes += len(records)

    def take_read(self, source: Hashable, read_id: int, request: bytes) -> None:
        """Queue a question that is not journaled."""
        self._reads.append((source, read_id, request))

    # --- one group -----------------------------------------------------------------------------------------------

    @property
    def group_is_open(self) -> bool:
        """True from `open_group` to `release_group`."""
        return self._group is not None

    def open_group(self) -> PendingGroup | None:
        """Stamp what is queued into the next group; None when there is nothing or the last one is not durable yet."""
        if self._group is not None or not self._batches:
            return None
        time_ns = max(self.time_ns, self._now_ns())
        stamped: list[bytearray] = []
        count = size_bytes = 0
        while self._batches and count < GROUP_COMMANDS_MAX and size_bytes < GROUP_BYTES_MAX:
            source, records = self._batches.popleft()
            self.queued_bytes -= len(records)
            batch = bytearray(records)
            try:
                count += self._stamp_records(batch, self.sequence + count + 1, time_ns)
            except ValueError as error:
                self.refused.append(RefusedBatch(source, str(error)))
                continue
            size_bytes += len(batch)
            stamped.append(batch)
        if count == 0:
            return None
        records_of_all = stamped[0] if len(stamped) == 1 else bytearray().join(stamped)
        self._group = PendingGroup(records_of_all, self.sequence + 1, count, time_ns)
        self.sequence += count
        self.time_ns = time_ns
        return self._group

    def apply_group(self) -> None:
        """Apply the open group; its events stay here until it is durable. Raises InvariantViolation: the core stops."""
        ensure(self._group is not None and self._events is None, "a group is applied once, after it was opened")
        assert self._group is not None
        self._events = self._machine.apply(self._group.records)
        ensure(self._machine.sequence == self.sequence, "the machine applied exactly the commands of the group")

    def release_group(self) -> Release:
        """The open group is durable: hand out its events and close it."""
        ensure(self._events is not None, "a group is released after it was applied")
        assert self._events is not None
        events, self._events, self._group = self._events, None, None
        self.event_digest = next_event_digest(self.event_digest, events)
        return Release(self.sequence, self.time_ns, events, self.event_digest)

    # --- between groups ------------------------------------------------------------------------------------------

    @property
    def has_work(self) -> bool:
        """True when something is queued that can be done now."""
        return self._group is None and bool(self._batches or self._reads)

    def answer_reads(self) -> list[ReadAnswer]:
        """Answer queued reads, bounded per call; none while a group is open, so answers show durable state only."""
        answers: list[ReadAnswer] = []
        while self._group is None and self._reads and len(answers) < READS_PER_TURN_MAX:
            source, read_id, request = self._reads.popleft()
            try:
                answers.append(ReadAnswer(source, read_id, self._machine.read(request)))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:  # no request; anything else is a bug
                answers.append(ReadAnswer(source, read_id, None, str(error)))
        return answers

    def forget(self, source: Hashable) -> None:
        """A link is gone: its reads need no answer. Its commands stand, they were sent."""
        self._reads = deque(read for read in self._reads if read[0] != source)
