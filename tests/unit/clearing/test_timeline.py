"""Goal: holdings as of any past moment are the sum of movements until then. Method: random movements beside a list.

Rule DIV-002.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.timeline import Timeline
from domain.ensure import InvariantViolation

TOKEN, OTHER = 2, 3
movements = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from((16, 17, 18)), st.sampled_from((TOKEN, OTHER)), st.integers(1, 9)),
    max_size=40,
)


def plain_holders(moved: list[tuple[int, int, int, int]], asset: int, time_ns: int) -> dict[int, int]:
    held: dict[int, int] = {}
    for when, account, what, units in moved:
        if when <= time_ns and what == asset:
            held[account] = held.get(account, 0) + units
    return {account: units for account, units in sorted(held.items()) if units}


@given(movements, st.integers(0, 100))
def test_holders_at_a_moment_are_the_sums_until_it_folded_or_not(
    steps: list[tuple[int, int, int, int]], fold_percent: int
) -> None:
    timeline, moved, now = Timeline(64), [], 0
    for gap, account, asset, units in steps:
        now += gap
        timeline.add(now, account, asset, units)
        moved.append((now, account, asset, units))
    before = now * fold_percent // 100
    timeline.fold(before)
    timeline.check_invariants()
    copy = Timeline(64)
    copy.load(timeline.dump())
    assert copy.dump() == timeline.dump()
    for time_ns in range(before, now + 2):
        assert timeline.reaches(time_ns)
        for asset in (TOKEN, OTHER):
            assert timeline.holders(asset, time_ns) == plain_holders(moved, asset, time_ns)
            assert copy.holders(asset, time_ns) == plain_holders(moved, asset, time_ns)


def test_a_movement_counts_at_its_own_time_and_not_before() -> None:
    timeline = Timeline(8)
    timeline.add(10, 16, TOKEN, 100)
    timeline.add(20, 16, TOKEN, -40)
    timeline.add(20, 17, TOKEN, 40)
    assert [timeline.holders(TOKEN, t) for t in (9, 10, 19, 20)] == [{}, {16: 100}, {16: 100}, {16: 60, 17: 40}]


def test_fast_trading_inside_a_second_is_one_entry_a_pair_and_no_whole_second_can_tell() -> None:
    timeline, moved = Timeline(7, grain_ns=10), []
    for time_ns in range(1, 31):
        for account, units in ((16, 5), (17, 7)):
            timeline.add(time_ns, account, TOKEN, units)
            moved.append((time_ns, account, TOKEN, units))
    assert timeline.room() == 1, "three grains of two pairs"
    for time_ns in (0, 10, 20, 30):
        assert timeline.holders(TOKEN, time_ns) == plain_holders(moved, TOKEN, time_ns)
    with pytest.raises(InvariantViolation, match="whole grains"):
        timeline.holders(TOKEN, 15)


def test_a_loaded_timeline_goes_on_as_the_one_that_was_dumped() -> None:
    live, copy = Timeline(8, grain_ns=10), Timeline(8, grain_ns=10)
    live.add(11, 16, TOKEN, 5)
    copy.load(live.dump())
    for timeline in (live, copy):
        timeline.add(12, 16, TOKEN, 5)
        timeline.add(21, 16, TOKEN, 5)
    assert live.dump() == copy.dump()
    assert live.room() == 6


def test_the_oldest_are_folded_when_there_is_no_room_and_can_not_be_told_apart_any_more() -> None:
    timeline = Timeline(4)
    for time_ns in range(1, 8):
        timeline.add(time_ns, 16, TOKEN, 1)
    assert timeline.holders(TOKEN, 7) == {16: 7}
    assert not timeline.reaches(1)
    with pytest.raises(InvariantViolation, match="reach"):
        timeline.holders(TOKEN, 1)


def test_time_does_not_go_back() -> None:
    timeline = Timeline(4)
    timeline.add(5, 16, TOKEN, 1)
    with pytest.raises(InvariantViolation, match="go back"):
        timeline.add(4, 16, TOKEN, 1)


def test_somebody_who_held_less_than_nothing_is_found() -> None:
    timeline = Timeline(4)
    timeline.add(5, 16, TOKEN, -1)
    with pytest.raises(InvariantViolation, match="less than nothing"):
        timeline.holders(TOKEN, 5)
