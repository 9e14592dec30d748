"""Goal: a day that can not be fixed holds up its own month only, and months that end together settle on balance.

Method: mined regtest headers every ten minutes and a BTC price that is first heard days later. Rules HPI-005,
EXP-002..004.
"""

from msgspec.structs import replace

from domain.commands import AdvanceTime, BlockConnected, Deposit, ListInstrument, SetPrice, StartChain
from domain.constants import SITG
from domain.events import FixingPublished, ForwardSettled
from domain.instruments import Instrument
from tests.scenarios.test_block_stories import GENESIS_HASH, REWARD_SAT, TEN_S
from tests.scenarios.test_variation_margin import set_mark, trade
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine_branch
from tests.support.venue import NS, USDC, Venue, basic_venue, forward, fund, open_accounts

DAY_S = 86_400
FIRST = TEN_S // DAY_S + 1  # the first day that begins with a known block
BLOCKS_A_DAY = 144
MARK = 5_000


def month(number: int, first_day: int, days: int) -> Instrument:
    """A forward over a few days that expires at the beginning of its last one."""
    terms = forward(number, f"HPU_USDC-{number}", days=days, expiry_ns=(first_day + days - 1) * DAY_S * NS, high=10**8)
    return replace(terms, delivery_from_ns=first_day * DAY_S * NS)


def let_days_pass(venue: Venue, days: int, price_from_day: int) -> list[object]:
    """Blocks every ten minutes from ten o'clock on the eve of FIRST; time advances with each; all events."""
    seen: list[object] = []
    for index, header in enumerate(mine_branch(GENESIS_HASH, TEN_S, days * BLOCKS_A_DAY)):
        time_s = TEN_S + 600 * index
        venue.time_ns = (time_s + 1) * NS
        parts = [BlockConnected(header, 0, REWARD_SAT)]
        if time_s >= price_from_day * DAY_S + DAY_S // 2:
            parts.append(SetPrice(1, "first heard", 0))
        seen += venue.tell(*parts, AdvanceTime())
    return seen


def start(*instruments: tuple[Instrument, int]) -> Venue:
    """A chain at genesis before the first day."""
    venue = basic_venue(start_ns=(TEN_S - 3_600) * NS, spread_ppm=100_000)
    venue.tell(StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    for terms, mark_ticks in instruments:
        venue.tell(ListInstrument(terms, mark_ticks, 0))
    return venue


def test_a_day_without_a_price_at_its_beginning_is_passed_over_and_later_days_are_fixed() -> None:
    venue = start((month(0, FIRST, 2), MARK), (month(1, FIRST + 2, 2), MARK))
    seen = let_days_pass(venue, 6, price_from_day=FIRST + 1)
    days = {"USDC": [], "BTC": []}
    for event in seen:
        if isinstance(event, FixingPublished):
            days[event.asset].append(event.day - FIRST)
    assert days["BTC"] == [0, 1, 2, 3, 4]
    assert days["USDC"] == [2, 3, 4], "no price was known when the first two days began"
    assert [event.instrument_id for event in seen if isinstance(event, ForwardSettled)] == [1]


def test_months_that_settle_together_are_paid_on_balance() -> None:
    venue = start((month(0, FIRST, 2), MARK), (month(1, FIRST, 2), MARK))
    spreader, other = open_accounts(venue, "spreader", "other")
    fund(venue, spreader, USDC=1_000 * USDC)
    fund(venue, other, USDC=10**6 * USDC)
    for _ in range(5):
        trade(venue, spreader, other, MARK, 5)
        trade(venue, other, spreader, MARK, 5, instrument=1)
    seen = let_days_pass(venue, 4, price_from_day=FIRST - 1)
    settled = [event for event in seen if isinstance(event, ForwardSettled)]
    assert [event.instrument_id for event in settled] == [0, 1]
    loss = -dict(settled[0].flows)[spreader]
    assert loss == dict(settled[1].flows)[spreader] > 1_000 * USDC, "one leg alone costs more than there is"
    assert venue.posted(spreader, "USDC") == 1_000 * USDC
    venue.machine.check_invariants()


def test_a_gain_in_a_month_that_goes_on_pays_for_a_loss_in_the_one_that_ends() -> None:
    venue = start((month(0, FIRST, 2), MARK), (month(1, FIRST + 300, 2), MARK))
    spreader, other = open_accounts(venue, "spreader", "other")
    fund(venue, spreader, USDC=1_000 * USDC)
    fund(venue, other, USDC=10**6 * USDC)
    for _ in range(5):
        trade(venue, spreader, other, MARK, 5)
        trade(venue, other, spreader, MARK, 5, instrument=1)
    set_mark(venue, 1, 1)
    let_days_pass(venue, 4, price_from_day=FIRST - 1)
    total = venue.state.settled[0]
    change = 25 * USDC // 100 * (total - 2 * MARK) + 25 * 2 * USDC // 100 * (MARK - 1)
    assert venue.posted(spreader, "USDC") == 1_000 * USDC + change
    venue.machine.check_invariants()


def test_a_settlement_that_nobody_can_pay_waits_for_the_exchange_s_own_money() -> None:
    venue = start((month(0, FIRST, 2), MARK))
    loser, winner = open_accounts(venue, "loser", "winner")
    for account in (loser, winner):
        fund(venue, account, USDC=1_000 * USDC)
    trade(venue, loser, winner, MARK, 25)
    let_days_pass(venue, 4, price_from_day=FIRST - 1)
    assert venue.position(loser, 0) == 25
    venue.tell(Deposit(SITG, "USDC", 10**5 * USDC, "own"), AdvanceTime())
    (settled,) = venue.of(ForwardSettled)
    lost = -dict(settled.flows)[loser]
    assert lost > 1_000 * USDC
    assert venue.posted(loser, "USDC") == 0
    assert venue.posted(winner, "USDC") == 1_000 * USDC + lost
    assert venue.posted(SITG, "USDC") == 10**5 * USDC - (lost - 1_000 * USDC)
    assert venue.position(loser, 0) == 0
    venue.machine.check_invariants()
