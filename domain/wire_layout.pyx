# cython: language_level=3
"""What the C compiler made of the wire and of the arithmetic, for the tests that compare it with the Python view.

Lives here: sizes and offsets of every field of the packed records, and doors to the checked C arithmetic of fixed.h.
Does not know: what a field means.
"""
from libc.stdint cimport int64_t

from domain.cfixed cimport fixed_add, fixed_mul, fixed_mul_div_ceil, fixed_mul_div_floor
from domain.wire cimport (amend_order_t, cancel_all_t, cancel_order_t, command_event_t, command_header_t,
                          depth_event_t, l3_event_t, mark_event_t, mmp_event_t, new_order_t, order_event_t,
                          order_terms_t, phase_event_t, trade_event_t)

SIZES = {
    "command_header_t": sizeof(command_header_t),
    "new_order_t": sizeof(new_order_t),
    "order_terms_t": sizeof(order_terms_t),
    "cancel_order_t": sizeof(cancel_order_t),
    "amend_order_t": sizeof(amend_order_t),
    "cancel_all_t": sizeof(cancel_all_t),
    "command_event_t": sizeof(command_event_t),
    "order_event_t": sizeof(order_event_t),
    "trade_event_t": sizeof(trade_event_t),
    "depth_event_t": sizeof(depth_event_t),
    "mark_event_t": sizeof(mark_event_t),
    "l3_event_t": sizeof(l3_event_t),
    "phase_event_t": sizeof(phase_event_t),
    "mmp_event_t": sizeof(mmp_event_t),
}


cdef field(const void *record, const void *at, size_t size, str name):
    return name, <const char *>at - <const char *>record, size


