"""Price levels of a book: pages of 64 ticks, found by a directory, with a bitmap tree to the next best price.

The occupancy word of a page is the lowest level of the tree; summary[side][k] has a bit per word of the level below.
Finding the next best price touches one word when it is in the same page and climbs at most four levels otherwise:
the cost never depends on how many orders or levels rest.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.types cimport NO_ASK, NO_BID, PAGE_BITS, book_t, engine_t, level_t, order_t, page_t

cdef extern from *:
    int lowest_bit "__builtin_ctzll"(uint64_t word) noexcept nogil
    int leading_zeros "__builtin_clzll"(uint64_t word) noexcept nogil


cdef inline int highest_bit(uint64_t word) noexcept nogil:
    return 63 - leading_zeros(word)


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
    e.pages[page].book = <uint32_t>(book - e.books)
    book.directory[number] = page
    return page


cdef inline void page_return(engine_t *e, book_t *book, uint32_t page) noexcept nogil:
    book.directory[e.pages[page].number] = 0
    e.pages[page].next_free = e.free_page
    e.free_page = page
    e.free_pages += 1


cdef inline void summary_set(book_t *book, int side, uint32_t number) noexcept nogil:
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


cdef inline void summary_clear(book_t *book, int side, uint32_t number) noexcept nogil:
    cdef int k
    cdef uint64_t *word
    for k in range(book.summary_depth):
        word = &book.summary[side * 4 + k][number >> 6]
        word[0] &= ~(<uint64_t>1 << (number & 63))
        if word[0] != 0:
            return
        number >>= 6


cdef inline int32_t next_ask_above(engine_t *e, book_t *book, int32_t price) noexcept nogil:
    """Lowest occupied ask price > `price`, where `price`'s page may be gone; NO_ASK if none."""
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    cdef uint64_t word
    cdef uint32_t at = number
    cdef int k
    if page != 0:
        word = e.pages[page].occupied[1] & (<uint64_t>-2 << (price & 63))
        if word != 0:
            return <int32_t>((number << PAGE_BITS) | <uint32_t>lowest_bit(word))
    for k in range(book.summary_depth):
        word = book.summary[4 + k][at >> 6] & (<uint64_t>-2 << (at & 63))
        if word != 0:
            at = (at & ~<uint32_t>63) | <uint32_t>lowest_bit(word)
            while k > 0:
                k -= 1
                at = (at << 6) | <uint32_t>lowest_bit(book.summary[4 + k][at])
            return <int32_t>((at << PAGE_BITS) | <uint32_t>lowest_bit(e.pages[book.directory[at]].occupied[1]))
        at >>= 6
    return NO_ASK


cdef inline int32_t next_bid_below(engine_t *e, book_t *book, int32_t price) noexcept nogil:
    """Highest occupied bid price < `price`, where `price`'s page may be gone; NO_BID if none."""
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    cdef uint64_t word
    cdef uint32_t at = number
    cdef int k
    if page != 0:
        word = e.pages[page].occupied[0] & ((<uint64_t>1 << (price & 63)) - 1)
        if word != 0:
            return <int32_t>((number << PAGE_BITS) | <uint32_t>highest_bit(word))
    for k in range(book.summary_depth):
        word = book.summary[k][at >> 6] & ((<uint64_t>1 << (at & 63)) - 1)
        if word != 0:
            at = (at & ~<uint32_t>63) | <uint32_t>highest_bit(word)
            while k > 0:
                k -= 1
                at = (at << 6) | <uint32_t>highest_bit(book.summary[k][at])
            return <int32_t>((at << PAGE_BITS) | <uint32_t>highest_bit(e.pages[book.directory[at]].occupied[0]))
        at >>= 6
    return NO_BID


cdef inline void level_emptied(engine_t *e, book_t *book, int side, uint32_t level, int32_t price) noexcept nogil:
    """The last order left this level: clear its bits, move the best price, give back an empty page."""
    cdef uint32_t index = level >> PAGE_BITS
    cdef page_t *page = &e.pages[index]
    page.occupied[side] &= ~(<uint64_t>1 << (level & 63))
    if page.occupied[side] == 0:
        summary_clear(book, side, page.number)
        if page.occupied[1 - side] == 0:
            page_return(e, book, index)
    if price == book.best[side]:
        book.best[side] = next_ask_above(e, book, price) if side else next_bid_below(e, book, price)


cdef inline void level_append(engine_t *e, book_t *book, uint32_t slot) noexcept nogil:
    """Put the order of `slot` (book, side, price, open_lots set) at the back of its level."""
    cdef order_t *order = &e.orders[slot]
    cdef int32_t price = order.price_ticks
    cdef int side = order.side
    cdef uint32_t number = <uint32_t>price >> PAGE_BITS
    cdef uint32_t page = book.directory[number]
    cdef level_t *level
    if page == 0:
        page = page_take(e, book, number)
    order.level = (page << PAGE_BITS) | (<uint32_t>price & 63)
    level = &e.levels[order.level]
    order.next_slot = 0
    order.prev_slot = level.tail
    if level.tail != 0:
        e.orders[level.tail].next_slot = slot
    else:
        level.head = slot
        if e.pages[page].occupied[side] == 0:
            summary_set(book, side, number)
        e.pages[page].occupied[side] |= <uint64_t>1 << (price & 63)
        if side == 0:
            if price > book.best[0]:
                book.best[0] = price
        elif price < book.best[1]:
            book.best[1] = price
    level.tail = slot
    level.lots += order.open_lots


cdef inline int64_t level_remove(engine_t *e, book_t *book, uint32_t slot) noexcept nogil:
    """Take the order out of its level wherever it stands in the queue; returns the level's lots after."""
    cdef order_t *order = &e.orders[slot]
    cdef level_t *level = &e.levels[order.level]
    if order.prev_slot != 0:
        e.orders[order.prev_slot].next_slot = order.next_slot
    else:
        level.head = order.next_slot
    if order.next_slot != 0:
        e.orders[order.next_slot].prev_slot = order.prev_slot
    else:
        level.tail = order.prev_slot
    level.lots -= order.open_lots
    if level.head == 0:
        level_emptied(e, book, order.side, order.level, order.price_ticks)
        return 0
    return level.lots
