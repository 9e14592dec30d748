"""The state that the order path touches: pointers into the slabs of matching and clearing, and the event buffer."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from clearing.contracts cimport contract_t
from clearing.ledger cimport ledger_t
from clearing.margin cimport margin_t
from clearing.positions cimport positions_t
from clearing.timeline cimport timeline_t
from clearing.whitelist cimport whitelist_t
from matching.types cimport engine_t, incoming_t

cdef enum:
    LABEL_BYTES_MAX = 64
    CLIENT_ID_BYTES_MAX = 36
    KEYS_MAX = 65536              # numbers an API key can have

cdef enum:                        # account states
    ACCOUNT_NONE = 0
    ACCOUNT_ACTIVE = 1
    ACCOUNT_REDUCE_ONLY = 2       # below initial margin: only orders that reduce a position

cdef enum:                        # core_t.account_flags
    FLAG_KILLED = 1
    FLAG_CANCEL_ON_DISCONNECT = 2
    FLAG_KILLED_ITSELF = 4

cdef struct order_info_t:         # 80 bytes: what the exchange knows of every order, by its slot in the book
    uint64_t origin               # session that placed it
    int64_t created_ns
    int64_t updated_ns
    int64_t total_lots            # filled + open
    int64_t notional_ticks        # sum of price x lots of its fills
    int64_t fee                   # paid so far
    int64_t hold_per_lot          # promised per open lot: cash (buys, forwards' fees) or tokens (sells)
    int64_t loss_per_lot          # forwards: loss against the mark per open lot if it fills
    uint8_t order_type
    uint8_t time_in_force         # as asked for, DAY and GTD included
    uint8_t reduce_only
    uint8_t cancel_on_disconnect
    uint8_t amended
    uint8_t post_only
    uint8_t stp
    uint8_t holding               # its promises are placed: not of takers and orders that wait
    uint16_t key                  # API key, 0 = none
    uint8_t has_more              # order_more_t of its slot means something
    uint8_t expires               # stands in the heap of expiries
    uint32_t padding

cdef struct order_more_t:         # what is more than a plain order without a label
    int64_t display_lots
    int64_t shown_lots            # while display_lots is not 0
    int64_t trigger_ticks
    int64_t trail_ticks
    int64_t expire_ns
    int64_t prevented_lots
    uint64_t oco
    uint64_t quote_set
    int32_t peg_offset
    uint32_t trail_bps
    uint8_t trigger
    uint8_t reference
    uint8_t peg
    uint8_t mmp
    uint8_t quote
    uint8_t label_bytes
    uint8_t client_id_bytes
    uint8_t padding[5]
    char label[LABEL_BYTES_MAX]
    char client_id[CLIENT_ID_BYTES_MAX]

cdef struct taker_t:              # the order at work, and what became of it
    incoming_t *order
    uint32_t slot                 # of amended and triggered orders before they took, else 0
    int64_t before_lots           # amends: what was open
    int state                     # ORDER_*
    int reason
    bint told                     # its state is written already
    order_info_t info
    order_more_t more             # means something if info.has_more

cdef struct closed_t:             # final state of an order that ended, at order_id % closed_max
    uint64_t order_id             # 0 = none
    uint32_t account
    uint32_t instrument
    int64_t price_ticks           # as people see it
    int64_t filled_lots
    uint8_t side
    uint8_t state
    uint16_t reason
    uint32_t padding
    order_info_t info

cdef struct tape_t:               # public counters of an instrument
    uint64_t trade_seq
    uint64_t l3_seq
    int64_t last_ticks
    uint8_t tick_direction
    uint8_t padding[7]

cdef struct trade_record_t:       # a recent trade, at trade_id % trades_max
    uint64_t trade_id             # 0 = none
    int64_t price_ticks
    int64_t lots
    int64_t buyer_fee
    int64_t seller_fee
    uint32_t instrument
    uint32_t buyer
    uint32_t seller
    uint8_t busted
    uint8_t padding[3]

cdef struct due_order_t:          # an entry of the heap of expiries
    int64_t expire_ns
    uint64_t order_id
    uint32_t slot
    uint32_t padding

cdef struct client_id_t:          # a client order id of the day
    uint64_t order_id
    uint32_t account
    uint8_t length
    uint8_t padding[7]
    char text[CLIENT_ID_BYTES_MAX]

cdef struct phase_clock_t:        # what the venue remembers of a book's phase
    int64_t until_ns              # when it ends, 0 = nothing is planned
    int64_t auction_ns            # length of a volatility auction
    int64_t price_ticks           # indicative values as last told
    int64_t volume_lots
    int64_t surplus_lots
    uint8_t extensions
    uint8_t listed                # in core_t.calls of this command
    uint8_t padding[6]

cdef struct implied_t:            # an implied trade whose fills are being read
    uint32_t parts                # fills still to come
    uint32_t combo
    uint32_t book                 # the taker's
    uint32_t maker                # account of the combo order, implied out
    uint32_t maker_slot           # its slot, 0 = implied in
    int taker_side
    uint64_t maker_order_id
    uint64_t taker_id
    int64_t price_ticks           # in the taker's book
    int64_t lots

cdef struct core_t:
    engine_t *engine
    ledger_t *ledger
    positions_t *positions
    margin_t *margin
    timeline_t *timeline
    whitelist_t *whitelist
    contract_t *contracts
    order_info_t *infos
    order_more_t *mores
    tape_t *tapes
    uint8_t *account_state
    uint8_t *account_flags
    uint8_t *margin_slot_of_asset
    closed_t *closed
    order_more_t *closed_mores
    trade_record_t *kept
    due_order_t *heap             # 1-based, earliest (time, id) first
    uint32_t *heap_at             # slot -> place in the heap, 0 = none
    client_id_t *client_ids       # 1-based
    uint32_t *client_index
    phase_clock_t *clocks
    uint32_t *calls               # books in a call that this command touched
    uint8_t *killed_keys          # 1 by the venue, 2 by itself
    uint8_t *killed_instruments
    uint32_t accounts_max
    uint32_t instruments_max
    uint32_t orders_per_account_max
    uint32_t closed_max
    uint32_t trades_max
    uint32_t client_ids_max
    uint32_t client_ids_used
    uint32_t client_mask
    int64_t client_day            # UTC day of exchange time that client_ids are of
    uint32_t heap_count
    uint32_t calls_count
    uint32_t kills                # kill switches that are on
    uint8_t venue_killed
    uint8_t trimming              # REASON_* of a trim at work, 0 = self-trade prevention
    int64_t due_ns                # the first moment at which time has something to do
    implied_t implied
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
    cdef list closed_orders(self)
