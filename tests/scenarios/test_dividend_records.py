"""Goal: the published dividend scenarios come out to the unit, and the block's time decides who is paid.

Method: CLR-07 and CLR-09 with their own figures (each says its unit), then whole stories: a chain of headers, a
timeline of token movements, and the dividend book between them.
"""

from datetime import UTC, datetime

import pytest

from clearing.chain import ConnectResult, HeaderChain
from clearing.dividend_book import DividendBook
from clearing.dividends import (
    DividendEvent,
    DividendSource,
    DividendState,
    RecordTimes,
    dividend_msat,
    manufactured_legs,
    record_time_ns,
)
from clearing.headers import header_hash, previous_hash
from clearing.rounding import split_largest_remainder
from tests.reference.dividends import Movement, holdings
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine_branch, regtest_chain

NS = 10**9
ANN, BEN, CID, DOT, EVE = 101, 102, 103, 104, 105


# ---- CLR-07: a dividend with a loan ----


@pytest.mark.parametrize(
    ("unit", "reward", "total", "parts", "manufactured"),
    [
        (
            "satoshi",
            2_508_000_000,
            69_507_428,
            {ANN: 27_802_971, BEN: 17_376_857, CID: 10_426_114, EVE: 13_901_486},
            13_901_485,
        ),
        (
            "millisatoshi",
            2_508_000_000_000,
            69_507_428_571,
            {ANN: 27_802_971_428, BEN: 17_376_857_143, CID: 10_426_114_286, EVE: 13_901_485_714},
            13_901_485_714,
        ),
    ],
    ids=["as published, in satoshi", "in the ledger unit"],
)
def test_clr_07_a_dividend_with_lending(
    unit: str, reward: int, total: int, parts: dict[int, int], manufactured: int
) -> None:
    # 25.08 BTC found by a pool of 3,500 TH/s; the tranche is 100 TH/s; the fee is 3 %.
    amount = dividend_msat(reward_msat=reward, supply_units=100_000, pool_units=3_500_000, fee_ppm=30_000)
    assert amount == total

    # Cid lent 20 to Dot, who sold them to Eve: Eve is a holder, Dot is not.
    held = {ANN: 40_000, BEN: 25_000, CID: 15_000, EVE: 20_000}
    assert dict(zip(held, split_largest_remainder(amount, list(held.values())), strict=True)) == parts

    legs = manufactured_legs([(CID, DOT, 20_000)], amount, 100_000)
    assert legs == [(DOT, CID, manufactured)]
    net = dict(parts)
    net[DOT] = -manufactured
    net[CID] += manufactured
    if unit == "satoshi":
        assert (net[CID], net[DOT]) == (24_327_599, -13_901_485)
    assert sum(net.values()) == total, "lending moves money between two people and none in or out"


# ---- CLR-09: record times of real blocks whose times go back ----


def at(clock: str) -> int:
    """Unix seconds of a clock time; the rule does not depend on the day."""
    return int(datetime.fromisoformat(f"2011-01-01T{clock}").replace(tzinfo=UTC).timestamp())


HEADER_TIMES = {
    145_044: "15:46:39",
    145_045: "16:05:07",
    145_046: "16:00:05",
    145_047: "15:53:36",
    145_048: "16:04:06",
}


def block_id(height: int) -> bytes:
    return height.to_bytes(32, "big")


