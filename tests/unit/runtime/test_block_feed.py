"""Goal: replayed blocks are due at a time that only the file decides, once each, and resume exactly.

Method: the real headers on a clock that the test moves; damaged files.
"""

import asyncio
from pathlib import Path

import pytest

from clearing.headers import header_time_s
from runtime.block_feed import BlockFileDamaged, FeedBlock, FileBlockSource

DATA = Path(__file__).parents[3] / "data"
HEADERS = DATA / "bitcoin" / "btc_headers_822528_830592.bin"
TOTALS = DATA / "demo" / "coinbase_totals.csv"
FIRST_HEIGHT = 822_528
NS = 10**9


@pytest.fixture
def source() -> FileBlockSource:
    return FileBlockSource(HEADERS, FIRST_HEIGHT, totals_path=TOTALS)


def test_a_block_is_seen_five_minutes_after_its_header_time_or_with_the_one_before(source: FileBlockSource) -> None:
    blocks = list(source.take_due(10**20))
    assert [block.height for block in blocks] == list(range(FIRST_HEIGHT, 830_593))
    previous_ns = 0
    for block in blocks:
        assert block.first_seen_ns == max(previous_ns, (header_time_s(block.header) + 300) * NS)
        previous_ns = block.first_seen_ns
    assert source.next_due_ns() is None
    assert any(block.first_seen_ns > (header_time_s(block.header) + 300) * NS for block in blocks), "time went back"


def test_nothing_is_due_before_its_time_and_each_block_comes_once(source: FileBlockSource) -> None:
    due_ns = source.next_due_ns()
    assert due_ns == (header_time_s(source.header_at(FIRST_HEIGHT)) + 300) * NS
    assert list(source.take_due(due_ns - 1)) == []
    assert [block.height for block in source.take_due(due_ns)] == [FIRST_HEIGHT]
    assert list(source.take_due(due_ns)) == []


def test_totals_belong_to_their_heights(source: FileBlockSource) -> None:
    source.resume(829_999)
    block = next(source.take_due(10**20))
    line = next(line for line in TOTALS.read_text().splitlines() if line.startswith("830000,"))
    assert (block.height, block.coinbase_total_sat) == (830_000, int(line.split(",")[3]))
    assert next(FileBlockSource(HEADERS, FIRST_HEIGHT).take_due(10**20)).coinbase_total_sat is None


@pytest.mark.parametrize(
    ("after", "first"), [(-1, FIRST_HEIGHT), (FIRST_HEIGHT, FIRST_HEIGHT + 1), (830_591, 830_592), (830_592, None)]
)
def test_resuming_goes_on_behind_a_height(source: FileBlockSource, after: int, first: int | None) -> None:
    source.resume(after)
    assert next((block.height for block in source.take_due(10**20)), None) == first
    again = FileBlockSource(HEADERS, FIRST_HEIGHT, after_height=after)
    assert next((block.height for block in again.take_due(10**20)), None) == first


def test_a_run_sleeps_until_each_block_and_ends_after_the_last() -> None:
    source = FileBlockSource(HEADERS, FIRST_HEIGHT, after_height=830_588)
    clock = {"now": 0}
    slept: list[int] = []
    delivered: list[FeedBlock] = []

    async def sleep_until(target_ns: int) -> None:
        slept.append(target_ns)
        clock["now"] = target_ns - 5 if len(slept) == 1 else target_ns  # the first sleep ends a little early

    asyncio.run(
        asyncio.wait_for(source.run(delivered.append, now_ns=lambda: clock["now"], sleep_until_ns=sleep_until), 5)
    )
    assert [block.height for block in delivered] == [830_589, 830_590, 830_591, 830_592]
    assert slept[0] == slept[1] == delivered[0].first_seen_ns


def test_a_height_outside_the_file_is_an_error(source: FileBlockSource) -> None:
    with pytest.raises(IndexError):
        source.header_at(FIRST_HEIGHT - 1)


def test_damaged_header_files_are_refused_with_the_place(tmp_path: Path) -> None:
    raw = HEADERS.read_bytes()[: 80 * 5]
    bad = tmp_path / "headers.bin"
    for damaged in (b"", raw[:-1], raw + b"\0"):
        bad.write_bytes(damaged)
        with pytest.raises(BlockFileDamaged, match="whole headers"):
            FileBlockSource(bad, FIRST_HEIGHT)
    bad.write_bytes(raw[:85] + bytes([raw[85] ^ 1]) + raw[86:])
    with pytest.raises(BlockFileDamaged, match=f"block {FIRST_HEIGHT + 1} "):
        FileBlockSource(bad, FIRST_HEIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "height,coinbase_total_sat\n822528,1\n",  # blocks missing
        "height,coinbase_total_sat\n822528,x\n",
        "height,other\n822528,1\n",
        "height,coinbase_total_sat\n822528\n",
        "",
    ],
    ids=["incomplete", "no number", "no column", "short row", "empty"],
)
def test_damaged_totals_are_refused(tmp_path: Path, text: str) -> None:
    bad = tmp_path / "totals.csv"
    bad.write_text(text)
    with pytest.raises(BlockFileDamaged):
        FileBlockSource(HEADERS, FIRST_HEIGHT, totals_path=bad)
