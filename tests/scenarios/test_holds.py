"""Goal: money is promised once, a promise given back is whole, and both legs of a spot trade move together.

Method: CLR-24 at the ledger's door and as orders; fees to the unit. Rules HOLD-001..005, FEE-001, FEE-002, DVP-001.
"""

import pytest

from clearing.ledger import Ledger
from domain import commands
from domain.constants import BUY, FEES, SELL
from domain.rejects import RejectCode
from tests.reference.ledger import PlainLedger
from tests.support.venue import BTC, TOKEN, Venue, basic_venue, fund, open_accounts, token_spot

SAT = 1_000


def test_clr_24_five_holds_fit_in_five_thousand_and_a_sixth_does_not() -> None:
    ledger = Ledger(32, 2)
    for account in (16, 17):
        ledger.open_account(account)
    assert ledger.deposit(16, 0, 5_000)
    assert [ledger.hold(16, 0, 1_000) for _ in range(6)] == [True] * 5 + [False]
    ledger.release(16, 0, 1_000)  # void one
    assert ledger.hold(16, 0, 1_000)
    ledger.post_hold(16, 17, 0, 1_000, 600)
    assert (ledger.posted(16, 0), ledger.held(16, 0), ledger.posted(17, 0)) == (4_400, 4_000, 600)
    ledger.check_invariants()


def test_clr_24_in_the_plain_ledger() -> None:
    ledger = PlainLedger()
    ledger.deposit(16, 0, 5_000)
    holds = [ledger.hold(16, 0, 1_000) for _ in range(6)]
    assert None not in holds[:5]
    assert holds[5] is None
    assert holds[0] is not None
    assert holds[1] is not None
    ledger.void(holds[0])
    assert ledger.hold(16, 0, 1_000) is not None
    ledger.post(holds[1], 17, 600)
    assert (ledger.posted[16, 0], ledger.held(16, 0), ledger.free(16, 0)) == (4_400, 4_000, 400)


def clr_24_venue() -> tuple[Venue, int, int]:
    """A buyer with 5,000 satoshis and a seller with tokens; no fees; one tick of one lot is one satoshi."""
    venue = basic_venue((token_spot(0), 1_000))
    buyer, seller = open_accounts(venue, "buyer", "seller")
    fund(venue, buyer, BTC=5_000 * SAT)
    fund(venue, seller, TH1A=100 * TOKEN)
    return venue, buyer, seller


def test_clr_24_as_orders() -> None:
    venue, buyer, seller = clr_24_venue()
    answers = [venue.order(account=buyer, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=1) for _ in range(6)]
    assert [answer.code for answer in answers] == [0] * 5 + [RejectCode.INSUFFICIENT_BALANCE]
    assert (answers[5].detail, answers[5].value) == (venue.asset("BTC"), 1_000 * SAT)
    assert venue.held(buyer, "BTC") == 5_000 * SAT

    assert venue.answer(commands.cancel_order(account=buyer, order_id=answers[0].sequence)).code == 0
    assert venue.order(account=buyer, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=1).code == 0
    assert venue.held(buyer, "BTC") == 5_000 * SAT

    # A better price pays 600 of a hold of 1,000 and 400 return: the buyer takes instead of resting.
    venue.answer(commands.cancel_all(account=buyer))
    venue.order(account=seller, instrument=0, side=SELL, price_ticks=600, quantity_lots=1)
    venue.order(account=buyer, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=5)
    assert venue.trades() == [(600, 1)]
    assert (venue.posted(buyer, "BTC"), venue.held(buyer, "BTC")) == (4_400 * SAT, 4_000 * SAT)
    assert venue.posted(buyer, "TH1A") == TOKEN
    assert venue.posted(seller, "BTC") == 600 * SAT
    venue.machine.check_invariants()


