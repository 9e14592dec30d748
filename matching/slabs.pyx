# cython: language_level=3, boundscheck=False, wraparound=False
"""The memory of the books: slabs made once, books opened in them.

Lives here: create, destroy, opening books and combos. Does not know: the rules of matching.
Everything is allocated for the declared limits and touched only as it fills; nothing moves afterwards.
"""
cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from matching.combos cimport combo_open
from matching.types cimport (EVENTS_PAUSE, LEGS_MAX, MMP_GROUPS, NO_ASK, NO_BID, PAGE_BITS, TICK_ROWS, TRIGGER_BOOKS,
                             WATCH_BAND, WATCH_CLOSED, book_event_t, book_more_t, book_t, combo_use_t, due_t, engine_t,
                             level_t, link_t, mmp_t, order_t, owner_t, page_t, terms_t)

from domain.book_rules import PRICE_TICKS_LIMIT
from domain.ensure import ensure

cdef extern from "slab.h" nogil:
    void *slab_alloc(size_t size) noexcept
    void slab_free(void *slab, size_t size) noexcept

cdef struct slab_t:
    void **place
    size_t size


cdef int slabs_of(engine_t *e, slab_t *out) noexcept:
    """Every slab and its size, in one list, so that none is forgotten."""
    cdef size_t slots = <size_t>e.orders_max + 1, pages = <size_t>e.pages_max + 1, owners = e.owners_max
    cdef size_t books = <size_t>e.books_max * (1 + TRIGGER_BOOKS)
    out[0].place, out[0].size = <void **>&e.orders, slots * sizeof(order_t)
    out[1].place, out[1].size = <void **>&e.levels, (pages << 7) * sizeof(level_t)
    out[2].place, out[2].size = <void **>&e.pages, pages * sizeof(page_t)
    out[3].place, out[3].size = <void **>&e.books, books * sizeof(book_t)
    out[4].place, out[4].size = <void **>&e.index, (<size_t>e.index_mask + 1) * sizeof(uint64_t)
    out[5].place, out[5].size = <void **>&e.events, (slots + 2 * EVENTS_PAUSE) * sizeof(book_event_t)
    out[6].place, out[6].size = <void **>&e.links, slots * sizeof(link_t)
    out[7].place, out[7].size = <void **>&e.owners, owners * sizeof(owner_t)
    out[8].place, out[8].size = <void **>&e.terms, slots * sizeof(terms_t)
    out[9].place, out[9].size = <void **>&e.more, books * sizeof(book_more_t)
    out[10].place, out[10].size = <void **>&e.mmp, (<size_t>e.mmp_max + 1) * sizeof(mmp_t)
    out[11].place, out[11].size = <void **>&e.mmp_of, owners * MMP_GROUPS * sizeof(uint32_t)
    out[12].place, out[12].size = <void **>&e.uses, (<size_t>e.uses_max + 1) * sizeof(combo_use_t)
    out[13].place, out[13].size = <void **>&e.due, slots * sizeof(due_t)
    out[14].place, out[14].size = <void **>&e.quotes, (<size_t>e.quotes_mask + 1) * sizeof(uint64_t)
    out[15].place, out[15].size = <void **>&e.touched, <size_t>e.books_max * sizeof(uint32_t)
    return 16


cdef engine_t *engine_create(const limits_t *limits, uint64_t hash_key) noexcept:
    """Allocate the slabs (zeroed, touched only as they fill). NULL when memory cannot be had.

    `hash_key` and where the system put the id table decide how ids are spread, so nobody can choose ids that collide;
    no answer, digest or dump depends on it.
    """
    cdef engine_t *e = <engine_t *>calloc(1, sizeof(engine_t))
    cdef slab_t slabs[16]
    cdef uint32_t size = 16, bits = 4, i
    if e == NULL:
        return NULL
    while size < 2 * limits.orders_max:
        size <<= 1
        bits += 1
    e.orders_max, e.books_max, e.pages_max = limits.orders_max, limits.books_max, limits.pages_max
    e.owners_max, e.trailing_max, e.pegs_max = limits.owners_max, limits.trailing_max, limits.pegs_max
    e.mmp_max, e.uses_max = limits.mmp_max, limits.uses_max
    e.free_pages = limits.pages_max
    e.index_mask = e.quotes_mask = size - 1
    e.index_shift = 32 - bits
    for i in range(<uint32_t>slabs_of(e, slabs)):
        slabs[i].place[0] = slab_alloc(slabs[i].size)
        if slabs[i].place[0] == NULL:
            engine_destroy(e)
            return NULL
    e.hash_key = mixed(hash_key ^ mixed(<uint64_t><size_t>e.index)) | 1
    for i in range(<uint32_t>(e.books_max * (1 + TRIGGER_BOOKS))):
        e.books[i].watch = WATCH_CLOSED
        e.books[i].id = i
    return e


