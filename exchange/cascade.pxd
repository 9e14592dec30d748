"""The end of every command: triggered orders, pegs, calls."""
from exchange.core cimport core_t

cdef void finish_slowly(core_t *c) noexcept nogil


cdef inline void finish_command(core_t *c) noexcept nogil:
    """After every command: what was triggered enters, pegs move, calls are told (MATCH-073, MATCH-083, MATCH-093)."""
    if c.engine.line_head != 0 or c.engine.touched_count != 0 or c.calls_count != 0:
        finish_slowly(c)
