"""Orders whose price follows the book (MATCH-080..084), and the change of a book's phase, which parks them."""
from libc.stdint cimport int64_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef int64_t peg_price(engine_t *e, uint32_t book_id, int side, int peg, int64_t offset, int64_t limit, int64_t bid,
                       int64_t ask) noexcept nogil
cdef int64_t peg_reference(engine_t *e, uint32_t book_id, int side) noexcept nogil
cdef void peg_enter(engine_t *e, incoming_t *order, uint32_t slot) noexcept nogil
cdef void peg_amend(engine_t *e, uint32_t slot, int64_t limit, int64_t total_lots) noexcept nogil
cdef void pegs_pass(engine_t *e, uint32_t book_id) noexcept nogil
cdef void touch_at(engine_t *e, uint32_t book_id, int side, int64_t price) noexcept nogil
cdef bint book_finish(engine_t *e) noexcept nogil
cdef void phase_change(engine_t *e, uint32_t book_id, int phase) noexcept nogil
cdef bint in_call(engine_t *e, uint32_t book_id) noexcept nogil
