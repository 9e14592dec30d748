"""Orders and trades of the caller's own account, open and ended.

Lives here: parameters, reads from the core (open orders) and from the history (what ended), which first waits for what
this account has seen acknowledged.
Does not know: other accounts: the account is always the principal's, never a parameter.
"""

from typing import Literal

from domain.events import OrderState, decode_events, decode_order
from domain.reads import OrdersAnswer, ReadOpenOrders, ReadOrder
from gateway.desk import order_text
from gateway.errors import ORDER_NOT_FOUND, UNKNOWN_INSTRUMENT, Refusal, bad_param
from gateway.history_reader import TIME_NS_MAX, TradeWindow, UserTradePage
from gateway.instrument_view import InstrumentView
from gateway.methods_cancel import of_type
from gateway.methods_public import COUNT_DEFAULT, COUNT_MAX, TIMESTAMP_MS_MAX, Kind, trade_window
from gateway.methods_trading import parse_order_id
from gateway.render import trigger_entry_json, user_trade_json
from gateway.table import TRADE_READ, Call, Outcome, PrivateParams, method
from gateway.venue import Venue

OrderTypes = Literal[
    "all", "limit", "market", "trigger_all", "stop_all", "stop_limit", "stop_market", "take_all", "take_limit",
    "take_market", "trailing_all", "trailing_stop",
]  # fmt: skip

HISTORY_PAGES_MAX = 10


class OpenOrdersParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = "any"
    kind: Kind = ""
    type: OrderTypes = "all"


class OpenByInstrumentParams(PrivateParams, frozen=True, kw_only=True):
    instrument_name: str
    type: OrderTypes = "all"


class OrderParams(PrivateParams, frozen=True, kw_only=True):
    order_id: str


class OpenByLabelParams(PrivateParams, frozen=True, kw_only=True):
    label: str
    currency: str = "any"


class TriggerHistoryParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = "any"
    instrument_name: str = ""
    kind: Kind = ""
    count: int = 20
    continuation: str = ""


class OrderHistoryParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = "any"
    instrument_name: str = ""
    kind: Kind = ""
    count: int = 20
    offset: int = 0
    include_old: bool = False
    include_unfilled: bool = False
    historical: bool = False


class UserTradesParams(PrivateParams, frozen=True, kw_only=True):
    currency: str = "any"
    instrument_name: str = ""
    kind: Kind = ""
    count: int = COUNT_DEFAULT
    start_seq: int = 0
    end_seq: int = TIME_NS_MAX
    start_timestamp: int = 0
    end_timestamp: int = TIMESTAMP_MS_MAX
    sorting: Literal["asc", "desc", "default"] = "default"
    include_old: bool = False
    historical: bool = False


class OrderTradesParams(PrivateParams, frozen=True, kw_only=True):
    order_id: str
    sorting: Literal["asc", "desc", "default"] = "default"
    historical: bool = False


# -- orders ---------------------------------------------------------------------------------------------------


def _order_text(venue: Venue, order: OrderState) -> str:
    return order_text(venue.image, order)


async def _own_open(venue: Venue, call: Call, views: list[InstrumentView]) -> list[OrderState]:
    answer = await venue.read(ReadOpenOrders(call.principal.account), OrdersAnswer)
    wanted = {view.instrument_id for view in views}
    events = decode_events(answer.frames)
    return [event for event in events if isinstance(event, OrderState) and event.instrument in wanted]


def _texts(venue: Venue, orders: list[OrderState]) -> bytes:
    return f"[{','.join(_order_text(venue, order) for order in orders)}]".encode()


async def _open_orders(venue: Venue, call: Call, views: list[InstrumentView], kind: str) -> Outcome:
    return _texts(venue, [order for order in await _own_open(venue, call, views) if of_type(order, kind)])


@method("private/get_open_orders", OpenOrdersParams, scope=TRADE_READ)
async def get_open_orders(venue: Venue, call: Call, params: OpenOrdersParams) -> Outcome:
    """Open orders, oldest first."""
    return await _open_orders(venue, call, venue.image.selected(params.currency, params.kind), params.type)


@method("private/get_open_orders_by_currency", OpenOrdersParams, scope=TRADE_READ)
async def get_open_orders_by_currency(venue: Venue, call: Call, params: OpenOrdersParams) -> Outcome:
    """Open orders in instruments with this base or quote currency."""
    return await _open_orders(venue, call, venue.image.selected(params.currency, params.kind), params.type)


