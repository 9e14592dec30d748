"""Clients without sockets for the gateway's tests: a venue over the real core, and websocket sessions whose output is
kept.

Lives here: `Desk`-level plumbing only. Time stands still unless a test moves it; coroutines run to their end at
once, because the in-process link never suspends, unless a test collects them to run later.
"""

from collections.abc import Coroutine
from typing import Any

import msgspec

from domain.reads import ReadImage
from gateway import methods
from gateway.auth import Authenticator
from gateway.config import GatewayConfig
from gateway.keys import parse_keys
from gateway.session import WsSession
from gateway.venue import Venue
from tests.unit.gateway.inprocess import SECRET, START_NS, InProcessLink, keys

assert methods.METHODS  # filled by the import


def run_now(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine waits for something")


def parse_frames(data: bytes) -> list[dict[str, Any]]:
    """Messages of concatenated unmasked text frames."""
    messages = []
    at = 0
    while at < len(data):
        assert data[at] == 0x81, "one unfragmented text frame"
        length, at = data[at + 1], at + 2
        if length == 126:
            length, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        elif length == 127:
            length, at = int.from_bytes(data[at : at + 8], "big"), at + 8
        messages.append(msgspec.json.decode(data[at : at + length]))
        at += length
    return messages


class Client:
    """One websocket session and everything it was sent."""

    def __init__(self, bench: "Bench") -> None:
        self.bench = bench
        self.messages: list[dict[str, Any]] = []
        self.unsent_bytes = 0
        self.closed: tuple[int, str] | None = None
        self.aborted = False
        self._next_id = 0
        self.session = WsSession(
            bench.venue,
            bench.next_session(),
            write=lambda data: self.messages.extend(parse_frames(data)),
            unsent_bytes=lambda: self.unsent_bytes,
            start_close=self._start_close,
            abort=self._abort,
        )

    def _start_close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def _abort(self) -> None:
        self.aborted = True

    def raw(self, payload: bytes) -> None:
        """Send one message and let everything happen that follows from it."""
        self.session.receive(payload, self.bench.now_ns // 1_000)
        self.bench.settle()

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request; its id."""
        self._next_id += 1
        request = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params or {}}
        self.raw(msgspec.json.encode(request))
        return self._next_id

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request; its whole reply."""
        identity = self.send(method, params)
        found = [message for message in self.messages if message.get("id") == identity]
        assert len(found) == 1, f"{len(found)} replies to {method}"
        return found[0]

    def result(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Send a request that must succeed; its result."""
        reply = self.call(method, params)
        assert "error" not in reply, reply
        return reply["result"]

    def error(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request that must be refused; its error."""
        reply = self.call(method, params)
        assert "error" in reply, reply
        error: dict[str, Any] = reply["error"]
        return error

    def notifications(self, channel: str) -> list[Any]:
        """Data of everything sent on a channel so far."""
        return [
            message["params"]["data"]
            for message in self.messages
            if message.get("method") == "subscription" and message["params"]["channel"] == channel
        ]

    def place(
        self, side: str, instrument: str, amount: float, price: float | None = None, **more: Any
    ) -> dict[str, Any]:
        """Place an order that must be accepted; {order, trades}."""
        params = {"instrument_name": instrument, "amount": amount, **more}
        if price is not None:
            params["price"] = price
        result: dict[str, Any] = self.result(f"private/{side}", params)
        return result


class Bench:
    """A gateway over the real core, or another link, without sockets."""

    def __init__(self, config: GatewayConfig | None = None, *, later: bool = False, link: Any = None) -> None:
        self.now_ns = START_NS
        self.link: Any = InProcessLink() if link is None else link
        self.later: list[Coroutine[Any, Any, None]] = []
        self.failures: list[BaseException] = []
        self._keep = later
        self._sessions = 0
        self.config = config or GatewayConfig(keys_path="")
        self.authenticator = Authenticator(
            parse_keys(msgspec.json.encode(keys()), 0o600),
            window_ms=self.config.auth_window_ms,
            access_token_s=self.config.access_token_s,
            refresh_token_s=self.config.refresh_token_s,
            random_bytes=lambda count: b"\x05" * count,
        )
        self.venue = Venue(
            self.config,
            self.link,
            self.link.history,
            self.authenticator,
            run_now(self.link.read(ReadImage())),
            wall_ns=lambda: self.now_ns,
            spawn=self._spawn,
        )
        self.link.on_events = self.venue.on_events
        self.link.on_away = self.venue.on_away
        self.link.on_back = self.venue.on_back

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        if self._keep:
            self.later.append(coroutine)
        else:
            run_now(coroutine)

    def run_later(self) -> None:
        """Run what was collected."""
        waiting, self.later = self.later, []
        for coroutine in waiting:
            run_now(coroutine)

    def next_session(self) -> int:
        """A session id."""
        self._sessions += 1
        return self._sessions

    def settle(self) -> None:
        """Send queued commands, deliver their events, write what is queued."""
        self.venue.desk.flush()
        self.link.deliver()
        self.venue.flush()

    def ticks(self) -> None:
        """Let every interval pass once."""
        self.venue.tick_portfolio()
        self.venue.tick_joined("100ms")
        self.venue.tick_joined("agg2")
        self.settle()

    def client(self, name: str = "") -> Client:
        """A new session, authenticated when a name is given."""
        client = Client(self)
        if name:
            client.result("public/auth", credentials(name))
        return client


def credentials(name: str) -> dict[str, Any]:
    """Parameters of public/auth with a secret."""
    return {"grant_type": "client_credentials", "client_id": f"key-{name}", "client_secret": SECRET + name}
