"""What a book event does to the house: funds checked before, holds and money moved after."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from clearing.contracts cimport contract_t
from clearing.margin cimport margin_book_t
from exchange.core cimport core_t, order_info_t
from matching.types cimport book_event_t, incoming_t

cdef struct funds_t:              # what an order asks of its account
    uint32_t asset                # of the hold
    int64_t hold_per_lot          # while it may take
    int64_t hold_per_lot_resting
    int64_t loss_per_lot
    int32_t code                  # refusal, 0 = granted
    uint32_t detail
    int64_t value

cdef struct trade_t:              # one match of one instrument
    uint32_t instrument
    uint32_t maker                # accounts
    uint32_t taker
    uint64_t maker_id             # orders
    uint64_t taker_id
    int64_t price_ticks           # as people see it
    int64_t lots
    int64_t maker_fee
    int64_t taker_fee
    uint8_t maker_side
    uint8_t flags                 # TRADE_*

cdef void check_funds(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t price_ticks, int64_t lots,
                      funds_t *funds) noexcept nogil
cdef bint cash_covers(core_t *c, uint32_t account, int64_t need, bint overflow, funds_t *funds) noexcept nogil
cdef void check_equity(core_t *c, uint32_t account, const margin_book_t *tried, uint32_t slot, bint reducing,
                       int64_t need, funds_t *funds) noexcept nogil
cdef void settle_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil
cdef void settle_cross(core_t *c, const book_event_t *bid, const book_event_t *ask) noexcept nogil
cdef void move_trade(core_t *c, trade_t *trade, int64_t maker_ppm, int64_t taker_ppm) noexcept nogil
cdef void print_trade(core_t *c, const trade_t *trade) noexcept nogil
cdef int64_t fee_of(int64_t value, int64_t ppm) noexcept nogil
cdef int64_t fee_per_lot(contract_t *contract, int64_t price_ticks, int *overflow) noexcept nogil
cdef void place_hold(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots,
                     const order_info_t *info) noexcept nogil
cdef bint reduces(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots) noexcept nogil
