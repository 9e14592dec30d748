"""What is true of an engine between two commands: its digest and its laws.

Lives here: the record of MATCH-060, `digest_of`, `check_laws`.
Does not know: commands, events.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from domain.constants import BUY, PHASE_CONTINUOUS, SELL
from domain.ensure import ensure
from tests.reference.book_records import PARKED, RESTING, WAITING, Book, Order
from tests.reference.book_state import EngineState

# book, side, price_ticks, order_id, owner, open_lots, filled_lots, shown_lots; MATCH-060 says what of those set aside
DIGEST_RECORD: Final = struct.Struct("<IBqQIqqq")
KIND_WAITING: Final = 2
KIND_PARKED: Final = 3


def digest_of(books: Mapping[int, Book]) -> str:
    """Digest of every live order in queue order. Rule MATCH-060."""
    digest = hashlib.blake2b(digest_size=16)
    for number in sorted(books):
        for record in _records(books[number]):
            digest.update(DIGEST_RECORD.pack(number, *record))
    return digest.hexdigest()


def _records(book: Book) -> Iterator[tuple[int, ...]]:
    for side in (BUY, SELL):
        for order in book.queued(side):
            yield (side, order.price_ticks, *_common(order), order.shown_lots)
    for order in book.aside():
        if order.state == WAITING:
            yield (KIND_WAITING, order.trigger_ticks, *_common(order), order.extreme_ticks)
        else:
            yield (KIND_PARKED, order.peg_limit, *_common(order), 0)


def _common(order: Order) -> tuple[int, int, int, int]:
    return order.order_id, order.owner, order.open_lots, order.filled_lots


def check_laws(state: EngineState, orders_max: int) -> None:
    """Recompute what the engine relies on.

    Raises:
        InvariantViolation: a law is broken.
    """
    ensure(not state.line, "every seen price was looked at")
    ensure(len(state.orders) <= orders_max, "the pool holds what it may")
    placed: list[Order] = []
    for book in state.books.values():
        _check_levels(book)
        for side in (BUY, SELL):
            placed += book.queued(side)
        placed += book.aside()
        entries = [order.entry for order in book.waiting.values()]
        ensure(entries == sorted(entries), "waiting orders are kept by entry number")
        entries = [order.entry for order in book.pegs.values()]
        ensure(entries == sorted(entries), "pegs are kept by entry number")
    ensure(len(placed) == len(state.orders), "every live order is in one place")
    for order in placed:
        ensure(state.orders.get(order.order_id) is order, "an order in a place is known by its id")
        ensure(order.open_lots > 0 and order.filled_lots >= 0, "a live order has open lots, fills are not negative")
        ensure(order.partner is None or order.partner.partner is order, "partners name each other")
        ensure(order.partner is None or order.partner.order_id in state.orders, "a partner is alive")
        ensure((order.state == RESTING) == (order.shown_lots > 0), "what rests shows something, nothing else does")
    for key, quote in state.quotes.items():
        ensure(quote.quote_key == key and quote.order_id in state.orders, "a quote is a live order")


def _check_levels(book: Book) -> None:
    bid, ask = book.best_price(BUY), book.best_price(SELL)
    if book.phase == PHASE_CONTINUOUS:
        ensure(bid is None or ask is None or bid < ask, "best bid is below best ask")
    for side in (BUY, SELL):
        for price, level in book.levels_best_first(side):
            ensure(level.queue, "a level holds at least one order")
            ensure(level.lots == sum(o.shown_lots for o in level.queue.values()), "level lots are the sum")
            for order in level.queue.values():
                ensure(order.state == RESTING, "what is in a level rests")
                ensure((order.side, order.price_ticks) == (side, price), "an order is in its own level")
                ensure(0 < order.shown_lots <= order.open_lots, "an order shows a part of what it has open")
    ensure(all(order.state == WAITING for order in book.waiting.values()), "what waits is marked so")
    ensure(all(order.state in (RESTING, PARKED) for order in book.pegs.values()), "a peg rests or is parked")
