"""The gateway's view of the history: asynchronous, and never behind what the asker has already seen.

Lives here: waiting for the follower, and running queries off the event loop.
Does not know: SQL (history_queries.py), sessions.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from domain.events import OrderState
from gateway.history_reader import Candle, HistoryBehind, PublicTradePage, TradeWindow, UserTradePage
from runtime.history_queries import DividendRow, FlowRow, HistoryQueries

WAIT_S: Final = 2.0  # how long a question waits for the follower
POLL_S: Final = 0.003
_Answer = TypeVar("_Answer")


class SqliteHistoryReader:
    """Implements gateway.history_reader.HistoryReader over the follower's database."""

    def __init__(self, path: Path, *, wait_s: float = WAIT_S) -> None:
        """The file may appear later."""
        self._path = path
        self._wait_s = wait_s
        self._queries: HistoryQueries | None = None
        self._progress = 0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="history")

    def close(self) -> None:
        """End the thread and close the database."""
        self._executor.shutdown(wait=True)
        if self._queries is not None:
            self._queries.close()

    async def public_trades(
        self, instruments: tuple[int, ...], window: TradeWindow, *, at_least_sequence: int
    ) -> PublicTradePage:
        """See HistoryReader."""
        return await self._ask(at_least_sequence, lambda q: q.public_trades(instruments, window))

    async def user_trades(
        self,
        account: int,
        instruments: tuple[int, ...],
        window: TradeWindow,
        *,
        order_id: int = 0,
        at_least_sequence: int,
    ) -> UserTradePage:
        """See HistoryReader."""
        return await self._ask(
            at_least_sequence, lambda q: q.user_trades(account, instruments, window, order_id=order_id)
        )

    async def ended_orders(
        self,
        account: int,
        instruments: tuple[int, ...],
        *,
        count: int,
        offset: int,
        include_unfilled: bool,
        at_least_sequence: int,
    ) -> tuple[OrderState, ...]:
        """See HistoryReader."""
        return await self._ask(
            at_least_sequence,
            lambda q: q.ended_orders(
                account, instruments, count=count, offset=offset, include_unfilled=include_unfilled
            ),
        )

    async def order(self, account: int, order_id: int, *, at_least_sequence: int) -> OrderState | None:
        """See HistoryReader."""
        return await self._ask(at_least_sequence, lambda q: q.order(account, order_id))

    async def candles(
        self, instrument: int, resolution_ns: int, *, from_ns: int, to_ns: int, at_least_sequence: int
    ) -> tuple[Candle, ...]:
        """See HistoryReader."""
        return await self._ask(
            at_least_sequence, lambda q: q.candles(instrument, resolution_ns, from_ns=from_ns, to_ns=to_ns)
        )

    async def dividends(self, account: int, *, count: int, at_least_sequence: int) -> tuple[DividendRow, ...]:
        """The account's dividends, newest block first."""
        return await self._ask(at_least_sequence, lambda q: q.dividends(account, count=count))

    async def variation_margin(self, account: int, *, count: int, at_least_sequence: int) -> tuple[FlowRow, ...]:
        """The account's variation margin flows, newest first."""
        return await self._ask(at_least_sequence, lambda q: q.variation_margin(account, count=count))

    async def _ask(self, at_least_sequence: int, question: Callable[[HistoryQueries], _Answer]) -> _Answer:
        """Wait until the follower has reached the sequence, then ask. Raises HistoryBehind."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_s
        while self._progress < at_least_sequence or self._queries is None:
            await loop.run_in_executor(self._executor, self._refresh)
            if self._queries is not None and self._progress >= at_least_sequence:
                break
            if loop.time() >= deadline:
                raise HistoryBehind(f"history is at command {self._progress}, asked for {at_least_sequence}")
            await asyncio.sleep(POLL_S)
        queries = self._queries
        assert queries is not None
        try:
            return await loop.run_in_executor(self._executor, partial(question, queries))
        except sqlite3.Error as error:
            raise HistoryBehind(f"history cannot be read: {error}") from error

    def _refresh(self) -> None:
        """How far is the follower? In the query thread."""
        if self._queries is None:
            if not self._path.exists():
                return
            self._queries = HistoryQueries(self._path)
        try:
            self._progress = self._queries.progress()
        except sqlite3.OperationalError:  # the follower is just creating it; asked again until the deadline
            self._progress = 0
