"""History: what happened, as tables, projected from events by the follower.

Lives here: the SQLite schema and the projection of event frames into it.
Does not know: the journal, who reads (history_queries.py, history_reader.py).

Theory of operation. The database can always be made again from the journal, so it may lag and it may be deleted. Its
progress (last command projected) changes in the same transaction as the rows, so projecting a group twice changes
nothing. Rows are collected per commit and written once: of an order only its latest state, of a minute one candle.
Times are exchange time in ns, prices ticks, quantities lots, money ledger units.
"""

import sqlite3
import struct
from pathlib import Path
from typing import Final

from domain import wire
from domain.constants import (
    COMMAND_COLD,
    EVENT_COLD,
    EVENT_COMMAND,
    EVENT_ORDER,
    EVENT_TRADE,
    ORDER_OPEN,
    ORDER_PARKED,
    ORDER_WAITING,
)
from domain.ensure import ensure
from domain.events import DividendChanged, ForwardSettled, VariationMarginPaid, decode_event
from domain.rejects import RejectCode

SCHEMA_VERSION: Final = 3
MINUTE_NS: Final = 60 * 10**9
ENDED: Final = f"state NOT IN ({ORDER_OPEN}, {ORDER_WAITING}, {ORDER_PARKED})"
_SCHEMA: Final = f"""
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), venue_id BLOB NOT NULL, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL
);
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY, account INTEGER NOT NULL, instrument INTEGER NOT NULL, state INTEGER NOT NULL,
    filled_lots INTEGER NOT NULL, updated_ns INTEGER NOT NULL, frame BLOB NOT NULL
);
CREATE INDEX orders_ended ON orders (account, order_id) WHERE {ENDED};
CREATE TABLE trades (
    trade_id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL,
    trade_seq INTEGER NOT NULL, instrument INTEGER NOT NULL, taker_side INTEGER NOT NULL,
    tick_direction INTEGER NOT NULL, maker_order_id INTEGER NOT NULL, taker_order_id INTEGER NOT NULL,
    maker_account INTEGER NOT NULL, taker_account INTEGER NOT NULL, price_ticks INTEGER NOT NULL,
    quantity_lots INTEGER NOT NULL, maker_fee INTEGER NOT NULL, taker_fee INTEGER NOT NULL,
    mark_ticks INTEGER NOT NULL, index_ticks INTEGER NOT NULL, flags INTEGER NOT NULL
);
CREATE INDEX trades_by_time ON trades (instrument, time_ns, trade_id);
CREATE INDEX trades_by_seq ON trades (instrument, trade_seq);
CREATE TABLE fills (
    account INTEGER NOT NULL, time_ns INTEGER NOT NULL, trade_id INTEGER NOT NULL, is_maker INTEGER NOT NULL,
    instrument INTEGER NOT NULL, order_id INTEGER NOT NULL, PRIMARY KEY (account, time_ns, trade_id, is_maker)
) WITHOUT ROWID;
CREATE INDEX fills_by_order ON fills (order_id);
CREATE TABLE candles (
    instrument INTEGER NOT NULL, start_ns INTEGER NOT NULL, open_ticks INTEGER NOT NULL, high_ticks INTEGER NOT NULL,
    low_ticks INTEGER NOT NULL, close_ticks INTEGER NOT NULL, volume_lots INTEGER NOT NULL,
    notional_ticks INTEGER NOT NULL, trades INTEGER NOT NULL, last_trade_seq INTEGER NOT NULL,
    PRIMARY KEY (instrument, start_ns)
) WITHOUT ROWID;
CREATE TABLE dividends (
    token TEXT NOT NULL, block_hash TEXT NOT NULL, account INTEGER NOT NULL, block_height INTEGER NOT NULL,
    record_time_ns INTEGER NOT NULL, seen_time_ns INTEGER NOT NULL, quantity INTEGER NOT NULL,
    amount_msat INTEGER NOT NULL, state TEXT NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (token, block_hash, account)
) WITHOUT ROWID;
CREATE INDEX dividends_by_account ON dividends (account, block_height);
CREATE TABLE variation_margin (
    sequence INTEGER NOT NULL, instrument INTEGER NOT NULL, account INTEGER NOT NULL, cycle_id INTEGER NOT NULL,
    price_ticks INTEGER NOT NULL, amount INTEGER NOT NULL, time_ns INTEGER NOT NULL,
    PRIMARY KEY (sequence, instrument, account)
) WITHOUT ROWID;
CREATE INDEX variation_margin_by_account ON variation_margin (account, sequence);
"""
_PUT_CANDLE: Final = """
INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (instrument, start_ns) DO UPDATE SET
    high_ticks = max(high_ticks, excluded.high_ticks), low_ticks = min(low_ticks, excluded.low_ticks),
    close_ticks = excluded.close_ticks, volume_lots = volume_lots + excluded.volume_lots,
    notional_ticks = notional_ticks + excluded.notional_ticks, trades = trades + excluded.trades,
    last_trade_seq = excluded.last_trade_seq
"""
_PUT_DIVIDEND: Final = """
INSERT INTO dividends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (token, block_hash, account) DO UPDATE SET
    quantity = excluded.quantity, amount_msat = excluded.amount_msat, state = excluded.state,
    sequence = excluded.sequence
"""
FINAL_SETTLEMENT: Final = -1  # cycle_id of final settlements, whose price is the sum of the month's fixings
_FRAME_START: Final = struct.Struct("<IH")
_COMMAND_STAMP: Final = struct.Struct("<Qq")  # at byte 8 of a command frame
_COMMAND_OUTCOME: Final = struct.Struct("<H2xi")  # command kind and code, at byte 44
# What a feed may send twice after a restart: refused without effect, and nobody's concern.
_REPEATS: Final = frozenset({0, RejectCode.ALREADY_EXISTS, RejectCode.DUPLICATE_BLOCK})
_ORDER_KEYS: Final = struct.Struct("<Q8xII")  # order_id, account, instrument: at byte 8 of an order frame
_ORDER_FILLED_OFFSET: Final = 48
_ORDER_UPDATED_OFFSET: Final = 80
_ORDER_STATE_OFFSET: Final = 95
_INT64: Final = struct.Struct("<q")


