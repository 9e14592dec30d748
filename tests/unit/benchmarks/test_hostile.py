"""Goal: a missed goal is told and a met one is not. Method: invented rows, and the commands of tiny shapes."""

import pytest

from benchmarks import door, hostile, hostile_shapes
from benchmarks.hostile import Row, judge


def rows(*nanoseconds: float, mib: int = 1) -> list[Row]:
    return [Row(f"part {n}", 1_000, ns * 1_000 / 1e9, mib << 20) for n, ns in enumerate(nanoseconds)]


def test_a_shape_within_its_goals_says_nothing() -> None:
    assert [] == judge("far", rows(30, 40), rows(100, 150), 1)


@pytest.mark.parametrize(
    ("small", "large", "words"),
    [
        (rows(60), rows(151), "far, part 0: 151 ns, goal 150 ns"),
        (rows(200), rows(100), "far, part 0: 200 ns, goal 150 ns"),
        (rows(10), rows(110), "far, part 0: 11.0 times as much in the large book, goal 10"),
        (rows(10), rows(20, mib=3), "far: 3 MiB, limit 1 MiB"),
        (rows(10), None, "far did not end within 60 s"),
    ],
)
def test_each_goal_that_is_missed_is_named(small: list[Row], large: list[Row] | None, words: str) -> None:
    assert [words] == judge("far", small, large, 1)


def test_the_uncross_is_judged_by_its_milliseconds() -> None:
    fast, slow = (Row("uncross", 100_000, seconds, 0) for seconds in (0.009, 0.011))
    assert [] == judge("auction", [fast], [fast], 1)
    assert ["auction, uncross: 11.0 ms, goal 10 ms"] == judge("auction", [fast], [slow], 1)


def test_every_shape_has_its_limits() -> None:
    assert set(hostile.LIMITS) == set(hostile_shapes.SHAPES)


def test_a_standing_book_has_the_size_and_levels_it_is_asked_for() -> None:
    commands = [door.COMMAND.unpack(command) for command in hostile_shapes.standing(1_000, levels=50, owner=3)]
    assert 1_000 == len({command[5] for command in commands})
    assert 50 == len({command[7] for command in commands})
    assert {3} == {command[9] for command in commands}


@pytest.mark.parametrize("pattern", hostile_shapes.ID_PATTERNS)
def test_colliding_ids_are_different_ids_that_fit(pattern: str) -> None:
    id_of = hostile_shapes.ID_PATTERNS[pattern]
    ids = {id_of(1 + n) for n in range(5_000)}
    assert 5_000 == len(ids)
    assert all(0 < order_id < 2**64 for order_id in ids)


def test_the_golden_pattern_collides_where_the_usual_hash_is_used() -> None:
    id_of = hostile_shapes.ID_PATTERNS["ids n / golden ratio"]
    cells = {(id_of(1 + n) * hostile_shapes.GOLDEN & hostile_shapes.MASK) >> 44 for n in range(1_000)}
    assert {0} == cells
