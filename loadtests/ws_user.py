"""A locust user over one websocket: one reader greenlet, replies matched by id, latency counted from the due time.

Lives here: the connection, pending requests, the three latency rows per reply. Does not know: what is traded.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import gevent
import msgspec
import websocket
from gevent.event import AsyncResult
from locust import User

from loadtests.counting import Counting

CONNECT_TIMEOUT_S = 10
CALL_TIMEOUT_S = 20

DECODER = msgspec.json.Decoder(float_hook=Decimal)  # prices keep their digits


class VenueError(Exception):
    """The venue refused a question that the run cannot do without."""


@dataclass(slots=True)
class Pending:
    """A request on its way; times are of the performance counter, in seconds."""

    method: str
    due_s: float
    sent_s: float
    on_result: Callable[[Any], None] | None


class WsUser(User):
    """Base of the personas: `send` does not wait for the reply, `call` does."""

    abstract = True
    counting: Counting

    def connect(self) -> None:
        """Open the websocket and start its only reader."""
        self._request_id = 0
        self._pending: dict[int, Pending] = {}
        self._on_notice: dict[str, Callable[[Any], None]] = {}
        self._closing = False
        self._socket = websocket.create_connection(self.host, timeout=CONNECT_TIMEOUT_S, enable_multithread=True)
        self._socket.settimeout(None)
        self._reader = gevent.spawn(self._read)

    def log_in(self, client_id: str, client_secret: str) -> None:
        """`public/auth` by signature."""
        timestamp_ms = time.time_ns() // 1_000_000
        text = f"{timestamp_ms}\n\n"
        self.call(
            "public/auth",
            {
                "grant_type": "client_signature",
                "client_id": client_id,
                "timestamp": timestamp_ms,
                "nonce": "",
                "data": "",
                "signature": hmac.new(client_secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
            },
        )

    def send(
        self, method: str, params: dict[str, Any], *, due_s: float, on_result: Callable[[Any], None] | None = None
    ) -> None:
        """Send one request that was due at `due_s`, and go on; numbers in `params` are exact (`msgspec.Raw`)."""
        self._request_id += 1
        frame = msgspec.json.encode({"jsonrpc": "2.0", "id": self._request_id, "method": method, "params": params})
        # Entered before it leaves, since the reader may see the reply before `send` returns.
        self._pending[self._request_id] = Pending(method, due_s, time.perf_counter(), on_result)
        self.counting.note_sent(method)
        self._socket.send(frame.decode())

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """One request and its result.

        Raises:
            VenueError: refused. gevent.Timeout: no answer.
        """
        answer: AsyncResult = AsyncResult()
        self.send(method, params, due_s=time.perf_counter(), on_result=answer.set)
        result = answer.get(timeout=CALL_TIMEOUT_S)
        if isinstance(result, VenueError):
            raise result
        return result

    def follow(self, channels: dict[str, Callable[[Any], None]]) -> None:
        """Subscribe to public channels, each with its handler."""
        self._on_notice.update(channels)
        accepted = self.call("public/subscribe", {"channels": list(channels)})
        if set(accepted) != set(channels):
            raise VenueError(f"channels refused: {set(channels) - set(accepted)}")

    def drain(self, timeout_s: float) -> None:
        """Wait until every request is answered, but not for ever; what is not answered then counts as missing."""
        deadline_s = time.perf_counter() + timeout_s
        while self._pending and not self._reader.dead and time.perf_counter() < deadline_s:
            gevent.sleep(0.01)

    def disconnect(self) -> None:
        """End the reader and the connection."""
        self._closing = True
        self._socket.shutdown()
        self._reader.join(timeout=CONNECT_TIMEOUT_S)

    def _read(self) -> None:
        try:
            while True:
                frame = self._socket.recv()
                received_s = time.perf_counter()
                if not frame:
                    raise websocket.WebSocketConnectionClosedException("closed by the venue")
                self._receive(DECODER.decode(frame), received_s)
        except (websocket.WebSocketException, OSError, msgspec.DecodeError) as lost:
            if not self._closing:
                self.counting.note_unexpected(f"connection lost: {type(lost).__name__}: {lost}")

    def _receive(self, message: dict[str, Any], received_s: float) -> None:
        if message.get("method") == "subscription":
            handler = self._on_notice.get(message["params"]["channel"])
            if handler is not None:
                handler(message["params"]["data"])
        elif message.get("method") == "heartbeat":
            if message["params"]["type"] == "test_request":
                self.send("public/test", {}, due_s=received_s)
        else:
            self._settle(message, received_s)

    def _settle(self, message: dict[str, Any], received_s: float) -> None:
        pending = self._pending.pop(message.get("id"), None)
        if pending is None:
            self.counting.note_unexpected(f"a reply to nothing: id {message.get('id')}")
            return
        error = message.get("error") or {}
        code, text = error.get("code"), error.get("message", "")
        as_it_should_be = self.counting.note_reply(pending.method, code, text)
        fault = None if as_it_should_be else VenueError(f"{code} {text}")
        name = pending.method if code is None else f"{pending.method} refused {code}"
        rows = {
            "due": (received_s - pending.due_s) * 1e3,
            "sent": (received_s - pending.sent_s) * 1e3,
            "server": message.get("usDiff", 0) / 1e3,
        }
        for row, milliseconds in rows.items():
            self.environment.events.request.fire(
                request_type=row,
                name=name,
                response_time=milliseconds,
                response_length=0,
                exception=fault if row == "due" else None,
                context={},
            )
        if pending.on_result is not None and code is None:
            pending.on_result(message["result"])
        elif pending.on_result is not None and fault is not None:
            pending.on_result(fault)
