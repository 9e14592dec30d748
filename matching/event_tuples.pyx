# cython: language_level=3, boundscheck=False, wraparound=False
"""Book events as the tuples of tests/engines.py.

Lives here: one branch per kind. Does not know: when they are taken.
"""
from libc.stdint cimport int64_t, uint32_t

from matching.types cimport (BOOK_AMENDED, BOOK_AUCTION, BOOK_CANCELLED, BOOK_CROSS, BOOK_EXTENDED, BOOK_FILL,
                             BOOK_IMPLIED, BOOK_MMP, BOOK_PARKED, BOOK_PENDING, BOOK_PHASE, BOOK_REDUCED,
                             BOOK_REFRESHED, BOOK_RESTED, BOOK_TRIGGERED, book_event_t, engine_t)

from domain.constants import REASON_TEXTS


cdef int events_as_tuples(engine_t *e, list out) except -1:
    """Append every event in the buffer; two of a cross become one tuple."""
    cdef uint32_t i = 0
    cdef book_event_t *event
    cdef book_event_t *ask
    while i < e.event_count:
        event = &e.events[i]
        if event.kind == BOOK_CROSS:
            ask = &e.events[i + 1]
            out.append(("cross", event.order_id, ask.order_id, outside(e, event), event.lots, event.open_lots,
                        ask.open_lots, event.level_lots, ask.level_lots))
            i += 2
            continue
        out.append(event_tuple(e, event))
        i += 1
    return 0


cdef inline int64_t outside(engine_t *e, const book_event_t *event):
    """The event's price as people see it; 0 stays 0: no price."""
    return event.price_ticks - e.more[event.book].bias_ticks if event.price_ticks else 0


cdef tuple event_tuple(engine_t *e, const book_event_t *event):
    cdef int kind = event.kind
    price = outside(e, event)
    if kind == BOOK_FILL:
        return ("fill", event.order_id, event.taker_id, price, event.lots, event.open_lots, event.level_lots)
    if kind == BOOK_CANCELLED:
        return ("cancelled", event.order_id, event.lots, REASON_TEXTS[event.reason], price, event.level_lots)
    if kind == BOOK_RESTED or kind == BOOK_AMENDED:
        return ("rested" if kind == BOOK_RESTED else "amended", event.order_id, price, event.open_lots, event.level_lots)
    if kind == BOOK_REDUCED:
        return ("reduced", event.order_id, event.lots, event.open_lots, price, event.level_lots)
    if kind == BOOK_REFRESHED:
        return ("refreshed", event.order_id, price, event.lots, event.level_lots)
    if kind == BOOK_PENDING:
        return ("pending", event.order_id, price, event.lots)
    if kind == BOOK_TRIGGERED:
        return ("triggered", event.order_id, price)
    if kind == BOOK_PARKED:
        return ("parked", event.order_id, event.lots)
    if kind == BOOK_MMP:
        return ("mmp", event.owner, event.lots, event.open_lots)
    if kind == BOOK_IMPLIED:
        return ("implied", event.order_id, event.taker_id, price, event.lots, event.open_lots)
    if kind == BOOK_PHASE:
        return ("phase", event.book, event.lots)
    if kind == BOOK_AUCTION:
        return ("auction", event.book, price, event.lots)
    return ("extended", event.book, price)
