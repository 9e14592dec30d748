"""Mass quotes and their withdrawal.

Lives here: parameters, a mass quote as a run of records with one answer.
Does not know: what a quote replaces (MATCH-100), protection groups beyond their numbers.
"""

from typing import Any, Literal

from domain import commands
from domain.constants import BUY
from domain.events import OrderState
from gateway.codec import encode
from gateway.desk import not_eligible, order_text, refused, taken_texts
from gateway.errors import COD_REQUIRED, UNKNOWN_INSTRUMENT, Refusal, bad_param
from gateway.instrument_view import InstrumentView, raw
from gateway.methods_cancel import cancel_run
from gateway.methods_public import Kind
from gateway.methods_trading import BOOK_CLOSED
from gateway.order_terms import TIME_MS_MAX
from gateway.quote_params import QUOTES_MAX, Quote, group_number, read_side, set_number
from gateway.table import ANSWER_QUOTES, TRADE, Call, Command, Outcome, Part, PrivateParams, method
from gateway.venue import Venue


class MassQuoteParams(PrivateParams, frozen=True, kw_only=True):
    quote_id: str
    mmp_group: str
    quotes: list[Quote]
    detailed: bool = False
    wait_for_response: bool = True  # the answer always comes when all quotes are decided
    valid_until: int = 0


class CancelQuotesParams(PrivateParams, frozen=True, kw_only=True):
    cancel_type: Literal["delta", "quote_set_id", "instrument", "instrument_kind", "currency", "currency_pair", "all"]
    detailed: bool = False
    freeze_quotes: bool = False
    quote_set_id: str = ""
    instrument_name: str = ""
    kind: Kind = "any"
    currency: str = "any"
    currency_pair: str = ""


# -- quotes ---------------------------------------------------------------------------------------------------


class _Side:
    """One side of a mass quote on its way."""

    __slots__ = ("number", "refusal", "side", "view")

    def __init__(self, view: InstrumentView | None, side: int, number: int, refusal: Refusal | None) -> None:
        self.view = view
        self.side = side
        self.number = number  # of the quote in the request
        self.refusal = refusal


@method("private/mass_quote", MassQuoteParams, scope=TRADE, pipelined=True, websocket_only=True)
def mass_quote(venue: Venue, call: Call, params: MassQuoteParams) -> Outcome:
    """Set quotes side by side. A bad one is reported and leaves the others alone."""
    if not call.connection.cancel_on_disconnect and call.principal.account not in venue.cancels_on_disconnect:
        return COD_REQUIRED
    group = group_number(params.mmp_group)
    if isinstance(group, Refusal):
        return group
    if not 0 <= params.valid_until <= TIME_MS_MAX:
        return bad_param("valid_until", "out of range")
    if not 0 < sum(len(quote.sides()) for quote in params.quotes) <= QUOTES_MAX:
        return bad_param("quotes", f"1 to {QUOTES_MAX} sides")
    request = venue.desk.next_request()
    fixed: dict[str, Any] = {
        "account": call.principal.account,
        "key": call.principal.key_number,
        "origin": call.connection.origin,
        "cancel_on_disconnect": True,
        "valid_until_ns": params.valid_until * 1_000_000,
        "mmp": group,
        "quote": True,
        "request": request,
    }
    sides: list[_Side] = []
    sent: list[_Side] = []
    records: list[bytes] = []
    for number, quote in enumerate(params.quotes):
        for side, fields in _records(venue, call, quote):
            entry = _Side(venue.image.by_name.get(quote.instrument_name), side, number, None)
            sides.append(entry)
            if isinstance(fields, Refusal):
                entry.refusal = fields
            else:
                sent.append(entry)
                records.append(commands.new_order(**fields, **fixed))

    def collect(parts: list[Part]) -> bytes:
        return _answer(venue, call, params, sides, list(zip(sent, parts, strict=True)))

    if not records:
        return collect([])
    return Command(b"".join(records), request, ANSWER_QUOTES, parts=len(records), collect=collect)


