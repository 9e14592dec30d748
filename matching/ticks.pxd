"""Valid prices: steps and tick tables (MATCH-022, MATCH-037)."""
from libc.stdint cimport int64_t

from matching.types cimport book_more_t, book_t


cdef inline int64_t floor_to(int64_t value, int64_t step) noexcept nogil:
    return value - value % step if value >= 0 else value - (step + value % step) % step


cdef inline int row_of(const book_more_t *more, int64_t price) noexcept nogil:
    """Row of the tick table that rules at this price, -1 below the first."""
    cdef int row = more.table_rows - 1
    while row >= 0 and price < more.table_from[row]:
        row -= 1
    return row


cdef inline int64_t step_at(const book_more_t *more, int64_t price) noexcept nogil:
    cdef int row = row_of(more, price)
    return more.price_step_ticks if row < 0 else more.table_step[row]


cdef inline int64_t tick_down(const book_more_t *more, int64_t price) noexcept nogil:
    """Highest valid price <= `price`; may lie below the band."""
    cdef int row
    cdef int64_t found
    while True:
        row = row_of(more, price)
        found = floor_to(price, more.price_step_ticks if row < 0 else more.table_step[row])
        if row < 0 or found >= more.table_from[row]:
            return found
        price = more.table_from[row] - 1


cdef inline int64_t tick_up(const book_more_t *more, int64_t price) noexcept nogil:
    """Lowest valid price >= `price`; may lie above the band."""
    cdef int row
    cdef int64_t found, step
    while True:
        row = row_of(more, price)
        step = more.price_step_ticks if row < 0 else more.table_step[row]
        found = floor_to(price + step - 1, step)
        if row + 1 >= more.table_rows or found < more.table_from[row + 1]:
            return found
        price = more.table_from[row + 1]


cdef inline int64_t payable_lots(const book_more_t *more, int64_t budget, int64_t price) noexcept nogil:
    """What a budget pays for at a price, in whole lot steps (MATCH-015)."""
    cdef int64_t lots = budget // price if budget > 0 else 0
    return lots - lots % more.lot_step


cdef inline bint in_band(const book_t *book, int64_t price) noexcept nogil:
    return book.band_low_ticks <= price <= book.band_low_ticks + book.band_span_ticks
