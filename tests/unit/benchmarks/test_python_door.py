"""Goal: driving the book from Python is proved as the floor is. Method: a plain engine behind the same door."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import door, mixed, python_door, streams, tools
from tests.unit.benchmarks.test_book_harness import Record, SlowBook, random_records, stream_of

Fill = tuple[int, int, int]  # maker, price, lots


class PlainDoor:
    """`run_batch`, `take_fills`, `limit` and `pull` over the slow book of the tests."""

    def __init__(self) -> None:
        self.book = SlowBook()
        self.fills: list[streams.Fill] = []
        self.commands_in_batches: list[int] = []

    def limit(self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int) -> list[Fill] | None:
        makers = {order[0]: (order, order[4]) for order in self.book.resting}
        self.book.add(book, side, order_id, price_ticks, lots)
        touched = [(order, was - order[4]) for order, was in makers.values() if order[4] != was]
        touched.sort(key=lambda item: item[0][3] if side == 0 else -item[0][3])
        return [(order[0], order[3], lots) for order, lots in touched] or None

    def pull(self, order_id: int) -> bool:
        return self.book.remove(order_id)

    def run_batch(self, records: bytes | memoryview, count: int) -> int:
        self.commands_in_batches.append(count)
        for command in door.COMMAND.iter_unpack(bytes(records)):
            kind, side, _, _, book, order_id, new_id, price, lots, owner, _ = command
            found = kind == door.COMMAND_LIMIT or self.pull(order_id)
            if kind == door.COMMAND_CANCEL or not found:
                continue
            taker = new_id if kind == door.COMMAND_REPLACE else order_id
            self.fills += [(taker, *fill) for fill in self.limit(book, taker, owner, side, price, lots) or []]
        return count

    def run_fills(self, records: bytes, first: int, count: int) -> bytes:
        size = door.COMMAND.size
        self.run_batch(records[first * size : (first + count) * size], count)
        return self.take_fills()

    def take_fills(self) -> bytes:
        taken, self.fills = self.fills, []
        return b"".join(door.FILL.pack(*fill) for fill in taken)

    def order(self, order_id: int) -> tuple[int, ...] | None:
        for number, symbol, side, price, lots in self.book.resting:
            if number == order_id:
                return symbol, 0, side, price, lots, 0
        return None

    def best(self, book: int) -> tuple[int | None, int | None]:
        prices: tuple[list[int], list[int]] = ([], [])
        for _, symbol, side, price, _ in self.book.resting:
            if symbol == book:
                prices[side].append(price)
        return max(prices[0], default=None), min(prices[1], default=None)


def expected_proof(prefill: list[Record], timed: list[Record]) -> str:
    slow = SlowBook()
    for record in prefill:
        slow.apply(record)
    slow.trades = [0, 0, 0, 0]
    for record in timed:
        slow.apply(record)
    count, quantity, notional, digest = slow.trades
    rest, bid_lots, ask_lots, best_bids, best_asks, book_digest = slow.proof()
    return (
        f"trades={count} tqty={quantity} notional={notional} thash={digest:016x} | rest={rest} bidq={bid_lots} "
        f"askq={ask_lots} bb={best_bids} ba={best_asks} oh={book_digest:016x}"
    )


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[PlainDoor]:
    engines: list[PlainDoor] = []

    def open_for(stream: streams.Stream) -> Any:
        engines.append(PlainDoor())
        return engines[-1]

    monkeypatch.setattr(door, "open_for", open_for)
    return engines


@pytest.mark.parametrize("seed", range(3))
def test_batches_and_calls_end_with_the_trades_and_the_book_of_a_plain_book(seed: int, opened: list[PlainDoor]) -> None:
    records = random_records(seed, 700)
    stream = streams.read_stream(stream_of(records[:100], records[100:]))
    expected = expected_proof(records[:100], records[100:])
    assert expected == python_door.timed_batches(stream, 64)[1]
    assert expected == python_door.timed_calls(stream)[1]
    assert 2 == len(opened)


def test_the_last_batch_holds_what_is_left(opened: list[PlainDoor]) -> None:
    stream = streams.read_stream(stream_of([], random_records(3, 150)))
    python_door.timed_batches(stream, 64)
    assert [64, 64, 22] == opened[0].commands_in_batches


def test_every_way_with_a_goal_is_proved_and_the_loop_alone_is_not(opened: list[PlainDoor]) -> None:
    stream = streams.read_stream(stream_of([], random_records(4, 80)))
    proofs = {way.name: way.run(stream)[1] for way in python_door.ways()}
    assert {"batch-1024", "batch-64", "one-call", "loop-alone"} == set(proofs)
    assert "" == proofs.pop("loop-alone")
    assert 1 == len(set(proofs.values()))


def through_short_doors(engine: Any, record: streams.Record, way: str) -> None:
    """Plain records by `limit` and `pull`, or in batches of one; everything else as the twin gets it."""
    if record.type not in (streams.ADD, streams.CANCEL, streams.REPLACE):
        mixed.apply_record(engine, record)
    elif way == "batch":
        engine.run_batch(door.pack_records([record]), 1)
        engine.take_fills()
    elif way == "fills":
        engine.run_fills(door.pack_records([record]), 0, 1)
    else:
        python_door.call_records(engine.limit, engine.pull, python_door.calls_of([record]))


@pytest.mark.parametrize("way", ["calls", "batch", "fills"])
def test_short_doors_leave_the_book_as_the_long_one_does_among_stops_and_pegs(way: str, tmp_path: Path) -> None:
    if not (tools.BUILD / "gen_mixed").exists():
        pytest.skip("the generators are not built: make bench-tools")
    path = tmp_path / "mixed.ops"
    tools.run_program("gen_mixed", str(path), "1", "300", "8", "2000", "65536")
    stream = streams.read_stream(path.read_bytes())
    size = door.Size(10_000, low_ticks=stream.low_ticks, high_ticks=stream.high_ticks)
    long_way, short_way = door.open_engine(size), door.open_engine(size)
    for number, record in enumerate((*stream.prefill, *stream.timed)):
        mixed.apply_record(long_way, record)
        through_short_doors(short_way, record, way)
        assert long_way.state_digest() == short_way.state_digest(), f"record {number}: {record}"
    short_way.check_invariants()
