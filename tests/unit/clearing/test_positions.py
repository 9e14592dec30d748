"""Goal: lots and what they cost come out of any trades as the definition says. Method: random trades beside plain sums.

Rules VM-001..003.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.positions import Positions
from domain.ensure import InvariantViolation

ACCOUNTS = (16, 17, 18)
trades = st.lists(
    st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.integers(1, 9), st.integers(1, 20)), max_size=30
)


@given(trades)
def test_lots_and_cost_are_the_sums_over_trades_and_sum_to_zero(found: list[tuple[int, int, int, int]]) -> None:
    positions = Positions(8)
    lots = dict.fromkeys(ACCOUNTS, 0)
    cost = dict.fromkeys(ACCOUNTS, 0)
    for buyer, seller, count, price in found:
        positions.fill(buyer, 3, count, price)
        positions.fill(seller, 3, -count, price)
        for account, sign in ((buyer, 1), (seller, -1)):
            lots[account] += sign * count
            cost[account] += sign * count * price
    positions.check_invariants()
    seen = {account: (n, c) for account, n, c in positions.of_instrument(3)}
    assert seen == {a: (lots[a], cost[a]) for a in ACCOUNTS if lots[a] or cost[a]}
    assert positions.open_interest(3) == sum(n for n in lots.values() if n > 0)


@given(st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 50)), max_size=30))
def test_entry_price_stays_between_the_prices_of_what_is_open(found: list[tuple[int, int]]) -> None:
    positions = Positions(2)
    prices: list[int] = []
    for lots, price in found:
        before = next((p[1] for p in positions.of_account(16)), 0)
        positions.fill(16, 0, lots, price)
        after = before + lots
        if after == 0:
            prices = []
        elif before == 0 or (before > 0) != (after > 0):
            prices = [price]
        elif (before > 0) == (lots > 0):
            prices.append(price)
        if after:
            (_, now, _, _, _, entry, _) = positions.of_account(16)[0]
            assert now == after
            # Integer remainders of partial closes lose less than one tick per lot.
            assert abs(after) * (min(prices) - 1) <= abs(entry) <= abs(after) * (max(prices) + 1)


def test_a_cycle_restarts_the_cost_at_its_price() -> None:
    positions = Positions(4)
    positions.fill(16, 0, 5, 100)
    positions.fill(17, 0, -5, 100)
    positions.cycle_paid(16, 0, 110, 50)
    positions.cycle_paid(17, 0, 110, -50)
    assert positions.of_instrument(0) == [(16, 5, 550), (17, -5, -550)]
    assert [p[6] for p in positions.of_account(16)] == [50]
    with pytest.raises(InvariantViolation, match="exist"):
        positions.cycle_paid(18, 0, 110, 0)


def test_a_full_slab_is_a_broken_law_at_this_door() -> None:
    positions = Positions(1)
    positions.fill(16, 0, 1, 1)
    with pytest.raises(InvariantViolation, match="room"):
        positions.fill(17, 0, 1, 1)


def test_one_sided_lots_are_found() -> None:
    positions = Positions(2)
    positions.fill(16, 0, 1, 7)
    with pytest.raises(InvariantViolation, match="sum to zero"):
        positions.check_invariants()


def test_pairs_are_found_again_after_a_load_and_a_foreign_dump_is_refused() -> None:
    positions = Positions(64)
    for account in range(16, 40):
        for instrument in (0, 5):
            positions.fill(account, instrument, 1 if account % 2 else -1, 10)
    copy = Positions(64)
    copy.load(positions.dump())
    assert copy.dump() == positions.dump()
    copy.fill(39, 5, 1, 10)
    assert copy.of_account(39) == [(0, 1, 0, 0, 10, 10, 0), (5, 2, 0, 0, 20, 20, 0)]
    with pytest.raises(InvariantViolation, match="fits"):
        Positions(8).load(positions.dump())
