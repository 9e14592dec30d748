"""The shell: the only file of this room that touches sockets, the event loop, files and random bytes.

Lives here: one asyncio protocol per connection (HTTP first, websocket after an upgrade), timers, start and stop.
Does not know: methods, channels, trading. Replies of everything read in one turn of the loop leave in one write.
"""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as WsRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from domain.reads import ImageAnswer, ReadImage
from gateway import methods
from gateway.auth import Authenticator
from gateway.config import GatewayConfig
from gateway.core_link import CoreLink
from gateway.history_reader import HistoryReader
from gateway.http import HttpConnection
from gateway.intake import Intake
from gateway.keys import parse_keys
from gateway.limits import ConnectionLimits
from gateway.session import WsSession
from gateway.venue import Venue

log: Final = logging.getLogger("hashbook.gateway")
ws_log: Final = logging.getLogger("hashbook.gateway.websockets")
ws_log.setLevel(logging.WARNING)  # the library tells of every connection that opens and closes
TICK_S: Final = 0.05
CLOSE_WAIT_S: Final = 2.0  # for the peer's close frame; then the connection ends once its output is taken
UNSUPPORTED_DATA: Final = 1003
INVALID_DATA: Final = 1007
GOING_AWAY: Final = 1001
TRY_AGAIN: Final = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class ClientProtocol(asyncio.Protocol):
    """One accepted connection."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._venue = server.venue
        self._transport: asyncio.Transport | None = None
        self._ip = ""
        self._admitted = False
        self._http: HttpConnection | None = None
        self._intake = Intake(
            wall_ns=server.venue.wall_ns,
            take=self._take,
            held_up=self._held_up,
            yields=lambda: self.session is not None and self.session.lagging,
            later=server.loop.call_soon,
            set_reading=self._set_reading,
        )
        self._choked = False  # the peer does not take what is written
        self._ws: ServerProtocol | None = None
        self.session: WsSession | None = None
        self._fragments: list[bytes] = []
        self._opened_ns = 0
        self._last_byte_ns = 0
        self._pinged = False
        self._closing = False

    # -- asyncio ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit or turn away."""
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        peer = transport.get_extra_info("peername")
        self._ip = peer[0] if isinstance(peer, tuple) and peer else "local"
        if not self._server.limits.admit(self._ip):
            transport.write(TRY_AGAIN)
            transport.close()
            return
        self._admitted = True
        transport.set_write_buffer_limits(high=self._venue.config.output_soft_bytes)
        self._server.clients[self] = None
        self._opened_ns = self._last_byte_ns = self._venue.wall_ns()
        self._http = HttpConnection(self._venue, self._server.next_session(), write=self._write, close=transport.close)

    def data_received(self, data: bytes) -> None:
        """Bytes of HTTP or of websocket frames; commands and replies leave at the end of the loop's turn."""
        self._last_byte_ns = self._venue.wall_ns()
        self._pinged = False
        self._intake.add(data)

    def pause_writing(self) -> None:
        """The peer does not take its output: its requests and pings wait too."""
        self._choked = True

    def resume_writing(self) -> None:
        """The peer took most of its output."""
        self._choked = False
        self._intake.work_soon()

    def _take(self, piece: bytes) -> None:
        us_in = self._last_byte_ns // 1_000
        if self.session is not None:
            self._frames(piece, us_in)
        elif self._http is not None and self._http.receive(piece, us_in):
            self._upgrade(us_in)
        self._server.flush_soon()

    def _set_reading(self, on: bool) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            (transport.resume_reading if on else transport.pause_reading)()

    def _held_up(self) -> bool:
        """Whether nothing more may be looked at; who is in the way calls back."""
        session = self.session
        if session is not None and session.crowded:
            session.resume_reading = self._intake.work_soon
            return True
        return self._choked

    def eof_received(self) -> bool:
        """The peer will send no more."""
        if self._ws is not None:
            self._ws.receive_eof()
            self._send_protocol_bytes()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything."""
        self._intake.end()
        if self._admitted:
            self._admitted = False
            self._server.limits.release(self._ip)
            self._server.clients.pop(self, None)
        if self.session is not None:
            self.session.lost()
        if self._http is not None:
            self._http.lost()

    # -- websocket --------------------------------------------------------------------------------------------

    def _upgrade(self, us_in: int) -> None:
        """Hand the connection to the websocket library, starting with the request it has not seen."""
        assert self._http is not None
        head, rest = self._http.upgrade_bytes()
        self._ws = ServerProtocol(max_size=self._venue.config.message_bytes_max, logger=ws_log)
        self._ws.receive_data(head)
        events = self._ws.events_received()
        if not events or not isinstance(events[0], WsRequest):
            self._send_protocol_bytes()
            self._transport_close()
            return
        response = self._ws.accept(events[0])
        self._ws.send_response(response)
        self._send_protocol_bytes()
        if self._ws.handshake_exc is not None:
            assert isinstance(self._ws.handshake_exc, InvalidHandshake)
            self._transport_close()
            return
        http, self._http = self._http, None
        self.session = WsSession(
            self._venue,
            http.session_id,
            write=self._write,
            unsent_bytes=self._unsent_bytes,
            start_close=self._start_close,
            abort=self._abort,
        )
        if rest:
            self._frames(rest, us_in)

    def _frames(self, data: bytes, us_in: int) -> None:
        ws = self._ws
        assert ws is not None
        ws.receive_data(data)
        for event in ws.events_received():
            self._frame(event, us_in)
        self._send_protocol_bytes()

    def _frame(self, event: Any, us_in: int) -> None:
        """One frame: text is joined and checked; control frames are the library's business."""
        ws, session = self._ws, self.session
        assert ws is not None
        assert session is not None
        if not isinstance(event, Frame) or self._closing:
            return
        if event.opcode is Opcode.TEXT or event.opcode is Opcode.CONT:
            if event.opcode is Opcode.TEXT and event.fin:
                payload = bytes(event.data)
            else:
                self._fragments.append(bytes(event.data))
                if not event.fin:
                    return
                payload = b"".join(self._fragments)
                self._fragments.clear()
            if not payload.isascii():
                try:
                    payload.decode()
                except UnicodeDecodeError:
                    self._start_close(INVALID_DATA, "invalid UTF-8")
                    return
            session.receive(payload, us_in)
        elif event.opcode is Opcode.BINARY:
            self._start_close(UNSUPPORTED_DATA, "text frames only")

    def _send_protocol_bytes(self) -> None:
        """Write what the library wants sent: handshake, pongs, close frames; an empty item means end of stream."""
        ws, transport = self._ws, self._transport
        if ws is None or transport is None:
            return
        for data in ws.data_to_send():
            if data:
                self._write(data)
            elif transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()
        if ws.close_expected() and not self._closing:
            self._closing = True
            self._server.loop.call_later(CLOSE_WAIT_S, self._transport_close)

    def _start_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""
        if self._ws is None or self._closing:
            return
        if self._ws.state is State.OPEN:
            self._ws.send_close(code, reason)
        self._send_protocol_bytes()

    # -- transport --------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def _transport_close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -- timers and stop --------------------------------------------------------------------------------------

    def tick(self, now_ns: int) -> None:
        """Once per second: silence and heartbeats."""
        config = self._venue.config
        connection = self.session or self._http
        if connection is not None and not connection.had_valid_request:
            if now_ns - self._opened_ns > config.first_request_s * 10**9:
                self.stop(1008, "no valid request")
            return
        if self.session is None:
            if now_ns - self._last_byte_ns > 2 * config.idle_ping_s * 10**9:
                self._abort()  # what it has not taken by now it never will
            return
        silent_ns = now_ns - self._last_byte_ns
        if silent_ns > 2 * config.idle_ping_s * 10**9:
            self._abort()
        elif silent_ns > config.idle_ping_s * 10**9 and not self._pinged and self._ws is not None and not self._closing:
            self._pinged = True
            self._ws.send_ping(b"")
            self._send_protocol_bytes()
        self.session.tick(now_ns)

    def stop(self, code: int, reason: str) -> None:
        """Close with a reason."""
        if self.session is not None:
            self.session.close(code, reason)
        else:
            self._transport_close()


