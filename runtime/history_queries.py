"""Questions to the history database.

Lives here: the SQL of the reading side, synchronous, one connection per reader.
Does not know: asyncio, who asks, how far the follower should be (history_reader.py waits for that).
Units as in history.py. Pages are ordered by trade id, which is the order of exchange time.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final

import msgspec

from domain.events import OrderState, Trade, decode_order
from gateway.history_reader import Candle, PublicTrade, PublicTradePage, TradeWindow, UserTrade, UserTradePage
from runtime.history import ENDED, MINUTE_NS

_TRADE: Final = (
    "t.time_ns, t.trade_id, t.trade_seq, t.instrument, t.taker_side, t.tick_direction, t.maker_order_id,"
    " t.taker_order_id, t.maker_account, t.taker_account, t.price_ticks, t.quantity_lots, t.maker_fee, t.taker_fee,"
    " t.mark_ticks, t.index_ticks, t.flags"
)


class DividendRow(msgspec.Struct, frozen=True):
    """One holder's leg of one dividend."""

    token: str
    block_height: int
    block_hash: str
    record_time_ns: int
    seen_time_ns: int
    quantity: int
    amount_msat: int
    state: str


class FlowRow(msgspec.Struct, frozen=True):
    """One account's variation margin of one cycle and instrument."""

    sequence: int
    time_ns: int
    cycle_id: int
    instrument: int
    price_ticks: int
    amount: int


