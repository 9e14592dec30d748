# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Orders that wait for a price: stops, take-profits, trailing stops (MATCH-070..079).

Lives here: what one seen price triggers, the line of triggered orders, trailing extremes.
Does not know: how a triggered order trades; the caller takes it out of the line and sends it through the same checks as
any other (`book_next_triggered`, book_prepare_again, book_execute).
Theory: a trigger price is a level of a shadow book, upward triggers on its ask side, downward ones on its bid side, so
that "is anybody triggered" is one comparison with a best price and a triggered level costs what it holds. Trailing
orders have no fixed level: they are looked at one by one, which is why their number is bounded (MATCH-078).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memset

from matching.events cimport event_add, event_cancelled, event_set
from matching.order_pool cimport post_only_of, stp_of, terms_make
from matching.price_levels cimport level_at
from matching.types cimport (BOOK_PENDING, BOOK_TRIGGERED, NO_ASK, NO_BID, STATE_TAKING, STATE_WAITING, TRIGGER_BOOKS,
                             book_more_t, book_t, due_t, engine_t, incoming_t, order_t, terms_t)
from matching.withdraw cimport (book_withdraw, fire_partner, line_add, line_remove, list_add, list_remove, wait_add,
                                wait_remove)

cdef enum:
    UP = 1
    DOWN = 2
    REASON_AMEND_TOTAL = 7
    TRIGGER_PRICE = 4009
    WOULD_TRIGGER = 4010


cdef int64_t reference_price(engine_t *e, uint32_t book_id, int reference) noexcept nogil:
    """Last trade price, mark or index of the book, 0 = none yet."""
    return e.books[book_id].last_ticks if reference == 0 else e.more[book_id].seen_ticks[reference]


cdef inline bint beyond(int trigger, int64_t trigger_ticks, int64_t price) noexcept nogil:
    return price >= trigger_ticks if trigger == UP else price <= trigger_ticks


cdef bint is_met(engine_t *e, const incoming_t *order, int64_t price) noexcept nogil:
    """Is this new order's condition true at `price` already? Trailing orders never are (MATCH-076)."""
    if order.trail_ticks or order.trail_bps or price == 0:
        return False
    return beyond(order.trigger, order.trigger_ticks, price)


# ----------------------------------------------------------------------------------------------------- seen prices

cdef int by_entry(const void *a, const void *b) noexcept nogil:
    cdef uint64_t x = (<const due_t *>a).entry, y = (<const due_t *>b).entry
    return (x > y) - (x < y)


cdef inline void due_add(engine_t *e, uint32_t slot, uint32_t *count) noexcept nogil:
    e.due[count[0]].entry = e.terms[slot].entry
    e.due[count[0]].slot = slot
    count[0] += 1


cdef bint trail(terms_t *terms, int32_t price) noexcept nogil:
    """Move a trailing order's extreme to take in `price`; True if it triggers there (MATCH-075..077)."""
    if not terms.active:
        if beyond(terms.trigger, terms.trigger_ticks, price):
            terms.active = 1
            terms.extreme_ticks = price
        return False
    if terms.extreme_ticks == 0:
        terms.extreme_ticks = price
    if terms.side == 1:
        terms.extreme_ticks = max(terms.extreme_ticks, <int64_t>price)
        if terms.trail_ticks:
            return price <= terms.extreme_ticks - terms.trail_ticks
        return <int64_t>price * 10_000 <= terms.extreme_ticks * (10_000 - <int64_t>terms.trail_bps)
    terms.extreme_ticks = min(terms.extreme_ticks, <int64_t>price)
    if terms.trail_ticks:
        return price >= terms.extreme_ticks + terms.trail_ticks
    return <int64_t>price * 10_000 >= terms.extreme_ticks * (10_000 + <int64_t>terms.trail_bps)


cdef void price_seen(engine_t *e, uint32_t book_id, int reference, int32_t price) noexcept nogil:
    """A price of this reference was seen in continuous trading: whom it triggers joins the line, by entry number."""
    cdef book_t *shadow = &e.books[e.books_max + TRIGGER_BOOKS * book_id + reference]
    cdef book_more_t *more = &e.more[book_id]
    cdef uint32_t count = 0, slot, i
    while shadow.best[1] <= price:
        slot = level_at(e, shadow, 1, shadow.best[1]).head
        wait_remove(e, slot)
        due_add(e, slot, &count)
    while shadow.best[0] >= price:
        slot = level_at(e, shadow, 0, shadow.best[0]).head
        wait_remove(e, slot)
        due_add(e, slot, &count)
    slot = e.line_head
    while slot != 0:        # triggered before: should it have to wait again, its extreme has gone on
        if e.terms[slot].book == book_id and e.terms[slot].reference == reference and (e.terms[slot].trail_ticks
                                                                                      or e.terms[slot].trail_bps):
            trail(&e.terms[slot], price)
        slot = e.orders[slot].next_slot
    slot = more.trailing_head
    while slot != 0:
        i = e.terms[slot].list_next
        if e.terms[slot].reference == reference and trail(&e.terms[slot], price):
            wait_remove(e, slot)
            due_add(e, slot, &count)
        slot = i
    if count > 1:
        qsort(e.due, count, sizeof(due_t), by_entry)
    for i in range(count):
        e.terms[e.due[i].slot].seen_ticks = price
        line_add(e, e.due[i].slot)


# --------------------------------------------------------------------------------------------------------- waiting

