"""Runs one rival over a prefix of a stream and prints its RESULT line: drive.py RIVAL STREAM OPERATIONS REPETITIONS.

Lives here: how each library is called, in the cheapest way its documentation shows, and what proves its result.
Does not know: the product; this file runs in the rivals' own environment and imports nothing but them.

The timed loop keeps what the library returned and nothing else; the trade hash is folded afterwards (book and floor
fold it inside their timed loops). Records are unpacked before the clock starts. Prices are whole numbers of ticks.
"""

import struct
import sys
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

HEADER, RECORD = struct.Struct("<4s7I"), struct.Struct("<BBHIIiII")
ADD, CANCEL, REPLACE = 1, 2, 3
BUY, SELL = 0, 1
MASK = (1 << 64) - 1
Record = tuple[int, int, int, int, int, int, int, int]  # type, side, symbol, id, new id, price, lots, padding
Trade = tuple[int, int, int, int]  # taker, maker, price, lots; ids are the stream's
Resting = tuple[int, int, int, int, int]  # symbol, side, id, price, lots


class Nothing:
    """No engine: what the loop around the others costs by itself."""

    name = "loop-alone"
    returned: tuple[()] = ()

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        pass

    def cancel(self, order_id: int, symbol: int) -> None:
        pass

    def trades(self) -> Iterable[Trade]:
        return ()

    def resting(self) -> Iterable[Resting]:
        return ()


class LightMatchingEngine:
    """lightmatchingengine: gives out ids itself, so stream ids are mapped; symbols are its instruments."""

    name = "lightmatchingengine"

    def __init__(self) -> None:
        module = import_module("lightmatchingengine.lightmatchingengine")
        self.engine = module.LightMatchingEngine()
        self.sides = (module.Side.BUY, module.Side.SELL)
        self.own_ids: dict[int, int] = {}
        self.returned: list[Any] = []

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        order, trades = self.engine.add_order(symbol, price, lots, self.sides[side])
        self.own_ids[order_id] = order.order_id
        if trades:
            self.returned.append((order.order_id, trades))

    def cancel(self, order_id: int, symbol: int) -> None:
        self.engine.cancel_order(self.own_ids[order_id], symbol)

    def trades(self) -> Iterable[Trade]:
        stream_ids = {own: order_id for order_id, own in self.own_ids.items()}
        for taker, trades in self.returned:
            for trade in trades:  # each match is told once for the taker, then once for every maker
                if trade.order_id != taker:
                    yield stream_ids[taker], stream_ids[trade.order_id], trade.trade_price, trade.trade_qty

    def resting(self) -> Iterable[Resting]:
        stream_ids = {own: order_id for order_id, own in self.own_ids.items()}
        for symbol, book in self.engine.order_books.items():
            for side, levels in ((BUY, book.bids), (SELL, book.asks)):
                for price, queue in levels.items():
                    for order in queue:
                        yield symbol, side, stream_ids[order.order_id], price, order.leaves_qty


class PyOrderBook:
    """pyorderbook: an order is an object with an id of its own, and is cancelled by that object."""

    name = "pyorderbook"

    def __init__(self) -> None:
        module = import_module("pyorderbook")
        self.book = module.Book()
        self.makes = (module.bid, module.ask)
        self.orders: dict[int, Any] = {}
        self.returned: list[Any] = []

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        order = self.orders[order_id] = self.makes[side](symbol, price, lots)
        blotter = self.book.match(order)
        if blotter.trades:
            self.returned.append(blotter)

    def cancel(self, order_id: int, symbol: int) -> None:
        self.book.cancel(self.orders[order_id])

    def trades(self) -> Iterable[Trade]:
        stream_ids = {order.id: order_id for order_id, order in self.orders.items()}
        for blotter in self.returned:
            for trade in blotter.trades:
                taker, maker = stream_ids[trade.incoming_order_id], stream_ids[trade.standing_order_id]
                yield taker, maker, int(trade.fill_price), trade.fill_quantity

    def resting(self) -> Iterable[Resting]:
        stream_ids = {order.id: order_id for order_id, order in self.orders.items()}
        for order in self.book.order_map.values():
            side = SELL if order.side == "ask" else BUY
            yield order.symbol, side, stream_ids[order.id], int(order.price), order.quantity