def _records(venue: Venue, call: Call, quote: Quote) -> list[tuple[int, dict[str, Any] | Refusal]]:
    """Fields or refusal per side. Prices that move up go ask first, so that they do not meet what they replace."""
    image, account = venue.image, call.principal.account
    view = image.by_name.get(quote.instrument_name)
    number = set_number(quote.quote_set_id)
    refusal: Refusal | None = number if isinstance(number, Refusal) else None
    if view is None:
        refusal = UNKNOWN_INSTRUMENT
    elif not view.is_open:
        refusal = BOOK_CLOSED
    elif not image.eligible(account, view.instrument.rule_id, image.time_ns):
        refusal = not_eligible(image, view, account)
    if refusal is not None or view is None:
        return [(side, refusal or UNKNOWN_INSTRUMENT) for side, _ in quote.sides()]
    found: list[tuple[int, dict[str, Any] | Refusal]] = []
    for side, entry in quote.sides():
        fields = read_side(view, side, entry)
        found.append((side, fields if isinstance(fields, Refusal) else fields | {"quote_set": number}))
    if len(found) == 2 and _moves_up(venue, view, found[0][1]):
        found.reverse()
    return found


def _moves_up(venue: Venue, view: InstrumentView, bid: dict[str, Any] | Refusal) -> bool:
    """Whether the new bid is at or above the best ask shown now: the old ask must go before it comes."""
    if isinstance(bid, Refusal):
        return False
    price, lots = venue.publisher.shelves[view.instrument_id].book.best_ask()
    return bool(lots) and bid["price_ticks"] >= price


def _answer(
    venue: Venue, call: Call, params: MassQuoteParams, sides: list[_Side], answered: list[tuple[_Side, Part]]
) -> bytes:
    orders: list[str] = []
    trades: list[str] = []
    for entry, part in answered:
        if part.applied.code:
            entry.refusal = refused(venue.image, call, entry.view, 0, part.applied)
            continue
        order = _quoted(part)
        if order is not None:
            orders.append(order_text(venue.image, order))
            trades += taken_texts(venue.image, part.applied, part.trades, order)
    errors = [
        {
            "instrument_name": params.quotes[entry.number].instrument_name,
            "side": "bid" if entry.side == BUY else "ask",
            "quote_set_id": params.quotes[entry.number].quote_set_id,
            "error": {"code": entry.refusal.code, "message": entry.refusal.message, "data": entry.refusal.data},
        }
        for entry in sides
        if entry.refusal is not None
    ]
    result: dict[str, Any] = {"errors": errors, "errors_count": len(errors), "pending_requests_count": 0}
    if params.detailed:
        result |= {"orders": [raw(text) for text in orders], "trades": [raw(text) for text in trades]}
        result["pending_requests"] = []
    result["quote_id"] = params.quote_id
    return encode(result)


def _quoted(part: Part) -> OrderState | None:
    """The order that carries the quote: a new one, or the one that was there before, which the core names."""
    return part.orders.get(part.applied.value)


@method("private/cancel_quotes", CancelQuotesParams, scope=TRADE, pipelined=True)
def cancel_quotes(venue: Venue, call: Call, params: CancelQuotesParams) -> Outcome:
    """Withdraw quotes; answers their number. Other orders stay."""
    if params.detailed:
        return bad_param("detailed", "not offered")
    if params.freeze_quotes:
        return bad_param("freeze_quotes", "not offered")
    image = venue.image
    views: list[InstrumentView] | None = None
    match params.cancel_type:
        case "delta":
            return bad_param("cancel_type", "delta is not offered")
        case "quote_set_id":
            number = set_number(params.quote_set_id)
            if isinstance(number, Refusal):
                return number
            return cancel_run(venue, call, None, only_quotes=True, quote_set=number)
        case "instrument":
            view = image.by_name.get(params.instrument_name)
            if view is None:
                return UNKNOWN_INSTRUMENT
            views = [view]
        case "instrument_kind":
            views = image.selected(params.currency, params.kind)
        case "currency":
            views = image.selected(params.currency, "any")
        case "currency_pair":
            base, _, quote = params.currency_pair.upper().partition("_")
            views = [v for v in image.selected(base, "any") if (v.instrument.base, v.instrument.quote) == (base, quote)]
    return cancel_run(venue, call, views, only_quotes=True)
