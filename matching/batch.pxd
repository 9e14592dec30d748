"""Plain commands by the batch: packed records in, events out (docs/reference/driving-the-book.md)."""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from matching.types cimport book_command_t, book_event_t, engine_t

cdef struct fill_t:               # 32 bytes
    uint64_t taker_id
    uint64_t maker_id
    int64_t price_ticks
    int64_t lots

cdef uint32_t book_run(engine_t *e, const book_command_t *commands, uint32_t count) noexcept nogil
cdef size_t count_fills(const book_event_t *events, size_t count) noexcept nogil
cdef size_t pack_fills(const book_event_t *events, size_t count, fill_t *fills) noexcept nogil
