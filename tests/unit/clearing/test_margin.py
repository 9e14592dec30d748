"""Goal: V and W give the worst case over every subset of open orders. Method: the vectors of a real core, after random
orders, against the definition and, for few orders, against trying every subset. Rules MARGIN-001..005.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearing.margin import Margin
from domain.commands import cancel_all
from domain.constants import BUY, SELL
from domain.ensure import InvariantViolation
from tests.reference import margin as plain
from tests.reference.margin import Contract, OpenOrder
from tests.support.venue import USDC, Venue, basic_venue, forward, fund, open_accounts

MARKS = (5_000, 4_000)
CHARGE_PPM = 250_000
orders = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from((BUY, SELL)), st.integers(-400, 400), st.integers(1, 9)), max_size=7
)
contracts = st.dictionaries(
    st.integers(0, 2),
    st.builds(Contract, st.integers(1, 9).map(lambda n: n * 300), st.integers(90, 110), st.integers(1, 9)),
    min_size=1, max_size=3,
)  # fmt: skip


@st.composite
def portfolios(draw: st.DrawFn) -> tuple[dict[int, Contract], dict[int, int], list[OpenOrder]]:
    listed = draw(contracts)
    positions = {number: draw(st.integers(-9, 9)) for number in listed}
    found = draw(
        st.lists(
            st.builds(OpenOrder, st.sampled_from(sorted(listed)), st.integers(0, 1), st.integers(80, 120),
                      st.integers(1, 9)),
            max_size=7,
        )
    )  # fmt: skip
    return listed, positions, found


@settings(max_examples=60, deadline=None)
@given(portfolios())
def test_counting_each_losing_order_whole_is_the_worst_of_all_subsets(
    found: tuple[dict[int, Contract], dict[int, int], list[OpenOrder]],
) -> None:
    assert plain.worst_over_fills(*found) == plain.worst_over_subsets(*found)


def two_months() -> tuple[Venue, int, int]:
    venue = basic_venue(
        (forward(0, "HPU_USDC-30APR24", days=30), MARKS[0]), (forward(1, "HPU_USDC-30JUN24", days=30), MARKS[1]),
        spread_ppm=CHARGE_PPM,
    )  # fmt: skip
    account, other = open_accounts(venue, "account", "other")
    for who in (account, other):
        fund(venue, who, USDC=10**9 * USDC)
    return venue, account, other


@settings(max_examples=60, deadline=None)
@given(orders, orders)
def test_the_compiled_requirement_is_the_definition_s(
    traded: list[tuple[int, int, int, int]], resting: list[tuple[int, int, int, int]]
) -> None:
    venue, account, other = two_months()
    core = venue.state.core
    for instrument, side, _, lots in traded:
        for who, direction in ((other, 1 - side), (account, side)):
            venue.order(
                account=who, instrument=instrument, side=direction, price_ticks=MARKS[instrument], quantity_lots=lots
            )
    for instrument, side, distance, lots in resting:
        venue.order(
            account=account, instrument=instrument, side=side, price_ticks=MARKS[instrument] + distance,
            quantity_lots=lots, post_only=True,
        )  # fmt: skip
    listed = {n: Contract(core.psr(n), MARKS[n], 30 * 10_000) for n in (0, 1)}
    positions = {n: venue.position(account, n) for n in (0, 1)}
    mine = [
        OpenOrder(o.instrument, o.side, o.price_ticks, o.total_lots - o.filled_lots) for o in venue.resting(account)
    ]
    charge = core.margin.spread_charge(0)
    assert charge == -(-max(c.psr for c in listed.values()) * CHARGE_PPM // 10**6)
    maintenance = plain.maintenance(listed, positions, mine, charge)
    assert core.margin.maintenance(account, 0) == maintenance
    assert core.margin.initial(account, 0) == plain.initial(maintenance)
    venue.machine.check_invariants()


@settings(max_examples=30, deadline=None)
@given(orders)
def test_an_account_without_orders_and_positions_has_all_zero_vectors(found: list[tuple[int, int, int, int]]) -> None:
    venue, account, _ = two_months()
    for instrument, side, distance, lots in found:
        venue.order(
            account=account, instrument=instrument, side=side, price_ticks=MARKS[instrument] + distance,
            quantity_lots=lots,
        )  # fmt: skip
    venue.answer(cancel_all(account=account))
    if not any(venue.position(account, n) for n in (0, 1)):
        assert venue.state.core.margin.vectors(account, 0) == ([0] * 16, [0] * 16, 0, 0, 0, 0, 0)
    assert venue.held(account, "USDC") == 0


@pytest.mark.parametrize(("maintenance", "initial"), [(0, 0), (1, 2), (4, 5), (3_600, 4_500), (2_775, 3_469)])
def test_initial_margin_is_five_quarters_rounded_up(maintenance: int, initial: int) -> None:
    assert plain.initial(maintenance) == initial


def test_margin_books_exist_only_within_limits() -> None:
    margin = Margin(20)
    for account, slot in ((20, 0), (-1, 0), (16, 4), (16, -1)):
        with pytest.raises(InvariantViolation, match="exists"):
            margin.maintenance(account, slot)
    with pytest.raises(InvariantViolation):
        margin.set_spread_charge(0, -1)


def test_a_dump_keeps_charges_and_books_and_a_larger_one_is_refused() -> None:
    margin = Margin(20)
    margin.set_spread_charge(1, 77)
    margin.add_unsettled(17, 1, -5)
    copy = Margin(20)
    copy.load(margin.dump(20))
    assert (copy.spread_charge(1), copy.unsettled(17, 1)) == (77, -5)
    with pytest.raises(InvariantViolation, match="fits"):
        Margin(4).load(margin.dump(20))
