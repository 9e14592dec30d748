"""Goal: the market maker quotes once and only once, through refusals, fills, reconnects and its own end.
Method: the real bot against the fake venue; the venue's open orders are the evidence."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from hashbook import Client, Credentials
from hashbook.bots.market_maker import MarketMaker
from hashbook.bots.quoting import MakerConfig
from hashbook.session import SessionOptions
from tests.unit.hashbook.fake_venue import CLIENT_ID, CLIENT_SECRET, Refuse, Silence, eventually, run

FAST = MakerConfig(requests_per_s=2_000, cycle_s=0.02, account_poll_s=0.05, backoff_first_s=0.2, backoff_max_s=0.4)
ALL_SLOTS = {"mm.buy.0", "mm.buy.1", "mm.sell.0", "mm.sell.1"}


@asynccontextmanager
async def quoting(venue, config=FAST, *, request_timeout_s=10):
    options = SessionOptions(
        cancel_on_disconnect=True, backoff_first_s=0.02, backoff_max_s=0.05, request_timeout_s=request_timeout_s
    )
    stop = asyncio.Event()
    maker = MarketMaker(Client(venue.url, Credentials(CLIENT_ID, CLIENT_SECRET), options), config)
    task = asyncio.create_task(maker.run(stop))
    try:
        yield maker
    finally:
        stop.set()
        await task


def slots(venue):
    return Counter((order["instrument_name"], order["label"]) for order in venue.open_orders())


def full_slots(venue):
    return Counter({(row["instrument_name"], label): 1 for row in venue.instruments for label in ALL_SLOTS})


def best(venue, name, side):
    return next(o for o in venue.open_orders() if o["instrument_name"] == name and o["label"] == f"mm.{side}.0")


def test_every_instrument_is_quoted_on_both_sides_and_everything_is_cancelled_at_the_end():
    async def scenario(venue):
        async with quoting(venue):
            await eventually(lambda: slots(venue) == full_slots(venue), "two levels per side everywhere")
            assert all(order["post_only"] for order in venue.open_orders())
            assert venue.methods().index("private/enable_cancel_on_disconnect") == 1
        assert venue.open_orders() == []
        assert venue.methods()[-1] == "private/cancel_all"

    run(scenario)


def test_a_small_move_changes_nothing_and_a_large_one_edits_the_orders_there():
    async def scenario(venue):
        async with quoting(venue):
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes")
            venue.index["BTC_USDC"] = Decimal(43_010)  # 2.3 bps
            await venue.push_ticker("BTC_USDC")
            await asyncio.sleep(0.2)
            assert "private/edit" not in venue.methods()
            venue.index["BTC_USDC"] = Decimal(44_000)
            await venue.push_ticker("BTC_USDC")
            await eventually(lambda: venue.methods().count("private/edit") == 4, "four edits")
            assert best(venue, "BTC_USDC", "buy")["price"] == Decimal("43912.00")  # 44000 less 20 bps
            assert slots(venue) == full_slots(venue)

    run(scenario)


def test_a_filled_order_is_quoted_again():
    async def scenario(venue):
        async with quoting(venue):
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes")
            filled = best(venue, "TH1A_BTC", "sell")
            filled |= {"order_state": "filled", "filled_amount": filled["amount"]}
            await venue.push("user.orders.any.any.raw", filled)
            await eventually(lambda: slots(venue) == full_slots(venue), "the slot is quoted again")
            assert best(venue, "TH1A_BTC", "sell")["order_id"] != filled["order_id"]

    run(scenario)


@pytest.mark.parametrize("survive", [True, False], ids=["orders stay", "orders cancelled on disconnect"])
def test_after_a_reconnect_there_is_one_order_per_slot(survive):
    async def scenario(venue):
        venue.cancel_on_disconnect = not survive
        async with quoting(venue):
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes")
            before = {order["order_id"] for order in venue.open_orders()}
            await venue.hang_up()
            reads = venue.methods().count("private/get_open_orders")
            await eventually(lambda: venue.methods().count("private/get_open_orders") > reads, "orders read back")
            await eventually(lambda: slots(venue) == full_slots(venue), "one order per slot")
            await asyncio.sleep(0.1)
            assert slots(venue) == full_slots(venue)
            assert ({order["order_id"] for order in venue.open_orders()} == before) is survive

    run(scenario)


@pytest.mark.parametrize("unanswered", [Silence(), Refuse(20003, "outcome_unknown")], ids=["silence", "unknown"])
def test_an_order_whose_outcome_is_unknown_is_found_and_not_sent_twice(unanswered):
    async def scenario(venue):
        lost = []

        def accept_but_stay_silent(params):
            if not lost:
                lost.append(venue._new_order("buy", params))
                raise unanswered
            return {"order": dict(venue._new_order("buy", params)), "trades": []}

        venue.answers["private/buy"] = accept_but_stay_silent
        async with quoting(venue, request_timeout_s=0.3):
            await eventually(lambda: slots(venue) == full_slots(venue), "one order per slot")
            await asyncio.sleep(0.2)
            assert slots(venue) == full_slots(venue)
            assert lost[0] in venue.open_orders()

    run(scenario)


def test_a_surplus_order_in_a_slot_is_cancelled_and_orders_of_others_are_left_alone():
    async def scenario(venue):
        for label in ("mm.buy.0", "mm.buy.0", "by hand"):
            params = {"instrument_name": "TH1A_BTC", "amount": 300, "price": Decimal("0.0013"), "type": "limit"}
            venue._new_order("buy", params | {"label": label})
        async with quoting(venue):
            by_hand = Counter({("TH1A_BTC", "by hand"): 1})
            await eventually(lambda: slots(venue) == full_slots(venue) + by_hand, "one order per slot")

    run(scenario)


def test_a_refused_side_is_left_alone_for_a_while_with_one_log_line_and_the_rest_is_quoted(caplog):
    async def scenario(venue):
        def refuse_tokens(params):
            if params["instrument_name"] == "TH1A_BTC":
                raise Refuse(10009, "not_enough_funds")
            order = venue._new_order("buy", params)
            return {"order": dict(order), "trades": []}

        venue.answers["private/buy"] = refuse_tokens
        config = MakerConfig(requests_per_s=2_000, cycle_s=0.02, backoff_first_s=30)
        async with quoting(venue, config):
            bids = Counter({("TH1A_BTC", f"mm.buy.{n}"): 1 for n in (0, 1)})
            await eventually(lambda: slots(venue) == full_slots(venue) - bids, "all but the refused bids")
            await asyncio.sleep(0.3)
            asked = [p for m, p in venue.requests if m == "private/buy" and p["instrument_name"] == "TH1A_BTC"]
            assert len(asked) == 1
        assert sum("not_enough_funds" in record.getMessage() for record in caplog.records) == 1

    run(scenario)


def test_an_instrument_that_is_no_longer_listed_is_dropped_and_a_new_one_is_taken_up():
    async def scenario(venue):
        later = venue.instruments.pop()
        config = MakerConfig(requests_per_s=2_000, cycle_s=0.02, instruments_poll_s=0.1)
        async with quoting(venue, config):
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes")
            venue.instruments.append(later)
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes in the new instrument")
            gone = venue.instruments.pop(0)["instrument_name"]
            polls = venue.methods().count("public/get_instruments")
            await eventually(lambda: venue.methods().count("public/get_instruments") > polls + 1, "the list is read")
            sent = len(venue.requests)
            venue.index[gone] *= 2
            await venue.push_ticker(gone)
            await asyncio.sleep(0.2)
            touched = {p.get("instrument_name") for _, p in venue.requests[sent:]}
            assert gone not in touched

    run(scenario)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_on_a_signal(tmp_path, number):
    async def scenario(venue):
        keys = tmp_path / "keys.json"
        keys.write_text(json.dumps([{"name": "maker", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}]))
        process = await start_bot("--keys", str(keys), "--name", "maker", "--url", venue.url)
        try:
            await eventually(lambda: slots(venue) == full_slots(venue), "quotes")
            process.send_signal(number)
            _, errors = await asyncio.wait_for(process.communicate(), 10)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert (process.returncode, venue.open_orders()) == (0, [])
        assert b"12 orders cancelled" in errors

    run(scenario)


def test_a_key_that_is_not_there_ends_the_process_with_a_reason(tmp_path):
    async def scenario(venue):
        keys = tmp_path / "keys.json"
        keys.write_text("[]")
        process = await start_bot("--keys", str(keys), "--name", "maker", "--url", venue.url)
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 2
        assert b"no key named 'maker'" in errors

    run(scenario)


async def start_bot(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hashbook.bots.market_maker",
        *arguments,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
