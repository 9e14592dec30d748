"""The mixed flow beside the plain one it is mixed into, in one run, on one core.

    python -m benchmarks.mixed                      the flows by turns, and their ratios
    python -m benchmarks.mixed --prove ENGINE [--three] [N]
                                                    what an engine makes of (N records of) a mixed flow, through its
                                                    Python door: "compiled", or "reference", which is slow

Lives here: the stream's definition and known result, the alternation, the replay through the common door.
Does not know: how orders wait, show less or follow.

The flow is defined in floor/gen_mixed.c: of 100 records 5 are icebergs, 3 stops, 10 moved quotes, 2 sliding post-only
orders, 1 a peg, and the rest is the plain flow of s10k, which is also its floor: the bare book knows none of this. The
goal is for icebergs, stops and quotes alone; pegs move whenever the touch does, which is work of its own. The known
results were worked out by two engines that share no code, the compiled one and its plain twin.
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
ALL, THREE = "mixed", "three"  # every kind; icebergs, stops and quotes alone
SHA256 = {
    ALL: "e5b835e619704d36b47529ca6839c82c9225b9065b3f4348ca2dfe73fb7bcede",
    THREE: "55591ab7ca7bcf700433f62a80ce053d1419c4e77104734c33f252d905f06f17",
}


class Outcome(NamedTuple):
    """What an engine made of a mixed stream."""

    trades: str  # streams.prove_trades
    missed: int  # cancels and replaces of orders that were gone
    refused: int  # records refused for another reason: there are none
    digest: str  # MATCH-060

    def __str__(self) -> str:
        return f"{self.trades} missed={self.missed} refused={self.refused} digest={self.digest}"


KNOWN_OUTCOMES = {
    ALL: Outcome(
        "trades=243356 tqty=6034428 notional=602927937654 thash=f95ca47427dc5b50", 24451, 0,
        "5d02f8514850996c1459cc0484152cce",
    ),
    THREE: Outcome(
        "trades=258832 tqty=6118542 notional=611399265524 thash=41b1784972306867", 27460, 0,
        "dd5e1e4c51373d90121572b1c2983e07",
    ),
}  # fmt: skip


def ensure_mixed(timed: int = TIMED, kinds: str = ALL) -> Path:
    """A mixed stream's file, generated when missing; a full-length one is checked against its SHA-256."""
    path = tools.BUILD / (f"{kinds}.ops" if timed == TIMED else f"{kinds}-{timed}.ops")
    if not path.exists():
        partial = path.with_suffix(".partial")
        words = () if kinds == ALL else (THREE,)
        tools.run_program("gen_mixed", str(partial), *map(str, (*ARGUMENTS, timed, WINDOW)), *words)
        partial.rename(path)
    if timed == TIMED and (digest := hashlib.sha256(path.read_bytes()).hexdigest()) != SHA256[kinds]:
        sys.exit(f"error: {path} has SHA-256 {digest}, not {SHA256[kinds]}: remove it, and mistrust the generator")
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


def prove(name: str, timed: int | None, kinds: str = ALL) -> Outcome:
    """What the engine of this name makes of the full-length stream, or of its first records."""
    stream = streams.read_stream(ensure_mixed(kinds=kinds).read_bytes(), timed)
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
    """The flows by turns; prints their times and ratios, returns what is wrong (nothing, if well)."""
    plain_path = ensure_stream(PLAIN_STREAM, timed)
    mixed_paths = {kinds: ensure_mixed(timed, kinds) for kinds in (THREE, ALL)}
    results: dict[str, list[tools.Result]] = {PLAIN_STREAM: [], THREE: [], ALL: []}
    for _ in range(rounds):
        results[PLAIN_STREAM].append(tools.parse_result(run_book(plain_path, reps)))
        for kinds, path in mixed_paths.items():
            results[kinds].append(tools.parse_result(run_mixed(path, reps)))
    for taken in results.values():
        best, middle = min(r.min_ns for r in taken), statistics.median(r.med_ns for r in taken)
        print(
            f"RESULT {taken[0].engine} {taken[0].stream} nops={timed} reps={rounds * reps} "
            f"min={best:.1f} med={middle:.1f} ns/op | {taken[0].proof}"
        )
    best_ns = {name: min(r.min_ns for r in taken) for name, taken in results.items()}
    ratio = best_ns[THREE] / best_ns[PLAIN_STREAM]
    print(f"RATIO  with icebergs, stops and quotes / plain = {ratio:.2f} (of minima)")
    print(f"RATIO  with slides and pegs too / plain = {best_ns[ALL] / best_ns[PLAIN_STREAM]:.2f} (of minima)")
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
        return []
    verdict = "met" if ratio <= RATIO_GOAL else "MISSED"
    print(f"GOAL   icebergs, stops and quotes <= {RATIO_GOAL} x plain: {verdict} ({ratio:.2f})")
    wrong = []
    for kinds, known in KNOWN_OUTCOMES.items():
        parts = (known.trades, f"missed={known.missed} ", f"digest={known.digest}")
        proofs = {r.proof for r in results[kinds] if not all(part in f"{r.proof} " for part in parts)}
        wrong += [f"the flow {kinds} gave {proof}, not {known}" for proof in proofs]
    return wrong


def main() -> int:
    """0 if the result is the known one, else 1. A missed goal is printed, it does not fail the run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mixed", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--prove", choices=ENGINE_NAMES, help="replay the stream through this engine's Python door")
    parser.add_argument("--three", action="store_true", help="with --prove: icebergs, stops and quotes alone")
    parser.add_argument("records", type=int, nargs="?", help="with --prove: only so many of its timed records")
    arguments = parser.parse_args()
    if arguments.prove:
        print(prove(arguments.prove, arguments.records, THREE if arguments.three else ALL))
        return 0
    print(f"== mixed flow: {tools.pin_to_one_core()}; {tools.describe_machine()}")
    timed, rounds, reps = (TINY_TIMED, 1, 2) if tools.TINY else (TIMED, ROUNDS, REPS_PER_ROUND)
    faults = compare(timed, rounds, reps)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
