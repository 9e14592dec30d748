"""A connection that comes back: login, heartbeat, cancel-on-disconnect and subscriptions survive a disconnect.

Lives here: the state machine CONNECTING -> READY -> RECONNECTING -> ..., and the table of subscriptions.
Does not know: the venue's trading methods (see client).
Theory: a request is never repeated by itself, since its outcome may be unknown; what is repeated is only what makes
the session the same session (login, subscriptions). `generation` counts READY states, so that a caller who keeps
state of its own sees that it must compare it with the venue's.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from websockets.exceptions import WebSocketException

from hashbook.connection import Connection
from hashbook.credentials import Credentials
from hashbook.errors import ChannelRefused, ConnectionLost, HashbookError, RequestTimeout
from hashbook.protocol import Login
from hashbook.subscription import Subscription

log = logging.getLogger(__name__)

T = TypeVar("T")

CHANNELS_PER_REQUEST = 400  # keeps a subscribe request well below the 32 KiB frame limit
RETRY_CODES = frozenset({10028, 10040, 10041, 10047, 11051, 11094})  # the venue says: not now


class SessionState(StrEnum):
    """Where a session stands; every change is reported to `on_state`."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    READY = "ready"
    RECONNECTING = "reconnecting"
    FAILED = "failed"  # the venue refused the login; it will not be tried again


class SessionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with sensible defaults."""

    login: str = "client_signature"  # or client_credentials
    heartbeat_s: int | None = 30  # the venue's test requests; None: none
    cancel_on_disconnect: bool = False
    request_timeout_s: float = 10
    backoff_first_s: float = 0.1
    backoff_max_s: float = 5


class Session:
    """A durable session. `async with Session(url, credentials)` connects and closes it."""

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        options: SessionOptions | None = None,
        *,
        on_state: Callable[[SessionState, str], None] | None = None,
        wall_time_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.url = url
        self.options = options or SessionOptions()
        self.state = SessionState.CLOSED
        self.generation = 0
        self._credentials = credentials
        self._on_state = on_state
        self._wall_time_ms = wall_time_ms
        self._connection: Connection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failure: HashbookError | None = None
        self._changed = asyncio.Event()
        self._subscriptions: dict[str, Subscription[Any]] = {}

    # life

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self, *, timeout_s: float | None = None) -> None:
        """Start the session and wait until it is ready, for ever or for `timeout_s`.

        Raises:
            HashbookError: the venue refused the login.
            TimeoutError: not ready in time; the session keeps trying until `close`.
        """
        if self._keeper is None:
            self._set_state(SessionState.CONNECTING, self.url)
            self._keeper = asyncio.create_task(self._keep_connected(), name="hashbook session")
        await self.wait_ready(timeout_s=timeout_s)

    async def wait_ready(self, *, timeout_s: float | None = None) -> None:
        """Wait until requests can be sent; raises as `connect`."""
        async with asyncio.timeout(timeout_s):
            while self.state is not SessionState.READY:
                if self._failure is not None:
                    raise self._failure
                if self._keeper is None:
                    raise ConnectionLost("the session is closed", sent=False)
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        """End the session; iterators over subscriptions stop."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        for subscription in set(self._subscriptions.values()):
            subscription.end(None)
        self._subscriptions.clear()
        if self.state is not SessionState.FAILED:
            self._set_state(SessionState.CLOSED, "closed by the caller")

    # requests

    async def request(self, method: str, params: dict[str, Any] | None = None) -> msgspec.Raw:
        """One request; parameters that are None are left out.

        Raises:
            HashbookError, ConnectionLost, RequestTimeout: see there. It is never repeated by itself.
        """
        return await self._ask(self._ready_connection(), method, params or {})

    async def call(self, kind: type[T], method: str, params: dict[str, Any] | None = None) -> T:
        """One request with a typed result; raises msgspec.DecodeError when the result is not of that type."""
        return msgspec.json.decode(await self.request(method, params), type=kind)

    async def subscribe(
        self, channels: Sequence[str], kind: type[T], callback: Callable[[str, T], object] | None = None
    ) -> Subscription[T]:
        """Follow channels; each message is decoded as `kind`.

        Raises:
            ChannelRefused: the venue does not accept all of them; none is followed then.
            ValueError: a channel is followed already (there is one reader per channel and session).
        """
        taken = [channel for channel in channels if channel in self._subscriptions]
        if taken or len(set(channels)) < len(channels):
            raise ValueError(f"followed already, or named twice: {', '.join(taken) or 'see the list'}")
        subscription = Subscription(channels, kind, callback, self._unsubscribe)
        # Entered before asking: the first message may follow the reply within the same read.
        self._subscriptions.update(dict.fromkeys(channels, subscription))
        try:
            connection = self._ready_connection()
            await self._ask_channels(connection, "subscribe", channels)
        except ChannelRefused as refused:
            self._forget(channels)
            accepted = [channel for channel in channels if channel not in refused.channels]
            await self._ask_channels(connection, "unsubscribe", accepted)
            raise
        except BaseException:
            self._forget(channels)
            raise
        return subscription

    # inside

    async def _keep_connected(self) -> None:
        delay_s = self.options.backoff_first_s
        while True:
            reason = await self._live_once()
            if self._failure is not None:
                return
            if self.state is SessionState.READY:
                delay_s = self.options.backoff_first_s
                self._set_state(SessionState.RECONNECTING, reason)
            else:
                log.info("not connected to %s: %s", self.url, reason)
            # Jitter keeps a thousand clients of a restarted venue from coming back in the same instant.
            await asyncio.sleep(delay_s * random.uniform(0.5, 1))
            delay_s = min(delay_s * 2, self.options.backoff_max_s)

    async def _live_once(self) -> str:
        """One connection from open to end; returns why it ended."""
        try:
            connection = await Connection.open(self.url, self._deliver, timeout_s=self.options.request_timeout_s)
        except (OSError, TimeoutError, WebSocketException) as away:
            return f"{type(away).__name__}: {away}"
        self._connection = connection
        renewal: asyncio.Task[None] | None = None
        try:
            renewal = await self._prepare(connection)
            self.generation += 1
            self._set_state(SessionState.READY, self.url)
            return await connection.wait_closed()
        except HashbookError as refused:
            if refused.code not in RETRY_CODES:
                self._failure = refused
                self._set_state(SessionState.FAILED, str(refused))
            return str(refused)
        except (ConnectionLost, RequestTimeout) as lost:
            return str(lost)
        finally:
            if renewal is not None:
                renewal.cancel()
            self._connection = None
            await connection.close()

    async def _prepare(self, connection: Connection) -> asyncio.Task[None] | None:
        renewal = None
        if self._credentials is not None:
            login = await self._log_in(connection, self._credentials)
            if self.options.cancel_on_disconnect:
                await self._ask(connection, "private/enable_cancel_on_disconnect", {"scope": "connection"})
            renewal = asyncio.create_task(self._renew_login(connection, self._credentials, login.expires_in))
        if self.options.heartbeat_s is not None:
            await self._ask(connection, "public/set_heartbeat", {"interval": self.options.heartbeat_s})
        try:
            await self._ask_channels(connection, "subscribe", list(self._subscriptions))
        except ChannelRefused as refused:
            # They were accepted before; an instrument may have expired since.
            log.warning("after the reconnect the venue refuses %s", refused)
            readers = {self._subscriptions[c] for c in refused.channels if c in self._subscriptions}
            self._forget(refused.channels)
            for reader in readers:
                reader.lose(refused.channels, refused)
        return renewal

    async def _log_in(self, connection: Connection, credentials: Credentials) -> Login:
        if self.options.login == "client_credentials":
            params = credentials.plain_login()
        else:
            params = credentials.signed_login(timestamp_ms=self._wall_time_ms(), nonce=secrets.token_hex(8))
        return msgspec.json.decode(await self._ask(connection, "public/auth", params), type=Login)

    async def _renew_login(self, connection: Connection, credentials: Credentials, expires_in_s: int) -> None:
        """Log in again at four fifths of the login's life; a failure shows in the next private request."""
        while True:
            await asyncio.sleep(max(1.0, expires_in_s * 0.8))
            try:
                expires_in_s = (await self._log_in(connection, credentials)).expires_in
            except (HashbookError, ConnectionLost, RequestTimeout) as failed:
                log.warning("the login could not be renewed: %s", failed)
                expires_in_s = 5

    async def _ask(self, connection: Connection, method: str, params: dict[str, Any]) -> msgspec.Raw:
        given = {name: value for name, value in params.items() if value is not None}
        return await connection.request(method, given, timeout_s=self.options.request_timeout_s)

    async def _ask_channels(self, connection: Connection, verb: str, channels: Sequence[str]) -> None:
        refused: list[str] = []
        for door, batch in channel_batches(channels):
            raw = await self._ask(connection, f"{door}/{verb}", {"channels": batch})
            accepted = set(msgspec.json.decode(raw, type=list[str]))
            refused += [channel for channel in batch if channel not in accepted]
        if refused and verb == "subscribe":
            raise ChannelRefused(refused)

    async def _unsubscribe(self, subscription: Subscription[Any]) -> None:
        self._forget(subscription.channels)
        if self._connection is not None and self.state is SessionState.READY:
            await self._ask_channels(self._connection, "unsubscribe", subscription.channels)

    def _ready_connection(self) -> Connection:
        if self._connection is None or self.state is not SessionState.READY:
            raise ConnectionLost(f"the session is {self.state}", sent=False)
        return self._connection

    def _forget(self, channels: Sequence[str]) -> None:
        for channel in channels:
            self._subscriptions.pop(channel, None)

    def _deliver(self, channel: str, data: msgspec.Raw) -> None:
        subscription = self._subscriptions.get(channel)
        if subscription is not None:  # else: one that is just being unsubscribed
            subscription.deliver(channel, data)

    def _set_state(self, state: SessionState, why: str) -> None:
        self.state = state
        self._changed.set()
        log.info("session %s: %s", state, why)
        if self._on_state is not None:
            self._on_state(state, why)


def channel_batches(channels: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Channels as requests: the private ones through the private door, each request bounded."""
    private = [channel for channel in channels if channel.startswith("user.")]
    public = [channel for channel in channels if not channel.startswith("user.")]
    for door, members in (("private", private), ("public", public)):
        for start in range(0, len(members), CHANNELS_PER_REQUEST):
            yield door, members[start : start + CHANNELS_PER_REQUEST]
