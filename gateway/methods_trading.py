"""Trading methods: buy, sell, edit, close_position.

Lives here: parameters to command records, with the early refusals that the gateway can decide alone.
Does not know: replies (desk.py makes them from events), money. Every refusal here is repeated by the core.
"""

from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Literal

from domain import commands
from domain.constants import BUY, POST_ONLY_NO, POST_ONLY_REJECT, SELL
from domain.events import OrderState, decode_events, decode_order
from domain.instruments import KIND_SPOT
from domain.reads import OrdersAnswer, PositionsAnswer, ReadOpenOrders, ReadOrder, ReadPositions
from domain.units import NS_PER_MS
from gateway.desk import not_eligible
from gateway.errors import ORDER_NOT_FOUND, UNKNOWN_INSTRUMENT, Refusal, bad_field, bad_param
from gateway.instrument_view import InstrumentView
from gateway.linked_orders import with_partner
from gateway.order_params import Fields, given_amount, read_terms, trigger_ticks
from gateway.order_terms import TIME_MS_MAX, LinkedTerms, OrderTerms, PlaceParams
from gateway.table import ANSWER_ORDER, TRADE, Call, Command, Outcome, PrivateParams, method
from gateway.venue import Venue

BOOK_CLOSED = Refusal(10012, {"reason": "the instrument is closed", "param": "instrument_name"})
SIDES = {"buy": BUY, "sell": SELL}


class Changes(PrivateParams, frozen=True, kw_only=True):
    """What an edit may change: `amount` is the new total, filled part included; what is not given stays."""

    amount: Decimal | None = None
    contracts: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    post_only: bool | None = None
    reject_post_only: bool = False
    reduce_only: bool | None = None
    valid_until: int = 0


class EditParams(Changes, frozen=True, kw_only=True):
    order_id: str


class EditByLabelParams(Changes, frozen=True, kw_only=True):
    label: str
    instrument_name: str


class ClosePositionParams(PrivateParams, frozen=True, kw_only=True):
    instrument_name: str
    type: Literal["limit", "market"]
    price: Decimal | None = None


# -- new orders -----------------------------------------------------------------------------------------------


def _fields(venue: Venue, call: Call, view: InstrumentView, terms: OrderTerms, side: int) -> Fields | Refusal:
    """The record's fields, with account and session."""
    book = venue.publisher.shelves[view.instrument_id].book
    price, lots = book.best_ask() if side == BUY else book.best_bid()
    fields = read_terms(view, terms, side, price if lots else 0)
    if isinstance(fields, Refusal):
        return fields
    fields |= {
        "account": call.principal.account,
        "key": call.principal.key_number,
        "origin": call.connection.origin,
        "cancel_on_disconnect": call.connection.cancel_on_disconnect,
    }
    return fields


def _place(venue: Venue, call: Call, params: PlaceParams, side: int) -> Outcome:
    image = venue.image
    view = image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if not view.is_open:
        return BOOK_CLOSED
    fields = _fields(venue, call, view, params, side)
    if isinstance(fields, Refusal):
        return fields
    partner = _partner(venue, call, view, params)
    if isinstance(partner, Refusal):
        return partner
    account = call.principal.account
    if not image.eligible(account, view.instrument.rule_id, image.time_ns):
        return not_eligible(image, view, account)
    request = venue.desk.next_request()
    first = Command(commands.new_order(**fields, request=request), request, ANSWER_ORDER, view)
    if partner is None:
        return first
    return with_partner(
        venue, call, first, view, lambda number, oco: commands.new_order(**partner, request=number, oco=oco)
    )


def _partner(venue: Venue, call: Call, view: InstrumentView, params: PlaceParams) -> Fields | Refusal | None:
    """The fields of the second order of a pair."""
    if params.linked_order_type is None:
        return bad_param("otoco_config", "needs linked_order_type") if params.otoco_config else None
    if len(params.otoco_config) != 1:
        return bad_param("otoco_config", "exactly one other order")
    terms: LinkedTerms = params.otoco_config[0]
    if terms.instrument_name not in ("", view.name):
        return bad_param("otoco_config", "both orders are in one instrument")
    if params.x_peg is not None or terms.x_peg is not None:
        return bad_param("x_peg", "a pegged order is not linked")
    fields = _fields(venue, call, view, terms, SIDES[terms.direction])
    if isinstance(fields, Refusal):
        return Refusal(fields.code, fields.data | {"x_order": "second"})
    return fields


@method("private/buy", PlaceParams, scope=TRADE, pipelined=True)
def buy(venue: Venue, call: Call, params: PlaceParams) -> Outcome:
    """Place a buy order."""
    return _place(venue, call, params, BUY)


@method("private/sell", PlaceParams, scope=TRADE, pipelined=True)
def sell(venue: Venue, call: Call, params: PlaceParams) -> Outcome:
    """Place a sell order."""
    return _place(venue, call, params, SELL)


