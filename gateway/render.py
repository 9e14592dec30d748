"""Orders and trades as JSON text.

Lives here: one template per object, filled from integers. Orders are rendered once per change and shared by the
reply and every notification, so the text is built directly instead of through a dictionary.
Does not know: who receives it.
"""

from typing import Final

from domain.constants import FOK, IOC, MARKET, ORDER_CANCELLED, REASON_TEXTS
from domain.events import OrderState, Trade
from domain.instruments import format_scaled
from domain.units import NS_PER_MS
from gateway.codec import text_json
from gateway.instrument_view import DIRECTIONS, InstrumentView

STATES: Final = ("", "open", "filled", "cancelled", "rejected")
TIMES_IN_FORCE: Final = {IOC: "immediate_or_cancel", FOK: "fill_or_kill"}
_BOOLS: Final = ("false", "true")


def order_json(view: InstrumentView, order: OrderState, quote_scale: int) -> str:
    """One order's full state. `quote_scale` = ledger units per unit of the quote asset. Cost: a few microseconds."""
    market = order.order_type == MARKET
    label = text_json(order.label) if order.label else '""'
    cancel = ""
    if order.state == ORDER_CANCELLED:
        cancel = f',"cancel_reason":"{REASON_TEXTS[order.reason]}"'
    return (
        f'{{"order_id":"{view.order_prefix}{order.order_id}","instrument_name":"{view.name}",'
        f'"order_state":"{STATES[order.state]}","order_type":"{"market" if market else "limit"}",'
        f'"direction":"{DIRECTIONS[order.side]}",'
        f'"price":{chr(34) + "market_price" + chr(34) if market else view.price(order.price_ticks)},'
        f'"amount":{view.amount(order.total_lots)},"contracts":{view.amount(order.total_lots)},'
        f'"filled_amount":{view.amount(order.filled_lots)},'
        f'"average_price":{view.average_price(order.notional_ticks, order.filled_lots)},'
        f'"commission":{format_scaled(order.fee, quote_scale)},'
        f'"time_in_force":"{TIMES_IN_FORCE.get(order.time_in_force, "good_til_cancelled")}",'
        f'"post_only":{_BOOLS[order.post_only & 1]},"reject_post_only":{_BOOLS[order.post_only & 1]},'
        f'"reduce_only":{_BOOLS[order.reduce_only & 1]},"replaced":{_BOOLS[order.amended & 1]},'
        f'"label":{label},"api":true,"web":false,"is_liquidation":false,"max_show":{view.amount(order.total_lots)},'
        f'"creation_timestamp":{order.created_ns // NS_PER_MS},"last_update_timestamp":{order.updated_ns // NS_PER_MS}'
        f"{cancel}}}"
    )


def public_trade_json(view: InstrumentView, trade: Trade, time_ns: int) -> str:
    """One match as everybody may see it."""
    return (
        f'{{"trade_id":"{trade.trade_id}","trade_seq":{trade.trade_seq},"instrument_name":"{view.name}",'
        f'"timestamp":{time_ns // NS_PER_MS},"direction":"{DIRECTIONS[trade.taker_side]}",'
        f'"price":{view.price(trade.price_ticks)},"amount":{view.amount(trade.quantity_lots)},'
        f'"contracts":{view.amount(trade.quantity_lots)},"tick_direction":{trade.tick_direction},'
        f'"mark_price":{view.price(trade.mark_ticks)},"index_price":{view.price(trade.index_ticks)}}}'
    )


def user_trade_json(
    view: InstrumentView, trade: Trade, time_ns: int, order: OrderState | None, *, maker: bool, quote_scale: int
) -> str:
    """One match as one of its sides sees it; `order` is that side's order state after the command."""
    side = 1 - trade.taker_side if maker else trade.taker_side
    order_id = trade.maker_order_id if maker else trade.taker_order_id
    fee = trade.maker_fee if maker else trade.taker_fee
    about_order = ""
    if order is not None:
        label = text_json(order.label) if order.label else '""'
        about_order = (
            f'"order_type":"{"market" if order.order_type == MARKET else "limit"}","state":"{STATES[order.state]}",'
            f'"label":{label},"post_only":{_BOOLS[order.post_only & 1]},"reduce_only":{_BOOLS[order.reduce_only & 1]},'
        )
    return (
        f'{{"trade_id":"{trade.trade_id}","trade_seq":{trade.trade_seq},"instrument_name":"{view.name}",'
        f'"timestamp":{time_ns // NS_PER_MS},"direction":"{DIRECTIONS[side]}",'
        f'"price":{view.price(trade.price_ticks)},"amount":{view.amount(trade.quantity_lots)},'
        f'"contracts":{view.amount(trade.quantity_lots)},"order_id":"{view.order_prefix}{order_id}",{about_order}'
        f'"liquidity":"{"M" if maker else "T"}","fee":{format_scaled(fee, quote_scale)},'
        f'"fee_currency":"{view.instrument.quote}","tick_direction":{trade.tick_direction},'
        f'"mark_price":{view.price(trade.mark_ticks)},"index_price":{view.price(trade.index_ticks)},'
        f'"self_trade":{_BOOLS[trade.maker_account == trade.taker_account]},"matching_id":null,"api":true}}'
    )
