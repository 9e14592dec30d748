# cython: language_level=3, boundscheck=False, wraparound=False
"""The laws that the structures of the books obey between commands (I-01, I-04, I-06).

Lives here: every order is in exactly one place and found by every table; sums, links, counts and best prices hold.
Does not know: how they came to be so. Each check costs O(everything).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from matching.order_pool cimport (TERMS, book_of, has_terms, id_find, is_live, open_of, price_of, side_of, state_of)
from matching.price_levels cimport is_price, level_at, next_worse
from matching.types cimport (SPECIAL_GFA, SPECIAL_OCO, SPECIAL_PEG, SPECIAL_QUOTE, STATE_PARKED, STATE_RESTING,
                             STATE_WAITING, TRIGGER_BOOKS, WATCH_PEGS, WATCH_TRIGGERS, book_more_t, book_t, engine_t,
                             level_t, order_t, terms_t)
from matching.withdraw cimport quote_find

from domain.ensure import ensure


cdef int check_all(engine_t *e) except -1:
    cdef uint32_t b, slot
    cdef int64_t seen, total = 0, live = 0
    cdef int side
    ensure(e.line_head == 0 and e.line_tail == 0 and e.touched_count == 0, "nothing is left of the last command")
    for b in range(e.books_max):
        if e.books[b].pages == 0:
            continue
        seen = 0
        for side in range(2):
            check_side(e, b, side, &seen)
        if e.more[b].phase == 0:
            ensure(e.books[b].best[0] < e.books[b].best[1], f"book {b} is not crossed or locked")
        check_specials(e, b, &seen)
        total += seen
    for slot in range(1, e.slots_used + 1):
        if is_live(e, slot):
            live += 1
            check_order(e, slot)
    ensure(live == total, "every live order is in one place")
    check_tables(e, live)
    return check_pages(e)


cdef int check_side(engine_t *e, uint32_t book_id, int side, int64_t *seen) except -1:
    """Levels best first: queues, links, sums."""
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef uint32_t slot, before
    cdef int64_t lots
    cdef level_t *level
    while is_price(side, price):
        level = level_at(e, book, side, price)
        lots, before, slot = 0, 0, level.head
        ensure(slot != 0, f"occupied level {price} of book {book_id} has an order")
        while slot != 0:
            ensure(state_of(e, slot) == STATE_RESTING and book_of(e, slot) == book_id and side_of(e, slot) == side
                   and price_of(e, slot) == price, f"order {e.orders[slot].order_id} stands where it says")
            ensure(e.orders[slot].shown_lots > 0, f"order {e.orders[slot].order_id} shows something")
            ensure(e.orders[slot].prev_slot == before, f"order {e.orders[slot].order_id} links back")
            lots += e.orders[slot].shown_lots
            seen[0] += 1
            before, slot = slot, e.orders[slot].next_slot
        ensure(level.tail == before, f"level {price} ends at its tail")
        ensure(level.lots == lots, f"level {price} of book {book_id} sums what its orders show")
        price = next_worse(e, book, side, price)
    return 0


cdef int check_specials(engine_t *e, uint32_t book_id, int64_t *seen) except -1:
    """Waiting, trailing, parked orders and the lists; flags of the book say that they are there."""
    cdef book_more_t *more = &e.more[book_id]
    cdef book_t *shadow
    cdef uint32_t slot, count
    cdef int reference, side
    cdef int32_t price
    for reference in range(TRIGGER_BOOKS):
        shadow = &e.books[e.books_max + TRIGGER_BOOKS * book_id + reference]
        count = 0
        for side in range(2):
            price = shadow.best[side]
            while is_price(side, price):
                slot = level_at(e, shadow, side, price).head
                while slot != 0:
                    ensure(e.terms[slot].state == STATE_WAITING and e.terms[slot].book == book_id
                           and e.terms[slot].trigger_ticks == price and e.terms[slot].reference == reference,
                           "a waiting order stands at its trigger")
                    count += 1
                    slot = e.orders[slot].next_slot
                price = next_worse(e, shadow, side, price)
        ensure(count == more.waiting[reference], "waiting orders are counted")
        seen[0] += count
    seen[0] += more.trailing
    ensure(more.trailing == length_of(e, more.trailing_head), "trailing orders are counted")
    ensure(more.pegs == length_of(e, more.pegs_head), "pegs are counted")
    ensure(more.gfa == length_of(e, more.gfa_head), "orders good for auction are counted")
    ensure((more.pegs != 0) == ((e.books[book_id].watch & WATCH_PEGS) != 0), "a book with pegs says so")
    count, slot = more.waiting[0], more.trailing_head
    while slot != 0:
        count += e.terms[slot].reference == 0
        slot = e.terms[slot].list_next
    ensure(count == 0 or e.books[book_id].watch & WATCH_TRIGGERS, "a book with orders waiting for a last price says so")
    slot = more.pegs_head
    while slot != 0:
        seen[0] += e.terms[slot].state == STATE_PARKED
        slot = e.terms[slot].list_next
    return 0


cdef uint32_t length_of(engine_t *e, uint32_t slot):
    cdef uint32_t count = 0
    while slot != 0:
        count += 1
        slot = e.terms[slot].list_next
    return count


cdef int check_order(engine_t *e, uint32_t slot) except -1:
    """What one order says about itself."""
    cdef terms_t *terms = &e.terms[slot]
    name = e.orders[slot].order_id
    ensure(id_find(e, name) == slot, f"order {name} is found by id")
    ensure(open_of(e, slot) > 0, f"order {name} is open")
    if not has_terms(e, slot):
        return 0
    ensure(terms.filled_lots >= 0 and terms.reserve_lots >= 0, f"order {name} has no negative lots")
    ensure(terms.reserve_lots == 0 or terms.display_lots > 0, f"order {name} hides only what it may")
    ensure((terms.partner != 0) == ((terms.special & SPECIAL_OCO) != 0), f"order {name} says whether it is linked")
    if terms.partner:
        ensure(is_live(e, terms.partner) and e.terms[terms.partner].partner == slot, f"order {name} is linked both ways")
    if terms.special & SPECIAL_QUOTE:
        ensure(quote_find(e, e.orders[slot].owner, terms.quote_set, terms.book, terms.side) == slot,
               f"quote {name} is found by name")
    return 0


cdef int check_tables(engine_t *e, int64_t live) except -1:
    """Owner lists and id table hold the live orders and nothing else."""
    cdef uint32_t b, slot, before, count
    cdef int64_t owned = 0, entries = 0
    for slot in range(1, e.slots_used + 1):
        owned += is_live(e, slot) and e.orders[slot].owner == 0
    for b in range(1, e.owners_max):
        if e.owners[b].count == 0 and e.owners[b].head == 0:
            continue
        count, before, slot = 0, 0, e.owners[b].head
        while slot != 0:
            ensure(e.orders[slot].owner == b and e.links[slot].prev == before and is_live(e, slot), "owner list links")
            count += 1
            before, slot = slot, e.links[slot].next
        ensure(e.owners[b].tail == before and e.owners[b].count == count, "owner list ends and counts")
        owned += count
    ensure(owned == live, "owner lists hold the live orders")
    for b in range(e.index_mask + 1):
        entries += e.index[b] != 0
    ensure(entries == live, "id table holds the live orders")
    return 0


cdef int check_pages(engine_t *e) except -1:
    """Pages in use are found by their directory; the free list holds the others."""
    cdef uint32_t page, used = 0, chained = 0
    for page in range(1, e.pages_used + 1):
        if e.pages[page].occupied[0] | e.pages[page].occupied[1]:
            used += 1
            ensure(e.books[e.pages[page].book].directory[e.pages[page].number] == page, "page is in its directory")
    page = e.free_page
    while page != 0:
        chained += 1
        ensure(chained <= e.pages_used, "free page list ends")
        page = e.pages[page].next_free
    ensure(used + chained == e.pages_used and e.free_pages == e.pages_max - used, "every page is used or free")
    return 0
