# cython: language_level=3
"""What the C compiler made of the wire and of the arithmetic, for the tests that compare it with the Python view.

Lives here: sizes and offsets of every field of the packed records, and doors to the checked C arithmetic of fixed.h.
Does not know: what a field means.
"""
from libc.stdint cimport int64_t

from domain.cfixed cimport fixed_add, fixed_mul, fixed_mul_div_ceil, fixed_mul_div_floor
from domain.wire cimport (amend_order_t, cancel_all_t, cancel_order_t, command_event_t, command_header_t,
                          depth_event_t, mark_event_t, new_order_t, order_event_t, trade_event_t)

SIZES = {
    "command_header_t": sizeof(command_header_t),
    "new_order_t": sizeof(new_order_t),
    "cancel_order_t": sizeof(cancel_order_t),
    "amend_order_t": sizeof(amend_order_t),
    "cancel_all_t": sizeof(cancel_all_t),
    "command_event_t": sizeof(command_event_t),
    "order_event_t": sizeof(order_event_t),
    "trade_event_t": sizeof(trade_event_t),
    "depth_event_t": sizeof(depth_event_t),
    "mark_event_t": sizeof(mark_event_t),
}


cdef field(const void *record, const void *at, size_t size, str name):
    return name, <const char *>at - <const char *>record, size


