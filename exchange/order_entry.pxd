"""The hot command family: new order, cancel, amend, cancel all / session / gateway."""
from libc.stdint cimport uint32_t

from exchange.core cimport core_t

cdef size_t run_hot(core_t *c, const char *data, size_t length) noexcept nogil
cdef uint32_t killed(core_t *c, uint32_t account, uint32_t instrument, uint32_t key) noexcept nogil
