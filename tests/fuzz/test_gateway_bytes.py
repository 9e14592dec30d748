"""Goal: no bytes from a client break a gateway, its other clients or the core. Method: hypothesis feeds raw bytes,
frames and half-right requests into the connection's protocol object over a transport in memory; afterwards another
session still trades and the core's invariants hold."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from gateway.config import GatewayConfig
from gateway.methods import METHODS
from gateway.ws_server import ClientProtocol, Server, serve
from tests.unit.gateway.inprocess import SECRET, START_NS, InProcessLink, write_keys

HANDSHAKE = (
    b"GET /ws/api/v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class MemoryTransport:
    """What the protocol object needs of a transport."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.closing = False

    def write(self, data: bytes) -> None:
        self.out += data

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Attacked:
    """A gateway, one connection under attack, and one honest one."""

    def __init__(self, server: Server, link: InProcessLink) -> None:
        self.server, self.link = server, link

    def connect(self) -> tuple[ClientProtocol, MemoryTransport]:
        protocol, transport = ClientProtocol(self.server), MemoryTransport()
        protocol.connection_made(transport)  # type: ignore[arg-type]
        return protocol, transport

    async def turn(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    async def attack(self, chunks: list[bytes]) -> MemoryTransport:
        protocol, transport = self.connect()
        for chunk in chunks:
            if transport.closing:
                break
            protocol.data_received(chunk)
            await self.turn()
        protocol.connection_lost(None)
        return transport

    async def prove_alive(self) -> None:
        """Another session still authenticates and trades, and the core's state is sound."""
        protocol, transport = self.connect()
        protocol.data_received(HANDSHAKE)
        credentials = {"grant_type": "client_credentials", "client_id": "key-bob", "client_secret": SECRET + "bob"}
        order = {"instrument_name": "TH1A_USDC", "amount": 1, "price": 15}
        for method, params in (("public/auth", credentials), ("private/buy", order), ("private/cancel_all", {})):
            protocol.data_received(text_frame(request(method, params)))
            await self.turn()
        assert b'"order_state":"open"' in transport.out
        assert transport.out.rstrip().endswith(b'"testnet":false}')
        assert b'"result":1' in transport.out
        protocol.connection_lost(None)
        self.link.machine.check_invariants()
        assert self.server.limits.total == 0
        assert self.server.venue.connections == {}
        assert self.server.venue.desk.pending == {}


def request(method: str, params: object) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def text_frame(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=True)


def drive(chunks: list[bytes]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with tempfile.TemporaryDirectory() as folder:
            link = InProcessLink(lambda function: loop.call_soon(function))
            config = GatewayConfig(keys_path=str(write_keys(Path(folder))), port=0)
            server = await serve(config, link, link.history, lambda: START_NS)
        try:
            attacked = Attacked(server, link)
            await attacked.attack(chunks)
            await attacked.prove_alive()
        finally:
            await server.close()

    asyncio.run(asyncio.wait_for(main(), 30))


MODEST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SIGN_IN = request(
    "public/auth",
    {"grant_type": "client_credentials", "client_id": "key-alice", "client_secret": SECRET + "alice"},
)


@MODEST
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_bytes_instead_of_http(chunks: list[bytes]) -> None:
    drive(chunks)


@MODEST
@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(0, len(HANDSHAKE)))
def test_any_bytes_after_a_handshake_cut_anywhere(chunks: list[bytes], cut: int) -> None:
    drive([HANDSHAKE[:cut], HANDSHAKE[cut:], *chunks])


FRAMES = st.builds(
    lambda opcode, data, fin: (data, Frame(opcode, data, fin).serialize(mask=True))[1],
    st.sampled_from([Opcode.TEXT, Opcode.CONT, Opcode.BINARY]),
    st.one_of(st.binary(max_size=100), st.text(max_size=60).map(str.encode)),
    st.booleans(),
)


@MODEST
@given(st.lists(FRAMES, max_size=8))
def test_any_sequence_of_frames(frames: list[bytes]) -> None:
    drive([HANDSHAKE, *frames])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["TH1A_USDC", "HPU_USDC-31JAN24", "BTC", "any", "1", "1-30", "limit", "market", "1e-8", "-0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def half_right_requests(draw: st.DrawFn) -> bytes:
    """A method of the table with parameters of its own names and any values."""
    name = draw(st.sampled_from(sorted(METHODS)))
    fields = [field.name for field in msgspec.structs.fields(METHODS[name].params)] or ["x"]
    params = draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=5))
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": name, "params": params})


@MODEST
@given(st.lists(half_right_requests(), min_size=1, max_size=8))
def test_known_methods_with_any_parameters(requests: list[bytes]) -> None:
    drive([HANDSHAKE, text_frame(SIGN_IN), *[text_frame(payload) for payload in requests]])


@MODEST
@given(half_right_requests(), st.data())
def test_a_request_with_one_byte_changed(payload: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:at] + bytes([data.draw(st.integers(0, 255))]) + payload[at + 1 :]
    drive([HANDSHAKE, text_frame(SIGN_IN), text_frame(changed)])
