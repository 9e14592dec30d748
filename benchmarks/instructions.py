"""Instructions per operation, of the book and of the bare-C floor: the measurement that no neighbour disturbs.

    python -m benchmarks.instructions             counts, ratios, and the verdict on instruction_budget.json
    python -m benchmarks.instructions --write     makes what is counted the budget of this compiler
    python -m benchmarks.instructions --optional  without valgrind, says so and ends well (the default is to fail)

Lives here: the runs under valgrind, and the differences between them.
Does not know: what may be spent (instruction_budget.py), how the engines work.

Theory: valgrind's cachegrind with its caches switched off counts every instruction of a process at about twenty times
its normal run. The same process with only the prefill differs from the whole one by the timed records alone, since
reading, start of the interpreter and building the book are in both. No symbol, header or counter of the processor is
needed, and two counts of one build agree to a few instructions in a hundred million.
"""

import argparse
import gc
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks import tools
from benchmarks.instruction_budget import (
    TOLERANCE,
    Counts,
    build_of,
    judge,
    nearest,
    read_budgets,
    write_budget,
)
from benchmarks.matching import STREAMS, TIMED, TINY_TIMED, ensure_stream
from benchmarks.mixed import ensure_mixed

OPERATIONS, TINY_OPERATIONS = 200_000, 2_000
GOAL = 220  # instructions an operation of the book, on plain streams
REFERS = re.compile(r"^==\d+== I\s+refs:\s+([\d,]+)", re.MULTILINE)
BOOK_MODULE = "matching.order_book"


def valgrind() -> str | None:
    """Where valgrind is, None when this machine has none."""
    return shutil.which("valgrind")


def count_of(report: str) -> int:
    """The number of instructions in cachegrind's report. Raises ValueError when there is none."""
    found = REFERS.search(report)
    if found is None:
        raise ValueError(f"no instruction count in {report[-400:]!r}")
    return int(found[1].replace(",", ""))


def count_run(*command: str) -> int:
    """Instructions of one process from start to end; its failure ends the benchmark with its own words."""
    program = valgrind()
    if program is None:
        sys.exit("error: valgrind is missing")
    counter = [program, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    # Anything random in the interpreter would be counted as work.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*counter, *command], capture_output=True, text=True, check=False, env=environment, cwd=tools.ROOT
    )
    if done.returncode != 0:
        sys.exit(f"error: under valgrind, {' '.join(command)}: {done.stderr.strip()[-600:] or done.returncode}")
    return count_of(done.stderr)


def floor_command(stream: Path, operations: int) -> list[str]:
    return [str(tools.program("floor_hashed")), str(stream), "1", str(operations)]


