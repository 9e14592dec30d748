"""Channels beside totals, trades and tickers: single orders, auctions, states of instruments.

Lives here: when each sends what. Does not know: names of channels, sockets.
"""

from domain.events import Phase
from gateway.feeds import SLOW_READER, Feed, LatestFeed, Sink
from gateway.instrument_view import InstrumentView
from gateway.l3_books import L3Book
from gateway.phases import auction_json, state_json


class L3Feed(Feed):
    """`x.l3.{instrument}`: a snapshot stamped with its sequence, then the changes of each command. Never joined, so a
    reader that falls behind is closed."""

    def __init__(self, name: str, book: L3Book) -> None:
        super().__init__(name)
        self.book = book
        self._changes: list[str] = []
        self._first = 0

    def start(self, sink: Sink, now_ns: int) -> None:
        """Add a reader; it goes on from the snapshot."""
        self.flush(now_ns)
        self.subscribe(sink)
        sink.push(self.frame(self.book.snapshot_json(now_ns)))

    def add(self, side: int, kind: int, order_id: int, price_ticks: int, lots: int, l3_seq: int) -> None:
        """One change, already in the book; it is sent when its command is complete."""
        if not self._changes:
            self._first = l3_seq
        self._changes.append(self.book.change_text(side, kind, order_id, price_ticks, lots))

    def flush(self, now_ns: int) -> None:
        """Send what is queued as one message."""
        if not self._changes:
            return
        changes, self._changes = self._changes, []
        frame = self.frame(self.book.change_json(self._first, changes, now_ns))
        for sink in list(self.sinks):
            if sink.lagging:
                sink.close(SLOW_READER, "reads too slowly for single orders")
            else:
                sink.push(frame)


class AuctionFeed(LatestFeed):
    """`x.auction.{instrument}`: the phase, and in a call what would trade now; the newest only."""

    def __init__(self, name: str, view: InstrumentView, phases: dict[int, Phase]) -> None:
        super().__init__(name)
        self._view, self._phases = view, phases

    def text(self, now_ns: int) -> str:
        """As public/x/get_auction."""
        return auction_json(self._view, self._phases.get(self._view.instrument_id), now_ns)


class StateFeed(Feed):
    """`instrument.state.{kind}.{currency}`: listings, phases, closings."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._waiting: list[str] = []

    def add(self, view: InstrumentView, state: str, time_ns: int) -> None:
        """Queue one change of state until its command is complete."""
        self._waiting.append(state_json(view, state, time_ns))

    def flush(self) -> None:
        """Send what is queued, one message each."""
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self.send(text)
