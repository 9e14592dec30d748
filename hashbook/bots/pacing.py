"""How fast a bot may speak, and when it leaves an instrument alone.

Lives here: the request pace, the back-off of an instrument that refuses. Does not know: what is sent.
"""

import asyncio
from types import TracebackType


class Pacer:
    """At most so many requests per second, evenly spaced, and so many waiting for their reply.

    `async with pacer:` around each request.
    """

    def __init__(self, *, requests_per_s: int, in_flight: int) -> None:
        self._spacing_s = 1 / requests_per_s
        self._next_s = 0.0
        self._in_flight = asyncio.Semaphore(in_flight)

    async def __aenter__(self) -> None:
        await self._in_flight.acquire()
        now_s = asyncio.get_running_loop().time()
        due_s = max(now_s, self._next_s)
        self._next_s = due_s + self._spacing_s
        try:
            await asyncio.sleep(due_s - now_s)
        except asyncio.CancelledError:
            self._in_flight.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_flight.release()

    def hold(self, seconds: float) -> None:
        """Nobody speaks for so long: the venue asked for it."""
        self._next_s = max(self._next_s, asyncio.get_running_loop().time() + seconds)


class Backoff:
    """Doubling pauses after refusals; a success ends them. `refused` tells whether this is news worth a log line."""

    def __init__(self, *, first_s: float, max_s: float) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._delay_s = first_s
        self._until_s = 0.0
        self._code: int | None = None

    def refused(self, code: int, now_s: float) -> bool:
        """Note a refusal; True when the code is not the one of the last refusal."""
        if now_s < self._until_s and code == self._code:
            return False  # requests of the same burst count once
        news = code != self._code
        self._delay_s = self._first_s if news else min(self._delay_s * 2, self._max_s)
        self._until_s = now_s + self._delay_s
        self._code = code
        return news

    def succeeded(self) -> None:
        """The instrument takes orders again."""
        self._code = None
        self._until_s = 0.0

    def active(self, now_s: float) -> bool:
        """Whether to leave the instrument alone."""
        return now_s < self._until_s
