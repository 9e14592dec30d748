"""Orders and trades as JSON text.

Lives here: one template per object, filled from integers. Orders are rendered once per change and shared by the
reply and every notification, so the text is built directly instead of through a dictionary.
Does not know: who receives it.
"""

from typing import Final

from domain.constants import (
    BUY,
    DAY,
    FOK,
    GFA,
    GTD,
    IOC,
    MARKET,
    MARKET_TO_LIMIT,
    ORDER_CANCELLED,
    ORDER_PARKED,
    ORDER_WAITING,
    POST_ONLY_REJECT,
    REASON_BAND,
    REASON_BOOK_FULL,
    REASON_BUDGET,
    REASON_DISCONNECT,
    REASON_FOK,
    REASON_FUNDS,
    REASON_IOC,
    REASON_KILL_SWITCH,
    REASON_MARGIN,
    REASON_MASS,
    REASON_MMP,
    REASON_NO_LIQUIDITY,
    REASON_OCO,
    REASON_PHASE,
    REASON_POSITION_LIMIT,
    REASON_POST_ONLY,
    REASON_PROTECTION,
    REASON_REDUCE_ONLY,
    REASON_STP,
    REASON_TEXTS,
    REASON_USER,
    TRADE_AUCTION,
    TRADE_BUST,
    TRADE_COMBO,
    TRADE_COMBO_LEG,
    TRADE_IMPLIED,
    TRIGGER_UP,
)
from domain.events import OrderState, Trade
from domain.instruments import format_scaled
from domain.units import NS_PER_MS
from gateway.codec import text_json
from gateway.instrument_view import DIRECTIONS, InstrumentView
from gateway.quote_params import set_name

STATES: Final = ("", "open", "filled", "cancelled", "rejected", "untriggered", "open")  # a parked peg is open, unseen
TIMES_IN_FORCE: Final = {IOC: "immediate_or_cancel", FOK: "fill_or_kill", DAY: "good_til_day"}
REFERENCES: Final = ("last_price", "mark_price", "index_price")
PEGS: Final = ("", "best_bid", "best_ask", "mid")
CANCEL_REASONS: Final = {  # the dialect's words where it has one; others are our own (REASON_TEXTS)
    REASON_USER: "user_request",
    REASON_MASS: "user_request",
    REASON_DISCONNECT: "cancel_on_disconnect",
    REASON_MARGIN: "risk_mitigation",
    REASON_MMP: "mmp_trigger",
    REASON_OCO: "oco_other_closed",
    REASON_KILL_SWITCH: "kill_switch",
}
_BOOLS: Final = ("false", "true")
_ENTERED: Final = frozenset(
    {
        REASON_IOC, REASON_FOK, REASON_NO_LIQUIDITY, REASON_PROTECTION, REASON_STP, REASON_BUDGET, REASON_BAND,
        REASON_POST_ONLY, REASON_BOOK_FULL, REASON_PHASE, REASON_FUNDS, REASON_POSITION_LIMIT, REASON_REDUCE_ONLY,
    }
)  # fmt: skip
_TRADE_MARKS: Final = (
    (TRADE_AUCTION, "x_auction"),
    (TRADE_IMPLIED, "x_implied"),
    (TRADE_COMBO, "x_combo"),
    (TRADE_COMBO_LEG, "x_combo_leg"),
    (TRADE_BUST, "x_bust"),
)
_REQUESTS: Final = {ORDER_WAITING: "trigger:new", ORDER_CANCELLED: "trigger:cancel"}


def order_word(order: OrderState) -> str:
    """The dialect's order type. A triggered order keeps the word it was placed with."""
    plain = "market" if order.order_type == MARKET else "limit"
    if order.trail_ticks or order.trail_bps:
        return "trailing_stop"
    if not order.trigger:
        return plain
    return f"{'stop' if (order.trigger == TRIGGER_UP) == (order.side == BUY) else 'take'}_{plain}"


def cancel_word(reason: int) -> str:
    """Why an order ended, in the dialect's words where it has one."""
    return CANCEL_REASONS.get(reason) or REASON_TEXTS[reason]


