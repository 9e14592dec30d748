"""Spreads and strips: what their orders promise, and the legs that their trades become."""
from libc.stdint cimport int64_t, uint32_t

from exchange.core cimport core_t, order_info_t
from exchange.settle cimport funds_t, trade_t
from matching.types cimport book_event_t

cdef int64_t combo_loss(core_t *c, uint32_t combo, int side, int64_t price_ticks) noexcept nogil
cdef void combo_funds(core_t *c, uint32_t account, uint32_t combo, int side, int64_t price_ticks, int64_t lots,
                      funds_t *funds) noexcept nogil
cdef void combo_hold(core_t *c, uint32_t account, uint32_t combo, int side, int64_t lots,
                     int64_t loss_per_lot) noexcept nogil
cdef void combo_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil
cdef void combo_cross(core_t *c, trade_t *trade, order_info_t *maker, order_info_t *taker) noexcept nogil
cdef void implied_begin(core_t *c, const book_event_t *event, order_info_t *taker) noexcept nogil
cdef void implied_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil
