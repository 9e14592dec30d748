# cython: language_level=3, boundscheck=False, wraparound=False
"""Looking at the books without changing them, and moving them to and from bytes.

Lives here: depth, the structure-free digest, dump and load. Laws are in invariants.pyx.
Does not know: what a command is.
A dump holds the slabs up to their high-water marks and is the same for the same history; id table, quote table,
directories and bitmaps are rebuilt from it.
"""
import hashlib
import struct

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from matching.invariants cimport check_all
from matching.mass cimport special_slots
from matching.order_pool cimport TERMS, filled_of, has_terms, id_add, is_live, open_of, side_of
from matching.price_levels cimport is_price, level_at, next_worse, summary_set
from matching.types cimport (MMP_GROUPS, PAGE_BITS, SPECIAL_QUOTE, STATE_PARKED, STATE_WAITING, TRIGGER_BOOKS,
                             book_more_t, book_t, combo_use_t, engine_t, level_t, link_t, mmp_t, order_t, owner_t,
                             page_t, terms_t)
from matching.withdraw cimport quote_add

from domain.ensure import ensure

ORDER_LINE = struct.Struct("<IBqQIqqq")
HEAD = struct.Struct("<12IQq")
BOOK_HEAD = struct.Struct("<I")
PAIR = struct.Struct("<II")


cdef list depth_of(engine_t *e, uint32_t book_id, int side, uint32_t levels):
    """(price, shown lots) of a side, best first, at most `levels`."""
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef list out = []
    bias = e.more[book_id].bias_ticks
    while is_price(side, price) and <uint32_t>len(out) < levels:
        out.append((price - bias, level_at(e, book, side, price).lots))
        price = next_worse(e, book, side, price)
    return out


cdef list special_ids(engine_t *e, uint32_t book_id, int state):
    """Ids of the orders of a book that wait (STATE_WAITING) or are parked (STATE_PARKED), by entry number."""
    cdef uint32_t i, count = special_slots(e, book_id, state)
    return [e.orders[e.due[i].slot].order_id for i in range(count)]


cdef int check_engine(engine_t *e) except -1:
    """Raise InvariantViolation unless every law of the structures holds. O(everything)."""
    return check_all(e)


# --------------------------------------------------------------------------------------------------------- digest

cdef str digest_engine(engine_t *e):
    """MATCH-060: every live order in priority order, then waiting and parked ones by entry number."""
    digest = hashlib.blake2b(digest_size=16)
    cdef uint32_t b, slot, i, count
    cdef int side
    cdef int32_t price
    cdef book_t *book
    for b in range(e.books_max):
        book = &e.books[b]
        if book.pages == 0:
            continue
        for side in range(2):
            price = book.best[side]
            while is_price(side, price):
                slot = level_at(e, book, side, price).head
                while slot != 0:
                    digest.update(ORDER_LINE.pack(b, side, price, e.orders[slot].order_id, e.orders[slot].owner,
                                                  open_of(e, slot), filled_of(e, slot), e.orders[slot].shown_lots))
                    slot = e.orders[slot].next_slot
                price = next_worse(e, book, side, price)
        if e.more[b].pegs == 0 and waiting_of(e, b) == 0:
            continue
        count = special_slots(e, b, -1)
        for i in range(count):
            slot = e.due[i].slot
            digest.update(special_line(e, b, slot))
    return digest.hexdigest()


cdef inline uint32_t waiting_of(engine_t *e, uint32_t b):
    return e.more[b].waiting[0] + e.more[b].waiting[1] + e.more[b].waiting[2] + e.more[b].trailing


cdef bytes special_line(engine_t *e, uint32_t b, uint32_t slot):
    cdef terms_t *terms = &e.terms[slot]
    waits = terms.state == STATE_WAITING
    return ORDER_LINE.pack(b, 2 if waits else 3, terms.trigger_ticks if waits else terms.limit_ticks,
                           e.orders[slot].order_id, e.orders[slot].owner, terms.open_lots, terms.filled_lots,
                           terms.extreme_ticks if waits else 0)


# ---------------------------------------------------------------------------------------------------- dump and load

