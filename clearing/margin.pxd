"""Margin books: per (account, settlement asset) the scenario vectors of positions (V) and of open orders (W)."""
from libc.stdint cimport int64_t, uint32_t

from clearing.contracts cimport SCENARIOS, contract_t
from clearing.positions cimport position_t

cdef enum:
    MARGIN_SLOTS = 4              # settlement assets that can have margined contracts

cdef struct margin_book_t:
    int64_t v[SCENARIOS]          # loss of the positions
    int64_t w[SCENARIOS]          # loss of every open order that loses, taken in full
    int64_t unsettled             # variation margin since the last cycle, at current marks
    int64_t long_lots             # sum over contracts of max(0, position + buys)
    int64_t short_lots            # sum over contracts of max(0, sells - position)
    int64_t gross                 # sum over contracts of the larger exposure x scan range
    int64_t order_loss            # sum over open orders of lots x loss per lot
    int64_t exposed               # contracts with an exposure

cdef struct margin_t:
    margin_book_t *books          # [account * MARGIN_SLOTS + slot]
    int64_t spread_charge[MARGIN_SLOTS]   # quote units per matched pair of lots of different months
    uint32_t accounts_max

cdef inline margin_book_t *margin_book(margin_t *m, uint32_t account, uint32_t slot) noexcept nogil:
    return &m.books[<size_t>account * MARGIN_SLOTS + slot]

cdef inline int64_t order_loss(contract_t *contract, int side, int64_t price_ticks) noexcept nogil:
    """Loss per lot if the order fills: only fills worse than the mark cost (1.4); better ones give no credit."""
    cdef int64_t worse = price_ticks - contract.mark_ticks if side == 0 else contract.mark_ticks - price_ticks
    return worse * contract.tick_value if worse > 0 else 0

cdef int64_t requirement(margin_t *m, const margin_book_t *book, uint32_t slot) noexcept nogil
cdef int64_t initial_of(int64_t maintenance) noexcept nogil
cdef void exposure_out(margin_book_t *book, contract_t *contract, position_t *position) noexcept nogil
cdef void exposure_in(margin_book_t *book, contract_t *contract, position_t *position) noexcept nogil
cdef void add_order(margin_book_t *book, contract_t *contract, position_t *position, int side, int64_t lots,
                    int64_t loss_per_lot) noexcept nogil
cdef void add_fill(margin_book_t *book, contract_t *contract, position_t *position, int64_t signed_lots,
                   int64_t price_ticks) noexcept nogil

cdef class Margin:
    cdef margin_t c
    cdef margin_book_t *at(self, account, slot) except NULL
