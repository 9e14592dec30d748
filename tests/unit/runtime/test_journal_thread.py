"""Goal: durability is told once per group and in order, failure once and for ever. Method: the real thread over real
and failing disks, with a queue in place of an event loop."""

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from runtime.disk import Disk
from runtime.journal import JournalWriter
from runtime.journal_reader import JournalCursor, segment_paths
from runtime.journal_thread import JournalThread, PendingGroup
from tests.unit.runtime.test_journal import FailingDisk
from tests.unit.runtime.toy import stamped


class Owner:
    """Takes the posted calls, like a loop, and notes what was told."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.told: list[str] = []
        self.journal = JournalWriter(folder, b"genesis", segment_bytes=4_096, disk=disk)
        self.thread = JournalThread(
            self.journal,
            post=self.calls.put,
            on_durable=lambda: self.told.append("durable"),
            on_failure=lambda error: self.told.append(f"failed: {error}"),
        )
        self.thread.start()

    def submit(self, first_sequence: int, commands: int) -> None:
        self.thread.submit(PendingGroup(stamped(first_sequence, commands), first_sequence, commands, 0))

    def run_one(self) -> None:
        self.calls.get(timeout=10)()


def test_every_group_is_told_durable_after_it_is_in_the_file(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    for number in range(60):
        owner.submit(number * 3 + 1, 3)
        owner.run_one()
        cursor = JournalCursor(tmp_path, Disk())
        assert number * 3 + 3 == list(cursor.groups())[-1].last_sequence
    owner.thread.stop()
    owner.journal.close()
    assert ["durable"] * 60 == owner.told
    assert len(segment_paths(tmp_path)) > 3


def test_stop_finishes_what_was_submitted(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    owner.submit(1, 3)
    owner.submit(4, 3)
    owner.thread.stop()
    assert 6 == owner.journal.sequence
    owner.journal.close()


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_a_failure_is_told_once_and_nothing_is_written_after_it(tmp_path: Path, kind: str) -> None:
    disk = FailingDisk(kind, 1_000_000)
    owner = Owner(tmp_path, disk)
    owner.submit(1, 1)
    owner.run_one()
    disk.at = disk.calls + 1
    owner.submit(2, 1)
    owner.submit(3, 1)
    owner.run_one()
    calls = disk.calls
    owner.thread.stop()
    assert owner.calls.empty()
    assert ["durable", "failed: [Errno 5] injected"] == owner.told
    assert calls == disk.calls
    owner.journal.close()
