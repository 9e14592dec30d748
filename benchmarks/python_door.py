"""What the book costs from Python: packed batches, and one call an order that returns its fills.

    python -m benchmarks.python_door

Lives here: the timed loops over the Python door, beside the C-level door and beside the loop without a book.
Does not know: how commands are packed or fills come back (door.py).

A batch is one call with 64 or 1,024 packed commands and one that takes its fills; who trades from Python in bulk packs
anyway. One call an order is what a strategy or a test writes: the call takes plain integers and returns the fills, or
None. The records are unpacked and packed before the clock starts; the garbage collector stands still meanwhile, as in
timeit. Each way must end with the trades and the book that the floor has.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from benchmarks import door, streams, tools
from benchmarks.matching import STREAMS, TINY_TIMED, ensure_stream, run_book
from benchmarks.matching import TIMED as FULL_TIMED

TIMED, ROUNDS = 200_000, 5
BATCHES = (64, 1_024)
BATCH_GOAL_NS, CALL_GOAL_NS = 30.0, 130.0
GOAL_STREAMS = ("s1k", "s10k")  # deeper books miss the caches, from C as well: the rows beside show by how much


class Way(NamedTuple):
    """One way to drive the book, and what it may cost."""

    name: str
    run: Callable[[streams.Stream], tuple[float, str]]  # seconds, proof
    goal_ns: float | None


def timed_batches(stream: streams.Stream, batch: int) -> tuple[float, str]:
    """Everything in batches; the fills of each are taken before the next."""
    engine = door.open_for(stream)
    door.run_packed(engine, door.pack_records(stream.prefill))
    commands = door.pack_records(stream.timed)
    run_fills, end = engine.run_fills, len(commands) // door.COMMAND.size
    taken: list[Any] = []
    keep = taken.append
    gc.disable()
    try:
        start = time.perf_counter()
        for first in range(0, end - batch + 1, batch):
            keep(run_fills(commands, first, batch))
        if rest := end % batch:
            keep(run_fills(commands, end - rest, rest))
        seconds = time.perf_counter() - start
    finally:
        gc.enable()
    fills = (fill for some in taken for fill in door.fills_of_batch(some))
    return seconds, f"{streams.prove_trades(fills)} | {door.prove_book(engine, stream)}"


def calls_of(records: list[streams.Record]) -> list[tuple[int, ...]]:
    """What the loop below takes: plain tuples, since reading a field of a record costs as much as an order."""
    return [(r.type, r.symbol, r.order_id, r.side, r.price_ticks, r.lots, r.new_id) for r in records]


def call_records(limit: Callable[..., Any], pull: Callable[..., Any], records: list[tuple[int, ...]]) -> list[Any]:
    """One call an order: the loop that is timed. Returns (taker, fills) of the calls that traded."""
    traded: list[Any] = []
    keep = traded.append
    for kind, book, order_id, side, price, lots, new_id in records:
        if kind == streams.ADD:
            if fills := limit(book, order_id, 0, side, price, lots):
                keep((order_id, fills))
        elif pull(order_id) and kind == streams.REPLACE and (fills := limit(book, new_id, 0, side, price, lots)):
            keep((new_id, fills))
    return traded


def timed_calls(stream: streams.Stream) -> tuple[float, str]:
    """One call an order over the timed records."""
    engine = door.open_for(stream)
    call_records(engine.limit, engine.pull, calls_of(stream.prefill))
    records = calls_of(stream.timed)
    gc.disable()
    try:
        start = time.perf_counter()
        traded = call_records(engine.limit, engine.pull, records)
        seconds = time.perf_counter() - start
    finally:
        gc.enable()
    fills = (fill for taker, some in traded for fill in door.fills_of_call(taker, some))
    return seconds, f"{streams.prove_trades(fills)} | {door.prove_book(engine, stream)}"


def timed_loop(stream: streams.Stream) -> tuple[float, str]:
    """The same loop with calls that do nothing: Python's own part of one call an order."""
    records = calls_of(stream.timed)

    def no_limit(book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int) -> None:
        return None

    def no_pull(order_id: int) -> bool:
        return True

    gc.disable()
    try:
        start = time.perf_counter()
        call_records(no_limit, no_pull, records)
        return time.perf_counter() - start, ""
    finally:
        gc.enable()


def ways() -> list[Way]:
    """All rows, cheapest first."""
    batches = [Way(f"batch-{size}", partial(timed_batches, batch=size), BATCH_GOAL_NS) for size in reversed(BATCHES)]
    return [*batches, Way("one-call", timed_calls, CALL_GOAL_NS), Way("loop-alone", timed_loop, None)]


def measure(name: str, timed: int, rounds: int) -> tuple[dict[str, float], list[str]]:
    """Every way by turns on one stream: the best ns/op of each that has a goal, and what is wrong."""
    path = ensure_stream(name, TINY_TIMED if tools.TINY else FULL_TIMED)
    stream = streams.read_stream(path.read_bytes(), timed)
    floor = tools.parse_result(tools.run_program("floor_hashed", str(path), "3", str(timed)))
    book = tools.parse_result(run_book(path, 3, timed))
    seconds: dict[str, list[float]] = {way.name: [] for way in ways()}
    wrong = [] if book.proof == floor.proof else [f"{name}: book and floor disagree"]
    for _ in range(rounds):
        for way in ways():
            elapsed, proof = way.run(stream)
            seconds[way.name].append(elapsed * 1e9 / timed)
            if proof and proof != floor.proof:
                wrong.append(f"{name}: {way.name} gave {proof}, the floor {floor.proof}")
    print(f"-- {path.stem}: the first {timed:,} records | {floor.proof}")
    print(f"{path.stem:<8} {'floor':<11} min {floor.min_ns:7.1f}  med {floor.med_ns:7.1f} ns/op")
    print(f"{path.stem:<8} {'book in C':<11} min {book.min_ns:7.1f}  med {book.med_ns:7.1f} ns/op")
    for row, taken in seconds.items():
        taken.sort()
        print(f"{path.stem:<8} {row:<11} min {taken[0]:7.1f}  med {taken[len(taken) // 2]:7.1f} ns/op")
    return {way.name: seconds[way.name][0] for way in ways() if way.goal_ns is not None}, wrong


def main() -> int:
    """0 when every way has the floor's result, else 1. A missed goal is printed, it does not fail the run."""
    argparse.ArgumentParser(
        prog="python -m benchmarks.python_door", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    ).parse_args()
    print(f"== the book from Python: {tools.pin_to_one_core()}; {tools.describe_machine()}")
    timed, rounds = (2_000, 1) if tools.TINY else (TIMED, ROUNDS)
    worst: dict[str, float] = {}
    wrong: list[str] = []
    for name in list(STREAMS)[: 1 if tools.TINY else None]:
        best, faults = measure(name, timed, rounds)
        wrong += faults
        if name in GOAL_STREAMS:
            worst = {way: max(ns, worst.get(way, 0.0)) for way, ns in best.items()}
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
    else:
        for way in ways():
            if way.goal_ns is not None:
                verdict = "met" if worst[way.name] <= way.goal_ns else "MISSED"
                print(f"GOAL   {way.name} <= {way.goal_ns:.0f} ns/op on {', '.join(GOAL_STREAMS)}: {verdict} "
                      f"(worst {worst[way.name]:.1f})")  # fmt: skip
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
