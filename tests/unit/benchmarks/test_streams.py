"""Goal: generators, files and proofs agree with each other. Method: tiny streams, read back in Python."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import door, streams, tools
from benchmarks.mixed import ARGUMENTS, WINDOW
from tests.unit.benchmarks.test_book_harness import SlowBook, random_records, stream_of

TIMED = 4_000


def generate(program: str, path: Path, *arguments: int) -> bytes:
    if not (tools.BUILD / program).exists():
        pytest.skip("the generators are not built: make bench-tools")
    tools.run_program(program, str(path), *map(str, arguments))
    return path.read_bytes()


@pytest.fixture
def mixed(tmp_path: Path) -> bytes:
    return generate("gen_mixed", tmp_path / "mixed.ops", *ARGUMENTS, TIMED, WINDOW)


def test_equal_arguments_give_equal_bytes_and_another_seed_others(mixed: bytes, tmp_path: Path) -> None:
    again = generate("gen_mixed", tmp_path / "again.ops", *ARGUMENTS, TIMED, WINDOW)
    other = generate("gen_mixed", tmp_path / "other.ops", *ARGUMENTS, TIMED, WINDOW, 7)
    assert hashlib.sha256(mixed).digest() == hashlib.sha256(again).digest()
    assert mixed != other


def test_a_mixed_stream_has_the_share_of_each_kind_that_it_is_defined_with(mixed: bytes) -> None:
    stream = streams.read_stream(mixed)
    assert (streams.MIXED, ARGUMENTS[1], TIMED) == (stream.kind, len(stream.prefill), len(stream.timed))
    assert {streams.ADD} == {record.type for record in stream.prefill}
    share = {kind: count / TIMED for kind, count in Counter(record.type for record in stream.timed).items()}
    assert share[streams.ICEBERG] == pytest.approx(0.05, abs=0.015)
    assert share[streams.STOP] == pytest.approx(0.03, abs=0.01)
    assert share[streams.QUOTE] == pytest.approx(0.10, abs=0.02)
    assert share[streams.SLIDE] == pytest.approx(0.02, abs=0.01)
    assert 0 < share[streams.PEG] < 0.01  # half of the one percent: the others cancel the oldest


def test_records_of_a_mixed_stream_are_what_their_kinds_say(mixed: bytes) -> None:
    stream = streams.read_stream(mixed)
    quotes: set[int] = set()
    pegs: list[int] = []
    for record in stream.timed:
        if record.type == streams.ICEBERG:
            assert 1 <= record.extra <= record.lots <= record.extra * 1_000
        elif record.type == streams.STOP:
            beyond = record.price_ticks - record.extra
            assert 0 <= (beyond if record.side == 0 else -beyond) <= 3
        elif record.type == streams.QUOTE:
            assert record.order_id == 0 or record.order_id in quotes
            quotes.discard(record.order_id)
            quotes.add(record.new_id)
        elif record.type == streams.PEG:
            pegs.append(record.order_id)
            assert 0 <= (-record.price_ticks if record.side == 0 else record.price_ticks) <= 7
        elif record.type == streams.CANCEL and record.order_id in pegs:
            pegs.remove(record.order_id)
        assert len(pegs) <= 16
        if record.type != streams.PEG and record.type != streams.CANCEL:
            assert stream.low_ticks <= record.price_ticks <= stream.high_ticks
    assert len(quotes) == 64


def test_no_id_is_given_out_twice(mixed: bytes) -> None:
    stream = streams.read_stream(mixed)
    fresh = [
        record.new_id or record.order_id
        for record in (*stream.prefill, *stream.timed)
        if record.type not in (streams.CANCEL,)
    ]
    assert len(fresh) == len(set(fresh))


def test_a_mixed_stream_takes_only_one_symbol(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="one symbol"):
        generate("gen_mixed", tmp_path / "two.ops", 2, 10, 4, 10, 128)


@pytest.mark.parametrize("timed", [None, 120])
def test_a_file_reads_back_as_what_was_written(timed: int | None) -> None:
    records = random_records(5, 200)
    stream = streams.read_stream(stream_of(records[:50], records[50:]), timed)
    assert [(*record, 0) for record in records[:50]] == stream.prefill
    assert [(*record, 0) for record in records[50 : 50 + (timed or 150)]] == stream.timed
    assert (936, 1_063) == (stream.low_ticks, stream.high_ticks)


@pytest.mark.parametrize(
    ("data", "timed", "words"),
    [
        (b"", None, "not an order stream"),
        (b"OPS9" + bytes(28), None, "not an order stream"),
        (stream_of([], random_records(1, 4))[:-1], None, "length is not what its header says"),
        (stream_of([], random_records(1, 4)), 5, "only 4 timed records"),
    ],
)
def test_bytes_that_are_no_stream_are_refused(data: bytes, timed: int | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        streams.read_stream(data, timed)


def test_the_proof_in_python_is_the_plain_books_own() -> None:
    slow = SlowBook()
    for record in random_records(11, 600):
        slow.apply(record)
    resting = [(side, order_id, price, lots) for order_id, _, side, price, lots in slow.resting]
    count, bid_lots, ask_lots, best_bids, best_asks, digest = slow.proof()
    expected = f"rest={count} bidq={bid_lots} askq={ask_lots} bb={best_bids} ba={best_asks} oh={digest:016x}"
    assert expected == streams.prove_resting(resting, best_bids, best_asks)


def test_the_trade_hash_depends_on_the_order_of_trades() -> None:
    one, other = (1, 2, 100, 5), (3, 4, 101, 6)
    assert "trades=2 tqty=11 notional=1106 " in streams.prove_trades([one, other])
    assert streams.prove_trades([one, other]) != streams.prove_trades([other, one])
    assert "trades=0 tqty=0 notional=0 thash=0000000000000000" == streams.prove_trades([])


def test_packed_commands_are_laid_out_as_the_book_reads_them() -> None:
    packed = door.limit(2**63, 1, 2**26, 9, book=3, owner=4)
    assert 48 == door.COMMAND.size == len(packed)
    assert (1, 1, 0, 0, 3, 2**63, 0, 2**26, 9, 4, 0) == door.COMMAND.unpack(packed)
    assert (2, 0, 0, 0, 0, 77, 0, 0, 0, 5, 0) == door.COMMAND.unpack(door.cancel(77, owner=5))


def test_plain_records_are_packed_one_for_one_and_others_refused() -> None:
    replace = streams.Record(streams.REPLACE, 1, 2, 10, 11, 1_000, 6, 0)
    assert (3, 1, 0, 0, 2, 10, 11, 1_000, 6, 0, 0) == door.COMMAND.unpack(door.pack_records([replace]))
    with pytest.raises(ValueError, match="cannot carry a record of type 5"):
        door.pack_records([replace._replace(type=streams.STOP)])
