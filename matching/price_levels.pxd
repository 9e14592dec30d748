"""Price levels of a book: pages of 64 ticks and both sides, found by a directory, with a bitmap tree to the next best.

The occupancy word of a page is the lowest level of the tree; summary[side][k] has a bit per word of the level below.
Finding the next best price touches one word when it is in the same page and climbs at most four levels otherwise:
the cost never depends on how many orders or levels rest. Each side has levels of its own, so a call may be crossed.
"""
cimport cython
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.order_pool cimport LEVEL, TERMS, unlikely
from matching.types cimport (MODE_SHIFT, NO_ASK, NO_BID, PAGE_BITS, book_more_t, book_t, engine_t, level_t, order_t,
                             page_t)

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(uint64_t word) noexcept nogil
    int leading_zeros "__builtin_clzll"(uint64_t word) noexcept nogil


cdef inline int highest_bit(uint64_t word) noexcept nogil:
    return 63 - leading_zeros(word)


cdef inline uint32_t level_index(uint32_t page, int side, int64_t price) noexcept nogil:
    return (page << 7) | (<uint32_t>side << PAGE_BITS) | (<uint32_t>price & 63)


cdef inline level_t *level_at(engine_t *e, book_t *book, int side, int64_t price) noexcept nogil:
    """The level of an occupied price."""
    return &e.levels[level_index(book.directory[price >> PAGE_BITS], side, price)]


cdef inline bint is_price(int side, int32_t price) noexcept nogil:
    """False for the best price of an empty side."""
    return price != (NO_ASK if side else NO_BID)


cdef inline uint32_t page_take(engine_t *e, book_t *book, uint32_t number) noexcept nogil:
    """An empty page for `number`; the caller has checked that there is one."""
    cdef uint32_t page = e.free_page
    if page != 0:
        e.free_page = e.pages[page].next_free
    else:
        e.pages_used += 1
        page = e.pages_used
    e.free_pages -= 1
    e.pages[page].number = number
    e.pages[page].book = book.id
    book.directory[number] = page
    return page


cdef inline void page_return(engine_t *e, book_t *book, uint32_t page) noexcept nogil:
    book.directory[e.pages[page].number] = 0
    e.pages[page].next_free = e.free_page
    e.free_page = page
    e.free_pages += 1


cdef inline void summary_set(book_more_t *book, int side, uint32_t number) noexcept nogil:
    cdef int k
    cdef uint64_t *word
    cdef uint64_t before
    for k in range(book.summary_depth):
        word = &book.summary[side * 4 + k][number >> 6]
        before = word[0]
        word[0] = before | (<uint64_t>1 << (number & 63))
        if before != 0:
            return
        number >>= 6


cdef inline void summary_clear(book_more_t *book, int side, uint32_t number) noexcept nogil:
    cdef int k
    cdef uint64_t *word
    for k in range(book.summary_depth):
        word = &book.summary[side * 4 + k][number >> 6]
        word[0] &= ~(<uint64_t>1 << (number & 63))
        if word[0] != 0:
            return
        number >>= 6


@cython.overflowcheck(False)        # a shifted mask loses its upper bits
cdef inline int32_t next_above(engine_t *e, book_t *book, int side, int32_t price) noexcept nogil:
    """Lowest occupied price of a side > `price`, where `price`'s page may be gone; NO_ASK if none."""
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    cdef book_more_t *more = &e.more[book.id]
    cdef uint64_t word
    cdef uint32_t at = number
    cdef int k
    if page != 0:
        word = e.pages[page].occupied[side] & (<uint64_t>-2 << (price & 63))
        if word != 0:
            return <int32_t>((number << PAGE_BITS) | <uint32_t>lowest_bit(word))
    for k in range(more.summary_depth):
        word = more.summary[side * 4 + k][at >> 6] & (<uint64_t>-2 << (at & 63))
        if word != 0:
            at = (at & ~<uint32_t>63) | <uint32_t>lowest_bit(word)
            while k > 0:
                k -= 1
                at = (at << 6) | <uint32_t>lowest_bit(more.summary[side * 4 + k][at])
            return <int32_t>((at << PAGE_BITS) | <uint32_t>lowest_bit(e.pages[book.directory[at]].occupied[side]))
        at >>= 6
    return NO_ASK


