"""Goal: the benchmark's timed loop does the work it claims. Method: random streams against a slow book of its own."""

import random
import struct
from collections import deque

import pytest

from benchmarks.book_harness import BookHarness
from benchmarks.matching import run_book
from benchmarks.tools import parse_result
from domain.rejects import RejectCode

ADD, CANCEL, REPLACE = 1, 2, 3
BUY, SELL = 0, 1
MASK = (1 << 64) - 1
Record = tuple[int, int, int, int, int, int, int]  # type, side, symbol, id, new id, price, lots


def stream_of(prefill: list[Record], timed: list[Record], *, symbols: int = 2, window: int = 128) -> bytes:
    header = struct.pack("<4s7I", b"OPS1", symbols, len(prefill), len(timed), 1 << 31, window, 1_000, 0)
    return header + b"".join(struct.pack("<BBHIIiII", *record, 0) for record in prefill + timed)


def random_records(seed: int, count: int) -> list[Record]:
    """A flow around one middle with sparse ids; some cancels and replaces name orders that are gone."""
    draw = random.Random(seed)
    seen: list[tuple[int, int, int]] = []
    records: list[Record] = []
    for _ in range(count):
        side, symbol, price = draw.randrange(2), draw.randrange(2), 1_000 + draw.randrange(-6, 7)
        kind = draw.choice([ADD, ADD, CANCEL, REPLACE]) if seen else ADD
        new_id = draw.randrange(1, 1 << 32)
        if kind == ADD:
            records.append((ADD, side, symbol, new_id, 0, price, draw.randrange(1, 50)))
            seen.append((new_id, side, symbol))
            continue
        order_id, side, symbol = draw.choice(seen)
        if kind == CANCEL:
            records.append((CANCEL, side, symbol, order_id, 0, 0, 0))
        else:
            records.append((REPLACE, side, symbol, order_id, new_id, price, draw.randrange(1, 50)))
            seen.append((new_id, side, symbol))
    return records


class SlowBook:
    """Price-time matching written as plainly as can be."""

    def __init__(self) -> None:
        self.resting: deque[list[int]] = deque()  # [id, symbol, side, price, lots] in order of arrival
        self.trades = [0, 0, 0, 0]

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        while lots:
            sign = 1 if side == BUY else -1
            crossing = [o for o in self.resting if o[1] == symbol and o[2] != side and sign * (price - o[3]) >= 0]
            if not crossing:
                self.resting.append([order_id, symbol, side, price, lots])
                return
            maker = min(crossing, key=lambda o: sign * o[3])  # the first of equals is the oldest
            traded = min(lots, maker[4])
            self.trades[0] += 1
            self.trades[1] += traded
            self.trades[2] += traded * maker[3]
            term = order_id * 1_000_003 + maker[0] * 10_007 + traded * 101 + maker[3]
            self.trades[3] = (self.trades[3] * 1_099_511_628_211 + term) & MASK
            lots -= traded
            maker[4] -= traded
            if maker[4] == 0:
                self.resting.remove(maker)

    def remove(self, order_id: int) -> bool:
        for order in self.resting:
            if order[0] == order_id:
                self.resting.remove(order)
                return True
        return False

    def apply(self, record: Record) -> None:
        kind, side, symbol, order_id, new_id, price, lots = record
        if kind == ADD:
            self.add(symbol, side, order_id, price, lots)
        elif self.remove(order_id) and kind == REPLACE:
            self.add(symbol, side, new_id, price, lots)

    def proof(self) -> tuple[int, ...]:
        sides = [[o for o in self.resting if o[2] == side] for side in (BUY, SELL)]
        bests = [
            sum(best(o[3] for o in orders if o[1] == symbol) for symbol in {o[1] for o in orders})
            for best, orders in zip((max, min), sides, strict=True)
        ]
        book_hash = sum(o[0] * 31 + o[4] * 7 + o[3] for o in self.resting) & MASK
        return (len(self.resting), *(sum(o[4] for o in orders) for orders in sides), *bests, book_hash)


