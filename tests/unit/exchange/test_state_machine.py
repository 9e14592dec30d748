"""Goal: a state is its bytes: it loads into itself, answers alike, and a broken law is named. Method: a busy venue.

Reads change nothing; the laws are broken one by one on purpose, since a check that cannot fail proves nothing.
"""

from collections.abc import Callable

import msgspec
import pytest

from domain import commands, reads
from domain.constants import BUY, DIVIDEND_SOURCE, SELL, VM_CYCLE
from domain.ensure import InvariantViolation
from domain.events import OrderState, decode_events
from exchange.state_machine import StateMachine
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine
from tests.support.venue import BTC, TOKEN, USDC, Venue, basic_venue, btc_spot, forward, fund, open_accounts, token_spot

ANN, BEN = 16, 17


@pytest.fixture
def venue() -> Venue:
    made = basic_venue(
        (token_spot(0, rule_id=1, taker_ppm=500), 1_000), (btc_spot(1), 4_000_000),
        (forward(2, "HPU_USDC-30APR24", taker_ppm=300), 5_000),
    )  # fmt: skip
    for account in open_accounts(made, "ann", "ben"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=100 * TOKEN)
    made.tell(commands.DefineTranche("TH1A", "BTC", 0))
    made.tell(commands.StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    header = mine(made.state.chain.tip.hash, GENESIS_TIME_S + 600)
    made.tell(commands.BlockConnected(header, 0, 50 * 10**8), commands.SetPrice(43_000 * 10**6, "x", 0))
    for account, side, price in ((ANN, SELL, 1_000), (BEN, BUY, 1_000), (ANN, BUY, 900)):
        made.order(account=account, instrument=0, side=side, price_ticks=price, quantity_lots=5, label=b"label")
    for account, side, price in ((ANN, SELL, 5_000), (BEN, BUY, 5_000), (BEN, BUY, 4_900)):
        made.order(account=account, instrument=2, side=side, price_ticks=price, quantity_lots=5)
    return made


def ask(machine: StateMachine, request: reads.ReadRequest) -> reads.Answer:
    return reads.decode_answer(machine.read(reads.encode(request)))


QUESTIONS: list[reads.ReadRequest] = [
    *(kind(account) for kind in (reads.ReadOpenOrders, reads.ReadPositions, reads.ReadBalances, reads.ReadEligibility)
      for account in (ANN, BEN, 18, 0, 2**31)),
    reads.ReadDividends(ANN, 10), reads.ReadOrder(ANN, 5), reads.ReadImage(), reads.ReadDigest(), reads.ReadFacts(),
]  # fmt: skip


def test_a_loaded_state_has_the_same_bytes_and_the_same_answers(venue: Venue) -> None:
    loaded = StateMachine.load_state(venue.machine.dump_state())
    assert loaded.dump_state() == venue.machine.dump_state()
    assert (loaded.sequence, loaded.time_ns) == (venue.machine.sequence, venue.machine.time_ns)
    for question in QUESTIONS:
        assert ask(loaded, question) == ask(venue.machine, question), question
    loaded.check_invariants()


def test_questions_change_nothing(venue: Venue) -> None:
    before = venue.machine.dump_state()
    for question in QUESTIONS:
        ask(venue.machine, question)
    assert venue.machine.dump_state() == before


def test_answers_are_exact(venue: Venue) -> None:
    balances = ask(venue.machine, reads.ReadBalances(ANN))
    assert isinstance(balances, reads.BalancesAnswer)
    btc = next(view for view in balances.balances if view.asset == "BTC")
    sold, bought_fee = 5 * 1_000 * 1_000, 5 * 900 * 1_000 * 500 // 10**6
    assert (btc.posted, btc.held) == (10 * BTC + sold, 5 * 900 * 1_000 + bought_fee)
    positions = ask(venue.machine, reads.ReadPositions(BEN))
    assert isinstance(positions, reads.PositionsAnswer)
    (position,) = positions.positions
    assert (position.lots, position.buy_lots, position.average_price_ticks_e6) == (5, 5, 5_000 * 10**6)
    orders = ask(venue.machine, reads.ReadOpenOrders(ANN))
    assert isinstance(orders, reads.OrdersAnswer)
    (order,) = decode_events(orders.frames)
    assert isinstance(order, OrderState)
    assert (order.price_ticks, order.label, order.account) == (900, "label", ANN)
    image = ask(venue.machine, reads.ReadImage())
    assert isinstance(image, reads.ImageAnswer)
    assert [(book.bids, book.asks, book.open_interest_lots) for book in image.books] == [
        (((900, 5),), (), 0), ((), (), 0), (((4_900, 5),), (), 5)
    ]  # fmt: skip
    digest = ask(venue.machine, reads.ReadDigest())
    assert isinstance(digest, reads.DigestAnswer)
    assert (digest.digest, digest.invariants) == (venue.machine.digest(), "ok")


def test_a_dump_of_another_version_or_a_cut_one_is_refused(venue: Venue) -> None:
    image = msgspec.msgpack.decode(venue.machine.dump_state())
    with pytest.raises(ValueError, match="version 99"):
        StateMachine.load_state(msgspec.msgpack.encode({**image, "version": 99}))
    with pytest.raises(msgspec.DecodeError):
        StateMachine.load_state(venue.machine.dump_state()[:-5])
    with pytest.raises((InvariantViolation, msgspec.DecodeError)):
        StateMachine.load_state(msgspec.msgpack.encode({**image, "core": image["core"][:-9]}))


BREAKS: dict[str, tuple[Callable[[Venue], object], str]] = {
    "a hold without an order": (lambda v: v.state.core.ledger.hold(ANN, 0, 1), "for its open orders only"),
    "a promise that is not kept": (lambda v: v.state.core.ledger.release(ANN, 0, 1), "for its open orders only"),
    "money in the cycle account": (lambda v: v.state.core.ledger.deposit(VM_CYCLE, 1, 5), "variation margin account"),
    "money in the dividend source": (lambda v: v.state.core.ledger.deposit(DIVIDEND_SOURCE, 0, 5), "source is empty"),
    "a pending credit nobody owes": (lambda v: v.state.core.ledger.add_pending(BEN, 0, 5), "pending"),
    "tokens without a trace": (lambda v: v.state.core.ledger.deposit(BEN, 2, 5), "timeline and ledger agree"),
    "a trace without tokens": (
        lambda v: v.state.core.timeline.add(v.time_ns, BEN, 2, 5), "timeline and ledger agree"
    ),
    "a gain nobody made": (lambda v: v.state.core.margin.add_unsettled(ANN, 0, 1), "unsettled variation margin"),
    "a one-sided position": (lambda v: v.state.core.positions.fill(ANN, 2, 1, 5_000), "sum to zero"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_named(venue: Venue, name: str) -> None:
    act, text = BREAKS[name]
    venue.machine.check_invariants()
    act(venue)
    with pytest.raises(InvariantViolation, match=text):
        venue.machine.check_invariants()
    digest = ask(venue.machine, reads.ReadDigest())
    assert isinstance(digest, reads.DigestAnswer)
    assert text in digest.invariants
