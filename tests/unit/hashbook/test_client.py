"""Goal: requests find their replies and a session survives its connection. Method: scripted fake venue on loopback."""

import asyncio
import os
from decimal import Decimal

import msgspec
import pytest

from hashbook import ChannelRefused, Client, ConnectionLost, Credentials, HashbookError, RequestTimeout, SessionState
from hashbook.credentials import load_credentials
from hashbook.protocol import Ticker
from hashbook.session import CHANNELS_PER_REQUEST, SessionOptions, channel_batches
from tests.unit.hashbook.fake_venue import CLIENT_ID, CLIENT_SECRET, Refuse, Silence, eventually, run, send

KEY = Credentials(CLIENT_ID, CLIENT_SECRET)
QUICK = SessionOptions(backoff_first_s=0.01, backoff_max_s=0.05)


def test_replies_that_overtake_each_other_reach_their_own_requests():
    async def scenario(venue):
        venue.held["public/get_time"] = asyncio.Event()
        venue.answers["public/get_time"] = lambda params: 17
        async with Client(venue.url, KEY, QUICK) as client:
            slow = asyncio.create_task(client.get_time())
            await eventually(lambda: "public/get_time" in venue.methods(), "the slow request arrives")
            names = [row.instrument_name for row in await client.get_instruments()]
            assert not slow.done()
            venue.held["public/get_time"].set()
            assert await slow == 17
            assert "TH1A_BTC" in names

    run(scenario)


@pytest.mark.parametrize("kind", ["client_signature", "client_credentials"])
def test_a_session_logs_in(kind):
    async def scenario(venue):
        async with Client(venue.url, KEY, SessionOptions(login=kind, cancel_on_disconnect=True)) as client:
            assert client.state is SessionState.READY
        assert venue.requests[0][1]["grant_type"] == kind
        assert venue.methods()[1] == "private/enable_cancel_on_disconnect"
        if kind == "client_signature":
            assert CLIENT_SECRET not in str(venue.requests)

    run(scenario)


def test_a_refused_login_is_an_error_and_is_not_tried_again():
    async def scenario(venue):
        client = Client(venue.url, Credentials(CLIENT_ID, "wrong"), QUICK)
        with pytest.raises(HashbookError) as refused:
            await client.connect()
        assert refused.value.code == 13004
        assert client.state is SessionState.FAILED
        await asyncio.sleep(0.1)
        assert venue.methods().count("public/auth") == 1
        await client.close()

    run(scenario)


def test_a_refusal_is_typed_and_the_session_lives_on():
    async def scenario(venue):
        def refuse(params):
            raise Refuse(20001, "not_eligible", {"rule": "whitelist", "instrument_name": params["instrument_name"]})

        venue.answers["private/buy"] = refuse
        async with Client(venue.url, KEY, QUICK) as client:
            with pytest.raises(HashbookError) as refused:
                await client.buy("TH1A_BTC", Decimal(1), Decimal("0.001"))
            assert (refused.value.code, refused.value.message) == (20001, "not_eligible")
            assert refused.value.data["rule"] == "whitelist"
            assert len(await client.get_instruments()) == 3
            assert client.generation == 1

    run(scenario)


def test_no_reply_in_time_is_a_timeout_and_the_late_reply_is_not_mistaken_for_another():
    async def scenario(venue):
        venue.held["public/get_time"] = asyncio.Event()
        venue.answers["public/get_time"] = lambda params: 17
        async with Client(venue.url, KEY, SessionOptions(request_timeout_s=0.3)) as client:
            with pytest.raises(RequestTimeout):
                await client.get_time()
            venue.held.pop("public/get_time").set()
            assert (await client.ticker("BTC_USDC")).index_price == 43_000

    run(scenario)


def test_orders_carry_exact_numbers_and_only_the_terms_that_were_given():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK) as client:
            result = await client.buy("TH1A_BTC", Decimal(5), Decimal("1E-8"), post_only=True, label="a")
            assert (result.order.price, result.order.amount) == (Decimal("0.00000001"), Decimal(5))
            await client.sell("TH1A_BTC", 3)
        assert venue.requests[-2][1] == {
            "instrument_name": "TH1A_BTC",
            "amount": 5,
            "price": Decimal("0.00000001"),
            "type": "limit",
            "label": "a",
            "post_only": True,
            "reject_post_only": True,
        }
        sold = venue.requests[-1][1]
        assert sold == {
            "instrument_name": "TH1A_BTC",
            "amount": 3,
            "type": "market",
        }

    run(scenario)


def test_any_kind_of_order_is_sent_by_the_names_of_its_parameters():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK) as client:
            stop = {"type": "stop_market", "trigger": "last_price", "trigger_price": Decimal("0.0011")}
            await client.sell("TH1A_BTC", 3, **stop)
            await client.buy("TH1A_BTC", 3, Decimal("0.001"), post_only=True, slide=True, max_show=Decimal(1))
            with pytest.raises(TypeError):
                await client.sell("TH1A_BTC", 3, **stop | {"trigger_price": 0.0011})
        assert stop.items() <= venue.requests[-2][1].items()
        slid = venue.requests[-1][1]
        assert (slid["post_only"], slid["reject_post_only"], slid["max_show"]) == (True, False, 1)

    run(scenario)


