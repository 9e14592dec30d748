"""Goal: the block's time decides who is paid, whatever happened between that time and the moment the block was seen.

Method: TH1's promise told with mined regtest headers through the state machine: A holds 100 TH/s, sells 40 to B at
10:00:05, and a block is seen at 10:00:10. Rules DIV-001..007, CHAIN-001..009.
"""

import pytest

from clearing.headers import header_hash
from domain.commands import AdvanceTime, BlockConnected, DefineTranche, PoolReport, StartChain, cold, new_order
from domain.constants import BUY, DIVIDEND_SOURCE, SELL
from domain.events import BlockAccepted, BlockRefused, CommandApplied, DividendChanged
from domain.rejects import RejectCode
from exchange.state_machine import StateMachine
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine, mine_branch
from tests.support.venue import BTC, NS, TOKEN, Venue, basic_venue, fund, open_accounts, token_spot

TEN_S = GENESIS_TIME_S // 86_400 * 86_400 + 30 * 86_400 + 10 * 3_600  # 10:00:00 of a later day
SOLD_S, SEEN_S = TEN_S + 5, TEN_S + 10
REWARD_SAT = 50 * 10**8
POOL_THS = 3_500
DIVIDEND = REWARD_SAT * 1_000 * 100 // POOL_THS  # 142,857,142,857 msat for 100 of 3,500 TH/s
GENESIS_HASH = header_hash(GENESIS_HEADER)