@pytest.mark.parametrize("seed", range(5))
def test_trades_and_what_rests_are_those_of_a_plain_book(seed: int) -> None:
    records = random_records(seed, 1_200)
    prefill, timed = records[:200], records[200:]
    slow = SlowBook()
    for record in prefill:
        slow.apply(record)
    slow.trades = [0, 0, 0, 0]
    for record in timed:
        slow.apply(record)

    harness = BookHarness(stream_of(prefill, timed))
    seconds, trades, book, refused, _ = harness.run(harness.orders_max_start, harness.timed)

    assert slow.trades[0] > 100
    assert tuple(slow.trades) == trades
    assert slow.proof() == book
    assert refused == 0
    assert seconds > 0


def test_spreading_orders_over_owners_changes_nothing_but_the_owners() -> None:
    harness = BookHarness(stream_of([], random_records(9, 800)))
    without = harness.run(10_000, 800)
    assert without[1:] == harness.run(10_000, 800, 7)[1:]


def test_a_prefix_of_the_timed_records_can_be_run() -> None:
    records = random_records(3, 600)
    whole = BookHarness(stream_of([], records))
    prefix = BookHarness(stream_of([], records[:250]))
    assert prefix.run(10_000, 250)[1:] == whole.run(10_000, 250)[1:]


def test_prices_outside_the_window_that_the_header_states_are_still_traded() -> None:
    far = [(ADD, SELL, 0, 1, 0, 90_000, 5), (ADD, BUY, 0, 2, 0, 90_001, 3), (ADD, BUY, 1, 3, 0, 1, 4)]
    _, trades, book, refused, _ = BookHarness(stream_of([], far)).run(100, 3)
    assert ((1, 3, 270_000), 0) == (trades[:3], refused)
    assert (2, 4, 2) == book[:3]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"", "not an OPS1 stream"),
        (b"OPS2" + bytes(28), "not an OPS1 stream"),
        (stream_of([], random_records(1, 4))[:-1], "length is not what its header says"),
        (stream_of([], random_records(1, 4)) + b"x", "length is not what its header says"),
        (stream_of([], [(ADD, BUY, 0, 1, 0, 2**30, 1)]), "a price that no book can hold"),
    ],
)
def test_bytes_that_are_no_stream_are_refused(stream: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        BookHarness(stream)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ((9, BUY, 0, 1, 0, 1_000, 1), -1),
        ((ADD, BUY, 0, 1, 0, 0, 1), RejectCode.PRICE_BAND),
        ((ADD, BUY, 0, 1, 0, 1_000, 0), RejectCode.LOTS_RANGE),
        ((ADD, BUY, 7, 1, 0, 1_000, 1), RejectCode.UNKNOWN_INSTRUMENT),
    ],
)
def test_a_record_that_the_book_refuses_is_counted_with_its_code(record: Record, code: int) -> None:
    refused, first = BookHarness(stream_of([], [record])).run(100, 1)[3:]
    assert (1, code) == (refused, first)


def test_the_printed_line_reads_back_and_room_is_found_for_more_orders_than_the_floor_allows(tmp_path) -> None:
    resting = [(ADD, BUY, 0, number, 0, 1_000, 1) for number in range(1, 25_001)]  # the floor's allowance is 20,000
    path = tmp_path / "deep.ops"
    path.write_bytes(stream_of([], resting))
    result = parse_result(run_book(path, reps=2))
    assert ("hashbook", "deep.ops", 25_000) == (result.engine, result.stream, result.timed)
    assert "trades=0 " in result.proof
    assert "rest=25000 bidq=25000 askq=0" in result.proof


def test_a_refusing_stream_ends_the_command_with_the_reason(tmp_path) -> None:
    path = tmp_path / "bad.ops"
    path.write_bytes(stream_of([], [(ADD, BUY, 0, 1, 0, 1_000, 0)]))
    with pytest.raises(SystemExit, match="1 records refused, the first for LOTS_RANGE"):
        run_book(path, reps=1)
