"""A connection's requests: in order, bounded, each answered exactly once.

Lives here: the request queue of one connection (websocket or HTTP) and the websocket session with its subscriptions,
heartbeats and output budget. No sockets: bytes come in, bytes go out through the functions handed in.
Rules: commands follow each other without waiting; everything else waits until the commands ahead of it are answered,
and nothing overtakes it. A connection with too much queued or under way is `crowded`: its transport stops reading.
Does not know: what methods do.
"""

import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

import msgspec

from gateway.auth import Principal
from gateway.codec import BadRequest, Request, decode_request, error_bytes, result_bytes
from gateway.core_link import CoreAway
from gateway.errors import (
    HISTORY_BEHIND,
    INTERNAL,
    MAINTENANCE,
    METHOD_NOT_FOUND,
    UNAUTHORIZED,
    Refusal,
)
from gateway.frames import text_frame
from gateway.history_reader import HistoryBehind
from gateway.table import METHODS, Call, Command, MethodSpec, Outcome, params_refusal, token_in
from gateway.venue import Venue

log: Final = logging.getLogger("hashbook.gateway")
_US: Final = 1_000
QUEUED_MAX: Final = 64  # requests that wait behind a slow one before reading stops: they run in one go once it is done
_HEARTBEAT: Final = text_frame(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
_HEARTBEAT_PLAIN: Final = text_frame(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}')
MUST_BE_WEBSOCKET: Final = Refusal(10030, {"reason": "use a websocket for this method"})


class Connection:
    """The request side of one connection."""

    websocket = False

    def __init__(self, venue: Venue, session_id: int) -> None:
        self.venue = venue
        self.session_id = session_id
        self.principal: Principal | None = None
        self.cancel_on_disconnect = False
        self.closed = False
        self.had_valid_request = False
        self._queue: deque[tuple[Request | BadRequest, int, Principal | None]] = deque()
        self._in_flight = 0
        self._busy = False  # a coroutine is answering, or a chain of commands
        self._held: tuple[Call, Coroutine[Any, Any, Outcome]] | None = None  # until the commands ahead are answered
        self._low_load = venue.config.requests_in_flight_max // 2
        self.resume_reading: Callable[[], None] | None = None  # set while the transport is told not to read

    # -- to be given by the kinds of connection ---------------------------------------------------------------

    def send_reply(self, payload: bytes, refusal: Refusal | None) -> None:
        """Queue one reply."""
        raise NotImplementedError

    # -- requests ---------------------------------------------------------------------------------------------

    @property
    def origin(self) -> int:
        """Who sends, as the core numbers it. Never kept: HTTP connections outlive a restart of the core, which may give
        the gateway another number, and what is sent under the old one is answered to nobody."""
        return self.venue.link.gateway_id << 32 | self.session_id

    @property
    def load(self) -> int:
        """Requests that are queued or under way."""
        return len(self._queue) + self._in_flight

    @property
    def crowded(self) -> bool:
        """Whether no more requests should be read for now; `resume_reading` is called when that has changed."""
        return self.load >= self.venue.config.requests_in_flight_max or len(self._queue) >= QUEUED_MAX

    def accept(self, request: Request | BadRequest, us_in: int, principal: Principal | None) -> None:
        """Take one request; it runs now if nothing is ahead of it."""
        self._queue.append((request, us_in, principal))
        self.pump()

    def pump(self) -> None:
        """Run queued requests as far as the order allows."""
        queue = self._queue
        while queue and not self._busy and not self.closed:
            request, us_in, principal = queue[0]
            if isinstance(request, BadRequest):
                if self._in_flight:
                    return
                queue.popleft()
                self._reply(request.identity, request.refusal, us_in)
                continue
            spec = METHODS.get(request.method)
            if self._in_flight and (spec is None or not spec.pipelined):
                return
            queue.popleft()
            call = Call(self, request.identity, us_in, principal, websocket=self.websocket)
            if spec is None:
                self._reply(request.identity, Refusal(METHOD_NOT_FOUND, {"method": request.method[:100]}), us_in)
                continue
            outcome = self._run(call, spec, request)
            if isinstance(outcome, Command | bytes | Refusal):
                self._settle(call, outcome)
            else:
                self._busy = True
                if self._in_flight:  # it reads what the commands ahead of it do
                    self._held = (call, outcome)
                else:
                    self.venue.spawn(self._wait_for(call, outcome))

    def _run(self, call: Call, spec: MethodSpec, request: Request) -> Outcome | Coroutine[Any, Any, Outcome]:
        """Check parameters and scope, then run the handler. Who may not ask is told that, not what was wrong."""
        try:
            if isinstance(request.params, dict):
                params = msgspec.convert(request.params, spec.params, strict=False)
            else:
                params = spec.decode(request.params)
        except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
            return self._forbidden(call, spec, token_in(request.params)) or params_refusal(error)
        if spec.websocket_only and not call.websocket:
            return MUST_BE_WEBSOCKET
        if spec.scope:
            refusal = self._forbidden(call, spec, params.access_token)
            if refusal is not None:
                return refusal
        self.had_valid_request = True
        return spec.handler(self.venue, call, params)

    def _forbidden(self, call: Call, spec: MethodSpec, access_token: str) -> Refusal | None:
        """Refuse a private method to who may not call it; a token authenticates this one call."""
        if not spec.scope:
            return None
        principal = call.principal
        if access_token:
            granted = self.venue.auth.from_token(access_token, self.venue.wall_ns() // 1_000_000)
            if isinstance(granted, Refusal):
                return granted
            call.principal = principal = granted
        if not principal.account:
            return UNAUTHORIZED
        if spec.scope not in principal.scopes and not principal.may(spec.scope):
            return Refusal(13021, {"reason": "the key lacks a scope", "scope": spec.scope})
        return None

    async def _wait_for(self, call: Call, coroutine: Coroutine[Any, Any, Outcome]) -> None:
        outcome: Outcome = INTERNAL
        try:
            outcome = await coroutine
        except CoreAway:
            outcome = MAINTENANCE
        except HistoryBehind:
            outcome = HISTORY_BEHIND
        finally:
            self._busy = False
            if not self.closed:
                self._settle(call, outcome)
                self.pump()
                self._maybe_resume()
                self.venue.desk.flush()
                self.venue.flush()

    def _settle(self, call: Call, outcome: Outcome) -> None:
        if isinstance(outcome, Command):
            refusal = self.venue.desk.submit(call, outcome)
            if refusal is None:
                self._in_flight += 1
                if outcome.then is not None:
                    self._busy = call.chained = True
                return
            outcome = refusal
        self._reply(call.identity, outcome, call.us_in)

    def finish(self, call: Call, outcome: bytes | Refusal) -> None:
        """The answer to a command arrived."""
        self._in_flight -= 1
        if call.chained:
            self._busy = False
        held = self._held
        if self.closed:
            if held is not None:
                self._held = None
                held[1].close()
            return
        self._reply(call.identity, outcome, call.us_in)
        if held is not None and not self._in_flight:
            self._held = None
            self.venue.spawn(self._wait_for(*held))
        if self._queue:
            self.pump()
        self._maybe_resume()

    def _maybe_resume(self) -> None:
        if self.resume_reading is not None and self.load <= self._low_load and len(self._queue) <= QUEUED_MAX // 2:
            resume, self.resume_reading = self.resume_reading, None
            resume()

    def _reply(self, identity: bytes, outcome: bytes | Refusal, us_in: int) -> None:
        us_out = self.venue.wall_ns() // _US
        if isinstance(outcome, Refusal):
            self.send_reply(error_bytes(identity, outcome, us_in, us_out), outcome)
        else:
            self.send_reply(result_bytes(identity, outcome, us_in, us_out), None)


class WsSession(Connection):
    """One websocket: requests in, replies and notifications out, in the order they were queued."""

    websocket = True

    def __init__(
        self,
        venue: Venue,
        session_id: int,
        *,
        write: Callable[[bytes], None],
        unsent_bytes: Callable[[], int],
        start_close: Callable[[int, str], None],
        abort: Callable[[], None],
    ) -> None:
        """`write` sends bytes, `unsent_bytes` tells how many of them the peer has not taken, `start_close` sends a
        close frame, `abort` drops the connection."""
        super().__init__(venue, session_id)
        self._origin = venue.link.gateway_id << 32 | session_id
        self._write = write
        self._unsent_bytes = unsent_bytes
        self._start_close = start_close
        self._abort = abort
        self._out: list[bytes] = []
        self._after_reply: list[bytes] | None = None  # first messages of channels wait for the subscription's reply
        self.close_after_reply = ""
        self.logged_out = False  # leaves its orders, and those of the account, in the book
        self._out_bytes = 0
        self._soft = venue.config.output_soft_bytes
        self._hard = venue.config.output_hard_bytes
        self.subscriptions: dict[str, int] = {}  # channel -> account, 0 = public
        self._heartbeat_ns = 0
        self._last_sign_ns = 0
        self._test_pending = False
        venue.connections[session_id] = self

    @property
    def origin(self) -> int:
        """Kept: a websocket ends when the core restarts, and what it leaves behind is cancelled under the number that
        its orders carry."""
        return self._origin

    # -- in ---------------------------------------------------------------------------------------------------

    def receive(self, payload: bytes, us_in: int) -> None:
        """One complete text message, valid UTF-8. The caller flushes the desk and the venue after a batch."""
        self._last_sign_ns = us_in * _US
        self.accept(decode_request(payload), us_in, self.principal)

    # -- out --------------------------------------------------------------------------------------------------

    @property
    def lagging(self) -> bool:
        """Over the soft output budget: conflatable data waits."""
        return self._out_bytes + self._unsent_bytes() > self._soft

    def push(self, frame: bytes) -> None:
        """Queue one encoded frame."""
        if self._after_reply is not None:
            self._after_reply.append(frame)
            return
        self._out.append(frame)
        self._out_bytes += len(frame)
        self.venue.to_flush[self] = None

    def send_reply(self, payload: bytes, refusal: Refusal | None) -> None:
        """Queue one reply frame, then what had to come after it."""
        held, self._after_reply = self._after_reply, None
        self.push(text_frame(payload))
        if held:
            for frame in held:
                self.push(frame)
        if self.close_after_reply:
            self.close(1000, self.close_after_reply)

    def flush(self) -> None:
        """Write what is queued in one piece; a reader beyond the hard budget is dropped."""
        if not self._out or self.closed:
            return
        out, self._out = self._out, []
        self._out_bytes = 0
        self._write(out[0] if len(out) == 1 else b"".join(out))
        if self._unsent_bytes() > self._hard:
            log.warning("session %d dropped: it does not read its output", self.session_id)
            self._abort()

    def close(self, code: int, reason: str) -> None:
        """Write what is queued, then start the closing handshake."""
        self.flush()
        if not self.closed:
            self._start_close(code, reason)

    # -- subscriptions ----------------------------------------------------------------------------------------

    def subscribe(self, channels: list[str], *, private: bool) -> list[str]:
        """Subscribe to what exists and is allowed; answers the accepted channels, never an error for the others:
        existing clients end their receive loop on an error frame."""
        self._after_reply = []
        accepted: list[str] = []
        account = self.principal.account if private and self.principal is not None else 0
        for channel in channels:
            if channel in self.subscriptions:
                accepted.append(channel)
                continue
            if len(self.subscriptions) >= self.venue.config.subscriptions_max:
                break
            if channel.startswith("user."):
                good = account > 0 and self.venue.private.subscribe(channel, account, self)
                owner = account
            else:
                good = self.venue.publisher.subscribe(channel, self)
                owner = 0
            if good:
                self.subscriptions[channel] = owner
                accepted.append(channel)
        return accepted

    def unsubscribe(self, channels: list[str]) -> list[str]:
        """Unsubscribe; answers the channels that were subscribed."""
        gone: list[str] = []
        for channel in channels:
            owner = self.subscriptions.pop(channel, None)
            if owner is None:
                continue
            if owner:
                self.venue.private.unsubscribe(channel, owner, self)
            else:
                self.venue.publisher.unsubscribe(channel, self)
            gone.append(channel)
        return gone

    def authenticate(self, principal: Principal) -> None:
        """Become this principal; private subscriptions of another account end."""
        if self.principal is not None and self.principal.account != principal.account:
            self.unsubscribe([channel for channel, owner in self.subscriptions.items() if owner])
        self.principal = principal

    # -- heartbeats -------------------------------------------------------------------------------------------

    def set_heartbeat(self, interval_s: int) -> None:
        """Ask the client for a sign of life every interval; 0 stops it."""
        self._heartbeat_ns = interval_s * 10**9
        self._last_sign_ns = self.venue.wall_ns()
        self._test_pending = False

    def sign_of_life(self) -> None:
        """public/test arrived."""
        self._test_pending = False

    def tick(self, now_ns: int) -> None:
        """Once per second: heartbeats."""
        if not self._heartbeat_ns or now_ns - self._last_sign_ns < self._heartbeat_ns:
            return
        if self._test_pending:
            self.close(1000, "heartbeat timeout")
            return
        self._test_pending = True
        self._last_sign_ns = now_ns
        self.push(_HEARTBEAT_PLAIN)
        self.push(_HEARTBEAT)

    # -- end --------------------------------------------------------------------------------------------------

    def lost(self) -> None:
        """The connection is gone: leave all channels, cancel what asked for it."""
        if self.closed:
            return
        self.closed = True
        self._queue.clear()
        self._out.clear()
        self.unsubscribe(list(self.subscriptions))
        self.venue.connections.pop(self.session_id, None)
        self.venue.to_flush.pop(self, None)
        if self._held is not None:
            self._held[1].close()
            self._held = None
        last_of = 0
        if self.principal is not None and not self.logged_out:
            last_of = self.principal.account
            if any(other.principal.account == last_of for other in self._others() if other.principal is not None):
                last_of = 0
        if self.cancel_on_disconnect or last_of:
            self.venue.cancel_session(self.origin, last_of)

    def _others(self) -> Iterator["WsSession"]:
        return (other for other in self.venue.connections.values() if isinstance(other, WsSession))
