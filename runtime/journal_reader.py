"""Reading the journal: group by group, every checksum and every link of the chain verified.

Lives here: the cursor over segments, what counts as damage, and what counts as the torn end of the last write.
Does not know: who reads (recovery, follower, command line), what a command does.

Theory of operation. At the end of the written part there are three cases. Only zeros follow: the natural end. Bytes
that are no complete group follow, in the last segment, with no sound group header after them: a write that never
finished; it was never acknowledged, because only one group is being written at a time and it was not yet synced; it may
be cut. Anything else is damage, and damage is never skipped, repaired or replayed around.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from runtime import journal_format as form
from runtime.disk import Disk, is_zero

SEGMENT_GLOB: Final = "journal-*.seg"


class JournalDamaged(Exception):
    """The journal does not hold what was once acknowledged, or cannot prove that it does. Names segment and group."""


class Group(NamedTuple):
    """One verified group of command records."""

    first_sequence: int
    commands: int
    time_ns: int
    records: memoryview
    digest: bytes  # of the chain up to and including this group
    segment: str
    offset_bytes: int

    @property
    def last_sequence(self) -> int:
        """Sequence of the group's last command."""
        return self.first_sequence + self.commands - 1


class TornTail(NamedTuple):
    """Bytes of a write that never finished, at the end of the last segment."""

    segment: str
    offset_bytes: int
    size_bytes: int


def segment_name(first_sequence: int) -> str:
    """File name of the segment that starts with this command."""
    return f"journal-{first_sequence:020d}.seg"


def segment_paths(folder: Path) -> list[Path]:
    """The journal's segments, oldest first."""
    return sorted(folder.glob(SEGMENT_GLOB))


def read_genesis(folder: Path, disk: Disk) -> bytes:
    """The genesis bytes in the first segment. Raises JournalDamaged when there is none to read."""
    paths = segment_paths(folder)
    if not paths:
        raise JournalDamaged(f"no journal segment in {folder}")
    head = form.decode_segment_head(disk.map_for_read(paths[0]))
    if isinstance(head, str):
        raise JournalDamaged(f"segment {paths[0].name}: {head}")
    if head.number != 0:
        raise JournalDamaged(f"segment {paths[0].name}: is number {head.number}, the segments before it are missing")
    return head.genesis


