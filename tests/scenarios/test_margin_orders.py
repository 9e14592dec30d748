"""Goal: the margin of the published example comes out to the cent, with and without its orders.

Method: CLR-16 as orders through the state machine. Its scan range of 180 dollars a lot at the mark 50.00 is a rate of
12 %: 5000 ticks x 30 cents x 0.12. Rules MARGIN-001..007.
"""

from domain import commands
from domain.commands import SetScenarios, UpdateMarks
from domain.constants import BUY, ORDER_CANCELLED, REASON_MARGIN, SELL
from domain.events import OrderState
from domain.rejects import RejectCode
from tests.scenarios.test_variation_margin import set_mark, trade
from tests.support.venue import CENT, USDC, Venue, basic_venue, btc_spot, forward, fund, open_accounts

MARK = 5_000
DOLLAR = USDC


def clr_16(dollars: int = 10_000, spread_ppm: int = 0) -> tuple[Venue, int, int]:
    """Position +10 at the mark 50.00; scan range 180 dollars a lot, spread charge 0."""
    venue = basic_venue(
        (forward(0, "HPU_USDC-30APR24", days=30), MARK), (forward(1, "HPU_USDC-30JUN24", days=30), MARK)
    )
    venue.tell(SetScenarios(2, {"USDC": 120_000, "BTC": 144_000}, spread_ppm))
    account, other = open_accounts(venue, "account", "other")
    fund(venue, account, USDC=dollars * DOLLAR)
    fund(venue, other, USDC=10**6 * DOLLAR)
    assert venue.state.core.psr(0) == 180 * DOLLAR
    trade(venue, account, other, MARK, 10)
    return venue, account, other


def margin(venue: Venue, account: int) -> tuple[int, int]:
    """(maintenance, initial) in USDC."""
    return venue.state.core.margin.maintenance(account, 0), venue.state.core.margin.initial(account, 0)


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, instrument: int = 0) -> int:
    """A resting order; its id."""
    answer = venue.order(
        account=account, instrument=instrument, side=side, price_ticks=price_ticks, quantity_lots=lots
    )
    assert answer.code == 0, answer
    return answer.sequence


def test_clr_16_margin_with_open_orders() -> None:
    venue, account, _ = clr_16()
    buy = place(venue, account, BUY, 5_050, 5)
    sell = place(venue, account, SELL, 5_100, 30)
    assert margin(venue, account) == (3_600 * DOLLAR, 4_500 * DOLLAR)
    assert venue.answer(commands.cancel_order(account=account, order_id=sell)).code == 0
    assert margin(venue, account) == (2_775 * DOLLAR, 346_875 * CENT)
    assert venue.answer(commands.cancel_order(account=account, order_id=buy)).code == 0
    assert margin(venue, account) == (1_800 * DOLLAR, 2_250 * DOLLAR)
    venue.machine.check_invariants()


def test_an_order_beyond_margin_is_refused_with_what_is_missing_and_changes_nothing() -> None:
    venue, account, _ = clr_16(dollars=4_000)
    answer = venue.order(account=account, instrument=0, side=BUY, price_ticks=MARK, quantity_lots=8)
    # 18 lots x 180 x 5/4 = 4,050 against 4,000.
    missing = (RejectCode.INSUFFICIENT_MARGIN, venue.asset("USDC"), 50 * DOLLAR)
    assert (answer.code, answer.detail, answer.value) == missing
    assert answer.events == 0
    assert margin(venue, account) == (1_800 * DOLLAR, 2_250 * DOLLAR)
    assert venue.resting(account) == []
    assert venue.order(account=account, instrument=0, side=BUY, price_ticks=MARK, quantity_lots=7).code == 0


def test_an_amend_beyond_funds_is_refused_and_the_order_stays_as_it_was() -> None:
    venue, account, _ = clr_16(dollars=4_000)
    order_id = place(venue, account, BUY, 4_990, 7)
    before = (venue.resting(account), margin(venue, account), venue.held(account, "USDC"))
    for price_ticks, total_lots in ((4_990, 8), (5_700, 7)):
        answer = venue.answer(
            commands.amend_order(account=account, order_id=order_id, price_ticks=price_ticks, total_lots=total_lots)
        )
        assert answer.code == RejectCode.INSUFFICIENT_MARGIN
        assert answer.value > 0
        assert (venue.resting(account), margin(venue, account), venue.held(account, "USDC")) == before
    venue.machine.check_invariants()


