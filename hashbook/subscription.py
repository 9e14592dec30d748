"""One stream of notifications, as an async iterator or as callbacks.

Lives here: decoding into the wanted type, the buffer, what happens when the reader is too slow.
Does not know: sockets; who sends the subscribe request (see session).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from hashbook.errors import SubscriptionLagged

log = logging.getLogger(__name__)

T = TypeVar("T")

BUFFER_MESSAGES = 10_000


class Subscription(Generic[T]):
    """Messages of some channels: `async for channel, message in subscription`, or a callback per message.

    It survives reconnects: the channels are asked for again, and `generation` of the session tells that there may be
    a hole in the stream. Messages are decoded when they arrive, in order.
    """

    def __init__(
        self,
        channels: Sequence[str],
        kind: type[T],
        callback: Callable[[str, T], object] | None,
        closer: Callable[["Subscription[T]"], Awaitable[None]],
        *,
        buffer_messages: int = BUFFER_MESSAGES,
    ) -> None:
        self.channels = tuple(channels)
        self._decoder = msgspec.json.Decoder(kind)
        self._callback = callback
        self._closer = closer
        self._queue: asyncio.Queue[tuple[str, T] | None] = asyncio.Queue(buffer_messages)
        self._ended_by: Exception | None = None
        self._closed = False

    def deliver(self, channel: str, data: msgspec.Raw) -> None:
        """One message from the session.

        Raises:
            msgspec.DecodeError: not the expected type; the connection treats it as a protocol violation.
        """
        if self._closed:
            return
        message = self._decoder.decode(data)
        if self._callback is None:
            self._buffer(channel, message)
            return
        try:
            self._callback(channel, message)
        except Exception as failed:
            # A fault in one callback must not take the whole connection with it; it ends this stream, loudly.
            log.exception("the callback of %s failed; this subscription ends", channel)
            self.end(failed)

    def end(self, because: Exception | None) -> None:
        """No more messages; iterators stop after what is buffered, or raise `because`."""
        self._closed = True
        self._ended_by = because
        if not self._queue.full():
            self._queue.put_nowait(None)

    def lose(self, channels: Sequence[str], because: Exception) -> None:
        """Some channels are gone (an instrument expired while we were away); without any left the stream ends."""
        self.channels = tuple(channel for channel in self.channels if channel not in channels)
        if not self.channels:
            self.end(because)

    async def close(self) -> None:
        """Unsubscribe."""
        if not self._closed:
            self.end(None)
            await self._closer(self)

    @property
    def ended_by(self) -> Exception | None:
        """Why the stream ended, when it did not end by `close`."""
        return self._ended_by

    def _buffer(self, channel: str, message: T) -> None:
        if self._queue.full():
            self.end(SubscriptionLagged(f"{channel}: {self._queue.maxsize} messages unread"))
        else:
            self._queue.put_nowait((channel, message))

    def __aiter__(self) -> "Subscription[T]":
        return self

    async def __anext__(self) -> tuple[str, T]:
        if self._closed and self._queue.empty():
            raise self._ended_by or StopAsyncIteration
        item = await self._queue.get()
        if item is None:
            raise self._ended_by or StopAsyncIteration
        return item
