"""Trading methods: buy, sell, edit, cancel and their mass forms.

Lives here: parameters to command records, with the early refusals that the gateway can decide alone.
Does not know: replies (desk.py makes them from events), money. Every refusal here is repeated by the core.
"""

from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Literal

from domain import commands
from domain.constants import BUY, FOK, GTC, IOC, LIMIT, MARKET, SELL
from domain.events import decode_order
from domain.instruments import KIND_SPOT
from domain.reads import OrdersAnswer, ReadOrder
from domain.units import NS_PER_MS
from gateway.desk import not_eligible
from gateway.errors import ORDER_NOT_FOUND, UNKNOWN_INSTRUMENT, Refusal, bad_field, bad_param
from gateway.instrument_view import InstrumentView
from gateway.table import (
    ANSWER_CANCELLED,
    ANSWER_COUNT,
    ANSWER_ORDER,
    TRADE,
    Call,
    Command,
    Outcome,
    PrivateParams,
    method,
)
from gateway.venue import Venue

LABEL_BYTES_MAX = 64
VALID_UNTIL_MS_MAX = 2**63 // NS_PER_MS - 1
BOOK_CLOSED = Refusal(10012, {"reason": "the instrument is closed", "param": "instrument_name"})
_TIMES_IN_FORCE = {"good_til_cancelled": GTC, "immediate_or_cancel": IOC, "fill_or_kill": FOK}


class PlaceParams(PrivateParams, frozen=True, kw_only=True):
    """private/buy and private/sell. Features this venue does not have are refused by name, never ignored."""

    instrument_name: str
    amount: Decimal | None = None
    contracts: Decimal | None = None
    type: Literal["limit", "market"] = "limit"
    price: Decimal | None = None
    label: str = ""
    time_in_force: Literal["good_til_cancelled", "immediate_or_cancel", "fill_or_kill"] = "good_til_cancelled"
    post_only: bool = False
    reject_post_only: bool = False
    reduce_only: bool = False
    valid_until: int = 0
    mmp: bool = False


class EditParams(PrivateParams, frozen=True, kw_only=True):
    """private/edit: `amount` is the new total, filled part included."""

    order_id: str
    amount: Decimal | None = None
    contracts: Decimal | None = None
    price: Decimal | None = None
    post_only: bool | None = None
    reject_post_only: bool = False
    reduce_only: bool | None = None
    valid_until: int = 0


class CancelParams(PrivateParams, frozen=True, kw_only=True):
    order_id: str


class CancelAllParams(PrivateParams, frozen=True, kw_only=True):
    detailed: bool = False
    freeze_quotes: bool = False


class CancelByInstrumentParams(PrivateParams, frozen=True, kw_only=True):
    instrument_name: str
    type: Literal["all", "limit"] = "all"
    detailed: bool = False
    include_combos: bool = False
    freeze_quotes: bool = False


def _label(text: str) -> bytes | Refusal:
    if not text:
        return b""
    label = text.encode()
    if len(label) > LABEL_BYTES_MAX:
        return bad_param("label", f"at most {LABEL_BYTES_MAX} bytes")
    if not text.isprintable():
        return bad_param("label", "printable characters only")
    return label


def _amount(params: PlaceParams | EditParams) -> Decimal | Refusal | None:
    """The quantity by either of its names; the contract size is 1, so both names mean the same number."""
    if params.amount is None:
        return params.contracts
    if params.contracts is not None and params.contracts != params.amount:
        return bad_param("contracts", "differs from amount")
    return params.amount


