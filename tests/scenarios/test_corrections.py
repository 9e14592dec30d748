"""Goal: a wrong trade is made up for to the unit, or refused as a whole.

Method: spot and forward trades, cycles in between, then busts and corrections. Rules ORD-070..074.
"""

from typing import Any

import pytest

from domain import commands
from domain.commands import AdvanceTime, BustTrade, CorrectTrade, RunVariationMargin
from domain.constants import BUY, SELL
from domain.events import Trade, TradeBusted, TradeCorrected
from domain.rejects import RejectCode
from exchange.final_settlement import settle_finally
from tests.scenarios.test_variation_margin import set_mark
from tests.support.venue import (
    BTC,
    CENT,
    NS,
    START_NS,
    TOKEN,
    USDC,
    Venue,
    basic_venue,
    forward,
    fund,
    open_accounts,
    token_spot,
)

ANN, BEN = 16, 17
TICK = 1_000


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (token_spot(0, taker_ppm=2_000, maker_ppm=1_000), 1_000),
        (forward(1, "HPU_USDC-30APR24", taker_ppm=300, maker_ppm=100), 5_000),
    )  # fmt: skip
    for account in open_accounts(made, "ann", "ben"):
        fund(made, account, USDC=10**5 * USDC, BTC=1 * BTC, TH1A=1_000 * TOKEN)
    return made


def trade(venue: Venue, instrument: int, price: int, lots: int) -> int:
    """Ben sells to Ann; the trade's id."""
    for account, side in ((BEN, SELL), (ANN, BUY)):
        fields: dict[str, Any] = {"account": account, "side": side, "price_ticks": price, "quantity_lots": lots}
        assert venue.order(instrument=instrument, **fields).code == 0
    return venue.of(Trade)[-1].trade_id


def books(venue: Venue) -> list[int]:
    return [venue.posted(account, name) for account in (ANN, BEN, 2) for name in ("BTC", "USDC", "TH1A")]


def test_ord_071_a_bust_of_a_spot_trade_gives_everything_back(venue: Venue) -> None:
    before = books(venue)
    number = trade(venue, 0, 1_000, 30)
    assert books(venue) != before
    venue.tell(BustTrade(number))
    assert venue.of(TradeBusted) == [TradeBusted(number, 0, ANN, BEN, 1_000, 30)]
    assert books(venue) == before
    assert venue.answer(commands.cold(BustTrade(number))).code == RejectCode.TRADE_ALREADY_BUSTED
    assert venue.answer(commands.cold(CorrectTrade(number, 1))).code == RejectCode.TRADE_ALREADY_BUSTED
    assert venue.answer(commands.cold(BustTrade(number + 1))).code == RejectCode.UNKNOWN_TRADE
    venue.machine.check_invariants()


def test_ord_071_who_no_longer_has_it_cannot_give_it_back(venue: Venue) -> None:
    number = trade(venue, 0, 1_000, 30)
    venue.order(account=ANN, instrument=0, side=SELL, price_ticks=5_000, quantity_lots=1_010)
    before = books(venue)
    answer = venue.answer(commands.cold(BustTrade(number)))
    assert (answer.code, answer.detail, answer.value) == (
        RejectCode.INSUFFICIENT_BALANCE, venue.asset("TH1A"), 10 * TOKEN
    )  # fmt: skip
    assert books(venue) == before


def test_ord_073_a_bust_of_a_forward_is_settled_by_the_next_cycle(venue: Venue) -> None:
    before = books(venue)
    number = trade(venue, 1, 5_000, 4)
    set_mark(venue, 1, 5_050)
    venue.tell(RunVariationMargin(1))
    venue.tell(BustTrade(number))
    assert (venue.position(ANN, 1), venue.position(BEN, 1)) == (0, 0)
    venue.machine.check_invariants()
    venue.tell(RunVariationMargin(2))
    assert books(venue) == before
    venue.machine.check_invariants()


def test_ord_072_a_correction_moves_the_difference(venue: Venue) -> None:
    spot = trade(venue, 0, 1_000, 30)
    ann, ben = venue.posted(ANN, "BTC"), venue.posted(BEN, "BTC")
    venue.tell(CorrectTrade(spot, 990))
    assert venue.of(TradeCorrected) == [TradeCorrected(spot, 0, ANN, BEN, 1_000, 990, 30)]
    assert (venue.posted(ANN, "BTC") - ann, venue.posted(BEN, "BTC") - ben) == (300 * TICK, -300 * TICK)
    forward_trade = trade(venue, 1, 5_000, 4)
    venue.tell(CorrectTrade(forward_trade, 4_990))
    before = venue.posted(ANN, "USDC")
    venue.tell(RunVariationMargin(1))
    assert venue.posted(ANN, "USDC") - before == 4 * 10 * 30 * CENT
    assert venue.answer(commands.cold(CorrectTrade(spot, 2**26))).code == RejectCode.PRICE_BAND
    venue.machine.check_invariants()


def test_ord_074_what_is_finally_settled_stands() -> None:
    venue = basic_venue((token_spot(0), 1_000), (forward(1, "HPU_USDC-X", expiry_ns=START_NS + 60 * NS), 5_000))
    for account in open_accounts(venue, "ann", "ben"):
        fund(venue, account, USDC=10**5 * USDC)
    number = trade(venue, 1, 5_000, 4)
    venue.tell(AdvanceTime(), after_ns=61 * NS)
    settle_finally(venue.state, "USDC", {1: 30 * 5_100})
    venue.state.core.take_events()
    before = books(venue)
    for command in (BustTrade(number), CorrectTrade(number, 6_000)):
        assert venue.answer(commands.cold(command)).code == RejectCode.INSTRUMENT_CLOSED
    assert (venue.position(ANN, 1), venue.position(BEN, 1), books(venue)) == (0, 0, before)
    venue.machine.check_invariants()


def test_ord_070_only_recent_trades_are_kept(venue: Venue) -> None:
    first = trade(venue, 0, 1_000, 1)
    for _ in range(venue.state.limits.trades_kept_max):
        last = trade(venue, 0, 1_000, 1)
    assert venue.answer(commands.cold(BustTrade(first))).code == RejectCode.UNKNOWN_TRADE
    loaded = type(venue.machine).load_state(venue.machine.dump_state())
    assert loaded.digest() == venue.machine.digest()
    venue.machine = loaded
    venue.tell(BustTrade(last))
