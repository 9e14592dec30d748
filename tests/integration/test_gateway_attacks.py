"""Goal: one hostile connection costs the others neither time nor memory, and HTTP that two readers could understand
differently is refused. Method: the server over the in-process core on real sockets; attackers that send without
reading, with every byte they got through counted, beside an honest client whose answers are timed."""

import asyncio
import json
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode

from gateway.ws_server import Server
from tests.integration.test_gateway_sockets import ask, client, run, sign_in

ATTACK_S = 1.5
HONEST_S = 0.25  # far above what a share of a turn costs, far below what one connection could hold up before
THROUGH_MAX = 16 << 20  # what the sockets of both ends can hold between them, generously
UPGRADE = (
    b"GET /ws/api/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CALL = b'{"jsonrpc":"2.0","id":1,"method":"public/test","params":{}}'
END = b'"testnet":false}'


def frame(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, payload).serialize(mask=True)


async def exchange(server: Server, data: bytes) -> bytes:
    """Send bytes and half-read what comes within a moment, or until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    got = b""
    with suppress(TimeoutError):
        while piece := await asyncio.wait_for(reader.read(65536), 0.3):
            got += piece
    writer.close()
    return got


FLOODS = {
    "pings": frame(b"x" * 125, Opcode.PING),
    "garbage": frame(b"{"),
    "large answers": frame(CALL.replace(b"public/test", b"public/get_instruments")),
    "subscriptions": frame(CALL.replace(b"public/test", b"public/unsubscribe_all"))
    + frame(
        b'{"jsonrpc":"2.0","id":1,"method":"public/subscribe","params":{"channels":["book.TH1A_USDC.raw"]}}',
    ),
    "wrong keys": frame(
        b'{"jsonrpc":"2.0","id":1,"method":"public/auth","params":{"grant_type":"client_credentials",'
        b'"client_id":"key-alice","client_secret":"guess"}}'
    ),
}


async def _attack(server: Server, flood: bytes) -> int:
    """Send without ever reading until the time is up or the server has enough; how many bytes it took."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", server.port)
    transport.pause_reading()
    transport.write(UPGRADE)
    sent, chunk, until = 0, flood * (65536 // len(flood) + 1), time.monotonic() + ATTACK_S
    while time.monotonic() < until and not transport.is_closing():
        if transport.get_write_buffer_size() < 1 << 20:
            transport.write(chunk)
            sent += len(chunk)
        await asyncio.sleep(0.001)
    sent -= transport.get_write_buffer_size()
    transport.abort()
    return sent


@pytest.mark.parametrize("name", FLOODS)
def test_who_sends_without_reading_is_not_read_from_and_the_others_do_not_notice(tmp_path: Path, name: str) -> None:
    async def body(server: Server) -> None:
        async with client(server) as honest:
            await sign_in(honest)
            attack = asyncio.create_task(_attack(server, FLOODS[name]))
            slowest = 0.0
            unsent = 0
            while not attack.done():
                start = time.monotonic()
                assert (await ask(honest, "public/test"))["result"]
                slowest = max(slowest, time.monotonic() - start)
                unsent = max([unsent, *(connection._unsent_bytes() for connection in server.clients)])
                await asyncio.sleep(0.005)
            assert await attack < THROUGH_MAX
            assert unsent < 2 * server.venue.config.output_hard_bytes
            assert slowest < HONEST_S

    run(tmp_path, body)


def test_a_peer_that_reads_again_gets_every_answer_it_asked_for(tmp_path: Path) -> None:
    count = 20_000

    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 16)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_all(writer, b"".join(frame(CALL) for _ in range(count))))
            await asyncio.sleep(0.3)
            answers, tail = 0, b""
            while answers < count:
                piece = await reader.read(65536)
                assert piece, f"closed after {answers} answers"
                got = tail + piece
                answers += got.count(END)
                tail = got[-len(END) + 1 :]
        assert answers == count
        writer.close()

    run(tmp_path, body)


async def _send_all(writer: asyncio.StreamWriter, data: bytes) -> None:
    for at in range(0, len(data), 65536):
        writer.write(data[at : at + 65536])
        await writer.drain()


POST = b"POST /api/v2 HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (
            POST
            + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v2/public/test HTTP/1.1\r\n",
            400,
        ),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (POST + b"Content-Length: 65537\r\n\r\n", 413),
        (POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (UPGRADE[:-2] + b"Content-Length: 3\r\n\r\nabc", 400),
        (UPGRADE.replace(b"GET", b"HEAD"), 404),
    ],
)
def test_requests_that_cannot_be_read_in_one_way_only_get_one_refusal(tmp_path: Path, data: bytes, status: int) -> None:
    async def body(server: Server) -> None:
        got = await exchange(server, data)
        assert got.startswith(b"HTTP/1.1 %d " % status)
        assert got.count(b"HTTP/1.1") == 1, "nothing after the refused request is taken for another"

    run(tmp_path, body)


def test_a_head_request_gets_a_head_and_the_connection_goes_on(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        get = b"GET /api/v2/public/test HTTP/1.1\r\nHost: x\r\n\r\n"
        got = await exchange(server, get.replace(b"GET", b"HEAD") + get)
        first, second, answer = got.split(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 405 ")
        assert second.startswith(b"HTTP/1.1 200 ")
        assert "result" in json.loads(answer)

    run(tmp_path, body)


def test_a_client_that_waits_for_permission_to_send_its_body_gets_it(tmp_path: Path) -> None:
    async def body(server: Server) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(CALL))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(CALL)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()

    run(tmp_path, body)


@pytest.mark.parametrize("cut", [1, 7, 60, 4_096, 1 << 20])
def test_an_upgrade_may_follow_a_request_and_be_followed_by_frames_cut_anywhere(tmp_path: Path, cut: int) -> None:
    async def body(server: Server) -> None:
        data = b"GET /api/v2/public/test HTTP/1.1\r\nHost: x\r\n\r\n" + UPGRADE + frame(CALL)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for at in range(0, len(data), cut):
            writer.write(data[at : at + cut])
            await writer.drain()
            await asyncio.sleep(0)
        got = b""
        while got.count(END) < 2:
            piece = await reader.read(65536)
            assert piece, got
            got += piece
        assert got.index(b"HTTP/1.1 200 ") < got.index(b"HTTP/1.1 101 ") < got.index(b'"id":1,"result"')
        writer.close()

    run(tmp_path, body)


def test_garbage_behind_an_upgrade_is_a_protocol_error_not_a_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(server: Server) -> None:
        got = await exchange(server, UPGRADE + b"\xff" + os.urandom(64))
        assert got.startswith(b"HTTP/1.1 101 ")
        assert (1002).to_bytes(2, "big") in got.split(b"\r\n\r\n", 1)[1]
        assert not caplog.records

    run(tmp_path, body)


def test_no_request_reaches_the_event_loop_as_an_exception(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body(server: Server) -> None:
        protocol_errors: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: protocol_errors.append(context))
        for verb in (b"HEAD", b"PUT", b"get", b"CONNECT", b"PRI"):
            for target in (b"/", b"*", b"/api/v2/public/test", b"/ws/api/v2", b"http://[", b"//["):
                for headers in (b"Host: x\r\n", b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"):
                    await _send_and_leave(server, verb + b" " + target + b" HTTP/1.1\r\n" + headers + b"\r\n\x81\x00")
        async with client(server) as honest:
            assert (await ask(honest, "public/test"))["result"]
        assert protocol_errors == []
        assert not caplog.records

    run(tmp_path, body)


async def _send_and_leave(server: Server, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(65536), 0.05)
    writer.close()