cdef bytes dump_engine(engine_t *e):
    """The books as bytes. Books themselves (rules) are opened again by the caller before a load."""
    cdef uint32_t b, i
    cdef book_t book
    cdef book_more_t more
    cdef size_t slots = <size_t>e.slots_used + 1
    parts = [HEAD.pack(e.orders_max, e.pages_max, e.books_max, e.owners_max, e.slots_used, e.free_slot, e.pages_used,
                       e.free_page, e.free_pages, e.mmp_used, e.uses_used, e.groups_used, e.entries, e.now)]
    for b in range(<uint32_t>(e.books_max * (1 + TRIGGER_BOOKS))):
        if e.books[b].pages == 0:
            continue
        book, more = e.books[b], e.more[b]
        book.directory = NULL
        memset(more.summary, 0, sizeof(more.summary))
        parts += [BOOK_HEAD.pack(b), (<char *>&book)[:sizeof(book_t)], (<char *>&more)[:sizeof(book_more_t)]]
    parts.append(BOOK_HEAD.pack(0xFFFFFFFF))
    parts.append((<char *>e.orders)[:slots * sizeof(order_t)])
    parts.append((<char *>e.links)[:slots * sizeof(link_t)])
    for i in range(<uint32_t>slots):
        if has_terms(e, i):
            parts.append((<char *>&e.terms[i])[:sizeof(terms_t)])
    parts.append((<char *>e.owners)[:e.owners_max * sizeof(owner_t)])
    parts.append((<char *>e.pages)[:(e.pages_used + 1) * sizeof(page_t)])
    parts.append((<char *>e.levels)[:((<size_t>e.pages_used + 1) << 7) * sizeof(level_t)])
    parts.append((<char *>e.mmp)[:(e.mmp_used + 1) * sizeof(mmp_t)])
    parts.append((<char *>e.uses)[:(e.uses_used + 1) * sizeof(combo_use_t)])
    for i in range(<uint32_t>(e.owners_max * MMP_GROUPS)):
        if e.mmp_of[i]:
            parts.append(PAIR.pack(i, e.mmp_of[i]))
    return b"".join(parts)


cdef class Reader:
    """Takes pieces off a dump, and minds its end."""
    cdef bytes data
    cdef size_t at

    cdef int into(self, void *target, size_t size) except -1:
        ensure(self.at + size <= <size_t>len(self.data), "dump has its full length")
        memcpy(target, (<const char *>self.data) + self.at, size)
        self.at += size
        return 0


cdef int load_engine(engine_t *e, bytes data) except -1:
    """Fill a fresh engine, whose books and combos are opened, from a dump. InvariantViolation on a foreign dump."""
    cdef Reader reader = Reader()
    cdef uint32_t i, index, group
    cdef size_t slots
    ensure(len(data) >= HEAD.size, "dump has a head")
    reader.data, reader.at = data, HEAD.size
    (orders_max, pages_max, books_max, owners_max, e.slots_used, e.free_slot, e.pages_used, e.free_page, e.free_pages,
     e.mmp_used, e.uses_used, e.groups_used, e.entries, e.now) = HEAD.unpack_from(data)
    ensure((orders_max, pages_max, books_max, owners_max) == (e.orders_max, e.pages_max, e.books_max, e.owners_max)
           and e.slots_used <= e.orders_max and e.pages_used <= e.pages_max and e.mmp_used <= e.mmp_max
           and e.uses_used <= e.uses_max, "dump of the same limits")
    load_books(e, reader)
    slots = <size_t>e.slots_used + 1
    reader.into(e.orders, slots * sizeof(order_t))
    reader.into(e.links, slots * sizeof(link_t))
    for i in range(<uint32_t>slots):
        if has_terms(e, i):
            reader.into(&e.terms[i], sizeof(terms_t))
    reader.into(e.owners, e.owners_max * sizeof(owner_t))
    reader.into(e.pages, (e.pages_used + 1) * sizeof(page_t))
    reader.into(e.levels, ((<size_t>e.pages_used + 1) << 7) * sizeof(level_t))
    reader.into(e.mmp, (e.mmp_used + 1) * sizeof(mmp_t))
    reader.into(e.uses, (e.uses_used + 1) * sizeof(combo_use_t))
    while reader.at < <size_t>len(data):
        ensure(reader.at + PAIR.size <= <size_t>len(data), "dump has its full length")
        index, group = PAIR.unpack_from(data, reader.at)
        ensure(index < e.owners_max * MMP_GROUPS and group <= e.mmp_used, "protection group of an owner")
        e.mmp_of[index] = group
        reader.at += PAIR.size
    rebuild(e)
    return 0


cdef int load_books(engine_t *e, Reader reader) except -1:
    cdef uint32_t b
    cdef book_t book
    cdef book_more_t more
    while True:
        reader.into(&b, sizeof(uint32_t))
        if b == 0xFFFFFFFF:
            return 0
        ensure(b < e.books_max * (1 + TRIGGER_BOOKS) and e.books[b].pages != 0, "book of the dump is open")
        reader.into(&book, sizeof(book_t))
        reader.into(&more, sizeof(book_more_t))
        ensure(book.pages == e.books[b].pages, "book has the dumped size")
        book.directory = e.books[b].directory
        memcpy(more.summary, e.more[b].summary, sizeof(more.summary))
        e.books[b] = book
        e.more[b] = more


cdef int rebuild(engine_t *e) except -1:
    """Directories, bitmaps, id table and quote table."""
    cdef uint32_t page, slot
    cdef int side
    for page in range(1, e.pages_used + 1):
        for side in range(2):
            if e.pages[page].occupied[side]:
                e.books[e.pages[page].book].directory[e.pages[page].number] = page
                summary_set(&e.more[e.pages[page].book], side, e.pages[page].number)
    for slot in range(1, e.slots_used + 1):
        if is_live(e, slot):
            id_add(e, e.orders[slot].order_id, slot)
            if has_terms(e, slot) and e.terms[slot].special & SPECIAL_QUOTE:
                quote_add(e, slot)
    return 0