class JournalCursor:
    """A place in the journal that moves forward group by group.

    Starts at the first segment, or, with `after_sequence`, at the newest segment that starts at or before the command
    that follows it (groups up to `after_sequence` are still verified and passed over).
    """

    def __init__(self, folder: Path, disk: Disk, *, after_sequence: int = 0) -> None:
        """Raises JournalDamaged if no segment can hold the command after `after_sequence`."""
        self._folder = folder
        self._disk = disk
        paths = segment_paths(folder)
        usable = [path for path in paths if path.name <= segment_name(after_sequence + 1)]
        if not usable:
            raise JournalDamaged(f"no journal segment in {folder} reaches back to command {after_sequence + 1}")
        start = usable[-1] if after_sequence else paths[0]
        self._data = memoryview(b"")
        self._head = form.SegmentHead(0, 0, 0, b"", b"", 0)
        self.segment = start
        self.offset_bytes = 0
        self._seed = 0
        self._enter(start, expected=None)
        self.sequence = self._head.first_sequence - 1  # of the last command passed
        self.digest = self._head.previous_digest
        self.sealed = False  # the last thing read was a seal
        while self.sequence < after_sequence:
            group = self.read_group()
            if group is None:
                raise JournalDamaged(
                    f"journal ends after command {self.sequence} in segment {self.segment.name}, "
                    f"but command {after_sequence} had been durable"
                )
        if self.sequence != after_sequence and after_sequence:
            raise JournalDamaged(f"no group of the journal ends at command {after_sequence}")

    @property
    def head(self) -> form.SegmentHead:
        """Header of the segment the cursor is in."""
        return self._head

    def read_group(self) -> Group | None:
        """The next group; None where the written part ends (see `torn_tail`).

        Raises:
            JournalDamaged: naming segment, offset and the group's first sequence.
        Cost: O(bytes of the group).
        """
        while True:
            group_head = form.decode_group_head(self._data, self.offset_bytes, self._seed)
            if group_head is None:
                if not self._enter_next_segment():
                    return None
                continue
            records = self._records_of(group_head)
            if records is None:
                self._refuse_if_followed()
                return None
            if group_head.flags & form.FLAG_SEAL:
                self._pass_seal(group_head)
                continue
            return self._pass_group(group_head, records)

    def groups(self) -> Iterator[Group]:
        """All groups from here to the end of the written part."""
        while (group := self.read_group()) is not None:
            yield group

    def torn_tail(self) -> TornTail | None:
        """What stands after the last group, once `read_group` has returned None; None = only zeros.

        Cost: one pass over the rest of the segment.
        """
        rest = self._data[self.offset_bytes :]
        if is_zero(rest):
            return None
        size_bytes = len(bytes(rest).rstrip(b"\0"))
        return TornTail(self.segment.name, self.offset_bytes, size_bytes)

    # ------------------------------------------------------------------------------------------------------------

    def _records_of(self, head: form.GroupHead) -> memoryview | None:
        """The payload if it is complete, else None."""
        start = self.offset_bytes + form.GROUP_HEADER.size
        end = start + head.payload_bytes
        if end > len(self._data):
            return None
        records = self._data[start:end]
        return records if zlib.crc32(records, self._seed) == head.payload_crc else None

    def _pass_group(self, head: form.GroupHead, records: memoryview) -> Group:
        if head.first_sequence != self.sequence + 1 or head.commands == 0:
            raise self._damaged(f"starts with command {head.first_sequence}")
        bare = self._data[self.offset_bytes : self.offset_bytes + form.GROUP_HEADER.size]
        if form.group_digest(self.digest, bare, records) != head.digest:
            raise self._damaged("digest does not continue the chain")
        group = Group(
            head.first_sequence, head.commands, head.time_ns, records, head.digest, self.segment.name, self.offset_bytes
        )
        self.offset_bytes += form.GROUP_HEADER.size + head.payload_bytes
        self.sequence = group.last_sequence
        self.digest = head.digest
        self.sealed = False
        return group

    def _pass_seal(self, head: form.GroupHead) -> None:
        if head.digest != self.digest or head.first_sequence != self.sequence + 1 or head.payload_bytes:
            raise self._damaged("seal does not fit the group before it")
        self.offset_bytes += form.GROUP_HEADER.size
        self.sealed = True

    def _enter_next_segment(self) -> bool:
        """Move to the segment that continues here; False when this is the last one and its end is acceptable."""
        later = [path for path in segment_paths(self._folder) if path.name > self.segment.name]
        if not later:
            self._refuse_if_followed()
            return False
        if later[0].name != segment_name(self.sequence + 1):
            raise self._damaged(f"the next segment is {later[0].name}")
        if not is_zero(self._data[self.offset_bytes :]):
            raise self._damaged("is not a group, and a later segment exists")
        self._enter(later[0], expected=self._head)
        return True

    def _enter(self, path: Path, *, expected: form.SegmentHead | None) -> None:
        data = self._disk.map_for_read(path)
        head = form.decode_segment_head(data)
        if isinstance(head, str):
            raise JournalDamaged(f"segment {path.name}: {head}")
        if segment_name(head.first_sequence) != path.name:
            raise JournalDamaged(f"segment {path.name}: its header says it starts with {head.first_sequence}")
        if expected is None:
            if head.number == 0 and form.genesis_digest(head.genesis) != head.previous_digest:
                raise JournalDamaged(f"segment {path.name}: genesis does not match the chain")
        elif head.number != expected.number + 1 or head.previous_digest != self.digest:
            raise JournalDamaged(
                f"segment {path.name}, offset 0, first command {head.first_sequence}: "
                f"does not continue the chain of {self.segment.name}"
            )
        self._data, self._head, self.segment = data, head, path
        self.offset_bytes = head.header_bytes
        self._seed = form.checksum_seed(head.previous_digest)

    def _refuse_if_followed(self) -> None:
        later = [path for path in segment_paths(self._folder) if path.name > self.segment.name]
        if later:
            raise self._damaged(f"is not complete, and segment {later[0].name} follows")
        found = form.find_group_head(self._data, self.offset_bytes + 8, self._seed)
        if found is not None:
            raise self._damaged(f"is not complete, and a sound group follows at offset {found}")

    def _damaged(self, what: str) -> JournalDamaged:
        return JournalDamaged(
            f"segment {self.segment.name}, offset {self.offset_bytes}, group of command {self.sequence + 1}: {what}"
        )