def test_a_reconnect_logs_in_again_and_follows_the_same_channels():
    async def scenario(venue):
        states = []
        client = Client(venue.url, KEY, QUICK, on_state=lambda state, why: states.append(state))
        async with client:
            tickers = await client.subscribe_tickers(["BTC_USDC"])
            await client.subscribe_user_orders()
            await venue.hang_up()
            await eventually(lambda: client.generation == 2, "the session is ready again")
            assert venue.methods().count("public/auth") == 2
            await venue.push_ticker("BTC_USDC")
            channel, ticker = await anext(tickers)
            assert (channel, ticker.index_price) == ("ticker.BTC_USDC.100ms", 43_000)
            followed = set.union(*venue.channels.values())
            assert followed == {"ticker.BTC_USDC.100ms", "user.orders.any.any.raw"}
        assert states == ["connecting", "ready", "reconnecting", "ready", "closed"]

    run(scenario)


def test_a_request_cut_off_by_a_disconnect_says_that_it_may_have_arrived():
    async def scenario(venue):
        def silent(params):
            raise Silence

        venue.answers["private/buy"] = silent
        async with Client(venue.url, KEY, SessionOptions(backoff_first_s=5)) as client:
            order = asyncio.create_task(client.buy("TH1A_BTC", 1, Decimal("0.001")))
            await eventually(lambda: "private/buy" in venue.methods(), "the order arrives")
            await venue.hang_up()
            with pytest.raises(ConnectionLost) as lost:
                await order
            assert lost.value.sent
            await eventually(lambda: client.state is SessionState.RECONNECTING, "the session notices")
            with pytest.raises(ConnectionLost) as never_sent:
                await client.get_time()
            assert not never_sent.value.sent

    run(scenario)


def test_heartbeats_are_answered():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK):
            assert ("public/set_heartbeat", {"interval": 30}) in venue.requests
            await send(venue.connections[0], {"method": "heartbeat", "params": {"type": "test_request"}})
            await eventually(lambda: "public/test" in venue.methods(), "public/test")

    run(scenario)


def test_a_channel_the_venue_does_not_know_is_refused_and_the_others_are_let_go():
    async def scenario(venue):
        venue.unknown_channels.add("ticker.NOPE.100ms")
        async with Client(venue.url, KEY, QUICK) as client:
            with pytest.raises(ChannelRefused, match=r"ticker\.NOPE\.100ms"):
                await client.subscribe_tickers(["BTC_USDC", "NOPE"])
            assert set.union(*venue.channels.values()) == set()
            await client.subscribe_tickers(["BTC_USDC"])

    run(scenario)


def test_a_channel_that_is_gone_after_a_reconnect_does_not_take_the_others_with_it():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK) as client:
            tickers = await client.subscribe_tickers(["BTC_USDC", "TH1A_BTC"])
            venue.unknown_channels.add("ticker.TH1A_BTC.100ms")
            await venue.hang_up()
            await eventually(lambda: client.generation == 2, "the session is ready again")
            assert tickers.channels == ("ticker.BTC_USDC.100ms",)
            await venue.push_ticker("BTC_USDC")
            assert (await anext(tickers))[1].instrument_name == "BTC_USDC"
            venue.unknown_channels.clear()
            await client.subscribe_tickers(["TH1A_BTC"])  # nobody holds it any more

    run(scenario)


def test_a_channel_has_one_reader():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK) as client:
            subscription = await client.subscribe_tickers(["BTC_USDC"])
            with pytest.raises(ValueError, match="followed already"):
                await client.subscribe_tickers(["BTC_USDC"])
            await subscription.close()
            await client.subscribe_tickers(["BTC_USDC"])

    run(scenario)


def test_a_failing_callback_ends_its_own_stream_and_nothing_else():
    async def scenario(venue):
        def fail(channel, ticker):
            raise KeyError("a fault in the strategy")

        async with Client(venue.url, KEY, QUICK) as client:
            subscription = await client.subscribe(["ticker.BTC_USDC.100ms"], Ticker, fail)
            await venue.push_ticker("BTC_USDC")
            await eventually(lambda: subscription.ended_by is not None, "the stream ends")
            assert isinstance(subscription.ended_by, KeyError)
            assert (await client.ticker("BTC_USDC")).index_price == 43_000

    run(scenario)


def test_a_frame_that_is_not_the_protocol_closes_the_connection_and_the_session_comes_back():
    async def scenario(venue):
        async with Client(venue.url, KEY, QUICK) as client:
            await venue.connections[0].send("[1, 2")
            await eventually(lambda: client.generation == 2, "a new connection")
            assert client.state is SessionState.READY

    run(scenario)


def test_a_session_waits_for_a_venue_that_is_not_there_yet():
    async def scenario(venue):
        url, port = venue.url, int(venue.url.split(":")[2].split("/")[0])
        venue.server.close()
        await venue.server.wait_closed()
        client = Client(url, KEY, QUICK)
        with pytest.raises(TimeoutError):
            await client.connect(timeout_s=0.2)
        from websockets.asyncio.server import serve

        venue.server = await serve(venue.handle, "127.0.0.1", port, compression=None)
        await client.connect(timeout_s=5)
        assert client.generation == 1
        await client.close()

    run(scenario)


def test_channels_are_asked_for_at_their_own_door_and_in_bounded_requests():
    names = [f"ticker.{n}.100ms" for n in range(CHANNELS_PER_REQUEST + 1)] + ["user.orders.any.any.raw"]
    batches = list(channel_batches(names))
    assert [(door, len(batch)) for door, batch in batches] == [
        ("private", 1),
        ("public", CHANNELS_PER_REQUEST),
        ("public", 1),
    ]


def test_keys_are_read_by_name_and_never_shown(tmp_path):
    path = tmp_path / "keys.json"
    path.write_bytes(
        msgspec.json.encode([{"name": "ann", "client_id": "i", "client_secret": "hidden", "whitelisted": True}])
    )
    os.chmod(path, 0o600)
    assert "hidden" not in repr(load_credentials(path, "ann"))
    with pytest.raises(KeyError, match="there are: ann"):
        load_credentials(path, "bob")