def _place(venue: Venue, call: Call, params: PlaceParams, side: int) -> Outcome:
    image = venue.image
    view = image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if not view.is_open:
        return BOOK_CLOSED
    amount = _amount(params)
    if isinstance(amount, Refusal):
        return amount
    if amount is None:
        return bad_param("amount", "required")
    lots = view.lots(amount)
    if isinstance(lots, Refusal):
        return lots
    time_in_force = _TIMES_IN_FORCE[params.time_in_force]
    ticks = 0
    if params.type == "market":
        if params.price is not None:
            return bad_param("price", "a market order has no price")
        if params.post_only:
            return bad_param("post_only", "a market order cannot be post_only")
        time_in_force = time_in_force or IOC
        order_type = MARKET
    else:
        if params.price is None:
            return bad_param("price", "required")
        limit = view.price_ticks(params.price)
        if isinstance(limit, Refusal):
            return limit
        ticks = limit
        if params.post_only and time_in_force != GTC:
            return bad_param("post_only", "not with immediate_or_cancel or fill_or_kill")
        order_type = LIMIT
    if params.reduce_only and view.instrument.kind == KIND_SPOT:
        return bad_field(11029, "reduce_only", "a spot instrument has no position to reduce")
    if params.mmp:
        return bad_param("mmp", "market maker protection is not offered")
    label = _label(params.label)
    if isinstance(label, Refusal):
        return label
    if not 0 <= params.valid_until <= VALID_UNTIL_MS_MAX:
        return bad_param("valid_until", "out of range")
    account = call.principal.account
    if not image.eligible(account, view.instrument.rule_id, image.time_ns):
        return not_eligible(image, view, account)
    connection = call.connection
    request = venue.desk.next_request()
    record = commands.new_order(
        account=account,
        instrument=view.instrument_id,
        side=side,
        price_ticks=ticks,
        quantity_lots=lots,
        order_type=order_type,
        time_in_force=time_in_force,
        post_only=params.post_only,
        reduce_only=params.reduce_only,
        cancel_on_disconnect=connection.cancel_on_disconnect,
        valid_until_ns=params.valid_until * NS_PER_MS,
        label=label,
        origin=connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_ORDER, view)


@method("private/buy", PlaceParams, scope=TRADE, pipelined=True)
def buy(venue: Venue, call: Call, params: PlaceParams) -> Outcome:
    """Place a buy order."""
    return _place(venue, call, params, BUY)


@method("private/sell", PlaceParams, scope=TRADE, pipelined=True)
def sell(venue: Venue, call: Call, params: PlaceParams) -> Outcome:
    """Place a sell order."""
    return _place(venue, call, params, SELL)


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
    """Change price and total of an open order. What is not given stays: then the order is read first."""
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
        return ORDER_NOT_FOUND
    order = decode_order(answer.frames)
    if order.instrument != view.instrument_id:
        return ORDER_NOT_FOUND
    return _edit(venue, call, params, view, order_id, order.price_ticks, order.total_lots)


def _edit(
    venue: Venue,
    call: Call,
    params: EditParams,
    view: InstrumentView,
    order_id: int,
    ticks_now: int = 0,
    lots_now: int = 0,
) -> Outcome:
    amount = _amount(params)
    if isinstance(amount, Refusal):
        return amount
    lots = lots_now if amount is None else view.lots(amount)
    if isinstance(lots, Refusal):
        return lots
    ticks = ticks_now if params.price is None else view.price_ticks(params.price)
    if isinstance(ticks, Refusal):
        return ticks
    if not 0 <= params.valid_until <= VALID_UNTIL_MS_MAX:
        return bad_param("valid_until", "out of range")
    request = venue.desk.next_request()
    record = commands.amend_order(
        account=call.principal.account,
        order_id=order_id,
        instrument=view.instrument.instrument_id,
        price_ticks=ticks,
        total_lots=lots,
        post_only=commands.POST_ONLY_AS_IT_WAS if params.post_only is None else int(params.post_only),
        valid_until_ns=params.valid_until * NS_PER_MS,
        origin=call.connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_ORDER, view, order_id)


@method("private/cancel", CancelParams, scope=TRADE, pipelined=True)
def cancel(venue: Venue, call: Call, params: CancelParams) -> Outcome:
    """Cancel one open order."""
    found = parse_order_id(venue, params.order_id)
    if found is None:
        return ORDER_NOT_FOUND
    view, order_id = found
    request = venue.desk.next_request()
    record = commands.cancel_order(
        account=call.principal.account,
        order_id=order_id,
        instrument=view.instrument.instrument_id,
        origin=call.connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_CANCELLED, view, order_id)


@method("private/cancel_all", CancelAllParams, scope=TRADE, pipelined=True)
def cancel_all(venue: Venue, call: Call, params: CancelAllParams) -> Outcome:
    """Cancel all open orders of the account; answers their number."""
    if params.detailed:
        return bad_param("detailed", "not offered")
    request = venue.desk.next_request()
    record = commands.cancel_all(account=call.principal.account, origin=call.connection.origin, request=request)
    return Command(record, request, ANSWER_COUNT)


@method("private/cancel_all_by_instrument", CancelByInstrumentParams, scope=TRADE, pipelined=True)
def cancel_all_by_instrument(venue: Venue, call: Call, params: CancelByInstrumentParams) -> Outcome:
    """Cancel the account's open orders in one instrument; answers their number."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if params.detailed:
        return bad_param("detailed", "not offered")
    request = venue.desk.next_request()
    record = commands.cancel_all(
        account=call.principal.account,
        instrument=view.instrument_id,
        origin=call.connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_COUNT, view)
