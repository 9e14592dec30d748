"""Writing event frames into the core's buffer. The buffer grows by doubling; a failed growth sets `out_failed`.

Prices of frames are what people see: a combo's are lowered by the bias that its book adds.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from domain.wire cimport (command_event_t, command_header_t, depth_event_t, l3_event_t, mark_event_t, mmp_event_t,
                          order_event_t, phase_event_t, trade_event_t)
from exchange.core cimport core_t, order_info_t, order_more_t

cdef enum:
    EVENT_COMMAND = 1
    EVENT_ORDER = 2
    EVENT_TRADE = 3
    EVENT_DEPTH = 4
    EVENT_MARK = 5
    EVENT_L3 = 6
    EVENT_PHASE = 7
    EVENT_MMP = 8
    ORDER_OPEN = 1
    SPARE_BYTES = 512             # more than any hot frame


cdef inline char *frame_new(core_t *c, size_t length) noexcept nogil:
    """Room for a frame of `length` bytes (a multiple of 8); the caller writes all of it."""
    cdef size_t capacity
    cdef char *grown
    if c.out_used + length + SPARE_BYTES > c.out_capacity:
        capacity = 2 * c.out_capacity + length
        grown = <char *>realloc(c.out, capacity)
        if grown == NULL:
            c.out_failed = 1
            return c.out + c.out_used if length <= SPARE_BYTES else NULL
        c.out = grown
        c.out_capacity = capacity
    grown = c.out + c.out_used
    c.out_used += length
    c.out_frames += 1
    return grown


cdef inline void begin_command(core_t *c, const command_header_t *header, uint32_t account) noexcept nogil:
    """The first frame of a command; `end_command` completes it."""
    cdef command_event_t *event
    c.out_command = c.out_used
    event = <command_event_t *>frame_new(c, sizeof(command_event_t))
    memset(event, 0, sizeof(command_event_t))
    event.header.length_bytes = sizeof(command_event_t)
    event.header.kind = EVENT_COMMAND
    event.sequence = header.sequence
    event.time_ns = header.time_ns
    event.origin = header.origin
    event.request = header.request
    event.account = account
    event.command_kind = header.kind
    c.out_frames = 0


cdef inline void end_command(core_t *c, int32_t code, uint32_t detail, int64_t value) noexcept nogil:
    cdef command_event_t *event = <command_event_t *>(c.out + c.out_command)
    event.code = code
    event.detail = detail
    event.value = value
    event.events = <uint16_t>(c.out_frames if c.out_frames < 65_535 else 65_535)


cdef inline void emit_order(core_t *c, uint64_t order_id, uint32_t account, uint32_t instrument, int side,
                            int64_t price_ticks, int64_t filled_lots, int state, int reason, const order_info_t *info,
                            const order_more_t *more) noexcept nogil:
    """`more` is read only if `info.has_more`; `price_ticks` as people see it."""
    cdef size_t length = sizeof(order_event_t)
    cdef order_event_t *event
    cdef char *text
    if info.has_more:
        length = (length + more.label_bytes + more.client_id_bytes + 7) & ~<size_t>7
    event = <order_event_t *>frame_new(c, length)
    memset(event, 0, length)
    event.header.length_bytes = <uint32_t>length
    event.header.kind = EVENT_ORDER
    event.order_id = order_id
    event.origin = info.origin
    event.account = account
    event.instrument = instrument
    event.price_ticks = price_ticks
    event.total_lots = info.total_lots
    event.filled_lots = filled_lots
    event.notional_ticks = info.notional_ticks
    event.fee = info.fee
    event.created_ns = info.created_ns
    event.updated_ns = info.updated_ns
    event.side = <uint8_t>side
    event.order_type = info.order_type
    event.time_in_force = info.time_in_force
    event.stp = info.stp
    event.post_only = info.post_only
    event.reduce_only = info.reduce_only
    event.cancel_on_disconnect = info.cancel_on_disconnect
    event.state = <uint8_t>state
    event.reason = <uint16_t>reason
    event.amended = info.amended
    event.shown_lots = info.total_lots - filled_lots if state == ORDER_OPEN else 0
    if info.has_more:
        emit_more(event, more)
        text = <char *>event + sizeof(order_event_t)
        memcpy(text, more.label, more.label_bytes)
        memcpy(text + more.label_bytes, more.client_id, more.client_id_bytes)


cdef inline void emit_more(order_event_t *event, const order_more_t *more) noexcept nogil:
    event.label_bytes = more.label_bytes
    event.client_id_bytes = more.client_id_bytes
    event.display_lots = more.display_lots
    if more.display_lots != 0 and event.shown_lots != 0:
        event.shown_lots = more.shown_lots
    event.trigger_ticks = more.trigger_ticks
    event.trail_ticks = more.trail_ticks
    event.trail_bps = more.trail_bps
    event.expire_ns = more.expire_ns
    event.prevented_lots = more.prevented_lots
    event.oco = more.oco
    event.quote_set = more.quote_set
    event.peg_offset = more.peg_offset
    event.trigger = more.trigger
    event.reference = more.reference
    event.peg = more.peg
    event.mmp = more.mmp
    event.quote = more.quote


cdef inline void emit_depth(core_t *c, uint32_t instrument, int side, int64_t price_ticks,
                            int64_t quantity_lots) noexcept nogil:
    cdef depth_event_t *event = <depth_event_t *>frame_new(c, sizeof(depth_event_t))
    event.header.length_bytes = sizeof(depth_event_t)
    event.header.kind = EVENT_DEPTH
    event.header.flags = 0
    event.instrument = instrument
    event.side = <uint8_t>side
    memset(event.padding, 0, 3)
    event.price_ticks = price_ticks - c.contracts[instrument].bias_ticks
    event.quantity_lots = quantity_lots


cdef inline void emit_l3(core_t *c, uint32_t instrument, int side, int kind, uint64_t order_id, int64_t price_ticks,
                         int64_t shown_lots) noexcept nogil:
    """One change of what a level shows; numbered per instrument without gaps."""
    cdef l3_event_t *event = <l3_event_t *>frame_new(c, sizeof(l3_event_t))
    event.header.length_bytes = sizeof(l3_event_t)
    event.header.kind = EVENT_L3
    event.header.flags = 0
    event.instrument = instrument
    event.side = <uint8_t>side
    event.kind = <uint8_t>kind
    event.padding = 0
    event.order_id = order_id
    event.price_ticks = price_ticks - c.contracts[instrument].bias_ticks
    event.shown_lots = shown_lots
    c.tapes[instrument].l3_seq += 1
    event.l3_seq = c.tapes[instrument].l3_seq


cdef inline trade_event_t *emit_trade(core_t *c) noexcept nogil:
    """A trade frame for the caller to fill."""
    cdef trade_event_t *event = <trade_event_t *>frame_new(c, sizeof(trade_event_t))
    event.header.length_bytes = sizeof(trade_event_t)
    event.header.kind = EVENT_TRADE
    event.header.flags = 0
    return event


cdef inline void emit_mark(core_t *c, uint32_t instrument, int64_t mark_ticks, int64_t index_ticks) noexcept nogil:
    cdef mark_event_t *event = <mark_event_t *>frame_new(c, sizeof(mark_event_t))
    memset(event, 0, sizeof(mark_event_t))
    event.header.length_bytes = sizeof(mark_event_t)
    event.header.kind = EVENT_MARK
    event.instrument = instrument
    event.mark_ticks = mark_ticks
    event.index_ticks = index_ticks


cdef inline void emit_phase(core_t *c, uint32_t instrument, int phase, int64_t until_ns, int64_t price_ticks,
                            int64_t volume_lots, int64_t surplus_lots) noexcept nogil:
    cdef phase_event_t *event = <phase_event_t *>frame_new(c, sizeof(phase_event_t))
    memset(event, 0, sizeof(phase_event_t))
    event.header.length_bytes = sizeof(phase_event_t)
    event.header.kind = EVENT_PHASE
    event.instrument = instrument
    event.phase = <uint8_t>phase
    event.until_ns = until_ns
    event.price_ticks = price_ticks
    event.volume_lots = volume_lots
    event.surplus_lots = surplus_lots


cdef inline void emit_mmp(core_t *c, uint32_t account, uint32_t group, int64_t frozen_until_ns) noexcept nogil:
    cdef mmp_event_t *event = <mmp_event_t *>frame_new(c, sizeof(mmp_event_t))
    event.header.length_bytes = sizeof(mmp_event_t)
    event.header.kind = EVENT_MMP
    event.header.flags = 0
    event.account = account
    event.group = group
    event.frozen_until_ns = frozen_until_ns
