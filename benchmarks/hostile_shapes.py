"""Shapes of books and commands that somebody would send to make the venue slow.

Lives here: each shape as packed commands over a book of a given size, and the parts of it that are timed.
Does not know: what a part may cost, how results are shown (hostile.py).

Commands go through the Python door in packed batches, so what Python adds is one call in a thousand commands; a mass
cancel and an uncross, for which there is no packed command, are timed below that door (hostile_harness.pyx). Random
choices follow a seed: two runs send the same bytes.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import door
from benchmarks.hostile_harness import mass_cancel, uncross
from domain.book_rules import PRICE_TICKS_LIMIT
from domain.constants import BUY, PHASE_OPENING, SELL

MIDDLE = 1_000_000  # ticks; shapes put their touch here
FARTHEST = PRICE_TICKS_LIMIT - 2
BATCH = 1_024
PAIRS = 20_000  # timed place-and-cancel pairs beside a standing book
SEED = 20_261_120
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15  # the multiplier of the usual hash of integers
GOLDEN_INVERSE = pow(GOLDEN, -1, 1 << 64)
OWNER = 7
WARM = 1 << 60  # ids of orders that only touch memory


class Part(NamedTuple):
    """One timed part of a shape."""

    name: str
    touched: int  # commands, orders or levels: what its nanoseconds are divided by
    seconds: float
    book_bytes: int  # memory that the engine has come to hold by the end of it, 0 where the system does not say


class Book:
    """One engine under attack: packed commands in, seconds out."""

    def __init__(self, orders_max: int, *, pages_max: int = 65_536) -> None:
        self.start_bytes = resident_bytes()
        self.engine = door.open_engine(door.Size(orders_max, pages_max=pages_max))
        # The system gives out memory when it is first touched, once in the life of a venue: that is not timed.
        self.send(door.limit(WARM + number, BUY, 1, 1) for number in range(orders_max - 1))
        self.send(door.cancel(WARM + number) for number in range(orders_max - 1))

    def part(self, name: str, touched: int, seconds: float) -> Part:
        return Part(name, touched, seconds, max(0, resident_bytes() - self.start_bytes))

    def send(self, commands: Iterable[bytes]) -> float:
        """Seconds for these commands in batches; packing them and taking their fills is not timed."""
        packed = memoryview(b"".join(commands))
        size = BATCH * door.COMMAND.size
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        seconds = 0.0
        for piece in pieces:
            start = time.perf_counter()
            self.engine.run_batch(piece, len(piece) // door.COMMAND.size)
            seconds += time.perf_counter() - start
            self.engine.take_fills()
        return seconds


def resident_bytes() -> int:
    """Memory of this process in use now, 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4_096 if statm.exists() else 0


def standing(size: int, *, levels: int, owner: int = 0) -> Iterator[bytes]:
    """`size` bids below the middle, spread over so many levels; ids from 1."""
    for number in range(size):
        yield door.limit(1 + number, BUY, MIDDLE - 1 - number % levels, 1, owner=owner)


def far_from_the_touch(size: int) -> Iterator[Part]:
    """Orders a hundred million ticks away, and a touch whose next best is as far."""
    book = Book(size + 16)
    book.send(standing(size, levels=min(size, 1_000)))
    draw = random.Random(SEED)
    commands = []
    for number in range(PAIRS):
        order_id = size + 1 + number
        commands += [door.limit(order_id, SELL, draw.randrange(MIDDLE * 64, FARTHEST), 1), door.cancel(order_id)]
    yield book.part("place and cancel far away", len(commands), book.send(commands))
    book.send([door.limit(2 * size + PAIRS, SELL, FARTHEST, 1)])
    commands = []
    for number in range(PAIRS):
        order_id = 3 * size + 2 * PAIRS + number
        commands += [door.limit(order_id, SELL, MIDDLE, 1), door.cancel(order_id)]
    yield book.part("best price jumps far", len(commands), book.send(commands))


