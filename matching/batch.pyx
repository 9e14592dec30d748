# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Plain commands by the batch: packed records in, events out.

Lives here: the loop over `book_command_t`, which fetches ahead what the next ones will touch; fills out of events.
Does not know: Python objects, files, who sends batches.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.events cimport event_bare, event_set
from matching.order_pool cimport unlikely
from matching.plain cimport book_limit, book_pull, hint_id, hint_order
from matching.types cimport (BOOK_FILL, BOOK_REFUSED, COMMAND_CANCEL, COMMAND_LIMIT, COMMAND_REPLACE, EVENTS_PAUSE,
                             book_command_t, book_event_t, engine_t)

cdef enum:
    REASON_USER = 1
    UNKNOWN_BOOK = 2001
    UNKNOWN_ORDER = 4001
    BAD_ORDER = 4006
    FAR = 8                       # commands ahead whose id is hinted at
    NEAR = 4                      # commands ahead whose order is


cdef inline void refuse(engine_t *e, const book_command_t *command, int32_t code) noexcept nogil:
    event_set(event_bare(e, BOOK_REFUSED, 0, command.book, 0, command.order_id, command.owner, 0), code, 0, -1, 0)


cdef uint32_t book_run(engine_t *e, const book_command_t *commands, uint32_t count) noexcept nogil:
    """Carry out commands until all are done or the caller is needed; returns how many were taken.

    The caller is needed when events fill the buffer, a sweep paused (`engine.paused`), orders were triggered
    (`engine.line_head`) or pegs are to be looked at (`engine.touched_count`). O(1) a command + fills and levels.
    """
    cdef const book_command_t *command = commands
    cdef const book_command_t *end = commands + count
    cdef const book_command_t *last_hint = commands + (count - FAR if count > FAR else 0)
    cdef uint64_t order_id
    cdef int32_t code
    while command != end:
        if command < last_hint:
            hint_id(e, command[FAR].order_id)
            hint_order(e, command[NEAR].order_id)
        order_id = command.order_id
        code = 0
        if unlikely((command.owner >= e.owners_max) | (<uint32_t>(command.kind - 1) > 2), 0):
            code = BAD_ORDER
        elif command.kind != COMMAND_LIMIT:
            code = book_pull(e, order_id, command.owner, REASON_USER)
            order_id = command.new_id
        if code == 0 and command.kind != COMMAND_CANCEL:
            code = enter(e, command, order_id)
        if unlikely(code != 0, 0):
            refuse(e, command, code)
        command += 1
        if unlikely((e.event_count >= EVENTS_PAUSE) | (e.paused != 0) | (e.line_head != 0) | (e.touched_count != 0), 0):
            break
    return <uint32_t>(command - commands)


cdef inline int32_t enter(engine_t *e, const book_command_t *command, uint64_t order_id) noexcept nogil:
    if command.book >= e.books_max:
        return UNKNOWN_BOOK
    if (command.side > 1) | (command.stp > 4) | (command.post_only > 2):
        return BAD_ORDER
    return book_limit(e, command.book, command.side, order_id, command.owner, command.stp, command.post_only,
                      command.price_ticks, command.lots)


cdef size_t count_fills(const book_event_t *events, size_t count) noexcept nogil:
    cdef size_t i, fills = 0
    for i in range(count):
        fills += events[i].kind == BOOK_FILL
    return fills


cdef size_t pack_fills(const book_event_t *events, size_t count, fill_t *fills) noexcept nogil:
    """The fills among `count` events, in order; returns how many."""
    cdef size_t i, found = 0
    for i in range(count):
        if events[i].kind == BOOK_FILL:
            fills[found].taker_id = events[i].taker_id
            fills[found].maker_id = events[i].order_id
            fills[found].price_ticks = events[i].price_ticks
            fills[found].lots = events[i].lots
            found += 1
    return found
