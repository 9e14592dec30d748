"""Cancels: of one order, of all that pass a filter.

Lives here: parameters to cancel records. Filters that the core's record has go as one record, or one per market;
others (kinds of orders) are looked up among the open orders first, and go as single cancels.
Does not know: replies (desk.py counts them).
"""

from collections.abc import Coroutine, Iterable
from decimal import Decimal
from typing import Any, Literal

from domain import commands
from domain.events import OrderState, decode_events
from domain.reads import OrdersAnswer, ReadOpenOrders
from gateway.errors import ORDER_NOT_FOUND, UNKNOWN_INSTRUMENT, Refusal, bad_param
from gateway.instrument_view import InstrumentView
from gateway.methods_public import Kind
from gateway.methods_trading import SIDES, parse_order_id
from gateway.order_params import name_bytes
from gateway.order_terms import LABEL_BYTES_MAX
from gateway.render import order_word
from gateway.table import (
    ANSWER_CANCELLED,
    ANSWER_COUNT,
    ANSWER_OK,
    TRADE,
    Call,
    Command,
    Outcome,
    PrivateParams,
    method,
)
from gateway.venue import Venue

CancelTypes = Literal["all", "limit", "trigger_all", "stop", "take", "trailing_stop"]


class CancelParams(PrivateParams, frozen=True, kw_only=True):
    order_id: str


class CancelByLabelParams(PrivateParams, frozen=True, kw_only=True):
    label: str
    currency: str = "any"


class MassCancelParams(PrivateParams, frozen=True, kw_only=True):
    detailed: bool = False
    freeze_quotes: bool = False
    x_side: Literal["buy", "sell"] | None = None


class CancelByInstrumentParams(MassCancelParams, frozen=True, kw_only=True):
    instrument_name: str
    type: CancelTypes = "all"
    include_combos: bool = False
    x_price_low: Decimal | None = None
    x_price_high: Decimal | None = None


class CancelByCurrencyParams(MassCancelParams, frozen=True, kw_only=True):
    currency: str
    kind: Kind = ""
    type: CancelTypes = "all"


class CancelByKindParams(MassCancelParams, frozen=True, kw_only=True):
    currency: str | list[str]
    kind: Kind = ""
    type: CancelTypes = "all"


class CancelByPairParams(MassCancelParams, frozen=True, kw_only=True):
    currency_pair: str
    kind: Kind = ""
    type: CancelTypes = "all"


class KillSwitchParams(PrivateParams, frozen=True, kw_only=True):
    on: bool
    scope: Literal["account", "key"] = "account"


@method("private/cancel", CancelParams, scope=TRADE, pipelined=True)
def cancel(venue: Venue, call: Call, params: CancelParams) -> Outcome:
    """Cancel one open order."""
    found = parse_order_id(venue, params.order_id)
    if found is None:
        return ORDER_NOT_FOUND
    view, order_id = found
    request = venue.desk.next_request()
    return Command(_single(call, view.instrument_id, order_id, request), request, ANSWER_CANCELLED, view, order_id)


def _single(call: Call, instrument: int, order_id: int, request: int) -> bytes:
    return commands.cancel_order(
        account=call.principal.account,
        order_id=order_id,
        instrument=instrument,
        origin=call.connection.origin,
        request=request,
    )


def unoffered(params: MassCancelParams) -> Refusal | None:
    """What would change the meaning of a mass cancel and is not there."""
    if params.detailed:
        return bad_param("detailed", "not offered")
    return bad_param("freeze_quotes", "not offered: use private/cancel_quotes") if params.freeze_quotes else None


def cancel_run(venue: Venue, call: Call, views: Iterable[InstrumentView] | None, **filters: Any) -> Outcome:
    """One mass cancel over everything, or one per market in one piece; the answer is the sum."""
    request = venue.desk.next_request()
    fixed = {"account": call.principal.account, "origin": call.connection.origin, "request": request, **filters}
    if views is None:
        return Command(commands.cancel_all(**fixed), request, ANSWER_COUNT)
    records = [commands.cancel_all(instrument=view.instrument_id, **fixed) for view in views]
    if not records:
        return b"0"
    return Command(b"".join(records), request, ANSWER_COUNT, parts=len(records))


def _filters(params: MassCancelParams) -> dict[str, Any]:
    return {} if params.x_side is None else {"side": SIDES[params.x_side]}


async def _chosen_by_type(
    venue: Venue, call: Call, views: list[InstrumentView], kind: CancelTypes, params: MassCancelParams
) -> Outcome:
    """Cancels of the open orders of one kind; orders that come while we look are not among them."""
    wanted = {view.instrument_id for view in views}
    answer = await venue.read(ReadOpenOrders(call.principal.account), OrdersAnswer)
    request = venue.desk.next_request()
    records = [
        _single(call, event.instrument, event.order_id, request)
        for event in decode_events(answer.frames)
        if isinstance(event, OrderState)
        and event.instrument in wanted
        and of_type(event, kind)
        and (params.x_side is None or event.side == SIDES[params.x_side])
    ]
    if not records:
        return b"0"
    return Command(b"".join(records), request, ANSWER_COUNT, parts=len(records))


