"""A local order book that proves it missed nothing.

Lives here: applying snapshots and changes, the contiguity law, following a channel with repair after a gap.
Does not know: sockets, strategy.
Law: every change names its predecessor (`prev_change_id`), which must be the change applied last; a level that is
deleted or changed must be there; and the checksum that a message carries must be that of the book after it. A book
that breaks it is not repaired by guessing: it is asked for anew.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from heapq import nlargest, nsmallest
from zlib import crc32

from hashbook.client import Client
from hashbook.protocol import BookUpdate

CHECKSUM_LEVELS = 10
Levels = dict[Decimal, Decimal]  # price -> amount


class BookGap(Exception):
    """A change does not follow the last one applied, touches a level that is not there, or leads to another book than
    the venue's."""


class LocalBook:
    """One instrument's visible levels. Cost: O(1) per level changed, O(levels) for the best price."""

    def __init__(self, instrument_name: str) -> None:
        self.instrument_name = instrument_name
        self.change_id: int | None = None  # None until the first snapshot
        self.timestamp = 0
        self.bids: Levels = {}
        self.asks: Levels = {}

    def apply(self, update: BookUpdate) -> None:
        """Apply one message of the channel.

        Raises:
            BookGap: it does not fit; the book is empty and waits for a snapshot afterwards.
        """
        if update.prev_change_id is None:
            self._clear()
        elif update.prev_change_id != self.change_id:
            expected, self_id = update.prev_change_id, self.change_id
            self._clear()
            raise BookGap(f"{self.instrument_name}: a change follows {expected}, but the book is at {self_id}")
        try:
            for levels, changes in ((self.bids, update.bids), (self.asks, update.asks)):
                for action, price, amount in changes:
                    change_level(levels, action, price, amount)
        except BookGap:
            self._clear()
            raise
        if update.x_checksum is not None and update.x_checksum != self.checksum():
            self._clear()
            raise BookGap(f"{self.instrument_name}: the checksum at change {update.change_id} is another one")
        self.change_id = update.change_id
        self.timestamp = update.timestamp

    @property
    def best_bid(self) -> tuple[Decimal, Decimal] | None:
        """Highest buying price and its amount."""
        return max(self.bids.items(), default=None)

    @property
    def best_ask(self) -> tuple[Decimal, Decimal] | None:
        """Lowest selling price and its amount."""
        return min(self.asks.items(), default=None)

    def depth(self, levels: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Bids and asks, best first."""
        return sorted(self.bids.items(), reverse=True)[:levels], sorted(self.asks.items())[:levels]

    def checksum(self) -> int:
        """CRC32 over the ten best levels of each side, as the venue's protocol page says."""
        asks = nsmallest(CHECKSUM_LEVELS, self.asks.items())
        bids = nlargest(CHECKSUM_LEVELS, self.bids.items())
        text = "".join(digits(price) + digits(amount) for price, amount in asks + bids)
        return crc32(text.encode())

    def _clear(self) -> None:
        self.change_id = None
        self.bids = {}
        self.asks = {}


def digits(value: Decimal) -> str:
    """A number's significant digits as they enter the checksum: no point, no leading zeros, a sign if negative.

    >>> digits(Decimal("19.50")), digits(Decimal("0.00050001")), digits(Decimal("-1.05")), digits(Decimal("1E+2"))
    ('195', '50001', '-105', '100')
    """
    text = format(value.normalize(), "f")
    return "-" * (value < 0) + text.lstrip("-").replace(".", "").lstrip("0")


def change_level(levels: Levels, action: str, price: Decimal, amount: Decimal) -> None:
    """One level's change; raises BookGap when the level's presence contradicts the action."""
    present = price in levels
    match action:
        case "new" if not present:
            levels[price] = amount
        case "change" if present:
            levels[price] = amount
        case "delete" if present:
            del levels[price]
        case _:
            raise BookGap(f"{action} at {price}, where a level is {'present' if present else 'absent'}")


async def watch_book(client: Client, instrument_name: str, interval: str = "100ms") -> AsyncIterator[LocalBook]:
    """The book after each message. After a gap it subscribes anew and goes on from the fresh snapshot."""
    book = LocalBook(instrument_name)
    channel = f"book.{instrument_name}.{interval}"
    while True:
        subscription = await client.subscribe([channel], BookUpdate)
        try:
            async for _, update in subscription:
                try:
                    book.apply(update)
                except BookGap:
                    break
                yield book
            else:
                return
        finally:
            await subscription.close()
