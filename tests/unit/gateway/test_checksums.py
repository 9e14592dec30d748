"""Goal: a checksum proves a reader's book. Method: vectors computed by hand, a second writing of the rule, and random
books changed level by level."""

import random
from decimal import Decimal
from zlib import crc32

import pytest

from gateway.books import Book
from gateway.checksums import checksum, digits
from gateway.instrument_view import InstrumentView
from tests.unit.gateway.inprocess import HPU, TH1A_BTC, TH1A_USDC, market

VIEWS = [InstrumentView(instrument) for instrument in market()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("19.5", "195"), ("20", "20"), ("0.00050001", "50001"), ("100", "100"), ("0.5", "5"), ("10.01", "1001"),
        ("-13.5", "-135"), ("-0.05", "-5"), ("0", ""),
    ],
)  # fmt: skip
def test_digits_lose_the_point_and_leading_zeros_and_keep_a_sign(text: str, expected: str) -> None:
    assert expected == digits(text)


def test_the_worked_example_of_the_page() -> None:
    # asks 20.01 x 3, 20.5 x 10; bids 19.5 x 3, 19.49 x 12: "20013" "20510" "1953" "194912"
    assert 0x05AA810E == crc32(b"20013205101953194912")
    book = Book(VIEWS[TH1A_USDC], [(1_949, 12), (1_950, 3)], [(2_050, 10), (2_001, 3)], 1, 0)
    assert 0x05AA810E == book.checksum()


def test_an_empty_book_has_the_checksum_of_nothing() -> None:
    assert 0 == Book(VIEWS[TH1A_USDC], (), (), 1, 0).checksum() == checksum([], [])


def plainly(book: Book) -> int:
    """The rule once more, from decimals instead of texts."""
    terms = book.view.instrument
    text = ""
    for side, reverse in ((1, False), (0, True)):
        for price, lots in sorted(book.sides[side].items(), reverse=reverse)[:10]:
            for value in (Decimal(price * terms.tick_price) / 10**8, Decimal(lots * terms.lot_amount) / 10**8):
                text += format(value.normalize(), "f").replace(".", "").lstrip("0")
    return crc32(text.encode())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("number", [TH1A_BTC, TH1A_USDC, HPU])
def test_the_kept_best_levels_and_their_checksum_follow_every_change(number: int, seed: int) -> None:
    rng = random.Random(seed)
    book = Book(VIEWS[number], (), (), 0, 0)
    for step in range(600):
        side = rng.randrange(2)
        middle = 5_000 + (10 if side else -10)
        price = middle + rng.randint(0, 30) * (1 if side else -1)
        book.apply(side, price, rng.choice([0, 0, 1, 5, 10, 700]))
        if step % 3 == 0:
            assert plainly(book) == book.checksum()
            bids, asks = book.sides
            assert (max(bids.items(), default=(0, 0)), min(asks.items(), default=(0, 0))) == (
                book.best_bid(), book.best_ask(),
            )  # fmt: skip