cdef inline int32_t next_below(engine_t *e, book_t *book, int side, int32_t price) noexcept nogil:
    """Highest occupied price of a side < `price`, where `price`'s page may be gone; NO_BID if none."""
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    cdef book_more_t *more = &e.more[book.id]
    cdef uint64_t word
    cdef uint32_t at = number
    cdef int k
    if page != 0:
        word = e.pages[page].occupied[side] & ((<uint64_t>1 << (price & 63)) - 1)
        if word != 0:
            return <int32_t>((number << PAGE_BITS) | <uint32_t>highest_bit(word))
    for k in range(more.summary_depth):
        word = more.summary[side * 4 + k][at >> 6] & ((<uint64_t>1 << (at & 63)) - 1)
        if word != 0:
            at = (at & ~<uint32_t>63) | <uint32_t>highest_bit(word)
            while k > 0:
                k -= 1
                at = (at << 6) | <uint32_t>highest_bit(more.summary[side * 4 + k][at])
            return <int32_t>((at << PAGE_BITS) | <uint32_t>highest_bit(e.pages[book.directory[at]].occupied[side]))
        at >>= 6
    return NO_BID


cdef inline int32_t next_worse(engine_t *e, book_t *book, int side, int32_t price) noexcept nogil:
    """The next occupied price of a side, away from the other side."""
    return next_above(e, book, 1, price) if side else next_below(e, book, 0, price)


cdef inline void level_emptied(engine_t *e, book_t *book, int side, uint32_t level, int32_t price) noexcept nogil:
    """The last order left this level: clear its bits, move the best price, give back an empty page."""
    cdef uint32_t index = level >> 7
    cdef page_t *page = &e.pages[index]
    page.occupied[side] &= ~(<uint64_t>1 << (level & 63))
    if page.occupied[side] == 0:
        summary_clear(&e.more[book.id], side, page.number)
        if page.occupied[1 - side] == 0:
            page_return(e, book, index)
    if price == book.best[side]:
        book.best[side] = next_worse(e, book, side, price)


cdef inline void level_opened(engine_t *e, book_t *book, int side, uint32_t page, int32_t price) noexcept nogil:
    """The first order came to this price."""
    if e.pages[page].occupied[side] == 0:
        summary_set(&e.more[book.id], side, <uint32_t>price >> PAGE_BITS)
    e.pages[page].occupied[side] |= <uint64_t>1 << (price & 63)
    if side == 0:
        if price > book.best[0]:
            book.best[0] = price
    elif price < book.best[1]:
        book.best[1] = price


cdef inline int64_t page_append(engine_t *e, book_t *book, uint32_t page, uint32_t slot, int side, int32_t price,
                                int64_t shown_lots, uint32_t bits) noexcept nogil:
    """Put the order at the back of the queue at `price`, whose page is known; returns the level's shown lots after."""
    cdef order_t *orders = e.orders
    cdef uint32_t index = level_index(page, side, price)
    cdef level_t *level = &e.levels[index]
    cdef uint32_t tail = level.tail
    cdef int64_t lots = level.lots + shown_lots
    orders[slot].shown_lots = shown_lots
    orders[slot].next_slot = 0
    orders[slot].prev_slot = tail
    orders[slot].place = index | bits
    level.tail = slot
    level.lots = lots
    if tail != 0:
        orders[tail].next_slot = slot
    else:
        level.head = slot
        level_opened(e, book, side, page, price)
    return lots


cdef inline int64_t level_append(engine_t *e, book_t *book, uint32_t slot, int side, int32_t price, int64_t shown_lots,
                                 uint32_t bits) noexcept nogil:
    """Put the order at the back of the queue at `price`; `bits` is what its `place` says besides the level.

    Returns the level's shown lots after. The caller has checked that a page is there, or free.
    """
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    if unlikely(page == 0, 0):
        page = page_take(e, book, number)
    return page_append(e, book, page, slot, side, price, shown_lots, bits)


cdef inline int64_t level_remove(engine_t *e, book_t *book, uint32_t slot) noexcept nogil:
    """Take the order out of its level wherever it stands in the queue; returns the level's shown lots after."""
    cdef order_t *orders = e.orders
    cdef uint32_t index = orders[slot].place & LEVEL
    cdef level_t *level = &e.levels[index]
    cdef uint32_t before = orders[slot].prev_slot, after = orders[slot].next_slot
    cdef int64_t lots = level.lots - orders[slot].shown_lots
    level.lots = lots
    if before != 0:
        orders[before].next_slot = after
    else:
        level.head = after
    if after != 0:
        orders[after].prev_slot = before
    else:
        level.tail = before
    if (before | after) == 0:
        level_emptied(e, book, <int>((index >> PAGE_BITS) & 1), index,
                      <int32_t>((e.pages[index >> 7].number << PAGE_BITS) | (index & 63)))
    return lots