@method("private/get_open_orders_by_instrument", OpenByInstrumentParams, scope=TRADE_READ)
async def get_open_orders_by_instrument(venue: Venue, call: Call, params: OpenByInstrumentParams) -> Outcome:
    """Open orders in one instrument."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    return await _open_orders(venue, call, [view], params.type)


@method("private/get_open_orders_by_label", OpenByLabelParams, scope=TRADE_READ)
async def get_open_orders_by_label(venue: Venue, call: Call, params: OpenByLabelParams) -> Outcome:
    """Open orders with this label."""
    orders = await _own_open(venue, call, venue.image.selected(params.currency, ""))
    return _texts(venue, [order for order in orders if order.label == params.label])


@method("private/get_order_state_by_label", OpenByLabelParams, scope=TRADE_READ)
async def get_order_state_by_label(venue: Venue, call: Call, params: OpenByLabelParams) -> Outcome:
    """Orders with this label, newest first: open ones, and those among the newest thousand that ended."""
    views = venue.image.selected(params.currency, "")
    if not views:
        return b"[]"
    account = call.principal.account
    ended = await venue.history.ended_orders(
        account,
        tuple(view.instrument_id for view in views),
        count=COUNT_MAX,
        offset=0,
        include_unfilled=True,
        at_least_sequence=venue.at_least(account),
    )
    found = {order.order_id: order for order in await _own_open(venue, call, views)}
    found |= {order.order_id: order for order in ended}
    chosen = [order for order in found.values() if order.label == params.label]
    return _texts(venue, sorted(chosen, key=lambda order: -order.order_id))


@method("private/get_trigger_order_history", TriggerHistoryParams, scope=TRADE_READ)
async def get_trigger_order_history(venue: Venue, call: Call, params: TriggerHistoryParams) -> Outcome:
    """Orders with a trigger, newest first, each as it is now. `continuation` goes on where the last page ended."""
    instruments = _chosen(venue, params)
    if isinstance(instruments, Refusal):
        return instruments
    if not 1 <= params.count <= COUNT_MAX:
        return bad_param("count", f"1 to {COUNT_MAX}")
    start = params.continuation
    if start and not (start.isascii() and start.isdigit() and len(start) <= 6):
        return bad_param("continuation", "as the last page gave it")
    offset, account = int(start or 0), call.principal.account
    rows: list[OrderState] = []
    if not offset:
        views = [venue.image.views[instrument] for instrument in instruments]
        rows = [order for order in await _own_open(venue, call, views) if of_type(order, "trigger_all")][::-1]
    for _ in range(HISTORY_PAGES_MAX if instruments else 0):
        page = await venue.history.ended_orders(
            account,
            instruments,
            count=COUNT_MAX,
            offset=offset,
            include_unfilled=True,
            at_least_sequence=venue.at_least(account),
        )
        for order in page:
            if len(rows) >= params.count:
                break
            offset += 1
            if of_type(order, "trigger_all"):
                rows.append(order)
        if len(rows) >= params.count or len(page) < COUNT_MAX:
            if len(rows) < params.count:
                offset = 0  # the end
            break
    entries = ",".join(trigger_entry_json(venue.image.views[order.instrument], order) for order in rows)
    return f'{{"entries":[{entries}],"continuation":{f"{chr(34)}{offset}{chr(34)}" if offset else "null"}}}'.encode()


@method("private/get_order_state", OrderParams, scope=TRADE_READ)
async def get_order_state(venue: Venue, call: Call, params: OrderParams) -> Outcome:
    """One order: open ones from the core, ended ones from the history."""
    found = parse_order_id(venue, params.order_id)
    if found is None:
        return ORDER_NOT_FOUND
    account, (view, order_id) = call.principal.account, found
    answer = await venue.read(ReadOrder(account, order_id), OrdersAnswer)
    order = decode_order(answer.frames) if answer.frames else None
    if order is None and order_id <= answer.sequence:  # a later number is no order yet: nothing to wait for
        order = await venue.history.order(account, order_id, at_least_sequence=max(venue.at_least(account), order_id))
    if order is None or order.instrument != view.instrument_id:
        return ORDER_NOT_FOUND
    return _order_text(venue, order).encode()


def _chosen(
    venue: Venue, params: OrderHistoryParams | UserTradesParams | TriggerHistoryParams
) -> tuple[int, ...] | Refusal:
    """Instruments of a request by name, or by currency and kind."""
    if params.instrument_name:
        view = venue.image.by_name.get(params.instrument_name)
        return UNKNOWN_INSTRUMENT if view is None else (view.instrument_id,)
    return tuple(view.instrument_id for view in venue.image.selected(params.currency, params.kind))


async def _order_history(venue: Venue, call: Call, params: OrderHistoryParams) -> Outcome:
    instruments = _chosen(venue, params)
    if isinstance(instruments, Refusal):
        return instruments
    if not 1 <= params.count <= COUNT_MAX:
        return bad_param("count", f"1 to {COUNT_MAX}")
    if not 0 <= params.offset <= 1_000_000:
        return bad_param("offset", "0 to 1000000")
    if not instruments:
        return b"[]"
    account = call.principal.account
    orders = await venue.history.ended_orders(
        account,
        instruments,
        count=params.count,
        offset=params.offset,
        include_unfilled=params.include_unfilled,
        at_least_sequence=venue.at_least(account),
    )
    return f"[{','.join(_order_text(venue, order) for order in orders)}]".encode()


@method("private/get_order_history_by_currency", OrderHistoryParams, scope=TRADE_READ)
async def get_order_history_by_currency(venue: Venue, call: Call, params: OrderHistoryParams) -> Outcome:
    """Ended orders by currency, newest first; those without a fill only with `include_unfilled`."""
    return await _order_history(venue, call, params)


@method("private/get_order_history_by_instrument", OrderHistoryParams, scope=TRADE_READ)
async def get_order_history_by_instrument(venue: Venue, call: Call, params: OrderHistoryParams) -> Outcome:
    """Ended orders of one instrument, newest first."""
    if not params.instrument_name:
        return bad_param("instrument_name", "required")
    return await _order_history(venue, call, params)


# -- trades ---------------------------------------------------------------------------------------------------


def _trade_texts(venue: Venue, page: UserTradePage) -> str:
    image = venue.image
    return ",".join(
        user_trade_json(
            image.views[row.trade.instrument],
            row.trade,
            row.time_ns,
            row.order,
            maker=row.is_maker,
            quote_scale=image.quote_scales[row.trade.instrument],
        )
        for row in page.trades
    )


async def _user_trades(venue: Venue, call: Call, params: UserTradesParams) -> Outcome:
    instruments = _chosen(venue, params)
    if isinstance(instruments, Refusal):
        return instruments
    window = trade_window(params, default_newest=params.start_timestamp == 0)
    if isinstance(window, Refusal):
        return window
    account = call.principal.account
    page = (
        await venue.history.user_trades(account, instruments, window, at_least_sequence=venue.at_least(account))
        if instruments
        else UserTradePage((), False)
    )
    return f'{{"trades":[{_trade_texts(venue, page)}],"has_more":{"true" if page.has_more else "false"}}}'.encode()


@method("private/get_user_trades_by_currency", UserTradesParams, scope=TRADE_READ)
async def get_user_trades_by_currency(venue: Venue, call: Call, params: UserTradesParams) -> Outcome:
    """The account's trades by currency."""
    return await _user_trades(venue, call, params)