def many_levels(size: int) -> Iterator[Part]:
    """As many price levels as orders, filled and emptied in no order."""
    draw = random.Random(SEED)
    book = Book(size + 16, pages_max=size // 64 + 64)
    prices = list(range(MIDDLE, MIDDLE + size))
    draw.shuffle(prices)
    yield book.part("open levels", size, book.send(door.limit(1 + n, SELL, price, 1) for n, price in enumerate(prices)))
    ids = list(range(1, size + 1))
    draw.shuffle(ids)
    half = size // 2
    yield book.part("empty levels", half, book.send(door.cancel(order_id) for order_id in ids[:half]))
    taker = door.limit(size + 1, BUY, FARTHEST, size - half)
    yield book.part("sweep levels", size - half, book.send([taker]))


def one_account(size: int) -> Iterator[Part]:
    """All orders belong to one account: it places, cancels half of them at random, then everything."""
    draw = random.Random(SEED)
    book = Book(size + 16)
    yield book.part("place", size, book.send(standing(size, levels=500, owner=OWNER)))
    ids = list(range(1, size + 1))
    draw.shuffle(ids)
    half = size // 2
    yield book.part("cancel at random", half, book.send(door.cancel(order_id, owner=OWNER) for order_id in ids[:half]))
    seconds, cancelled = mass_cancel(book.engine, OWNER)
    if cancelled != size - half:
        raise RuntimeError(f"{cancelled} orders were cancelled, not {size - half}: the time would mean nothing")
    yield book.part("mass cancel", size - half, seconds)


ID_PATTERNS: dict[str, Callable[[int], int]] = {
    "ids 1, 2, 3": lambda n: n,
    "ids of multiples of 2**32": lambda n: n << 32 & MASK,
    "ids of multiples of 2**20": lambda n: n << 20 & MASK,
    "ids n * 1,000,003": lambda n: n * 1_000_003 & MASK,
    "ids n / golden ratio": lambda n: n * GOLDEN_INVERSE & MASK,
    "ids n * golden ratio": lambda n: n * GOLDEN & MASK,
}


def colliding_ids(size: int) -> Iterator[Part]:
    """Ids that meet in one place of a table that multiplies by the usual constant; the first row is the honest one."""
    for name, id_of in ID_PATTERNS.items():
        book = Book(size + 16)
        seconds = book.send(door.limit(id_of(1 + n), BUY, MIDDLE - 1 - n % 500, 1) for n in range(size))
        seconds += book.send(door.cancel(id_of(1 + n)) for n in range(size))
        yield book.part(name, 2 * size, seconds)


def long_sweep(size: int) -> Iterator[Part]:
    """One order that takes every order of the book: all at one price, then each at its own."""
    for name, levels in (("sweep one level", 1), ("sweep a level each", size)):
        book = Book(size + 16)
        book.send(door.limit(1 + n, SELL, MIDDLE + n % levels, 1) for n in range(size))
        yield book.part(name, size, book.send([door.limit(size + 1, BUY, FARTHEST, size)]))


def big_auction(size: int) -> Iterator[Part]:
    """A call in which everybody wants to trade: half bids, half asks, crossing by thousands of ticks."""
    draw = random.Random(SEED)
    book = Book(size + 16)
    book.engine.set_phase(0, PHASE_OPENING)
    spread = min(size, 2_000)
    seconds = book.send(
        door.limit(1 + n, n & 1, MIDDLE + draw.randrange(-spread, spread), 1 + draw.randrange(100)) for n in range(size)
    )
    yield book.part("queue for the auction", size, seconds)
    start = time.perf_counter()
    book.engine.indicative(0)
    yield book.part("find the price", size, time.perf_counter() - start)
    seconds, crossed = uncross(book.engine, 0)
    if crossed < size // 8:
        raise RuntimeError(f"only {crossed} pairs crossed: the time would mean nothing")
    yield book.part("uncross", size, seconds)


SHAPES: dict[str, Callable[[int], Iterator[Part]]] = {
    "far": far_from_the_touch,
    "levels": many_levels,
    "account": one_account,
    "ids": colliding_ids,
    "sweep": long_sweep,
    "auction": big_auction,
}
