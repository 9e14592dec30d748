"""The C-level door of the book: no Python objects, no allocation, no clock. See matching/README.md for the whole call.

A new order:   `book_prepare` (validates, changes nothing; a RejectCode) -> `book_execute`.
An amend:      `book_prepare_amend` -> `book_execute_amend` (amends.pxd).  A cancel: `book_withdraw` (withdraw.pxd) or plain.book_pull.
Execution returns BOOK_DONE, or why it paused: BOOK_MORE (take the events, then `book_resume`) or BOOK_GATE (the maker
`engine.gate_slot` asks its owner's leave: trim or withdraw it, set `engine.gate_passed`, then `book_resume`).
After every command: `book_next_triggered` (triggers.pxd) -> `book_prepare_triggered` -> `book_execute` or `book_drop`,
until there is none; then `book_finish` (pegs.pxd) until it is False. Events stand in `engine.events[0 .. event_count)` until
`engine.event_count` is set to 0, which the caller may do between any two calls.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.types cimport book_t, engine_t, incoming_t

cdef enum:
    BOOK_DONE = 0
    BOOK_MORE = 1
    BOOK_GATE = 2

cdef int32_t book_prepare(engine_t *e, incoming_t *order) noexcept nogil
cdef int32_t book_prepare_triggered(engine_t *e, incoming_t *order) noexcept nogil
cdef int book_execute(engine_t *e, incoming_t *order) noexcept nogil
cdef int book_resume(engine_t *e, incoming_t *order) noexcept nogil
cdef void book_drop(engine_t *e, incoming_t *order, int reason) noexcept nogil
cdef int book_reason_of(int32_t code) noexcept nogil
cdef int64_t book_trim(engine_t *e, uint32_t slot, int64_t lots, int reason) noexcept nogil
cdef int32_t book_check_price(engine_t *e, uint32_t book_id, int64_t price_ticks, int64_t lots) noexcept nogil
cdef int32_t book_limit_any(engine_t *e, uint32_t book_id, int side, uint64_t order_id, uint32_t owner, int stp,
                            int post_only, int64_t price_ticks, int64_t lots) noexcept nogil
cdef int32_t book_take(engine_t *e, book_t *book, int side, uint64_t order_id, uint32_t owner, int stp, int post_only,
                       int64_t price_ticks, int64_t lots) noexcept nogil
