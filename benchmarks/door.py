"""The Python door of the book as the benchmarks use it, and packed commands for it.

Lives here: the layout of a packed command, opening an engine for a stream, the proof of its book.
Does not know: what is measured.

A packed command is `book_command_t` of matching/types.pxd: 48 bytes, little endian. `MatchingEngine.run_batch` takes
any number of them in one buffer, and `take_fills` gives their fills packed, 32 bytes each; `limit` and `pull` take one
order a call. A plain limit order is all that both carry: everything else goes through `submit`.
"""

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks import streams
from domain.book_rules import PRICE_TICKS_LIMIT, BookRules
from domain.constants import STP_NONE
from tests.engines import COMPILED, engine_class

# kind, side, prevention, post-only, book, order id, new id, price, lots, owner, padding
COMMAND = struct.Struct("<BBBBIQQqqII")
FILL = struct.Struct("<QQqq")  # taker, maker, price, lots
COMMAND_LIMIT, COMMAND_CANCEL, COMMAND_REPLACE = 1, 2, 3


class Size(NamedTuple):
    """What an engine is created with."""

    orders_max: int
    books_max: int = 1
    pages_max: int = 65_536
    low_ticks: int = 1
    high_ticks: int = PRICE_TICKS_LIMIT - 1


def open_engine(size: Size) -> Any:
    """The compiled engine with `books_max` open books. EngineNotBuilt says how to build it."""
    engine: Any = engine_class(COMPILED)(orders_max=size.orders_max, books_max=size.books_max, pages_max=size.pages_max)
    for book in range(size.books_max):
        engine.add_book(book, BookRules(band_low_ticks=size.low_ticks, band_high_ticks=size.high_ticks))
    return engine


def open_for(stream: streams.Stream) -> Any:
    """An engine in which a plain stream fits."""
    span = (stream.high_ticks - stream.low_ticks) // 64 + 2
    adds = len(stream.prefill) + len(stream.timed)
    room = 2 * len(stream.prefill) + 20_000  # the floor's own allowance of resting orders
    size = Size(room, stream.symbols, min(stream.symbols * span, adds + 1), stream.low_ticks, stream.high_ticks)
    return open_engine(size)


def limit(order_id: int, side: int, price_ticks: int, lots: int, *, book: int = 0, owner: int = 0) -> bytes:
    """One packed limit order that meets nobody of its own."""
    return COMMAND.pack(COMMAND_LIMIT, side, STP_NONE, 0, book, order_id, 0, price_ticks, lots, owner, 0)


def cancel(order_id: int, *, owner: int = 0) -> bytes:
    """One packed cancel."""
    return COMMAND.pack(COMMAND_CANCEL, 0, 0, 0, 0, order_id, 0, 0, 0, owner, 0)


def pack_records(records: Iterable[streams.Record]) -> bytes:
    """Plain records as packed commands, one for one. ValueError for a record of a mixed stream."""
    kinds = {streams.ADD: COMMAND_LIMIT, streams.CANCEL: COMMAND_CANCEL, streams.REPLACE: COMMAND_REPLACE}
    packed = bytearray()
    for record in records:
        if record.type not in kinds:
            raise ValueError(f"a packed command cannot carry a record of type {record.type}")
        packed += COMMAND.pack(
            kinds[record.type], record.side, STP_NONE, 0, record.symbol, record.order_id, record.new_id,
            record.price_ticks, record.lots, 0, 0,
        )  # fmt: skip
    return bytes(packed)


def run_packed(engine: Any, packed: bytes, batch: int = 1_024) -> None:
    """Any number of packed commands; their fills are thrown away."""
    commands = memoryview(packed)
    size = batch * COMMAND.size
    for at in range(0, len(commands), size):
        piece = commands[at : at + size]
        engine.run_batch(piece, len(piece) // COMMAND.size)
        engine.take_fills()


def fills_of_batch(taken: Any) -> Iterable[streams.Fill]:
    """What `take_fills` gave, packed (taker, maker, price, lots), as fills."""
    yield from FILL.iter_unpack(taken)


def fills_of_call(taker: int, taken: Any) -> Iterable[streams.Fill]:
    """What one call of `limit` gave, as fills."""
    for maker, price, lots in taken:
        yield taker, maker, price, lots


def prove_book(engine: Any, stream: streams.Stream) -> str:
    """The book of a RESULT line, asked for order by order: slow, and outside every timed part."""
    ids = {order_id for record in (*stream.prefill, *stream.timed) for order_id in (record.order_id, record.new_id)}
    resting = []
    for order_id in sorted(ids - {0}):
        order = engine.order(order_id)
        if order is not None:
            _, _, side, price, lots, _ = order
            resting.append((side, order_id, price, lots))
    bests = [engine.best(book) for book in range(stream.symbols)]
    return streams.prove_resting(resting, sum(bid or 0 for bid, _ in bests), sum(ask or 0 for _, ask in bests))
