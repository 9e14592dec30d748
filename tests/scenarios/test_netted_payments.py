"""Goal: the house never pays for a loss that the same account's gain covers, and no market move stops the core.

Method: positions in two months that offset each other, cycles at prices far away; and a loss that nobody can pay.
Rules VM-003, VM-004, VM-007.
"""

from domain.commands import Deposit, RunVariationMargin, cold
from domain.constants import BUY, SITG
from domain.events import VariationMarginPaid
from domain.rejects import RejectCode
from tests.scenarios.test_variation_margin import cycle, set_mark, trade
from tests.support.venue import USDC, Venue, basic_venue, forward, fund, open_accounts

MARK = 5_000


def spread_venue() -> tuple[Venue, int, int]:
    """Long 100 April, short 100 June on 13,000 dollars: the months' losses are 30,000 each, their sum nothing."""
    venue = basic_venue(
        (forward(0, "HPU_USDC-30APR24"), MARK), (forward(1, "HPU_USDC-30JUN24"), MARK), spread_ppm=100_000
    )
    spreader, other = open_accounts(venue, "spreader", "other")
    fund(venue, spreader, USDC=13_000 * USDC)
    fund(venue, other, USDC=10**6 * USDC)
    for _ in range(10):  # leg by leg in tens, so that the margin of one leg alone is never needed for all
        trade(venue, spreader, other, MARK, 10)
        trade(venue, other, spreader, MARK, 10, instrument=1)
    return venue, spreader, other


def test_a_spread_whose_months_move_together_pays_nothing_on_balance() -> None:
    venue, spreader, other = spread_venue()
    resting = venue.order(account=spreader, instrument=0, side=BUY, price_ticks=3_000, quantity_lots=1)
    assert resting.code == 0
    for instrument in (0, 1):
        set_mark(venue, instrument, 4_000)
    # No deposit of the exchange's own: paid month by month, the first would have to be rescued.
    assert cycle(venue, 1) == {spreader: 0, other: 0}
    per_month = [dict(paid.flows)[spreader] for paid in venue.of(VariationMarginPaid)]
    assert per_month == [-30_000 * USDC, 30_000 * USDC]
    assert venue.posted(spreader, "USDC") == 13_000 * USDC
    assert [order.order_id for order in venue.resting(spreader)] == [resting.sequence], "nobody was short"
    assert cycle(venue, 2) == {}
    venue.machine.check_invariants()


def test_a_spreader_pays_the_difference_of_its_months_and_no_more() -> None:
    venue, spreader, other = spread_venue()
    set_mark(venue, 0, 4_000)
    set_mark(venue, 1, 4_100)
    assert cycle(venue, 1) == {spreader: -3_000 * USDC, other: 3_000 * USDC}
    assert venue.posted(spreader, "USDC") == 10_000 * USDC
    venue.machine.check_invariants()


def test_a_cycle_that_nobody_can_pay_is_refused_until_the_money_is_there() -> None:
    venue = basic_venue((forward(0, "HPU_USDC-30APR24"), MARK))
    winner, loser = open_accounts(venue, "winner", "loser")
    fund(venue, winner, USDC=10**6 * USDC)
    fund(venue, loser, USDC=20_000 * USDC)
    venue.tell(Deposit(SITG, "USDC", 6_000 * USDC, "own"))
    trade(venue, winner, loser, MARK, 30)
    venue.order(account=loser, instrument=0, side=BUY, price_ticks=4_900, quantity_lots=5)
    set_mark(venue, 0, 8_000)  # 27,000 dollars against 20,000 and 6,000
    before = venue.machine.dump_state()
    refused = venue.answer(cold(RunVariationMargin(1)), after_ns=0)
    expected = (RejectCode.INSUFFICIENT_BALANCE, venue.asset("USDC"), 1_000 * USDC, 0)
    assert (refused.code, refused.detail, refused.value, refused.events) == expected
    assert len(venue.machine.dump_state()) == len(before)
    assert (venue.posted(loser, "USDC"), len(venue.resting(loser))) == (20_000 * USDC, 1)

    venue.tell(Deposit(SITG, "USDC", 1_000 * USDC, "more of our own"))
    assert cycle(venue, 1) == {winner: 27_000 * USDC, loser: -27_000 * USDC}
    assert (venue.posted(loser, "USDC"), venue.posted(SITG, "USDC")) == (0, 0)
    venue.machine.check_invariants()
