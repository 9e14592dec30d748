"""Checksums of what a book shows, so that a reader can prove its copy.

Lives here: the digits of a level and the CRC32 over them, for totals per price and for single orders.
Does not know: books, channels.

The rule is the one traders know from another venue: the ten best ask levels, best first, then the ten best bid levels;
of each level the price, then the amount, as plain decimals (no exponent, no trailing zeros) without the point and
without leading zeros; all of it joined; CRC32. A level of single orders gives price and amount once per order, in queue
order. A negative price (combos) keeps its minus sign in front of the digits.
"""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

LEVELS: Final = 10  # of each side


def digits(text: str) -> str:
    """The significant digits of a plain decimal.

    >>> digits("19.5"), digits("0.00050001"), digits("-1.05"), digits("120")
    ('195', '50001', '-105', '120')
    """
    if text[0] == "-":
        return "-" + text[1:].replace(".", "").lstrip("0")
    return text.replace(".", "").lstrip("0")


def checksum(asks: Iterable[tuple[str, str]], bids: Iterable[tuple[str, str]]) -> int:
    """CRC32 over (price, amount) texts: asks best first, then bids best first, already cut to the levels that count.

    >>> checksum([("20.01", "3"), ("20.5", "10")], [("19.5", "3")]) == crc32(b"2001320510" b"1953")
    True
    """
    parts = [digits(price) + digits(amount) for side in (asks, bids) for price, amount in side]
    return crc32("".join(parts).encode())