def test_an_order_for_more_tokens_than_are_free_is_refused_with_what_is_missing() -> None:
    venue, _, seller = clr_24_venue()
    assert venue.order(account=seller, instrument=0, side=SELL, price_ticks=900, quantity_lots=60).code == 0
    answer = venue.order(account=seller, instrument=0, side=SELL, price_ticks=900, quantity_lots=41)
    assert (answer.code, answer.detail, answer.value) == (
        RejectCode.INSUFFICIENT_BALANCE, venue.asset("TH1A"), 1 * TOKEN
    )  # fmt: skip
    assert venue.held(seller, "TH1A") == 60 * TOKEN


@pytest.mark.parametrize("taker_side", [BUY, SELL])
def test_fees_are_rounded_up_per_fill_and_go_to_the_house(taker_side: int) -> None:
    venue = basic_venue((token_spot(0, taker_ppm=333, maker_ppm=77), 1_000))
    buyer, seller = open_accounts(venue, "buyer", "seller")
    fund(venue, buyer, BTC=BTC)
    fund(venue, seller, TH1A=10 * TOKEN)
    for side in (1 - taker_side, taker_side):
        account = buyer if side == BUY else seller
        venue.order(account=account, instrument=0, side=side, price_ticks=1_001, quantity_lots=7)
    value = 7 * 1_001 * SAT  # 7,007,000: 333 ppm = 2333.331, 77 ppm = 539.539
    fees = {taker_side: 2_334, 1 - taker_side: 540}
    assert venue.posted(buyer, "BTC") == BTC - value - fees[BUY]
    assert venue.posted(seller, "BTC") == value - fees[SELL]
    assert venue.posted(FEES, "BTC") == 2_334 + 540
    assert (venue.held(buyer, "BTC"), venue.held(seller, "TH1A")) == (0, 0)


def test_a_hold_covers_the_dearer_of_both_fees_and_what_is_not_used_returns() -> None:
    venue = basic_venue((token_spot(0, taker_ppm=1_000, maker_ppm=2_500), 1_000))
    buyer, seller = open_accounts(venue, "buyer", "seller")
    fund(venue, buyer, BTC=1_002_500)  # 1,000 satoshis and the maker fee, exactly
    fund(venue, seller, TH1A=TOKEN)
    assert venue.order(account=buyer, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=1).code == 0
    assert venue.held(buyer, "BTC") == 1_002_500
    venue.order(account=seller, instrument=0, side=SELL, price_ticks=1_000, quantity_lots=1)
    assert (venue.posted(buyer, "BTC"), venue.held(buyer, "BTC")) == (0, 0)
    assert venue.posted(FEES, "BTC") == 2_500 + 1_000


def test_what_a_partly_filled_order_holds_is_what_its_rest_needs() -> None:
    venue, buyer, seller = clr_24_venue()
    order_id = venue.order(account=buyer, instrument=0, side=BUY, price_ticks=700, quantity_lots=5).sequence
    venue.order(account=seller, instrument=0, side=SELL, price_ticks=700, quantity_lots=2)
    assert venue.held(buyer, "BTC") == 3 * 700 * SAT
    venue.answer(commands.amend_order(account=buyer, order_id=order_id, price_ticks=700, total_lots=3))
    assert venue.held(buyer, "BTC") == 700 * SAT
    venue.answer(commands.amend_order(account=buyer, order_id=order_id, price_ticks=800, total_lots=4))
    assert venue.held(buyer, "BTC") == 2 * 800 * SAT
    venue.answer(commands.amend_order(account=buyer, order_id=order_id, price_ticks=800, total_lots=2))
    assert (venue.held(buyer, "BTC"), venue.resting(buyer)) == (0, [])


def test_an_amend_beyond_the_balance_is_refused_and_nothing_changed() -> None:
    venue, buyer, _ = clr_24_venue()
    order_id = venue.order(account=buyer, instrument=0, side=BUY, price_ticks=1_000, quantity_lots=5).sequence
    before = venue.resting(buyer)
    answer = venue.answer(commands.amend_order(account=buyer, order_id=order_id, price_ticks=1_001, total_lots=5))
    assert (answer.code, answer.value, answer.events) == (RejectCode.INSUFFICIENT_BALANCE, 5 * SAT, 0)
    assert (venue.resting(buyer), venue.held(buyer, "BTC")) == (before, 5_000 * SAT)
