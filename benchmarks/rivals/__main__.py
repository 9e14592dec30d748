"""The book beside matching engines that pip installs, on the same streams: python -m benchmarks.rivals [--optional]

Lives here: the rivals' environment, the runs by turns, the comparison, what each rival leaves out.
Does not know: how a rival is called (drive.py).

Everybody runs the same prefix of each stream from the same prefill, and must show the same trades, in the same order,
at the same prices, and the same book at the end. The rivals are called from Python, since there is no other way; the
book is shown both through its C-level door and called from Python.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks import python_door, streams, tools
from benchmarks.matching import STREAMS, TIMED, TINY_TIMED, ensure_stream, run_book

ENVIRONMENT = tools.ROOT / ".venv-rivals"
LOCK = Path(__file__).with_name("requirements.lock")
DRIVER = Path(__file__).with_name("drive.py")
LOOP_ALONE = "loop-alone"
PREFIX, TINY_PREFIX = 30_000, 500  # timed records; the slowest rival would take minutes for all of them
REPETITIONS = 3
INSTALL_SECONDS_MAX = 45  # a step; an index that hangs must not hold up the other benchmarks

LEAVES_OUT = {
    "lightmatchingengine": "self-trade prevention, lifetimes, stops, icebergs, amend, checks of tick, lot and band; "
    "the best price is found by looking at all of them; filled orders stay in its table of ids",
    "pyorderbook": "self-trade prevention, lifetimes, market orders, stops, icebergs, amend, checks of tick, lot and "
    "band; ids are random, so no two runs give an order the same id",
    "cython-orderbook": "self-trade prevention, lifetimes, stops, icebergs, amend, checks of tick, lot and band; "
    "several instruments in one engine; it reads the clock for every trade",
}


class CannotInstall(Exception):
    """The rivals' environment could not be made; the text says why."""


def rivals_python() -> Path:
    """The interpreter of the rivals' environment, made anew when the lock has changed.

    Raises CannotInstall when it cannot be made: without an index to install from, the rivals are left out.
    """
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / ".packages"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return python
    print(f"making the environment {ENVIRONMENT.name} from {LOCK.relative_to(tools.ROOT)}", flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], [*pip, "-r", str(LOCK)]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise CannotInstall(f"{' '.join(command[:4])} ... took longer than {INSTALL_SECONDS_MAX} s") from None
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip() or "no word about it").splitlines()
            raise CannotInstall(lines[-1])
    stamp.write_text(wanted, encoding="ascii")
    return python


def run_rival(python: Path, rival: str, stream: Path, operations: int, repetitions: int) -> tools.Result:
    """One rival's RESULT. Its failure ends the benchmark: the versions are pinned, so the driver is at fault."""
    command = [str(python), str(DRIVER), rival, str(stream), str(operations), str(repetitions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {rival} on {stream.name}: {done.stderr.strip()[-800:] or done.returncode}")
    return tools.parse_result(done.stdout)


def run_from_python(stream: Path, operations: int, repetitions: int) -> tools.Result:
    """The book as a rival is driven: one Python call an order."""
    records = streams.read_stream(stream.read_bytes(), operations)
    runs = sorted(python_door.timed_calls(records) for _ in range(repetitions))
    nanoseconds = [seconds * 1e9 / operations for seconds, _ in runs]
    median = nanoseconds[len(nanoseconds) // 2]
    return tools.Result("hashbook-from-python", stream.name, operations, nanoseconds[0], median, runs[0][1])


def show(result: tools.Result, book_ns: float) -> None:
    """One row: times, and how they stand to the book's."""
    print(
        f"{result.stream:<10} {result.engine:<22} min {result.min_ns:>10.1f}  med {result.med_ns:>10.1f} ns/op  "
        f"{result.min_ns / book_ns:>8.1f} x book"
    )


def compare(python: Path, name: str, operations: int, repetitions: int) -> list[str]:
    """Everybody on one prefix; returns what is wrong (nothing, if well)."""
    path = ensure_stream(name, TINY_TIMED if tools.TINY else TIMED)
    floor = tools.parse_result(tools.run_program("floor_hashed", str(path), str(repetitions * 3), str(operations)))
    book = tools.parse_result(run_book(path, repetitions * 3, operations))
    called = run_from_python(path, operations, repetitions)
    loop = run_rival(python, LOOP_ALONE, path, operations, repetitions)
    rivals = [run_rival(python, rival, path, operations, repetitions) for rival in LEAVES_OUT]
    print(f"-- {path.stem}: the first {operations:,} records | {floor.proof}")
    for result in (floor, book, called, loop, *rivals):
        show(result, book.min_ns)
    return [
        f"{name}: {result.engine} does not have the trades and the book of the floor: {result.proof}"
        for result in (book, called, *rivals)
        if result.proof != floor.proof
    ]


def main() -> int:
    """0 when all results are equal, 1 when one differs or nothing could be compared."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--optional", action="store_true", help="end well when the rivals cannot be installed")
    arguments = parser.parse_args()
    print("== rivals: matching engines from PyPI on prefixes of the same streams")
    try:
        python = rivals_python()
    except CannotInstall as error:
        reason = f"the rivals cannot be installed ({error})"
        print(f"skipped: {reason}" if arguments.optional else f"error: {reason}", flush=True)
        return 0 if arguments.optional else 1
    print(f"{tools.pin_to_one_core()}; {tools.describe_machine()}")
    names, count, repetitions = (["s1k"], TINY_PREFIX, 1) if tools.TINY else (list(STREAMS), PREFIX, REPETITIONS)
    wrong = [fault for name in names for fault in compare(python, name, count, repetitions)]
    print("floor and hashbook take their records from C, everybody else from a loop in Python; loop-alone is that loop")
    for rival, words in LEAVES_OUT.items():
        print(f"{rival} leaves out: {words}")
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
