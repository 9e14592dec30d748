"""The gateway's link to the core (implements gateway.core_link.CoreLink), also used by the feed.

Lives here: batching of commands, matching of reads and answers, being away and back.
Does not know: what commands and events mean.
Theory of operation: records handed in during one turn of the event loop leave as one frame. While a batch is with the
core the next ones wait for its events, at most a moment: the core works on one group at a time, and a few full groups
cost both sides much less than many small ones. Events that arrive before
the user has set its callbacks (its first read) are dropped: the image it reads then covers them.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from domain import reads
from domain.reads import Answer, ReadRequest
from gateway.core_link import CoreAway
from runtime.link_client import LinkClient
from runtime.link_frames import COMMANDS_BYTES_MAX, READ_ID, Frame, FrameType, Status, Welcome

BATCH_BYTES_MAX: Final = COMMANDS_BYTES_MAX // 2
READ_TIMEOUT_S: Final = 10.0
FLUSH_AT_LATEST_S: Final = 0.002  # a group that waits for a slow disk must not hold back what could be queued


class SocketCoreLink:
    """One link, reconnecting. See gateway.core_link.CoreLink for the contract."""

    def __init__(self, socket_path: Path, role: str = "gateway") -> None:
        self._client = LinkClient(
            socket_path,
            role,
            on_welcome=self._receive_welcome,
            on_status=self._receive_status,
            on_frame=self._receive_frame,
            on_away=self._receive_away,
        )
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._flush_is_scheduled = False
        self._flush_timer: asyncio.TimerHandle | None = None
        self._unanswered = False  # a batch is with the core
        self._reads: dict[int, asyncio.Future[bytes]] = {}
        self._next_read_id = 1
        self._listening = False
        self._was_here = False
        self._first_welcome = asyncio.Event()
        self.gateway_id = 0
        self.exchange_time_ns = 0
        self.away = True
        self.speed = 1
        self._exchange_now_ns = 0
        self._exchange_now_at = 0.0
        self.on_events: Callable[[bytes], None] = _ignore_events
        self.on_away: Callable[[], None] = _ignore
        self.on_back: Callable[[], None] = _ignore

    async def open(self, timeout_s: float = 30.0) -> None:
        """Connect for the first time. Raises CoreAway after the timeout, LinkRefused when the core says no."""
        self._task = self._loop.create_task(self._client.run())
        welcome = self._loop.create_task(self._first_welcome.wait())
        await asyncio.wait({self._task, welcome}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            welcome.cancel()
            await self._task
        if not welcome.done():
            welcome.cancel()
            raise CoreAway(f"no core within {timeout_s} s")

    async def wait_ended(self) -> None:
        """Until the link is refused for good (raises LinkRefused) or closed (raises CancelledError)."""
        assert self._task is not None
        await self._task

    def close(self) -> None:
        """Stop reconnecting and end the connection."""
        self._flush()
        if self._task is not None:
            self._task.cancel()
        self._client.close()

    def send_commands(self, records: bytes) -> None:
        """See CoreLink. Cost: O(1); the bytes leave at the end of this turn of the loop."""
        if self.away:
            raise CoreAway("the core is away")
        if self._batch_bytes + len(records) > BATCH_BYTES_MAX:
            self._flush()
        self._batch.append(records)
        self._batch_bytes += len(records)
        if not self._flush_is_scheduled:
            self._flush_is_scheduled = True
            if self._unanswered:
                self._flush_timer = self._loop.call_later(FLUSH_AT_LATEST_S, self._flush)
            else:
                self._loop.call_soon(self._flush)

    async def read(self, request: ReadRequest) -> Answer:
        """See CoreLink. Commands sent before are applied before the answer is made."""
        if self.away:
            raise CoreAway("the core is away")
        self._listening = True
        self._flush()
        read_id, self._next_read_id = self._next_read_id, self._next_read_id + 1
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._reads[read_id] = future
        self._client.send(FrameType.READ, READ_ID.pack(read_id) + reads.encode(request))
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                data = await future
        except TimeoutError as error:
            raise CoreAway(f"no answer within {READ_TIMEOUT_S} s") from error
        finally:
            self._reads.pop(read_id, None)
        answer: Answer = reads.decode_answer(data)
        self.exchange_time_ns = max(self.exchange_time_ns, answer.time_ns)
        return answer

    def exchange_now_ns(self) -> int:
        """Exchange time now, extrapolated from the core's last status. For timers, not for events."""
        passed_ns = int((self._loop.time() - self._exchange_now_at) * 1_000_000_000)
        return self._exchange_now_ns + passed_ns * self.speed

    # ------------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._flush_is_scheduled = False
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._batch:
            self._unanswered = True
            records = self._batch[0] if len(self._batch) == 1 else b"".join(self._batch)
            self._batch, self._batch_bytes = [], 0
            self._client.send(FrameType.COMMANDS, records)

    def _receive_welcome(self, welcome: Welcome) -> None:
        self.gateway_id = welcome.link_id
        self.speed = welcome.speed
        self.exchange_time_ns = max(self.exchange_time_ns, welcome.time_ns)
        self._note_now(welcome.exchange_now_ns)
        self.away = False
        self._first_welcome.set()
        if self._was_here:
            self._loop.call_soon(self.on_back)
        self._was_here = True

    def _receive_status(self, status: Status) -> None:
        self.exchange_time_ns = max(self.exchange_time_ns, status.time_ns)
        self._note_now(status.exchange_now_ns)

    def _note_now(self, exchange_now_ns: int) -> None:
        self._exchange_now_ns = exchange_now_ns
        self._exchange_now_at = self._loop.time()

    def _receive_frame(self, frame: Frame) -> None:
        if frame.type is FrameType.EVENTS:
            self._unanswered = False
            self._flush()  # before anything else: the core has nothing of ours to do now
            if self._listening:
                self.on_events(frame.payload)
        elif frame.type is FrameType.READ_REPLY:
            (read_id,) = READ_ID.unpack_from(frame.payload)
            future = self._reads.get(read_id)
            if future is not None and not future.done():
                future.set_result(frame.payload[READ_ID.size :])

    def _receive_away(self, reason: str) -> None:
        self.away = True
        self._batch, self._batch_bytes = [], 0
        self._unanswered = False
        for future in self._reads.values():
            if not future.done():
                future.set_exception(CoreAway(f"the core went away: {reason}"))
        self.on_away()


def _ignore_events(events: bytes) -> None:
    """Nobody listens yet."""


def _ignore() -> None:
    """Nobody listens yet."""
