# cython: language_level=3, boundscheck=False, wraparound=False
"""The engine around the books: its slabs, and the Python door used by tests and tools.

Lives here: create, destroy, opening a book, `MatchingEngine`.
Does not know: the rules of matching (order_book.pyx).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from matching.book_state cimport check_engine, depth_of, digest_engine
from matching.order_book cimport (book_cancel_slot, book_execute, book_execute_amend, book_prepare,
                                  book_prepare_amend)
from matching.order_pool cimport id_find
from matching.types cimport (BOOK_CANCELLED, BOOK_FILL, BOOK_RESTED, NO_ASK, NO_BID, PAGE_BITS, book_event_t, book_t,
                             engine_t, incoming_t, level_t, order_t, page_t)

from domain.book_rules import PRICE_TICKS_LIMIT
from domain.constants import REASON_TEXTS
from domain.ensure import ensure
from domain.rejects import BOOK_REASON_TEXTS

cdef extern from "slab.h" nogil:
    void *slab_alloc(size_t size) noexcept
    void slab_free(void *slab, size_t size) noexcept

# Values of domain.constants and domain.rejects; tests compare them.
cdef enum:
    LIMIT = 0
    GTC = 0
    STP_NEWEST = 1
    REASON_USER = 1
    UNKNOWN_ORDER = 4001


# ------------------------------------------------------------------------------------------------ create and destroy

cdef size_t orders_bytes(engine_t *e) noexcept:
    return (<size_t>e.orders_max + 1) * sizeof(order_t)


cdef size_t pages_bytes(engine_t *e) noexcept:
    return (<size_t>e.pages_max + 1) * sizeof(page_t)


cdef size_t levels_bytes(engine_t *e) noexcept:
    return ((<size_t>e.pages_max + 1) << PAGE_BITS) * sizeof(level_t)


cdef size_t index_bytes(engine_t *e) noexcept:
    return (<size_t>e.index_mask + 1) * sizeof(uint64_t)


cdef size_t events_bytes(engine_t *e) noexcept:
    return (2 * <size_t>e.orders_max + 8) * sizeof(book_event_t)


cdef engine_t *engine_create(uint32_t orders_max, uint32_t books_max, uint32_t pages_max,
                             uint32_t owners_max) noexcept:
    """Allocate the slabs (zeroed, touched only as they fill). NULL when memory cannot be had."""
    cdef engine_t *e = <engine_t *>calloc(1, sizeof(engine_t))
    cdef uint32_t size = 16, bits = 4
    if e == NULL:
        return NULL
    while size < 2 * orders_max:
        size <<= 1
        bits += 1
    e.orders_max, e.books_max, e.pages_max, e.owners_max = orders_max, books_max, pages_max, owners_max
    e.free_pages = pages_max
    e.index_mask = size - 1
    e.index_shift = 32 - bits
    e.orders = <order_t *>slab_alloc(orders_bytes(e))
    e.pages = <page_t *>slab_alloc(pages_bytes(e))
    e.levels = <level_t *>slab_alloc(levels_bytes(e))
    e.books = <book_t *>calloc(books_max, sizeof(book_t))
    e.index = <uint64_t *>slab_alloc(index_bytes(e))
    e.owner_head = <uint32_t *>calloc(owners_max, sizeof(uint32_t))
    e.owner_tail = <uint32_t *>calloc(owners_max, sizeof(uint32_t))
    e.owner_count = <uint32_t *>calloc(owners_max, sizeof(uint32_t))
    e.events = <book_event_t *>slab_alloc(events_bytes(e))
    if (e.orders == NULL or e.pages == NULL or e.levels == NULL or e.books == NULL or e.index == NULL
            or e.owner_head == NULL or e.owner_tail == NULL or e.owner_count == NULL or e.events == NULL):
        engine_destroy(e)
        return NULL
    return e


cdef void engine_destroy(engine_t *e) noexcept:
    cdef uint32_t i, k
    if e == NULL:
        return
    if e.books != NULL:
        for i in range(e.books_max):
            free(e.books[i].directory)
            for k in range(8):
                free(e.books[i].summary[k])
    slab_free(e.orders, orders_bytes(e))
    slab_free(e.pages, pages_bytes(e))
    slab_free(e.levels, levels_bytes(e))
    slab_free(e.index, index_bytes(e))
    slab_free(e.events, events_bytes(e))
    free(e.books)
    free(e.owner_head)
    free(e.owner_tail)
    free(e.owner_count)
    free(e)


cdef int engine_add_book(engine_t *e, uint32_t book_id, int64_t price_step, int64_t lot_step, int64_t lots_max,
                         int64_t band_low, int64_t band_high, int64_t protection_bps,
                         int64_t protection_ticks) except -1:
    """Open book `book_id`. Its directory covers [0, band_high]: 4 bytes per 64 ticks."""
    cdef book_t *book
    cdef uint32_t words
    cdef int k, side
    ensure(book_id < e.books_max, "book id within books_max")
    book = &e.books[book_id]
    ensure(book.pages == 0, "a book is opened once")
    ensure(1 <= band_low <= band_high < PRICE_TICKS_LIMIT, "band within representable prices")
    ensure(price_step >= 1 and lot_step >= 1 and lots_max >= 1, "steps and limits are positive")
    ensure(0 <= protection_bps < 10_000 and protection_ticks >= 0, "protection is a distance")
    book.pages = <uint32_t>(band_high >> PAGE_BITS) + 1
    book.directory = <uint32_t *>calloc(book.pages, sizeof(uint32_t))
    words = book.pages
    k = 0
    while True:
        words = (words + 63) >> 6
        for side in range(2):
            book.summary[side * 4 + k] = <uint64_t *>calloc(words, sizeof(uint64_t))
            if book.summary[side * 4 + k] == NULL:
                raise MemoryError("price directory")
        k += 1
        if words == 1:
            break
    if book.directory == NULL:
        raise MemoryError("price directory")
    book.summary_depth = k
    book.best[0] = NO_BID
    book.best[1] = NO_ASK
    book.rules.price_step_ticks, book.rules.lot_step, book.rules.lots_max = price_step, lot_step, lots_max
    book.rules.band_low_ticks, book.rules.band_high_ticks = band_low, band_high
    book.rules.protection_bps, book.rules.protection_ticks = protection_bps, protection_ticks
    return 0


# ------------------------------------------------------------------------------------------------- the Python door

cdef class MatchingEngine:
    """Books behind plain calls that return their events as tuples; for tests and tools. O(1) per touched order."""

    def __cinit__(self, *, uint32_t orders_max=65_536, uint32_t books_max=16, uint32_t pages_max=65_536,
                  uint32_t owners_max=65_536):
        self.c = engine_create(orders_max, books_max, pages_max, owners_max)
        if self.c == NULL:
            raise MemoryError("matching engine slabs")

    def __dealloc__(self):
        engine_destroy(self.c)

    def add_book(self, uint32_t book, rules):
        """Open a book with domain.book_rules.BookRules."""
        engine_add_book(self.c, book, rules.price_step_ticks, rules.lot_step, rules.lots_max, rules.band_low_ticks,
                        rules.band_high_ticks, rules.protection_bps, rules.protection_ticks)

    def submit(self, uint32_t book, uint64_t order_id, uint32_t owner, int side, int64_t price_ticks, int64_t lots, *,
               int order_type=LIMIT, int tif=GTC, bint post_only=False, int stp=STP_NEWEST):
        """Enter an order: ("refused", id, reason), or its fills and what became of the rest."""
        cdef incoming_t order
        cdef int32_t code
        memset(&order, 0, sizeof(incoming_t))
        order.order_id, order.owner, order.book, order.side = order_id, owner, book, side
        order.price_ticks, order.lots = price_ticks, lots
        order.order_type, order.time_in_force, order.stp, order.post_only = order_type, tif, stp, post_only
        ensure(owner < self.c.owners_max, "owner within owners_max")
        with nogil:
            code = book_prepare(self.c, &order)
            if code == 0:
                book_execute(self.c, &order)
        if code != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[code])]
        return self.results()

    def cancel(self, uint64_t order_id, uint32_t owner):
        """Cancel one resting order of `owner`."""
        cdef uint32_t slot = id_find(self.c, order_id)
        if slot == 0 or self.c.orders[slot].owner != owner:
            return [("refused", order_id, BOOK_REASON_TEXTS[UNKNOWN_ORDER])]
        book_cancel_slot(self.c, slot, REASON_USER)
        return self.results()

    def amend(self, uint64_t order_id, uint32_t owner, int64_t price_ticks, int64_t total_lots):
        """Change price and total (filled + open wanted) of a resting order."""
        cdef uint32_t slot = id_find(self.c, order_id)
        cdef incoming_t fresh
        cdef int32_t code
        if slot == 0 or self.c.orders[slot].owner != owner:
            return [("refused", order_id, BOOK_REASON_TEXTS[UNKNOWN_ORDER])]
        code = book_prepare_amend(self.c, slot, price_ticks, total_lots, 2, &fresh)
        if code != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[code])]
        book_execute_amend(self.c, slot, total_lots, &fresh)
        return self.results()

    def cancel_owner(self, uint32_t owner):
        """Cancel all orders of an owner, in the order they entered."""
        cdef uint32_t slot = self.c.owner_head[owner], after
        while slot != 0 and owner != 0:
            after = self.c.orders[slot].owner_next
            book_cancel_slot(self.c, slot, REASON_USER)
            slot = after
        return self.results()

    cdef list results(self):
        """The events as tuples, the buffer emptied."""
        cdef list out = []
        cdef book_event_t *event
        cdef uint32_t i
        for i in range(self.c.event_count):
            event = &self.c.events[i]
            if event.kind == BOOK_FILL:
                out.append(("fill", event.order_id, event.taker_id, event.price_ticks, event.lots, event.open_lots,
                            event.level_lots))
            elif event.kind == BOOK_CANCELLED:
                out.append(("cancelled", event.order_id, event.lots, REASON_TEXTS[event.reason], event.price_ticks,
                            event.level_lots))
            else:
                out.append(("rested" if event.kind == BOOK_RESTED else "amended", event.order_id, event.price_ticks,
                            event.open_lots, event.level_lots))
        self.c.event_count = 0
        return out

    def best(self, uint32_t book):
        """(best bid, best ask) in ticks, None for an empty side."""
        cdef book_t *b = &self.c.books[book]
        return (None if b.best[0] == NO_BID else b.best[0], None if b.best[1] == NO_ASK else b.best[1])

    def last_price(self, uint32_t book):
        """Price of the last trade in ticks, None before the first."""
        return self.c.books[book].last_ticks or None

    def depth(self, uint32_t book, uint32_t levels):
        """((price, lots) bids, asks), best first, at most `levels` a side."""
        return depth_of(self.c, book, 0, levels), depth_of(self.c, book, 1, levels)

    def order(self, uint64_t order_id):
        """(book, owner, side, price_ticks, open_lots, filled_lots) of a resting order, or None."""
        cdef uint32_t slot = id_find(self.c, order_id)
        if slot == 0:
            return None
        o = self.c.orders[slot]
        return (o.book, o.owner, o.side, o.price_ticks, o.open_lots, o.filled_lots)

    def check_invariants(self):
        """Raise InvariantViolation unless every structural law holds. O(everything)."""
        check_engine(self.c)

    def state_digest(self):
        """Digest of what rests, in priority order, free of structure (matching/README.md). O(orders)."""
        return digest_engine(self.c)
