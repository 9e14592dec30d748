# cython: language_level=3, boundscheck=False, wraparound=False
"""Looking at the books without changing them, and moving them to and from bytes.

Lives here: depth, `check_engine` (laws I-01, I-04, I-06), the structure-free digest, dump and load.
Does not know: what a command is.
A dump holds the slabs up to their high-water marks and is the same for the same history; id table, directories,
bitmaps and owner lists' heads are rebuilt from it.
"""
import hashlib
import struct

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcpy

from matching.order_pool cimport id_add, id_find
from matching.price_levels cimport next_ask_above, next_bid_below, summary_set
from matching.types cimport (NO_ASK, NO_BID, PAGE_BITS, book_t, engine_t, level_t, order_t, page_t)

from domain.ensure import ensure

ORDER_LINE = struct.Struct("<IBqQIqq")
HEAD = struct.Struct("<8I")
BOOK_LINE = struct.Struct("<iiiI")


cdef level_t *level_at(engine_t *e, book_t *book, int32_t price):
    return &e.levels[(book.directory[<uint32_t>price >> PAGE_BITS] << PAGE_BITS) | (<uint32_t>price & 63)]


cdef bint is_price(int side, int32_t price):
    return price != (NO_ASK if side else NO_BID)


cdef int32_t worse(engine_t *e, book_t *book, int side, int32_t price):
    return next_ask_above(e, book, price) if side else next_bid_below(e, book, price)


cdef list depth_of(engine_t *e, uint32_t book_id, int side, uint32_t levels):
    """(price, lots) of a side, best first, at most `levels`."""
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef list out = []
    while is_price(side, price) and <uint32_t>len(out) < levels:
        out.append((price, level_at(e, book, price).lots))
        price = worse(e, book, side, price)
    return out


cdef int check_side(engine_t *e, uint32_t book_id, int side, int64_t *seen) except -1:
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef uint32_t slot, before
    cdef int64_t lots
    cdef order_t *order
    cdef level_t *level
    while is_price(side, price):
        level = level_at(e, book, price)
        lots, before, slot = 0, 0, level.head
        ensure(slot != 0, f"occupied level {price} of book {book_id} has an order")
        while slot != 0:
            order = &e.orders[slot]
            ensure(order.book == book_id and order.side == side and order.price_ticks == price,
                   f"order {order.order_id} stands where it says")
            ensure(order.open_lots > 0 and order.filled_lots >= 0, f"order {order.order_id} is open")
            ensure(order.prev_slot == before, f"order {order.order_id} links back")
            ensure(id_find(e, order.order_id) == slot, f"order {order.order_id} is found by id")
            lots += order.open_lots
            seen[0] += 1
            before, slot = slot, order.next_slot
        ensure(level.tail == before, f"level {price} ends at its tail")
        ensure(level.lots == lots, f"level {price} of book {book_id} sums its orders")
        price = worse(e, book, side, price)
    return 0


cdef int check_engine(engine_t *e) except -1:
    """Every order is in exactly one level, one owner list and the id table; sums, links and best prices hold."""
    cdef uint32_t b, slot, before, count
    cdef int64_t seen, total = 0, owned = 0, live = 0, entries = 0
    cdef int side
    for b in range(e.books_max):
        if e.books[b].pages == 0:
            continue
        seen = 0
        for side in range(2):
            check_side(e, b, side, &seen)
        ensure(e.books[b].best[0] < e.books[b].best[1], f"book {b} is not crossed or locked")
        ensure(seen == e.books[b].orders, f"book {b} counts its orders")
        total += seen
    for slot in range(1, e.slots_used + 1):
        if e.orders[slot].open_lots > 0:
            live += 1
            if e.orders[slot].owner == 0:
                owned += 1
    ensure(live == total, "live slots are the resting orders")
    for b in range(e.owners_max):
        count, before, slot = 0, 0, e.owner_head[b]
        while slot != 0:
            ensure(e.orders[slot].owner == b and e.orders[slot].owner_prev == before, "owner list links")
            count += 1
            before, slot = slot, e.orders[slot].owner_next
        ensure(e.owner_tail[b] == before and e.owner_count[b] == count, "owner list ends and counts")
        owned += count
    ensure(owned == total, "owner lists hold the resting orders")
    for b in range(e.index_mask + 1):
        entries += e.index[b] != 0
    ensure(entries == total, "id table holds the resting orders")
    return check_pages(e)


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