@method("private/get_user_trades_by_currency_and_time", UserTradesParams, scope=TRADE_READ)
async def get_user_trades_by_currency_and_time(venue: Venue, call: Call, params: UserTradesParams) -> Outcome:
    """The account's trades by currency between two times."""
    return await _user_trades(venue, call, params)


@method("private/get_user_trades_by_instrument", UserTradesParams, scope=TRADE_READ)
async def get_user_trades_by_instrument(venue: Venue, call: Call, params: UserTradesParams) -> Outcome:
    """The account's trades in one instrument."""
    if not params.instrument_name:
        return bad_param("instrument_name", "required")
    return await _user_trades(venue, call, params)


@method("private/get_user_trades_by_instrument_and_time", UserTradesParams, scope=TRADE_READ)
async def get_user_trades_by_instrument_and_time(venue: Venue, call: Call, params: UserTradesParams) -> Outcome:
    """The account's trades in one instrument between two times."""
    if not params.instrument_name:
        return bad_param("instrument_name", "required")
    return await _user_trades(venue, call, params)


@method("private/get_user_trades_by_order", OrderTradesParams, scope=TRADE_READ)
async def get_user_trades_by_order(venue: Venue, call: Call, params: OrderTradesParams) -> Outcome:
    """The trades of one order, as a bare array."""
    found = parse_order_id(venue, params.order_id)
    if found is None:
        return ORDER_NOT_FOUND
    account = call.principal.account
    page = await venue.history.user_trades(
        account,
        (found[0].instrument_id,),
        TradeWindow(count=COUNT_MAX, newest_first=params.sorting == "desc"),
        order_id=found[1],
        at_least_sequence=venue.at_least(account),
    )
    return f"[{_trade_texts(venue, page)}]".encode()
