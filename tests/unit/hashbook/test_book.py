"""Goal: a local book either is the venue's book or says that it is not. Method: message sequences, good and broken."""

import asyncio
from decimal import Decimal

import pytest

from hashbook import BookGap, Client, LocalBook, watch_book
from hashbook.protocol import BookUpdate
from tests.unit.hashbook.fake_venue import eventually, run

D = Decimal


def update(change_id, prev=None, bids=(), asks=(), checksum=None):
    def rows(levels):
        return [(action, D(price), D(amount)) for action, price, amount in levels]

    return BookUpdate(
        instrument_name="X", timestamp=1, change_id=change_id, prev_change_id=prev, bids=rows(bids), asks=rows(asks),
        x_checksum=checksum,
    )  # fmt: skip


def ready_book():
    book = LocalBook("X")
    book.apply(update(10, bids=[("new", 5, 1), ("new", 4, 2)], asks=[("new", 7, 3)]))
    return book


def test_changes_in_sequence_build_the_book():
    book = ready_book()
    book.apply(update(12, 10, bids=[("delete", 5, 0), ("change", 4, 9)], asks=[("new", 6, 1)]))
    assert ((D(4), D(9)), (D(6), D(1)), 12) == (book.best_bid, book.best_ask, book.change_id)
    assert ([(D(4), D(9))], [(D(6), D(1)), (D(7), D(3))]) == book.depth(5)


@pytest.mark.parametrize(
    "broken",
    [
        update(13, 11),
        update(12, 10, bids=[("delete", 3, 0)]),
        update(12, 10, asks=[("change", 8, 1)]),
        update(12, 10, bids=[("new", 5, 1)]),
        update(12, 10, bids=[("moved", 5, 1)]),
    ],
    ids=["a change is missing", "deletes nothing", "changes nothing", "new twice", "unknown action"],
)
def test_a_message_that_does_not_fit_is_a_gap_and_leaves_no_wrong_book(broken):
    book = ready_book()
    with pytest.raises(BookGap):
        book.apply(broken)
    assert (book.change_id, book.best_bid, book.best_ask) == (None, None, None)
    with pytest.raises(BookGap):
        book.apply(update(14, 13))


WORKED_EXAMPLE = 0x05AA810E  # CRC32 of 20013 20510 1953 194912: docs/reference/protocol.md


def test_a_book_whose_checksum_is_the_venues_is_kept_and_another_is_a_gap():
    book = LocalBook("X")
    bids = [("new", "19.49", "12.0"), ("new", "19.50", "3")]
    book.apply(update(10, bids=bids, asks=[("new", "20.5", "10"), ("new", "20.01", "3")], checksum=WORKED_EXAMPLE))
    assert WORKED_EXAMPLE == book.checksum()
    with pytest.raises(BookGap, match="checksum"):
        book.apply(update(11, 10, bids=[("change", "19.5", "4")], checksum=WORKED_EXAMPLE))
    assert (None, None) == (book.change_id, book.best_bid)


def test_the_checksum_looks_at_ten_levels_of_each_side_and_no_further():
    def filled(levels):
        book = LocalBook("X")
        asks = [("new", 100 + number, 1) for number in range(levels)]
        bids = [("new", 99 - number, 1) for number in range(levels)]
        book.apply(update(10, bids=bids, asks=asks))
        return book.checksum()

    assert filled(10) == filled(15) != filled(9)


def test_a_snapshot_replaces_everything():
    book = ready_book()
    book.apply(update(99, asks=[("new", 8, 1)]))
    assert (None, (D(8), D(1))) == (book.best_bid, book.best_ask)


def test_a_watched_book_subscribes_anew_after_a_gap():
    channel = "book.X.100ms"

    def message(change_id, prev=None, bids=()):
        body = {"instrument_name": "X", "timestamp": 1, "change_id": change_id, "bids": list(bids), "asks": []}
        return body if prev is None else body | {"prev_change_id": prev}

    async def scenario(venue):
        async with Client(venue.url) as client:
            books = watch_book(client, "X")

            async def next_book(*messages):

                waiting = asyncio.ensure_future(anext(books))
                await eventually(lambda: any(channel in c for c in venue.channels.values()), "the subscription")
                for body in messages:
                    await venue.push(channel, body)
                return await waiting

            assert (await next_book(message(1, bids=[["new", D(5), D(1)]]))).change_id == 1
            lost = next_book(message(3, 2))

            waiting = asyncio.ensure_future(lost)
            await eventually(lambda: venue.methods().count("public/subscribe") == 2, "a second subscription")
            await venue.push(channel, message(7, bids=[["new", D(4), D(1)]]))
            book = await waiting
            assert (book.change_id, book.best_bid) == (7, (D(4), D(1)))
            await books.aclose()

    run(scenario)
