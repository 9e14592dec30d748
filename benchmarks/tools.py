"""What the benchmarks share: pinning, tiny mode, the RESULT line, the C programs under build/bench.

Lives here: the plumbing. Does not know: what is measured.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
TINY = os.environ.get("HASHBOOK_BENCH_TINY") == "1"

RESULT_LINE = re.compile(
    r"RESULT (?P<engine>\S+) (?P<stream>\S+) nops=(?P<timed>\d+) reps=\d+ "
    r"min=(?P<min>[\d.]+) med=(?P<med>[\d.]+) ns/op \| (?P<proof>.*)"
)


class Result(NamedTuple):
    """One RESULT line, read back."""

    engine: str
    stream: str
    timed: int
    min_ns: float
    med_ns: float
    proof: str  # trades and book, everything that must be equal between engines


def parse_result(text: str) -> Result:
    """The RESULT line in a program's output. Raises ValueError if there is none."""
    found = RESULT_LINE.search(text)
    if found is None:
        raise ValueError(f"no RESULT line in {text!r}")
    return Result(
        found["engine"], found["stream"], int(found["timed"]), float(found["min"]), float(found["med"]), found["proof"]
    )


def pin_to_one_core() -> str:
    """Keep this process and its children on the last core it may use; says which, or why not."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned (this system cannot)"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return f"pinned to core {core}"


def program(name: str) -> Path:
    """A C program of the benchmarks, built by make. Exits with the way to build it when it is missing."""
    path = BUILD / name
    if not path.exists():
        sys.exit(f"error: {path.relative_to(ROOT)} is missing: run `make bench-tools`")
    return path


def run_program(name: str, *arguments: str) -> str:
    """Output of one C program; a failure ends the benchmark with the program's own words."""
    done = subprocess.run([str(program(name)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {name} {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def describe_machine() -> str:
    """One line on where the numbers come from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    compiler = shutil.which(os.environ.get("CC", "cc"))
    version = (
        subprocess.run([compiler, "-dumpversion"], capture_output=True, text=True, check=False).stdout.strip()
        if compiler
        else "none"
    )
    march = os.environ.get("HASHBOOK_MARCH") or "baseline"
    return (
        f"machine: {model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, cc {version}, -march {march}"
    )
