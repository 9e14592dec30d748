"""The plain engine's books and pool of live orders, and the few ways in which they change.

Lives here: resting, removing, reducing, refreshing, seeing a price, and saying so.
Does not know: who trades with whom, when an order triggers, what a client may ask for.
"""

from collections import deque

from domain.constants import REFERENCE_LAST
from tests.reference.book_records import (
    GONE,
    INCOMING,
    NEVER_RESTED,
    RESTING,
    Book,
    Event,
    Level,
    Order,
    Protection,
)


class EngineState:
    """Books, the pool of live orders, and the events of the command at work."""

    def __init__(self) -> None:
        self.books: dict[int, Book] = {}
        self.orders: dict[int, Order] = {}  # every order that is alive, a taker at work included
        self.quotes: dict[tuple[int, int, int, int], Order] = {}  # (owner, set, book, side)
        self.groups: dict[int, int] = {}  # owner -> group above 0
        self.protections: dict[tuple[int, int], Protection] = {}  # by owner and group
        self.now = 0
        self.entries = 0
        self.command = 0
        self.events: list[Event] = []
        self.touched: set[int] = set()
        self.line: deque[tuple[Book, int, int]] = deque()  # seen prices not looked at yet: book, reference, price

    # ---- accepting and forgetting ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the events of a command."""
        self.command += 1
        self.events = []
        self.touched = set()

    def say(self, book: Book, event: Event) -> None:
        """Report what happened in a book, which is thereby touched. Rule MATCH-083."""
        self.events.append(event)
        self.touched.add(book.number)

    def accept(self, order: Order, oco: int = 0) -> None:
        """Let an order into the pool under the next entry number, linked to its partner. Rules MATCH-052, MATCH-079."""
        self.entries += 1
        order.entry = self.entries
        self.orders[order.order_id] = order
        if oco:
            order.partner = self.orders[oco]
            order.partner.partner = order

    def forget(self, order: Order) -> None:
        """Let an order go that has nothing open any more."""
        order.state = GONE
        del self.orders[order.order_id]
        self.books[order.book].pegs.pop(order.order_id, None)
        if order.quote_key is not None:
            del self.quotes[order.quote_key]

    # ---- levels ------------------------------------------------------------------------------------------------

    def rest(self, order: Order) -> None:
        """Put what is left at the back of the queue at its price. Rules MATCH-005, MATCH-065."""
        book = self.books[order.book]
        level = book.sides[order.side].setdefault(order.price_ticks, Level())
        level.queue[order.order_id] = order
        order.state = RESTING
        order.shown_lots = min(order.display_lots, order.open_lots) if order.display_lots else order.open_lots
        level.lots += order.shown_lots
        self.say(book, ("rested", order.order_id, book.out(order.price_ticks), order.open_lots, level.lots))

    def lift(self, order: Order, reason: str) -> None:
        """Take an order out of whatever it is in and say so; it stays in the pool."""
        book = self.books[order.book]
        level_lots = self._leave_level(book, order) if order.state == RESTING else NEVER_RESTED
        book.waiting.pop(order.order_id, None)
        price = book.out(order.limit_ticks)
        self.say(book, ("cancelled", order.order_id, order.open_lots, reason, price, level_lots))
        order.state = INCOMING

    def remove(self, order: Order, reason: str) -> None:
        """Cancel what is open of an order; a linked one stays, alone. Rules MATCH-050, MATCH-079."""
        self.lift(order, reason)
        order.open_lots = 0
        self.unlink(order)
        self.forget(order)

    def unlink(self, order: Order) -> None:
        """End the tie between an order and its partner."""
        if order.partner is not None:
            order.partner.partner = None
            order.partner = None

    def reduce(self, order: Order, lots: int) -> None:
        """Take prevented lots off an order, reserve first. Rule MATCH-039."""
        if lots == order.open_lots:
            self.remove(order, "stp")
            return
        book = self.books[order.book]
        level_lots = self.shrink(order, order.open_lots - lots)
        price = book.out(order.price_ticks)
        self.say(book, ("reduced", order.order_id, lots, order.open_lots, price, level_lots))

    def shrink(self, order: Order, open_lots: int) -> int:
        """Leave an order less open where it stands, reserve first; returns its level's lots. Rules MATCH-041, 067."""
        order.open_lots = open_lots
        if order.state != RESTING:
            return NEVER_RESTED
        level: Level = self.books[order.book].sides[order.side][order.price_ticks]
        level.lots -= max(order.shown_lots - open_lots, 0)
        order.shown_lots = min(order.shown_lots, open_lots)
        return level.lots

    def take_from(self, order: Order, lots: int) -> int:
        """Fill lots of a resting order's shown part; returns its level's lots. Rule MATCH-003."""
        book = self.books[order.book]
        level: Level = book.sides[order.side][order.price_ticks]
        order.open_lots -= lots
        order.filled_lots += lots
        order.shown_lots -= lots
        level.lots -= lots
        if order.open_lots == 0:
            self._leave_level(book, order)
            self.forget(order)
        return level.lots

    def refresh(self, order: Order) -> None:
        """Show a new part of an iceberg at the back of its price if the old one is used up. Rule MATCH-066."""
        if order.open_lots == 0 or order.shown_lots > 0:
            return
        book = self.books[order.book]
        level: Level = book.sides[order.side][order.price_ticks]
        level.queue[order.order_id] = level.queue.pop(order.order_id)
        order.shown_lots = min(order.display_lots, order.open_lots)
        level.lots += order.shown_lots
        price = book.out(order.price_ticks)
        self.say(book, ("refreshed", order.order_id, price, order.shown_lots, level.lots))

    def _leave_level(self, book: Book, order: Order) -> int:
        levels = book.sides[order.side]
        level: Level = levels[order.price_ticks]
        level.lots -= order.shown_lots
        order.shown_lots = 0
        del level.queue[order.order_id]
        if not level.queue:
            del levels[order.price_ticks]
        return level.lots

    # ---- prices ------------------------------------------------------------------------------------------------

    def set_last(self, book: Book, price_ticks: int) -> None:
        """Remember the last price; what it was before the command stays known. Rules MATCH-038, MATCH-062."""
        if book.stamp != self.command:
            book.stamp = self.command
            book.last_before = book.references[REFERENCE_LAST]
        book.references[REFERENCE_LAST] = price_ticks

    def see(self, book: Book, reference: int, price_ticks: int) -> None:
        """Put a seen price at the end of the line. Rules MATCH-072, MATCH-073."""
        seen = (book, reference, price_ticks)
        if book.waiting and not (self.line and self.line[-1] == seen):
            self.line.append(seen)

    def trade_at(self, book: Book, price_ticks: int) -> None:
        """A trade happened: it is the last price, and seen."""
        self.set_last(book, price_ticks)
        self.see(book, REFERENCE_LAST, price_ticks)

    def band_reference(self, book: Book) -> int:
        """Last price before this command, else the auction reference, else 0. Rule MATCH-038."""
        last = book.last_before if book.stamp == self.command else book.references[REFERENCE_LAST]
        return book.auction_reference if last is None else last

    # ---- owners ------------------------------------------------------------------------------------------------

    def are_same(self, one: Order, other: Order) -> bool:
        """Whether two orders belong together. Rule MATCH-030."""
        if one.owner == 0 or other.owner == 0:
            return False
        if one.owner == other.owner:
            return True
        group = self.groups.get(one.owner, 0)
        return group != 0 and group == self.groups.get(other.owner, 0)