def order_json(view: InstrumentView, order: OrderState, quote_scale: int) -> str:
    """One order's full state. `quote_scale` = ledger units per unit of the quote asset. Cost: a few microseconds; what
    only some orders have is looked at only for those."""
    market = order.order_type == MARKET
    label = text_json(order.label) if order.label else '""'
    waits = order.trigger or order.trail_ticks or order.trail_bps
    word = order_word(order) if waits else "market" if market else "limit"
    more = ""
    if waits or order.display_lots or order.peg or order.mmp or order.quote or order.oco:
        more = _special_fields(view, order)
    rare = order.client_id or order.prevented_lots or order.order_type == MARKET_TO_LIMIT
    if rare or order.time_in_force in (GTD, GFA):
        more += _rare_fields(view, order)
    if order.state == ORDER_CANCELLED:
        more += f',"cancel_reason":"{cancel_word(order.reason)}"'
    return (
        f'{{"order_id":"{view.order_prefix}{order.order_id}","instrument_name":"{view.name}",'
        f'"order_state":"{STATES[order.state]}","order_type":"{word}",'
        f'"direction":"{DIRECTIONS[order.side]}",'
        f'"price":{chr(34) + "market_price" + chr(34) if market else view.price(order.price_ticks)},'
        f'"amount":{view.amount(order.total_lots)},"contracts":{view.amount(order.total_lots)},'
        f'"filled_amount":{view.amount(order.filled_lots)},'
        f'"average_price":{view.average_price(order.notional_ticks, order.filled_lots)},'
        f'"commission":{format_scaled(order.fee, quote_scale)},'
        f'"time_in_force":"{TIMES_IN_FORCE.get(order.time_in_force, "good_til_cancelled")}",'
        f'"post_only":{_BOOLS[order.post_only != 0]},"reject_post_only":{_BOOLS[order.post_only == POST_ONLY_REJECT]},'
        f'"reduce_only":{_BOOLS[order.reduce_only & 1]},"replaced":{_BOOLS[order.amended & 1]},'
        f'"label":{label},"api":true,"web":false,"is_liquidation":false,'
        f'"mmp":{_BOOLS[order.mmp != 0]},'
        f'"max_show":{view.amount(order.display_lots or order.total_lots)},'
        f'"creation_timestamp":{order.created_ns // NS_PER_MS},"last_update_timestamp":{order.updated_ns // NS_PER_MS}'
        f"{more}}}"
    )


def _special_fields(view: InstrumentView, order: OrderState) -> str:
    """Members of orders that wait, show less, follow, are linked or belong to a group."""
    text = ""
    if order.trigger or order.trail_ticks or order.trail_bps:
        text += f',"triggered":{_BOOLS[_was_triggered(order)]},"trigger":"{REFERENCES[order.reference]}"'
        if order.trigger:
            price = view.price(order.trigger_ticks)
            text += f',"trigger_price":{price},"stop_price":{price}'  # the older name is what some clients read
        if order.trail_ticks:
            text += f',"trigger_offset":{view.price(order.trail_ticks)}'
        elif order.trail_bps:
            text += f',"x_trigger_offset_bps":{order.trail_bps}'
        text += f',"trigger_order_id":"{view.order_prefix}{order.order_id}"'
    if order.display_lots:
        text += f',"refresh_amount":{view.amount(order.display_lots)},"display_amount":{view.amount(order.shown_lots)}'
    if order.peg:
        text += f',"x_peg":{{"reference":"{PEGS[order.peg]}","offset":{view.price(order.peg_offset)}}}'
        text += f',"x_parked":{_BOOLS[order.state == ORDER_PARKED]}'
    if order.mmp:
        text += f',"mmp_group":"{order.mmp}","mmp_cancelled":{_BOOLS[order.reason == REASON_MMP]}'
    if order.quote:
        text += f',"quote":true,"quote_set_id":{text_json(set_name(order.quote_set))}'
    if order.oco:
        text += f',"oco_ref":"{view.order_prefix}{order.oco}"'
    return text


def _was_triggered(order: OrderState) -> bool:
    """Of an order that was taken away without a fill the frame does not say whether it still waited; then only reasons
    that an order meets on entering tell that it had been triggered."""
    if order.state != ORDER_CANCELLED or order.filled_lots:
        return order.state != ORDER_WAITING
    return order.reason in _ENTERED


