"""Time buckets of trades: the running candle of a chart channel and the statistics of the last 24 hours.

Lives here: adding trades to buckets. Exchange time in ns throughout; seeds come from the history.
Does not know: channels, JSON.
"""

from collections import deque
from typing import Final

from domain.events import Trade
from gateway.history_reader import Candle

MINUTE_NS: Final = 60 * 10**9
DAY_NS: Final = 1_440 * MINUTE_NS
STATS_BUCKET_NS: Final = 5 * MINUTE_NS
RESOLUTIONS_NS: Final[dict[str, int]] = {
    **{str(n): n * MINUTE_NS for n in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)},
    "1D": DAY_NS,
}


class Bucket:
    """Trades of one stretch of time."""

    __slots__ = (
        "close_ticks",
        "high_ticks",
        "last_trade_seq",
        "low_ticks",
        "notional_ticks",
        "open_ticks",
        "start_ns",
        "volume_lots",
    )

    def __init__(self, start_ns: int, price_ticks: int) -> None:
        self.start_ns = start_ns
        self.open_ticks = self.high_ticks = self.low_ticks = self.close_ticks = price_ticks
        self.volume_lots = self.notional_ticks = self.last_trade_seq = 0

    def add(self, trade: Trade) -> None:
        """Count one trade."""
        price = trade.price_ticks
        self.high_ticks = max(self.high_ticks, price)
        self.low_ticks = min(self.low_ticks, price)
        self.close_ticks = price
        self.volume_lots += trade.quantity_lots
        self.notional_ticks += price * trade.quantity_lots
        self.last_trade_seq = trade.trade_seq


def bucket_of(candle: Candle) -> Bucket:
    """A bucket that goes on where the history's candle stands."""
    bucket = Bucket(candle.start_ns, candle.open_ticks)
    bucket.high_ticks, bucket.low_ticks, bucket.close_ticks = candle.high_ticks, candle.low_ticks, candle.close_ticks
    bucket.volume_lots, bucket.notional_ticks = candle.volume_lots, candle.notional_ticks
    bucket.last_trade_seq = candle.last_trade_seq
    return bucket


class RunningCandle:
    """The current candle of one resolution. Before its seed arrives, trades wait; none is counted twice."""

    def __init__(self, resolution_ns: int) -> None:
        self.resolution_ns = resolution_ns
        self.bucket: Bucket | None = None
        self._waiting: list[tuple[int, Trade]] | None = []

    def seed(self, candle: Candle | None) -> None:
        """Take over the history's candle, then the trades that came meanwhile and are not in it."""
        waiting, self._waiting = self._waiting or [], None
        if candle is not None:
            self.bucket = bucket_of(candle)
        counted = candle.last_trade_seq if candle is not None else 0
        for time_ns, trade in waiting:
            if trade.trade_seq > counted:
                self.add(trade, time_ns)

    def add(self, trade: Trade, time_ns: int) -> bool:
        """Count a trade; False while the seed is awaited."""
        if self._waiting is not None:
            self._waiting.append((time_ns, trade))
            return False
        start_ns = time_ns - time_ns % self.resolution_ns
        if self.bucket is None or self.bucket.start_ns != start_ns:
            self.bucket = Bucket(start_ns, trade.price_ticks)
        self.bucket.add(trade)
        return True


class DayStats:
    """Open, high, low and volume of the last 24 hours, to five minutes."""

    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque()
        self._counted_seq = 0

    def seed(self, candles: tuple[Candle, ...]) -> None:
        """Put the history's candles (of five minutes) before the live trades; overlapping trades count once."""
        live = [b for b in self._buckets if not candles or b.start_ns > candles[-1].start_ns]
        self._buckets = deque([*map(bucket_of, candles), *live])
        if candles:
            self._counted_seq = max(self._counted_seq, candles[-1].last_trade_seq)

    def add(self, trade: Trade, time_ns: int) -> None:
        """Count a live trade."""
        if trade.trade_seq <= self._counted_seq:
            return
        self._counted_seq = trade.trade_seq
        start_ns = time_ns - time_ns % STATS_BUCKET_NS
        if not self._buckets or self._buckets[-1].start_ns != start_ns:
            self._buckets.append(Bucket(start_ns, trade.price_ticks))
        self._buckets[-1].add(trade)

    def summary(self, now_ns: int) -> tuple[int, int, int, int, int]:
        """open, high, low (ticks; 0 without trades), volume (lots), notional (ticks x lots). At most 289 buckets."""
        buckets = self._buckets
        while buckets and buckets[0].start_ns + STATS_BUCKET_NS <= now_ns - DAY_NS:
            buckets.popleft()
        if not buckets:
            return (0, 0, 0, 0, 0)
        return (
            buckets[0].open_ticks,
            max(b.high_ticks for b in buckets),
            min(b.low_ticks for b in buckets),
            sum(b.volume_lots for b in buckets),
            sum(b.notional_ticks for b in buckets),
        )
