"""The other processes' end of a link to the core: connect, greet, reconnect.

Lives here: the connection's life. Subclass or callbacks say what to do with frames.
Does not know: what frames mean beyond hello and status.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runtime.link import Link
from runtime.link_frames import (
    Frame,
    FrameType,
    Hello,
    LinkProtocolError,
    Refused,
    Status,
    Welcome,
    decode_message,
    encode_message,
    link_version,
)
from runtime.process import socket_address

RETRY_S: Final = 0.05


class LinkRefused(Exception):
    """The core does not take this process; trying again will not help."""


class LinkClient:
    """Keeps one link to the core open. All callbacks run in the loop."""

    def __init__(
        self,
        socket_path: Path,
        role: str,
        *,
        on_welcome: Callable[[Welcome], None],
        on_status: Callable[[Status], None],
        on_frame: Callable[[Frame], None],
        on_away: Callable[[str], None],
    ) -> None:
        self._address = socket_address(socket_path)
        self._role = role
        self._on_welcome = on_welcome
        self._on_status = on_status
        self._on_frame = on_frame
        self._on_away = on_away
        self._link: Link | None = None
        self._lost = asyncio.Event()
        self.welcome: Welcome | None = None  # None while the core is away
        self.refused_reason = ""

    async def run(self) -> None:
        """Connect and reconnect until cancelled. Raises LinkRefused."""
        loop = asyncio.get_running_loop()
        while True:
            self._lost.clear()
            try:
                _, self._link = await loop.create_unix_connection(self._new_link, self._address)
            except OSError:  # no core there now; asked again below
                self._link = None
            else:
                await self._lost.wait()
            if self.refused_reason:
                raise LinkRefused(self.refused_reason)
            await asyncio.sleep(RETRY_S)

    def send(self, type_: FrameType, payload: bytes) -> None:
        """Send one frame; nothing is kept for a core that is away."""
        if self.welcome is not None and self._link is not None:
            self._link.send(type_, payload)

    def close(self) -> None:
        """End the present connection."""
        if self._link is not None:
            self._link.close()

    def _new_link(self) -> Link:
        return Link(
            on_open=lambda link: link.send(FrameType.HELLO, encode_message(Hello(self._role, link_version()))),
            on_frame=self._receive,
            on_lost=self._receive_lost,
        )

    def _receive(self, link: Link, frame: Frame) -> None:
        if frame.type in (FrameType.HELLO, FrameType.STATUS):
            try:
                message = decode_message(frame.payload)
            except LinkProtocolError as error:
                link.cut(str(error))
                return
            if isinstance(message, Welcome):
                self.welcome = message
                self._on_welcome(message)
            elif isinstance(message, Refused):
                self.refused_reason = message.reason
            elif isinstance(message, Status):
                self._on_status(message)
            return
        self._on_frame(frame)

    def _receive_lost(self, link: Link, reason: str) -> None:
        was_there = self.welcome is not None
        self.welcome = None
        self._link = None
        self._lost.set()
        if was_there:
            self._on_away(reason)