class Server:
    """A listening gateway."""

    def __init__(self, venue: Venue, limits: ConnectionLimits, tasks: "set[asyncio.Task[None]]") -> None:
        self.venue = venue
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.clients: dict[ClientProtocol, None] = {}
        self.port = 0
        self._tasks = tasks
        self._listener: asyncio.Server | None = None
        self._last_session = 0
        self._flush_scheduled = False

    def next_session(self) -> int:
        """A session id, unique in this process."""
        self._last_session += 1
        return self._last_session

    def flush_soon(self) -> None:
        """Send commands and replies once this turn of the loop has been read."""
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        self.venue.desk.flush()
        self.venue.flush()

    async def listen(self, config: GatewayConfig) -> None:
        """Bind and accept."""
        self._listener = await self.loop.create_server(
            lambda: ClientProtocol(self), config.host, config.port, backlog=1_024
        )
        address = self._listener.sockets[0].getsockname()
        self.port = int(address[1]) if self._listener.sockets[0].family != socket.AF_UNIX else 0

    async def tick_forever(self) -> None:
        """The rhythm: 50 ms portfolios, 100 ms and 1 s channels, 1 s heartbeats."""
        count = 0
        portfolio_every = max(1, round(self.venue.config.portfolio_tick_ms / 1000 / TICK_S))
        due = self.loop.time()
        while True:
            due = max(due + TICK_S, self.loop.time())
            await asyncio.sleep(due - self.loop.time())
            count += 1
            if count % portfolio_every == 0:
                self.venue.tick_portfolio()
            if count % 2 == 0:
                self.venue.tick_joined("100ms")
            if count % 20 == 0:
                self.venue.tick_joined("agg2")
                now_ns = self.venue.wall_ns()
                for client in list(self.clients):
                    client.tick(now_ns)
                self.venue.flush()

    async def close(self) -> None:
        """Stop listening, close sessions with 1001, wait shortly for them, stop the timers."""
        if self._listener is not None:
            self._listener.close()
        for client in list(self.clients):
            client.stop(GOING_AWAY, "the gateway stops")
        deadline = self.loop.time() + CLOSE_WAIT_S
        while self.clients and self.loop.time() < deadline:
            await asyncio.sleep(0.02)
        for client in list(self.clients):
            client._abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _spawner(tasks: "set[asyncio.Task[None]]") -> Callable[[Coroutine[Any, Any, None]], None]:
    """Start coroutines, keep them alive, and report what they raise."""

    def done(task: "asyncio.Task[None]") -> None:
        tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the gateway failed", exc_info=task.exception())

    def spawn(coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        tasks.add(task)
        task.add_done_callback(done)

    return spawn


async def serve(config: GatewayConfig, link: CoreLink, history: HistoryReader, wall_ns: Callable[[], int]) -> Server:
    """Start a gateway. Returns once it listens. Raises CoreAway, keys.BadKeys, OSError."""
    descriptor = os.open(config.keys_path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        keys = parse_keys(file.read(), os.fstat(descriptor).st_mode)
    log.info("%d keys, %d methods", len(keys.by_client_id), len(methods.METHODS))
    authenticator = Authenticator(
        keys,
        window_ms=config.auth_window_ms,
        access_token_s=config.access_token_s,
        refresh_token_s=config.refresh_token_s,
        random_bytes=secrets.token_bytes,
    )
    early: list[bytes] = []
    link.on_events = early.append
    link.on_away = lambda: None
    link.on_back = lambda: None
    answer = await link.read(ReadImage())
    assert isinstance(answer, ImageAnswer)
    tasks: set[asyncio.Task[None]] = set()
    spawn = _spawner(tasks)
    venue = Venue(config, link, history, authenticator, answer, wall_ns=wall_ns, spawn=spawn)
    for data in early:
        venue.on_events(data)
    link.on_events, link.on_away, link.on_back = venue.on_events, venue.on_away, venue.on_back
    server = Server(venue, ConnectionLimits(config), tasks)
    await server.listen(config)
    spawn(server.tick_forever())
    return server