def driver_command(engine: str, stream: Path, operations: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.instructions", "--drive", engine, str(stream), str(operations)]


def drive(engine: str, stream: Path, operations: int) -> None:
    """What runs under valgrind: one pass of one engine, nothing printed, nothing measured."""
    if engine == "book":
        from benchmarks.book_harness import BookHarness

        harness = BookHarness(stream.read_bytes())
        if refused := harness.run(harness.orders_max_start, operations)[3]:
            sys.exit(f"error: {stream.name}: {refused} records refused")
    elif engine == "mixed":
        from benchmarks.mixed_harness import MixedHarness

        MixedHarness(stream.read_bytes()).run(operations)
    elif engine == "call":
        drive_calls(stream, operations)
    else:
        sys.exit(f"error: there is no driver called {engine}")


def drive_calls(stream: Path, operations: int) -> None:
    """One call an order. All records are unpacked, however few are sent: the difference must be the sending alone."""
    from benchmarks import door
    from benchmarks.python_door import call_records, calls_of
    from benchmarks.streams import read_stream

    gc.disable()
    whole = read_stream(stream.read_bytes(), OPERATIONS)
    engine = door.open_for(whole)
    prefill, records = calls_of(whole.prefill), calls_of(whole.timed)
    call_records(engine.limit, engine.pull, prefill)
    call_records(engine.limit, engine.pull, records[:operations])


def count(engine: str, stream: Path, operations: int) -> float:
    """Instructions an operation of one engine on one stream."""
    command = floor_command if engine == "floor" else partial(driver_command, engine)
    whole, start = (count_run(*command(stream, records)) for records in (operations, 0))
    return (whole - start) / operations


def count_streams(operations: int) -> Counts:
    """Book and floor on every stream, then the book's other ways, printed as they come."""
    counts: Counts = {}
    for name in list(STREAMS)[: 1 if tools.TINY else None]:
        stream = ensure_stream(name, TINY_TIMED if tools.TINY else TIMED)
        floor = counts[f"floor {name}"] = count("floor", stream, operations)
        book = counts[f"book {name}"] = count("book", stream, operations)
        print(f"COUNT  {name}: book {book:.1f}, hashed floor {floor:.1f} instructions/op, ratio {book / floor:.2f}")
    if not tools.TINY:
        mixed = counts["book mixed"] = count("mixed", ensure_mixed(), operations)
        print(f"COUNT  mixed: book {mixed:.1f} instructions/op, ratio to s10k {mixed / counts['book s10k']:.2f}")
        call = counts["call s1k"] = count("call", ensure_stream("s1k"), operations)
        print(f"COUNT  s1k: one Python call an order {call:.1f} instructions/op, the interpreter's loop among them")
    return counts


def verdict_on(counts: Counts, *, write: bool) -> int:
    """Print how the counts stand to their budget; 1 when one exceeds it."""
    import importlib

    build = build_of(Path(str(importlib.import_module(BOOK_MODULE).__file__)))
    print(f"built by {build.compiler} for {build.machine} ({build.march}), {build.python}")
    worst = max(counts[f"book {name}"] for name in STREAMS)
    print(f"GOAL   book <= {GOAL} instructions/op: {'met' if worst <= GOAL else 'MISSED'} (worst {worst:.1f})")
    if write:
        write_budget(build, counts)
        print("the budget of this build is now what was counted; commit benchmarks/instruction_budget.json")
        return 0
    entry = nearest(build, read_budgets())
    if entry is None:
        print("error: there is no budget; --write makes one", file=sys.stderr)
        return 1
    known, budget = entry
    if differences := build.differences(known):
        print("warning: the budget was counted with another build: " + ", ".join(differences))
    failures = 0
    for row, counted, allowed, within in judge(build, counts, known, budget):
        if allowed is None:
            print(f"warning: {row} has no budget yet; --write gives it one")
        elif not within:
            failures += 1
            print(
                f"error: {row}: {counted:.1f} instructions/op, budget {allowed:.1f} ({counted / allowed - 1:+.1%}): "
                "make it cheaper, or raise the budget with --write and say in the commit what the instructions buy",
                file=sys.stderr,
            )
        elif counted < allowed * (1 - TOLERANCE):
            print(f"note: {row} is {1 - counted / allowed:.1%} below its budget: --write keeps what was won")
    if not failures:
        print("BUDGET kept")
    return min(failures, 1)


def main() -> int:
    """0 when every count keeps its budget, 1 when one does not or nothing could be counted."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.instructions", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="make what is counted the budget of this compiler")
    parser.add_argument("--optional", action="store_true", help="end well when there is no valgrind")
    parser.add_argument("--drive", nargs=3, metavar=("ENGINE", "STREAM", "OPERATIONS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        engine, stream, operations = arguments.drive
        drive(engine, Path(stream), int(operations))
        return 0
    print("== instructions per operation, counted by valgrind")
    if valgrind() is None:
        reason = "valgrind is not installed (on Debian: apt-get install valgrind): no instructions are counted"
        print(f"skipped: {reason}" if arguments.optional else f"error: {reason}", flush=True)
        return 0 if arguments.optional else 1
    counts = count_streams(TINY_OPERATIONS if tools.TINY else OPERATIONS)
    if tools.TINY:
        print("tiny run: it shows that counting works; budgets are for full runs")
        return 0
    return verdict_on(counts, write=arguments.write)


if __name__ == "__main__":
    sys.exit(main())
