"""The channels that several connections read: one object per channel name, one encoded frame per update.

Lives here: when a channel sends what. Rules: the first book message is a snapshot contiguous with the first change;
change ids never have a gap; a reader over its soft budget gets no book, ticker or quote frames until it has caught up,
then one exact difference from what it saw (joined channels) or is closed with a reason (`raw`, which is never joined).
Does not know: names of channels, sockets.
"""

from typing import Protocol

from domain.events import Trade
from gateway.books import Book, Levels
from gateway.candles import DayStats, RunningCandle
from gateway.codec import notification_bytes
from gateway.frames import text_frame
from gateway.image import Image
from gateway.instrument_view import InstrumentView
from gateway.market_text import candle_json, quote_json, ticker_fields
from gateway.render import public_trade_json

SLOW_READER = 1008


class Sink(Protocol):
    """A connection as channels see it."""

    @property
    def lagging(self) -> bool:
        """Over its soft output budget."""

    def push(self, frame: bytes) -> None:
        """Queue one encoded frame."""

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued."""


class Feed:
    """A channel with its readers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sinks: dict[Sink, None] = {}

    def subscribe(self, sink: Sink) -> None:
        """Add a reader."""
        self.sinks[sink] = None

    def unsubscribe(self, sink: Sink) -> None:
        """Remove a reader."""
        self.sinks.pop(sink, None)

    def frame(self, data: str) -> bytes:
        """The notification frame of this channel."""
        return text_frame(notification_bytes(self.name, data.encode()))

    def send(self, data: str) -> None:
        """One frame to everybody."""
        frame = self.frame(data)
        for sink in self.sinks:
            sink.push(frame)


class BookFeed(Feed):
    """`book.{instrument}.{raw,100ms,agg2}`."""

    def __init__(self, name: str, book: Book, *, joined: bool) -> None:
        super().__init__(name)
        self.book = book
        self.joined = joined
        self._before: tuple[Levels, Levels] = ({}, {})
        self._shown_id = book.change_id  # change id of the last frame sent to everybody
        self._behind: dict[Sink, tuple[int, Levels, Levels]] = {}  # what a lagging reader last saw

    def subscribe(self, sink: Sink) -> None:
        """Send what is pending to the others first, so that the snapshot continues for everybody alike."""
        self.flush()
        super().subscribe(sink)
        self._shown_id = self.book.change_id
        sink.push(self.frame(self.book.snapshot_json()))

    def unsubscribe(self, sink: Sink) -> None:
        """Remove a reader and what it missed."""
        super().unsubscribe(sink)
        self._behind.pop(sink, None)

    def touch(self, side: int, price_ticks: int, before: int) -> None:
        """A level moved; `before` is what it showed until now."""
        self._before[side].setdefault(price_ticks, before)

    def flush(self) -> None:
        """Send the change since the last flush; then let readers catch up that have drained their output."""
        before, self._before = self._before, ({}, {})
        if (before[0] or before[1]) and self.book.differs(before):
            self._send_change(before)
        if self._behind:
            self._catch_up()

    def _send_change(self, before: tuple[Levels, Levels]) -> None:
        shown_id, self._shown_id = self._shown_id, self.book.change_id
        frame = self.frame(self.book.change_json(shown_id, self._shown_id, before))
        slow: list[Sink] = []
        for sink in self.sinks:
            if sink in self._behind:
                continue
            if not sink.lagging:
                sink.push(frame)
            elif self.joined:
                self._behind[sink] = (shown_id, *self._levels_before(before))
            else:
                slow.append(sink)
        for sink in slow:
            sink.close(SLOW_READER, "reads too slowly for a raw book")

    def _levels_before(self, before: tuple[Levels, Levels]) -> tuple[Levels, Levels]:
        """The book as the last frame left it."""
        sides: list[Levels] = []
        for current, touched in zip(self.book.sides, before, strict=True):
            levels = dict(current)
            for price, lots in touched.items():
                if lots:
                    levels[price] = lots
                else:
                    levels.pop(price, None)
            sides.append(levels)
        return sides[0], sides[1]

    def _catch_up(self) -> None:
        """The difference between what a reader last saw and what everybody else has seen, as one change. It is sent
        even when nothing differs, because the ids of later frames go on from here."""
        for sink in [s for s in self._behind if not s.lagging]:
            seen_id, *seen = self._behind.pop(sink)
            touched: list[Levels] = []
            for current, old in zip(self.book.sides, seen, strict=True):
                touched.append({price: old.get(price, 0) for price in [*old, *(p for p in current if p not in old)]})
            sink.push(self.frame(self.book.change_json(seen_id, self._shown_id, (touched[0], touched[1]))))


