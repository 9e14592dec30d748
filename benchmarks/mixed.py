"""The mixed flow beside the plain one it is mixed into, in one run, on one core.

    python -m benchmarks.mixed                      both flows by turns, and their ratio
    python -m benchmarks.mixed --prove ENGINE [N]   what an engine makes of (N records of) the mixed flow, through its
                                                    Python door: "compiled", or "reference", which is slow

Lives here: the stream's definition and known result, the alternation, the replay through the common door.
Does not know: how orders wait, show less or follow.

The flow is defined in floor/gen_mixed.c: of 100 records 5 are icebergs, 3 stops, 10 moved quotes, 2 sliding post-only
orders, 1 a peg, and the rest is the plain flow of s10k, which is also its floor: the bare book knows none of this. The
known result was worked out by two engines that share no code, the compiled one and its plain twin.
"""

import argparse
import hashlib
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import streams, tools
from benchmarks.matching import ROUNDS, TIMED, TINY_TIMED, ensure_stream, run_book
from benchmarks.mixed_harness import MixedHarness
from domain.book_rules import BookRules
from domain.constants import BUY, PEG_ASK, PEG_BID, POST_ONLY_SLIDE, STP_NONE, TRIGGER_DOWN, TRIGGER_UP
from domain.rejects import RejectCode
from tests.engines import ENGINE_NAMES, Engine, Event, engine_class

RATIO_GOAL = 2.0  # mixed <= this x plain, in the same run
REPS_PER_ROUND = 3
PLAIN_STREAM = "s10k"
ARGUMENTS = (1, 10_000, 64)  # symbols, target, distance: those of s10k
WINDOW = 65_536
SHA256 = "e5b835e619704d36b47529ca6839c82c9225b9065b3f4348ca2dfe73fb7bcede"


class Outcome(NamedTuple):
    """What an engine made of a mixed stream."""

    trades: str  # streams.prove_trades
    missed: int  # cancels and replaces of orders that were gone
    refused: int  # records refused for another reason: there are none
    digest: str  # MATCH-060

    def __str__(self) -> str:
        return f"{self.trades} missed={self.missed} refused={self.refused} digest={self.digest}"


KNOWN_OUTCOME = Outcome(
    "trades=243356 tqty=6034428 notional=602927937654 thash=f95ca47427dc5b50", 24451, 0,
    "5d02f8514850996c1459cc0484152cce",
)  # fmt: skip


