"""What a peer sent, looked at in shares: nobody's bytes keep the others waiting for long.

Lives here: the bytes read and not yet looked at, the share of one turn of the loop, and when to read on. A connection
that has too much under way, or does not take its output, is not looked at nor read from until that changes: its
memory is bounded and its peer's own socket fills up.
Does not know: sockets, frames, what the bytes mean.
"""

from collections.abc import Callable
from typing import Final

TURN_NS: Final = 2_000_000  # a connection's share of one turn, looked at after every piece
PIECE_BYTES: Final = 2_048


class Intake:
    """The inbound bytes of one connection."""

    def __init__(
        self,
        *,
        wall_ns: Callable[[], int],
        take: Callable[[bytes], None],
        held_up: Callable[[], bool],
        yields: Callable[[], bool],
        later: Callable[[Callable[[], None]], object],
        set_reading: Callable[[bool], None],
    ) -> None:
        """`take` looks at a piece; while `held_up`, nothing is looked at, and who held it up calls `work_soon`; once it
        `yields`, the rest waits for the next turn; `later` calls in the next turn; `set_reading` pauses or resumes."""
        self._wall_ns = wall_ns
        self._take = take
        self._held_up = held_up
        self._yields = yields
        self._later = later
        self._set_reading = set_reading
        self._bytes = b""
        self._at = 0
        self._due = False
        self._reading = True
        self._ended = False

    def add(self, data: bytes) -> None:
        """Bytes arrived: look at them now, as far as the share reaches."""
        self._bytes = self._bytes[self._at :] + data if self._bytes else data
        self._at = 0
        self.work()

    def work_soon(self) -> None:
        """Go on in the next turn."""
        if not self._due:
            self._due = True
            self._later(self.work)

    def work(self) -> None:
        """Look at one share of what was read."""
        self._due = False
        start_ns = self._wall_ns()
        size = len(self._bytes)
        first = True
        while self._at < size and not self._ended and not self._held_up():
            if not first and (self._yields() or self._wall_ns() - start_ns > TURN_NS):
                self.work_soon()
                break
            first = False
            piece = self._bytes[self._at : self._at + PIECE_BYTES]
            self._at += len(piece)
            self._take(piece)
        if self._ended:
            return
        done = self._at == size
        if done:
            self._bytes, self._at = b"", 0
        reading = done and not self._held_up()
        if reading is not self._reading:
            self._reading = reading
            self._set_reading(reading)

    def end(self) -> None:
        """The connection is gone: what is left is not looked at."""
        self._ended = True
        self._bytes, self._at = b"", 0