def of_type(order: OrderState, kind: str) -> bool:
    """Whether an order passes one of the dialect's type filters."""
    word = order_word(order)
    if kind == "all":
        return True
    if kind == "trigger_all":
        return word not in ("limit", "market")
    stem = kind.removesuffix("_all")  # stop, take, trailing; or a full word
    return word == kind or (stem in ("stop", "take", "trailing") and word.startswith(stem + "_"))


def _mass(
    venue: Venue, call: Call, params: MassCancelParams, views: list[InstrumentView] | None, kind: CancelTypes
) -> Outcome | Coroutine[Any, Any, Outcome]:
    refusal = unoffered(params)
    if refusal is not None:
        return refusal
    if kind != "all":
        chosen = list(venue.image.views.values()) if views is None else views
        return _chosen_by_type(venue, call, chosen, kind, params)
    return cancel_run(venue, call, views, **_filters(params))


@method("private/cancel_all", MassCancelParams, scope=TRADE, pipelined=True)
def cancel_all(venue: Venue, call: Call, params: MassCancelParams) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Cancel all open orders of the account, or of one side; answers their number."""
    return _mass(venue, call, params, None, "all")


@method("private/cancel_all_by_instrument", CancelByInstrumentParams, scope=TRADE, pipelined=True)
def cancel_all_by_instrument(
    venue: Venue, call: Call, params: CancelByInstrumentParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Cancel the account's open orders in one instrument, also by side and by a range of limits, both ends included."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    views = [view]
    if params.include_combos:
        views += venue.image.combos_with(view.instrument_id)
    if params.x_price_low is None and params.x_price_high is None:
        return _mass(venue, call, params, views, params.type)
    if params.type != "all" or params.include_combos:
        return bad_param("x_price_low", "a range of prices goes with type all and one instrument")
    bounds: dict[str, int] = {}
    for name, value, edge in (
        ("price_low_ticks", params.x_price_low, view.low_ticks),
        ("price_high_ticks", params.x_price_high, view.high_ticks),
    ):
        ticks = edge if value is None else view.distance_ticks(value, f"x_{name[:-6]}", 10043)
        if isinstance(ticks, Refusal):
            return ticks
        bounds[name] = ticks
    return unoffered(params) or cancel_run(venue, call, views, **_filters(params), **bounds)


@method("private/cancel_all_by_currency", CancelByCurrencyParams, scope=TRADE, pipelined=True)
def cancel_all_by_currency(
    venue: Venue, call: Call, params: CancelByCurrencyParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Cancel in all instruments with this base or quote currency, also by kind of instrument and of order."""
    return _mass(venue, call, params, venue.image.selected(params.currency, params.kind), params.type)


@method("private/cancel_all_by_kind_or_type", CancelByKindParams, scope=TRADE, pipelined=True)
def cancel_all_by_kind_or_type(
    venue: Venue, call: Call, params: CancelByKindParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Likewise, with one currency or several."""
    names = [params.currency] if isinstance(params.currency, str) else params.currency
    views = {view.instrument_id: view for name in names for view in venue.image.selected(name, params.kind)}
    return _mass(venue, call, params, list(views.values()), params.type)


@method("private/cancel_all_by_currency_pair", CancelByPairParams, scope=TRADE, pipelined=True)
def cancel_all_by_currency_pair(
    venue: Venue, call: Call, params: CancelByPairParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Cancel in all instruments of one base and quote, written base_quote."""
    base, _, quote = params.currency_pair.upper().partition("_")
    views = [
        view
        for view in venue.image.selected(base, params.kind)
        if (view.instrument.base.upper(), view.instrument.quote.upper()) == (base, quote)
    ]
    if not views:
        return bad_param("currency_pair", "no instrument has it")
    return _mass(venue, call, params, views, params.type)


@method("private/cancel_by_label", CancelByLabelParams, scope=TRADE, pipelined=True)
def cancel_by_label(venue: Venue, call: Call, params: CancelByLabelParams) -> Outcome:
    """Cancel all open orders with this label; answers their number."""
    label = name_bytes("label", params.label, LABEL_BYTES_MAX)
    if isinstance(label, Refusal):
        return label
    if not label:
        return bad_param("label", "required")
    everywhere = params.currency.lower() == "any"
    views = None if everywhere else venue.image.selected(params.currency, "")
    return cancel_run(venue, call, views, label=label)


@method("private/x/set_kill_switch", KillSwitchParams, scope=TRADE, pipelined=True)
def set_kill_switch(venue: Venue, call: Call, params: KillSwitchParams) -> Outcome:
    """Cancel everything of the account, or of this key, and take no new orders until it is switched off. The only key
    of an account is the account."""
    principal = call.principal
    by_key = params.scope == "key" and principal.key_number != 0
    scope, number = ("own_key", principal.key_number) if by_key else ("own_account", principal.account)
    command = commands.SetKillSwitch(scope, number, params.on, "client")
    request = venue.desk.next_request()
    return Command(commands.cold(command, origin=call.connection.origin, request=request), request, ANSWER_OK)
