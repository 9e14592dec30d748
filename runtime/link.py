"""One end of a link: frames over a unix socket, on asyncio.

Lives here: the protocol object of both sides, the output budget.
Does not know: what the frames mean.
Theory of operation: nobody ever waits for the other side of a link. What cannot be sent is buffered up to a budget; a
link that exceeds it is cut, because a peer that does not read is as good as dead and the core must not grow for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from runtime.link_frames import (
    PAYLOAD_BYTES_MAX,
    Frame,
    FrameDecoder,
    FrameType,
    LinkProtocolError,
    encode_frame,
)

OUTPUT_BUDGET_BYTES: Final = 64 << 20
READ_BUFFER_BYTES: Final = 256 << 10


class Link(asyncio.Protocol):
    """One connection. Callbacks run in the loop; `on_lost` runs exactly once, after `on_open`."""

    def __init__(
        self,
        *,
        on_open: Callable[["Link"], None],
        on_frame: Callable[["Link", Frame], None],
        on_lost: Callable[["Link", str], None],
        payload_bytes_max: int = PAYLOAD_BYTES_MAX,
        output_budget_bytes: int = OUTPUT_BUDGET_BYTES,
    ) -> None:
        self._on_open = on_open
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._decoder = FrameDecoder(payload_bytes_max)
        self._output_budget_bytes = output_budget_bytes
        self._transport: asyncio.Transport | None = None
        self._cut_reason = ""

    @property
    def is_open(self) -> bool:
        """False before the connection, and once it was cut or lost."""
        return self._transport is not None and not self._cut_reason

    @property
    def was_cut(self) -> bool:
        """True if this side ended the link because of what the other side did."""
        return bool(self._cut_reason)

    def send(self, type_: FrameType, payload: bytes | bytearray) -> None:
        """Send or buffer one frame; cuts the link when the other side has left too much unread."""
        self.send_encoded(encode_frame(type_, payload))

    def send_encoded(self, frame: bytes) -> None:
        """Send a frame encoded once for many links."""
        if self._transport is None or self._cut_reason:
            return
        self._transport.write(frame)
        unread_bytes = self._transport.get_write_buffer_size()
        if unread_bytes > self._output_budget_bytes:
            self.cut(f"{unread_bytes} bytes unread, budget {self._output_budget_bytes}")

    def cut(self, reason: str) -> None:
        """End the connection now, dropping what is buffered."""
        if self._transport is not None and not self._cut_reason:
            self._cut_reason = reason
            self._transport.abort()

    def pause_reading(self) -> None:
        """Take no more bytes until `resume_reading`; the other side's buffers fill instead of ours."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        if self._transport is not None and not self._transport.is_reading():
            self._transport.resume_reading()

    def close(self) -> None:
        """End the connection after what is buffered has been sent."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        self._on_open(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came in."""
        if self._cut_reason:
            return
        try:
            frames = self._decoder.receive(data)
        except LinkProtocolError as error:
            self.cut(str(error))
            return
        for frame in frames:
            self._on_frame(self, frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self._transport = None
        self._on_lost(self, self._cut_reason or (str(exc) if exc else "closed by the other side"))
