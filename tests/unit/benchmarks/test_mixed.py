"""Goal: the mixed flow is the same work for everybody. Method: harness, compiled engine and twin on tiny streams."""

import struct
from pathlib import Path

import pytest

from benchmarks import mixed, streams, tools
from benchmarks.mixed_harness import MixedHarness
from domain.book_rules import BookRules
from tests.engines import COMPILED, REFERENCE, engine_class

TIMED = 3_000


def stream_with(records: list[streams.Record]) -> bytes:
    header = struct.pack("<4s7I", streams.MIXED, 1, 0, len(records), 1_000, 1_024, 1_000, 0)
    return header + b"".join(streams.RECORD.pack(*record) for record in records)


def outcome_of(name: str, data: bytes) -> mixed.Outcome:
    stream = streams.read_stream(data)
    engine = engine_class(name)(orders_max=20_000, books_max=1)
    engine.add_book(0, BookRules(band_low_ticks=stream.low_ticks, band_high_ticks=stream.high_ticks))
    return mixed.replay(engine, stream)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_harness_compiled_engine_and_twin_agree_on_a_generated_flow(seed: int, tmp_path: Path) -> None:
    if not (tools.BUILD / "gen_mixed").exists():
        pytest.skip("the generators are not built: make bench-tools")
    path = tmp_path / "mixed.ops"
    tools.run_program("gen_mixed", str(path), "1", "500", "16", str(TIMED), "65536", str(seed))
    twin = outcome_of(REFERENCE, path.read_bytes())
    assert 0 == twin.refused
    assert twin == outcome_of(COMPILED, path.read_bytes())
    proof = tools.parse_result(mixed.run_mixed(path, reps=2)).proof
    assert twin.trades in proof
    assert f"missed={twin.missed} " in proof
    assert proof.endswith(f"digest={twin.digest}")


def test_every_kind_of_record_does_what_its_definition_says(tmp_path: Path) -> None:
    records = [
        streams.Record(streams.ADD, 1, 0, 1, 0, 1_010, 5, 0),
        streams.Record(streams.ICEBERG, 1, 0, 2, 0, 1_010, 20, 4),
        streams.Record(streams.STOP, 0, 0, 3, 0, 1_012, 2, 1_010),  # waits for 1,010, then buys up to 1,012
        streams.Record(streams.QUOTE, 0, 0, 0, 4, 1_000, 3, 0),  # the first of its maker
        streams.Record(streams.QUOTE, 0, 0, 4, 5, 1_001, 3, 0),
        streams.Record(streams.QUOTE, 0, 0, 4, 6, 999, 3, 0),  # its order is gone: it quotes all the same
        streams.Record(streams.SLIDE, 0, 0, 7, 0, 1_015, 6, 0),  # comes to rest at 1,009
        streams.Record(streams.PEG, 0, 0, 8, 0, -2, 1, 0),  # two behind 1,009
        streams.Record(streams.CANCEL, 0, 0, 99, 0, 0, 0, 0),
        streams.Record(streams.REPLACE, 0, 0, 99, 98, 1_000, 1, 0),  # of an order that is gone: does nothing
        streams.Record(streams.ADD, 0, 0, 9, 0, 1_010, 7, 0),  # takes 5 of 1 and 2 of 2, then the stop takes 2 of 2
    ]
    path = tmp_path / "kinds.ops"
    path.write_bytes(stream_with(records))
    twin = outcome_of(REFERENCE, path.read_bytes())
    fills = [(9, 1, 1_010, 5), (9, 2, 1_010, 2), (3, 2, 1_010, 2)]
    assert (streams.prove_trades(fills), 3, 0) == twin[:3]
    proof = tools.parse_result(mixed.run_mixed(path, reps=1)).proof
    assert twin.trades in proof
    # Resting: 2 with 16 lots, quotes 5 and 6, the slide, the peg at 1,007.
    resting = [(1, 2, 1_010, 16), (0, 5, 1_001, 3), (0, 6, 999, 3), (0, 7, 1_009, 6), (0, 8, 1_007, 1)]
    assert streams.prove_resting(resting, 1_009, 1_010) in proof
    assert proof.endswith(f"missed=3 waiting=0 digest={twin.digest}")


def test_a_record_of_an_unknown_type_is_refused_by_harness_and_replay() -> None:
    data = stream_with([streams.Record(9, 0, 0, 1, 0, 1_000, 1, 0)])
    assert (1, -1) == MixedHarness(data).run(1)[6:]
    with pytest.raises(ValueError, match="no records of type 9"):
        outcome_of(REFERENCE, data)


def test_bytes_that_are_no_mixed_stream_are_refused() -> None:
    data = stream_with([streams.Record(streams.ADD, 0, 0, 1, 0, 1_000, 1, 0)])
    assert 1 == MixedHarness(data).timed
    with pytest.raises(ValueError, match="length is not what its header says"):
        MixedHarness(data[:-1])
    with pytest.raises(ValueError, match="not an order stream"):
        MixedHarness(b"OPS3" + data[4:])
    with pytest.raises(ValueError, match="one symbol"):
        MixedHarness(data[:4] + struct.pack("<I", 2) + data[8:])


def test_a_refusing_stream_ends_the_command_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "bad.ops"
    path.write_bytes(stream_with([streams.Record(streams.ICEBERG, 0, 0, 1, 0, 1_000, 5, 9)]))
    with pytest.raises(SystemExit, match="1 records refused, the first for DISPLAY_RANGE"):
        mixed.run_mixed(path, reps=1)