@method("private/close_position", ClosePositionParams, scope=TRADE)
async def close_position(venue: Venue, call: Call, params: ClosePositionParams) -> Outcome:
    """A reduce-only order over the whole position."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if view.instrument.kind == KIND_SPOT:
        return bad_field(11029, "instrument_name", "a spot instrument has no position")
    answer = await venue.read(ReadPositions(call.principal.account), PositionsAnswer)
    lots = next((row.lots for row in answer.positions if row.instrument == view.instrument_id), 0)
    if not lots:
        return Refusal(11030, {"reason": "there is no position to close", "param": "instrument_name"})
    amount = Decimal(view.amount(min(abs(lots), view.instrument.rules.lots_max)))
    order = PlaceParams(
        instrument_name=params.instrument_name, amount=amount, type=params.type, price=params.price, reduce_only=True
    )
    return _place(venue, call, order, SELL if lots > 0 else BUY)


# -- changes --------------------------------------------------------------------------------------------------


def parse_order_id(venue: Venue, text: str) -> tuple[InstrumentView, int] | None:
    """Instrument and number of an order id as clients see it; None when it cannot be one. Every order has one id: what
    only reads like it is refused."""
    instrument, _, number = text.partition("-")
    if not (instrument.isascii() and instrument.isdigit() and number.isascii() and number.isdigit()):
        return None
    if len(instrument) > 9 or len(number) > 18:
        return None
    view = venue.image.views.get(int(instrument))
    order_id = int(number)
    if view is None or order_id == 0 or text != f"{view.order_prefix}{order_id}":
        return None
    return view, order_id


@method("private/edit", EditParams, scope=TRADE, pipelined=True)
def edit(venue: Venue, call: Call, params: EditParams) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Change price, total and trigger price of an open order. What is not given stays: then the order is read first."""
    found = parse_order_id(venue, params.order_id)
    if found is None:
        return ORDER_NOT_FOUND
    if params.reduce_only is not None:
        return bad_param("reduce_only", "cannot be changed by an edit")
    if params.price is None or (params.amount is None and params.contracts is None):
        return _edit_after_read(venue, call, params, *found)
    return _edit(venue, call, params, *found)


async def _edit_after_read(
    venue: Venue, call: Call, params: EditParams, view: InstrumentView, order_id: int
) -> Outcome:
    answer = await venue.read(ReadOrder(call.principal.account, order_id), OrdersAnswer)
    if not answer.frames:
        return _edit(venue, call, params, view, order_id, 0, 1)  # the core tells how it ended
    order = decode_order(answer.frames)
    if order.instrument != view.instrument_id:
        return ORDER_NOT_FOUND
    return _edit(venue, call, params, view, order_id, order.price_ticks, order.total_lots)


def _edit(
    venue: Venue,
    call: Call,
    params: Changes,
    view: InstrumentView,
    order_id: int,
    ticks_now: int = 0,
    lots_now: int = 0,
) -> Outcome:
    amount = given_amount(params.amount, params.contracts)
    if isinstance(amount, Refusal):
        return amount
    lots = lots_now if amount is None else view.lots(amount)
    if isinstance(lots, Refusal):
        return lots
    ticks = ticks_now if params.price is None else view.price_ticks(params.price)
    if isinstance(ticks, Refusal):
        return ticks
    trigger = 0 if params.trigger_price is None else trigger_ticks(view, params.trigger_price)
    if isinstance(trigger, Refusal):
        return trigger
    if not 0 <= params.valid_until <= TIME_MS_MAX:
        return bad_param("valid_until", "out of range")
    request = venue.desk.next_request()
    record = commands.amend_order(
        account=call.principal.account,
        order_id=order_id,
        instrument=view.instrument_id,
        price_ticks=ticks,
        total_lots=lots,
        trigger_ticks=trigger,
        post_only=_post_only(params),
        valid_until_ns=params.valid_until * NS_PER_MS,
        origin=call.connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_ORDER, view, order_id)


def _post_only(params: Changes) -> int:
    """An edit never slides: one that would trade is refused."""
    if params.post_only is None:
        return commands.POST_ONLY_AS_IT_WAS
    return POST_ONLY_REJECT if params.post_only else POST_ONLY_NO


@method("private/edit_by_label", EditByLabelParams, scope=TRADE)
async def edit_by_label(venue: Venue, call: Call, params: EditByLabelParams) -> Outcome:
    """Change the one open order with this label in this instrument."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if params.reduce_only is not None:
        return bad_param("reduce_only", "cannot be changed by an edit")
    answer = await venue.read(ReadOpenOrders(call.principal.account), OrdersAnswer)
    found = [
        event
        for event in decode_events(answer.frames)
        if isinstance(event, OrderState) and event.label == params.label and event.instrument == view.instrument_id
    ]
    if not found:
        return bad_field(10004, "label", "no open order has this label")
    if len(found) > 1:
        return bad_field(11029, "label", f"{len(found)} open orders have this label")
    order = found[0]
    return _edit(venue, call, params, view, order.order_id, order.price_ticks, order.total_lots)
