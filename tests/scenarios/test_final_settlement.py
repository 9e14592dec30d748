"""Goal: a forward lives and ends as its terms say, on the real January 2024 chain. Method: one position opened before
the month, every block of the bundled headers, cycles three times a day; then cash is compared with the sum of fixings.
"""

from fractions import Fraction
from itertools import pairwise

import pytest

from clearing.headers import header_hash
from domain import commands, reads
from domain.constants import BUY, SELL
from domain.events import FixingPublished, ForwardSettled, decode_events
from domain.limits import Limits
from domain.units import NS_PER_S
from exchange.record import stamp_records
from exchange.state_machine import StateMachine
from runtime.block_feed import FileBlockSource
from runtime.demo import FIRST_HEIGHT, HEADERS_PATH, PRICES_PATH, TOTALS_PATH, genesis, price_at, read_prices

START_NS = 1_703_311_200 * NS_PER_S
ALICE, BOB = 17, 18
HPU_JANUARY, HPB_JANUARY = 3, 39
DAYS = 31
JANUARY_FIRST = 19_723  # days since 1970


class Venue:
    """The demo market without processes."""

    def __init__(self) -> None:
        self.machine = StateMachine.create(Limits())
        self.events: list[object] = []
        self.send(START_NS, *genesis(START_NS))

    def send(self, time_ns: int, *records: bytes) -> None:
        batch = bytearray(b"".join(records))
        stamp_records(batch, self.machine.sequence + 1, time_ns)
        self.events += decode_events(self.machine.apply(batch))

    def posted(self, account: int) -> dict[str, int]:
        answer = reads.decode_answer(self.machine.read(reads.encode(reads.ReadBalances(account))))
        return {view.asset: view.posted for view in answer.balances}

    def lots(self, account: int) -> dict[int, int]:
        answer = reads.decode_answer(self.machine.read(reads.encode(reads.ReadPositions(account))))
        return {view.instrument: view.lots for view in answer.positions}


@pytest.fixture(scope="module")
def january() -> tuple[Venue, dict[int, dict[str, int]], dict[int, dict[str, int]]]:
    """A venue after January 2024: (venue, balances after the trades, balances at the end)."""
    venue = Venue()
    for instrument, price_ticks in ((HPU_JANUARY, 7_500), (HPB_JANUARY, 171_000)):
        orders = [
            commands.new_order(account=a, instrument=instrument, side=s, price_ticks=price_ticks, quantity_lots=10)
            for a, s in ((ALICE, BUY), (BOB, SELL))
        ]
        venue.send(START_NS, *orders)
    opened = {account: venue.posted(account) for account in (ALICE, BOB)}
    prices = read_prices(PRICES_PATH)
    source = FileBlockSource(HEADERS_PATH, FIRST_HEIGHT, totals_path=TOTALS_PATH, after_height=FIRST_HEIGHT)
    cycle = 0
    for block in source.take_due(START_NS + 42 * 86_400 * NS_PER_S):
        now_ns = block.first_seen_ns
        parts = [
            commands.BlockConnected(block.header, now_ns, block.coinbase_total_sat or -1),
            commands.SetPrice(price_at(prices, now_ns // NS_PER_S), "synthetic", 0),
            commands.AdvanceTime(),
        ]
        if now_ns // (8 * 3_600 * NS_PER_S) > cycle:
            cycle = now_ns // (8 * 3_600 * NS_PER_S)
            parts += [commands.UpdateMarks(), commands.RunVariationMargin(cycle)]
        venue.send(now_ns, *(commands.cold(part) for part in parts))
    return venue, opened, {account: venue.posted(account) for account in (ALICE, BOB)}


def test_the_month_settles_once_on_the_sum_of_its_daily_fixings(january) -> None:
    venue = january[0]
    for instrument, asset in ((HPU_JANUARY, "USDC"), (HPB_JANUARY, "BTC")):
        fixings = {e.day: e.ticks for e in venue.events if isinstance(e, FixingPublished) and e.asset == asset}
        settled = [e for e in venue.events if isinstance(e, ForwardSettled) and e.instrument_id == instrument]
        assert len(settled) == 1
        expected = sum(fixings[JANUARY_FIRST + day] for day in range(DAYS))
        assert expected == settled[0].fixings_ticks
        assert venue.lots(ALICE) == {} == venue.lots(BOB)


def test_cash_over_the_whole_life_is_sum_of_fixings_minus_price_to_the_unit(january) -> None:
    venue, opened, ended = january
    for instrument, asset, unit, price_ticks in (
        (HPU_JANUARY, "USDC", 10_000, 7_500),
        (HPB_JANUARY, "BTC", 1_000, 171_000),
    ):
        fixings_ticks = venue.machine.state.settled[instrument]
        expected = 10 * unit * (fixings_ticks - DAYS * price_ticks)
        assert expected == ended[ALICE][asset] - opened[ALICE][asset]
        assert -expected == ended[BOB][asset] - opened[BOB][asset]
    venue.machine.check_invariants()


def test_a_fixing_is_the_time_weighted_mean_of_the_index_rounded_half_even_once(january) -> None:
    venue = january[0]
    day = JANUARY_FIRST + 30
    points = [point for point in venue.machine.state.index.points if point.value_msat is not None]
    start_s, end_s = day * 86_400, (day + 1) * 86_400
    moments = [start_s, *(p.time_s for p in points if start_s < p.time_s < end_s), end_s]
    total = Fraction(0)
    for left, right in pairwise(moments):
        value = [p.value_msat for p in points if p.time_s <= left][-1]
        total += Fraction(value) * (right - left)
    assert round(total / 86_400 / 1_000) == venue.machine.state.fixings["BTC"][day]


def test_the_last_block_of_the_feed_is_the_tip_of_the_best_chain(january) -> None:
    venue = january[0]
    tip = venue.machine.state.chain.tip
    assert header_hash(tip.header) == tip.hash
    assert tip.height > 827_000
