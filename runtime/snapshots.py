"""Snapshots: the state of the exchange after one group, as a file.

Lives here: writing one durably, reading one back verified, keeping the newest two.
Does not know: the journal's bytes, what is inside a state.
Theory of operation: written under another name, synced, renamed, folder synced; so a visible snapshot was whole once.
A digest over the whole file ends it. A snapshot that does not verify is reported and an older one is used; the journal
stays the truth, a snapshot only saves time.
"""

import hashlib
import struct
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from runtime.disk import Disk

MAGIC: Final = b"HBSNAP1\n"
KEPT: Final = 2
SNAPSHOT_GLOB: Final = "snapshot-*.snap"
_PREFIX: Final = struct.Struct("<8sII")
_DIGEST_BYTES: Final = 32


class SnapshotHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the snapshot is a snapshot of."""

    sequence: int  # of the last command in it; always the end of a group
    time_ns: int
    journal_digest: bytes  # of the chain up to that command
    event_digest: bytes  # over all events up to that command
    state_digest: str
    genesis_digest: bytes
    state_bytes: int


class Snapshot(NamedTuple):
    """A snapshot that verified."""

    head: SnapshotHead
    state: bytes


class SnapshotDamaged(Exception):
    """A snapshot file does not verify; the text names the file and what is wrong."""


class SnapshotStore:
    """The snapshots of one venue in one folder."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def paths(self) -> list[Path]:
        """Snapshot files, newest first."""
        return sorted(self._folder.glob(SNAPSHOT_GLOB), reverse=True)

    def write(self, head: SnapshotHead, state: bytes) -> Path:
        """Write durably, then remove all but the newest two. Raises OSError.

        Cost: O(state), one sync.
        """
        encoded = msgspec.msgpack.encode(head)
        body = b"".join((_PREFIX.pack(MAGIC, len(encoded), 0), encoded, state))
        unfinished = self._folder / "snapshot.tmp"
        unfinished.unlink(missing_ok=True)
        target = self._folder / f"snapshot-{head.sequence:020d}.snap"
        fd = self._disk.open_for_write(unfinished, create=True)
        try:
            self._disk.write_at(fd, body, 0)
            self._disk.write_at(fd, _digest(body), len(body))
            self._disk.sync_data(fd)
        finally:
            self._disk.close(fd)
        self._disk.rename(unfinished, target)
        self._disk.sync_folder(self._folder)
        for path in self.paths()[KEPT:]:
            self._disk.remove(path)
        return target


def read_snapshot(path: Path) -> Snapshot:
    """Read and verify one file.

    Raises:
        SnapshotDamaged: naming what is wrong. OSError.
    Cost: O(file).
    """
    data = path.read_bytes()
    body = memoryview(data)[:-_DIGEST_BYTES]
    if len(body) < _PREFIX.size:
        raise SnapshotDamaged(f"{path.name}: {len(data)} bytes are too few")
    if _digest(body) != data[-_DIGEST_BYTES:]:
        raise SnapshotDamaged(f"{path.name}: digest does not hold")
    magic, head_bytes, _ = _PREFIX.unpack_from(body)
    if magic != MAGIC:
        raise SnapshotDamaged(f"{path.name}: written in a format this program does not read")
    start = _PREFIX.size + head_bytes
    try:
        head = msgspec.msgpack.decode(body[_PREFIX.size : start], type=SnapshotHead)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SnapshotDamaged(f"{path.name}: header: {error}") from error
    state = bytes(body[start:])
    if len(state) != head.state_bytes:
        raise SnapshotDamaged(f"{path.name}: {len(state)} bytes of state, header says {head.state_bytes}")
    return Snapshot(head, state)


def _digest(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES, person=b"hashbook-snap").digest()
