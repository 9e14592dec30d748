"""Public market data methods.

Lives here: parameters, selection, results from the replica or the history.
Does not know: channels, accounts.
"""

from collections.abc import Coroutine
from typing import Any, Literal

from domain.instruments import format_scaled
from domain.units import NS_PER_MS, USDC_SCALE
from gateway.candles import DAY_NS, RESOLUTIONS_NS
from gateway.codec import encode
from gateway.combos import implied_fields
from gateway.errors import UNKNOWN_INSTRUMENT, Refusal, bad_param
from gateway.history_reader import TIME_NS_MAX, PublicTrade, TradeWindow
from gateway.image import RECENT_TRADES_MAX
from gateway.instrument_view import raw
from gateway.market_text import order_book_json, summary_json, ticker_fields
from gateway.render import public_trade_json
from gateway.table import Call, NoParams, Outcome, PublicParams, method
from gateway.venue import Venue

Kind = Literal["", "any", "spot", "future", "option", "future_combo", "option_combo", "combo"]
DEPTH_DEFAULT = 5
DEPTH_MAX = 10_000
COUNT_DEFAULT = 10
COUNT_MAX = 1_000
CANDLES_MAX = 5_000
TIMESTAMP_MS_MAX = TIME_NS_MAX // NS_PER_MS
_LONG_NAMES = {
    "BTC": "Bitcoin",
    "USDC": "USD Coin",
    "HPU": "Hashprice PH/s-day in USDC",
    "HPB": "Hashprice PH/s-day in BTC",
}


class InstrumentsParams(PublicParams, frozen=True):
    currency: str = "any"
    kind: Kind = ""
    expired: bool = False
    include_spots: bool = True


class InstrumentParams(PublicParams, frozen=True):
    instrument_name: str


class BookParams(PublicParams, frozen=True):
    instrument_name: str
    depth: int = DEPTH_DEFAULT


class SummaryParams(PublicParams, frozen=True):
    currency: str
    kind: Kind = ""


class TradesParams(PublicParams, frozen=True, kw_only=True):
    instrument_name: str
    count: int = COUNT_DEFAULT
    start_seq: int = 0
    end_seq: int = TIME_NS_MAX
    start_timestamp: int = 0
    end_timestamp: int = TIMESTAMP_MS_MAX
    sorting: Literal["asc", "desc", "default"] = "default"
    include_old: bool = False


class CurrencyTradesParams(PublicParams, frozen=True, kw_only=True):
    currency: str
    kind: Kind = ""
    count: int = COUNT_DEFAULT
    start_timestamp: int = 0
    end_timestamp: int = TIMESTAMP_MS_MAX
    sorting: Literal["asc", "desc", "default"] = "default"
    include_old: bool = False


class ChartParams(PublicParams, frozen=True):
    instrument_name: str
    start_timestamp: int
    end_timestamp: int
    resolution: str


class IndexParams(PublicParams, frozen=True):
    index_name: str


@method("public/get_instruments", InstrumentsParams)
def get_instruments(venue: Venue, call: Call, params: InstrumentsParams) -> Outcome:
    """Instruments, open ones unless `expired`."""
    found = venue.image.selected(params.currency, params.kind)
    return encode([view.to_json() for view in found if view.is_open != params.expired])


@method("public/get_instrument", InstrumentParams)
def get_instrument(venue: Venue, call: Call, params: InstrumentParams) -> Outcome:
    """One instrument."""
    view = venue.image.by_name.get(params.instrument_name)
    return UNKNOWN_INSTRUMENT if view is None else bytes(view.to_json())


