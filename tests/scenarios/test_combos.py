"""Goal: spreads and strips trade as their legs, and never beyond what was promised.

Method: direct, implied and auction trades of combos through the state machine, every law checked after each command.
Rules COMBO-001..008, MATCH-110..116.
"""

import random
from typing import Any

import pytest
from msgspec.structs import replace

from domain import commands
from domain.book_rules import BookRules
from domain.commands import CloseInstrument, ListInstrument, RunVariationMargin, SetKillSwitch, SetPhase
from domain.constants import (
    BUY,
    PHASE_CONTINUOUS,
    PHASE_OPENING,
    SELL,
    TRADE_AUCTION,
    TRADE_COMBO,
    TRADE_COMBO_LEG,
    TRADE_IMPLIED,
)
from domain.events import CommandApplied, Trade
from domain.instruments import KIND_COMBO, Instrument
from domain.rejects import RejectCode
from tests.scenarios.test_variation_margin import set_mark
from tests.support.venue import CENT, START_NS, USDC, Venue, basic_venue, forward, fund, open_accounts

ANN, BEN, CID = 16, 17, 18
BIAS = 100_000
SPREAD, STRIP = 3, 4


def combo(number: int, name: str, legs: tuple[tuple[int, int], ...], bias: int, high: int, **terms: Any) -> Instrument:
    return Instrument(
        number, name, KIND_COMBO, "HPU", "USDC", 10**6, 10**8, CENT, 0,
        BookRules(band_high_ticks=high, lots_max=20_000, price_bias_ticks=bias), 0, 0, 0, START_NS, legs=legs, **terms,
    )  # fmt: skip


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (forward(0, "HPU_USDC-30APR24", taker_ppm=300, maker_ppm=100), 5_000),
        (forward(1, "HPU_USDC-31MAY24", days=31, taker_ppm=300, maker_ppm=100), 5_100),
        (forward(2, "HPU_USDC-30JUN24", taker_ppm=300, maker_ppm=100), 5_200),
        spread_ppm=100_000,
    )  # fmt: skip
    made.tell(ListInstrument(combo(SPREAD, "HPU_USDC-CS-30APR24_31MAY24", ((0, 1), (1, -1)), BIAS, 2 * BIAS - 1), 0))
    made.tell(ListInstrument(combo(STRIP, "HPU_USDC-Q-24Q2", ((0, 1), (1, 1), (2, 1)), 0, 299_999), 0))
    for account in open_accounts(made, "ann", "ben", "cid"):
        fund(made, account, USDC=10**6 * USDC)
    return made


def place(venue: Venue, account: int, instrument: int, side: int, price: int, lots: int, **f: Any) -> CommandApplied:
    answer = venue.order(
        account=account, instrument=instrument, side=side, price_ticks=price, quantity_lots=lots, **f
    )  # fmt: skip
    venue.machine.check_invariants()
    return answer


def prints(venue: Venue) -> list[tuple[int, int, int, int]]:
    return [(trade.instrument, trade.price_ticks, trade.quantity_lots, trade.flags) for trade in venue.of(Trade)]


def positions(venue: Venue, account: int) -> tuple[int, ...]:
    return tuple(venue.position(account, instrument) for instrument in range(3))


