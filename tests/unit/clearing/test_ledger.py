"""Goal: money moves whole or not at all. Method: the slab by hand, and beside the plain ledger on random operations.

Rules HOLD-001..003.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.ledger import Ledger
from domain.constants import CUSTODY, VM_CYCLE
from domain.ensure import InvariantViolation
from tests.reference.ledger import PlainLedger

ANN, BEN = 16, 17
SUPPLY_MAX = 2**62


def ledger() -> Ledger:
    made = Ledger(20, 2)
    for account in (ANN, BEN):
        made.open_account(account)
    return made


def test_a_deposit_comes_from_outside_and_sums_stay_zero() -> None:
    money = ledger()
    assert money.deposit(ANN, 1, 70)
    assert (money.posted(ANN, 1), money.posted(CUSTODY, 1), money.total(1)) == (70, -70, 0)
    money.check_invariants()


@pytest.mark.parametrize("before", [0, 1, SUPPLY_MAX - 1, SUPPLY_MAX])
def test_the_supply_stays_within_its_bound_without_wrapping(before: int) -> None:
    money = ledger()
    if before:
        assert money.deposit(ANN, 0, before)
    for amount in (SUPPLY_MAX - before + 1, SUPPLY_MAX + 1, 2**63 - 1):
        assert not money.deposit(BEN, 0, amount)
    assert money.posted(BEN, 0) == 0
    if before < SUPPLY_MAX:
        assert money.deposit(BEN, 0, SUPPLY_MAX - before)
    assert money.posted(CUSTODY, 0) == -SUPPLY_MAX
    money.check_invariants()


def test_a_client_is_never_overdrawn_by_a_transfer() -> None:
    money = ledger()
    money.deposit(ANN, 0, 10)
    assert money.hold(ANN, 0, 4)
    with pytest.raises(InvariantViolation, match="free cash"):
        money.transfer(ANN, BEN, 0, 7)
    money.transfer(ANN, BEN, 0, 6)
    assert (money.posted(ANN, 0), money.held(ANN, 0), money.posted(BEN, 0)) == (4, 4, 6)


@pytest.mark.parametrize("amount", [-1, -(2**63)])
def test_negative_amounts_break_the_law(amount: int) -> None:
    money = ledger()
    for act, fields in (
        (money.transfer, (ANN, BEN, 0, amount)),
        (money.post_hold, (ANN, BEN, 0, 0, amount)),
        (money.hold, (ANN, 0, amount)),
        (money.deposit, (ANN, 0, amount)),
    ):
        with pytest.raises(InvariantViolation):
            act(*fields)
    assert (money.posted(ANN, 0), money.held(ANN, 0)) == (0, 0)


def test_more_than_is_held_cannot_be_released() -> None:
    money = ledger()
    money.deposit(ANN, 0, 10)
    money.hold(ANN, 0, 5)
    with pytest.raises(InvariantViolation, match="within what is held"):
        money.release(ANN, 0, 6)


def test_pending_credits_never_become_usable_or_negative() -> None:
    money = ledger()
    money.add_pending(ANN, 0, 9)
    assert (money.pending(ANN, 0), money.posted(ANN, 0)) == (9, 0)
    assert not money.hold(ANN, 0, 1)
    with pytest.raises(InvariantViolation, match="pending"):
        money.add_pending(ANN, 0, -10)


@pytest.mark.parametrize(("account", "asset"), [(20, 0), (2**32, 0), (-1, 0), (ANN, 2), (ANN, -1)])
def test_an_account_or_asset_outside_the_slab_is_named_as_a_broken_law(account: int, asset: int) -> None:
    with pytest.raises(InvariantViolation, match="exists"):
        ledger().posted(account, asset)


def test_money_left_in_the_cycle_account_is_found() -> None:
    money = ledger()
    money.deposit(VM_CYCLE, 0, 1)
    with pytest.raises(InvariantViolation, match="variation margin account"):
        money.check_invariants()


def test_a_dump_loads_into_the_same_balances_and_a_foreign_one_is_refused() -> None:
    money = ledger()
    money.deposit(ANN, 1, 5)
    money.hold(ANN, 1, 2)
    copy = Ledger(20, 2)
    copy.load(money.dump())
    assert copy.dump() == money.dump()
    assert (copy.posted(ANN, 1), copy.held(ANN, 1)) == (5, 2)
    with pytest.raises(InvariantViolation, match="fits"):
        Ledger(10, 2).load(money.dump())
    with pytest.raises(InvariantViolation, match="fits"):
        Ledger(20, 2).load(money.dump()[:-1])


amounts = st.integers(0, 60)
operations = st.one_of(
    st.tuples(st.just("deposit"), st.sampled_from((ANN, BEN)), st.integers(1, 60)),
    st.tuples(st.just("hold"), st.sampled_from((ANN, BEN)), amounts),
    st.tuples(st.just("void"), st.integers(0, 30), amounts),
    st.tuples(st.just("post"), st.integers(0, 30), amounts),
)


@given(st.lists(operations, max_size=40))
def test_holds_agree_with_a_ledger_that_keeps_each_on_its_own(steps: list[tuple[str, int, int]]) -> None:
    money, plain = ledger(), PlainLedger()
    for name, subject, amount in steps:
        if name == "deposit":
            assert money.deposit(subject, 0, amount)
            plain.deposit(subject, 0, amount)
        elif name == "hold":
            assert money.hold(subject, 0, amount) == (plain.hold(subject, 0, amount) is not None)
        elif plain.holds:
            hold_id = sorted(plain.holds)[subject % len(plain.holds)]
            account, _, held = plain.holds[hold_id]
            if name == "void":
                plain.void(hold_id)
                money.release(account, 0, held)
            else:
                plain.post(hold_id, BEN, min(amount, held))
                money.post_hold(account, BEN, 0, held, min(amount, held))
        money.check_invariants()
        for account in (CUSTODY, ANN, BEN):
            assert (money.posted(account, 0), money.held(account, 0)) == (
                plain.posted[account, 0], plain.held(account, 0)
            )  # fmt: skip
