"""Runs a file of matching cases: `python -m tests.cases.matching FILE [--engine reference]`.

FILE is a JSON list of cases, or a Python table of them called ROWS (tests/cases/scenarios).
Lives here: reading the file, counting, printing, exit codes. The compiled engine runs the cases unless the twin is
asked for by name; there is no fallback.
Exit: 0 nothing failed, 1 something failed, 2 the file or the compiled engine is missing.
"""

import argparse
import json
import runpy
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cases.desk import FeatureNeeded
from tests.cases.expectations import differences
from tests.cases.features import missing_features
from tests.cases.player import Player
from tests.engines import COMPILED, ENGINE_NAMES, Engine, EngineNotBuilt, engine_class


class CaseFileUnreadable(Exception):
    """The file is absent, not JSON, or not a list with cases in it."""


@dataclass
class Outcome:
    """What became of one case: skipped if `missing` is not empty, failed if `problems` is not."""

    case_id: str
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load_cases(path: Path) -> list[Any]:
    """The cases of a file.

    Raises:
        CaseFileUnreadable: with the reason.
    """
    try:
        is_table = path.suffix == ".py"
        cases = runpy.run_path(str(path)).get("ROWS") if is_table else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, ImportError) as error:
        raise CaseFileUnreadable(f"{path}: {error}") from error
    if not isinstance(cases, list) or not cases:
        raise CaseFileUnreadable(f"{path}: not a list of cases")
    return cases


def run_case(case: Any, place: int, engine_type: type[Engine]) -> Outcome:
    """Play one case on a fresh engine. Whatever the engine raises is a failure of that case, not of the run."""
    case_id = str(case["id"]) if isinstance(case, dict) and "id" in case else f"case number {place + 1}"
    outcome = Outcome(case_id, missing=missing_features(case))
    if outcome.missing:
        return outcome
    rules = case.get("rules") or {}
    try:
        player = Player(engine_type, case)
        for number, command in enumerate(case["commands"], start=1):
            if command["op"] == "check":
                found = differences(player, command["expect"], rules)
                outcome.problems += [f"at command {number}: {problem}" for problem in found]
            else:
                player.play(command)
        outcome.problems += differences(player, case["expect"], rules)
    except FeatureNeeded as needed:
        return Outcome(case_id, missing=[str(needed)])
    except Exception as error:  # noqa: BLE001 - an engine that raises fails its case; the others still run
        outcome.problems.append(f"{type(error).__name__}: {error}")
    return outcome


def run_cases(cases: list[Any], engine_type: type[Engine]) -> list[Outcome]:
    """Outcomes in the order of the file."""
    return [run_case(case, place, engine_type) for place, case in enumerate(cases)]


def main(arguments: list[str]) -> int:
    """Run a file and print it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cases.matching", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=COMPILED)
    options = parser.parse_args(arguments)
    try:
        engine_type = engine_class(options.engine)
        cases = load_cases(options.file)
    except (EngineNotBuilt, CaseFileUnreadable) as error:
        print(error, file=sys.stderr)
        return 2

    outcomes = run_cases(cases, engine_type)
    for outcome in outcomes:
        if outcome.missing:
            print(f"skip {outcome.case_id}: {', '.join(outcome.missing)}")
    for outcome in outcomes:
        if outcome.problems:
            print(f"FAIL {outcome.case_id}")
            for problem in outcome.problems:
                print(f"    {problem}")
    failed = sum(1 for outcome in outcomes if outcome.problems)
    skipped = sum(1 for outcome in outcomes if outcome.missing)
    print(f"{len(outcomes) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
