"""Goal: every rule of docs/rules/MATCH.md that the transcribed cases do not reach is what both engines do.

Method: the tables of scenarios/, one test per row and engine, named by rule code and title; then the tables themselves
are judged: each says something, each is unique, and a falsified one fails.
"""

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cases.matching import load_cases, main, run_case
from tests.engines import ENGINE_NAMES, REFERENCE, engine_class

TABLES = [
    Path(__file__).parent / "scenarios" / f"{name}.py"
    for name in ("trading", "waiting", "pegs", "auctions", "makers", "combos", "interplay")
]
ROWS: list[dict[str, Any]] = [row for path in TABLES for row in load_cases(path)]
RULES = (Path(__file__).parents[2] / "docs" / "rules" / "MATCH.md").read_text(encoding="utf-8")
NEEDED_CODES = {
    37, 38, 39, 40, 42, 43, 47, 64, 67, 78, 79, *range(80, 85), 90, 92, 95, 96, 97, *range(100, 105), *range(110, 117)
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_scenario(engine_name: str, row: dict[str, Any]) -> None:
    outcome = run_case(row, 0, engine_class(engine_name))
    assert outcome.missing == []
    assert outcome.problems == []


def test_rows_have_codes_of_the_rules_and_names_of_their_own() -> None:
    codes = [row["id"].split()[0] for row in ROWS]
    assert set(codes) <= set(re.findall(r"\*\*(MATCH-\d+) ", RULES))
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert {f"MATCH-{number:03}" for number in NEEDED_CODES} <= set(codes)


def test_falsified_events_fail() -> None:
    twin = engine_class(REFERENCE)
    undetected = []
    for row in ROWS:
        checks = [n for n, command in enumerate(row["commands"]) if "events" in command.get("expect", {})]
        if not checks or len(row["commands"]) > 300:
            continue
        wrong = copy.deepcopy(row)
        wrong["commands"][checks[-1]]["expect"]["events"].append(["rested", "nobody", 1, 1, 1])
        if not run_case(wrong, 0, twin).problems:
            undetected.append(row["id"])
    assert undetected == []


def test_command_line_runs_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    path = next(path for path in TABLES if path.stem == "pegs")
    assert main([str(path), "--engine", REFERENCE]) == 0
    assert re.fullmatch(r"\d+ passed, 0 failed, 0 skipped", capsys.readouterr().out.splitlines()[-1])
