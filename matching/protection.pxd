"""Market-maker protection: limits over a rolling window, counted inside the matcher (MATCH-102..104)."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.types cimport engine_t, incoming_t, mmp_t

cdef mmp_t *mmp_group(engine_t *e, uint32_t owner, int group) noexcept nogil
cdef int32_t mmp_check(engine_t *e, uint32_t owner, int group) noexcept nogil
cdef bint mmp_fill(engine_t *e, uint32_t owner, int group, uint32_t book_id, int side, int64_t lots) noexcept nogil
cdef int mmp_set(engine_t *e, uint32_t owner, int group, int64_t lots, int64_t delta, int64_t vega, int64_t window,
                 int64_t frozen) noexcept nogil
cdef void mmp_reset(engine_t *e, uint32_t owner, int group) noexcept nogil