def _rare_fields(view: InstrumentView, order: OrderState) -> str:
    text = ""
    if order.order_type == MARKET_TO_LIMIT:
        text += ',"original_order_type":"market_limit"'
    if order.time_in_force == GTD:
        text += f',"x_expire_timestamp":{order.expire_ns // NS_PER_MS}'
    elif order.time_in_force == GFA:
        text += ',"x_good_for_auction":true'
    if order.client_id:
        text += f',"x_client_order_id":{text_json(order.client_id)}'
    if order.prevented_lots:
        text += f',"x_prevented_amount":{view.amount(order.prevented_lots)}'
    return text


def trigger_entry_json(view: InstrumentView, order: OrderState) -> str:
    """One entry of private/get_trigger_order_history."""
    market = order.order_type == MARKET
    return (
        f'{{"order_id":"{view.order_prefix}{order.order_id}","instrument_name":"{view.name}",'
        f'"order_state":"{STATES[order.state]}","order_type":"{"market" if market else "limit"}",'
        f'"x_order_type":"{order_word(order)}","direction":"{DIRECTIONS[order.side]}",'
        f'"price":{chr(34) + "market_price" + chr(34) if market else view.price(order.price_ticks)},'
        f'"amount":{view.amount(order.total_lots)},"label":{text_json(order.label)},'
        f'"post_only":{_BOOLS[order.post_only != 0]},"reduce_only":{_BOOLS[order.reduce_only & 1]},'
        f'"request":"{_REQUESTS.get(order.state, "trigger:order")}","source":"api",'
        f'"timestamp":{order.updated_ns // NS_PER_MS},"last_update_timestamp":{order.updated_ns // NS_PER_MS}'
        f"{_special_fields(view, order)}}}"
    )


def public_trade_json(view: InstrumentView, trade: Trade, time_ns: int) -> str:
    """One match as everybody may see it."""
    return (
        f'{{"trade_id":"{trade.trade_id}","trade_seq":{trade.trade_seq},"instrument_name":"{view.name}",'
        f'"timestamp":{time_ns // NS_PER_MS},"direction":"{DIRECTIONS[trade.taker_side]}",'
        f'"price":{view.price(trade.price_ticks)},"amount":{view.amount(trade.quantity_lots)},'
        f'"contracts":{view.amount(trade.quantity_lots)},"tick_direction":{trade.tick_direction},'
        f'"mark_price":{view.price(trade.mark_ticks)},"index_price":{view.price(trade.index_ticks)}'
        f"{trade_marks(trade.flags)}}}"
    )


def trade_marks(flags: int) -> str:
    """Members that say how a trade came about; nothing for one taker meeting one maker."""
    if not flags:
        return ""
    return "".join(f',"{name}":true' for bit, name in _TRADE_MARKS if flags & bit)


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
            f'"label":{label},"post_only":{_BOOLS[order.post_only != 0]},"reduce_only":{_BOOLS[order.reduce_only & 1]},'
        )
    return (
        f'{{"trade_id":"{trade.trade_id}","trade_seq":{trade.trade_seq},"instrument_name":"{view.name}",'
        f'"timestamp":{time_ns // NS_PER_MS},"direction":"{DIRECTIONS[side]}",'
        f'"price":{view.price(trade.price_ticks)},"amount":{view.amount(trade.quantity_lots)},'
        f'"contracts":{view.amount(trade.quantity_lots)},"order_id":"{view.order_prefix}{order_id}",{about_order}'
        f'"liquidity":"{"M" if maker else "T"}","fee":{format_scaled(fee, quote_scale)},'
        f'"fee_currency":"{view.instrument.quote}","tick_direction":{trade.tick_direction},'
        f'"mark_price":{view.price(trade.mark_ticks)},"index_price":{view.price(trade.index_ticks)},'
        f'"self_trade":{_BOOLS[trade.maker_account == trade.taker_account]},"matching_id":null,"api":true'
        f"{trade_marks(trade.flags)}}}"
    )