cdef void wait_start(engine_t *e, incoming_t *order, uint32_t slot) noexcept nogil:
    """A checked waiting order with its slot, id and owner: into its trigger, or, when met already, into the line."""
    cdef terms_t *terms = terms_make(e, slot)
    cdef int64_t price = reference_price(e, order.book, order.reference)
    terms.book = order.book
    terms.side = order.side
    terms.order_type = order.order_type
    terms.time_in_force = order.time_in_force
    terms.limit_ticks = 0 if order.order_type != 0 else order.price_ticks
    terms.open_lots = order.lots
    terms.display_lots = order.display_lots
    terms.budget = order.budget
    terms.trigger = order.trigger
    terms.trigger_ticks = order.trigger_ticks
    terms.reference = order.reference
    terms.trail_ticks = order.trail_ticks
    terms.trail_bps = order.trail_bps
    terms.reduce_only = order.reduce_only
    e.entries += 1
    terms.entry = e.entries
    if order.trail_ticks or order.trail_bps:
        terms.active = order.trigger_ticks == 0 or (price != 0 and beyond(order.trigger, order.trigger_ticks, price))
        terms.extreme_ticks = price if terms.active else 0
    enter_wait(e, slot, price)


cdef void enter_wait(engine_t *e, uint32_t slot, int64_t price) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot]
    if (e.more[terms.book].phase == 0 and price != 0 and not (terms.trail_ticks or terms.trail_bps)
            and beyond(terms.trigger, terms.trigger_ticks, price)):
        terms.seen_ticks = <int32_t>price
        line_add(e, slot)
        return
    wait_add(e, slot)
    event_set(event_add(e, BOOK_PENDING, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner, slot),
              terms.open_lots, terms.open_lots, -1, terms.trigger_ticks)


cdef int32_t wait_check_amend(engine_t *e, uint32_t slot, int64_t trigger_ticks, bint ends) noexcept nogil:
    """May its trigger price become this one (0 = as it was)? One that `ends` by its new total triggers nothing."""
    cdef terms_t *terms = &e.terms[slot]
    cdef book_t *book = &e.books[terms.book]
    if trigger_ticks == 0:
        return 0 if ends else would_trigger(e, terms, terms.trigger_ticks)
    if terms.active and (terms.trail_ticks or terms.trail_bps):
        return TRIGGER_PRICE
    if trigger_ticks < book.band_low_ticks or trigger_ticks > book.band_low_ticks + book.band_span_ticks:
        return TRIGGER_PRICE
    return 0 if ends else would_trigger(e, terms, trigger_ticks)


cdef int32_t would_trigger(engine_t *e, const terms_t *terms, int64_t trigger_ticks) noexcept nogil:
    cdef int64_t price = reference_price(e, terms.book, terms.reference)
    if (e.more[terms.book].reject_triggered and e.more[terms.book].phase == 0 and price != 0
            and not (terms.trail_ticks or terms.trail_bps) and beyond(terms.trigger, trigger_ticks, price)):
        return WOULD_TRIGGER
    return 0


cdef void wait_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots,
                     int64_t trigger_ticks) noexcept nogil:
    """Carry out a checked amend of a waiting order (MATCH-047)."""
    cdef terms_t *terms = &e.terms[slot]
    cdef int64_t price = reference_price(e, terms.book, terms.reference)
    if total_lots <= terms.filled_lots:
        book_withdraw(e, slot, REASON_AMEND_TOTAL)
        return
    wait_remove(e, slot)
    terms.open_lots = total_lots - terms.filled_lots
    if terms.order_type == 0:
        terms.limit_ticks = price_ticks
    if trigger_ticks != 0:
        terms.trigger_ticks = trigger_ticks
        if (terms.trail_ticks or terms.trail_bps) and not terms.active and price != 0:
            if beyond(terms.trigger, trigger_ticks, price):
                terms.active = 1
                terms.extreme_ticks = price
    enter_wait(e, slot, price)


cdef uint32_t book_next_triggered(engine_t *e, incoming_t *order) noexcept nogil:
    """The next triggered order as an incoming one, its event written and its partner cancelled; 0 when none is left.

    Whose book is not in continuous trading any more goes back to waiting, without an event.
    """
    cdef uint32_t slot
    cdef terms_t *terms
    while e.line_head != 0:
        slot = e.line_head
        terms = &e.terms[slot]
        line_remove(e, slot)
        if e.more[terms.book].phase != 0:
            wait_add(e, slot)
            continue
        terms.state = STATE_TAKING
        event_set(event_add(e, BOOK_TRIGGERED, terms.book, terms.side, e.orders[slot].order_id, e.orders[slot].owner,
                            slot), terms.open_lots, terms.open_lots, -1, terms.seen_ticks)
        fire_partner(e, slot)
        describe_triggered(e, slot, order)
        return slot
    return 0


cdef void describe_triggered(engine_t *e, uint32_t slot, incoming_t *order) noexcept nogil:
    """What it asks for now; its terms become those of an order that does not wait."""
    cdef terms_t *terms = &e.terms[slot]
    memset(order, 0, sizeof(incoming_t))
    order.order_id = e.orders[slot].order_id
    order.owner = e.orders[slot].owner
    order.slot = slot
    order.book = terms.book
    order.side = terms.side
    order.price_ticks = terms.limit_ticks
    order.lots = terms.open_lots
    order.filled_lots = terms.filled_lots
    order.display_lots = terms.display_lots
    order.budget = terms.budget
    order.order_type = terms.order_type
    order.time_in_force = terms.time_in_force
    order.stp = <unsigned char>stp_of(e, slot)
    order.post_only = <unsigned char>post_only_of(e, slot)
    order.mmp = terms.mmp
    order.reduce_only = terms.reduce_only
    terms.trigger = 0
    terms.trigger_ticks = terms.extreme_ticks = terms.trail_ticks = terms.budget = terms.limit_ticks = 0
    terms.trail_bps = 0
    terms.active = 0
    terms.open_lots = order.lots