@method("public/get_currencies", NoParams)
def get_currencies(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """Assets, and the base codes of forwards, which existing clients look up among the currencies."""
    names = dict.fromkeys(name for name, _, _ in venue.image.assets)
    names |= dict.fromkeys(view.instrument.base for view in venue.image.views.values())
    scales = venue.image.scales
    return encode(
        [
            {
                "currency": name,
                "currency_long": _LONG_NAMES.get(name, name),
                "coin_type": "BITCOIN" if name == "BTC" else name,
                "decimals": len(str(scales[name])) - 1 if name in scales else 0,
                "withdrawal_fee": 0,
                "min_withdrawal_fee": 0,
                "min_confirmations": 1,
                "withdrawal_priorities": [],
                "in_cross_collateral_pool": False,
                "network_fee": 0,
                "network_currency": name,
            }
            for name in names
        ]
    )


@method("public/get_order_book", BookParams)
def get_order_book(venue: Venue, call: Call, params: BookParams) -> Outcome:
    """Book to a depth, with the ticker's fields."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    if not 1 <= params.depth <= DEPTH_MAX:
        return bad_param("depth", f"1 to {DEPTH_MAX}")
    shelf = venue.publisher.shelves[view.instrument_id]
    text = order_book_json(view, shelf.book, venue.image, shelf.stats, venue.image.time_ns, params.depth)
    if not venue.image.has_combos:
        return text.encode()
    implied = implied_fields(venue.image, lambda instrument: venue.publisher.shelves[instrument].book, view)
    return f"{text[:-1]},{implied}}}".encode()


@method("public/ticker", InstrumentParams)
def ticker(venue: Venue, call: Call, params: InstrumentParams) -> Outcome:
    """Best prices, mark, index and 24-hour statistics."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    shelf = venue.publisher.shelves[view.instrument_id]
    return f"{{{ticker_fields(view, shelf.book, venue.image, shelf.stats, venue.image.time_ns)}}}".encode()


@method("public/get_book_summary_by_currency", SummaryParams)
def get_book_summary_by_currency(venue: Venue, call: Call, params: SummaryParams) -> Outcome:
    """Summaries of all open instruments with this base or quote currency."""
    shelves = [
        venue.publisher.shelves[view.instrument_id]
        for view in venue.image.selected(params.currency, params.kind)
        if view.is_open
    ]
    now_ns = venue.image.time_ns
    texts = [summary_json(shelf.view, shelf.book, venue.image, shelf.stats, now_ns) for shelf in shelves]
    return f"[{','.join(texts)}]".encode()


@method("public/get_book_summary_by_instrument", InstrumentParams)
def get_book_summary_by_instrument(venue: Venue, call: Call, params: InstrumentParams) -> Outcome:
    """A list with the summary of one instrument."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    shelf = venue.publisher.shelves[view.instrument_id]
    return f"[{summary_json(view, shelf.book, venue.image, shelf.stats, venue.image.time_ns)}]".encode()


# -- trades ---------------------------------------------------------------------------------------------------


def trade_window(params: Any, *, default_newest: bool) -> TradeWindow | Refusal:
    """Bounds of a trades request. Sorting `default` is newest first, or oldest first where a start is given."""
    if not 1 <= params.count <= COUNT_MAX:
        return bad_param("count", f"1 to {COUNT_MAX}")
    for name in ("start_timestamp", "end_timestamp"):
        if not 0 <= getattr(params, name) <= TIMESTAMP_MS_MAX:
            return bad_param(name, "out of range")
    newest_first = default_newest if params.sorting == "default" else params.sorting == "desc"
    return TradeWindow(
        from_ns=params.start_timestamp * NS_PER_MS,
        to_ns=min(TIME_NS_MAX, params.end_timestamp * NS_PER_MS + NS_PER_MS - 1),
        from_seq=getattr(params, "start_seq", 0),
        to_seq=getattr(params, "end_seq", TIME_NS_MAX),
        count=params.count,
        newest_first=newest_first,
    )


def _page(venue: Venue, trades: list[PublicTrade], *, has_more: bool) -> bytes:
    views = venue.image.views
    texts = [public_trade_json(views[row.trade.instrument], row.trade, row.time_ns) for row in trades]
    return f'{{"trades":[{",".join(texts)}],"has_more":{"true" if has_more else "false"}}}'.encode()


def _instrument_trades(
    venue: Venue, params: TradesParams, *, default_newest: bool
) -> Outcome | Coroutine[Any, Any, Outcome]:
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    window = trade_window(params, default_newest=default_newest)
    if isinstance(window, Refusal):
        return window
    recent = venue.image.recent[view.instrument_id]
    if recent and window.newest_first and (recent[0][1].trade_seq == 1 or len(recent) == RECENT_TRADES_MAX):
        fitting = [
            PublicTrade(time_ns, trade)
            for time_ns, trade in reversed(recent)
            if window.from_ns <= time_ns <= window.to_ns and window.from_seq <= trade.trade_seq <= window.to_seq
        ]
        complete = recent[0][1].trade_seq == 1
        if complete or len(fitting) > window.count:
            return _page(venue, fitting[: window.count], has_more=len(fitting) > window.count)
    return _trades_from_history(venue, (view.instrument_id,), window)


async def _trades_from_history(venue: Venue, instruments: tuple[int, ...], window: TradeWindow) -> Outcome:
    page = await venue.history.public_trades(instruments, window, at_least_sequence=venue.image.sequence)
    return _page(venue, list(page.trades), has_more=page.has_more)


@method("public/get_last_trades_by_instrument", TradesParams)
def get_last_trades_by_instrument(
    venue: Venue, call: Call, params: TradesParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Newest trades of one instrument."""
    return _instrument_trades(venue, params, default_newest=True)


@method("public/get_last_trades_by_instrument_and_time", TradesParams)
def get_last_trades_by_instrument_and_time(
    venue: Venue, call: Call, params: TradesParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Trades of one instrument between two times."""
    return _instrument_trades(venue, params, default_newest=params.start_timestamp == 0)


def _currency_trades(venue: Venue, params: CurrencyTradesParams) -> Outcome | Coroutine[Any, Any, Outcome]:
    window = trade_window(params, default_newest=params.start_timestamp == 0)
    if isinstance(window, Refusal):
        return window
    found = venue.image.selected(params.currency, params.kind)
    if not found:
        return _page(venue, [], has_more=False)
    return _trades_from_history(venue, tuple(view.instrument_id for view in found), window)


@method("public/get_last_trades_by_currency", CurrencyTradesParams)
def get_last_trades_by_currency(
    venue: Venue, call: Call, params: CurrencyTradesParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Newest trades of all instruments with this base or quote currency."""
    return _currency_trades(venue, params)


@method("public/get_last_trades_by_currency_and_time", CurrencyTradesParams)
def get_last_trades_by_currency_and_time(
    venue: Venue, call: Call, params: CurrencyTradesParams
) -> Outcome | Coroutine[Any, Any, Outcome]:
    """Trades of all instruments with this base or quote currency between two times."""
    return _currency_trades(venue, params)


# -- candles --------------------------------------------------------------------------------------------------


@method("public/get_tradingview_chart_data", ChartParams)
async def get_tradingview_chart_data(venue: Venue, call: Call, params: ChartParams) -> Outcome:
    """Candles with trades in a window of time. A window that starts after the exchange's own now (possible only while
    the venue replays the past) is moved to end at it."""
    view = venue.image.by_name.get(params.instrument_name)
    if view is None:
        return UNKNOWN_INSTRUMENT
    step_ns = RESOLUTIONS_NS.get(params.resolution)
    if step_ns is None:
        return bad_param("resolution", f"one of {', '.join(RESOLUTIONS_NS)}")
    for name in ("start_timestamp", "end_timestamp"):
        if not 0 <= getattr(params, name) <= TIMESTAMP_MS_MAX:
            return bad_param(name, "out of range")
    from_ns, to_ns = params.start_timestamp * NS_PER_MS, params.end_timestamp * NS_PER_MS
    if to_ns < from_ns:
        return bad_param("end_timestamp", "before start_timestamp")
    now_ns = venue.image.time_ns
    if from_ns > now_ns:
        from_ns, to_ns = max(0, now_ns - (to_ns - from_ns)), now_ns
    if (to_ns - from_ns) // step_ns > CANDLES_MAX:
        from_ns = to_ns - CANDLES_MAX * step_ns
    candles = await venue.history.candles(
        view.instrument_id, step_ns, from_ns=from_ns, to_ns=to_ns, at_least_sequence=venue.image.sequence
    )

    def texts(values: list[str]) -> str:
        return f"[{','.join(values)}]"

    return (
        f'{{"status":"{"ok" if candles else "no_data"}",'
        f'"ticks":{texts([str(c.start_ns // NS_PER_MS) for c in candles])},'
        f'"open":{texts([view.price(c.open_ticks) for c in candles])},'
        f'"high":{texts([view.price(c.high_ticks) for c in candles])},'
        f'"low":{texts([view.price(c.low_ticks) for c in candles])},'
        f'"close":{texts([view.price(c.close_ticks) for c in candles])},'
        f'"volume":{texts([view.amount(c.volume_lots) for c in candles])},'
        f'"cost":{texts([view.notional(c.notional_ticks) for c in candles])}}}'
    ).encode()


# -- reference data -------------------------------------------------------------------------------------------


@method("public/get_index_price", IndexParams)
def get_index_price(venue: Venue, call: Call, params: IndexParams) -> Outcome:
    """Index value of the instruments that name this index."""
    for view in venue.image.views.values():
        if params.index_name in (view.instrument.price_index, view.to_dict()["price_index"]):
            price = raw(view.price(venue.image.marks[view.instrument_id][1]))
            return encode({"index_price": price, "estimated_delivery_price": price})
    return bad_param("index_name", "unknown index")


@method("public/get_expirations", InstrumentsParams)
def get_expirations(venue: Venue, call: Call, params: InstrumentsParams) -> Outcome:
    """Expiry texts by currency and kind."""
    result: dict[str, dict[str, list[str]]] = {}
    for view in venue.image.selected(params.currency, params.kind):
        _, dash, day = view.name.partition("-")
        if view.is_open and dash and view.kind in ("future", "option"):
            days = result.setdefault(view.instrument.base.lower(), {"future": [], "option": []})[view.kind]
            days.append(day)
    return encode(result)


@method("public/x/get_hashprice", NoParams)
def get_hashprice(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """What one PH/s earns per day now: in millisatoshi and in dollars; with the tip of the best chain."""
    image = venue.image
    return encode(
        {
            "index_msat": image.index_msat,
            "index_btc": raw(format_scaled(image.index_msat, 10**11)),
            "index_usdc": raw(format_scaled(image.index_micro_usdc, USDC_SCALE)),
            "tip_height": image.tip_height,
            "tip_hash": image.tip_hash,
            "timestamp": image.time_ns // NS_PER_MS,
        }
    )


__all__ = ["COUNT_DEFAULT", "COUNT_MAX", "DAY_NS", "TIMESTAMP_MS_MAX", "Kind", "trade_window"]
