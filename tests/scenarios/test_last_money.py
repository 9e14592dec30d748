"""Goal: whoever sells above its limit with its last money pays what it has, and no account is ever overdrawn.

Method: an account that lost nearly everything closes in an auction, as a peg, as a strip and at an implied price, far
above its limit each time; every law after that. Rule FEE-005.
"""

import pytest

from domain.commands import ListInstrument, RunVariationMargin, SetPhase
from domain.constants import BUY, FEES, PHASE_CONTINUOUS, PHASE_OPENING, SELL
from domain.events import Trade
from tests.scenarios.test_combos import combo
from tests.scenarios.test_variation_margin import set_mark
from tests.support.venue import USDC, Venue, basic_venue, forward, fund, open_accounts

ANN, BEN, CID = 16, 17, 18
FIRST, SECOND, STRIP = 0, 1, 2
MARK, DEAR = 3_280, 90_000


@pytest.fixture
def venue() -> Venue:
    """Ann is long one lot of both months, and paid nearly all of her money for it."""
    months = [forward(number, f"HPU_USDC-{number}", taker_ppm=3_000, maker_ppm=3_000) for number in (FIRST, SECOND)]
    made = basic_venue(*((month, 5_000) for month in months))
    made.tell(ListInstrument(combo(STRIP, "HPU_USDC-STRIP", ((FIRST, 1), (SECOND, 1)), 0, 199_999), 0))
    open_accounts(made, "ann", "ben", "cid")
    fund(made, ANN, USDC=1_060 * USDC)
    fund(made, BEN, USDC=10**6 * USDC)
    fund(made, CID, USDC=10**6 * USDC)
    for number in (FIRST, SECOND):
        place(made, BEN, number, SELL, 5_000)
        place(made, ANN, number, BUY, 5_000)
    for number in (FIRST, SECOND):
        set_mark(made, number, MARK)
    made.tell(RunVariationMargin(1))
    assert made.posted(ANN, "USDC") == 19 * USDC
    return made


def place(venue: Venue, account: int, instrument: int, side: int, price: int, lots: int = 1, peg: int = 0) -> None:
    answer = venue.order(
        account=account, instrument=instrument, side=side, price_ticks=price, quantity_lots=lots, peg=peg
    )  # fmt: skip
    assert answer.code == 0


def check(venue: Venue, before: int) -> None:
    """Ann gave all she had, the house got it, and what is printed is what was paid."""
    paid = sum(
        (trade.maker_account == ANN) * trade.maker_fee + (trade.taker_account == ANN) * trade.taker_fee
        for trade in venue.of(Trade)
    )
    others = sum(trade.maker_fee + trade.taker_fee for trade in venue.of(Trade)) - paid
    assert paid == 19 * USDC
    assert (venue.posted(ANN, "USDC"), venue.held(ANN, "USDC")) == (0, 0)
    assert venue.posted(FEES, "USDC") == before + paid + others
    venue.machine.check_invariants()


def test_fee_005_in_an_auction(venue: Venue) -> None:
    venue.tell(SetPhase(FIRST, PHASE_OPENING))
    place(venue, ANN, FIRST, SELL, MARK)
    place(venue, BEN, FIRST, BUY, DEAR, 2)
    before = venue.posted(FEES, "USDC")
    venue.tell(SetPhase(FIRST, PHASE_CONTINUOUS))
    assert venue.trades() == [(DEAR, 1)]
    check(venue, before)


def test_fee_005_as_a_peg(venue: Venue) -> None:
    place(venue, BEN, FIRST, SELL, DEAR)
    place(venue, ANN, FIRST, SELL, MARK, peg=2)
    before = venue.posted(FEES, "USDC")
    place(venue, CID, FIRST, BUY, DEAR, 2)
    assert venue.trades() == [(DEAR, 1), (DEAR, 1)]
    check(venue, before)


def test_fee_005_as_a_strip_that_takes(venue: Venue) -> None:
    place(venue, BEN, STRIP, BUY, 2 * DEAR)
    before = venue.posted(FEES, "USDC")
    place(venue, ANN, STRIP, SELL, 2 * MARK)
    assert venue.trades() == [(2 * DEAR, 1), (DEAR, 1), (DEAR, 1)]
    check(venue, before)


def test_fee_005_as_a_strip_in_an_auction(venue: Venue) -> None:
    venue.tell(SetPhase(STRIP, PHASE_OPENING))
    place(venue, ANN, STRIP, SELL, 2 * MARK)
    place(venue, BEN, STRIP, BUY, 2 * DEAR, 2)
    before = venue.posted(FEES, "USDC")
    venue.tell(SetPhase(STRIP, PHASE_CONTINUOUS))
    check(venue, before)


def test_fee_005_against_an_implied_price(venue: Venue) -> None:
    place(venue, BEN, STRIP, BUY, MARK + DEAR)
    place(venue, CID, SECOND, SELL, MARK)
    before = venue.posted(FEES, "USDC")
    place(venue, ANN, FIRST, SELL, MARK)
    assert venue.trades() == [(DEAR, 1), (MARK, 1)]
    check(venue, before)