def fields():
    """{struct: [(field, offset, bytes)]} in order of declaration; fields of a header come first, padding is named too."""
    cdef command_header_t command_header
    cdef new_order_t new_order
    cdef order_terms_t order_terms
    cdef cancel_order_t cancel_order
    cdef amend_order_t amend_order
    cdef cancel_all_t cancel_all
    cdef command_event_t command_event
    cdef order_event_t order_event
    cdef trade_event_t trade_event
    cdef depth_event_t depth_event
    cdef mark_event_t mark_event
    cdef l3_event_t l3_event
    cdef phase_event_t phase_event
    cdef mmp_event_t mmp_event
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
        "order_terms_t": [
            field(&order_terms, &order_terms.display_lots, sizeof(order_terms.display_lots), "display_lots"),
            field(&order_terms, &order_terms.budget, sizeof(order_terms.budget), "budget"),
            field(&order_terms, &order_terms.trigger_ticks, sizeof(order_terms.trigger_ticks), "trigger_ticks"),
            field(&order_terms, &order_terms.trail_ticks, sizeof(order_terms.trail_ticks), "trail_ticks"),
            field(&order_terms, &order_terms.expire_ns, sizeof(order_terms.expire_ns), "expire_ns"),
            field(&order_terms, &order_terms.oco, sizeof(order_terms.oco), "oco"),
            field(&order_terms, &order_terms.quote_set, sizeof(order_terms.quote_set), "quote_set"),
            field(&order_terms, &order_terms.peg_offset, sizeof(order_terms.peg_offset), "peg_offset"),
            field(&order_terms, &order_terms.trail_bps, sizeof(order_terms.trail_bps), "trail_bps"),
            field(&order_terms, &order_terms.trigger, sizeof(order_terms.trigger), "trigger"),
            field(&order_terms, &order_terms.reference, sizeof(order_terms.reference), "reference"),
            field(&order_terms, &order_terms.peg, sizeof(order_terms.peg), "peg"),
            field(&order_terms, &order_terms.mmp, sizeof(order_terms.mmp), "mmp"),
            field(&order_terms, &order_terms.quote, sizeof(order_terms.quote), "quote"),
            field(&order_terms, &order_terms.client_id_bytes, sizeof(order_terms.client_id_bytes), "client_id_bytes"),
            field(&order_terms, &order_terms.key, sizeof(order_terms.key), "key"),
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
            field(&amend_order, &amend_order.trigger_ticks, sizeof(amend_order.trigger_ticks), "trigger_ticks"),
            field(&amend_order, &amend_order.post_only, sizeof(amend_order.post_only), "post_only"),
            field(&amend_order, &amend_order.mode, sizeof(amend_order.mode), "mode"),
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
            field(&cancel_all, &cancel_all.ranged, sizeof(cancel_all.ranged), "ranged"),
            field(&cancel_all, &cancel_all.label_bytes, sizeof(cancel_all.label_bytes), "label_bytes"),
            field(&cancel_all, &cancel_all.only_quotes, sizeof(cancel_all.only_quotes), "only_quotes"),
            field(&cancel_all, &cancel_all.mmp, sizeof(cancel_all.mmp), "mmp"),
            field(&cancel_all, &cancel_all.price_low_ticks, sizeof(cancel_all.price_low_ticks), "price_low_ticks"),
            field(&cancel_all, &cancel_all.price_high_ticks, sizeof(cancel_all.price_high_ticks), "price_high_ticks"),
            field(&cancel_all, &cancel_all.quote_set, sizeof(cancel_all.quote_set), "quote_set"),
            field(&cancel_all, &cancel_all.in_set, sizeof(cancel_all.in_set), "in_set"),
            field(&cancel_all, &cancel_all.padding_end, sizeof(cancel_all.padding_end), "padding_end"),
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
            field(&order_event, &order_event.peg_offset, sizeof(order_event.peg_offset), "peg_offset"),
            field(&order_event, &order_event.display_lots, sizeof(order_event.display_lots), "display_lots"),
            field(&order_event, &order_event.shown_lots, sizeof(order_event.shown_lots), "shown_lots"),
            field(&order_event, &order_event.trigger_ticks, sizeof(order_event.trigger_ticks), "trigger_ticks"),
            field(&order_event, &order_event.trail_ticks, sizeof(order_event.trail_ticks), "trail_ticks"),
            field(&order_event, &order_event.expire_ns, sizeof(order_event.expire_ns), "expire_ns"),
            field(&order_event, &order_event.prevented_lots, sizeof(order_event.prevented_lots), "prevented_lots"),
            field(&order_event, &order_event.oco, sizeof(order_event.oco), "oco"),
            field(&order_event, &order_event.quote_set, sizeof(order_event.quote_set), "quote_set"),
            field(&order_event, &order_event.trail_bps, sizeof(order_event.trail_bps), "trail_bps"),
            field(&order_event, &order_event.trigger, sizeof(order_event.trigger), "trigger"),
            field(&order_event, &order_event.reference, sizeof(order_event.reference), "reference"),
            field(&order_event, &order_event.peg, sizeof(order_event.peg), "peg"),
            field(&order_event, &order_event.mmp, sizeof(order_event.mmp), "mmp"),
            field(&order_event, &order_event.quote, sizeof(order_event.quote), "quote"),
            field(&order_event, &order_event.client_id_bytes, sizeof(order_event.client_id_bytes), "client_id_bytes"),
            field(&order_event, &order_event.padding_end, sizeof(order_event.padding_end), "padding_end"),
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
            field(&trade_event, &trade_event.trade_flags, sizeof(trade_event.trade_flags), "trade_flags"),
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
        "l3_event_t": [
            field(&l3_event, &l3_event.header.length_bytes, sizeof(l3_event.header.length_bytes), "header.length_bytes"),
            field(&l3_event, &l3_event.header.kind, sizeof(l3_event.header.kind), "header.kind"),
            field(&l3_event, &l3_event.header.flags, sizeof(l3_event.header.flags), "header.flags"),
            field(&l3_event, &l3_event.instrument, sizeof(l3_event.instrument), "instrument"),
            field(&l3_event, &l3_event.side, sizeof(l3_event.side), "side"),
            field(&l3_event, &l3_event.kind, sizeof(l3_event.kind), "kind"),
            field(&l3_event, &l3_event.padding, sizeof(l3_event.padding), "padding"),
            field(&l3_event, &l3_event.order_id, sizeof(l3_event.order_id), "order_id"),
            field(&l3_event, &l3_event.price_ticks, sizeof(l3_event.price_ticks), "price_ticks"),
            field(&l3_event, &l3_event.shown_lots, sizeof(l3_event.shown_lots), "shown_lots"),
            field(&l3_event, &l3_event.l3_seq, sizeof(l3_event.l3_seq), "l3_seq"),
        ],
        "phase_event_t": [
            field(&phase_event, &phase_event.header.length_bytes, sizeof(phase_event.header.length_bytes), "header.length_bytes"),
            field(&phase_event, &phase_event.header.kind, sizeof(phase_event.header.kind), "header.kind"),
            field(&phase_event, &phase_event.header.flags, sizeof(phase_event.header.flags), "header.flags"),
            field(&phase_event, &phase_event.instrument, sizeof(phase_event.instrument), "instrument"),
            field(&phase_event, &phase_event.phase, sizeof(phase_event.phase), "phase"),
            field(&phase_event, &phase_event.padding, sizeof(phase_event.padding), "padding"),
            field(&phase_event, &phase_event.until_ns, sizeof(phase_event.until_ns), "until_ns"),
            field(&phase_event, &phase_event.price_ticks, sizeof(phase_event.price_ticks), "price_ticks"),
            field(&phase_event, &phase_event.volume_lots, sizeof(phase_event.volume_lots), "volume_lots"),
            field(&phase_event, &phase_event.surplus_lots, sizeof(phase_event.surplus_lots), "surplus_lots"),
        ],
        "mmp_event_t": [
            field(&mmp_event, &mmp_event.header.length_bytes, sizeof(mmp_event.header.length_bytes), "header.length_bytes"),
            field(&mmp_event, &mmp_event.header.kind, sizeof(mmp_event.header.kind), "header.kind"),
            field(&mmp_event, &mmp_event.header.flags, sizeof(mmp_event.header.flags), "header.flags"),
            field(&mmp_event, &mmp_event.account, sizeof(mmp_event.account), "account"),
            field(&mmp_event, &mmp_event.group, sizeof(mmp_event.group), "group"),
            field(&mmp_event, &mmp_event.frozen_until_ns, sizeof(mmp_event.frozen_until_ns), "frozen_until_ns"),
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