def fields():
    """{struct: [(field, offset, bytes)]} in order of declaration; fields of a header come first, padding is named too."""
    cdef command_header_t command_header
    cdef new_order_t new_order
    cdef cancel_order_t cancel_order
    cdef amend_order_t amend_order
    cdef cancel_all_t cancel_all
    cdef command_event_t command_event
    cdef order_event_t order_event
    cdef trade_event_t trade_event
    cdef depth_event_t depth_event
    cdef mark_event_t mark_event
    return {
        "command_header_t": [
            field(&command_header, &command_header.length_bytes, sizeof(command_header.length_bytes), "length_bytes"),
            field(&command_header, &command_header.kind, sizeof(command_header.kind), "kind"),
            field(&command_header, &command_header.flags, sizeof(command_header.flags), "flags"),
            field(&command_header, &command_header.sequence, sizeof(command_header.sequence), "sequence"),
            field(&command_header, &command_header.time_ns, sizeof(command_header.time_ns), "time_ns"),
            field(&command_header, &command_header.origin, sizeof(command_header.origin), "origin"),
            field(&command_header, &command_header.request, sizeof(command_header.request), "request"),
        ],
        "new_order_t": [
            field(&new_order, &new_order.header.length_bytes, sizeof(new_order.header.length_bytes), "header.length_bytes"),
            field(&new_order, &new_order.header.kind, sizeof(new_order.header.kind), "header.kind"),
            field(&new_order, &new_order.header.flags, sizeof(new_order.header.flags), "header.flags"),
            field(&new_order, &new_order.header.sequence, sizeof(new_order.header.sequence), "header.sequence"),
            field(&new_order, &new_order.header.time_ns, sizeof(new_order.header.time_ns), "header.time_ns"),
            field(&new_order, &new_order.header.origin, sizeof(new_order.header.origin), "header.origin"),
            field(&new_order, &new_order.header.request, sizeof(new_order.header.request), "header.request"),
            field(&new_order, &new_order.account, sizeof(new_order.account), "account"),
            field(&new_order, &new_order.instrument, sizeof(new_order.instrument), "instrument"),
            field(&new_order, &new_order.price_ticks, sizeof(new_order.price_ticks), "price_ticks"),
            field(&new_order, &new_order.quantity_lots, sizeof(new_order.quantity_lots), "quantity_lots"),
            field(&new_order, &new_order.valid_until_ns, sizeof(new_order.valid_until_ns), "valid_until_ns"),
            field(&new_order, &new_order.side, sizeof(new_order.side), "side"),
            field(&new_order, &new_order.order_type, sizeof(new_order.order_type), "order_type"),
            field(&new_order, &new_order.time_in_force, sizeof(new_order.time_in_force), "time_in_force"),
            field(&new_order, &new_order.stp, sizeof(new_order.stp), "stp"),
            field(&new_order, &new_order.post_only, sizeof(new_order.post_only), "post_only"),
            field(&new_order, &new_order.reduce_only, sizeof(new_order.reduce_only), "reduce_only"),
            field(&new_order, &new_order.cancel_on_disconnect, sizeof(new_order.cancel_on_disconnect), "cancel_on_disconnect"),
            field(&new_order, &new_order.label_bytes, sizeof(new_order.label_bytes), "label_bytes"),
        ],
        "cancel_order_t": [
            field(&cancel_order, &cancel_order.header.length_bytes, sizeof(cancel_order.header.length_bytes), "header.length_bytes"),
            field(&cancel_order, &cancel_order.header.kind, sizeof(cancel_order.header.kind), "header.kind"),
            field(&cancel_order, &cancel_order.header.flags, sizeof(cancel_order.header.flags), "header.flags"),
            field(&cancel_order, &cancel_order.header.sequence, sizeof(cancel_order.header.sequence), "header.sequence"),
            field(&cancel_order, &cancel_order.header.time_ns, sizeof(cancel_order.header.time_ns), "header.time_ns"),
            field(&cancel_order, &cancel_order.header.origin, sizeof(cancel_order.header.origin), "header.origin"),
            field(&cancel_order, &cancel_order.header.request, sizeof(cancel_order.header.request), "header.request"),
            field(&cancel_order, &cancel_order.account, sizeof(cancel_order.account), "account"),
            field(&cancel_order, &cancel_order.market, sizeof(cancel_order.market), "market"),
            field(&cancel_order, &cancel_order.order_id, sizeof(cancel_order.order_id), "order_id"),
        ],
        "amend_order_t": [
            field(&amend_order, &amend_order.header.length_bytes, sizeof(amend_order.header.length_bytes), "header.length_bytes"),
            field(&amend_order, &amend_order.header.kind, sizeof(amend_order.header.kind), "header.kind"),
            field(&amend_order, &amend_order.header.flags, sizeof(amend_order.header.flags), "header.flags"),
            field(&amend_order, &amend_order.header.sequence, sizeof(amend_order.header.sequence), "header.sequence"),
            field(&amend_order, &amend_order.header.time_ns, sizeof(amend_order.header.time_ns), "header.time_ns"),
            field(&amend_order, &amend_order.header.origin, sizeof(amend_order.header.origin), "header.origin"),
            field(&amend_order, &amend_order.header.request, sizeof(amend_order.header.request), "header.request"),
            field(&amend_order, &amend_order.account, sizeof(amend_order.account), "account"),
            field(&amend_order, &amend_order.market, sizeof(amend_order.market), "market"),
            field(&amend_order, &amend_order.order_id, sizeof(amend_order.order_id), "order_id"),
            field(&amend_order, &amend_order.price_ticks, sizeof(amend_order.price_ticks), "price_ticks"),
            field(&amend_order, &amend_order.total_lots, sizeof(amend_order.total_lots), "total_lots"),
            field(&amend_order, &amend_order.valid_until_ns, sizeof(amend_order.valid_until_ns), "valid_until_ns"),
            field(&amend_order, &amend_order.post_only, sizeof(amend_order.post_only), "post_only"),
            field(&amend_order, &amend_order.padding_end, sizeof(amend_order.padding_end), "padding_end"),
        ],
        "cancel_all_t": [
            field(&cancel_all, &cancel_all.header.length_bytes, sizeof(cancel_all.header.length_bytes), "header.length_bytes"),
            field(&cancel_all, &cancel_all.header.kind, sizeof(cancel_all.header.kind), "header.kind"),
            field(&cancel_all, &cancel_all.header.flags, sizeof(cancel_all.header.flags), "header.flags"),
            field(&cancel_all, &cancel_all.header.sequence, sizeof(cancel_all.header.sequence), "header.sequence"),
            field(&cancel_all, &cancel_all.header.time_ns, sizeof(cancel_all.header.time_ns), "header.time_ns"),
            field(&cancel_all, &cancel_all.header.origin, sizeof(cancel_all.header.origin), "header.origin"),
            field(&cancel_all, &cancel_all.header.request, sizeof(cancel_all.header.request), "header.request"),
            field(&cancel_all, &cancel_all.account, sizeof(cancel_all.account), "account"),
            field(&cancel_all, &cancel_all.instrument, sizeof(cancel_all.instrument), "instrument"),
            field(&cancel_all, &cancel_all.asset, sizeof(cancel_all.asset), "asset"),
            field(&cancel_all, &cancel_all.instrument_kind, sizeof(cancel_all.instrument_kind), "instrument_kind"),
            field(&cancel_all, &cancel_all.side, sizeof(cancel_all.side), "side"),
            field(&cancel_all, &cancel_all.padding, sizeof(cancel_all.padding), "padding"),
        ],
        "command_event_t": [
            field(&command_event, &command_event.header.length_bytes, sizeof(command_event.header.length_bytes), "header.length_bytes"),
            field(&command_event, &command_event.header.kind, sizeof(command_event.header.kind), "header.kind"),
            field(&command_event, &command_event.header.flags, sizeof(command_event.header.flags), "header.flags"),
            field(&command_event, &command_event.sequence, sizeof(command_event.sequence), "sequence"),
            field(&command_event, &command_event.time_ns, sizeof(command_event.time_ns), "time_ns"),
            field(&command_event, &command_event.origin, sizeof(command_event.origin), "origin"),
            field(&command_event, &command_event.request, sizeof(command_event.request), "request"),
            field(&command_event, &command_event.account, sizeof(command_event.account), "account"),
            field(&command_event, &command_event.command_kind, sizeof(command_event.command_kind), "command_kind"),
            field(&command_event, &command_event.events, sizeof(command_event.events), "events"),
            field(&command_event, &command_event.code, sizeof(command_event.code), "code"),
            field(&command_event, &command_event.detail, sizeof(command_event.detail), "detail"),
            field(&command_event, &command_event.value, sizeof(command_event.value), "value"),
        ],
        "order_event_t": [
            field(&order_event, &order_event.header.length_bytes, sizeof(order_event.header.length_bytes), "header.length_bytes"),
            field(&order_event, &order_event.header.kind, sizeof(order_event.header.kind), "header.kind"),
            field(&order_event, &order_event.header.flags, sizeof(order_event.header.flags), "header.flags"),
            field(&order_event, &order_event.order_id, sizeof(order_event.order_id), "order_id"),
            field(&order_event, &order_event.origin, sizeof(order_event.origin), "origin"),
            field(&order_event, &order_event.account, sizeof(order_event.account), "account"),
            field(&order_event, &order_event.instrument, sizeof(order_event.instrument), "instrument"),
            field(&order_event, &order_event.price_ticks, sizeof(order_event.price_ticks), "price_ticks"),
            field(&order_event, &order_event.total_lots, sizeof(order_event.total_lots), "total_lots"),
            field(&order_event, &order_event.filled_lots, sizeof(order_event.filled_lots), "filled_lots"),
            field(&order_event, &order_event.notional_ticks, sizeof(order_event.notional_ticks), "notional_ticks"),
            field(&order_event, &order_event.fee, sizeof(order_event.fee), "fee"),
            field(&order_event, &order_event.created_ns, sizeof(order_event.created_ns), "created_ns"),
            field(&order_event, &order_event.updated_ns, sizeof(order_event.updated_ns), "updated_ns"),
            field(&order_event, &order_event.side, sizeof(order_event.side), "side"),
            field(&order_event, &order_event.order_type, sizeof(order_event.order_type), "order_type"),
            field(&order_event, &order_event.time_in_force, sizeof(order_event.time_in_force), "time_in_force"),
            field(&order_event, &order_event.stp, sizeof(order_event.stp), "stp"),
            field(&order_event, &order_event.post_only, sizeof(order_event.post_only), "post_only"),
            field(&order_event, &order_event.reduce_only, sizeof(order_event.reduce_only), "reduce_only"),
            field(&order_event, &order_event.cancel_on_disconnect, sizeof(order_event.cancel_on_disconnect), "cancel_on_disconnect"),
            field(&order_event, &order_event.state, sizeof(order_event.state), "state"),
            field(&order_event, &order_event.reason, sizeof(order_event.reason), "reason"),
            field(&order_event, &order_event.label_bytes, sizeof(order_event.label_bytes), "label_bytes"),
            field(&order_event, &order_event.amended, sizeof(order_event.amended), "amended"),
            field(&order_event, &order_event.padding, sizeof(order_event.padding), "padding"),
        ],
        "trade_event_t": [
            field(&trade_event, &trade_event.header.length_bytes, sizeof(trade_event.header.length_bytes), "header.length_bytes"),
            field(&trade_event, &trade_event.header.kind, sizeof(trade_event.header.kind), "header.kind"),
            field(&trade_event, &trade_event.header.flags, sizeof(trade_event.header.flags), "header.flags"),
            field(&trade_event, &trade_event.trade_id, sizeof(trade_event.trade_id), "trade_id"),
            field(&trade_event, &trade_event.trade_seq, sizeof(trade_event.trade_seq), "trade_seq"),
            field(&trade_event, &trade_event.instrument, sizeof(trade_event.instrument), "instrument"),
            field(&trade_event, &trade_event.taker_side, sizeof(trade_event.taker_side), "taker_side"),
            field(&trade_event, &trade_event.tick_direction, sizeof(trade_event.tick_direction), "tick_direction"),
            field(&trade_event, &trade_event.padding, sizeof(trade_event.padding), "padding"),
            field(&trade_event, &trade_event.maker_order_id, sizeof(trade_event.maker_order_id), "maker_order_id"),
            field(&trade_event, &trade_event.taker_order_id, sizeof(trade_event.taker_order_id), "taker_order_id"),
            field(&trade_event, &trade_event.maker_account, sizeof(trade_event.maker_account), "maker_account"),
            field(&trade_event, &trade_event.taker_account, sizeof(trade_event.taker_account), "taker_account"),
            field(&trade_event, &trade_event.price_ticks, sizeof(trade_event.price_ticks), "price_ticks"),
            field(&trade_event, &trade_event.quantity_lots, sizeof(trade_event.quantity_lots), "quantity_lots"),
            field(&trade_event, &trade_event.maker_fee, sizeof(trade_event.maker_fee), "maker_fee"),
            field(&trade_event, &trade_event.taker_fee, sizeof(trade_event.taker_fee), "taker_fee"),
            field(&trade_event, &trade_event.mark_ticks, sizeof(trade_event.mark_ticks), "mark_ticks"),
            field(&trade_event, &trade_event.index_ticks, sizeof(trade_event.index_ticks), "index_ticks"),
        ],
        "depth_event_t": [
            field(&depth_event, &depth_event.header.length_bytes, sizeof(depth_event.header.length_bytes), "header.length_bytes"),
            field(&depth_event, &depth_event.header.kind, sizeof(depth_event.header.kind), "header.kind"),
            field(&depth_event, &depth_event.header.flags, sizeof(depth_event.header.flags), "header.flags"),
            field(&depth_event, &depth_event.instrument, sizeof(depth_event.instrument), "instrument"),
            field(&depth_event, &depth_event.side, sizeof(depth_event.side), "side"),
            field(&depth_event, &depth_event.padding, sizeof(depth_event.padding), "padding"),
            field(&depth_event, &depth_event.price_ticks, sizeof(depth_event.price_ticks), "price_ticks"),
            field(&depth_event, &depth_event.quantity_lots, sizeof(depth_event.quantity_lots), "quantity_lots"),
        ],
        "mark_event_t": [
            field(&mark_event, &mark_event.header.length_bytes, sizeof(mark_event.header.length_bytes), "header.length_bytes"),
            field(&mark_event, &mark_event.header.kind, sizeof(mark_event.header.kind), "header.kind"),
            field(&mark_event, &mark_event.header.flags, sizeof(mark_event.header.flags), "header.flags"),
            field(&mark_event, &mark_event.instrument, sizeof(mark_event.instrument), "instrument"),
            field(&mark_event, &mark_event.padding, sizeof(mark_event.padding), "padding"),
            field(&mark_event, &mark_event.mark_ticks, sizeof(mark_event.mark_ticks), "mark_ticks"),
            field(&mark_event, &mark_event.index_ticks, sizeof(mark_event.index_ticks), "index_ticks"),
        ],
    }


def fixed(str operation, int64_t a, int64_t b, int64_t divisor=1):
    """One of the C operations: mul, add, mul_div_floor, mul_div_ceil. None where it says that the result does not fit."""
    cdef int overflow = 0
    cdef int64_t result
    if operation == "mul":
        result = fixed_mul(a, b, &overflow)
    elif operation == "add":
        result = fixed_add(a, b, &overflow)
    elif operation == "mul_div_floor":
        result = fixed_mul_div_floor(a, b, divisor, &overflow)
    elif operation == "mul_div_ceil":
        result = fixed_mul_div_ceil(a, b, divisor, &overflow)
    else:
        raise ValueError(f"no operation is called {operation!r}")
    return None if overflow else result
