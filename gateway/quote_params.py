"""A mass quote's sides, read into NewOrder records with the quote mark.

Lives here: parameters, their exact reading, names of quote sets and protection groups.
Does not know: replies (methods_quotes.py), what a quote replaces (MATCH-100, in the book).
"""

from decimal import Decimal
from typing import Final

import msgspec

from domain.constants import BUY, POST_ONLY_NO, POST_ONLY_REJECT, POST_ONLY_SLIDE, SELL
from gateway.errors import Refusal, bad_field, bad_param
from gateway.instrument_view import InstrumentView
from gateway.order_params import Fields

QUOTES_MAX: Final = 100  # sides in one request
SET_BYTES_MAX: Final = 8  # a set's name is kept as one 64-bit number
GROUPS: Final = range(1, 17)


class QuoteSide(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One side of a quote; amount 0 withdraws it."""

    price: Decimal | None = None
    amount: Decimal
    post_only: bool = False
    reject_post_only: bool = False


class Quote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to quote in one instrument; a side that is not named stays as it is."""

    instrument_name: str
    quote_set_id: str = ""
    bid: QuoteSide | None = None
    ask: QuoteSide | None = None

    def sides(self) -> list[tuple[int, QuoteSide]]:
        """(side, quote) of those named, bid first."""
        return [(side, quote) for side, quote in ((BUY, self.bid), (SELL, self.ask)) if quote is not None]


def set_number(name: str) -> int | Refusal:
    """The number of a quote set: its name's bytes. Up to eight printable ASCII characters; "" is set 0.

    >>> set_number("A1"), set_name(set_number("A1"))
    (16689, 'A1')
    """
    if len(name) > SET_BYTES_MAX or not name.isascii() or not name.isprintable():
        return bad_param("quote_set_id", f"at most {SET_BYTES_MAX} printable ASCII characters")
    return int.from_bytes(name.encode(), "big")


def set_name(number: int) -> str:
    """The name of a quote set."""
    return number.to_bytes(SET_BYTES_MAX, "big").lstrip(b"\0").decode("latin-1")


def group_number(name: str) -> int | Refusal:
    """The number of a protection group, which is its name; without a name it is the first."""
    if name == "":
        return GROUPS[0]
    if name.isascii() and name.isdigit() and len(name) <= 2 and int(name) in GROUPS and name[0] != "0":
        return int(name)
    return bad_param("mmp_group", f"{GROUPS[0]} to {GROUPS[-1]}, as text")


def read_side(view: InstrumentView, side: int, quote: QuoteSide) -> Fields | Refusal:
    """Instrument, side, price, quantity and post-only mode of one side's record."""
    fields: Fields = {"instrument": view.instrument_id, "side": side, "price_ticks": 0, "quantity_lots": 0}
    post_only = (POST_ONLY_REJECT if quote.reject_post_only else POST_ONLY_SLIDE) if quote.post_only else POST_ONLY_NO
    fields["post_only"] = post_only
    if quote.price is None and quote.amount != 0:
        return bad_field(10023, "price", "required")
    if quote.price is not None:
        ticks = view.price_ticks(quote.price)
        if isinstance(ticks, Refusal):
            return ticks
        fields["price_ticks"] = ticks
    if quote.amount != 0:
        lots = view.lots(quote.amount)
        if isinstance(lots, Refusal):
            return lots
        fields["quantity_lots"] = lots
    return fields
