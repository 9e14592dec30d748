"""Books that somebody shaped to make the venue slow: what they cost, and that they cost no more when they are large.

    python -m benchmarks.hostile [--shape NAME] [--sizes SMALL LARGE]

Lives here: the runs, each in a process of its own, the table, the goals and the declared limits.
Does not know: what the shapes are (hostile_shapes.py).

Each shape runs over a small and a large book. A part is good when it costs at most 150 ns for everything it touches, in
both, and when the large book costs little more than the small one: some, since a large book does not fit the caches,
but nothing like the thousandfold that a scan would. A part that does not end in time is a MISSED one, not a hang.
The yardstick is the bare-C floor on its smallest stream, before and after: it says how much of the machine there was.
"""

import argparse
import json
import subprocess
import sys
from typing import NamedTuple

from benchmarks import tools
from benchmarks.matching import TIMED, TINY_TIMED, ensure_stream

NANOSECONDS_GOAL = 150.0  # per thing touched
GROWTH_GOAL = 10.0  # large over small: what leaving the caches costs; a scan would show hundreds
UNCROSS_GOAL_MS = 10.0
UNCROSS_PART = "uncross"
SMALL, LARGE = 1_000, 1_000_000
TINY_SIZES = (100, 1_000)
SECONDS_MAX = 60  # for one shape at one size
REPEATED_OPERATIONS = 20_000  # small shapes are repeated until they have done so much, all at least twice


class Limits(NamedTuple):
    """What a shape is run with, and what it may hold."""

    large: int
    memory_mib: int  # of the engine, at the large size


LIMITS = {
    "far": Limits(LARGE, 256),
    "levels": Limits(LARGE, 256),
    "account": Limits(LARGE, 512),
    "ids": Limits(LARGE, 256),
    "sweep": Limits(100_000, 64),
    "auction": Limits(100_000, 128),
}


class Row(NamedTuple):
    """One part of a shape at one size, the fastest of its repetitions."""

    part: str
    touched: int
    seconds: float
    book_bytes: int

    @property
    def nanoseconds(self) -> float:
        return self.seconds * 1e9 / max(self.touched, 1)


def drive(shape: str, size: int) -> None:
    """What runs in a process of its own: prints the rows as JSON."""
    from benchmarks.hostile_shapes import SHAPES

    best: dict[str, Row] = {}
    for _ in range(max(2, REPEATED_OPERATIONS // size)):
        for part in SHAPES[shape](size):
            known = best.get(part.name)
            if known is None or part.seconds < known.seconds:
                best[part.name] = Row(*part)
    print(json.dumps(list(best.values())))


def run_shape(shape: str, size: int) -> list[Row] | None:
    """The rows of one shape at one size; None when it did not end in time. Its failure ends the benchmark."""
    command = [sys.executable, "-m", "benchmarks.hostile", "--drive", shape, str(size)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tools.ROOT, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        sys.exit(f"error: shape {shape} at {size}: {done.stderr.strip()[-800:] or done.returncode}")
    return [Row(*row) for row in json.loads(done.stdout)]


def judge(shape: str, small: list[Row] | None, large: list[Row] | None, memory_mib: int) -> list[str]:
    """What of the goals is missed, in words; nothing, if all are met."""
    if small is None or large is None:
        return [f"{shape} did not end within {SECONDS_MAX} s"]
    missed = []
    for before, after in zip(small, large, strict=True):
        name = f"{shape}, {after.part}"
        if after.part.startswith(UNCROSS_PART):
            if after.seconds * 1e3 > UNCROSS_GOAL_MS:
                missed.append(f"{name}: {after.seconds * 1e3:.1f} ms, goal {UNCROSS_GOAL_MS:.0f} ms")
            continue
        worst = max(before.nanoseconds, after.nanoseconds)
        if worst > NANOSECONDS_GOAL:
            missed.append(f"{name}: {worst:.0f} ns, goal {NANOSECONDS_GOAL:.0f} ns")
        if after.nanoseconds > before.nanoseconds * GROWTH_GOAL:
            growth = after.nanoseconds / before.nanoseconds
            missed.append(f"{name}: {growth:.1f} times as much in the large book, goal {GROWTH_GOAL:.0f}")
    held = max(row.book_bytes for row in large) / 2**20
    if held > memory_mib:
        missed.append(f"{shape}: {held:.0f} MiB, limit {memory_mib} MiB")
    return missed


def show(shape: str, sizes: tuple[int, int], small: list[Row], large: list[Row], memory_mib: int) -> None:
    """The rows of one shape, both sizes beside each other."""
    for before, after in zip(small, large, strict=True):
        growth = after.nanoseconds / max(before.nanoseconds, 0.01)
        print(
            f"{shape:<8} {after.part:<28} {before.nanoseconds:7.1f} ns at {sizes[0]:,}, {after.nanoseconds:7.1f} ns at "
            f"{sizes[1]:,} ({growth:.1f} x), {after.seconds * 1e3:.2f} ms in all"
        )
    held = max(row.book_bytes for row in large) / 2**20
    print(f"{shape:<8} memory of the engine: {held:.0f} MiB, limit {memory_mib} MiB")


def yardstick() -> float:
    """Ns an operation of the floor on its smallest stream, now."""
    stream = ensure_stream("s1k", TINY_TIMED if tools.TINY else TIMED)
    return tools.parse_result(tools.run_program("floor_hashed", str(stream), "5")).min_ns


def main() -> int:
    """0 whatever the goals say, which are printed; 1 when a shape fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--shape", choices=sorted(LIMITS), help="only this one")
    parser.add_argument("--sizes", nargs=2, type=int, metavar=("SMALL", "LARGE"), help="sizes of the books")
    parser.add_argument("--drive", nargs=2, metavar=("SHAPE", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        drive(arguments.drive[0], int(arguments.drive[1]))
        return 0
    print(f"== hostile shapes: {tools.pin_to_one_core()}; {tools.describe_machine()}")
    missed: list[str] = []
    before = yardstick()
    for shape, limits in LIMITS.items():
        if arguments.shape not in (None, shape):
            continue
        sizes = tuple(arguments.sizes) if arguments.sizes else TINY_SIZES if tools.TINY else (SMALL, limits.large)
        small, large = (run_shape(shape, size) for size in sizes)
        if small is not None and large is not None:
            show(shape, sizes, small, large, limits.memory_mib)
        missed += judge(shape, small, large, limits.memory_mib)
    print(f"floor on s1k: {before:.1f} ns/op before, {yardstick():.1f} after")
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
        return 0
    for words in missed:
        print(f"GOAL   MISSED: {words}")
    if not missed:
        print(
            f"GOAL   <= {NANOSECONDS_GOAL:.0f} ns per thing touched, growth <= {GROWTH_GOAL:.0f} x, memory within its "
            f"limits, uncross <= {UNCROSS_GOAL_MS:.0f} ms: met"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
