"""Goal: the gateway behaves on real sockets: HTTP and websocket on one port, wrong bytes answered or closed with the
right code, pipelining in order. Method: the server over the in-process core in this process's event loop; raw
sockets and the `websockets` client against it, loopback only."""

import asyncio
import hashlib
import hmac
import http.client
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from gateway.config import GatewayConfig
from gateway.keys import BadKeys
from gateway.ws_server import Server, serve
from tests.unit.gateway.inprocess import SECRET, InProcessLink, write_keys

TIMEOUT_S = 10
TOKEN = "TH1A_USDC"


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Server]:
    """A gateway on a free port over a core in this process."""
    loop = asyncio.get_running_loop()
    link = InProcessLink(lambda function: loop.call_soon(function))
    config = GatewayConfig(keys_path=str(write_keys(folder)), port=0, **settings)
    server = await serve(config, link, link.history, time.time_ns)
    try:
        yield server
    finally:
        await server.close()


def run(folder: Path, body: Callable[[Server], Awaitable[None]], **settings: Any) -> None:
    """Run a test body against a gateway, bounded in time."""

    async def main() -> None:
        async with running(folder, **settings) as server:
            await asyncio.wait_for(body(server), TIMEOUT_S)

    asyncio.run(main())


async def http_call(
    server: Server, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """One request over its own connection, in a thread."""

    def call() -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(call)


def signed(method: str, uri: str, body: bytes = b"", name: str = "alice") -> dict[str, str]:
    """An Authorization header as existing clients make it."""
    timestamp = str(time.time_ns() // 1_000_000)
    text = f"{timestamp}\n{timestamp}\n{method}\n{uri}\n".encode() + body + b"\n"
    signature = hmac.new((SECRET + name).encode(), text, hashlib.sha256).hexdigest()
    return {"Authorization": f"deri-hmac-sha256 id=key-{name},ts={timestamp},sig={signature},nonce={timestamp}"}


def client(server: Server) -> connect:
    return connect(f"ws://127.0.0.1:{server.port}/ws/api/v2", compression=None)


async def ask(socket: ClientConnection, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}))
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message.get("id") == 1:
            return message


async def sign_in(socket: ClientConnection, name: str = "alice") -> None:
    params = {"grant_type": "client_credentials", "client_id": f"key-{name}", "client_secret": SECRET + name}
    assert "result" in await ask(socket, "public/auth", params)


def test_get_takes_every_value_as_text_and_trades_with_a_signed_header(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        query = urlencode({"instrument_name": TOKEN, "amount": "2", "price": "19.50", "post_only": "true"})
        uri = f"/api/v2/private/buy?{query}"
        status, reply = await http_call(server, "GET", uri, headers=signed("GET", uri))
        assert status == 200
        assert reply["result"]["order"]["post_only"] is True
        assert {"jsonrpc", "result", "usIn", "usOut", "usDiff", "testnet"} <= set(reply)
        status, reply = await http_call(server, "GET", "/api/v2/private/get_open_orders", headers=signed("GET", "/x"))
        assert (status, reply["error"]["code"]) == (400, 13004)
        status, reply = await http_call(server, "GET", "/api/v2/private/get_open_orders")
        assert (status, reply["error"]["code"]) == (400, 13009)

    run(tmp_path, body)


def test_post_takes_an_envelope_at_the_root_and_at_the_methods_own_path(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        call = {"jsonrpc": "2.0", "id": "a", "method": "private/get_account_summaries", "params": {}}
        data = json.dumps(call).encode()
        for path in ("/api/v2", "/api/v2/private/get_account_summaries"):
            status, reply = await http_call(server, "POST", path, data, signed("POST", "/api/v2", data))
            assert (status, reply["id"]) == (200, "a")
        status, reply = await http_call(server, "POST", "/api/v2/public/ticker", b'{"instrument_name":"TH1A_USDC"}')
        assert reply["result"]["instrument_name"] == TOKEN
        status, reply = await http_call(server, "POST", "/api/v2/public/ticker", data)
        assert (status, reply["error"]["code"]) == (400, -32600)

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "code"),
    [
        ("GET", "/", b"", 404, -32601),
        ("GET", "/api/v3/public/test", b"", 404, -32601),
        ("GET", "/api/v2/public/nonsense", b"", 400, -32601),
        ("GET", "/api/v2", b"", 400, -32601),
        ("DELETE", "/api/v2/public/test", b"", 405, -32600),
        ("POST", "/api/v2", b"{", 400, -32700),
        ("POST", "/api/v2", b"", 400, -32700),
        ("POST", "/api/v2", b"x" * 70_000, 413, -32600),
        ("GET", "/api/v2/public/ticker?instrument_name=A&instrument_name=B", b"", 400, -32602),
        ("GET", "/api/v2/public/ticker?" + "&".join(f"a{n}=1" for n in range(70)), b"", 400, -32602),
        ("GET", "/api/v2/public/subscribe?channels=x", b"", 400, -32602),
        ("GET", "/api/v2/public/set_heartbeat?interval=10", b"", 400, 10030),
    ],
)
def test_wrong_http_requests_are_answered_in_the_same_form(
    tmp_path: Path, method: str, path: str, data: bytes, status: int, code: int
) -> None:
    async def body(server: Server) -> None:
        got_status, reply = await http_call(server, method, path, data)
        assert (got_status, reply["error"]["code"]) == (status, code)

    run(tmp_path, body)