def test_opposite_months_are_charged_the_spread_and_never_more_than_the_outrights() -> None:
    venue, account, other = clr_16(spread_ppm=250_000)
    trade(venue, other, account, MARK, 10, instrument=1)
    assert margin(venue, account)[0] == 10 * 45 * DOLLAR  # scan cancels out; a quarter of 180 per matched pair
    venue.tell(SetScenarios(3, {"USDC": 120_000, "BTC": 144_000}, 5_000_000))
    assert margin(venue, account)[0] == 20 * 180 * DOLLAR


def test_the_spread_is_charged_although_the_rates_were_set_before_the_months_were_listed() -> None:
    venue = basic_venue(
        (forward(0, "HPU_USDC-30APR24", days=30), MARK), (forward(1, "HPU_USDC-30JUN24", days=30), MARK),
        spread_ppm=250_000,
    )  # fmt: skip
    account, other = open_accounts(venue, "account", "other")
    for who in (account, other):
        fund(venue, who, USDC=10**6 * DOLLAR)
    trade(venue, account, other, MARK, 10)
    trade(venue, other, account, MARK, 10, instrument=1)
    assert margin(venue, account)[0] == 10 * venue.state.core.psr(0) // 4


def test_an_account_below_margin_loses_what_increases_its_risk_and_keeps_what_reduces_it() -> None:
    venue, account, _ = clr_16(dollars=4_000)
    increasing = place(venue, account, BUY, 4_800, 6)
    reducing = place(venue, account, SELL, 5_900, 10)
    set_mark(venue, 0, 3_900)  # the position lost 10 x 1100 x 30 cents = 3,300 dollars
    venue.tell(UpdateMarks())
    assert venue.state.core.account_state(account) == 2
    gone = [(o.order_id, o.state, o.reason) for o in venue.of(OrderState)]
    assert gone == [(increasing, ORDER_CANCELLED, REASON_MARGIN)]
    assert [o.order_id for o in venue.resting(account)] == [reducing]
    refused = venue.order(account=account, instrument=0, side=BUY, price_ticks=4_000, quantity_lots=1)
    assert refused.code == RejectCode.ACCOUNT_REDUCE_ONLY
    assert (refused.detail, refused.value) == (0, 0)


def test_a_closing_order_is_taken_below_margin_but_not_at_a_price_nobody_could_pay() -> None:
    venue, account, other = clr_16(dollars=2_300)
    set_mark(venue, 0, 4_400)  # the position lost 10 x 600 x 30 cents = 1,800 dollars
    venue.tell(UpdateMarks())
    assert venue.state.core.account_state(account) == 2
    place(venue, other, BUY, 100, 10)
    worst = venue.order(account=account, instrument=0, side=SELL, price_ticks=100, quantity_lots=10)
    assert worst.code == RejectCode.INSUFFICIENT_MARGIN
    assert venue.order(account=account, instrument=0, side=SELL, price_ticks=4_350, quantity_lots=10).code == 0


def test_an_account_without_equity_may_still_close_at_the_mark_or_better_and_nowhere_else() -> None:
    venue, account, other = clr_16(dollars=2_300)
    set_mark(venue, 0, 4_100)  # the position lost 10 x 900 x 30 cents = 2,700 dollars
    venue.tell(UpdateMarks())
    place(venue, other, BUY, 4_100, 4)
    worse = venue.order(account=account, instrument=0, side=SELL, price_ticks=4_099, quantity_lots=10)
    assert worse.code == RejectCode.INSUFFICIENT_MARGIN
    at_mark = venue.order(account=account, instrument=0, side=SELL, price_ticks=4_100, quantity_lots=10)
    assert (at_mark.code, venue.trades()) == (0, [(4_100, 4)])
    assert [order.price_ticks for order in venue.resting(account)] == [4_100], "the rest waits as a closing order"
    venue.machine.check_invariants()


def test_cash_of_a_loss_that_no_cycle_has_collected_cannot_be_spent() -> None:
    venue = basic_venue((forward(0, "HPU_USDC-30APR24", days=30), MARK), (btc_spot(1), 4_000_000))
    account, other = open_accounts(venue, "account", "other")
    fund(venue, account, USDC=5_000 * DOLLAR)
    fund(venue, other, USDC=10**6 * DOLLAR, BTC=10**12)
    trade(venue, account, other, MARK, 2)
    trade(venue, other, account, 4_500, 2)  # closed with a loss of 2 x 500 x 30 cents = 300 dollars
    assert venue.position(account, 0) == 0
    all_of_it = venue.order(account=account, instrument=1, side=BUY, price_ticks=4_000_000, quantity_lots=1_250)
    assert (all_of_it.code, all_of_it.value) == (RejectCode.INSUFFICIENT_MARGIN, 300 * DOLLAR)
    less = venue.order(account=account, instrument=1, side=BUY, price_ticks=4_000_000, quantity_lots=1_175)
    assert less.code == 0
