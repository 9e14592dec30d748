"""Goal: a count that exceeds its budget is told, and nothing else is. Method: invented counts, reports and builds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import instructions, tools
from benchmarks.instruction_budget import (
    BUDGET_FILE,
    Build,
    Counts,
    compiler_of,
    judge,
    nearest,
    read_budgets,
    write_budget,
)
from benchmarks.matching import STREAMS

BUILD = Build("x86_64", "gcc 12.2", "baseline", "CPython 3.11.7 plain")
OLD_REPORT = "==4942== \n==4942== I   refs:      24,859,080\n"
NEW_REPORT = "==7== I refs:        811,605\n"


def failing_rows(counts: Counts, budget: Counts, *, build: Build = BUILD) -> list[str]:
    return [verdict.row for verdict in judge(build, counts, BUILD, budget) if not verdict.within]


@pytest.mark.parametrize(("report", "count"), [(OLD_REPORT, 24_859_080), (NEW_REPORT, 811_605)])
def test_the_count_is_read_from_the_reports_of_old_and_new_valgrinds(report: str, count: int) -> None:
    assert count == instructions.count_of(report)


def test_a_report_without_a_count_is_not_taken_for_zero() -> None:
    with pytest.raises(ValueError, match="no instruction count"):
        instructions.count_of("==1== Cachegrind, a cache profiler\n")


def test_two_percent_above_the_budget_are_kept_and_more_are_not() -> None:
    assert [] == failing_rows({"book s1k": 102.0}, {"book s1k": 100.0})
    assert ["book s1k"] == failing_rows({"book s1k": 102.1, "book s10k": 99.0}, {"book s1k": 100.0, "book s10k": 100.0})


def test_a_row_without_a_budget_fails_nothing() -> None:
    verdict = judge(BUILD, {"book new": 1e6}, BUILD, {})[0]
    assert (None, True) == (verdict.budget, verdict.within)


def test_another_compiler_is_held_only_to_what_would_be_a_fault_with_any() -> None:
    other = BUILD._replace(compiler="gcc 14.2")
    assert [] == failing_rows({"book s1k": 120.0}, {"book s1k": 100.0}, build=other)
    assert ["book s1k"] == failing_rows({"book s1k": 126.0}, {"book s1k": 100.0}, build=other)


def test_another_interpreter_changes_the_tolerance_only_of_rows_that_run_through_it() -> None:
    other = BUILD._replace(python="CPython 3.13.1 optimised")
    rows = {"book s1k": 110.0, "call s1k": 110.0}
    assert ["book s1k"] == failing_rows(rows, {"book s1k": 100.0, "call s1k": 100.0}, build=other)


def test_the_entry_of_this_build_is_taken_before_a_likely_one() -> None:
    other = BUILD._replace(compiler="gcc 14.2")
    foreign = Build("aarch64", "clang 16.0", "baseline", "CPython 3.12.0 plain")
    budgets: list[tuple[Build, Counts]] = [(foreign, {}), (other, {"book s1k": 2.0}), (BUILD, {"book s1k": 1.0})]
    found = nearest(BUILD, budgets)
    assert found is not None
    assert BUILD == found[0]
    closest = nearest(BUILD, budgets[:2])
    assert closest is not None
    assert other == closest[0]
    assert ["compiler gcc 12.2 (the budget's: gcc 14.2)"] == BUILD.differences(closest[0])
    assert nearest(BUILD, []) is None


def test_writing_replaces_the_entry_of_this_build_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    other = BUILD._replace(march="x86-64-v3")
    write_budget(other, {"book s1k": 200.04}, path)
    write_budget(BUILD, {"book s1k": 250.0}, path)
    write_budget(BUILD, {"book s1k": 220.0}, path)
    assert [(other, {"book s1k": 200.0}), (BUILD, {"book s1k": 220.0})] == read_budgets(path)


def test_a_budget_that_cannot_be_understood_ends_the_command_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    path.write_text('{"budgets": [{"build": {}}]}')
    with pytest.raises(SystemExit, match="write it anew with --write"):
        read_budgets(path)


@pytest.mark.parametrize(
    ("library", "compiler"),
    [
        (b"\x00GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\x00", "gcc 12.2"),
        (b"\x00GCC: (Ubuntu 13.3.0-6ubuntu2~24.04) 13.3.0\x00", "gcc 13.3"),
        (b"\x00Debian clang version 16.0.6 (15~deb12u1)\x00", "clang 16.0"),
        (b"\x7fELF", "unknown"),
    ],
)
def test_the_compiler_is_read_from_the_library(library: bytes, compiler: str) -> None:
    assert compiler == compiler_of(library)


def test_the_committed_budget_can_be_read_and_covers_every_stream() -> None:
    for _, rows in read_budgets(BUDGET_FILE):
        assert {f"book {name}" for name in STREAMS} <= set(rows)
    assert json.loads(BUDGET_FILE.read_text())["budgets"]


@pytest.mark.parametrize(("flags", "code", "word"), [([], 1, "error:"), (["--optional"], 0, "skipped:")])
def test_without_valgrind_the_reason_is_printed_and_only_the_optional_command_ends_well(
    flags: list[str], code: int, word: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.instructions", *flags],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, cwd=tools.ROOT,
    )  # fmt: skip
    assert (code, True) == (done.returncode, word in done.stdout), done.stderr
    assert "apt-get install valgrind" in done.stdout
