"""Goal: both engines meet every transcribed matching case, and the runner can be believed.

Method: run the committed file; then damage cases on purpose. A falsified expectation must fail, something unknown must
be skipped by name, and no input may crash the run.
"""

import copy
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cases.matching import load_cases, main, run_case, run_cases
from tests.engines import COMPILED, ENGINE_NAMES, REFERENCE, engine_class

CASES_FILE = Path(__file__).parent / "data" / "matching_cases.json"
ROOT = CASES_FILE.parents[3]
CASES = load_cases(CASES_FILE)
TWIN = engine_class(REFERENCE)
CROSS = [
    {"op": "new", "id": "a", "side": "sell", "qty": 5, "type": "limit", "price": 100, "tif": "gtc"},
    {"op": "new", "id": "b", "side": "buy", "qty": 5, "type": "limit", "price": 100, "tif": "gtc"},
]


def crossing_case(**changes: Any) -> dict[str, Any]:
    """Two orders that trade, and one expectation that says so."""
    return {"id": "X", "commands": copy.deepcopy(CROSS), "expect": {"trade_count": 1}} | changes


def falsified(case: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copies of a case, each with one expectation made wrong."""
    for name, expected in case["expect"].items():
        for what, value in falsified_values(name, expected):
            yield f"{name} {what}", {**case, "expect": {**case["expect"], name: value}}


def falsified_values(name: str, expected: Any) -> Iterator[tuple[str, Any]]:
    """Wrong values of one expectation."""
    if name in ("trades", "trades_merged"):
        yield "longer", [*expected, {"qty": 1, "price": 1}]
        if expected:
            yield "quantity", [*expected[:-1], {**expected[-1], "qty": expected[-1]["qty"] + 1}]
            yield "maker", [{**expected[0], "maker": "nobody"}, *expected[1:]]
    elif name == "cancels":
        yield "longer", [*expected, {"id": "nobody", "qty": 1}]
        if expected:
            yield "quantity", [*expected[:-1], {**expected[-1], "qty": expected[-1]["qty"] + 1}]
    elif name == "rejects":
        yield "longer", [*expected, {"id": "nobody"}]
        if expected:
            yield "reason", [*expected[:-1], {**expected[-1], "reason": "bad_tick"}]
    elif name in ("triggered", "pending_stops"):
        yield "longer", [*expected, "nobody"]
        if expected:
            yield "shorter", expected[1:]
    elif name == "auction":
        yield "another", {"price": 1, "volume": 1} if expected is None else {"volume": expected["volume"] + 1}
        if expected is not None:
            yield "none", None
    elif name == "implied":
        for field in ("price", "qty"):
            yield field, [{**expected[0], field: expected[0][field] + 1}]
        yield "longer", [*expected, {**expected[0], "side": "sell"}]
    elif name in ("book", "queue"):
        for side in expected:
            yield side, {**expected, side: [*expected[side], [7, 7] if name == "book" else "nobody"]}
    elif name in ("last", "trade_count"):
        yield "more", expected + 1
    else:
        for key in expected:
            yield key, {**expected, key: expected[key] + 1}


FALSIFIED = [(f"{case['id']} {what}", wrong) for case in CASES for what, wrong in falsified(case)]


@pytest.mark.parametrize("engine_name", ENGINE_NAMES)
def test_all_204_cases_pass_and_none_is_skipped(engine_name: str) -> None:
    outcomes = run_cases(CASES, engine_class(engine_name))
    assert {outcome.case_id: outcome.problems for outcome in outcomes if outcome.problems} == {}
    assert {outcome.case_id: outcome.missing for outcome in outcomes if outcome.missing} == {}
    assert len(outcomes) == 204


def test_falsified_expectations_fail() -> None:
    assert len(FALSIFIED) > len(CASES)
    undetected = [name for name, wrong in FALSIFIED if not run_case(wrong, 0, TWIN).problems]
    assert undetected == []


def test_falsified_intermediate_check_fails() -> None:
    case = crossing_case(commands=[CROSS[0], {"op": "check", "expect": {"trade_count": 1}}, CROSS[1]])
    assert run_case(case, 0, TWIN).problems == ["at command 2: trade_count: expected 1, got 0"]


@pytest.mark.parametrize(
    ("damage", "feature"),
    [
        ({"commands": [{**CROSS[0], "display_qty": "2"}, CROSS[1]]}, "quantity that is not an integer"),
        ({"commands": [{**CROSS[0], "colour": "red"}, CROSS[1]]}, "new field colour"),
        ({"commands": [{**CROSS[0], "tif": "gta"}, CROSS[1]]}, "time in force gta"),
        ({"commands": [{**CROSS[0], "tif": "gtd"}, CROSS[1]]}, "good till date without a date"),
        ({"commands": [{**CROSS[0], "stp": "transfer"}, CROSS[1]]}, "self-trade mode transfer"),
        ({"commands": [{**CROSS[0], "post_only": "hide"}, CROSS[1]]}, "post-only hide"),
        ({"commands": [{**CROSS[0], "price": 10.5}, CROSS[1]]}, "price that is not an integer"),
        ({"commands": [{**CROSS[0], "type": "pegged", "price": None}, CROSS[1]]}, "pegged order without a peg"),
        ({"commands": [{**CROSS[0], "stop_price": 9, "trigger_kind": "x"}, CROSS[1]]}, "trigger kind x"),
        ({"commands": [{**CROSS[0], "quote_qty": 9}, CROSS[1]]}, "quote quantity of a limit order"),
        (
            {"commands": [*({**CROSS[0], "id": i, "oco_group": 1} for i in range(3))]},
            "linked groups of more than two orders",
        ),
        (
            {"commands": [{**CROSS[0], "account": 1, "stp_group": 1}, {**CROSS[1], "account": 1, "stp_group": 2}]},
            "account in several self-trade groups",
        ),
        ({"commands": [*CROSS, {"op": "dance"}]}, "operation dance"),
        ({"commands": [*CROSS, {"op": "phase", "phase": "lunch"}]}, "phase lunch"),
        ({"commands": [*CROSS, {"op": "time"}]}, "time without a now"),
        ({"rules": {"weather": "fine"}}, "rule weather"),
        (
            {"rules": {"peg_noref": "reject", "peg_lost": "park"}},
            "pegs that are refused on entry and parked later, or the other way round",
        ),
        ({"rules": {"mmp": {"qty": 1}}}, "market-maker protection in an unknown form"),
        ({"expect": {"mood": "good"}}, "expectation mood"),
        ({"expect": {"auction": {"mood": 1}}}, "expectation auction in an unknown form"),
        ({"expect": {"rejects": [{"id": "a", "reason": "moody"}]}}, "reject reason moody"),
        ({"expect": {}}, "case that expects nothing"),
        ({"secret": 1}, "case field secret"),
    ],
)
def test_what_is_unknown_is_skipped_by_name(damage: dict[str, Any], feature: str) -> None:
    outcome = run_case(crossing_case(**damage), 0, TWIN)
    assert outcome.missing == [feature]
    assert outcome.problems == []


def test_rule_outside_this_version_skips_only_cases_that_meet_it() -> None:
    resting_market = {"market_residual": "rest"}
    market = {"op": "new", "id": "b", "side": "buy", "qty": 5, "type": "market", "price": None, "tif": "gtc"}
    filled = crossing_case(commands=[CROSS[0], market], rules=resting_market)
    remains = crossing_case(commands=[CROSS[0], {**market, "qty": 6}], rules=resting_market)
    assert run_case(filled, 0, TWIN).missing == []
    assert run_case(remains, 0, TWIN).missing == ["market orders that rest"]


def test_killed_order_may_be_reported_as_reject_or_as_cancel() -> None:
    kill = {**CROSS[1], "qty": 6, "tif": "fok"}
    for expect in ({"rejects": [{"id": "b", "reason": "fok_unfilled"}]}, {"cancels": [{"id": "b", "qty": 6}]}):
        assert run_case(crossing_case(commands=[CROSS[0], kill], expect=expect), 0, TWIN).problems == []
    partly = {**CROSS[1], "qty": 6, "tif": "ioc"}
    traded = crossing_case(commands=[CROSS[0], partly], expect={"rejects": [{"id": "b"}]})
    assert run_case(traded, 0, TWIN).problems != []


def test_market_orders_of_one_distance_use_the_protection_of_the_book() -> None:
    asks: list[dict[str, Any]] = [{**CROSS[0], "id": f"a{price}", "price": price} for price in (100, 102, 103)]
    market: dict[str, Any] = {"op": "new", "id": "m", "side": "buy", "qty": 20, "type": "market", "protection": 2}
    expect: dict[str, Any] = {"cancels": [{"id": "m", "qty": 10}], "last": 102, "order_counts": {"bids": 0, "asks": 1}}
    for commands in ([*asks, market], [*asks, market, {**market, "id": "n", "side": "sell", "protection": 1}]):
        case = crossing_case(commands=commands, expect=expect)
        if len(commands) == len(asks) + 2:  # a second, different distance: each order brings its own
            case["expect"] = {**expect, "cancels": [*expect["cancels"], {"id": "n", "qty": 20}]}
        assert run_case(case, 0, TWIN).problems == []


def test_engine_that_raises_fails_its_case_and_no_other() -> None:
    class Raising(TWIN):  # type: ignore[misc, valid-type]
        def submit(self, *args: Any, **options: Any) -> Any:
            raise ZeroDivisionError("out of order")

    outcomes = run_cases([crossing_case(), crossing_case(expect={})], Raising)
    assert outcomes[0].problems == ["ZeroDivisionError: out of order"]
    assert outcomes[1].missing == ["case that expects nothing"]


def test_no_damaged_case_crashes_the_runner() -> None:
    seed = 20_240_104
    rand = random.Random(seed)
    junk: list[Any] = [None, True, -1, 0, 2**70, 1.5, "", "x", [], [1], {}, {"id": []}]

    def damage(value: Any) -> Any:
        """Replace one randomly chosen node of a JSON value by junk."""
        if isinstance(value, dict) and value and rand.random() < 0.9:
            key = rand.choice(sorted(value))
            return {**value, key: damage(value[key])}
        if isinstance(value, list) and value and rand.random() < 0.9:
            place = rand.randrange(len(value))
            return [*value[:place], damage(value[place]), *value[place + 1 :]]
        return rand.choice(junk)

    for _ in range(3_000):
        case = damage(rand.choice(CASES))
        run_case(case, 0, TWIN)  # must return whatever the case has become; an exception fails with its trace


def run_main(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    path = tmp_path / "cases.json"
    path.write_text(content, encoding="utf-8")
    code = main([str(path), "--engine", REFERENCE])
    captured = capsys.readouterr()
    return code, (captured.out + captured.err).splitlines()


def test_counts_are_the_last_line_and_failure_sets_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, odd = crossing_case(), crossing_case(id="odd", rules={"weather": 1})
    bad = crossing_case(id="bad", expect={"trade_count": 2})
    assert run_main(tmp_path, json.dumps([good, odd]), capsys) == (
        0, ["skip odd: rule weather", "1 passed, 0 failed, 1 skipped"]
    )  # fmt: skip
    assert run_main(tmp_path, json.dumps([good, odd, bad]), capsys) == (1, [
        "skip odd: rule weather", "FAIL bad", "    trade_count: expected 2, got 1", "1 passed, 1 failed, 1 skipped",
    ])  # fmt: skip


@pytest.mark.parametrize("content", ["", "{}", "[]", "[1"])
def test_file_without_cases_is_an_error_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    assert run_main(tmp_path, content, capsys)[0] == 2


def test_command_line_runs_the_compiled_engine() -> None:
    engine_class(COMPILED)
    done = subprocess.run(
        [sys.executable, "-m", "tests.cases.matching", str(CASES_FILE)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "204 passed, 0 failed, 0 skipped"
