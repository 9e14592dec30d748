"""Writing the journal: open, append durably, rotate, seal.

Lives here: the one writer of a venue's journal. `append` returns when the group is on the disk.
Does not know: threads (journal_thread.py), what a command does, who waits for durability.

Theory of operation. Segments are zero-filled before use, so that a sync has no file metadata to write. A new segment
is prepared under another name and renamed when it is complete, so a visible segment always has a whole header. Opening
for write verifies the whole journal, cuts a torn tail and syncs what stays, because what stays may never have been
synced before the last stop.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

from runtime import journal_format as form
from runtime.disk import Disk
from runtime.journal_reader import JournalCursor, JournalDamaged, TornTail, segment_name, segment_paths

SEGMENT_BYTES_DEFAULT: Final = 64 << 20
SPARE_NAME: Final = "spare.tmp"
FRESH_NAME: Final = "fresh.tmp"
LOCK_NAME: Final = "lock"
EPOCH: Final = 1  # raised by a take-over, which this version does not do


class JournalBusy(Exception):
    """Another process writes this journal."""


class JournalWriter:
    """Appends groups. Any OSError from any method is fatal: the writer must not be used again (settled: no retry)."""

    def __init__(
        self, folder: Path, genesis: bytes, *, segment_bytes: int = SEGMENT_BYTES_DEFAULT, disk: Disk | None = None
    ) -> None:
        """Open the journal in `folder`, or start one with `genesis`.

        An existing journal keeps its own genesis (see the attribute). A torn tail is cut; `cut` says what was.

        Raises:
            JournalDamaged: see journal_reader. JournalBusy. OSError.
        Cost: O(journal), it is verified from its first byte.
        """
        self._folder = folder
        self._disk = disk or Disk()
        self._segment_bytes = segment_bytes
        self.cut: TornTail | None = None
        self._fd = -1
        self._lock = _lock(folder)
        try:
            for name in (SPARE_NAME, FRESH_NAME):
                (folder / name).unlink(missing_ok=True)
            if segment_paths(folder):
                self._open_existing()
            else:
                self._start(genesis)
        except BaseException:
            self.close()
            raise

    def _start(self, genesis: bytes) -> None:
        self.genesis = genesis
        self.sequence = 0
        self.digest = form.genesis_digest(genesis)
        self._number = 0
        self._first_sequence = 1
        self._add_segment(0)

    def _open_existing(self) -> None:
        cursor = JournalCursor(self._folder, self._disk)
        self.genesis = cursor.head.genesis
        if cursor.head.number != 0:
            raise JournalDamaged(f"segment {cursor.segment.name}: the segments before it are missing")
        for _ in cursor.groups():
            pass
        self.cut = cursor.torn_tail()
        self.sequence = cursor.sequence
        self.digest = cursor.digest
        self._number = cursor.head.number
        self._first_sequence = cursor.head.first_sequence
        self._seed = form.checksum_seed(cursor.head.previous_digest)
        self._fd = self._disk.open_for_write(cursor.segment)
        self._size = self._disk.size(self._fd)
        self._offset = cursor.offset_bytes
        self.segment = cursor.segment.name
        if self.cut is not None:
            self._disk.fill_zeros(self._fd, self._offset, min(self._size, self._offset + self.cut.size_bytes))
        self._disk.sync_data(self._fd)
        self._disk.sync_folder(self._folder)

    @property
    def offset_bytes(self) -> int:
        """Where the next group will stand in the present segment."""
        return self._offset

    @property
    def wants_spare(self) -> bool:
        """True when the present segment is more than half full and no successor is prepared."""
        return self._offset * 2 > self._size and not (self._folder / SPARE_NAME).exists()

    def append(
        self, records: bytes | bytearray | memoryview, *, first_sequence: int, commands: int, time_ns: int
    ) -> None:
        """Write one group and sync it. Durable when this returns.

        Raises:
            OSError: fatal. ValueError: sequence gap, empty group, or a length that is no multiple of 8.
        """
        if first_sequence != self.sequence + 1 or commands < 1 or len(records) % 8:
            raise ValueError(
                f"group of {commands} commands from {first_sequence}, {len(records)} bytes, "
                f"cannot follow command {self.sequence}"
            )
        if self._offset + form.GROUP_HEADER.size + len(records) > self._size:
            self._add_segment(len(records))
        head, digest = form.encode_group_head(
            records,
            first_sequence=first_sequence,
            commands=commands,
            time_ns=time_ns,
            previous_digest=self.digest,
            seed=self._seed,
        )
        self._disk.write_at(self._fd, b"".join((head, records)), self._offset)
        self._disk.sync_data(self._fd)
        self._offset += len(head) + len(records)
        self.sequence = first_sequence + commands - 1
        self.digest = digest

    def seal(self, time_ns: int) -> None:
        """Prove by one more synced header that the last group was complete. For clean stops."""
        seal = form.encode_seal(next_sequence=self.sequence + 1, time_ns=time_ns, digest=self.digest, seed=self._seed)
        if self._offset + len(seal) > self._size:
            self._add_segment(0)  # a segment that continues the chain proves as much
            return
        self._disk.write_at(self._fd, seal, self._offset)
        self._disk.sync_data(self._fd)
        self._offset += len(seal)

    def close(self) -> None:
        """Give the files back. Does not seal."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1
        os.close(self._lock)

    def make_spare(self) -> None:
        """Prepare the next segment's zeros; may run in another thread than `append`.

        Synced piece by piece, so that a group's sync never waits for the whole file.
        """
        unfinished = self._folder / FRESH_NAME
        self._zero_file(unfinished, self._segment_bytes)
        self._disk.rename(unfinished, self._folder / SPARE_NAME)

    def _zero_file(self, path: Path, size_bytes: int) -> None:
        fd = self._disk.open_for_write(path, create=True)
        piece = 4 << 20
        try:
            for start in range(0, size_bytes, piece):
                self._disk.fill_zeros(fd, start, min(size_bytes, start + piece))
                self._disk.sync_data(fd)
        finally:
            self._disk.close(fd)

    def _add_segment(self, payload_bytes: int) -> None:
        """Continue in a new segment that has room for a group of `payload_bytes`.

        A segment without a single group is replaced under its own name and number, not followed.
        """
        if self._first_sequence <= self.sequence:
            self._number += 1
            self._first_sequence = self.sequence + 1
        head = form.encode_segment_head(
            epoch=EPOCH,
            number=self._number,
            first_sequence=self.sequence + 1,
            previous_digest=self.digest,
            genesis=self.genesis if self._number == 0 else b"",
        )
        size = max(self._segment_bytes, len(head) + form.GROUP_HEADER.size + payload_bytes)
        source = self._folder / f"segment-{self._number}.tmp"
        source.unlink(missing_ok=True)
        if size == self._segment_bytes and (self._folder / SPARE_NAME).exists():
            # Under a name of its own before anything is written: another spare may take the old name at any time.
            self._disk.rename(self._folder / SPARE_NAME, source)
        else:
            self._zero_file(source, size)
        target = self._folder / segment_name(self.sequence + 1)
        fd = self._disk.open_for_write(source)
        self._disk.write_at(fd, head, 0)
        self._disk.sync_data(fd)
        self._disk.rename(source, target)
        self._disk.sync_folder(self._folder)
        if self._fd >= 0:
            self._disk.close(self._fd)
        self._fd, self._size, self._offset = fd, size, len(head)
        self._seed = form.checksum_seed(self.digest)
        self.segment = target.name


def _lock(folder: Path) -> int:
    """Hold the folder against a second writer until the descriptor closes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise JournalBusy(f"another process writes the journal in {folder}") from error
    return fd
