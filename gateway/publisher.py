"""Public market data: the registry of channels and the walk of public events through them.

Lives here: parsing of public channel names, books and statistics per instrument, the flush rhythm.
Does not know: private channels, sockets, methods. Raw channels flush at the end of each command, joined ones on ticks.
"""

from collections.abc import Callable, Iterable
from typing import Final

from domain.events import Mark, Phase, Trade
from domain.reads import ImageAnswer
from gateway.books import Book
from gateway.candles import RESOLUTIONS_NS, DayStats
from gateway.feeds import (
    BookFeed,
    ChartFeed,
    Feed,
    GroupedBookFeed,
    LatestFeed,
    QuoteFeed,
    Sink,
    TickerFeed,
    TradesFeed,
)
from gateway.image import Image
from gateway.instrument_view import InstrumentView
from gateway.l3_books import L3Book
from gateway.order_feeds import AuctionFeed, L3Feed, StateFeed
from gateway.phases import STATE_WORDS

RAW: Final = "raw"
TICK_INTERVALS: Final = ("100ms", "agg2")  # joined per 100 ms and per second
INTERVALS: Final = (RAW, *TICK_INTERVALS)
DEPTHS: Final = ("1", "10", "20")
GROUPS: Final = ("none", "1", "2", "5", "10", "25", "100", "250")
KINDS: Final = frozenset({"any", "spot", "future", "option", "future_combo", "option_combo", "combo"})
SeedCandle = Callable[[ChartFeed], None]


class Shelf:
    """What is kept and published for one instrument."""

    def __init__(self, view: InstrumentView, book: Book, orders: L3Book) -> None:
        self.view = view
        self.book = book
        self.orders = orders
        self.stats = DayStats()
        self.books: list[BookFeed] = []
        self.quotes: list[QuoteFeed] = []
        self.latest: list[LatestFeed] = []  # tickers, grouped books
        self.auctions: list[AuctionFeed] = []
        self.singles: list[L3Feed] = []
        self.trades: list[TradesFeed] = []
        self.charts: list[ChartFeed] = []
        self.raw: list[Feed] = []  # those of the above that send after every command
        self.read = False  # whether any of the lists has an entry