def venue_at_ten(term: str) -> tuple[Venue, int, int]:
    """Chain at genesis, a tranche without fee, A with 100 tokens, B with money."""
    venue = basic_venue((token_spot(0), 1_000), start_ns=(TEN_S - 60) * NS)
    venue.tell(DefineTranche("TH1A", "BTC", 0, term), StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    ann, ben = open_accounts(venue, "A", "B")
    fund(venue, ann, TH1A=100 * TOKEN)
    fund(venue, ben, BTC=BTC)
    return venue, ann, ben


def story(header_time_s: int, term: str = "header") -> tuple[Venue, int, int, bytes]:
    """Until 10:00:10 with the block connected; returns the venue, both accounts, and the header."""
    venue, ann, ben = venue_at_ten(term)
    header = mine(GENESIS_HASH, header_time_s)
    venue.tell(PoolReport("TH1A", header_hash(header).hex(), POOL_THS))
    venue.time_ns = SOLD_S * NS - 1_000
    venue.order(account=ann, instrument=0, side=SELL, price_ticks=1_000, quantity_lots=40)
    venue.time_ns = SOLD_S * NS
    venue.answer(buy(ben), after_ns=0)
    assert venue.trades() == [(1_000, 40)]
    venue.time_ns = SEEN_S * NS
    venue.tell(BlockConnected(header, 0, REWARD_SAT))
    return venue, ann, ben, header


def buy(account: int) -> bytes:
    """B's order for 40."""
    return new_order(account=account, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=40)


def connect(venue: Venue, headers: list[bytes]) -> list[DividendChanged]:
    """Connect blocks that pay nobody here; the dividends that changed on the way."""
    changed = []
    for header in headers:
        venue.tell(BlockConnected(header, 0, REWARD_SAT))
        changed += venue.of(DividendChanged)
    return changed


@pytest.mark.parametrize(
    ("header_time_s", "ann_part", "ben_part"),
    [
        (TEN_S, 100, 0),
        (SOLD_S - 1, 100, 0),
        (SOLD_S, 60, 40),
        (SOLD_S + 1, 60, 40),
        (SEEN_S, 60, 40),
    ],
    ids=["10:00:00", "10:00:04", "10:00:05", "10:00:06", "10:00:10"],
)
def test_holders_at_the_block_s_time_are_paid(header_time_s: int, ann_part: int, ben_part: int) -> None:
    venue, ann, ben, _ = story(header_time_s)
    (dividend,) = venue.of(DividendChanged)
    assert (dividend.state, dividend.amount_msat, dividend.record_time_ns) == ("pending", DIVIDEND, header_time_s * NS)
    assert {account: quantity for account, quantity, _ in dividend.legs} == {
        account: part * TOKEN for account, part in ((ann, ann_part), (ben, ben_part)) if part
    }
    assert venue.pending(ann, "BTC") + venue.pending(ben, "BTC") == DIVIDEND
    assert abs(100 * venue.pending(ann, "BTC") - ann_part * DIVIDEND) < 100
    venue.machine.check_invariants()


def test_a_block_from_the_future_waits_for_its_time() -> None:
    venue, _, _, _ = story(SEEN_S + 60)
    assert venue.of(DividendChanged) == []
    venue.time_ns = (SEEN_S + 60) * NS
    venue.tell(AdvanceTime(), after_ns=0)
    assert venue.of(DividendChanged) == [], "commands of this very moment may still follow"
    venue.tell(AdvanceTime(), after_ns=1)
    assert [dividend.state for dividend in venue.of(DividendChanged)] == ["pending"]


def test_a_clamped_tranche_records_a_block_from_the_future_at_the_second_it_is_seen_in() -> None:
    venue, _, _, _ = story(SEEN_S + 60, "clamped")
    (dividend,) = venue.of(DividendChanged)
    assert dividend.record_time_ns == SEEN_S * NS <= dividend.seen_time_ns < (SEEN_S + 1) * NS


def test_a_dividend_is_pending_at_one_confirmation_and_posted_at_a_hundred() -> None:
    venue, ann, ben, header = story(SOLD_S)
    cash = {account: venue.posted(account, "BTC") for account in (ann, ben)}
    headers = mine_branch(header_hash(header), SEEN_S + 600, 99)
    assert connect(venue, headers[:98]) == []  # the tip is at height + 98: 99 confirmations
    assert venue.posted(ann, "BTC") == cash[ann]
    (posted,) = connect(venue, headers[98:])
    assert posted.state == "posted"
    paid = {account: amount for account, _, amount in posted.legs}
    assert sum(paid.values()) == DIVIDEND
    assert {account: venue.posted(account, "BTC") - cash[account] for account in (ann, ben)} == paid
    assert [venue.pending(account, "BTC") for account in (ann, ben)] == [0, 0]
    assert venue.posted(DIVIDEND_SOURCE, "BTC") == 0
    venue.machine.check_invariants()


def test_a_block_that_is_reorganised_away_pays_nobody_and_pays_once_when_it_comes_back() -> None:
    venue, ann, ben, header = story(SOLD_S)
    cash = {account: venue.posted(account, "BTC") for account in (ann, ben)}
    rival = mine_branch(GENESIS_HASH, SEEN_S, 2, salt=1)
    (voided,) = connect(venue, rival)
    assert voided.state == "voided"
    assert [venue.pending(account, "BTC") for account in (ann, ben)] == [0, 0]

    back = mine_branch(header_hash(header), SEEN_S + 600, 99)
    changed = connect(venue, back)
    assert [dividend.state for dividend in changed] == ["pending", "posted"]
    assert venue.posted(ann, "BTC") + venue.posted(ben, "BTC") - sum(cash.values()) == DIVIDEND
    more = mine_branch(header_hash(back[-1]), SEEN_S + 10**6, 3)
    assert connect(venue, more) == []
    venue.machine.check_invariants()


def test_a_report_that_comes_after_its_block_pays_the_same_holders() -> None:
    venue, ann, ben = venue_at_ten("header")
    header = mine(GENESIS_HASH, TEN_S)
    venue.order(account=ann, instrument=0, side=SELL, price_ticks=1_000, quantity_lots=40)
    venue.time_ns = SOLD_S * NS
    venue.answer(buy(ben))
    venue.time_ns = SEEN_S * NS
    venue.tell(BlockConnected(header, 0, REWARD_SAT))
    assert venue.of(DividendChanged) == []
    venue.tell(PoolReport("TH1A", header_hash(header).hex(), POOL_THS))
    (dividend,) = venue.of(DividendChanged)
    assert dividend.legs == ((ann, 100 * TOKEN, DIVIDEND),)
    again = venue.answer(cold(PoolReport("TH1A", header_hash(header).hex(), POOL_THS)))
    assert again.code == RejectCode.ALREADY_EXISTS


def test_a_block_without_work_is_reported_and_never_believed() -> None:
    venue, ann, ben, _ = story(SOLD_S)
    before = [venue.pending(account, "BTC") for account in (ann, ben)]
    lie = mine(venue.state.chain.tip.hash, SEEN_S + 600, work=False)
    venue.do(cold(BlockConnected(lie, 0, REWARD_SAT)))
    assert venue.of(CommandApplied)[0].code == RejectCode.BAD_WORK
    assert [refused.code for refused in venue.of(BlockRefused)] == [RejectCode.BAD_WORK]
    assert venue.of(BlockAccepted) == []
    assert [venue.pending(account, "BTC") for account in (ann, ben)] == before


def test_a_core_loaded_between_the_trade_and_the_block_pays_the_same() -> None:
    venue, ann, ben, header = story(SOLD_S)
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    changed = connect(venue, mine_branch(header_hash(header), SEEN_S + 600, 99))
    assert [dividend.state for dividend in changed] == ["posted"]
    assert venue.pending(ann, "BTC") == venue.pending(ben, "BTC") == 0
    venue.machine.check_invariants()
