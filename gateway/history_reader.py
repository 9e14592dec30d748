"""What the gateway needs from the history: trades, ended orders and candles as the follower wrote them.

Lives here: the protocol and its value types. Times are exchange time in ns, prices ticks, quantities lots, fees ledger
units of the quote asset. Every method takes `at_least_sequence`: the reader waits (bounded) until the follower has
reached it, so that a fetch after an acknowledged order never misses it, and raises HistoryBehind otherwise.
Does not know: SQL, files.
"""

from typing import Protocol

import msgspec

from domain.events import OrderState, Trade

TIME_NS_MAX = 2**63 - 1


class HistoryBehind(Exception):
    """The follower has not reached the sequence asked for within the bound."""


class TradeWindow(msgspec.Struct, frozen=True, kw_only=True):
    """Which trades: bounds are inclusive, 0 or maximum = open."""

    from_ns: int = 0
    to_ns: int = TIME_NS_MAX
    from_seq: int = 0  # trade_seq, meaningful for one instrument
    to_seq: int = TIME_NS_MAX
    count: int = 10  # at most
    newest_first: bool = True


class PublicTrade(msgspec.Struct, frozen=True):
    """One match with the time of its command."""

    time_ns: int
    trade: Trade


class UserTrade(msgspec.Struct, frozen=True):
    """One match seen by one of its two sides. `order` is the order's latest known state."""

    time_ns: int
    trade: Trade
    is_maker: bool
    order: OrderState


class PublicTradePage(msgspec.Struct, frozen=True):
    trades: tuple[PublicTrade, ...]
    has_more: bool


class UserTradePage(msgspec.Struct, frozen=True):
    trades: tuple[UserTrade, ...]
    has_more: bool


class Candle(msgspec.Struct, frozen=True):
    """Trades of one instrument in [start_ns, start_ns + resolution). Candles without a trade are not returned."""

    start_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    notional_ticks: int  # sum of price x lots
    last_trade_seq: int  # the newest trade counted: who adds live trades skips those up to it


class HistoryReader(Protocol):
    """Reads of the follower's database. `instruments` empty = all of them."""

    async def public_trades(
        self, instruments: tuple[int, ...], window: TradeWindow, *, at_least_sequence: int
    ) -> PublicTradePage:
        """Public trades in the window, ordered by trade_id."""

    async def user_trades(
        self,
        account: int,
        instruments: tuple[int, ...],
        window: TradeWindow,
        *,
        order_id: int = 0,
        at_least_sequence: int,
    ) -> UserTradePage:
        """The account's trades in the window (of one order when `order_id` > 0). A self-trade yields two rows."""

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
        """Filled and cancelled orders, newest first; without any fill only when `include_unfilled`."""

    async def order(self, account: int, order_id: int, *, at_least_sequence: int) -> OrderState | None:
        """Latest state of one order of the account, or None."""

    async def candles(
        self, instrument: int, resolution_ns: int, *, from_ns: int, to_ns: int, at_least_sequence: int
    ) -> tuple[Candle, ...]:
        """Candles whose start is in [from_ns, to_ns], oldest first. `resolution_ns` is a multiple of one minute."""