def clamped_times(seen: dict[int, str]) -> dict[int, str]:
    times = RecordTimes()
    result = {}
    for height, clock in HEADER_TIMES.items():
        if height not in seen:
            break
        record_ns = times.add(
            block_hash=block_id(height),
            previous_hash=block_id(height - 1),
            height=height,
            header_time_s=at(clock),
            first_seen_ns=at(seen[height]) * NS,
        )
        result[height] = datetime.fromtimestamp(record_ns // NS, UTC).strftime("%H:%M:%S")
    return result


def test_clr_09_clamped_times_hold_while_headers_go_back() -> None:
    seen_with_header_or_later = dict.fromkeys(HEADER_TIMES, "16:10:00")
    assert clamped_times(seen_with_header_or_later) == {
        145_044: "15:46:39",
        145_045: "16:05:07",
        145_046: "16:05:07",
        145_047: "16:05:07",
        145_048: "16:05:07",
    }


def test_clr_09_a_block_seen_before_its_own_time_is_recorded_when_seen() -> None:
    seen = {145_044: "15:47:00", 145_045: "15:58:00", 145_046: "16:00:05", 145_047: "16:01:00"}
    assert clamped_times(seen) == {
        145_044: "15:46:39",
        145_045: "15:58:00",
        145_046: "16:00:05",
        145_047: "16:00:05",
    }


def test_clr_09_literal_mode_keeps_the_headers() -> None:
    for clock in HEADER_TIMES.values():
        record_ns = record_time_ns("header", header_time_s=at(clock), first_seen_ns=0, previous_ns=10**18)
        assert record_ns == at(clock) * NS


# ---- stories ----


class Venue:
    """Chain, timeline and book wired as the exchange wires them; one tranche whose pool finds every reported block."""

    def __init__(self, term: str) -> None:
        self.term = term
        self.chain: HeaderChain = regtest_chain()
        self.times = RecordTimes()
        self.book = DividendBook()
        self.movements = [Movement(0, ANN, 60_000), Movement(0, BEN, 40_000)]
        self.reports: set[bytes] = set()
        self.paid: list[tuple[bytes, dict[int, int]]] = []

    def trade(self, time_s: int, seller: int, buyer: int, units: int) -> None:
        self.movements += [Movement(time_s * NS, seller, -units), Movement(time_s * NS, buyer, units)]

    def report(self, header: bytes) -> None:
        self.reports.add(header_hash(header))

    def block(self, header: bytes, seen_s: int) -> ConnectResult:
        result = self.chain.connect(header, seen_s * NS)
        assert isinstance(result, ConnectResult)
        for block in result.disconnected:
            self.book.void(block.hash)
        for block in result.connected:
            clamped_ns = self.times.add(
                block_hash=block.hash,
                previous_hash=previous_hash(block.header),
                height=block.height,
                header_time_s=block.time_s,
                first_seen_ns=block.first_seen_ns,
            )
            if block.hash in self.reports:
                record_ns = clamped_ns if self.term == "clamped" else block.time_s * NS
                opened = self.book.open(
                    DividendSource("TH1A", block.hash, block.height, record_ns, block.first_seen_ns, 10**9, 10**8, 0)
                )
                assert isinstance(opened, DividendEvent)
        self.clock(seen_s)
        return result

    def clock(self, now_s: int) -> None:
        for event in self.book.ripe(now_s * NS):
            held = holdings(self.movements, event.source.record_time_ns)
            self.book.entitle(event, held, sum(held.values()))
        tip = self.chain.tip.height
        for event in self.book.due(tip):
            posted = self.book.post(event, tip)
            self.paid.append((posted.source.block_hash, {leg.account: leg.amount_msat for leg in posted.legs}))
        self.book.check_invariants()

    def bury(self, header: bytes, count: int, *, salt: int = 0) -> None:
        first_s = self.chain.block(header_hash(header)).time_s + 600
        for index, following in enumerate(mine_branch(header_hash(header), first_s, count, salt=salt)):
            self.block(following, first_s + 600 * index + 10)


START_S = GENESIS_TIME_S + 6_000


def first_block(salt: int = 0, time_s: int = START_S) -> bytes:
    return mine_branch(header_hash(GENESIS_HEADER), time_s, 1, salt=salt)[0]


def test_tokens_sold_between_the_blocks_time_and_its_arrival_still_pay_the_seller() -> None:
    venue, found = Venue("header"), first_block()
    venue.report(found)
    venue.trade(START_S - 5, BEN, EVE, 10_000)  # before the block's time: Eve is a holder of record
    venue.trade(START_S, BEN, DOT, 10_000)  # in the very second: counts
    venue.trade(START_S + 5, ANN, CID, 60_000)  # after it, though the block is not seen yet: Cid bought ex dividend
    venue.block(found, seen_s=START_S + 10)
    pending = venue.book.event("TH1A", header_hash(found))
    assert pending.state is DividendState.PENDING
    of_record = {leg.account: leg.quantity_units for leg in pending.legs}
    assert of_record == {ANN: 60_000, BEN: 20_000, DOT: 10_000, EVE: 10_000}
    venue.bury(found, 98)
    assert venue.paid == []
    venue.bury(venue.chain.tip.header, 1)
    assert venue.paid == [(header_hash(found), {ANN: 600_000, BEN: 200_000, DOT: 100_000, EVE: 100_000})]


def test_a_header_from_the_future_pays_whoever_holds_when_that_time_comes() -> None:
    venue, found = Venue("header"), first_block(time_s=START_S + 3_600)
    venue.report(found)
    venue.block(found, seen_s=START_S)
    assert venue.book.event("TH1A", header_hash(found)).state is DividendState.WAITING
    venue.trade(START_S + 1_800, ANN, CID, 60_000)
    venue.clock(START_S + 3_600)
    assert venue.book.event("TH1A", header_hash(found)).state is DividendState.WAITING
    venue.clock(START_S + 3_601)
    venue.bury(found, 99)
    assert venue.paid == [(header_hash(found), {BEN: 400_000, CID: 600_000})]


def test_under_the_clamped_term_the_same_header_pays_whoever_held_when_it_was_seen() -> None:
    venue, found = Venue("clamped"), first_block(time_s=START_S + 3_600)
    venue.report(found)
    venue.block(found, seen_s=START_S)
    venue.trade(START_S + 1_800, ANN, CID, 60_000)
    venue.clock(START_S + 1)
    venue.bury(found, 99)
    assert venue.paid == [(header_hash(found), {ANN: 600_000, BEN: 400_000})]


def test_a_reorg_there_and_back_pays_once_and_the_loser_never() -> None:
    venue = Venue("header")
    found, rival = first_block(salt=1), first_block(salt=2)
    venue.report(found)
    venue.report(rival)
    venue.block(found, seen_s=START_S + 1)
    venue.block(rival, seen_s=START_S + 2)
    assert venue.book.event("TH1A", header_hash(rival)) is None, "a branch that is not selected earns nothing"
    venue.bury(rival, 1, salt=2)  # the rival's branch leads
    assert venue.book.event("TH1A", header_hash(found)).state is DividendState.VOIDED
    assert venue.book.event("TH1A", header_hash(rival)).state is DividendState.PENDING
    venue.bury(found, 2, salt=1)  # and loses again
    assert venue.book.event("TH1A", header_hash(rival)).state is DividendState.VOIDED
    back = venue.book.event("TH1A", header_hash(found))
    assert (back.state, back.attempt) == (DividendState.PENDING, 2)
    venue.bury(venue.chain.tip.header, 97)
    assert venue.paid == [(header_hash(found), {ANN: 600_000, BEN: 400_000})]
    venue.bury(venue.chain.tip.header, 20)
    assert len(venue.paid) == 1


def test_a_reorg_at_depth_99_leaves_nothing_paid() -> None:
    venue = Venue("header")
    found, rival = first_block(salt=1), first_block(salt=2)
    venue.report(found)
    venue.block(found, seen_s=START_S + 1)
    venue.block(rival, seen_s=START_S + 2)
    venue.bury(found, 98, salt=1)
    venue.bury(rival, 99, salt=2)
    assert venue.chain.is_selected(header_hash(rival))
    venue.bury(venue.chain.tip.header, 120, salt=2)
    assert venue.paid == []
    assert venue.book.event("TH1A", header_hash(found)).state is DividendState.VOIDED
