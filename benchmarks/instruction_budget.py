"""How many instructions an operation may take, by the compiler that built the book.

Lives here: the committed budget (instruction_budget.json), which of its entries belongs to this build, the comparison.
Does not know: how instructions are counted (instructions.py).

Counts do not move with the machine's load, but they do with the compiler, the target and, for rows that run through
the interpreter, with the interpreter. So each entry names what it was counted with. A build like it is held to the
budget within two percent; another build only to what would be a fault with any compiler, and is told so.
"""

import json
import os
import platform
import re
import sys
from pathlib import Path
from sysconfig import get_config_var
from typing import NamedTuple

BUDGET_FILE = Path(__file__).with_suffix(".json")
TOLERANCE = 0.02  # above the budget, same build
TOLERANCE_FOREIGN = 0.25  # the same, when the budget was taken with another compiler, target or interpreter
COMPILER_MARK = re.compile(rb"GCC: \([^)\0]*\) (?P<gcc>\d+\.\d+)|clang version (?P<clang>\d+\.\d+)")

Counts = dict[str, float]  # row -> instructions per operation


class Build(NamedTuple):
    """What a count depends on besides the source."""

    machine: str
    compiler: str
    march: str
    python: str

    def differences(self, other: "Build") -> list[str]:
        """The fields in which two builds differ, with both values, ours first."""
        pairs = zip(self._fields, self, other, strict=True)
        return [f"{name} {ours} (the budget's: {theirs})" for name, ours, theirs in pairs if ours != theirs]


class Verdict(NamedTuple):
    """One row beside its budget."""

    row: str
    counted: float
    budget: float | None  # None: the budget does not know this row
    within: bool


def compiler_of(library: bytes) -> str:
    """The compiler that a shared library says it was made with, "unknown" when it does not say."""
    found = COMPILER_MARK.search(library)
    if found is None:
        return "unknown"
    return f"gcc {found['gcc'].decode()}" if found["gcc"] else f"clang {found['clang'].decode()}"


def build_of(library: Path) -> Build:
    """This build: the compiler is read from the library itself, since CC may have changed after it was compiled."""
    optimised = "optimised" if "--enable-optimizations" in (get_config_var("CONFIG_ARGS") or "") else "plain"
    python = f"{platform.python_implementation()} {platform.python_version()} {optimised}"
    march = os.environ.get("HASHBOOK_MARCH") or "baseline"
    return Build(platform.machine(), compiler_of(library.read_bytes()), march, python)


def read_budgets(path: Path = BUDGET_FILE) -> list[tuple[Build, Counts]]:
    """All entries, in the file's order. Exits with the reason when the file cannot be understood."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["budgets"]
        return [
            (
                Build(**{name: str(entry["build"][name]) for name in Build._fields}),
                {str(row): float(count) for row, count in entry["instructions_per_operation"].items()},
            )
            for entry in entries
        ]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sys.exit(f"error: {path.name} cannot be read ({error!r}); write it anew with --write")


def write_budget(build: Build, counts: Counts, path: Path = BUDGET_FILE) -> None:
    """Put the counts of this build into the file; entries of other builds stay as they are."""
    kept = [(known, rows) for known, rows in read_budgets(path) if known != build]
    entries = [
        {"build": known._asdict(), "instructions_per_operation": {row: round(count, 1) for row, count in rows.items()}}
        for known, rows in [*kept, (build, counts)]
    ]
    path.write_text(json.dumps({"budgets": entries}, indent=2) + "\n", encoding="utf-8")


def nearest(build: Build, budgets: list[tuple[Build, Counts]]) -> tuple[Build, Counts] | None:
    """The entry of this build, else the one that shares most with it (the first of equals), None without entries."""
    if not budgets:
        return None
    return max(budgets, key=lambda entry: (entry[0] == build, len(build) - len(build.differences(entry[0]))))


def through_interpreter(row: str) -> bool:
    """Whether a row's count depends on the interpreter, not on compiled code alone."""
    return row.startswith("call")


def judge(build: Build, counts: Counts, known: Build, budget: Counts) -> list[Verdict]:
    """Each counted row beside the budget of the entry `known`, with the tolerance that their likeness allows."""
    verdicts = []
    for row, count in counts.items():
        mine, theirs = (build, known) if through_interpreter(row) else (b._replace(python="") for b in (build, known))
        tolerance = TOLERANCE if mine == theirs else TOLERANCE_FOREIGN
        allowed = budget.get(row)
        verdicts.append(Verdict(row, count, allowed, allowed is None or count <= allowed * (1 + tolerance)))
    return verdicts
