"""Goal: quotes, protection, auctions, spreads and kill switches do over a real websocket what the dialect says. Method:
the server over the real core in this process's event loop; one scenario each."""

from pathlib import Path
from typing import Any

import msgspec

from domain.book_rules import BookRules
from domain.commands import Claim, ListInstrument, SetIdentity, SetPhase, new_order
from domain.constants import BUY, PHASE_CONTINUOUS, PHASE_OPENING
from domain.instruments import KIND_COMBO
from gateway.ws_server import Server
from tests.integration.websocket_traders import FORWARD, ORDERS, TOKEN, Trader, run
from tests.unit.gateway.inprocess import CAROL, FORWARD_DAYS, HPU, START_NS, TH1A_USDC, InProcessLink, market


def test_a_mass_quote_with_one_bad_quote_sets_the_others_and_replaces_them_under_their_ids(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await alice.result("private/enable_cancel_on_disconnect")
        await alice.result("private/set_mmp_config", index_name="all", interval=60, frozen_time=30)
        bid, ask = {"price": 19, "amount": 5}, {"price": 21, "amount": 5}
        good = {"instrument_name": TOKEN, "quote_set_id": "A1", "bid": bid, "ask": ask}
        bad = {"instrument_name": TOKEN, "quote_set_id": "A2", "bid": bid | {"price": 10**9}}
        params: dict[str, Any] = {"quote_id": "1", "mmp_group": "1", "detailed": True}
        answer = await alice.result("private/mass_quote", **params, quotes=[good, bad])
        assert [("bid", 10007)] == [(row["side"], row["error"]["code"]) for row in answer["errors"]]
        first = [order["order_id"] for order in answer["orders"]]
        assert 2 == len(first)
        moved = good | {"bid": bid | {"price": 19.5}}
        answer = await alice.result("private/mass_quote", **params, quotes=[moved])
        assert first == [order["order_id"] for order in answer["orders"]]
        assert [19.5, 21] == [order["price"] for order in answer["orders"]]
        assert 2 == await alice.result("private/cancel_quotes", cancel_type="quote_set_id", quote_set_id="A1")
        assert 0 == await alice.result("private/cancel_quotes", cancel_type="all")

    run(tmp_path, body)


def test_protection_withdraws_a_groups_quotes_and_refuses_new_ones_until_it_is_reset(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        channel = "user.mmp_trigger.all"
        await alice.result("private/subscribe", channels=[channel])
        await alice.result("private/enable_cancel_on_disconnect")
        limits = {"index_name": "all", "interval": 60, "frozen_time": 0, "quantity_limit": 3, "mmp_group": "2"}
        await alice.result("private/set_mmp_config", **limits)
        quotes = [{"instrument_name": TOKEN, "bid": {"price": 19, "amount": 9}, "ask": {"price": 21, "amount": 9}}]
        params: dict[str, Any] = {"quote_id": "1", "mmp_group": "2", "quotes": quotes}
        assert 0 == (await alice.result("private/mass_quote", **params))["errors_count"]
        await bob.place("sell", 5, 19)
        await alice.result("public/test")
        assert [("2", 0)] == [(note["mmp_group"], note["frozen_until"]) for note in alice.notes[channel]]
        assert [] == await alice.result("private/get_open_orders")
        reasons = {order["cancel_reason"] for order in alice.notes[ORDERS] if order["order_state"] == "cancelled"}
        assert {"mmp_trigger"} == reasons
        answer = await alice.result("private/mass_quote", **params)
        assert [20007, 20007] == [row["error"]["code"] for row in answer["errors"]]
        assert ["2"] == [row["mmp_group"] for row in await alice.result("private/get_mmp_status")]
        await alice.result("private/reset_mmp", index_name="all", mmp_group="2")
        assert 0 == (await alice.result("private/mass_quote", **params))["errors_count"]

    run(tmp_path, body)


def test_an_auction_tells_what_would_trade_and_trades_it_at_one_price(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        channel = f"x.auction.{TOKEN}"
        await alice.result("public/subscribe", channels=[channel, "instrument.state.spot.any"])
        for phase in (4, PHASE_OPENING):
            link.command(SetPhase(TH1A_USDC, phase))
        await alice.place("buy", 5, 20.5, x_good_for_auction=True)
        await bob.place("sell", 3, 19.5)
        error = await bob.error("private/buy", instrument_name=TOKEN, amount=1, price=19, time_in_force="fill_or_kill")
        assert (error["code"], error["data"]["reject"]) == (20009, "phase")
        told = await alice.result("public/x/get_auction", instrument_name=TOKEN)
        assert ("opening_auction", 3, 2) == (told["phase"], told["indicative_amount"], told["imbalance"])
        assert told["indicative_price"] == alice.notes[channel][-1]["indicative_price"] == 20.5
        link.command(SetPhase(TH1A_USDC, PHASE_CONTINUOUS))
        await alice.result("public/test")
        trades = await alice.result("private/get_user_trades_by_instrument", instrument_name=TOKEN)
        assert [(20.5, 3, True)] == [(row["price"], row["amount"], row["x_auction"]) for row in trades["trades"]]
        assert "continuous" == alice.notes[channel][-1]["phase"]
        last = alice.notes[ORDERS][-1]
        assert (last["order_state"], last["cancel_reason"]) == ("cancelled", "auction_end")
        assert ["halted", "started", "started"] == [note["state"] for note in alice.notes["instrument.state.spot.any"]]

    run(tmp_path, body)


def test_a_position_is_closed_by_an_order_that_only_reduces(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        order = {"instrument_name": FORWARD, "amount": 2 * FORWARD_DAYS, "price": 60}
        await bob.result("private/sell", **order)
        await alice.result("private/buy", **order)
        await bob.result("private/buy", **order | {"price": 59.9})
        closed = await alice.result("private/close_position", instrument_name=FORWARD, type="market")
        assert (closed["order"]["direction"], closed["order"]["reduce_only"]) == ("sell", True)
        assert closed["order"]["filled_amount"] == 2 * FORWARD_DAYS
        error = await alice.error("private/close_position", instrument_name=FORWARD, type="market")
        assert error["code"] == 11030

    run(tmp_path, body)


def test_a_spread_is_listed_implies_and_trades_with_its_legs(tmp_path: Path) -> None:
    back, spread = "HPU_USDC-29FEB24", "HPU_USDC-FS-29FEB24_31JAN24"

    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        front = market()[HPU]
        later = msgspec.structs.replace(front, instrument_id=5, name=back)
        rules = BookRules(band_high_ticks=199_999, price_bias_ticks=100_000, lots_max=100_000)
        combo = msgspec.structs.replace(
            front, instrument_id=6, name=spread, kind=KIND_COMBO, legs=((HPU, 1), (5, -1)), rules=rules
        )
        link.command(ListInstrument(later, 6_100, 6_100))
        link.command(ListInstrument(combo, 0))
        assert [spread] == await alice.result("public/get_combo_ids", currency="any")
        lot = {"amount": FORWARD_DAYS}
        await bob.result("private/sell", instrument_name=FORWARD, price=60, **lot)
        claims = tuple(Claim(topic, 2 * START_NS) for topic in ("kyc", "professional"))
        link.command(SetIdentity(CAROL, "CH", claims))  # of a step nobody may own two orders
        link.send_commands(new_order(account=CAROL, instrument=5, side=BUY, price_ticks=6_100, quantity_lots=1))
        book = await alice.result("public/get_order_book", instrument_name=spread)
        assert (None, [-1, FORWARD_DAYS]) == (book["x_implied_bid"], book["x_implied_ask"])
        answer = await alice.result("private/buy", instrument_name=spread, price=-1, **lot)
        assert answer["order"]["order_state"] == "filled"
        positions = await alice.result("private/get_positions", currency="any")
        sizes = {row["instrument_name"]: row["size"] for row in positions}
        assert {FORWARD: FORWARD_DAYS, back: -FORWARD_DAYS} == sizes

    run(tmp_path, body)


def test_a_kill_switch_cancels_and_refuses_until_it_is_off(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await alice.place("buy", 1, 19)
        await bob.place("buy", 1, 18)
        await alice.result("private/x/set_kill_switch", on=True)
        assert [] == await alice.result("private/get_open_orders")
        error = await alice.error("private/buy", instrument_name=TOKEN, amount=1, price=19)
        assert (error["code"], error["message"]) == (20013, "kill_switch")
        assert 1 == len(await bob.result("private/get_open_orders"))
        await alice.result("private/x/set_kill_switch", on=False)
        await alice.place("buy", 1, 19)

    run(tmp_path, body)
