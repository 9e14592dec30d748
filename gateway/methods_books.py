"""Methods about single orders of a book, auctions, and combos.

Lives here: parameters and results from the replicas. Does not know: channels, accounts.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from domain.instruments import KIND_COMBO, KIND_FORWARD
from gateway.codec import encode
from gateway.combos import combo_dict, leg_prices
from gateway.errors import UNKNOWN_INSTRUMENT, Refusal, bad_param
from gateway.instrument_view import InstrumentView
from gateway.methods_public import DEPTH_MAX, InstrumentParams
from gateway.phases import auction_json
from gateway.table import TRADE_READ, Call, Outcome, PrivateParams, PublicParams, method
from gateway.venue import Venue

LEGS_MAX = 12
RATIO_MAX = 1_000


class L3BookParams(PublicParams, frozen=True):
    instrument_name: str
    depth: int = 10


class CombosParams(PublicParams, frozen=True):
    currency: str = "any"


class ComboIdsParams(PublicParams, frozen=True):
    currency: str = "any"
    state: Literal["active", "inactive"] | None = None


class ComboParams(PublicParams, frozen=True):
    combo_id: str


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    instrument_name: str
    amount: int = 1
    direction: Literal["buy", "sell"] = "buy"


class LegPricesParams(PrivateParams, frozen=True, kw_only=True):
    legs: list[Leg]
    price: Decimal


@method("public/x/get_l3_book", L3BookParams)
def get_l3_book(venue: Venue, call: Call, params: L3BookParams) -> Outcome:
    """Single orders in queue order, to a depth of levels, with the sequence and checksum of the channel."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if not 1 <= params.depth <= DEPTH_MAX:
        return bad_param("depth", f"1 to {DEPTH_MAX}")
    book = venue.publisher.shelves[view.instrument_id].orders
    return f'{{"timestamp":{venue.image.time_ns // 1_000_000},{book.fields(params.depth)}}}'.encode()


@method("public/x/get_auction", InstrumentParams)
def get_auction(venue: Venue, call: Call, params: InstrumentParams) -> Outcome:
    """Phase of a book, and in a call what would trade now."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    return auction_json(view, venue.image.phases.get(view.instrument_id), venue.image.time_ns).encode()


# -- combos ---------------------------------------------------------------------------------------------------


def _combos(venue: Venue, currency: str) -> list[InstrumentView]:
    return [view for view in venue.image.selected(currency, "any") if view.instrument.kind == KIND_COMBO]


@method("public/get_combos", CombosParams)
def get_combos(venue: Venue, call: Call, params: CombosParams) -> Outcome:
    """Combos that trade now."""
    return encode([combo_dict(venue.image, view) for view in _combos(venue, params.currency) if view.is_open])


@method("public/get_combo_ids", ComboIdsParams)
def get_combo_ids(venue: Venue, call: Call, params: ComboIdsParams) -> Outcome:
    """Names of combos, of one state or all."""
    wanted = None if params.state is None else params.state == "active"
    return encode([view.name for view in _combos(venue, params.currency) if wanted in (None, view.is_open)])


@method("public/get_combo_details", ComboParams)
def get_combo_details(venue: Venue, call: Call, params: ComboParams) -> Outcome:
    """One combo with its legs."""
    view = venue.image.by_name.get(params.combo_id)
    if view is None or view.instrument.kind != KIND_COMBO:
        return bad_param("combo_id", "no such combo")
    return encode(combo_dict(venue.image, view))


@method("private/get_leg_prices", LegPricesParams, scope=TRADE_READ)
def get_leg_prices(venue: Venue, call: Call, params: LegPricesParams) -> Outcome:
    """Prices of single legs that add up to a package's price: all but the last at their mark."""
    if not 2 <= len(params.legs) <= LEGS_MAX:
        return bad_param("legs", f"2 to {LEGS_MAX}")
    legs: list[tuple[InstrumentView, int]] = []
    for leg in params.legs:
        view = venue.image.by_name.get(leg.instrument_name)
        if view is None or view.instrument.kind != KIND_FORWARD:
            return UNKNOWN_INSTRUMENT
        if not 1 <= leg.amount <= RATIO_MAX:
            return bad_param("legs", f"a ratio is 1 to {RATIO_MAX}")
        legs.append((view, leg.amount if leg.direction == "buy" else -leg.amount))
    if len({(view.instrument.quote, view.instrument.tick_price) for view, _ in legs}) > 1:
        return bad_param("legs", "all legs have one quotation")
    last, ratio = legs[-1]
    ticks = last.distance_ticks(params.price, "price", 10043)
    if isinstance(ticks, Refusal):
        return ticks
    if abs(ratio) != 1:
        return bad_param("legs", "the last leg's ratio is 1: it takes what the others leave")
    return encode({"legs": leg_prices(venue.image, legs, ticks), "amount": 1})
