"""The follower's work: replay the journal as it grows, compare, project, snapshot.

Lives here: one step of each, synchronous.
Does not know: sockets, when the core tells something (follower_process.py).

Theory of operation. The follower runs the same exchange code over the same groups as the core, so its events must be
the core's events: their digests are compared whenever it has caught up. It reads only groups the core has called
durable. Before a snapshot is written the history is put on the disk, so that after any crash some usable snapshot is
not ahead of the history, and nothing needs to be projected twice or skipped.
"""

from typing import Final

from runtime import journal_format as form
from runtime.config import Config
from runtime.disk import Disk
from runtime.engine import Engine, decode_genesis
from runtime.history import History, HistoryMismatch
from runtime.journal_reader import JournalDamaged, read_genesis
from runtime.link_frames import Status
from runtime.recovery import recover
from runtime.snapshots import SnapshotHead, SnapshotStore

STEP_COMMANDS_MAX: Final = 20_000  # one step of catching up
COMMIT_ROWS: Final = 50_000


class DigestMismatch(Exception):
    """Core and follower did different things with the same commands: one of them is not deterministic, or damaged."""


class Follower:
    """One machine behind the core's."""

    def __init__(self, config: Config, engine: Engine, disk: Disk | None = None) -> None:
        """Open history, load the newest snapshot not ahead of it.

        Raises:
            JournalDamaged, HistoryMismatch, InvariantViolation, OSError, sqlite3.Error.
        """
        disk = disk or Disk()
        genesis_bytes = read_genesis(config.journal_folder, disk)
        self._genesis_digest = form.genesis_digest(genesis_bytes)
        self._snapshots = SnapshotStore(config.snapshot_folder, disk)
        self.history = History(config.history_path, decode_genesis(genesis_bytes).venue_id)
        start = recover(
            engine,
            config.journal_folder,
            self._snapshots,
            snapshot_at_most=self.history.sequence,
            replay_tail=False,
            disk=disk,
        )
        self.problems = start.problems
        self._machine = start.machine
        self._event_digest = start.event_digest
        self._cursor = start.cursor
        self.sequence = start.snapshot_sequence
        self.snapshot_sequence = start.snapshot_sequence
        self._first_status = True

    def step(self, status: Status) -> bool:
        """Go on towards the core's durable command. True when there: then the digests were equal.

        Raises:
            DigestMismatch, JournalDamaged (the core called durable what cannot be read), HistoryMismatch.
        Cost: at most one group beyond STEP_COMMANDS_MAX.
        """
        if self._first_status:
            self._first_status = False
            if self.history.sequence > status.sequence:
                raise HistoryMismatch(
                    f"history knows command {self.history.sequence}, the core's journal ends at {status.sequence}: "
                    "acknowledged commands are missing, or the journal is an older copy"
                )
        until = min(status.sequence, self.sequence + STEP_COMMANDS_MAX)
        while self.sequence < until:
            self._follow_group()
            if self.history.pending_rows > COMMIT_ROWS:
                self.history.commit()
        if self.sequence < status.sequence:
            return False
        self.history.commit()
        self._compare(status)
        return True

    def write_snapshot(self) -> int:
        """Write the present state; its sequence. Raises OSError. Cost: O(state)."""
        self.history.make_durable()
        state = self._machine.dump_state()
        head = SnapshotHead(
            sequence=self.sequence,
            time_ns=self._machine.time_ns,
            journal_digest=self._cursor.digest,
            event_digest=self._event_digest,
            state_digest=self._machine.digest(),
            genesis_digest=self._genesis_digest,
            state_bytes=len(state),
        )
        self._snapshots.write(head, state)
        self.snapshot_sequence = self.sequence
        return self.sequence

    def check_invariants(self) -> None:
        """Raises InvariantViolation. Cost: O(state)."""
        self._machine.check_invariants()

    def close(self) -> None:
        """Commit the history."""
        self.history.close()

    def _follow_group(self) -> None:
        group = self._cursor.read_group()
        if group is None:
            raise JournalDamaged(f"the core called a command after {self.sequence} durable, the journal ends there")
        events = self._machine.apply(group.records)
        self._event_digest = form.next_event_digest(self._event_digest, events)
        self.sequence = group.last_sequence
        self.history.project(self.sequence, events)

    def _compare(self, status: Status) -> None:
        if self.sequence == status.sequence and self._event_digest != status.event_digest:
            raise DigestMismatch(
                f"after command {self.sequence} the core's events have digest {status.event_digest.hex()}, "
                f"the follower's {self._event_digest.hex()}"
            )