cdef str digest_engine(engine_t *e):
    """blake2b-128 over (book, side, price, id, owner, open, filled) of every order in priority order."""
    digest = hashlib.blake2b(digest_size=16)
    cdef uint32_t b, slot
    cdef int side
    cdef int32_t price
    cdef book_t *book
    cdef order_t *order
    for b in range(e.books_max):
        book = &e.books[b]
        if book.pages == 0:
            continue
        for side in range(2):
            price = book.best[side]
            while is_price(side, price):
                slot = level_at(e, book, price).head
                while slot != 0:
                    order = &e.orders[slot]
                    digest.update(ORDER_LINE.pack(b, side, price, order.order_id, order.owner, order.open_lots,
                                                  order.filled_lots))
                    slot = order.next_slot
                price = worse(e, book, side, price)
    return digest.hexdigest()


cdef bytes dump_engine(engine_t *e):
    """The books as bytes. Books themselves (rules) are opened again by the caller before a load."""
    parts = [HEAD.pack(e.orders_max, e.pages_max, e.books_max, e.slots_used, e.free_slot, e.pages_used, e.free_page,
                       e.free_pages)]
    cdef uint32_t b
    for b in range(e.books_max):
        parts.append(BOOK_LINE.pack(e.books[b].best[0], e.books[b].best[1], e.books[b].last_ticks, e.books[b].orders))
    parts.append((<char *>e.orders)[:(e.slots_used + 1) * sizeof(order_t)])
    parts.append((<char *>e.pages)[:(e.pages_used + 1) * sizeof(page_t)])
    parts.append((<char *>e.levels)[:((<size_t>e.pages_used + 1) << PAGE_BITS) * sizeof(level_t)])
    return b"".join(parts)


cdef int load_engine(engine_t *e, bytes data) except -1:
    """Fill a fresh engine, whose books are opened, from a dump. Raises InvariantViolation on a foreign dump."""
    cdef const char *raw = data
    cdef size_t at = HEAD.size, size
    cdef uint32_t b, slot, page
    cdef order_t *order
    cdef int side
    (orders_max, pages_max, books_max, e.slots_used, e.free_slot, e.pages_used, e.free_page, e.free_pages) = (
        HEAD.unpack_from(data))
    ensure((orders_max, pages_max, books_max) == (e.orders_max, e.pages_max, e.books_max), "dump of the same limits")
    for b in range(e.books_max):
        (e.books[b].best[0], e.books[b].best[1], e.books[b].last_ticks, e.books[b].orders) = (
            BOOK_LINE.unpack_from(data, at))
        at += BOOK_LINE.size
    size = (e.slots_used + 1) * sizeof(order_t)
    ensure(<size_t>len(data) == at + size + (e.pages_used + 1) * sizeof(page_t)
           + ((<size_t>e.pages_used + 1) << PAGE_BITS) * sizeof(level_t), "dump has its full length")
    memcpy(e.orders, raw + at, size)
    at += size
    size = (e.pages_used + 1) * sizeof(page_t)
    memcpy(e.pages, raw + at, size)
    at += size
    memcpy(e.levels, raw + at, ((<size_t>e.pages_used + 1) << PAGE_BITS) * sizeof(level_t))
    for page in range(1, e.pages_used + 1):
        for side in range(2):
            if e.pages[page].occupied[side]:
                e.books[e.pages[page].book].directory[e.pages[page].number] = page
                summary_set(&e.books[e.pages[page].book], side, e.pages[page].number)
    for slot in range(1, e.slots_used + 1):
        order = &e.orders[slot]
        if order.open_lots == 0:
            continue
        id_add(e, order.order_id, slot)
        if order.owner != 0:
            e.owner_count[order.owner] += 1
            if order.owner_prev == 0:
                e.owner_head[order.owner] = slot
            if order.owner_next == 0:
                e.owner_tail[order.owner] = slot
    return 0
