"""Two clocks: exchange time, which the journal records, and wall time.

Lives here: where exchange time comes from; it never goes back, also not over a restart.
Does not know: what time is used for.
Theory of operation. Exchange time runs on a monotonic source. The real clock follows the wall by at most one part in
2,000, so that a step of the wall neither jumps nor stops the exchange; the divergence is visible for alarms. The replay
clock starts at a given time, runs at a given speed, and goes on after a restart from the last journaled time.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

SLEW_DIVISOR: Final = 2_000  # the real clock corrects at most 1 ns per 2,000 ns
NanosecondSource = Callable[[], int]


def wall_ns() -> int:
    """Wall time, ns since 1970."""
    return time.time_ns()


def elapsed_ns() -> int:
    """A monotonic source that also counts while the machine sleeps, where the system has one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boottime is None else time.clock_gettime_ns(boottime)


class Clock(Protocol):
    """Exchange time."""

    def now_ns(self) -> int:
        """Exchange time, ns since 1970; never less than an earlier answer."""
        ...

    def resume(self, last_ns: int) -> None:
        """Go on from the last journaled time: no later answer is less than `last_ns`."""
        ...


class RealClock:
    """Exchange time is wall time, smoothed."""

    def __init__(self, wall: NanosecondSource = wall_ns, elapsed: NanosecondSource = elapsed_ns) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._anchor_ns = wall()
        self._anchor_elapsed_ns = elapsed()
        self._floor_ns = 0
        self.divergence_ns = 0  # exchange time minus wall time at the last question

    def now_ns(self) -> int:
        """See Clock. Cost: two clock reads."""
        elapsed = self._elapsed()
        passed = max(0, elapsed - self._anchor_elapsed_ns)
        estimate = self._anchor_ns + passed
        error = self._wall() - estimate
        bound = passed // SLEW_DIVISOR
        now = max(self._floor_ns, estimate + max(-bound, min(bound, error)))
        if bound:  # keep the remainder below one bound step in the anchor until it counts
            self._anchor_ns, self._anchor_elapsed_ns = now, elapsed
        self.divergence_ns = estimate - (estimate + error)
        self._floor_ns = now
        return now

    def resume(self, last_ns: int) -> None:
        """See Clock."""
        self._floor_ns = max(self._floor_ns, last_ns)


class ReplayClock:
    """Exchange time starts at `start_ns` and runs `speed` times as fast as real time."""

    def __init__(self, start_ns: int, speed: int, elapsed: NanosecondSource = elapsed_ns) -> None:
        """`speed` >= 1, whole exchange seconds per real second."""
        if speed < 1:
            raise ValueError(f"speed {speed} is below 1")
        self._elapsed = elapsed
        self._start_ns = start_ns
        self._speed = speed
        self._start_elapsed_ns = elapsed()

    def now_ns(self) -> int:
        """See Clock."""
        return self._start_ns + max(0, self._elapsed() - self._start_elapsed_ns) * self._speed

    def resume(self, last_ns: int) -> None:
        """See Clock. The time that passed while the venue was down is not replayed."""
        self._start_ns = max(self._start_ns, last_ns)
        self._start_elapsed_ns = self._elapsed()
