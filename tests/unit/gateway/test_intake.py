"""Goal: bytes are looked at once, in order, in short shares, and not at all while something is in the way. Method: the
intake with a clock, a next turn and a reader made here."""

from collections.abc import Callable

from gateway.intake import PIECE_BYTES, TURN_NS, Intake


class Loop:
    """What an intake needs, with everything it did kept."""

    def __init__(self, *, piece_ns: int = 0) -> None:
        self.seen = b""
        self.reading: list[bool] = []
        self.next_turn: list[Callable[[], None]] = []
        self.blocked = self.lagging = False
        self.block_after = 1 << 30
        self._now_ns = 0
        self._piece_ns = piece_ns
        self.intake = Intake(
            wall_ns=lambda: self._now_ns,
            take=self._take,
            held_up=lambda: self.blocked,
            yields=lambda: self.lagging,
            later=self.next_turn.append,
            set_reading=self.reading.append,
        )

    def _take(self, piece: bytes) -> None:
        self.seen += piece
        self._now_ns += self._piece_ns
        self.blocked = self.blocked or len(self.seen) >= self.block_after

    def turn(self) -> None:
        due, self.next_turn[:] = list(self.next_turn), []
        for function in due:
            function()


DATA = bytes(n % 251 for n in range(10 * PIECE_BYTES + 3))


def test_a_little_is_looked_at_at_once_and_reading_goes_on() -> None:
    loop = Loop()
    loop.intake.add(b"ab")
    loop.intake.add(b"cd")
    assert (loop.seen, loop.reading, loop.next_turn) == (b"abcd", [], [])


def test_much_is_spread_over_turns_and_nothing_is_read_meanwhile() -> None:
    loop = Loop(piece_ns=TURN_NS // 2 + 1)
    loop.intake.add(DATA)
    assert loop.seen == DATA[: 2 * PIECE_BYTES], "two pieces are more than a share"
    assert loop.reading == [False]
    for _ in range(10):
        loop.turn()
    assert loop.seen == DATA
    assert loop.reading == [False, True]


def test_who_does_not_take_its_output_gets_one_piece_per_turn() -> None:
    loop = Loop()
    loop.lagging = True
    loop.intake.add(DATA)
    assert loop.seen == DATA[:PIECE_BYTES]
    loop.turn()
    assert loop.seen == DATA[: 2 * PIECE_BYTES]


def test_while_held_up_nothing_is_looked_at_and_afterwards_nothing_is_missing() -> None:
    loop = Loop()
    loop.block_after = PIECE_BYTES
    loop.intake.add(DATA)
    loop.turn()
    assert (loop.seen, loop.reading) == (DATA[:PIECE_BYTES], [False])
    loop.blocked, loop.block_after = False, 1 << 30
    loop.intake.work_soon()
    loop.intake.work_soon()
    assert len(loop.next_turn) == 1, "asking twice is asking once"
    loop.turn()
    assert (loop.seen, loop.reading) == (DATA, [False, True])


def test_bytes_that_come_in_spite_of_the_pause_keep_their_place() -> None:
    loop = Loop()
    loop.block_after = PIECE_BYTES
    loop.intake.add(DATA)
    loop.intake.add(b"more")
    loop.blocked, loop.block_after = False, 1 << 30
    loop.intake.work()
    assert loop.seen == DATA + b"more"


def test_after_the_end_nothing_is_looked_at() -> None:
    loop = Loop(piece_ns=TURN_NS + 1)
    loop.intake.add(DATA)
    loop.intake.end()
    loop.turn()
    assert loop.seen == DATA[:PIECE_BYTES]
    assert loop.reading == [False]
