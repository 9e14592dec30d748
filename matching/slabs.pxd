"""The memory of the books: slabs made once, books opened in them."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from matching.types cimport engine_t

cdef struct limits_t:
    uint32_t orders_max
    uint32_t books_max
    uint32_t pages_max
    uint32_t owners_max
    uint32_t trailing_max
    uint32_t pegs_max
    uint32_t mmp_max
    uint32_t uses_max

cdef engine_t *engine_create(const limits_t *limits, uint64_t hash_key) noexcept
cdef void engine_destroy(engine_t *e) noexcept
cdef int engine_add_book(engine_t *e, uint32_t book_id, rules) except -1
cdef int engine_add_combo(engine_t *e, uint32_t book_id, rules, legs) except -1