class LatestFeed(Feed):
    """A channel whose newest message replaces older ones: ticker, quote, grouped book."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.dirty = False
        self._stale: dict[Sink, None] = {}

    def text(self, now_ns: int) -> str:
        """The newest message."""
        raise NotImplementedError

    def start(self, sink: Sink, now_ns: int) -> None:
        """Add a reader and send it the newest message."""
        self.subscribe(sink)
        sink.push(self.frame(self.text(now_ns)))

    def unsubscribe(self, sink: Sink) -> None:
        """Remove a reader."""
        super().unsubscribe(sink)
        self._stale.pop(sink, None)

    def flush(self, now_ns: int) -> None:
        """Send if something changed; readers that lag get the newest message when they have caught up."""
        if not self.dirty and not self._stale:
            return
        receivers = list(self.sinks) if self.dirty else [s for s in self._stale if not s.lagging]
        self.dirty = False
        if not receivers:
            return
        frame = self.frame(self.text(now_ns))
        for sink in receivers:
            if sink.lagging:
                self._stale[sink] = None
            else:
                self._stale.pop(sink, None)
                sink.push(frame)


class TickerFeed(LatestFeed):
    """`ticker.{instrument}.{raw,100ms,agg2}`."""

    def __init__(self, name: str, view: InstrumentView, book: Book, image: Image, stats: DayStats) -> None:
        super().__init__(name)
        self._parts = (view, book, image, stats)

    def text(self, now_ns: int) -> str:
        """As public/ticker."""
        return "{" + ticker_fields(*self._parts, now_ns) + "}"


class QuoteFeed(LatestFeed):
    """`quote.{instrument}`: sent when the best level of a side moved."""

    def __init__(self, name: str, book: Book) -> None:
        super().__init__(name)
        self._book = book
        self._shown = (book.best_bid(), book.best_ask())

    def text(self, now_ns: int) -> str:
        """Best bid and ask."""
        return quote_json(self._book, now_ns)

    def touch(self) -> None:
        """The book moved: dirty if its best levels did."""
        top = (self._book.best_bid(), self._book.best_ask())
        if top != self._shown:
            self._shown = top
            self.dirty = True


class GroupedBookFeed(LatestFeed):
    """`book.{instrument}.{group}.{depth}.{interval}`: full pictures, no ids to continue."""

    def __init__(self, name: str, book: Book, group_ticks: int, depth: int) -> None:
        super().__init__(name)
        self._book, self._group_ticks, self._depth = book, group_ticks, depth

    def text(self, now_ns: int) -> str:
        """The best levels."""
        book = self._book
        return (
            f'{{"timestamp":{book.time_ns // 1_000_000},"instrument_name":"{book.view.name}",'
            f'"change_id":{book.change_id},'
            f'"bids":{book.grouped_json(0, self._depth, self._group_ticks)},'
            f'"asks":{book.grouped_json(1, self._depth, self._group_ticks)}}}'
        )


class TradesFeed(Feed):
    """`trades.{instrument}.{interval}` and `trades.{kind}.{currency}.{interval}`: nothing is ever left out."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._waiting: list[str] = []

    def add(self, view: InstrumentView, trade: Trade, time_ns: int) -> None:
        """Queue one trade for the next flush."""
        self._waiting.append(public_trade_json(view, trade, time_ns))

    def flush(self) -> None:
        """Send what is queued."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.send(f"[{','.join(waiting)}]")


class ChartFeed(Feed):
    """`chart.trades.{instrument}.{resolution}`: the running candle after every command that traded."""

    def __init__(self, name: str, view: InstrumentView, resolution_ns: int) -> None:
        super().__init__(name)
        self.view = view
        self.candle = RunningCandle(resolution_ns)
        self._dirty = False

    def subscribe(self, sink: Sink) -> None:
        """Add a reader; it gets the running candle if there is one."""
        super().subscribe(sink)
        if self.candle.bucket is not None:
            sink.push(self.frame(candle_json(self.view, self.candle.bucket)))

    def seeded(self) -> None:
        """The history's part has arrived."""
        if self.candle.bucket is not None:
            self.send(candle_json(self.view, self.candle.bucket))

    def add(self, trade: Trade, time_ns: int) -> None:
        """Count a trade."""
        self._dirty = self.candle.add(trade, time_ns) or self._dirty

    def flush(self) -> None:
        """Send the running candle if it moved."""
        if self._dirty and self.candle.bucket is not None:
            self._dirty = False
            self.send(candle_json(self.view, self.candle.bucket))