def test_combo_005_a_spread_prints_the_near_leg_at_its_mark(venue: Venue) -> None:
    assert place(venue, ANN, SPREAD, SELL, -130, 5).code == 0
    assert venue.state.core.depth(SPREAD, 5) == ([], [(-130, 5)])
    assert venue.resting(ANN)[0].price_ticks == -130
    assert place(venue, BEN, SPREAD, BUY, -120, 2).code == 0
    assert prints(venue) == [
        (SPREAD, -130, 2, TRADE_COMBO), (0, 5_000, 2, TRADE_COMBO_LEG), (1, 5_130, 2, TRADE_COMBO_LEG)
    ]  # fmt: skip
    assert (positions(venue, ANN), positions(venue, BEN)) == ((-2, 2, 0), (2, -2, 0))
    values = (30 * CENT * 5_000 * 2, 31 * CENT * 5_130 * 2)
    fees = [-(-value * ppm // 10**6) for value in values for ppm in (100, 300)]
    assert [fee for t in venue.of(Trade)[1:] for fee in (t.maker_fee, t.taker_fee)] == fees


def test_combo_005_a_strip_shares_the_difference_to_the_marks(venue: Venue) -> None:
    place(venue, ANN, STRIP, SELL, 15_304, 3)
    place(venue, BEN, STRIP, BUY, 15_304, 3)
    assert [p[:2] for p in prints(venue)] == [(STRIP, 15_304), (0, 5_002), (1, 5_101), (2, 5_201)]
    assert positions(venue, BEN) == (3, 3, 3)


def test_combo_006_implied_in_trades_each_leg_with_its_maker(venue: Venue) -> None:
    place(venue, ANN, 0, SELL, 5_010, 5)
    place(venue, BEN, 1, BUY, 5_090, 4)
    taker = place(venue, CID, SPREAD, BUY, -80, 6)
    assert taker.code == 0
    flags = TRADE_IMPLIED
    assert prints(venue) == [(0, 5_010, 4, flags), (1, 5_090, 4, flags)]
    assert (positions(venue, CID), positions(venue, ANN), positions(venue, BEN)) == ((4, -4, 0), (-4, 0, 0), (0, 4, 0))
    assert [(o.price_ticks, o.filled_lots, o.notional_ticks) for o in venue.resting(CID)] == [(-80, 4, -320)]


def test_combo_006_implied_out_puts_the_combo_order_in_the_middle(venue: Venue) -> None:
    spread = place(venue, ANN, SPREAD, SELL, -100, 3).sequence
    place(venue, BEN, 0, BUY, 5_000, 10)
    place(venue, CID, 1, SELL, 5_100, 2)
    # The spread's seller sells April to the bid at 5,000 and buys May at 5,000 + 100.
    flags = TRADE_IMPLIED | TRADE_COMBO_LEG
    assert prints(venue) == [(1, 5_100, 2, flags), (0, 5_000, 2, flags)]
    assert (positions(venue, ANN), positions(venue, BEN), positions(venue, CID)) == ((-2, 2, 0), (2, 0, 0), (0, -2, 0))
    own = [o for o in venue.resting(ANN) if o.order_id == spread]
    assert [(o.filled_lots, o.notional_ticks) for o in own] == [(2, -200)]
    assert own[0].fee == sum(t.maker_fee for t in venue.of(Trade) if t.maker_account == ANN) + sum(
        t.taker_fee for t in venue.of(Trade) if t.taker_account == ANN
    )


def test_combo_002_and_003_an_order_promises_the_worst_of_its_legs(venue: Venue) -> None:
    place(venue, ANN, SPREAD, BUY, -100, 10)
    core = venue.state.core
    assert venue.held(ANN, "USDC") > 0
    # Bought at the difference of the marks: the scan ranges of both legs, each as an order of its own.
    v, w, *_ = core.margin.vectors(ANN, 0)
    assert v == [0] * 16
    assert max(w) >= 10 * min(core.psr(0), core.psr(1))
    cheap = core.margin.maintenance(ANN, 0)
    place(venue, BEN, SPREAD, BUY, 400, 10)
    assert core.margin.maintenance(BEN, 0) >= cheap + 10 * 500 * 30 * CENT
    poor = open_accounts(venue, "poor")[0]
    fund(venue, poor, USDC=5 * USDC)
    assert place(venue, poor, SPREAD, BUY, -100, 10).code == RejectCode.INSUFFICIENT_BALANCE
    fund(venue, poor, USDC=5_000 * USDC)
    assert place(venue, poor, SPREAD, BUY, -100, 10).code == RejectCode.INSUFFICIENT_MARGIN


def test_combo_004_a_price_that_no_leg_prices_make_is_refused(venue: Venue) -> None:
    assert place(venue, ANN, STRIP, BUY, 2, 1).code == RejectCode.PRICE_BAND
    assert place(venue, ANN, STRIP, SELL, 3, 1).code == 0
    assert place(venue, ANN, SPREAD, BUY, -99_999, 1).code == 0
    assert place(venue, ANN, SPREAD, BUY, -100_000, 1).code == RejectCode.PRICE_BAND


def test_combo_007_an_auction_of_a_combo_trades_its_legs(venue: Venue) -> None:
    venue.tell(SetPhase(SPREAD, PHASE_OPENING))
    place(venue, ANN, SPREAD, BUY, -90, 2)
    place(venue, BEN, SPREAD, SELL, -90, 2)
    venue.tell(SetPhase(SPREAD, PHASE_CONTINUOUS))
    flags = TRADE_AUCTION | TRADE_COMBO_LEG
    assert prints(venue)[1:] == [(0, 5_000, 2, flags), (1, 5_090, 2, flags)]
    venue.machine.check_invariants()


def test_combo_008_a_combo_closes_with_its_first_leg(venue: Venue) -> None:
    place(venue, ANN, SPREAD, BUY, -90, 2)
    place(venue, ANN, STRIP, BUY, 15_000, 2)
    venue.tell(CloseInstrument(2))
    assert [venue.state.core.is_open(number) for number in range(5)] == [True, True, False, True, False]
    assert [o.instrument for o in venue.resting(ANN)] == [SPREAD]
    venue.machine.check_invariants()


def test_combo_001_only_spreads_and_strips_of_open_forwards_are_listed(venue: Venue) -> None:
    for legs in (((0, 1),), ((0, 1), (0, -1)), ((0, 1), (1, 2)), ((0, -1), (1, -1)), ((0, 1), (3, 1)), ((0, 1), (9, 1)),
                 ((0, 1), (1, 1), (2, -1))):  # fmt: skip
        made = combo(5, "HPU_USDC-CS-X", legs, 0, 299_999)
        assert venue.answer(commands.cold(ListInstrument(made, 0))).code == RejectCode.BAD_COMMAND, legs


def test_marks_and_cycles_keep_every_law_while_combos_rest_and_trade(venue: Venue) -> None:
    rand = random.Random(7)
    ids: list[tuple[int, int]] = []
    for number in range(250):
        draw = rand.random()
        if draw < 0.75:
            instrument = rand.choice((0, 1, 2, SPREAD, SPREAD, STRIP))
            middle = {0: 5_000, 1: 5_100, 2: 5_200, SPREAD: -100, STRIP: 15_300}[instrument]
            account = rand.choice((ANN, BEN, CID))
            answer = venue.order(
                account=account, instrument=instrument, side=rand.choice((BUY, SELL)),
                price_ticks=middle + rand.randint(-8, 8), quantity_lots=rand.randint(1, 6),
                stp=rand.choice((0, 1, 2, 4)), time_in_force=rand.choice((0, 0, 0, 1, 2)),
                post_only=rand.choice((0, 0, 0, 1, 2)), display_lots=0,
            )  # fmt: skip
            ids.append((account, answer.sequence))
        elif draw < 0.9:
            account, order_id = rand.choice(ids)
            venue.answer(
                commands.amend_order(
                    account=account, order_id=order_id, price_ticks=rand.choice((-98, 5_000, 5_101, 15_301)),
                    total_lots=rand.randint(1, 9),
                )
            )  # fmt: skip
        elif draw < 0.95:
            set_mark(venue, rand.randrange(3), 5_000 + rand.randint(-40, 240))
        else:
            venue.tell(RunVariationMargin(number))
        venue.machine.check_invariants()
    loaded = type(venue.machine).load_state(venue.machine.dump_state())
    loaded.check_invariants()
    assert loaded.digest() == venue.machine.digest()
    assert venue.state.core.tape(SPREAD)[0] > 0


def test_combo_003_no_number_of_lots_is_so_large_that_it_passes_the_position_limit() -> None:
    venue = basic_venue((forward(0, "HPU_USDC-30APR24"), 5_000), (forward(1, "HPU_USDC-30JUN24"), 5_200))
    spread = combo(2, "HPU_USDC-CS-30APR24_30JUN24", ((0, 1), (1, -1)), BIAS, 2 * BIAS - 1)
    tiny = forward(3, "HPU_USDC-1", days=1, unit=1, high=1)
    for listed, mark_ticks in ((spread, 0), (tiny, 1)):
        rules = replace(listed.rules, lots_max=2**63 - 1)
        venue.tell(ListInstrument(replace(listed, rules=rules), mark_ticks, mark_ticks))
    for account in open_accounts(venue, "ann"):
        fund(venue, account, USDC=10**6 * USDC)
    for instrument, price_ticks in ((2, -300), (3, 1)):
        assert place(venue, ANN, instrument, BUY, price_ticks, 5).code == 0
        assert place(venue, ANN, instrument, BUY, price_ticks, 2**63 - 1).code == RejectCode.POSITION_LIMIT
        assert [order.total_lots for order in venue.resting(ANN) if order.instrument == instrument] == [5]


def test_ord_060_a_kill_switch_of_a_leg_stops_the_combos_over_it(venue: Venue) -> None:
    assert place(venue, ANN, SPREAD, BUY, -100, 5).code == 0
    assert place(venue, ANN, 2, BUY, 5_000, 5).code == 0
    venue.tell(SetKillSwitch("instrument", 1, True, "test"))
    assert [order.instrument for order in venue.resting(ANN)] == [2]
    answer = place(venue, BEN, SPREAD, SELL, -100, 5)
    assert (answer.code, answer.detail) == (RejectCode.KILLED, 3)
    assert place(venue, BEN, STRIP, SELL, 15_300, 5).code == RejectCode.KILLED
    assert place(venue, BEN, 2, SELL, 5_100, 5).code == 0
    venue.tell(SetKillSwitch("instrument", 1, False))
    assert place(venue, BEN, SPREAD, SELL, -100, 5).code == 0
