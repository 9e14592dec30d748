"""Taking orders out for good, in whatever state they are, and the lists that special orders stand in."""
from libc.stdint cimport uint32_t, uint64_t

from matching.types cimport engine_t

cdef void book_withdraw(engine_t *e, uint32_t slot, int reason) noexcept nogil
cdef void forget_terms(engine_t *e, uint32_t slot) noexcept nogil
cdef void list_add(engine_t *e, uint32_t *head, uint32_t *tail, uint32_t *count, uint32_t slot) noexcept nogil
cdef void list_remove(engine_t *e, uint32_t *head, uint32_t *tail, uint32_t *count, uint32_t slot) noexcept nogil
cdef void line_add(engine_t *e, uint32_t slot) noexcept nogil
cdef void line_remove(engine_t *e, uint32_t slot) noexcept nogil
cdef void wait_add(engine_t *e, uint32_t slot) noexcept nogil
cdef void wait_remove(engine_t *e, uint32_t slot) noexcept nogil
cdef void fire_partner(engine_t *e, uint32_t slot) noexcept nogil
cdef uint64_t quote_key(uint32_t owner, uint64_t quote_set, uint32_t book, int side) noexcept nogil
cdef uint32_t quote_find(engine_t *e, uint32_t owner, uint64_t quote_set, uint32_t book, int side) noexcept nogil
cdef void quote_add(engine_t *e, uint32_t slot) noexcept nogil
