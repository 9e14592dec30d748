"""Goal: a snapshot is read back exactly or not at all, and recovery never uses a wrong one. Method: every byte flipped,
failing disks, mismatched pasts."""

import shutil
from pathlib import Path

import msgspec
import pytest

from runtime import journal_format as form
from runtime.disk import Disk
from runtime.engine import Genesis, encode_genesis
from runtime.journal import JournalWriter
from runtime.journal_reader import JournalCursor, JournalDamaged
from runtime.recovery import recover
from runtime.snapshots import SnapshotDamaged, SnapshotHead, SnapshotStore, read_snapshot
from tests.unit.runtime.test_journal import FailingDisk
from tests.unit.runtime.toy import LIMITS, TOY, ToyMachine, stamped

GENESIS = encode_genesis(Genesis(b"venue", LIMITS))
HEAD = SnapshotHead(7, 70, b"j" * 32, b"e" * 32, "state", b"g" * 32, 5)


def test_a_snapshot_comes_back_as_written(tmp_path: Path) -> None:
    path = SnapshotStore(tmp_path).write(HEAD, b"hello")
    assert (HEAD, b"hello") == read_snapshot(path)


def test_every_flipped_byte_and_every_length_is_noticed(tmp_path: Path) -> None:
    path = SnapshotStore(tmp_path).write(HEAD, b"hello")
    raw = bytearray(path.read_bytes())
    for offset in range(len(raw)):
        raw[offset] ^= 4
        path.write_bytes(raw)
        with pytest.raises(SnapshotDamaged, match=path.name):
            read_snapshot(path)
        raw[offset] ^= 4
        path.write_bytes(raw[:offset])
        with pytest.raises(SnapshotDamaged, match=path.name):
            read_snapshot(path)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for sequence in (1, 20, 300):
        store.write(msgspec.structs.replace(HEAD, sequence=sequence), b"hello")
    assert [300, 20] == [read_snapshot(path).head.sequence for path in store.paths()]


@pytest.mark.parametrize("kind", ["write", "sync", "rename", "sync_folder"])
def test_a_write_that_fails_leaves_the_older_snapshots_whole(tmp_path: Path, kind: str) -> None:
    SnapshotStore(tmp_path).write(HEAD, b"hello")
    newer = msgspec.structs.replace(HEAD, sequence=8)
    with pytest.raises(OSError, match="injected"):
        SnapshotStore(tmp_path, FailingDisk(kind, 1)).write(newer, b"hello")
    heads = [read_snapshot(path).head for path in SnapshotStore(tmp_path).paths()]
    assert HEAD in heads
    SnapshotStore(tmp_path).write(newer, b"hello")


# --- recovery ----------------------------------------------------------------------------------------------------


class Home:
    """A journal of ten groups of three, with snapshots after some of them."""

    def __init__(self, folder: Path, *, snapshots_after: tuple[int, ...] = ()) -> None:
        self.journal = folder / "journal"
        self.store = SnapshotStore(folder / "snapshots")
        self.machine = ToyMachine.create(LIMITS)
        self.event_digest = bytes(32)
        writer = JournalWriter(self.journal, GENESIS, segment_bytes=2_048)
        for number in range(10):
            payload = stamped(number * 3 + 1, 3, time_ns=number)
            writer.append(payload, first_sequence=number * 3 + 1, commands=3, time_ns=number)
            self.event_digest = form.next_event_digest(self.event_digest, self.machine.apply(payload))
            if number + 1 in snapshots_after:
                self.snapshot(writer.digest)
        writer.close()

    def snapshot(self, journal_digest: bytes, **changes: object) -> Path:
        state = self.machine.dump_state()
        head = SnapshotHead(
            self.machine.sequence, self.machine.time_ns, journal_digest, self.event_digest, self.machine.digest(),
            form.genesis_digest(GENESIS), len(state),
        )  # fmt: skip
        return self.store.write(msgspec.structs.replace(head, **changes), state)


def test_recovery_from_any_snapshot_gives_the_state_of_a_full_replay(tmp_path: Path) -> None:
    for after in range(11):
        home = Home(tmp_path / str(after), snapshots_after=(after,))
        found = recover(TOY, home.journal, home.store)
        assert (home.machine.digest(), home.event_digest) == (found.machine.digest(), found.event_digest)
        assert (after * 3, 30 - after * 3, []) == (found.snapshot_sequence, found.replayed, found.problems)


def test_a_corrupt_snapshot_is_reported_and_the_one_before_used(tmp_path: Path) -> None:
    home = Home(tmp_path, snapshots_after=(4, 8))
    newest = home.store.paths()[0]
    newest.write_bytes(newest.read_bytes()[:-1])
    found = recover(TOY, home.journal, home.store)
    assert (12, home.machine.digest()) == (found.snapshot_sequence, found.machine.digest())
    assert len(found.problems) == 1
    assert newest.name in found.problems[0]


def test_without_a_usable_snapshot_everything_is_replayed(tmp_path: Path) -> None:
    home = Home(tmp_path, snapshots_after=(4, 8))
    for path in home.store.paths():
        path.write_bytes(b"")
    found = recover(TOY, home.journal, home.store)
    assert (0, 30, home.machine.digest()) == (found.snapshot_sequence, found.replayed, found.machine.digest())
    assert len(found.problems) == 2


def test_a_snapshot_beyond_the_end_of_the_journal_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "new", snapshots_after=(10,))
    older = Home(tmp_path / "old")
    shutil.rmtree(home.journal)
    writer = JournalWriter(home.journal, GENESIS, segment_bytes=2_048)
    for group in JournalCursor(older.journal, Disk()).groups():
        if group.last_sequence <= 27:
            writer.append(group.records, first_sequence=group.first_sequence, commands=3, time_ns=group.time_ns)
    writer.close()
    with pytest.raises(JournalDamaged, match=r"ends after command 27 .*command 30 had been durable"):
        recover(TOY, home.journal, home.store)


def test_a_snapshot_of_another_past_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.snapshot(b"x" * 32)
    with pytest.raises(JournalDamaged, match="different pasts"):
        recover(TOY, home.journal, home.store)


def test_a_state_that_loads_to_another_digest_is_reported_and_not_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    digest = list(JournalCursor(home.journal, Disk()).groups())[-1].digest
    home.snapshot(digest, state_digest="another")
    found = recover(TOY, home.journal, home.store)
    assert (0, home.machine.digest()) == (found.snapshot_sequence, found.machine.digest())
    assert "another digest" in found.problems[0]


def test_a_snapshot_of_another_venue_is_reported_and_not_used(tmp_path: Path) -> None:
    home = Home(tmp_path)
    digest = list(JournalCursor(home.journal, Disk()).groups())[-1].digest
    home.snapshot(digest, genesis_digest=b"o" * 32)
    found = recover(TOY, home.journal, home.store)
    assert found.snapshot_sequence == 0
    assert "another venue" in found.problems[0]


def test_a_bound_on_the_snapshot_takes_an_older_one(tmp_path: Path) -> None:
    home = Home(tmp_path, snapshots_after=(4, 8))
    found = recover(TOY, home.journal, home.store, snapshot_at_most=20, replay_tail=False)
    assert (12, 12) == (found.snapshot_sequence, found.machine.sequence)
    assert [] == found.problems