class HistoryQueries:
    """Read-only view. Every method may raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        """The file must exist. May be used from one thread at a time, not only the one that made it."""
        self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def progress(self) -> int:
        """Sequence of the last command projected."""
        row = self._connection.execute("SELECT sequence FROM progress").fetchone()
        return int(row[0])

    def public_trades(self, instruments: tuple[int, ...], window: TradeWindow) -> PublicTradePage:
        """See HistoryReader."""
        where, values = _window(window, "t")
        where += _among("t.instrument", instruments, values)
        order = "DESC" if window.newest_first else "ASC"
        rows = self._rows(
            f"SELECT {_TRADE} FROM trades t WHERE {where} ORDER BY t.time_ns {order}, t.trade_id {order} LIMIT ?"
            if instruments
            else f"SELECT {_TRADE} FROM trades t WHERE {where} ORDER BY t.trade_id {order} LIMIT ?",
            [*values, window.count + 1],
        )
        trades = tuple(PublicTrade(row[0], Trade._make(row[1:])) for row in rows[: window.count])
        return PublicTradePage(trades, len(rows) > window.count)

    def user_trades(
        self, account: int, instruments: tuple[int, ...], window: TradeWindow, *, order_id: int = 0
    ) -> UserTradePage:
        """See HistoryReader."""
        where, values = _window(window, "t")
        where += _among("f.instrument", instruments, values)
        if order_id:
            where += " AND f.order_id = ?"
            values.append(order_id)
        order = "DESC" if window.newest_first else "ASC"
        rows = self._rows(
            f"SELECT {_TRADE}, f.is_maker, o.frame FROM fills f JOIN trades t USING (trade_id)"
            f" JOIN orders o ON o.order_id = f.order_id WHERE f.account = ? AND {where}"
            f" ORDER BY f.time_ns {order}, f.trade_id {order}, f.is_maker {order} LIMIT ?",
            [account, *values, window.count + 1],
        )
        trades = tuple(
            UserTrade(row[0], Trade._make(row[1:17]), bool(row[17]), decode_order(row[18]))
            for row in rows[: window.count]
        )
        return UserTradePage(trades, len(rows) > window.count)

    def ended_orders(
        self, account: int, instruments: tuple[int, ...], *, count: int, offset: int, include_unfilled: bool
    ) -> tuple[OrderState, ...]:
        """See HistoryReader."""
        values: list[int] = [account]
        where = f"account = ? AND {ENDED}" + _among("instrument", instruments, values)
        if not include_unfilled:
            where += " AND filled_lots > 0"
        rows = self._rows(
            f"SELECT frame FROM orders WHERE {where} ORDER BY order_id DESC LIMIT ? OFFSET ?", [*values, count, offset]
        )
        return tuple(decode_order(row[0]) for row in rows)

    def order(self, account: int, order_id: int) -> OrderState | None:
        """See HistoryReader."""
        rows = self._rows("SELECT frame FROM orders WHERE order_id = ? AND account = ?", [order_id, account])
        return decode_order(rows[0][0]) if rows else None

    def candles(self, instrument: int, resolution_ns: int, *, from_ns: int, to_ns: int) -> tuple[Candle, ...]:
        """See HistoryReader. Cost: O(minutes with trades in the window). Raises ValueError for a bad resolution."""
        if resolution_ns < MINUTE_NS or resolution_ns % MINUTE_NS:
            raise ValueError(f"resolution {resolution_ns} ns is no multiple of a minute")
        first_ns = -(-from_ns // resolution_ns) * resolution_ns
        end_ns = to_ns // resolution_ns * resolution_ns + resolution_ns
        rows = self._rows(
            "SELECT start_ns, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, notional_ticks,"
            " last_trade_seq FROM candles WHERE instrument = ? AND start_ns >= ? AND start_ns < ? ORDER BY start_ns",
            [instrument, first_ns, min(end_ns, 2**63 - 1)],
        )
        joined: dict[int, Candle] = {}
        for row in rows:
            minute = Candle(*row)
            start_ns = minute.start_ns - minute.start_ns % resolution_ns
            joined[start_ns] = _join(joined.get(start_ns), minute, start_ns)
        return tuple(joined.values())

    def dividends(self, account: int, *, count: int, offset: int = 0) -> tuple[DividendRow, ...]:
        """The account's dividends, newest block first."""
        rows = self._rows(
            "SELECT token, block_height, block_hash, record_time_ns, seen_time_ns, quantity, amount_msat, state"
            " FROM dividends WHERE account = ? ORDER BY block_height DESC, token, block_hash LIMIT ? OFFSET ?",
            [account, count, offset],
        )
        return tuple(DividendRow(*row) for row in rows)

    def variation_margin(self, account: int, *, count: int, offset: int = 0) -> tuple[FlowRow, ...]:
        """The account's variation margin flows, newest first."""
        rows = self._rows(
            "SELECT sequence, time_ns, cycle_id, instrument, price_ticks, amount FROM variation_margin"
            " WHERE account = ? ORDER BY sequence DESC, instrument LIMIT ? OFFSET ?",
            [account, count, offset],
        )
        return tuple(FlowRow(*row) for row in rows)

    def _rows(self, statement: str, values: list[int]) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()


def _window(window: TradeWindow, table: str) -> tuple[str, list[int]]:
    where = f"{table}.time_ns BETWEEN ? AND ?"
    values = [window.from_ns, window.to_ns]
    if window.from_seq > 0 or window.to_seq < 2**63 - 1:
        where += f" AND {table}.trade_seq BETWEEN ? AND ?"
        values += [window.from_seq, window.to_seq]
    return where, values


def _among(column: str, instruments: tuple[int, ...], values: list[int]) -> str:
    if not instruments:
        return ""
    values.extend(instruments)
    return f" AND {column} IN ({', '.join('?' * len(instruments))})"


def _join(candle: Candle | None, minute: Candle, start_ns: int) -> Candle:
    """A candle with one more of its minutes; minutes come oldest first."""
    if candle is None:
        return msgspec.structs.replace(minute, start_ns=start_ns)
    return Candle(
        start_ns=start_ns,
        open_ticks=candle.open_ticks,
        high_ticks=max(candle.high_ticks, minute.high_ticks),
        low_ticks=min(candle.low_ticks, minute.low_ticks),
        close_ticks=minute.close_ticks,
        volume_lots=candle.volume_lots + minute.volume_lots,
        notional_ticks=candle.notional_ticks + minute.notional_ticks,
        last_trade_seq=minute.last_trade_seq,
    )
