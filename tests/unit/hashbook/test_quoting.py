"""Goal: what the market maker wants is right before anything is sent. Method: the pure functions on worked numbers
and, for the laws, on random fair values, inventories and styles (Hypothesis)."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbook.bots.quoting import (
    BookStyle,
    Cancel,
    Edit,
    Fair,
    FairSource,
    MakerConfig,
    Place,
    Quote,
    Slot,
    diff_quotes,
    fair_value,
    plan_quotes,
    retreat,
    slot_of_label,
)
from hashbook.protocol import BUY, SELL, Instrument, Order, Ticker, json_number

D = Decimal
CONFIG = MakerConfig()
TOKEN = Instrument(
    instrument_name="TH1A_BTC",
    kind="spot",
    base_currency="TH1A",
    quote_currency="BTC",
    tick_size=D("0.00000001"),
    min_trade_amount=D(1),
)
FORWARD = Instrument(
    instrument_name="HPU_USDC-31JAN24",
    kind="future",
    base_currency="HPU",
    quote_currency="USDC",
    tick_size=D("0.01"),
    min_trade_amount=D(31),
    expiration_timestamp=1_000_000 + 2 * 2_629_800_000,
)
B0, B1, S0, S1 = Slot(BUY, 0), Slot(BUY, 1), Slot(SELL, 0), Slot(SELL, 1)


def ticker(**fields):
    return Ticker(instrument_name="x", timestamp=1_000_000, **fields)


def index(price):
    return Fair(D(price), FairSource.INDEX)


def open_order(slot, price, amount, *, filled=0, order_id="1"):
    return Order(
        order_id=order_id,
        instrument_name="x",
        direction=slot.side,
        order_type="limit",
        order_state="open",
        amount=D(amount),
        filled_amount=D(filled),
        raw_price=json_number(D(price)),
        label=slot.label("mm"),
    )


# fair value


def test_spot_is_worth_its_index_and_without_one_its_mark():
    assert fair_value(TOKEN, ticker(index_price=D(3), mark_price=D(4)), CONFIG) == Fair(D(3), FairSource.INDEX)
    assert fair_value(TOKEN, ticker(index_price=D(0), mark_price=D(4)), CONFIG) == Fair(D(4), FairSource.MARK)


def test_a_forward_two_months_away_is_worth_the_hashprice_less_two_months_of_decay():
    fair = fair_value(FORWARD, ticker(index_price=D(100)), CONFIG)
    assert fair is not None
    assert fair.price == D("98.0100")  # 100 x 0.99 x 0.99


def test_a_forward_in_its_last_days_is_worth_the_hashprice():
    late = Ticker(instrument_name="x", timestamp=FORWARD.expiration_timestamp + 5, index_price=D(100))
    assert fair_value(FORWARD, late, CONFIG) == index(100)


def test_a_token_without_any_price_is_worth_its_days_of_hashprice():
    fair = fair_value(TOKEN, ticker(), CONFIG, hashprice=D("0.002"))
    assert fair == Fair(D("0.00146"), FairSource.MODEL)  # 0.002 BTC per PH/s-day / 1000 x 730 days


def test_without_any_price_there_is_no_fair_value():
    assert fair_value(TOKEN, ticker(), CONFIG) is None
    assert fair_value(FORWARD, ticker(), CONFIG, hashprice=D(80)) is None


# the plan


def test_a_forward_is_quoted_in_lots_around_fair_on_both_sides():
    assert plan_quotes(FORWARD, index(100), D(0), CONFIG) == {
        B0: Quote(D("99.00"), D(310)),
        B1: Quote(D("98.00"), D(620)),
        S0: Quote(D("101.00"), D(310)),
        S1: Quote(D("102.00"), D(620)),
    }


def test_a_long_inventory_moves_both_sides_down_and_a_short_one_up():
    flat = plan_quotes(FORWARD, index(100), D(0), CONFIG)
    long = plan_quotes(FORWARD, index(100), D(100 * 31), CONFIG)
    short = plan_quotes(FORWARD, index(100), D(-100 * 31), CONFIG)
    for slot in (B0, S0):
        assert long[slot].price < flat[slot].price < short[slot].price


def test_a_fair_value_taken_from_the_mark_is_not_skewed_by_inventory():
    fair = Fair(D(100), FairSource.MARK)
    flat, long = (plan_quotes(FORWARD, fair, inventory, CONFIG) for inventory in (D(0), D(100 * 31)))
    assert flat[B0].price == long[B0].price


def test_at_the_inventory_limit_only_the_side_that_reduces_is_quoted():
    assert {S0, S1} == plan_quotes(FORWARD, index(100), D(200 * 31), CONFIG).keys()
    assert {B0, B1} == plan_quotes(FORWARD, index(100), D(-250 * 31), CONFIG).keys()


def test_near_the_limit_the_last_level_is_cut_to_what_is_left():
    plan = plan_quotes(FORWARD, index(100), D(185 * 31), CONFIG)
    assert (D(10 * 31), D(5 * 31)) == (plan[B0].amount, plan[B1].amount)


def test_levels_outside_the_band_of_the_venue_are_left_out():
    plan = plan_quotes(FORWARD, index(100), D(0), CONFIG, price_min=D("98.50"), price_max=D("101.50"))
    assert {B0, S0} == plan.keys()


def test_a_price_of_a_few_ticks_still_gives_separate_levels():
    plan = plan_quotes(FORWARD, index("0.02"), D(0), CONFIG)
    assert {B0: D("0.01"), S0: D("0.03"), S1: D("0.04")} == {slot: quote.price for slot, quote in plan.items()}


@given(
    price=st.integers(1, 10**8),
    inventory_lots=st.integers(-300, 300),
    size=st.integers(1, 400),
    half_spread=st.integers(2, 500),
    source=st.sampled_from(FairSource),
)
def test_a_plan_never_crosses_itself_keeps_to_steps_and_stays_within_the_limit(
    price, inventory_lots, size, half_spread, source
):
    style = BookStyle(
        half_spread_bps=half_spread,
        level_step_bps=1,
        threshold_bps=1,
        skew_bps=500,
        sizes=(D(size), D(size), D(size)),
        inventory_max=D(200),
    )
    config = MakerConfig(forward=style)
    inventory = D(inventory_lots * 31)
    plan = plan_quotes(FORWARD, Fair(D(price) / 100, source), inventory, config)
    bids = [plan[slot] for slot in sorted(plan) if slot.side == BUY]
    asks = [plan[slot] for slot in sorted(plan) if slot.side == SELL]
    if bids and asks:
        assert bids[0].price < asks[0].price
    assert all(nearer.price > further.price for nearer, further in itertools.pairwise(bids))
    assert all(nearer.price < further.price for nearer, further in itertools.pairwise(asks))
    for quote in (*bids, *asks):
        assert quote.price >= D("0.01")
        assert (quote.price % D("0.01"), quote.amount % 31) == (0, 0)
        assert quote.amount > 0
    if bids:
        assert inventory + sum(quote.amount for quote in bids) <= 200 * 31
    if asks:
        assert inventory - sum(quote.amount for quote in asks) >= -200 * 31


@pytest.mark.parametrize("threshold_bps", [0, 10])
def test_a_style_whose_quotes_could_lag_behind_fair_is_refused(threshold_bps):
    with pytest.raises(ValueError, match="threshold"):
        BookStyle(
            half_spread_bps=10,
            level_step_bps=1,
            threshold_bps=threshold_bps,
            skew_bps=1,
            sizes=(D(1),),
            inventory_max=D(1),
        )


# the difference


PLAN = {
    B0: Quote(D("99.00"), D(310)),
    B1: Quote(D("98.00"), D(620)),
    S0: Quote(D("101.00"), D(310)),
    S1: Quote(D("102.00"), D(620)),
}


def standing():
    return {
        slot: open_order(slot, quote.price, quote.amount, order_id=str(n))
        for n, (slot, quote) in enumerate(PLAN.items())
    }


def test_with_no_order_open_everything_is_placed_best_levels_first():
    actions = diff_quotes(PLAN, {}, CONFIG, FORWARD)
    assert [Place(slot, PLAN[slot]) for slot in (B0, S0, B1, S1)] == actions


def test_orders_that_stand_where_they_should_are_left_alone():
    assert diff_quotes(PLAN, standing(), CONFIG, FORWARD) == []


def test_a_move_within_the_threshold_is_left_alone_and_a_larger_one_is_edited():
    orders = standing() | {B0: open_order(B0, "98.71", 310)}  # 29.4 bps of 99.00; the threshold is 30
    assert diff_quotes(PLAN, orders, CONFIG, FORWARD) == []
    orders |= {B0: open_order(B0, "98.70", 310)}
    assert diff_quotes(PLAN, orders, CONFIG, FORWARD) == [Edit(B0, "1", PLAN[B0], D(310))]


def test_an_edit_names_the_total_with_the_filled_part():
    orders = standing() | {S0: open_order(S0, "101.00", 310, filled=186, order_id="9")}
    assert diff_quotes(PLAN, orders, CONFIG, FORWARD) == [Edit(S0, "9", PLAN[S0], D(496))]


def test_an_order_larger_than_wanted_is_cut():
    orders = standing() | {B0: open_order(B0, "99.00", 341)}
    assert diff_quotes(PLAN, orders, CONFIG, FORWARD) == [Edit(B0, "1", PLAN[B0], D(310))]


def test_an_order_that_is_not_wanted_any_more_is_cancelled_first():
    wanted = {slot: PLAN[slot] for slot in (S0, S1)}
    orders = standing()
    del orders[S1]
    assert diff_quotes(wanted, orders, CONFIG, FORWARD) == [Cancel("0"), Cancel("1"), Place(S1, PLAN[S1])]


@pytest.mark.parametrize(("shift", "first"), [(2, SELL), (-2, BUY)])
def test_the_side_that_gives_way_is_edited_first(shift, first):
    moved = {slot: Quote(quote.price + shift, quote.amount) for slot, quote in PLAN.items()}
    sides = [action.slot.side for action in diff_quotes(moved, standing(), CONFIG, FORWARD)]
    second = BUY if first == SELL else SELL
    assert [first, first, second, second] == sides


def test_a_retreat_cancels_what_should_move_and_sends_nothing_on_that_side_only():
    actions = [Cancel("1"), Edit(B0, "2", PLAN[B0], D(310)), Edit(S0, "3", PLAN[S0], D(310)), Place(B1, PLAN[B1])]
    assert retreat(actions, [BUY]) == [Cancel("1"), Cancel("2"), Edit(S0, "3", PLAN[S0], D(310))]


def test_labels_name_their_slot_and_others_are_nobodys():
    assert slot_of_label(S1.label("mm"), "mm") == S1
    for foreign in ("", "mm", "mm.buy", "mm.hold.1", "mm.buy.x", "xx.buy.0", "mm.buy.0.1"):
        assert slot_of_label(foreign, "mm") is None
