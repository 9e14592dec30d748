"""Goal: the published variation margin figures come out to the cent, and a cycle pays once, from losers to winners.

Method: CLR-01 and CLR-02 as orders through the state machine. A mark moves at most 1 % per update, so a story sets
the settlement price as the mark at once. Rules VM-001..007.
"""

import pytest

from domain.commands import Deposit, RunVariationMargin, cold
from domain.constants import BUY, SELL, SITG, VM_CYCLE
from domain.events import ShortfallCovered, VariationMarginPaid
from domain.rejects import RejectCode
from exchange.epochs import set_epoch
from tests.reference.variation_margin import flow
from tests.support.venue import BTC, CENT, USDC, Venue, basic_venue, forward, fund, open_accounts

PREVIOUS, SETTLE = 5_000, 5_125


def trade(venue: Venue, buyer: int, seller: int, price_ticks: int, lots: int, instrument: int = 0) -> None:
    """One trade at exactly this price: the seller rests, the buyer takes."""
    for account, side in ((seller, SELL), (buyer, BUY)):
        answer = venue.order(
            account=account, instrument=instrument, side=side, price_ticks=price_ticks, quantity_lots=lots
        )
        assert answer.code == 0, answer
    assert venue.trades() == [(price_ticks, lots)]


def set_mark(venue: Venue, instrument: int, price_ticks: int) -> None:
    """Put the mark where the story wants it; UpdateMarks would take many small steps."""
    core = venue.state.core
    set_epoch(core, instrument, price_ticks, core.mark(instrument)[1], core.psr(instrument))
    core.take_events()


def cycle(venue: Venue, number: int) -> dict[int, int]:
    """Run a cycle; {account: flow} over all contracts."""
    venue.tell(RunVariationMargin(number))
    flows: dict[int, int] = {}
    for paid in venue.of(VariationMarginPaid):
        for account, amount in paid.flows:
            flows[account] = flows.get(account, 0) + amount
    return flows


def clr_01() -> tuple[Venue, list[int]]:
    """A +100, B -60, C -40 at the previous settlement 5000, already settled once."""
    venue = basic_venue((forward(0, "HPU_USDC-30APR24", days=30), PREVIOUS))
    a, b, c, d = open_accounts(venue, "A", "B", "C", "D")
    for account in (a, b, c, d):
        fund(venue, account, USDC=10**6 * USDC)
    trade(venue, a, b, 5_010, 60)
    trade(venue, a, c, 4_990, 40)
    first = cycle(venue, 1)
    assert first == {a: -6_000 * CENT, b: 18_000 * CENT, c: -12_000 * CENT}  # 60 x -10 + 40 x +10 ticks of 30 cents
    return venue, [a, b, c, d]


def test_clr_01_a_variation_margin_day() -> None:
    venue, (a, b, c, d) = clr_01()
    trade(venue, d, a, 5_040, 30)
    trade(venue, d, b, 4_980, 20)
    before = {account: venue.posted(account, "USDC") for account in (a, b, c, d)}
    set_mark(venue, 0, SETTLE)

    assert cycle(venue, 2) == {a: 298_500 * CENT, b: -312_000 * CENT, c: -150_000 * CENT, d: 163_500 * CENT}

    after = {account: venue.posted(account, "USDC") - before[account] for account in (a, b, c, d)}
    assert after == {a: 2_985 * USDC, b: -3_120 * USDC, c: -1_500 * USDC, d: 1_635 * USDC}
    assert [venue.position(account, 0) for account in (a, b, c, d)] == [70, -80, -40, 50]
    assert venue.posted(VM_CYCLE, "USDC") == 0
    venue.machine.check_invariants()


def test_clr_01_agrees_with_the_definition() -> None:
    settled = {"tick_value": 30, "previous_ticks": PREVIOUS, "price_ticks": SETTLE}
    assert [
        flow(carried_lots=100, trades=[(-30, 5_040)], **settled),
        flow(carried_lots=-60, trades=[(-20, 4_980)], **settled),
        flow(carried_lots=-40, trades=[], **settled),
        flow(carried_lots=0, trades=[(30, 5_040), (20, 4_980)], **settled),
    ] == [298_500, -312_000, -150_000, 163_500]


def test_clr_02_variation_margin_in_bitcoin() -> None:
    venue = basic_venue((forward(0, "HPB_BTC-30APR24", quote="BTC", days=30, unit=1_000), 45_000))
    long, short = open_accounts(venue, "long", "short")
    for account in (long, short):
        fund(venue, account, BTC=10 * BTC)
    trade(venue, long, short, 45_000, 10)
    set_mark(venue, 0, 46_250)
    assert cycle(venue, 1) == {long: 375_000 * 1_000, short: -375_000 * 1_000}  # satoshis in the ledger's millisatoshis


def test_a_cycle_pays_once_and_positions_restart_at_its_price() -> None:
    venue, _ = clr_01()
    set_mark(venue, 0, SETTLE)
    assert cycle(venue, 2) != {}
    repeated = venue.answer(cold(RunVariationMargin(2)))
    assert (repeated.code, repeated.value, repeated.events) == (RejectCode.ALREADY_EXISTS, 2, 0)
    assert cycle(venue, 3) == {}


def test_a_loser_pays_what_it_has_after_losing_its_orders_and_the_house_pays_the_rest() -> None:
    venue = basic_venue((forward(0, "HPU_USDC-30APR24", days=30), PREVIOUS))
    winner, loser = open_accounts(venue, "winner", "loser")
    fund(venue, winner, USDC=10**6 * USDC)
    fund(venue, loser, USDC=20_000 * USDC)
    venue.tell(Deposit(SITG, "USDC", 50_000 * USDC, "own"))
    trade(venue, winner, loser, PREVIOUS, 30)
    venue.order(account=loser, instrument=0, side=BUY, price_ticks=4_900, quantity_lots=5)
    set_mark(venue, 0, 8_000)  # 30 lots x 3000 ticks x 30 cents = 27,000 dollars
    assert cycle(venue, 1) == {winner: 27_000 * USDC, loser: -27_000 * USDC}
    assert venue.resting(loser) == []
    assert venue.posted(loser, "USDC") == 0
    assert venue.posted(SITG, "USDC") == 43_000 * USDC
    assert venue.of(ShortfallCovered) == [ShortfallCovered(loser, "USDC", 7_000 * USDC)], "what the house paid is told"
    assert venue.state.core.account_state(loser) == 2, "below initial margin: only orders that reduce"
    venue.machine.check_invariants()


@pytest.mark.parametrize("price_ticks", [4_000, 5_000, 6_000])
def test_flows_of_all_accounts_sum_to_zero_without_rounding(price_ticks: int) -> None:
    venue, _ = clr_01()
    set_mark(venue, 0, price_ticks)
    assert sum(cycle(venue, 2).values()) == 0
