"""Phases of books over exchange time: who ends a call, and what is told of it."""
from libc.stdint cimport int32_t, int64_t, uint32_t

from domain.wire cimport command_header_t
from exchange.core cimport core_t

cdef void call_touched(core_t *c, uint32_t book) noexcept nogil
cdef void tell_calls(core_t *c) noexcept nogil
cdef void phase_changed(core_t *c, uint32_t book, int phase) noexcept nogil
cdef void phase_extended(core_t *c, uint32_t book) noexcept nogil
cdef int32_t set_phase(core_t *c, uint32_t book, int phase, int64_t until_ns, bint force) noexcept nogil
cdef void act_on_time(core_t *c, const command_header_t *header) noexcept nogil
cdef void find_due(core_t *c) noexcept nogil
