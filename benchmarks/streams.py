"""Order streams seen from Python: reading the files, and the proof of a result.

Lives here: the records of floor/stream.h as tuples, the trade hash, the book hash.
Does not know: any engine, where streams come from.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

HEADER, RECORD = struct.Struct("<4s7I"), struct.Struct("<BBHIIiII")
ADD, CANCEL, REPLACE, ICEBERG, STOP, QUOTE, SLIDE, PEG = range(1, 9)
PLAIN, MIXED = b"OPS1", b"OPS2"
HASH_MASK = (1 << 64) - 1

Fill = tuple[int, int, int, int]  # taker, maker, price, lots
Resting = tuple[int, int, int, int]  # side, id, price, lots


class Record(NamedTuple):
    """One record; what `extra` is depends on the type (floor/stream.h)."""

    type: int
    side: int
    symbol: int
    order_id: int
    new_id: int
    price_ticks: int
    lots: int
    extra: int


class Stream(NamedTuple):
    """One file in memory."""

    kind: bytes
    symbols: int
    low_ticks: int
    high_ticks: int  # prices lie from low to high, both included
    prefill: list[Record]
    timed: list[Record]


def read_stream(data: bytes, timed: int | None = None) -> Stream:
    """The bytes of a stream file; with `timed`, only so many of its timed records. ValueError for anything else."""
    if len(data) < HEADER.size or data[:4] not in (PLAIN, MIXED):
        raise ValueError("not an order stream")
    kind, symbols, prefill, count, _, window, middle, _ = HEADER.unpack_from(data)
    if len(data) != HEADER.size + (prefill + count) * RECORD.size:
        raise ValueError("the stream's length is not what its header says")
    if timed is not None and timed > count:
        raise ValueError(f"the stream has only {count} timed records")
    end = HEADER.size + (prefill + (count if timed is None else timed)) * RECORD.size
    records = list(map(Record._make, RECORD.iter_unpack(data[HEADER.size : end])))
    low = middle - window // 2
    return Stream(kind, symbols, max(1, low), low + window - 1, records[:prefill], records[prefill:])


def prove_trades(fills: Iterable[Fill]) -> str:
    """The trades of a RESULT line; their hash depends on every number and on their order."""
    count = quantity = notional = digest = 0
    for taker, maker, price, lots in fills:
        count += 1
        quantity += lots
        notional += price * lots
        digest = (digest * 1_099_511_628_211 + taker * 1_000_003 + maker * 10_007 + lots * 101 + price) & HASH_MASK
    return f"trades={count} tqty={quantity} notional={notional} thash={digest:016x}"


def prove_resting(resting: Iterable[Resting], best_bids: int, best_asks: int) -> str:
    """The book of a RESULT line; the sums of best prices over symbols come from whoever keeps them."""
    count = digest = 0
    lots_of = [0, 0]
    for side, order_id, price, lots in resting:
        count += 1
        lots_of[side] += lots
        digest += order_id * 31 + lots * 7 + price
    return (
        f"rest={count} bidq={lots_of[0]} askq={lots_of[1]} bb={best_bids} ba={best_asks} oh={digest & HASH_MASK:016x}"
    )