def test_pipelined_http_requests_are_answered_in_order_on_one_connection(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        uri = f"/api/v2/private/buy?instrument_name={TOKEN}&amount=1&price=19"
        authorization = signed("GET", uri)["Authorization"]
        writer.write(
            f"GET {uri} HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\n\r\n"
            "GET /api/v2/public/get_time HTTP/1.1\r\nhost: x\r\n\r\n"
            "GET /api/v2/public/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()
        )
        text = (await reader.read()).decode()
        assert text.index('"order_state":"open"') < text.index('"usIn"') < text.index('"locked":"false"')
        assert text.count("HTTP/1.1 200") == 3
        writer.close()

    run(tmp_path, body)


def test_bytes_that_are_no_http_are_answered_and_closed(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        for garbage in (
            b"\x00\x01\x02\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
            b"x" * 40_000,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(garbage)
            text = await reader.read()
            assert text.startswith(b"HTTP/1.1 4"), garbage[:20]
            writer.close()

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([Frame(Opcode.BINARY, b"{}")], 1003),
        ([Frame(Opcode.TEXT, b"\xff\xfe")], 1007),
        ([Frame(Opcode.TEXT, b"\xc3", fin=False), Frame(Opcode.CONT, b"(")], 1007),
        ([Frame(Opcode.CONT, b"x")], 1002),
        ([Frame(Opcode.TEXT, b"x", rsv1=True)], 1002),
        ([Frame(Opcode.TEXT, b"x" * 70_000)], 1009),
        ([Frame(Opcode.TEXT, b"x" * 40_000, fin=False), Frame(Opcode.CONT, b"x" * 40_000)], 1009),
        ([Frame(Opcode.PING, b"x" * 126)], 1002),
    ],
)
def test_frames_that_break_the_protocol_close_with_their_code(tmp_path: Path, frames: list[Frame], code: int) -> None:
    async def body(server: Server) -> None:
        async with client(server) as socket:
            for frame in frames:
                socket.transport.write(serialize(frame))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code
        async with client(server) as socket:
            assert "result" in await ask(socket, "public/test"), "others are served on"

    run(tmp_path, body)


def serialize(frame: Frame) -> bytes:
    """Masked bytes of a frame without the library's own checks."""
    head = bytearray([(0x80 if frame.fin else 0) | (0x40 if frame.rsv1 else 0) | frame.opcode])
    size = len(frame.data)
    if size < 126:
        head.append(0x80 | size)
    elif size < 65_536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return bytes(head) + b"\0\0\0\0" + bytes(frame.data)


def test_unmasked_frames_close_with_1002(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as socket:
            socket.transport.write(b"\x81\x02{}")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1002

    run(tmp_path, body)


def test_bad_json_is_answered_and_the_session_lives_on(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as socket:
            for text, code in (("{", -32700), ("[]", -32600), ('{"jsonrpc":"2.0","id":3,"method":"nope"}', -32601)):
                await socket.send(text)
                assert json.loads(await socket.recv())["error"]["code"] == code
            assert "result" in await ask(socket, "public/test")

    run(tmp_path, body)


def test_a_fragmented_message_with_a_ping_in_between_is_one_request(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as socket:
            request = b'{"jsonrpc":"2.0","id":1,"method":"public/test","params":{}}'
            for frame in (
                Frame(Opcode.TEXT, request[:20], fin=False),
                Frame(Opcode.PING, b"there?"),
                Frame(Opcode.CONT, request[20:]),
            ):
                socket.transport.write(serialize(frame))
            assert "version" in json.loads(await socket.recv())["result"]

    run(tmp_path, body)


def test_pipelined_requests_come_back_in_order_also_far_beyond_the_bound(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as socket:
            await sign_in(socket)
            count = 500
            for number in range(count):
                method, params = (
                    ("private/buy", {"instrument_name": TOKEN, "amount": 1, "price": 19})
                    if number % 5
                    else ("private/cancel_all", {})
                )
                await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
            replies = [json.loads(await socket.recv()) for _ in range(count)]
            assert [reply["id"] for reply in replies] == list(range(count))
            assert all("result" in reply for reply in replies)

    run(tmp_path, body, requests_in_flight_max=16)


def test_two_clients_trade_and_both_hear_of_it(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as maker, client(server) as taker:
            await sign_in(maker, "alice")
            await sign_in(taker, "bob")
            channel = "user.trades.any.any.raw"
            assert (await ask(maker, "private/subscribe", {"channels": [channel]}))["result"] == [channel]
            await ask(maker, "private/sell", {"instrument_name": TOKEN, "amount": 1, "price": 20})
            reply = await ask(taker, "private/buy", {"instrument_name": TOKEN, "amount": 1, "type": "market"})
            assert reply["result"]["order"]["order_state"] == "filled"
            heard = json.loads(await maker.recv())
            assert heard["params"]["data"][0]["liquidity"] == "M"

    run(tmp_path, body)


def test_a_connection_that_says_nothing_useful_is_closed_and_one_that_did_stays(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with client(server) as useful, client(server) as silent:
            assert "result" in await ask(useful, "public/test")
            assert await reader.read() == b""
            with pytest.raises(ConnectionClosed) as closed:
                await silent.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
            assert "result" in await ask(useful, "public/test")
        writer.close()

    run(tmp_path, body, first_request_s=1)


def test_connections_beyond_the_limit_are_turned_away(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        async with client(server) as first:
            assert "result" in await ask(first, "public/test")
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            assert (await reader.read()).startswith(b"HTTP/1.1 503")
            writer.close()
        while server.limits.total:
            await asyncio.sleep(0.01)
        async with client(server) as second:
            assert "result" in await ask(second, "public/test")

    run(tmp_path, body, connections_max=1)


def test_stopping_closes_sessions_with_1001(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as server, client(server) as socket:
            assert "result" in await ask(socket, "public/test")
            closing = asyncio.create_task(server.close())
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            await closing
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001

    asyncio.run(asyncio.wait_for(main(), TIMEOUT_S))


def test_a_key_file_that_others_can_read_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    path = write_keys(tmp_path)
    os.chmod(path, 0o644)

    async def main() -> None:
        link = InProcessLink()
        with pytest.raises(BadKeys):
            await serve(GatewayConfig(keys_path=str(path), port=0), link, link.history, time.time_ns)

    asyncio.run(main())
