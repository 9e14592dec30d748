# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Cancelling many orders at once, in pieces that fit the event buffer (MATCH-052, MATCH-053).

Lives here: the walks over an owner's and over a book's orders.
Does not know: who asks. Prices here are outside prices (a combo's may be negative).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort

from matching.order_pool cimport TERMS, book_of, is_live, price_of, side_of, state_of
from matching.price_levels cimport is_price, level_at, next_worse
from matching.types cimport (EVENTS_PAUSE, SPECIAL_MARKET, STATE_PARKED, STATE_RESTING, STATE_WAITING, TRIGGER_BOOKS,
                             book_t, due_t, engine_t)
from matching.withdraw cimport book_withdraw


cdef bint passes(engine_t *e, uint32_t slot, int64_t low, int64_t high) noexcept nogil:
    """Does it have a limit inside the range?"""
    cdef int64_t price = price_of(e, slot)
    if price == 0 or state_of(e, slot) == STATE_PARKED:
        return False
    if e.orders[slot].place & TERMS and e.terms[slot].special & SPECIAL_MARKET:
        return False
    return low <= price - e.more[book_of(e, slot)].bias_ticks <= high


cdef bint cancel_owner_slots(engine_t *e, uint32_t owner, uint32_t *cursor, int64_t book, int side, int64_t low,
                             int64_t high, bint ranged, int reason) noexcept nogil:
    """Cancel an owner's orders that pass every filter (-1 = any) in order of entry. True: take the events, call again.

    `cursor` starts at 0 and remembers the place.
    """
    cdef uint32_t slot = cursor[0] if cursor[0] != 0 else e.owners[owner].head, after
    while slot != 0:
        if e.event_count >= EVENTS_PAUSE:
            cursor[0] = slot
            return True
        after = e.links[slot].next
        if ((book < 0 or book_of(e, slot) == book) and (side < 0 or side_of(e, slot) == side)
                and (not ranged or passes(e, slot, low, high))):
            book_withdraw(e, slot, reason)
        slot = after
    return False


cdef int by_entry(const void *a, const void *b) noexcept nogil:
    cdef uint64_t x = (<const due_t *>a).entry, y = (<const due_t *>b).entry
    return (x > y) - (x < y)


cdef uint32_t special_slots(engine_t *e, uint32_t book_id, int wanted) noexcept nogil:
    """Waiting and/or parked orders of a book into `e.due` by entry number; `wanted` is a state, -1 = both."""
    cdef uint32_t count = 0, slot
    cdef int reference, side
    cdef book_t *shadow
    cdef int32_t price
    if wanted != STATE_PARKED:
        for reference in range(TRIGGER_BOOKS):
            shadow = &e.books[e.books_max + TRIGGER_BOOKS * book_id + reference]
            for side in range(2):
                price = shadow.best[side]
                while is_price(side, price):
                    slot = level_at(e, shadow, side, price).head
                    while slot != 0:
                        e.due[count].slot, e.due[count].entry = slot, e.terms[slot].entry
                        count += 1
                        slot = e.orders[slot].next_slot
                    price = next_worse(e, shadow, side, price)
        slot = e.more[book_id].trailing_head
        while slot != 0:
            e.due[count].slot, e.due[count].entry = slot, e.terms[slot].entry
            count += 1
            slot = e.terms[slot].list_next
    if wanted != STATE_WAITING:
        slot = e.more[book_id].pegs_head
        while slot != 0:
            if e.terms[slot].state == STATE_PARKED:
                e.due[count].slot, e.due[count].entry = slot, e.terms[slot].entry
                count += 1
            slot = e.terms[slot].list_next
    if count > 1:
        qsort(e.due, count, sizeof(due_t), by_entry)
    return count


cdef bint cancel_book_slots(engine_t *e, uint32_t book_id, int side, int64_t low, int64_t high, bint ranged,
                            int reason) noexcept nogil:
    """Cancel a book's orders that pass every filter. True: take the events and call again.

    Bids best first in queue order, then asks, then waiting and parked orders by entry number. A call goes again over
    what did not pass, so a range that passes little of a long book is paid for by the levels it looks at.
    """
    cdef book_t *book = &e.books[book_id]
    cdef int s
    cdef int32_t price, after_price
    cdef uint32_t slot, after, i, count
    for s in range(2):
        if side >= 0 and side != s:
            continue
        price = book.best[s]
        while is_price(s, price):
            after_price = next_worse(e, book, s, price)
            slot = level_at(e, book, s, price).head
            while slot != 0:
                if e.event_count >= EVENTS_PAUSE:
                    return True
                after = e.orders[slot].next_slot
                if not ranged or passes(e, slot, low, high):
                    book_withdraw(e, slot, reason)
                slot = after
            price = after_price
    count = special_slots(e, book_id, -1)
    for i in range(count):
        if e.event_count >= EVENTS_PAUSE:
            return True
        slot = e.due[i].slot
        if (side < 0 or side_of(e, slot) == side) and (not ranged or passes(e, slot, low, high)):
            book_withdraw(e, slot, reason)
    return False