class Publisher:
    """All public channels of one gateway."""

    def __init__(self, image: Image, answer: ImageAnswer, seed_candle: SeedCandle) -> None:
        self._image = image
        self._seed_candle = seed_candle
        self.shelves: dict[int, Shelf] = {}
        self._feeds: dict[str, Feed] = {}
        self._joined: dict[str, list[Feed]] = {interval: [] for interval in TICK_INTERVALS}
        self._groups: list[tuple[str, str, TradesFeed]] = []  # kind, currency, feed
        self._raw_groups: dict[TradesFeed, None] = {}  # of those, the raw ones with something to send
        self._told_states: dict[StateFeed, None] = {}
        self._states: list[tuple[str, str, StateFeed]] = []  # kind, currency, feed
        self._moved: dict[int, Shelf] = {}
        for picture in answer.books:
            view = image.views[picture.instrument.instrument_id]
            book = Book(view, picture.bids, picture.asks, answer.sequence, answer.time_ns)
            orders = L3Book(view, picture.bid_orders, picture.ask_orders, picture.l3_seq)
            self.shelves[view.instrument_id] = Shelf(view, book, orders)

    # -- subscriptions ----------------------------------------------------------------------------------------

    def subscribe(self, channel: str, sink: Sink) -> bool:
        """Add a reader; False for names that are no public channel or name an unknown instrument."""
        feed = self._feeds.get(channel) or self._open(channel)
        if feed is None:
            return False
        if sink in feed.sinks:
            return True
        if isinstance(feed, LatestFeed | L3Feed):
            feed.start(sink, self._image.time_ns)
        else:
            feed.subscribe(sink)
        return True

    def unsubscribe(self, channel: str, sink: Sink) -> bool:
        """Remove a reader; the channel ends with its last one."""
        feed = self._feeds.get(channel)
        if feed is None or sink not in feed.sinks:
            return False
        feed.unsubscribe(sink)
        if not feed.sinks:
            self._shut(channel, feed)
        return True

    def _open(self, channel: str) -> Feed | None:
        parts = channel.split(".")
        if parts[0] == "trades" and len(parts) == 4:
            return self._open_group(channel, parts)
        if parts[:2] == ["instrument", "state"] and len(parts) == 4:
            return self._open_state(channel, parts)
        at = 2 if parts[:2] == ["chart", "trades"] or parts[0] == "x" else 1
        view = self._image.by_name.get(parts[at]) if len(parts) > at else None
        if view is None:
            return None
        shelf = self.shelves[view.instrument_id]
        rest = parts[at + 1 :]
        feed: Feed
        interval = rest[-1] if rest else RAW
        if parts[0] == "quote" and not rest:
            feed = quote = QuoteFeed(channel, shelf.book)
            shelf.quotes.append(quote)
        elif parts[:2] == ["x", "l3"] and not rest:
            feed = singles = L3Feed(channel, shelf.orders)
            shelf.singles.append(singles)
        elif parts[:2] == ["x", "auction"] and not rest:
            feed = auction = AuctionFeed(channel, view, self._image.phases)
            shelf.auctions.append(auction)
        elif parts[0] == "chart" and at == 2 and len(rest) == 1 and rest[0] in RESOLUTIONS_NS:
            feed = chart = ChartFeed(channel, view, RESOLUTIONS_NS[rest[0]])
            shelf.charts.append(chart)
            self._seed_candle(chart)
            interval = RAW
        elif interval not in INTERVALS or at == 2:
            return None
        elif parts[0] == "book" and len(rest) == 1:
            feed = book = BookFeed(channel, shelf.book, joined=interval != RAW)
            shelf.books.append(book)
        elif parts[0] == "book" and len(rest) == 3 and rest[0] in GROUPS and rest[1] in DEPTHS:
            group = 1 if rest[0] == "none" else int(rest[0])
            feed = grouped = GroupedBookFeed(channel, shelf.book, group, int(rest[1]))
            shelf.latest.append(grouped)
        elif parts[0] == "ticker" and len(rest) == 1:
            feed = ticker = TickerFeed(channel, view, shelf.book, self._image, shelf.stats)
            shelf.latest.append(ticker)
        elif parts[0] == "trades" and len(rest) == 1:
            feed = trades = TradesFeed(channel)
            shelf.trades.append(trades)
        else:
            return None
        shelf.read = True
        self._feeds[channel] = feed
        (shelf.raw if interval == RAW else self._joined[interval]).append(feed)
        return feed

    def _open_group(self, channel: str, parts: list[str]) -> Feed | None:
        _, kind, currency, interval = parts
        if interval not in INTERVALS or not self._image.selected(currency, kind):
            return None
        feed = TradesFeed(channel)
        self._groups.append((kind, currency, feed))
        self._feeds[channel] = feed
        if interval != RAW:
            self._joined[interval].append(feed)
        return feed

    def _open_state(self, channel: str, parts: list[str]) -> Feed | None:
        _, _, kind, currency = parts
        if not (self._image.selected(currency, kind) or (kind in KINDS and currency.upper() == "ANY")):
            return None
        feed = StateFeed(channel)
        self._states.append((kind, currency, feed))
        self._feeds[channel] = feed
        return feed

    def _shut(self, channel: str, feed: Feed) -> None:
        del self._feeds[channel]
        for joined in self._joined.values():
            if feed in joined:
                joined.remove(feed)
        self._groups = [entry for entry in self._groups if entry[2] is not feed]
        self._states = [entry for entry in self._states if entry[2] is not feed]
        for shelf in self.shelves.values():
            lists: tuple[list[Feed], ...] = (  # type: ignore[assignment]
                shelf.books, shelf.quotes, shelf.latest, shelf.trades, shelf.charts, shelf.singles, shelf.auctions,
                shelf.raw,
            )  # fmt: skip
            for feeds in lists:
                if feed in feeds:
                    feeds.remove(feed)
            shelf.read = any(lists)

    # -- events -----------------------------------------------------------------------------------------------

    def on_listed(self, view: InstrumentView, sequence: int, time_ns: int) -> None:
        """A new instrument starts with an empty book."""
        self.shelves[view.instrument_id] = Shelf(view, Book(view, (), (), sequence, time_ns), L3Book(view, (), (), 0))
        self.on_state(view, "created", time_ns)

    def on_state(self, view: InstrumentView, state: str, time_ns: int) -> None:
        """An instrument came, moved on or went: told when the command is complete."""
        for kind, currency, feed in self._states:
            if _lets_through(view, kind, currency):
                feed.add(view, state, time_ns)
                self._told_states[feed] = None

    def on_phase(self, phase: Phase, time_ns: int, *, changed: bool) -> None:
        """A book's phase, or what its call would trade now."""
        shelf = self.shelves[phase.instrument]
        if changed:
            self.on_state(shelf.view, STATE_WORDS.get(phase.phase, "started"), time_ns)
        if shelf.read:
            for feed in shelf.auctions:
                feed.dirty = True
            self._moved[phase.instrument] = shelf

    def on_queue(
        self, instrument: int, side: int, kind: int, order_id: int, price_ticks: int, lots: int, l3_seq: int
    ) -> None:
        """A single order moved in its level. Cheap when nobody reads single orders."""
        shelf = self.shelves[instrument]
        shelf.orders.apply(side, kind, order_id, price_ticks, lots, l3_seq)
        if shelf.singles:
            for feed in shelf.singles:
                feed.add(side, kind, order_id, price_ticks, lots, l3_seq)
            self._moved[instrument] = shelf

    def on_depth(self, instrument: int, side: int, price_ticks: int, lots: int, sequence: int, time_ns: int) -> None:
        """A level moved. Cheap when nobody reads the instrument."""
        shelf = self.shelves[instrument]
        book = shelf.book
        before = book.apply(side, price_ticks, lots)
        book.change_id = sequence
        book.time_ns = time_ns
        if shelf.read:
            for feed in shelf.books:
                feed.touch(side, price_ticks, before)
            self._moved[instrument] = shelf

    def on_trade(self, trade: Trade, time_ns: int) -> None:
        """A match."""
        shelf = self.shelves[trade.instrument]
        shelf.stats.add(trade, time_ns)
        if shelf.read:
            for feed in shelf.trades:
                feed.add(shelf.view, trade, time_ns)
            for chart in shelf.charts:
                chart.add(trade, time_ns)
            self._moved[trade.instrument] = shelf
        for kind, currency, group in self._groups:
            if _lets_through(shelf.view, kind, currency):
                group.add(shelf.view, trade, time_ns)
                if group.name.endswith(RAW):
                    self._raw_groups[group] = None

    def on_mark(self, mark: Mark) -> None:
        """A new mark moves the ticker."""
        shelf = self.shelves[mark.instrument]
        if shelf.read:
            self._moved[mark.instrument] = shelf

    def end_command(self) -> None:
        """Everything of one command has been seen: raw channels of what moved send."""
        if self._raw_groups:
            groups, self._raw_groups = self._raw_groups, {}
            self._flush(groups, self._image.time_ns)
        if self._told_states:
            told, self._told_states = self._told_states, {}
            self._flush(told, self._image.time_ns)
        if not self._moved:
            return
        now_ns = self._image.time_ns
        moved, self._moved = self._moved, {}
        for shelf in moved.values():
            for latest in shelf.latest:
                latest.dirty = True
            for quote in shelf.quotes:
                quote.touch()
            if shelf.raw:
                self._flush(tuple(shelf.raw), now_ns)

    def tick(self, interval: str) -> None:
        """Joined channels of this interval send. Call every 100 ms for "100ms" and every second for "agg2"."""
        self._flush(tuple(self._joined[interval]), self._image.time_ns)

    def _flush(self, feeds: Iterable[Feed], now_ns: int) -> None:
        for feed in feeds:
            if isinstance(feed, LatestFeed | L3Feed):
                feed.flush(now_ns)
            elif isinstance(feed, BookFeed | TradesFeed | ChartFeed | StateFeed):
                feed.flush()


def _lets_through(view: InstrumentView, kind: str, currency: str) -> bool:
    """Whether a filter of kind and currency (any, or base or quote) lets an instrument through."""
    return kind in ("any", view.kind) and (currency.upper() == "ANY" or currency.upper() in view.currencies)
