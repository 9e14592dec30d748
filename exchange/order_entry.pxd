"""The hot command family: new order, cancel, amend, cancel all / session / gateway."""
from libc.stdint cimport int64_t, uint32_t

from exchange.core cimport core_t

cdef size_t run_hot(core_t *c, const char *data, size_t length) noexcept nogil
cdef void cancel_slots(core_t *c, const uint32_t *slots, uint32_t count, int reason) noexcept nogil
cdef void finish_events(core_t *c) noexcept nogil