def ensure_mixed(timed: int = TIMED) -> Path:
    """The mixed stream's file, generated when missing; a full-length one is checked against its SHA-256."""
    path = tools.BUILD / ("mixed.ops" if timed == TIMED else f"mixed-{timed}.ops")
    if not path.exists():
        partial = path.with_suffix(".partial")
        tools.run_program("gen_mixed", str(partial), *map(str, (*ARGUMENTS, timed, WINDOW)))
        partial.rename(path)
    if timed == TIMED and (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != SHA256:
        sys.exit(f"error: {path} has SHA-256 {digest}, not {SHA256}: remove it, and mistrust the generator")
    return path


# ------------------------------------------------------------------------------------ through the common Python door


def apply_record(engine: Engine, record: streams.Record) -> list[Event]:
    """One record of a mixed stream, as floor/stream.h defines it; the events of all it did."""
    book, side, order_id, price, lots = record.symbol, record.side, record.order_id, record.price_ticks, record.lots
    match record.type:
        case streams.ADD:
            return engine.submit(book, order_id, 0, side, price, lots, stp=STP_NONE)
        case streams.CANCEL:
            return engine.cancel(order_id, 0)
        case streams.REPLACE:
            events = engine.cancel(order_id, 0)
            if events[0][0] == "refused":
                return events
            return events + engine.submit(book, record.new_id, 0, side, price, lots, stp=STP_NONE)
        case streams.ICEBERG:
            return engine.submit(book, order_id, 0, side, price, lots, stp=STP_NONE, display_lots=record.extra)
        case streams.STOP:
            direction = TRIGGER_UP if side == BUY else TRIGGER_DOWN
            return engine.submit(
                book, order_id, 0, side, price, lots, stp=STP_NONE, trigger=direction, trigger_ticks=record.extra
            )
        case streams.QUOTE:
            gone = engine.cancel(order_id, 0) if order_id else []
            return gone + engine.submit(book, record.new_id, 0, side, price, lots, stp=STP_NONE)
        case streams.SLIDE:
            return engine.submit(book, order_id, 0, side, price, lots, stp=STP_NONE, post_only=POST_ONLY_SLIDE)
        case streams.PEG:
            follows = PEG_BID if side == BUY else PEG_ASK
            return engine.submit(book, order_id, 0, side, 0, lots, stp=STP_NONE, peg=follows, peg_offset=price)
    raise ValueError(f"a stream has no records of type {record.type}")


def replay(engine: Engine, stream: streams.Stream) -> Outcome:
    """A whole stream through an engine whose book 0 is open."""
    for record in stream.prefill:
        apply_record(engine, record)
    fills: list[streams.Fill] = []
    missed = refused = 0
    for record in stream.timed:
        for event in apply_record(engine, record):
            if event[0] == "fill":
                _, maker, taker, price, lots, _, _ = event
                fills.append((taker, maker, price, lots))
            elif event[0] == "refused":
                gone = event[2] == "unknown_order"
                missed += gone
                refused += not gone
    return Outcome(streams.prove_trades(fills), missed, refused, engine.state_digest())


def prove(name: str, timed: int | None) -> Outcome:
    """What the engine of this name makes of the full-length stream, or of its first records."""
    stream = streams.read_stream(ensure_mixed().read_bytes(), timed)
    adds = len(stream.prefill) + len(stream.timed)
    engine = engine_class(name)(orders_max=adds + 1, books_max=1, pages_max=WINDOW // 64 + 2)
    engine.add_book(0, BookRules(band_low_ticks=stream.low_ticks, band_high_ticks=stream.high_ticks))
    return replay(engine, stream)


# ---------------------------------------------------------------------------------------------- timed, C-level door


def run_mixed(path: Path, reps: int, timed: int | None = None) -> str:
    """The book's RESULT line for a mixed stream. Exits when it refuses a record: the times would mean nothing."""
    try:
        harness = MixedHarness(path.read_bytes())
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path}: {error}")
    count = harness.timed if timed is None else timed
    runs = [harness.run(count) for _ in range(reps)]
    _, trades, book, missed, waiting, digest, refused, code = runs[0]
    if refused:
        name = "an unknown record type" if code < 0 else RejectCode(code).name
        sys.exit(f"error: {path}: {refused} records refused, the first for {name}")
    if len({run[1:] for run in runs}) != 1:
        sys.exit(f"error: {path}: two runs over one stream differ")
    seconds = sorted(run[0] for run in runs)
    nanoseconds = 1e9 / max(count, 1)
    return (
        f"RESULT hashbook {path.name} nops={count} reps={reps} min={seconds[0] * nanoseconds:.1f} "
        f"med={seconds[reps // 2] * nanoseconds:.1f} ns/op | "
        "trades={} tqty={} notional={} thash={:016x} | rest={} bidq={} askq={} bb={} ba={} oh={:016x}".format(
            *trades, *book
        )
        + f" | missed={missed} waiting={waiting} digest={digest}"
    )


def compare(timed: int, rounds: int, reps: int) -> list[str]:
    """Both flows by turns; prints their times and ratio, returns what is wrong (nothing, if well)."""
    plain_path, mixed_path = ensure_stream(PLAIN_STREAM, timed), ensure_mixed(timed)
    results: tuple[list[tools.Result], list[tools.Result]] = ([], [])
    for _ in range(rounds):
        results[0].append(tools.parse_result(run_book(plain_path, reps)))
        results[1].append(tools.parse_result(run_mixed(mixed_path, reps)))
    for taken in results:
        best, middle = min(r.min_ns for r in taken), statistics.median(r.med_ns for r in taken)
        print(
            f"RESULT {taken[0].engine} {taken[0].stream} nops={timed} reps={rounds * reps} "
            f"min={best:.1f} med={middle:.1f} ns/op | {taken[0].proof}"
        )
    plain, mixed = (min(r.min_ns for r in taken) for taken in results)
    ratio = mixed / plain
    print(f"RATIO  mixed / plain = {ratio:.2f} (of minima)")
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
        return []
    print(f"GOAL   mixed <= {RATIO_GOAL} x plain: {'met' if ratio <= RATIO_GOAL else 'MISSED'} ({ratio:.2f})")
    known = (KNOWN_OUTCOME.trades, f"missed={KNOWN_OUTCOME.missed} ", f"digest={KNOWN_OUTCOME.digest}")
    wrong = {r.proof for r in results[1] if not all(part in f"{r.proof} " for part in known)}
    return [f"the mixed flow gave {proof}, not {KNOWN_OUTCOME}" for proof in wrong]


def main() -> int:
    """0 if the result is the known one, else 1. A missed goal is printed, it does not fail the run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--prove", choices=ENGINE_NAMES, help="replay the stream through this engine's Python door")
    parser.add_argument("records", type=int, nargs="?", help="with --prove: only so many of its timed records")
    arguments = parser.parse_args()
    if arguments.prove:
        print(prove(arguments.prove, arguments.records))
        return 0
    print(f"== mixed flow: {tools.pin_to_one_core()}; {tools.describe_machine()}")
    timed, rounds, reps = (TINY_TIMED, 1, 2) if tools.TINY else (TIMED, ROUNDS, REPS_PER_ROUND)
    faults = compare(timed, rounds, reps)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