class HistoryMismatch(Exception):
    """The database belongs to another venue, another schema, or is ahead of the journal. It may be deleted."""


class History:
    """The writing side; one per venue, in the follower."""

    def __init__(self, path: Path, venue_id: bytes) -> None:
        """Open or create. Raises HistoryMismatch, sqlite3.Error."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._create(venue_id)
        elif version != SCHEMA_VERSION:
            raise HistoryMismatch(f"{path}: schema version {version}, this program writes {SCHEMA_VERSION}")
        owner, self.sequence = self._connection.execute("SELECT venue_id, sequence FROM progress").fetchone()
        if owner != venue_id:
            raise HistoryMismatch(f"{path}: belongs to another venue's journal")
        self._refusals: list[tuple[int, int]] = []
        self._forget_pending()

    def _create(self, venue_id: bytes) -> None:
        self._connection.executescript(
            f"BEGIN;{_SCHEMA};INSERT INTO progress VALUES (1, x'{venue_id.hex()}', 0, 0);"
            f"PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
        )

    def _forget_pending(self) -> None:
        self._pending_sequence = self.sequence
        self._time_ns = 0
        self._orders: dict[int, tuple[int, int, int, int, int, int, bytes]] = {}
        self._trades: list[tuple[int, ...]] = []
        self._fills: list[tuple[int, int, int, int, int, int]] = []
        self._candles: dict[tuple[int, int], list[int]] = {}
        self._dividends: list[tuple[str | int, ...]] = []
        self._flows: list[tuple[int, ...]] = []

    @property
    def pending_rows(self) -> int:
        """Rows that the next `commit` will write, about."""
        return len(self._orders) + 3 * len(self._trades) + len(self._flows)

    def project(self, last_sequence: int, events: bytes) -> None:
        """Take in the events of one group, whose last command is `last_sequence`. A group seen before is skipped.

        Raises:
            ValueError: frames that are none. Cost: O(frames), no database access.
        """
        if last_sequence <= self._pending_sequence:
            return
        offset, end = 0, len(events)
        sequence = time_ns = 0
        while offset < end:
            length, kind = _FRAME_START.unpack_from(events, offset)
            if length < wire.EVENT_HEADER.size or offset + length > end:
                raise ValueError(f"bad event frame of {length} bytes at {offset}")
            if kind == EVENT_COMMAND:
                sequence, time_ns = _COMMAND_STAMP.unpack_from(events, offset + 8)
                command_kind, code = _COMMAND_OUTCOME.unpack_from(events, offset + 44)
                if command_kind == COMMAND_COLD and code not in _REPEATS:
                    self._refusals.append((sequence, code))
            elif kind == EVENT_ORDER:
                self._take_order(events[offset : offset + length])
            elif kind == EVENT_TRADE:
                self._take_trade(events, offset, sequence, time_ns)
            elif kind == EVENT_COLD:
                self._take_cold(events[offset : offset + length], sequence, time_ns)
            offset += length
        self._pending_sequence = last_sequence
        self._time_ns = max(self._time_ns, time_ns)

    def take_refusals(self) -> list[tuple[int, int]]:
        """(sequence, code) of the venue's own commands that were refused since the last call: somebody must look."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def commit(self) -> None:
        """Write all that was projected since the last commit, and the progress, as one. Raises sqlite3.Error."""
        if self._pending_sequence == self.sequence:
            return
        execute_many = self._connection.executemany
        self._connection.execute("BEGIN IMMEDIATE")
        execute_many("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", self._orders.values())
        execute_many(f"INSERT INTO trades VALUES ({', '.join('?' * 18)})", self._trades)
        execute_many("INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?)", self._fills)
        execute_many(_PUT_CANDLE, [(*key, *values) for key, values in self._candles.items()])
        for put in self._dividends:
            if len(put) == 4:
                self._connection.execute(
                    "UPDATE dividends SET state = ?, sequence = ? WHERE token = ? AND block_hash = ?", put
                )
            else:
                self._connection.execute(_PUT_DIVIDEND, put)
        execute_many("INSERT INTO variation_margin VALUES (?, ?, ?, ?, ?, ?, ?)", self._flows)
        self._connection.execute(
            "UPDATE progress SET sequence = ?, time_ns = max(time_ns, ?)", (self._pending_sequence, self._time_ns)
        )
        self._connection.execute("COMMIT")
        self.sequence = self._pending_sequence
        self._forget_pending()

    def make_durable(self) -> None:
        """Commit, and put everything committed on the disk: a snapshot must not know more than the history."""
        self.commit()
        self._connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._connection.close()

    # ------------------------------------------------------------------------------------------------------------

    def _take_order(self, frame: bytes) -> None:
        order_id, account, instrument = _ORDER_KEYS.unpack_from(frame, 8)
        (filled_lots,) = _INT64.unpack_from(frame, _ORDER_FILLED_OFFSET)
        (updated_ns,) = _INT64.unpack_from(frame, _ORDER_UPDATED_OFFSET)
        state = frame[_ORDER_STATE_OFFSET]
        self._orders[order_id] = (order_id, account, instrument, state, filled_lots, updated_ns, frame)

    def _take_trade(self, events: bytes, offset: int, sequence: int, time_ns: int) -> None:
        fields = wire.TRADE_EVENT.unpack_from(events, offset)
        trade_id, trade_seq, instrument, taker_side, tick_direction = fields[3:8]
        maker_order, taker_order, maker_account, taker_account, price, lots = fields[9:15]
        self._trades.append(
            (trade_id, sequence, time_ns, trade_seq, instrument, taker_side, tick_direction, *fields[9:], fields[8])
        )
        self._fills.append((maker_account, time_ns, trade_id, 1, instrument, maker_order))
        self._fills.append((taker_account, time_ns, trade_id, 0, instrument, taker_order))
        key = (instrument, time_ns - time_ns % MINUTE_NS)
        candle = self._candles.get(key)
        if candle is None:
            self._candles[key] = [price, price, price, price, lots, price * lots, 1, trade_seq]
            return
        candle[1] = max(candle[1], price)
        candle[2] = min(candle[2], price)
        candle[3] = price
        candle[4] += lots
        candle[5] += price * lots
        candle[6] += 1
        candle[7] = trade_seq

    def _take_cold(self, frame: bytes, sequence: int, time_ns: int) -> None:
        event = decode_event(frame)
        if isinstance(event, DividendChanged):
            self._take_dividend(event, sequence)
        elif isinstance(event, VariationMarginPaid):
            self._flows.extend(
                (sequence, event.instrument_id, account, event.cycle_id, event.price_ticks, amount, time_ns)
                for account, amount in event.flows
            )
        elif isinstance(event, ForwardSettled):
            self._flows.extend(
                (sequence, event.instrument_id, account, FINAL_SETTLEMENT, event.fixings_ticks, amount, time_ns)
                for account, amount in event.flows
            )

    def _take_dividend(self, event: DividendChanged, sequence: int) -> None:
        """A change without legs changes the state of all legs known."""
        ensure(event.token and event.block_hash, "a dividend names its token and block")
        if not event.legs:
            self._dividends.append((event.state, sequence, event.token, event.block_hash))
        for account, quantity, amount_msat in event.legs:
            key = (event.token, event.block_hash, account)
            terms = (event.block_height, event.record_time_ns, event.seen_time_ns)
            self._dividends.append((*key, *terms, quantity, amount_msat, event.state, sequence))
