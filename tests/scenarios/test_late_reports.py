"""Goal: what pools and feeds tell late, in bursts or wrongly never ends the core nor pays more than the block did.

Method: long branches of mined regtest headers, reports of blocks far below the tip. Rules DIV-001..003, HPI-005.
"""

import pytest

from clearing.headers import header_hash
from domain.commands import AdvanceTime, BlockConnected, DefineTranche, PoolReport, StartChain, cold
from domain.events import DividendChanged, FixingPublished
from domain.rejects import RejectCode
from exchange.state_machine import StateMachine
from tests.scenarios.test_block_stories import DIVIDEND, GENESIS_HASH, POOL_THS, REWARD_SAT, TEN_S, venue_at_ten
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine, mine_branch
from tests.support.venue import NS, TOKEN, basic_venue, fund, open_accounts, token_spot

FACTS_KEPT_BLOCKS = 1_008


@pytest.mark.parametrize("term", ["header", "clamped"])
def test_a_report_is_taken_as_long_as_the_block_s_facts_are_kept(term: str) -> None:
    venue, ann, _ = venue_at_ten(term)
    headers = mine_branch(GENESIS_HASH, TEN_S, FACTS_KEPT_BLOCKS + 20, step_s=500)
    for index, header in enumerate(headers):
        venue.time_ns = (TEN_S + 500 * index + 1) * NS
        venue.tell(BlockConnected(header, 0, REWARD_SAT))
    loaded = StateMachine.load_state(venue.machine.dump_state())
    assert loaded.digest() == venue.machine.digest()
    answers = []
    for depth in (FACTS_KEPT_BLOCKS + 1, FACTS_KEPT_BLOCKS, 500):
        report = PoolReport("TH1A", header_hash(headers[-1 - depth]).hex(), POOL_THS)
        answers.append(venue.answer(cold(report)).code)
    assert answers == [RejectCode.BAD_COMMAND, 0, 0]
    assert venue.posted(ann, "BTC") == 2 * DIVIDEND
    venue.machine.check_invariants()


def test_a_report_of_a_time_that_the_timeline_no_longer_reaches_is_refused() -> None:
    venue, ann, _ = venue_at_ten("header")
    headers = mine_branch(GENESIS_HASH, TEN_S, 20)
    venue.time_ns = TEN_S * NS
    for header in headers[:10]:
        venue.tell(BlockConnected(header, 0, REWARD_SAT))
    venue.time_ns = (TEN_S + 86_400) * NS
    fund(venue, ann, TH1A=TOKEN)
    venue.time_ns = (TEN_S + 9 * 86_400) * NS  # movements are kept for seven days
    for header in headers[10:]:
        venue.tell(BlockConnected(header, 0, REWARD_SAT))
    late = venue.answer(cold(PoolReport("TH1A", header_hash(headers[3]).hex(), POOL_THS)))
    assert (late.code, late.events) == (RejectCode.TOO_DEEP, 0)
    assert venue.state.dividends.events() == []


def test_a_tranche_that_outgrew_its_reported_pool_earns_the_block_and_no_more() -> None:
    venue = basic_venue((token_spot(0), 1_000), start_ns=(TEN_S - 60) * NS)
    venue.tell(DefineTranche("TH1A", "BTC", 0), StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    (ann,) = open_accounts(venue, "A")
    header = mine(GENESIS_HASH, TEN_S)
    venue.tell(PoolReport("TH1A", header_hash(header).hex(), 1))
    fund(venue, ann, TH1A=10**12 * TOKEN)
    venue.time_ns = (TEN_S + 10) * NS
    venue.tell(BlockConnected(header, 0, REWARD_SAT), AdvanceTime())
    (dividend,) = venue.of(DividendChanged)
    assert dividend.amount_msat == venue.pending(ann, "BTC") == REWARD_SAT * 1_000
    venue.machine.check_invariants()


def test_days_are_fixed_although_their_blocks_come_in_one_burst_after_an_outage() -> None:
    venue, _, _ = venue_at_ten("header")
    headers = mine_branch(GENESIS_HASH, TEN_S, 144 * 10)
    venue.time_ns = (TEN_S + 600 * len(headers)) * NS
    fixed = []
    for header in headers:
        venue.tell(BlockConnected(header, 0, REWARD_SAT))
        fixed += [event.day for event in venue.of(FixingPublished) if event.asset == "BTC"]
    venue.tell(AdvanceTime())
    fixed += [event.day for event in venue.of(FixingPublished) if event.asset == "BTC"]
    first = TEN_S // 86_400 + 1
    assert fixed == list(range(first, first + 9))


@pytest.mark.parametrize(("first_seen_ns", "coinbase_sat"), [(-1, REWARD_SAT), (0, 10**12 + 1)])
def test_a_block_seen_before_time_began_or_worth_more_than_any_could_be_is_refused(
    first_seen_ns: int, coinbase_sat: int
) -> None:
    venue, _, _ = venue_at_ten("clamped")
    tip = venue.state.chain.tip
    answer = venue.answer(cold(BlockConnected(mine(GENESIS_HASH, TEN_S), first_seen_ns, coinbase_sat)))
    assert (answer.code, answer.events) == (RejectCode.BAD_COMMAND, 0)
    assert venue.state.chain.tip is tip