@cython.overflowcheck(False)        # mixing drops the bits above
cdef inline uint64_t mixed(uint64_t key) noexcept:
    """Finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    key += <uint64_t>0x9E3779B97F4A7C15
    key = (key ^ (key >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    key = (key ^ (key >> 27)) * <uint64_t>0x94D049BB133111EB
    return key ^ (key >> 31)


cdef void engine_destroy(engine_t *e) noexcept:
    cdef slab_t slabs[16]
    cdef uint32_t i, k, count
    if e == NULL:
        return
    count = slabs_of(e, slabs)
    if e.books != NULL and e.more != NULL:
        for i in range(<uint32_t>(e.books_max * (1 + TRIGGER_BOOKS))):
            free(e.books[i].directory)
            for k in range(8):
                free(e.more[i].summary[k])
    for i in range(count):
        slab_free(slabs[i].place[0], slabs[i].size)
    free(e)


# ------------------------------------------------------------------------------------------------------------ books

cdef int directory_make(engine_t *e, uint32_t index, uint32_t pages) except -1:
    """Directory and bitmap tree of a book or of one of its trigger books: 4 bytes and a few bits per 64 ticks."""
    cdef book_t *book = &e.books[index]
    cdef book_more_t *more = &e.more[index]
    cdef uint32_t words = pages
    cdef int k = 0, side
    book.pages = pages
    book.best[0], book.best[1] = NO_BID, NO_ASK
    book.directory = <uint32_t *>calloc(pages, sizeof(uint32_t))
    if book.directory == NULL:
        raise MemoryError("price directory")
    while True:
        words = (words + 63) >> 6
        for side in range(2):
            more.summary[side * 4 + k] = <uint64_t *>calloc(words, sizeof(uint64_t))
            if more.summary[side * 4 + k] == NULL:
                raise MemoryError("price directory")
        k += 1
        if words == 1:
            break
    more.summary_depth = k
    return 0


cdef int engine_add_book(engine_t *e, uint32_t book_id, rules) except -1:
    """Open book `book_id` with domain.book_rules.BookRules; its directory covers [0, band_high]."""
    cdef book_t *book
    cdef book_more_t *more
    cdef uint32_t i, pages
    ensure(book_id < e.books_max, "book id within books_max")
    book, more = &e.books[book_id], &e.more[book_id]
    ensure(book.pages == 0, "a book is opened once")
    ensure(1 <= rules.band_low_ticks <= rules.band_high_ticks < PRICE_TICKS_LIMIT, "band within representable prices")
    ensure(rules.price_step_ticks >= 1 and rules.lot_step >= 1 and rules.lots_max >= 1, "steps and limits are positive")
    ensure(0 <= rules.protection_bps < 10_000 and rules.protection_ticks >= 0, "protection is a distance")
    ensure(0 <= rules.dynamic_bps < 10_000 and rules.notional_max >= 0, "band and notional are distances")
    ensure(len(rules.tick_table) <= TICK_ROWS, "tick table fits")
    pages = <uint32_t>(rules.band_high_ticks >> PAGE_BITS) + 1
    directory_make(e, book_id, pages)
    for i in range(<uint32_t>TRIGGER_BOOKS):
        directory_make(e, e.books_max + TRIGGER_BOOKS * book_id + i, pages)
    book.lots_max = rules.lots_max
    book.band_low_ticks, book.band_span_ticks = rules.band_low_ticks, rules.band_high_ticks - rules.band_low_ticks
    more.price_step_ticks, more.lot_step, more.notional_max = rules.price_step_ticks, rules.lot_step, rules.notional_max
    more.protection_bps, more.protection_ticks = rules.protection_bps, rules.protection_ticks
    more.dynamic_bps, more.bias_ticks = rules.dynamic_bps, rules.price_bias_ticks
    more.reject_triggered, more.peg_cancel = rules.reject_triggered, rules.peg_cancel
    more.delta = 1
    more.table_rows = 0
    before = 0
    for row_from, row_step in rules.tick_table:
        ensure(row_from > before and 1 <= row_step < PRICE_TICKS_LIMIT, "tick table rises")
        more.table_from[more.table_rows], more.table_step[more.table_rows] = row_from, row_step
        more.table_rows += 1
        before = row_from
    book.checks = (rules.price_step_ticks != 1 or rules.lot_step != 1 or rules.notional_max != 0
                   or more.table_rows != 0)
    book.watch = WATCH_BAND if rules.dynamic_bps else 0
    return 0


cdef int engine_add_combo(engine_t *e, uint32_t book_id, rules, legs) except -1:
    """Open a combo book over legs (book, +1 or -1) that are open and no combos themselves."""
    cdef uint32_t books[12]
    cdef int32_t ratios[12]
    cdef uint32_t i
    ensure(2 <= len(legs) <= LEGS_MAX and len({leg for leg, _ in legs}) == len(legs), "2 to 12 different legs")
    for i, (leg, ratio) in enumerate(legs):
        ensure(0 <= leg < e.books_max and e.books[<uint32_t>leg].pages != 0 and e.more[<uint32_t>leg].legs == 0
               and ratio in (1, -1), "a leg is an open book that is no combo")
        books[i], ratios[i] = leg, ratio
    engine_add_book(e, book_id, rules)
    ensure(combo_open(e, book_id, books, ratios, <uint32_t>len(legs)) == 0, "legs within uses_max")
    return 0
