"""Goal: every kind of order does over a real websocket what the dialect says. Method: the server over the real core in
this process's event loop; one scenario per kind, watched through the client's own channels; then the how-to page."""

import asyncio
import base64
import http.client
import json
import re
import sys
from pathlib import Path
from typing import Any

from gateway.ws_server import Server
from tests.integration.websocket_traders import TIMEOUT_S, TOKEN, Trader, run
from tests.unit.gateway.inprocess import SECRET, InProcessLink

L3, L2 = f"x.l3.{TOKEN}", f"book.{TOKEN}.raw"
ROOT = Path(__file__).parents[2]
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
        error = await alice.error("private/buy", instrument_name=TOKEN, amount=1, price=19, x_expire_timestamp=soon - 9)
        assert (error["code"], error["data"]["param"]) == (11029, "x_expire_timestamp")
        for _ in range(4):
            await bob.place("buy", 1, 18)
        assert (await alice.states(order["order_id"]))[-1] == "cancelled"
        ended = await alice.result("private/get_order_state", order_id=order["order_id"])
        assert (ended["cancel_reason"], ended["x_client_order_id"]) == ("expired", "one")

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
