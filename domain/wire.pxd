"""C structs of wire.h for Cython rooms."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "wire.h" nogil:
    ctypedef struct command_header_t:
        uint32_t length_bytes
        uint16_t kind
        uint16_t flags
        uint64_t sequence
        int64_t time_ns
        uint64_t origin
        uint64_t request

    ctypedef struct new_order_t:
        command_header_t header
        uint32_t account
        uint32_t instrument
        int64_t price_ticks
        int64_t quantity_lots
        int64_t valid_until_ns
        uint8_t side, order_type, time_in_force, stp
        uint8_t post_only, reduce_only, cancel_on_disconnect, label_bytes

    ctypedef struct order_terms_t:
        int64_t display_lots
        int64_t budget
        int64_t trigger_ticks
        int64_t trail_ticks
        int64_t expire_ns
        uint64_t oco
        uint64_t quote_set
        int32_t peg_offset
        uint32_t trail_bps
        uint8_t trigger, reference, peg, mmp
        uint8_t quote, client_id_bytes
        uint16_t key

    ctypedef struct cancel_order_t:
        command_header_t header
        uint32_t account
        uint32_t market
        uint64_t order_id

    ctypedef struct amend_order_t:
        command_header_t header
        uint32_t account
        uint32_t market
        uint64_t order_id
        int64_t price_ticks
        int64_t total_lots
        int64_t valid_until_ns
        int64_t trigger_ticks
        uint8_t post_only
        uint8_t mode
        uint8_t padding_end[6]

    ctypedef struct cancel_all_t:
        command_header_t header
        uint32_t account
        uint32_t instrument
        uint16_t asset
        uint8_t instrument_kind
        uint8_t side
        uint8_t ranged
        uint8_t label_bytes
        uint8_t only_quotes
        uint8_t mmp
        int64_t price_low_ticks
        int64_t price_high_ticks
        uint64_t quote_set
        uint8_t in_set
        uint8_t padding_end[7]

    ctypedef struct event_header_t:
        uint32_t length_bytes
        uint16_t kind
        uint16_t flags

    ctypedef struct command_event_t:
        event_header_t header
        uint64_t sequence
        int64_t time_ns
        uint64_t origin
        uint64_t request
        uint32_t account
        uint16_t command_kind
        uint16_t events
        int32_t code
        uint32_t detail
        int64_t value

    ctypedef struct order_event_t:
        event_header_t header
        uint64_t order_id
        uint64_t origin
        uint32_t account
        uint32_t instrument
        int64_t price_ticks
        int64_t total_lots
        int64_t filled_lots
        int64_t notional_ticks
        int64_t fee
        int64_t created_ns
        int64_t updated_ns
        uint8_t side, order_type, time_in_force, stp
        uint8_t post_only, reduce_only, cancel_on_disconnect, state
        uint16_t reason
        uint8_t label_bytes
        uint8_t amended
        int32_t peg_offset
        int64_t display_lots
        int64_t shown_lots
        int64_t trigger_ticks
        int64_t trail_ticks
        int64_t expire_ns
        int64_t prevented_lots
        uint64_t oco
        uint64_t quote_set
        uint32_t trail_bps
        uint8_t trigger, reference, peg, mmp
        uint8_t quote, client_id_bytes
        uint8_t padding_end[6]

    ctypedef struct trade_event_t:
        event_header_t header
        uint64_t trade_id
        uint64_t trade_seq
        uint32_t instrument
        uint8_t taker_side
        uint8_t tick_direction
        uint16_t trade_flags
        uint64_t maker_order_id
        uint64_t taker_order_id
        uint32_t maker_account
        uint32_t taker_account
        int64_t price_ticks
        int64_t quantity_lots
        int64_t maker_fee
        int64_t taker_fee
        int64_t mark_ticks
        int64_t index_ticks

    ctypedef struct depth_event_t:
        event_header_t header
        uint32_t instrument
        uint8_t side
        uint8_t padding[3]
        int64_t price_ticks
        int64_t quantity_lots

    ctypedef struct mark_event_t:
        event_header_t header
        uint32_t instrument
        uint32_t padding
        int64_t mark_ticks
        int64_t index_ticks

    ctypedef struct l3_event_t:
        event_header_t header
        uint32_t instrument
        uint8_t side
        uint8_t kind
        uint16_t padding
        uint64_t order_id
        int64_t price_ticks
        int64_t shown_lots
        uint64_t l3_seq

    ctypedef struct phase_event_t:
        event_header_t header
        uint32_t instrument
        uint8_t phase
        uint8_t padding[3]
        int64_t until_ns
        int64_t price_ticks
        int64_t volume_lots
        int64_t surplus_lots

    ctypedef struct mmp_event_t:
        event_header_t header
        uint32_t account
        uint32_t group
        int64_t frozen_until_ns
