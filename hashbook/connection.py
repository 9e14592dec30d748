"""One websocket to the venue: requests matched to replies by id, notifications in order, heartbeats answered.

Lives here: the life of a single connection, with exactly one task reading it.
Does not know: logins, subscriptions, coming back after a loss (see session).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hashbook.errors import ConnectionLost, HashbookError, OutcomeUnknown, ProtocolViolation, RequestTimeout
from hashbook.protocol import ANYTHING, HEARTBEAT, INCOMING, NOTICE, ErrorBody, Incoming, encode_request

log = logging.getLogger(__name__)

FRAME_BYTES_MAX = 16 * 1024 * 1024  # a full instrument list or a deep book fits many times over
PING_INTERVAL_S = 20
PING_TIMEOUT_S = 20

NoticeHandler = Callable[[str, msgspec.Raw], None]


class Connection:
    """An open websocket. Use `Connection.open`; it ends once, and `wait_closed` says why."""

    def __init__(self, socket: ClientConnection, on_notice: NoticeHandler) -> None:
        self._socket = socket
        self._on_notice = on_notice
        self._request_id = 0
        self._pending: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self._reader = asyncio.create_task(self._read(), name="hashbook reader")
        self.late_replies = 0  # answers to requests that had timed out

    @classmethod
    async def open(cls, url: str, on_notice: NoticeHandler, *, timeout_s: float = 10) -> "Connection":
        """Connect.

        Raises:
            OSError, TimeoutError, websockets.exceptions.WebSocketException: there is no venue at that address.
        """
        socket = await connect(
            url,
            compression=None,  # costs both sides more time than it saves on a fast link
            max_size=FRAME_BYTES_MAX,
            open_timeout=timeout_s,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=2,
        )
        return cls(socket, on_notice)

    async def request(self, method: str, params: dict[str, Any], *, timeout_s: float = 10) -> msgspec.Raw:
        """Send one request and wait for its own reply, whatever arrives between.

        Raises:
            HashbookError: the venue refused.
            ConnectionLost: no connection, or it ended before the reply.
            RequestTimeout: no reply in `timeout_s`.
        """
        if self._reader.done():
            raise ConnectionLost("the connection is closed", sent=False)
        self._request_id += 1
        request_id = self._request_id
        reply: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = reply
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send(encode_request(request_id, method, params), text=True)
                return await reply
        except ConnectionClosed as closed:
            raise ConnectionLost(f"closed while sending {method}: {closed}", sent=True) from closed
        except TimeoutError as late:
            raise RequestTimeout(f"no reply to {method} within {timeout_s} s") from late
        finally:
            self._pending.pop(request_id, None)

    async def close(self) -> None:
        """Say goodbye and wait until the reader has ended."""
        await self._socket.close()
        await asyncio.wait({self._reader})

    async def wait_closed(self) -> str:
        """Wait for the end; the reason in words."""
        await asyncio.wait({self._reader})
        return self._reader.result()

    async def _read(self) -> str:
        reason = "closed"
        try:
            async for frame in self._socket:
                self._receive(frame)
            reason = f"closed by the venue: {self._socket.close_code} {self._socket.close_reason}"
        except ConnectionClosed as closed:
            reason = f"lost: {closed}"
        except ProtocolViolation as violation:
            reason = f"protocol violation: {violation}"
            await self._socket.close(1002, "not this protocol")
        finally:
            for reply in self._pending.values():
                if not reply.done():
                    reply.set_exception(ConnectionLost(reason, sent=True))
            for answer in self._answers:
                answer.cancel()
        return reason

    def _receive(self, frame: str | bytes) -> None:
        try:
            message = INCOMING.decode(frame)
            if message.method == "subscription":
                notice = NOTICE.decode(message.params)
                self._on_notice(notice.channel, notice.data)
            elif message.method == "heartbeat":
                if HEARTBEAT.decode(message.params).type == "test_request":
                    self._start(self._answer_heartbeat())
            elif message.method is None:
                self._settle_reply(message)
            else:
                log.warning("the venue sent a notification of an unknown kind: %s", message.method)
        except msgspec.DecodeError as wrong:
            raise ProtocolViolation(str(wrong)) from wrong

    def _settle_reply(self, message: Incoming) -> None:
        if message.error is not None and message.id is None:
            raise ProtocolViolation(f"the venue could not read a frame of ours: {message.error.message}")
        reply = self._pending.get(message.id) if isinstance(message.id, int) else None
        if reply is None or reply.done():
            self.late_replies += 1
        elif message.error is not None:
            reply.set_exception(typed_error(message.error))
        else:
            reply.set_result(message.result)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer_heartbeat(self) -> None:
        try:
            await self.request("public/test", {})
        except (ConnectionLost, RequestTimeout, HashbookError) as failed:
            log.warning("could not answer a heartbeat: %s", failed)


def typed_error(body: ErrorBody) -> HashbookError:
    """The exception for an error body; data that is no object is kept under `value`."""
    data = body.data if isinstance(body.data, dict) or body.data is None else {"value": body.data}
    kind = OutcomeUnknown if body.code == OutcomeUnknown.CODE else HashbookError
    return kind(body.code, body.message, data)


def decode_anything(raw: msgspec.Raw) -> Any:
    """An untyped result; its numbers are int or Decimal."""
    return ANYTHING.decode(raw)
