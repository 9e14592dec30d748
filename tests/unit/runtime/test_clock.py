"""Goal: exchange time never goes back, whatever the clocks of the machine do. Method: hand-turned sources."""

import pytest

from runtime.clock import SLEW_DIVISOR, RealClock, ReplayClock

SECOND = 10**9
HOUR = 3_600 * SECOND


class Sources:
    """A wall and a monotonic source, turned by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * SECOND
        self.elapsed_ns = 5 * SECOND

    def wall(self) -> int:
        return self.wall_ns

    def elapsed(self) -> int:
        return self.elapsed_ns

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.elapsed_ns += ns


def test_real_time_follows_the_wall() -> None:
    sources = Sources()
    clock = RealClock(sources.wall, sources.elapsed)
    for _ in range(5):
        sources.pass_time(SECOND)
        assert sources.wall_ns == clock.now_ns()
        assert clock.divergence_ns == 0


@pytest.mark.parametrize("step_ns", [-HOUR, HOUR, -50 * 365 * 24 * HOUR, 80 * 365 * 24 * HOUR])
def test_a_step_of_the_wall_neither_jumps_nor_stops_real_time(step_ns: int) -> None:
    sources = Sources()
    clock = RealClock(sources.wall, sources.elapsed)
    before = clock.now_ns()
    sources.wall_ns += step_ns
    for _ in range(100):
        sources.pass_time(SECOND)
        now = clock.now_ns()
        assert SECOND - SECOND // SLEW_DIVISOR <= now - before <= SECOND + SECOND // SLEW_DIVISOR
        before = now
    assert abs(clock.divergence_ns) > HOUR // 2, "the divergence is visible"
    assert (clock.divergence_ns > 0) == (step_ns < 0)


def test_a_small_error_is_worked_off() -> None:
    sources = Sources()
    clock = RealClock(sources.wall, sources.elapsed)
    sources.wall_ns += 2_000_000
    for _ in range(10):
        sources.pass_time(SECOND)
        clock.now_ns()
    assert sources.wall_ns == clock.now_ns()


def test_a_frozen_or_backward_source_freezes_time() -> None:
    sources = Sources()
    clock = RealClock(sources.wall, sources.elapsed)
    now = clock.now_ns()
    assert now == clock.now_ns()
    sources.elapsed_ns -= SECOND
    assert now == clock.now_ns()


def test_real_time_resumes_not_before_the_last_journaled_time() -> None:
    sources = Sources()
    clock = RealClock(sources.wall, sources.elapsed)
    clock.resume(sources.wall_ns + HOUR)
    assert sources.wall_ns + HOUR == clock.now_ns()


def test_replay_time_starts_where_it_is_told_and_runs_at_its_speed() -> None:
    sources = Sources()
    clock = ReplayClock(1_000 * SECOND, 60, sources.elapsed)
    assert 1_000 * SECOND == clock.now_ns()
    sources.elapsed_ns += 2 * SECOND
    assert 1_120 * SECOND == clock.now_ns()


def test_replay_time_goes_on_from_the_last_journaled_time() -> None:
    sources = Sources()
    clock = ReplayClock(1_000 * SECOND, 60, sources.elapsed)
    sources.elapsed_ns += 30 * SECOND  # recovery took its time
    clock.resume(5_000 * SECOND)
    assert 5_000 * SECOND == clock.now_ns()
    sources.elapsed_ns += SECOND
    assert 5_060 * SECOND == clock.now_ns()


def test_a_resume_before_the_start_changes_nothing_but_the_beginning() -> None:
    sources = Sources()
    clock = ReplayClock(1_000 * SECOND, 60, sources.elapsed)
    clock.resume(0)
    assert 1_000 * SECOND == clock.now_ns()


def test_a_replay_clock_that_does_not_run_is_refused() -> None:
    with pytest.raises(ValueError, match="speed 0"):
        ReplayClock(0, 0)
