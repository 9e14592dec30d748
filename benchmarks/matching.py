"""The book against the bare-C floor on the same order streams, in one run, on one core.

    python -m benchmarks.matching                          the four streams, floor and book by turns, ratios
    python -m benchmarks.matching --stream FILE [--reps N] only the book on one stream; prints its RESULT line

Lives here: the streams' definitions and expected results, the alternation, the comparison.
Does not know: how either engine works.
"""

import argparse
import hashlib
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks import tools
from benchmarks.book_harness import BookHarness
from domain.rejects import RejectCode

RATIO_GOAL = 1.6  # book <= this x hashed floor on every stream
TIMED = 1_000_000
TINY_TIMED = 20_000
ROUNDS, REPS_PER_ROUND = 5, 3


class StreamSpec(NamedTuple):
    """Arguments of the generator, and what the full-length stream must be and yield."""

    symbols: int
    target: int
    distance: int
    window: int
    sha256: str
    trade_hash: str
    book_hash: str


STREAMS = {
    "s1k": StreamSpec(
        1, 1_000, 16, 65_536,
        "7e62aef92f06918f82678b5dd934dae349b3306acd60da71fa9ed7f006abd450", "52299e0ba526fa55", "0000000454096642",
    ),
    "s10k": StreamSpec(
        1, 10_000, 64, 65_536,
        "3db3a250b6fc5802ad21e2a0ef2f1f16255f1cad9f1af3bb07ec23ed5a0f4449", "b2da20ae0016d53d", "0000002a0c734ab0",
    ),
    "s100k": StreamSpec(
        1, 100_000, 256, 65_536,
        "1e3d586b7d6f2963d92386ba3ea4a5ae957a4ba4b42df1ae14a64c15e380bdc8", "66acf1949e1d85a5", "000001934caa2961",
    ),
    "m1000": StreamSpec(
        1_000, 100_000, 16, 2_048,
        "33ba7381ca3d1f2a38fb8eec9e24ae26297244d48acaa8acc6a0c4ed11960631", "adbc0317ef4d88c7", "0000019f227503d0",
    ),
}  # fmt: skip


def ensure_stream(name: str, timed: int = TIMED) -> Path:
    """The stream's file under build/bench, generated when missing; a full-length one is checked against its SHA-256."""
    spec = STREAMS[name]
    path = tools.BUILD / (f"{name}.ops" if timed == TIMED else f"{name}-{timed}.ops")
    if not path.exists():
        arguments = (spec.symbols, spec.target, spec.distance, timed, spec.window)
        partial = path.with_suffix(".partial")
        tools.run_program("gen", str(partial), *map(str, arguments))
        partial.rename(path)
    if timed == TIMED:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != spec.sha256:
            sys.exit(f"error: {path} has SHA-256 {digest}, not {spec.sha256}: remove it, and mistrust the generator")
    return path


def run_book(path: Path, reps: int, timed: int | None = None, owners: int = 0) -> str:
    """The book's RESULT line for a stream. Exits when the book refuses a record: the times would mean nothing."""
    try:
        harness = BookHarness(path.read_bytes())
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path}: {error}")
    count = harness.timed if timed is None else timed
    orders_max = harness.orders_max_start
    while True:
        _, trades, book, refused, code = harness.run(orders_max, count, owners)  # untimed: finds the room it needs
        if code != RejectCode.BOOK_FULL:
            break
        orders_max *= 2
    if refused:
        name = "an unknown record type" if code < 0 else RejectCode(code).name
        sys.exit(f"error: {path}: {refused} records refused, the first for {name}")

    seconds = []
    for _ in range(reps):
        elapsed, trades_again, book_again, _, _ = harness.run(orders_max, count, owners)
        if (trades_again, book_again) != (trades, book):
            sys.exit(f"error: {path}: two runs over one stream differ")
        seconds.append(elapsed)
    seconds.sort()
    nanoseconds = 1e9 / max(count, 1)
    return (
        f"RESULT hashbook {path.name} nops={count} reps={reps} min={seconds[0] * nanoseconds:.1f} "
        f"med={seconds[len(seconds) // 2] * nanoseconds:.1f} ns/op | "
        "trades={} tqty={} notional={} thash={:016x} | rest={} bidq={} askq={} bb={} ba={} oh={:016x}".format(
            *trades, *book
        )
    )


def compare(name: str, timed: int, rounds: int, reps: int) -> tuple[float, list[str]]:
    """Floor and book by turns on one stream. Returns the ratio of the minima, and what is wrong (nothing, if well)."""
    path = ensure_stream(name, timed)
    floors, books = [], []
    for _ in range(rounds):
        floors.append(tools.parse_result(tools.run_program("floor_hashed", str(path), str(reps))))
        books.append(tools.parse_result(run_book(path, reps)))
    for results in (floors, books):
        best, middle = min(r.min_ns for r in results), statistics.median(r.med_ns for r in results)
        print(
            f"RESULT {results[0].engine} {path.name} nops={timed} reps={rounds * reps} "
            f"min={best:.1f} med={middle:.1f} ns/op | {results[0].proof}"
        )
    ratio = min(r.min_ns for r in books) / min(r.min_ns for r in floors)
    ratio_median = statistics.median(r.med_ns for r in books) / statistics.median(r.med_ns for r in floors)
    print(f"RATIO  {path.stem}: book / hashed floor = {ratio:.2f} (of minima), {ratio_median:.2f} (of medians)")

    wrong = []
    if {r.engine for r in floors} != {"floor-hashed"}:
        wrong.append(f"{name}: the floor is {floors[0].engine}, not the hashed one: rebuild it")
    if len({r.proof for r in floors + books}) != 1:
        wrong.append(f"{name}: floor and book disagree on the trades or on what rests")
    spec = STREAMS[name]
    expected = (f"thash={spec.trade_hash} ", f"oh={spec.book_hash}")
    if timed == TIMED and not all(part in books[0].proof for part in expected):
        wrong.append(f"{name}: the result is not the one the stream is known to have")
    return ratio, wrong


def main() -> int:
    """Print RESULT lines; 0 if every proof is right, else 1. A missed goal is printed, it does not fail the run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching", description=__doc__)
    parser.add_argument("--stream", type=Path, help="measure only the book, on this stream file")
    parser.add_argument("--reps", type=int, default=11, help="with --stream: repetitions")
    parser.add_argument("--timed", type=int, help="with --stream: only so many records after the prefill")
    parser.add_argument("--owners", type=int, default=0, help="with --stream: spread orders over so many owners")
    arguments = parser.parse_args()
    pinned = tools.pin_to_one_core()
    if arguments.stream is not None:
        if arguments.reps < 1:
            parser.error("--reps must be at least 1")
        print(run_book(arguments.stream, arguments.reps, arguments.timed, arguments.owners))
        return 0

    print(f"== matching: the book beside the bare-C hashed floor, {pinned}")
    print(tools.describe_machine())
    timed, rounds, reps = (TINY_TIMED, 1, 3) if tools.TINY else (TIMED, ROUNDS, REPS_PER_ROUND)
    wrong: list[str] = []
    worst = 0.0
    for name in STREAMS:
        ratio, faults = compare(name, timed, rounds, reps)
        worst = max(worst, ratio)
        wrong += faults
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
    else:
        verdict = "met" if worst <= RATIO_GOAL else "MISSED"
        print(f"GOAL   book <= {RATIO_GOAL} x hashed floor: {verdict} (worst {worst:.2f})")
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
