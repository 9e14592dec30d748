"""Goal: the compiled core and the plain exchange agree on everything, and the core's answers depend on records alone.

Method: seeded random commands go to both; HASHBOOK_EXCHANGE_TWIN_COMMANDS sets how many (default 5,000). Refusals,
trades, order states are compared after each command; balances, holds, margin, positions, marks, books and past holders
every 50, where the laws are checked too. Half way a second core is loaded from a snapshot and goes on beside the first.
A difference prints the seed. The long run is `python -m tests.twin.run_exchange --commands N --seed S`.
"""

import os
import random
import subprocess
import sys
from typing import Any

import pytest

from domain.rejects import RejectCode
from tests.reference.house import House, Market
from tests.twin.exchange_differential import ExchangesDiffer, RunResult, apply_in_groups, run
from tests.twin.exchange_flow import ExchangeFlow

COMMANDS = int(os.environ.get("HASHBOOK_EXCHANGE_TWIN_COMMANDS", "5000"))
COMMANDS_FOR_EVERY_KIND = 5_000
CODES_EXPECTED = {
    RejectCode.UNKNOWN_INSTRUMENT, RejectCode.UNKNOWN_ACCOUNT, RejectCode.INSTRUMENT_CLOSED, RejectCode.LOTS_RANGE,
    RejectCode.LOT_STEP, RejectCode.PRICE_STEP, RejectCode.PRICE_BAND, RejectCode.BAD_FIELD,
    RejectCode.VALID_UNTIL_PASSED, RejectCode.NOTIONAL_RANGE, RejectCode.NOT_ELIGIBLE, RejectCode.ACCOUNT_REDUCE_ONLY,
    RejectCode.POSITION_LIMIT, RejectCode.ALREADY_EXISTS, RejectCode.UNKNOWN_ASSET, RejectCode.BAD_COMMAND,
    RejectCode.INSUFFICIENT_BALANCE, RejectCode.INSUFFICIENT_MARGIN, RejectCode.UNKNOWN_ORDER,
    RejectCode.POST_ONLY_CROSS, RejectCode.BOOK_FULL, RejectCode.OPEN_ORDERS_MAX, RejectCode.REDUCE_ONLY_INCREASES,
    RejectCode.ORDER_ALREADY_FILLED, RejectCode.ORDER_ALREADY_CLOSED,
}  # fmt: skip
REASONS_EXPECTED = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12)  # why orders ended: all but amend_replace, which ends none


@pytest.fixture(scope="module")
def long_run() -> RunResult:
    return run(commands=COMMANDS, seed=1)


def test_core_and_plain_exchange_agree_on_random_commands(long_run: RunResult) -> None:
    assert long_run.commands == COMMANDS
    assert long_run.trades > COMMANDS // 20


def test_core_and_plain_exchange_agree_on_another_stream() -> None:
    assert run(commands=COMMANDS, seed=2, keep=False).commands == COMMANDS


@pytest.mark.skipif(COMMANDS < COMMANDS_FOR_EVERY_KIND, reason="a short run need not reach every kind of answer")
def test_a_run_reaches_every_refusal_and_every_way_an_order_ends(long_run: RunResult) -> None:
    kinds = {kind for kind, count in long_run.kinds.items() if count}
    assert {f"code {int(code)}" for code in CODES_EXPECTED} - kinds == set()
    assert {f"state 3 reason {reason}" for reason in REASONS_EXPECTED} - kinds == set()
    assert {"lapsed order", "reduce-only account", "RunVariationMargin", "UpdateMarks"} - kinds == set()


@pytest.mark.parametrize("seed", [None, 5, 6])
def test_the_same_records_in_other_groups_give_the_same_events_and_state(long_run: RunResult, seed: int | None) -> None:
    events, digest = apply_in_groups(long_run.records, None if seed is None else random.Random(seed))
    assert (digest, events) == (long_run.digest, b"".join(long_run.events))


def test_the_state_does_not_depend_on_the_hash_seed_of_the_interpreter() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.twin.run_exchange", "--commands", "600", "--seed", "3"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout.rsplit("digest ", 1)[1])
    assert len(digests) == 1


def wrong_fee(self: House, market: Market, *rest: Any) -> tuple[int, int]:
    maker_fee, taker_fee = RIGHT_SETTLE(self, market, *rest)
    return maker_fee, taker_fee + 1


def wrong_hold(self: House, market: Market, side: int, price_ticks: int) -> tuple[str, int]:
    asset, units = RIGHT_PROMISE(self, market, side, price_ticks)
    return asset, units + 1


def wrong_margin(self: House, account: int, name: str, **rest: Any) -> int:
    return RIGHT_MAINTENANCE(self, account, name, **rest) + 1


RIGHT_SETTLE, RIGHT_PROMISE, RIGHT_MAINTENANCE = House.settle_fill, House.promise, House.maintenance


@pytest.mark.parametrize(
    ("method", "wrong"), [("settle_fill", wrong_fee), ("promise", wrong_hold), ("maintenance", wrong_margin)]
)
def test_a_twin_that_is_off_by_one_unit_is_found(method: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(House, method, wrong)
    with pytest.raises(ExchangesDiffer, match="seed 1, sequence"):
        run(commands=2_000, seed=1, keep=False)


def test_flow_depends_on_nothing_but_its_seed() -> None:
    first, second = run(commands=300, seed=9), run(commands=300, seed=9)
    assert first.records == second.records
    assert ExchangeFlow(1).step_ns() == ExchangeFlow(1).step_ns()
