"""Goal: rivals are driven and proved as the floor is. Method: a plain engine in a rival's place, on a tiny stream."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import tools
from benchmarks.book_harness import BookHarness
from benchmarks.matching import run_book
from benchmarks.rivals import __main__ as rivals
from benchmarks.rivals import drive
from benchmarks.tools import parse_result
from tests.unit.benchmarks.test_book_harness import Record, SlowBook, random_records, stream_of


class PlainRival:
    """A library that does it right, behind the door that drive.py gives every rival."""

    def __init__(self) -> None:
        self.book = SlowBook()
        self.returned: list[drive.Trade] = []

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        before = {order[0]: order for order in self.book.resting}
        lots_before = {order_id: order[4] for order_id, order in before.items()}
        self.book.add(symbol, side, order_id, price, lots)
        touched = [order for order in before.values() if order[4] != lots_before[order[0]]]
        sign = 1 if side == drive.BUY else -1
        for maker in sorted(touched, key=lambda order: sign * order[3]):  # best first; of equals the oldest stays first
            self.returned.append((order_id, maker[0], maker[3], lots_before[maker[0]] - maker[4]))

    def cancel(self, order_id: int, symbol: int) -> None:
        assert self.book.remove(order_id)

    def trades(self) -> list[drive.Trade]:
        return self.returned

    def resting(self) -> list[drive.Resting]:
        return [(symbol, side, order_id, price, lots) for order_id, symbol, side, price, lots in self.book.resting]


def live_records(seed: int, count: int) -> list[Record]:
    """Random records, without the cancels and replaces of orders that are gone (streams for rivals have none)."""
    slow = SlowBook()
    kept: list[Record] = []
    for record in random_records(seed, count):
        if record[0] == drive.ADD or any(order[0] == record[3] for order in slow.resting):
            slow.apply(record)
            kept.append(record)
    return kept


@pytest.mark.parametrize("seed", range(3))
def test_the_proof_of_a_rival_is_that_of_the_book(seed: int, tmp_path: Path) -> None:
    records = live_records(seed, 500)
    path = tmp_path / "tiny.ops"
    path.write_bytes(stream_of(records[:100], records[100:]))
    engine = PlainRival()
    drive.apply_records(engine, [(*record, 0) for record in records[:100]])
    engine.returned = []
    drive.apply_records(engine, [(*record, 0) for record in records[100:]])
    assert parse_result(run_book(path, reps=1)).proof == drive.prove(engine)


def test_the_driver_reads_only_the_prefix_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "tiny.ops"
    path.write_bytes(stream_of(random_records(1, 10), random_records(2, 90)))
    command = [sys.executable, str(rivals.DRIVER), rivals.LOOP_ALONE, str(path), "40", "2"]
    result = parse_result(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (rivals.LOOP_ALONE, "tiny.ops", 40) == (result.engine, result.stream, result.timed)
    assert result.proof.startswith("trades=0 ")


def test_the_driver_and_the_harness_read_the_same_format() -> None:
    assert (32, 24) == (drive.HEADER.size, drive.RECORD.size)
    stream = stream_of([], [(1, 0, 0, 1, 0, 1_000, 5)])
    assert 1 == BookHarness(stream).timed == struct.unpack_from("<I", stream, 12)[0]


def test_every_rival_says_what_it_leaves_out_and_is_pinned_with_hashes() -> None:
    assert set(drive.RIVALS) == {rivals.LOOP_ALONE, *rivals.LEAVES_OUT}
    lock = rivals.LOCK.read_text()
    for rival in rivals.LEAVES_OUT:
        assert f"{rival}==" in lock
    assert "--hash=sha256:" in lock


def test_an_environment_that_cannot_be_made_is_told_in_the_words_of_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("no-such-distribution==1 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(rivals, "LOCK", lock)
    monkeypatch.setattr(rivals, "ENVIRONMENT", tmp_path / "environment")
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(rivals.CannotInstall, match="no-such-distribution"):
        rivals.rivals_python()
