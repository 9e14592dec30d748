"""Goal: what one sent twice changes nothing, what is gone is said to be, and who must be stopped is.

Method: client order ids, ended orders, filters, kill switches and disconnects through the state machine.
Rules ORD-013..015, ORD-050..060.
"""

from typing import Any

import pytest

from domain import commands
from domain.commands import SetCancelOnDisconnect, SetKillSwitch
from domain.constants import (
    BUY,
    COMMAND_NEW_ORDER,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_OPEN,
    REASON_DISCONNECT,
    REASON_KILL_SWITCH,
    REASON_USER,
    SELL,
)
from domain.events import CommandApplied, KillSwitchSet, OrderState
from domain.instruments import DAY_NS
from domain.rejects import RejectCode
from exchange.record import from_clients_of
from exchange.state_machine import StateMachine
from tests.support.venue import BTC, SMALL, TOKEN, USDC, Venue, basic_venue, btc_spot, fund, open_accounts, token_spot

ANN, BEN = 16, 17


@pytest.fixture
def venue() -> Venue:
    made = basic_venue((token_spot(0), 1_000), (btc_spot(1), 4_000_000))
    for account in open_accounts(made, "ann", "ben"):
        fund(made, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
    return made


def place(venue: Venue, account: int, side: int, price_ticks: int, lots: int, **fields: Any) -> CommandApplied:
    return venue.order(
        account=account, side=side, price_ticks=price_ticks, quantity_lots=lots, **{"instrument": 0, **fields}
    )


def report(venue: Venue) -> list[tuple[int, int, int]]:
    return [(order.order_id, order.state, order.filled_lots) for order in venue.of(OrderState)]


def test_ord_051_a_repeat_is_answered_with_the_first_order(venue: Venue) -> None:
    first = place(venue, ANN, BUY, 900, 2, client_id=b"mine", label=b"grid")
    assert first.code == 0
    before = venue.machine.digest(), venue.machine.sequence
    again = place(venue, ANN, BUY, 901, 7, client_id=b"mine")
    assert (again.code, again.value) == (0, first.sequence)
    assert report(venue) == [(first.sequence, ORDER_OPEN, 0)]
    assert [(o.label, o.client_id, o.price_ticks) for o in venue.of(OrderState)] == [("grid", "mine", 900)]
    assert [o.order_id for o in venue.resting(ANN)] == [first.sequence]
    assert place(venue, BEN, BUY, 901, 1, client_id=b"mine").value == 0
    assert venue.machine.sequence == before[1] + 2


def test_ord_051_a_repeat_of_an_order_that_ended_tells_how(venue: Venue) -> None:
    first = place(venue, ANN, BUY, 900, 2, client_id=b"mine").sequence
    place(venue, BEN, SELL, 900, 2)
    loaded = StateMachine.load_state(venue.machine.dump_state())
    assert loaded.digest() == venue.machine.digest()
    venue.machine = loaded
    assert place(venue, ANN, BUY, 900, 2, client_id=b"mine").value == first
    assert report(venue) == [(first, ORDER_FILLED, 2)]


def test_ord_051_an_id_whose_order_is_forgotten_is_refused(venue: Venue) -> None:
    first = place(venue, ANN, BUY, 900, 1, client_id=b"mine").sequence
    venue.answer(commands.cancel_order(account=ANN, order_id=first))
    other = 0
    while other % SMALL.closed_orders_max != first % SMALL.closed_orders_max:
        other = place(venue, BEN, BUY, 900, 1).sequence
        venue.answer(commands.cancel_order(account=BEN, order_id=other))
    answer = place(venue, ANN, BUY, 900, 1, client_id=b"mine")
    assert (answer.code, answer.value) == (RejectCode.DUPLICATE_CLIENT_ID, first)
    assert venue.answer(commands.cancel_order(account=ANN, order_id=first)).code == RejectCode.UNKNOWN_ORDER


def test_ord_051_ids_are_of_one_utc_day_and_a_refused_order_uses_none(venue: Venue) -> None:
    assert place(venue, ANN, BUY, 2**26, 10**9, client_id=b"mine").code != 0
    first = place(venue, ANN, BUY, 900, 1, client_id=b"mine")
    assert first.value == 0
    venue.time_ns += DAY_NS
    second = place(venue, ANN, BUY, 900, 1, client_id=b"mine")
    assert (second.code, second.value) == (0, 0)
    assert len(venue.resting(ANN)) == 2


def test_ord_051_the_ids_of_a_day_are_bounded(venue: Venue) -> None:
    for number in range(SMALL.client_ids_max):
        order = place(venue, ANN, BUY, 900, 1, client_id=b"%d" % number)
        assert order.code == 0
        venue.answer(commands.cancel_order(account=ANN, order_id=order.sequence))
    assert place(venue, ANN, BUY, 900, 1, client_id=b"more").code == RejectCode.CLIENT_IDS_FULL
    assert place(venue, ANN, BUY, 900, 1).code == 0


def test_ord_050_ones_own_order_that_is_gone_is_said_to_be(venue: Venue) -> None:
    filled = place(venue, ANN, BUY, 900, 2).sequence
    place(venue, BEN, SELL, 900, 2)
    closed = place(venue, ANN, BUY, 800, 1).sequence
    venue.answer(commands.cancel_order(account=ANN, order_id=closed))
    answer = venue.answer(commands.cancel_order(account=ANN, order_id=filled))
    assert (answer.code, answer.value) == (RejectCode.ORDER_ALREADY_FILLED, 2)
    answer = venue.answer(commands.amend_order(account=ANN, order_id=closed, price_ticks=1, total_lots=1))
    assert (answer.code, answer.detail, answer.value) == (RejectCode.ORDER_ALREADY_CLOSED, REASON_USER, 0)
    for order_id in (filled, closed, 10**9):
        assert venue.answer(commands.cancel_order(account=BEN, order_id=order_id)).code == RejectCode.UNKNOWN_ORDER


def test_ord_014_mass_cancel_takes_what_passes_every_filter(venue: Venue) -> None:
    ids = {
        name: place(venue, ANN, BUY, price, 1, **fields).sequence
        for name, price, fields in (
            ("plain", 900, {}), ("grid", 890, {"label": b"grid"}), ("low", 100, {"label": b"grid"}),
            ("quote", 880, {"quote": True, "quote_set": 3}), ("other quote", 870, {"quote": True, "quote_set": 4}),
        )
    }  # fmt: skip

    def gone(**filters: Any) -> set[str]:
        copy = StateMachine.load_state(venue.machine.dump_state())
        kept, venue.machine = venue.machine, copy
        answer = venue.answer(commands.cancel_all(account=ANN, **filters))
        found = {name for name, i in ids.items() if (i, ORDER_CANCELLED, 0) in report(venue)}
        assert answer.value == len(found)
        venue.machine.check_invariants()
        venue.machine = kept
        return found

    assert gone() == set(ids)
    assert gone(price_low_ticks=880, price_high_ticks=890) == {"grid", "quote"}
    assert gone(label=b"grid") == {"grid", "low"}
    assert gone(label=b"grid", price_low_ticks=101) == {"grid"}
    assert gone(only_quotes=True) == {"quote", "other quote"}
    assert gone(quote_set=4) == {"other quote"}
    assert gone(mmp=1) == set()


@pytest.mark.parametrize(("scope", "number"), [("key", 7), ("account", ANN), ("instrument", 0), ("venue", 0)])
def test_ord_060_a_kill_switch_cancels_and_refuses_until_it_is_off(venue: Venue, scope: str, number: int) -> None:
    order_id = place(venue, ANN, BUY, 900, 1, key=7).sequence
    other = place(venue, BEN, BUY, 900, 1, instrument=1).sequence
    venue.tell(SetKillSwitch(scope, number, True, "test"))
    assert [(o.order_id, o.reason) for o in venue.of(OrderState)][:1] == [(order_id, REASON_KILL_SWITCH)]
    assert venue.of(KillSwitchSet) == [KillSwitchSet(scope, number, True, "test")]
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    answer = place(venue, ANN, BUY, 900, 1, key=7)
    assert (answer.code, answer.detail) == (
        RejectCode.KILLED, ("key", "account", "instrument", "venue").index(scope) + 1
    )  # fmt: skip
    if scope != "venue":
        assert place(venue, BEN, BUY, 901, 1, instrument=1).code == 0
        assert venue.answer(commands.cancel_order(account=BEN, order_id=other)).code == 0
    venue.tell(SetKillSwitch(scope, number, True, "again"), SetKillSwitch(scope, number, False))
    assert place(venue, ANN, BUY, 900, 1, key=7).code == 0
    venue.machine.check_invariants()


@pytest.mark.parametrize(("scope", "number"), [("key", 7), ("account", ANN)])
def test_ord_061_a_client_does_not_switch_off_what_the_venue_switched_on(venue: Venue, scope: str, number: int) -> None:
    own = f"own_{scope}"
    venue.tell(SetKillSwitch(scope, number, True), SetKillSwitch(own, number, True), SetKillSwitch(own, number, False))
    venue.tell(SetKillSwitch(own, number, False))
    venue.machine = StateMachine.load_state(venue.machine.dump_state())
    assert place(venue, ANN, BUY, 900, 1, key=7).code == RejectCode.KILLED
    venue.tell(SetKillSwitch(own, number, True), SetKillSwitch(scope, number, False))
    assert place(venue, ANN, BUY, 900, 1, key=7).code == RejectCode.KILLED
    venue.tell(SetKillSwitch(own, number, False))
    assert place(venue, ANN, BUY, 900, 1, key=7).code == 0
    venue.machine.check_invariants()


def test_ord_015_the_last_session_of_an_account_that_asked_takes_all_of_its_orders(venue: Venue) -> None:
    one, two = 1 << 32 | 1, 1 << 32 | 2
    first = place(venue, ANN, BUY, 900, 1, origin=one).sequence
    asked = place(venue, ANN, BUY, 901, 1, origin=two, cancel_on_disconnect=True).sequence
    bens = place(venue, BEN, BUY, 902, 1, origin=two).sequence
    venue.answer(commands.cancel_session(origin=two, account=ANN))
    assert [(o.order_id, o.reason) for o in venue.of(OrderState)] == [(asked, REASON_DISCONNECT)]
    venue.tell(SetCancelOnDisconnect(ANN, True))
    venue.answer(commands.cancel_session(origin=one, account=ANN))
    assert [o.order_id for o in venue.of(OrderState)] == [first]
    second = place(venue, ANN, BUY, 900, 1, origin=one).sequence
    venue.answer(commands.cancel_gateway(origin=one))
    assert [o.order_id for o in venue.of(OrderState)] == [second]
    assert [o.order_id for o in venue.resting(BEN)] == [bens]


def test_a_gateway_may_send_what_its_clients_ask_for_and_nothing_of_the_venue() -> None:
    mine = 3 << 32 | 9
    for command in (SetCancelOnDisconnect(ANN, True), commands.SetProtection(ANN, 1, window_ns=1)):
        assert from_clients_of(commands.cold(command, origin=mine), 3)
        assert not from_clients_of(commands.cold(command, origin=mine), 4)
    for scope in ("own_key", "own_account"):
        assert from_clients_of(commands.cold(SetKillSwitch(scope, ANN, False), origin=mine), 3)
    for scope in ("key", "account", "instrument", "venue", "planet"):
        assert not from_clients_of(commands.cold(SetKillSwitch(scope, 0, True), origin=mine), 3)
    assert not from_clients_of(commands.cold(commands.BustTrade(1), origin=mine), 3)
    assert COMMAND_NEW_ORDER == 1
