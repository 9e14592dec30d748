"""The state that the order path touches: pointers into the slabs of matching and clearing, and the event buffer."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from clearing.contracts cimport contract_t
from clearing.ledger cimport ledger_t
from clearing.margin cimport margin_t
from clearing.positions cimport positions_t
from clearing.timeline cimport timeline_t
from clearing.whitelist cimport whitelist_t
from domain.wire cimport command_header_t
from matching.types cimport engine_t

cdef enum:
    LABEL_BYTES_MAX = 64

cdef enum:                        # account states
    ACCOUNT_NONE = 0
    ACCOUNT_ACTIVE = 1
    ACCOUNT_REDUCE_ONLY = 2       # below initial margin: only orders that reduce a position

cdef struct order_info_t:         # what the exchange knows of a resting order, by its slot in the book
    uint64_t origin               # session that placed it
    int64_t created_ns
    int64_t updated_ns
    int64_t total_lots            # filled + open
    int64_t notional_ticks        # sum of price x lots of its fills
    int64_t fee                   # paid so far
    int64_t hold_per_lot          # promised per open lot: cash (buys, forwards' fees) or tokens (sells)
    int64_t loss_per_lot          # forwards: loss against the mark per open lot if it fills
    uint8_t order_type
    uint8_t time_in_force
    uint8_t reduce_only
    uint8_t cancel_on_disconnect
    uint8_t label_bytes
    uint8_t amended
    uint8_t post_only
    uint8_t stp
    char label[LABEL_BYTES_MAX]

cdef struct tape_t:               # public trade counters of an instrument
    uint64_t trade_seq
    int64_t last_ticks
    uint8_t tick_direction
    uint8_t padding[7]

cdef struct core_t:
    engine_t *engine
    ledger_t *ledger
    positions_t *positions
    margin_t *margin
    timeline_t *timeline
    whitelist_t *whitelist
    contract_t *contracts
    order_info_t *infos
    tape_t *tapes
    uint8_t *account_state
    uint8_t *margin_slot_of_asset
    uint32_t accounts_max
    uint32_t instruments_max
    uint32_t orders_per_account_max
    uint64_t sequence
    int64_t time_ns
    uint64_t trades               # last trade id given
    char *out                     # event frames of the current apply
    size_t out_used
    size_t out_capacity
    size_t out_command            # offset of the current command's first frame
    uint32_t out_frames           # frames after it
    int out_failed                # memory could not be had: the caller stops the core

cdef class Core:
    cdef core_t c
    cdef readonly object limits
    cdef readonly object engine
    cdef readonly object ledger
    cdef readonly object positions
    cdef readonly object margin
    cdef readonly object timeline
    cdef readonly object registry
    cdef set_scan(self, uint32_t instrument, int64_t psr)
    cdef write_open_order(self, uint32_t slot)
