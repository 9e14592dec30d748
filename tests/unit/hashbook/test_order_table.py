"""Goal: replies and notices, looked at in either order, never invent an order. Method: both orders, by hand."""

from decimal import Decimal

import msgspec
import pytest

from hashbook.bots.order_table import OrderTable
from hashbook.bots.quoting import Slot
from hashbook.protocol import Order

SLOT = Slot("buy", 0)


def order(order_id="1", state="open", filled=0, label="mm.buy.0"):
    return Order(
        order_id=order_id,
        instrument_name="X",
        direction="buy",
        order_type="limit",
        order_state=state,
        amount=Decimal(10),
        filled_amount=Decimal(filled),
        label=label,
    )


@pytest.fixture
def table():
    return OrderTable("mm")


def test_an_open_order_stands_in_its_slot_until_it_ends(table):
    assert table.see(order())
    assert table.open_orders("X") == {SLOT: order()}
    table.see(order(state="filled", filled=10))
    assert (table.open_orders("X"), len(table)) == ({}, 0)


def test_a_reply_that_is_looked_at_after_the_fill_does_not_bring_the_order_back(table):
    table.see(order(state="filled", filled=10))
    table.see(order())
    assert table.open_orders("X") == {}


def test_a_reply_that_is_looked_at_after_a_partial_fill_does_not_undo_it(table):
    table.see(order(filled=4))
    table.see(order(filled=0))
    assert table.open_orders("X")[SLOT].filled_amount == 4


def test_a_second_open_order_in_a_slot_is_one_too_many(table):
    table.see(order("1"))
    assert not table.see(order("2"))
    assert table.open_orders("X")[SLOT].order_id == "1"


def test_the_end_of_a_surplus_order_leaves_the_slot_to_its_holder(table):
    table.see(order("1"))
    assert table.see(order("2", state="cancelled"))
    assert table.open_orders("X")[SLOT].order_id == "1"


def test_an_order_the_venue_does_not_know_any_more_frees_its_slot(table):
    table.see(order("1"))
    table.end("1")
    assert table.see(order("2"))
    assert table.open_orders("X")[SLOT].order_id == "2"


def test_orders_of_others_on_the_same_account_are_none_of_ours(table):
    assert table.see(order(label="by hand"))
    assert len(table) == 0


def test_after_forgetting_everything_the_orders_read_back_are_all_there_is(table):
    table.see(order("1"))
    table.forget_all()
    assert table.see(order("2"))
    assert {o.order_id for o in table.open_orders("X").values()} == {"2"}
    assert msgspec.structs.asdict(table.open_orders("X")[SLOT])["order_id"] == "2"
