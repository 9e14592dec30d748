"""HTTP on the same port: GET with a query string and POST with a JSON-RPC body, one request at a time, keep-alive.

Lives here: h11's state machine around the request queue, and the recognition of a websocket upgrade. No sockets.
Does not know: methods, the websocket protocol (upgrade bytes are handed back untouched).
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import h11
import msgspec

from domain.ensure import ensure
from gateway.auth import Principal
from gateway.codec import EMPTY_PARAMS, NULL_ID, BadRequest, Request, decode_request, error_bytes
from gateway.errors import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Refusal
from gateway.session import Connection
from gateway.table import METHODS, Call, Outcome
from gateway.venue import Venue

API_PATH: Final = "/api/v2"
WS_PATH: Final = "/ws/api/v2"
QUERY_FIELDS_MAX: Final = 64
_JSON: Final = b"application/json"
_PARAMS_BODY: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class HttpConnection(Connection):
    """One HTTP connection until it ends or becomes a websocket."""

    def __init__(
        self, venue: Venue, session_id: int, *, write: Callable[[bytes], None], close: Callable[[], None]
    ) -> None:
        """`write` sends bytes; `close` ends the connection once they are sent."""
        super().__init__(venue, session_id)
        self._write = write
        self._close = close
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=venue.config.header_bytes_max)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._us_in = 0

    # -- in ---------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, us_in: int) -> bool:
        """Take bytes. True when the request is a websocket upgrade: the caller takes over, see `upgrade_bytes`."""
        self._us_in = us_in
        self._h11.receive_data(data)
        return self._advance()

    def upgrade_bytes(self) -> tuple[bytes, bytes]:
        """The head of the upgrade, written anew, and what came after it."""
        ensure(self._request is not None, "an upgrade has a request")
        head = cast(h11.Request, self._request)
        lines = [b"GET %b HTTP/%b" % (head.target, head.http_version)]
        lines += [b"%b: %b" % (name, value) for name, value in head.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n", self._h11.trailing_data[0]

    def _advance(self) -> bool:
        while not self.closed:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse_and_close(error.error_status_hint, "malformed HTTP")
                return False
            if event is h11.NEED_DATA:
                return False
            if event is h11.PAUSED:
                if len(self._h11.trailing_data[0]) > self.venue.config.message_bytes_max:
                    self._refuse_and_close(413, "too much sent ahead of the replies")
                return False
            if isinstance(event, h11.Request):
                self._request = event
                self._body.clear()
                unfit = _unfit(event, self.venue.config.message_bytes_max)
                if unfit is not None:
                    self._refuse_and_close(*unfit)
                    return False
                if _is_upgrade(event):
                    return True
                if self._h11.they_are_waiting_for_100_continue:
                    self._write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > self.venue.config.message_bytes_max:
                    self._refuse_and_close(413, "body too large")
                    return False
            elif isinstance(event, h11.EndOfMessage):
                self._handle()
            elif isinstance(event, h11.ConnectionClosed):
                self.closed = True
                self._close()
                return False
        return False

    def _handle(self) -> None:
        """A complete request: find its method and principal, then queue it."""
        head = self._request
        if head is None:
            return
        http_method, target, body = head.method.decode("ascii"), head.target.decode("ascii"), bytes(self._body)
        try:
            parts = urlsplit(target)
        except ValueError as error:
            reason = Refusal(INVALID_REQUEST, {"reason": f"malformed target: {error}"[:100]})
            self._respond(400, error_bytes(NULL_ID, reason, 0, 0))
            return
        if parts.path == API_PATH or parts.path.startswith(API_PATH + "/"):
            name = parts.path[len(API_PATH) + 1 :]
        else:
            self._respond(404, error_bytes(NULL_ID, Refusal(METHOD_NOT_FOUND, {"path": parts.path[:100]}), 0, 0))
            return
        if http_method == "GET":
            request = _from_query(name, parts.query)
        elif http_method == "POST":
            request = _from_body(name, body)
        else:
            self._respond(405, error_bytes(NULL_ID, Refusal(INVALID_REQUEST, {"reason": "GET or POST"}), 0, 0))
            return
        principal: Principal | None = None
        if isinstance(request, Request):
            authorized = self._authorize(head, request, http_method, target, body)
            if isinstance(authorized, Refusal):
                request = BadRequest(request.identity, authorized)
            else:
                principal = authorized
        self.accept(request, self._us_in, principal)

    def _authorize(
        self, head: h11.Request, request: Request, http_method: str, target: str, body: bytes
    ) -> Principal | Refusal | None:
        """The principal of the Authorization header; public methods need none and ignore a wrong one."""
        spec = METHODS.get(request.method)
        if spec is None or not spec.scope:
            return None
        for name, value in head.headers:
            if name == b"authorization":
                return self.venue.auth.from_header(
                    value.decode("latin-1"),
                    http_method=http_method,
                    targets=(target,) if http_method == "GET" else (target, API_PATH),
                    body=body,
                    changes_state=spec.changes_state,
                    now_ms=self.venue.wall_ns() // 1_000_000,
                )
        return None

    # -- out --------------------------------------------------------------------------------------------------

    def send_reply(self, payload: bytes, refusal: Refusal | None) -> None:
        """One response: 200, or 400 with the same kind of body."""
        self._respond(200 if refusal is None else 400, payload)

    def _respond(self, status: int, payload: bytes) -> None:
        if self.closed:
            return
        self._send(status, payload, (b"cache-control", b"no-store"))
        if self._h11.our_state is h11.MUST_CLOSE:
            self.closed = True
            self._close()
            return
        if self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._request = None

    def _send(self, status: int, payload: bytes, header: tuple[bytes, bytes]) -> None:
        """One whole response; a HEAD gets its head only."""
        headers = [(b"content-type", _JSON), (b"content-length", b"%d" % len(payload)), header]
        events: list[h11.Event] = [h11.Response(status_code=status, headers=headers)]
        if self._request is None or self._request.method != b"HEAD":
            events.append(h11.Data(data=payload))
        parts = [self._h11.send(event) for event in [*events, h11.EndOfMessage()]]
        self._write(b"".join(part for part in parts if part))

    async def _wait_for(self, call: Call, coroutine: Coroutine[Any, Any, Outcome]) -> None:
        await super()._wait_for(call, coroutine)
        self._advance()

    def finish(self, call: Call, outcome: bytes | Refusal) -> None:
        """The answer to a command arrived; the next pipelined request may start."""
        super().finish(call, outcome)
        self._advance()

    def _refuse_and_close(self, status: int, reason: str) -> None:
        """A protocol violation: say so if HTTP still allows it, then close."""
        payload = error_bytes(NULL_ID, Refusal(INVALID_REQUEST, {"reason": reason}), 0, 0)
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._send(status, payload, (b"connection", b"close"))
        self.closed = True
        self._close()

    def lost(self) -> None:
        """The connection is gone. Orders placed over HTTP are never cancelled by that."""
        self.closed = True


def _unfit(head: h11.Request, body_max: int) -> tuple[int, str] | None:
    """Status and reason for a request whose head already shows that it must not be read on."""
    lengths = [value for name, value in head.headers if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in head.headers)
    if lengths and chunked:
        return 400, "two lengths: content-length and transfer-encoding"  # a proxy may believe the other one
    if lengths and int(lengths[0]) > body_max:
        return 413, "body too large"
    if (lengths or chunked) and _is_upgrade(head):
        return 400, "an upgrade has no body"
    return None


def _is_upgrade(head: h11.Request) -> bool:
    """Whether the head asks for a websocket on our path."""
    wants = any(name == b"upgrade" and value.lower() == b"websocket" for name, value in head.headers)
    return wants and head.method == b"GET" and head.target.split(b"?")[0] == WS_PATH.encode()


def _from_query(name: str, query: str) -> Request | BadRequest:
    """A request out of a path and a query string; every value is text."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        return BadRequest(NULL_ID, Refusal(INVALID_PARAMS, {"reason": str(error)[:100]}))
    params: dict[str, str] = {}
    for key, value in pairs:
        if key in params:
            return BadRequest(NULL_ID, Refusal(INVALID_PARAMS, {"reason": "duplicate key", "param": key}))
        params[key] = value
    return Request(name, params, NULL_ID)


def _from_body(name: str, body: bytes) -> Request | BadRequest:
    """A request out of a POST: an envelope, or with a method in the path just the parameters."""
    if not name:
        return decode_request(body)
    if not body.strip():
        return Request(name, EMPTY_PARAMS, NULL_ID)
    request = decode_request(body)
    if isinstance(request, Request):
        if request.method != name:
            return BadRequest(request.identity, Refusal(INVALID_REQUEST, {"reason": "method and path differ"}))
        return request
    try:
        members = _PARAMS_BODY.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return request
    if "jsonrpc" in members or "method" in members:
        return request
    wrapped = decode_request(b'{"jsonrpc":"2.0","method":"%b","params":%b}' % (name.encode(), body))
    return wrapped