class CythonOrderBook:
    """cython-orderbook: one book an object, so one object a symbol; trades are read from the end of its log."""

    name = "cython-orderbook"

    def __init__(self) -> None:
        module = import_module("cython_orderbook")
        self.make_book, self.make_order = module.OrderBook, module.Order
        self.sides = (module.OrderSide.BID, module.OrderSide.ASK)
        self.books: dict[int, Any] = {}
        self.own_ids: dict[int, str] = {}
        self.returned: list[Any] = []

    def add(self, symbol: int, side: int, order_id: int, price: int, lots: int) -> None:
        book = self.books.get(symbol)
        if book is None:
            book = self.books[symbol] = self.make_book()
        order = self.make_order(self.sides[side], lots, price)
        self.own_ids[order_id] = order.order_id
        known = len(book.trade_log)
        book.add_limit_order(order)
        if len(book.trade_log) != known:
            self.returned += book.trade_log[known:]

    def cancel(self, order_id: int, symbol: int) -> None:
        self.books[symbol].cancel_order(self.own_ids[order_id])

    def trades(self) -> Iterable[Trade]:
        stream_ids = {own: order_id for order_id, own in self.own_ids.items()}
        for trade in self.returned:
            yield stream_ids[trade.aggressor_id], stream_ids[trade.filler_id], trade.price, trade.quantity_filled

    def resting(self) -> Iterable[Resting]:
        stream_ids = {own: order_id for order_id, own in self.own_ids.items()}
        for symbol, book in self.books.items():
            for own, (_, order) in book.orders.items():
                yield symbol, self.sides.index(order.side), stream_ids[own], order.price, order.remaining_quantity


RIVALS: dict[str, Callable[[], Any]] = {
    kind.name: kind for kind in (Nothing, LightMatchingEngine, PyOrderBook, CythonOrderBook)
}


def apply_records(engine: Any, records: list[Record]) -> None:
    """The timed loop."""
    add, cancel = engine.add, engine.cancel
    for kind, side, symbol, order_id, new_id, price, lots, _ in records:
        if kind == ADD:
            add(symbol, side, order_id, price, lots)
        else:
            cancel(order_id, symbol)
            if kind == REPLACE:
                add(symbol, side, new_id, price, lots)


def prove(engine: Any) -> str:
    """The part of the RESULT line that must be equal between engines; floor/stream.h defines it."""
    count = quantity = notional = digest = 0
    for taker, maker, price, lots in engine.trades():
        count += 1
        quantity += lots
        notional += price * lots
        digest = (digest * 1_099_511_628_211 + taker * 1_000_003 + maker * 10_007 + lots * 101 + price) & MASK
    resting = list(engine.resting())
    lots_of = [sum(lots for _, side, _, _, lots in resting if side == wanted) for wanted in (BUY, SELL)]
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for symbol, side, _, price, _ in resting:
        if side == BUY:
            bids[symbol] = max(price, bids.get(symbol, price))
        else:
            asks[symbol] = min(price, asks.get(symbol, price))
    book_digest = sum(order_id * 31 + lots * 7 + price for _, _, order_id, price, lots in resting) & MASK
    return (
        f"trades={count} tqty={quantity} notional={notional} thash={digest:016x} | rest={len(resting)} "
        f"bidq={lots_of[BUY]} askq={lots_of[SELL]} bb={sum(bids.values())} ba={sum(asks.values())} "
        f"oh={book_digest:016x}"
    )


def main() -> int:
    """Print one RESULT line."""
    name, path, operations, repetitions = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    stream = path.read_bytes()
    prefill_count = HEADER.unpack_from(stream)[2]
    wanted = (prefill_count + operations) * RECORD.size
    records = list(RECORD.iter_unpack(stream[HEADER.size : HEADER.size + wanted]))
    prefill, timed = records[:prefill_count], records[prefill_count:]
    seconds, proof = [], ""
    for _ in range(repetitions):
        engine = RIVALS[name]()
        apply_records(engine, prefill)
        engine.returned = type(engine.returned)()  # trades of the prefill are not part of the proof
        start = time.perf_counter()
        apply_records(engine, timed)
        seconds.append(time.perf_counter() - start)
        proof = prove(engine)
    seconds.sort()
    per_operation = 1e9 / max(len(timed), 1)
    print(
        f"RESULT {name} {path.name} nops={len(timed)} reps={repetitions} min={seconds[0] * per_operation:.1f} "
        f"med={seconds[len(seconds) // 2] * per_operation:.1f} ns/op | {proof}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
