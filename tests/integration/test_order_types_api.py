"""Goal: every kind of order does over a real websocket what the dialect says. Method: the server over the real core in
this process's event loop; one scenario per kind, watched through the client's own channels; then the how-to page."""

import asyncio
import base64
import http.client
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from domain.book_rules import BookRules
from domain.commands import Claim, ListInstrument, SetIdentity, SetPhase, new_order
from domain.constants import BUY, PHASE_CONTINUOUS, PHASE_OPENING
from domain.instruments import KIND_COMBO
from gateway.config import GatewayConfig
from gateway.ws_server import Server, serve
from tests.unit.gateway.inprocess import (
    CAROL,
    FORWARD_DAYS,
    HPU,
    SECRET,
    START_NS,
    TH1A_USDC,
    InProcessLink,
    market,
    write_keys,
)

TIMEOUT_S = 20
TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
ORDERS, L3, L2 = "user.orders.any.any.raw", f"x.l3.{TOKEN}", f"book.{TOKEN}.raw"
ROOT = Path(__file__).parents[2]


class Trader:
    """One websocket; notifications are kept by channel."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.notes: dict[str, list[Any]] = {}
        self._id = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A request; its whole reply."""
        self._id += 1
        await self.socket.send(json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(await self.socket.recv())
            if message.get("id") == self._id:
                return message
            note = message["params"]
            self.notes.setdefault(note["channel"], []).append(note["data"])

    async def result(self, method: str, **params: Any) -> Any:
        """A request that must succeed; everything that was sent before its reply is in `notes`."""
        reply = await self.call(method, **params)
        assert "error" not in reply, reply
        return reply["result"]

    async def error(self, method: str, **params: Any) -> dict[str, Any]:
        """A request that must be refused."""
        reply = await self.call(method, **params)
        assert "error" in reply, reply
        error: dict[str, Any] = reply["error"]
        return error

    async def place(self, side: str, amount: Any, price: Any = None, **more: Any) -> dict[str, Any]:
        """An order in the token that must be taken."""
        params = {"instrument_name": TOKEN, "amount": amount, **({} if price is None else {"price": price}), **more}
        result: dict[str, Any] = await self.result(f"private/{side}", **params)
        return result

    async def states(self, order_id: str) -> list[str]:
        """States of an order as its owner was told, oldest first."""
        await self.result("public/test")
        return [order["order_state"] for order in self.notes.get(ORDERS, []) if order["order_id"] == order_id]


Body = Callable[[Server, InProcessLink, Trader, Trader], Awaitable[None]]


def run(folder: Path, body: Body) -> None:
    """Run a scenario between Alice and Bob, bounded in time."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def soon(function: Callable[[], None]) -> None:
            loop.call_soon(function)

        link = InProcessLink(soon)
        server = await serve(GatewayConfig(keys_path=str(write_keys(folder)), port=0), link, link.history, time.time_ns)
        url = f"ws://127.0.0.1:{server.port}/ws/api/v2"
        try:
            async with connect(url, compression=None) as one, connect(url, compression=None) as other:
                traders = Trader(one), Trader(other)
                for name, trader in zip(("alice", "bob"), traders, strict=True):
                    params = {"grant_type": "client_credentials", "client_id": f"key-{name}"}
                    await trader.result("public/auth", **params, client_secret=SECRET + name)
                    await trader.result("private/subscribe", channels=[ORDERS])
                await asyncio.wait_for(body(server, link, *traders), TIMEOUT_S)
        finally:
            await server.close()

    asyncio.run(main())


STOP = {"trigger": "last_price", "trigger_price": 19}


def test_a_stop_waits_and_trades_once_its_price_was_seen(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await bob.place("buy", 5, 18.9)
        stop = (await alice.place("sell", 2, type="stop_market", **STOP))["order"]
        assert (stop["order_state"], stop["order_type"]) == ("untriggered", "stop_market")
        assert [stop["order_id"]] == [order["order_id"] for order in await alice.result("private/get_open_orders")]
        listed = await alice.result("private/get_open_orders", type="stop_all")
        assert [stop["order_id"]] == [order["order_id"] for order in listed]
        await bob.place("buy", 1, 19)
        await alice.place("sell", 1, 19)
        assert (await alice.states(stop["order_id"]))[-1] == "filled"
        last = await alice.result("private/get_order_state", order_id=stop["order_id"])
        assert (last["average_price"], last["triggered"], last["order_type"]) == (18.9, True, "stop_market")
        history = await alice.result("private/get_trigger_order_history", currency="any")
        assert [stop["order_id"]] == [entry["order_id"] for entry in history["entries"]]

    run(tmp_path, body)


def test_a_take_profit_and_a_stop_limit_rest_where_they_were_told(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        take = await alice.place("buy", 2, 18, type="take_limit", **STOP)
        stop = await alice.place("sell", 2, 18.5, type="stop_limit", trigger="last_price", trigger_price=18.4)
        await bob.place("buy", 1, 19)
        await alice.place("sell", 1, 19)
        book = await bob.result("public/get_order_book", instrument_name=TOKEN)
        assert [[18, 2]] == book["bids"]
        assert ["untriggered", "open"] == sorted(await alice.states(take["order"]["order_id"]), reverse=True)
        assert ["untriggered"] == await alice.states(stop["order"]["order_id"])

    run(tmp_path, body)


def test_a_trailing_stop_follows_the_best_price_seen(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        async def trade(price: float) -> None:
            await bob.place("buy", 1, price)
            await alice.place("sell", 1, price)

        trail = {"type": "trailing_stop", "trigger": "last_price", "trigger_offset": 0.5}
        stop = (await alice.place("sell", 2, **trail))["order"]
        for price in (20, 21, 20.6):
            await trade(price)
        assert ["untriggered"] == list(dict.fromkeys(await alice.states(stop["order_id"])))
        await bob.place("buy", 9, 20)
        await alice.place("sell", 1, 20)
        assert (await alice.states(stop["order_id"]))[-1] == "filled"

    run(tmp_path, body)


def test_an_iceberg_shows_one_part_after_the_other_in_totals_and_in_single_orders(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await bob.result("public/subscribe", channels=[L2, L3])
        order = (await alice.place("sell", 10, 20, max_show=2))["order"]
        assert (order["refresh_amount"], order["display_amount"], order["max_show"]) == (2, 2, 2)
        behind = (await alice.place("sell", 3, 20))["order"]
        number, other = (row["order_id"].split("-")[1] for row in (order, behind))
        await bob.place("buy", 2, 20)
        await bob.result("public/test")
        assert [["new", 20, 2], ["change", 20, 5], ["change", 20, 5]][:2] == [
            row for note in bob.notes[L2] for row in note["asks"]
        ][:2]
        book = await bob.result("public/x/get_l3_book", instrument_name=TOKEN)
        assert [[other, 20, 3], [number, 20, 2]] == book["asks"], "the next part stands at the back"
        last = bob.notes[L3][-1]
        assert [number, number] == [change[2] for change in last["changes"]]
        assert (last["sequence"], last["checksum"]) == (book["sequence"], book["checksum"])
        shown = await alice.result("private/get_order_state", order_id=order["order_id"])
        assert (shown["filled_amount"], shown["display_amount"], shown["amount"]) == (2, 2, 10)

    run(tmp_path, body)


def test_one_of_a_pair_cancels_the_other(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        config = [{"direction": "sell", "amount": 2, "type": "stop_market"} | STOP]
        pair = await alice.place("sell", 2, 21, linked_order_type="one_cancels_other", otoco_config=config)
        first, second = pair["order"], pair["x_linked"]["order"]
        assert (first["order_state"], second["order_state"]) == ("open", "untriggered")
        assert second["oco_ref"] == first["order_id"]
        await bob.place("buy", 1, 21)
        assert (await alice.states(second["order_id"]))[-1] == "cancelled"
        gone = await alice.result("private/get_order_state", order_id=second["order_id"])
        assert gone["cancel_reason"] == "oco_other_closed"
        error = await alice.error("private/cancel", order_id=second["order_id"])
        assert (error["code"], error["data"]["cancel_reason"]) == (10010, "oco_other_closed")

    run(tmp_path, body)


def test_a_pair_and_a_filter_over_http_are_answered_once_each(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        password = base64.b64encode(f"key-alice:{SECRET}alice".encode()).decode()
        headers = {"Authorization": f"Basic {password}"}

        def post(method: str, params: dict[str, Any]) -> dict[str, Any]:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
            call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            connection.request("POST", "/api/v2", json.dumps(call), headers)
            reply: dict[str, Any] = json.loads(connection.getresponse().read())
            connection.close()
            return reply

        pair = {"instrument_name": TOKEN, "amount": 2, "price": 21, "linked_order_type": "one_cancels_other"}
        pair["otoco_config"] = [{"direction": "sell", "amount": 2, "type": "stop_market"} | STOP]
        reply = await asyncio.to_thread(post, "private/sell", pair)
        assert reply["result"]["x_linked"]["order"]["oco_ref"] == reply["result"]["order"]["order_id"]
        stops = {"instrument_name": TOKEN, "type": "stop"}
        reply = await asyncio.to_thread(post, "private/cancel_all_by_instrument", stops)
        assert reply["result"] == 1
        reply = await asyncio.to_thread(post, "private/mass_quote", {"quote_id": "", "mmp_group": "1", "quotes": []})
        assert reply["error"]["code"] == 10030

    run(tmp_path, body)


def test_post_only_slides_unless_it_says_to_be_refused(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await bob.place("sell", 2, 20)
        slid = (await alice.place("buy", 1, 20.5, post_only=True))["order"]
        assert (slid["price"], slid["post_only"], slid["reject_post_only"]) == (19.99, True, False)
        error = await alice.error(
            "private/buy", instrument_name=TOKEN, amount=1, price=20, post_only=True, reject_post_only=True
        )
        assert (error["code"], error["message"]) == (11054, "post_only_reject")
        error = await alice.error("private/edit", order_id=slid["order_id"], amount=1, price=20)
        assert error["code"] == 11054

    run(tmp_path, body)


def test_market_to_limit_rests_and_a_budget_is_not_exceeded(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await bob.place("sell", 2, 20)
        await bob.place("sell", 9, 20.1)
        rest = (await alice.place("buy", 3, type="market_limit"))["order"]
        assert (rest["order_state"], rest["price"], rest["filled_amount"]) == ("open", 20, 2)
        assert (rest["order_type"], rest["original_order_type"]) == ("limit", "market_limit")
        await alice.result("private/cancel_all")
        spent = await alice.place("buy", 5, type="market", x_budget=70)
        assert (spent["order"]["filled_amount"], spent["order"]["cancel_reason"]) == (3, "budget")

    run(tmp_path, body)


def test_a_peg_follows_the_best_bid(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        await bob.place("buy", 1, 19)
        peg = {"reference": "best_bid", "offset": -0.1, "limit": 20}
        order = (await alice.place("buy", 2, x_peg=peg))["order"]
        assert (order["order_state"], order["price"]) == ("open", 18.9)
        await bob.place("buy", 1, 19.5)
        await alice.result("public/test")
        assert (await alice.result("private/get_open_orders"))[0]["price"] == 19.4

    run(tmp_path, body)


def test_an_order_ends_at_its_own_time_and_a_repeated_client_id_places_nothing(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        soon = link.exchange_time_ns // 10**6 + 4
        order = (await alice.place("buy", 1, 19, x_expire_timestamp=soon, x_client_order_id="one"))["order"]
        again = (await alice.place("buy", 1, 19, x_expire_timestamp=soon, x_client_order_id="one"))["order"]
        assert order["order_id"] == again["order_id"]
        assert 1 == len(await alice.result("private/get_open_orders"))
        for _ in range(4):
            await bob.place("buy", 1, 18)
        assert (await alice.states(order["order_id"]))[-1] == "cancelled"
        ended = await alice.result("private/get_order_state", order_id=order["order_id"])
        assert (ended["cancel_reason"], ended["x_client_order_id"]) == ("expired", "one")

    run(tmp_path, body)


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


PAGE = ROOT / "docs" / "how-to" / "order-types.md"
ADDRESSES = 'URL, KEYS = "ws://127.0.0.1:8765/ws/api/v2", Path("var/demo-keys.json")'
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_how_to_page_runs_as_it_is_written(tmp_path: Path) -> None:
    async def body(server: Server, link: InProcessLink, alice: Trader, bob: Trader) -> None:
        code = "\n".join(CODE.findall(PAGE.read_text(encoding="utf-8")))
        assert ADDRESSES in code
        url = f"ws://127.0.0.1:{server.port}/ws/api/v2"
        code = code.replace(ADDRESSES, f"URL, KEYS = {url!r}, Path({str(tmp_path / 'keys.json')!r})")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, error = await process.communicate()
        said = out.decode()
        assert process.returncode == 0, error.decode()[-3_000:]
        for line in (
            "rests: limit open, 0 of 3 filled", "all or nothing: limit cancelled", "market: market filled, 2 of 2",
            "market to limit: limit filled", "for at most three tokens' worth: market", "post-only: 11054", "slid to",
            "iceberg: 10 ordered, 2 shown", "stop: stop_market untriggered", "take profit: take_market untriggered",
            "trailing: trailing_stop", "one of two: limit open", "['limit', 'stop_market']", "peg: limit open",
            "the same order: True", "reduce-only without a position: 20002", "phase: continuous",
            "good for auction: 20009", "2 quotes, 1 refused: invalid_or_unsupported_instrument", "withdrawn: 2",
            "in a range: 1", "by label: 2", "the rest: 0",
        ):  # fmt: skip
            assert line in said, f"{line!r} is not among:\n{said}"

    run(tmp_path, body)
