# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Price-time matching: check, match, rest, amend, cancel.

Lives here: the rules MATCH-001..052 over the structs of types.pxd.
Does not know: money, margin, who an owner is, time.
Theory: validate everything first (`book_prepare*` change nothing and return a RejectCode), then act (`book_execute*`
cannot fail: slots, pages and event space were checked or are sized for the worst case). Every divisor and dividend
here is positive, so C division is Python's. Cost of a command grows with the fills and levels it touches, never with
the size of the book.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from matching.order_pool cimport (id_add, id_find, id_remove, owner_link, owner_unlink, slot_available, slot_return,
                                  slot_take)
from matching.price_levels cimport level_append, level_emptied, level_remove, next_ask_above, next_bid_below
from matching.types cimport (BOOK_AMENDED, BOOK_CANCELLED, BOOK_FILL, BOOK_RESTED, NO_ASK, NO_BID, PAGE_BITS,
                             book_event_t, book_rules_t, book_t, engine_t, incoming_t, level_t, order_t)


# Values of domain.constants and domain.rejects; tests/unit/matching compares them.
cdef enum:
    LIMIT = 0
    MARKET = 1
    GTC = 0
    IOC = 1
    FOK = 2
    STP_NONE = 0
    STP_NEWEST = 1
    STP_OLDEST = 2
    STP_BOTH = 3
    REASON_IOC = 2
    REASON_FOK = 3
    REASON_NO_LIQUIDITY = 4
    REASON_PROTECTION = 5
    REASON_STP = 6
    REASON_AMEND_TOTAL = 7
    REASON_AMEND_REPLACE = 8
    UNKNOWN_BOOK = 2001
    LOTS_RANGE = 2004
    LOT_STEP = 2005
    PRICE_STEP = 2006
    PRICE_BAND = 2007
    POST_ONLY_CROSS = 4002
    BOOK_FULL = 4003
    DUPLICATE_ID = 4005


# --------------------------------------------------------------------------------------------------------- events

cdef inline book_event_t *event_add(engine_t *e, uint8_t kind, uint32_t book_id, uint8_t side, uint64_t order_id,
                                    uint32_t owner, uint32_t slot) noexcept nogil:
    cdef book_event_t *event = &e.events[e.event_count]
    e.event_count += 1
    event.kind = kind
    event.side = side
    event.reason = 0
    event.rested = 1
    event.book = book_id
    event.order_id = order_id
    event.taker_id = 0
    event.owner = owner
    event.slot = slot
    return event


cdef inline void event_killed(engine_t *e, incoming_t *order, int reason, int64_t price_ticks) noexcept nogil:
    """The rest of an order that never entered the book."""
    cdef book_event_t *event = event_add(e, BOOK_CANCELLED, order.book, order.side, order.order_id, order.owner, 0)
    event.reason = <uint8_t>reason
    event.rested = 0
    event.price_ticks = price_ticks
    event.lots = order.lots
    event.open_lots = 0
    event.level_lots = -1


# --------------------------------------------------------------------------------------------------------- checks

cdef inline bint crosses(book_t *book, int side, int64_t price_ticks) noexcept nogil:
    """Would an order of `side` at this limit trade at once? Equality crosses (MATCH-004)."""
    if side == 0:
        return price_ticks >= book.best[1]
    return price_ticks <= book.best[0]


cdef inline int64_t market_limit(book_t *book, int side) noexcept nogil:
    """Limit of a market order: the best opposite price +/- protection, inside the band (MATCH-025..027)."""
    cdef book_rules_t *rules = &book.rules
    cdef int64_t best = book.best[1 - side]
    cdef int64_t limit
    if side == 0:
        limit = best + rules.protection_ticks if rules.protection_ticks else best * (10_000 + rules.protection_bps) // 10_000
        return min(limit, rules.band_high_ticks)
    limit = best - rules.protection_ticks if rules.protection_ticks else (best * (10_000 - rules.protection_bps) + 9_999) // 10_000
    return max(limit, rules.band_low_ticks)


cdef int64_t fillable_lots(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """What the order could trade at once, at most its own size; costs what the trades would. MATCH-013, MATCH-035.

    Own orders never count; where they stop the taker (newest, both) nothing behind them counts either.
    """
    cdef int32_t price = book.best[1 - order.side]
    cdef int64_t found = 0
    cdef uint32_t slot, page
    cdef order_t *maker
    cdef bint own_stops = order.stp == STP_NEWEST or order.stp == STP_BOTH
    cdef bint own_counts = order.stp == STP_NONE or order.owner == 0
    while (price <= order.price_ticks and price != NO_ASK) if order.side == 0 else (price >= order.price_ticks and price != NO_BID):
        page = book.directory[<uint32_t>price >> PAGE_BITS]
        slot = e.levels[(page << PAGE_BITS) | (<uint32_t>price & 63)].head
        while slot != 0:
            maker = &e.orders[slot]
            if own_counts or maker.owner != order.owner:
                found += maker.open_lots
                if found >= order.lots:
                    return order.lots
            elif own_stops:
                return found
            slot = maker.next_slot
        price = next_ask_above(e, book, price) if order.side == 0 else next_bid_below(e, book, price)
    return found


cdef inline int32_t check_price(book_t *book, int64_t price_ticks) noexcept nogil:
    if book.rules.price_step_ticks != 1 and price_ticks % book.rules.price_step_ticks != 0:
        return PRICE_STEP
    if price_ticks < book.rules.band_low_ticks or price_ticks > book.rules.band_high_ticks:
        return PRICE_BAND
    return 0


cdef inline bint room_to_rest(engine_t *e, book_t *book, int64_t price_ticks) noexcept nogil:
    return e.free_pages != 0 or book.directory[price_ticks >> PAGE_BITS] != 0


cdef int32_t book_prepare(engine_t *e, incoming_t *order) noexcept nogil:
    """Validate a new order and fix the limit of a market order. Changes nothing but `order`; returns a RejectCode."""
    cdef book_t *book
    cdef book_rules_t *rules
    cdef int32_t code
    order.kill_reason = 0
    order.unbounded = 0
    if order.book >= e.books_max or e.books[order.book].pages == 0:
        return UNKNOWN_BOOK
    book = &e.books[order.book]
    rules = &book.rules
    if id_find(e, order.order_id) != 0:
        return DUPLICATE_ID
    if order.lots <= 0 or order.lots > rules.lots_max:
        return LOTS_RANGE
    if rules.lot_step != 1 and order.lots % rules.lot_step != 0:
        return LOT_STEP
    if order.order_type == MARKET:
        order.price_ticks = 0
        if (book.best[1] == NO_ASK) if order.side == 0 else (book.best[0] == NO_BID):
            order.kill_reason = REASON_NO_LIQUIDITY
            return 0
        if order.post_only:
            return POST_ONLY_CROSS
        if rules.protection_bps or rules.protection_ticks:
            order.price_ticks = market_limit(book, order.side)
        else:
            order.unbounded = 1
            order.price_ticks = rules.band_high_ticks if order.side == 0 else rules.band_low_ticks
    else:
        code = check_price(book, order.price_ticks)
        if code != 0:
            return code
        if order.post_only and crosses(book, order.side, order.price_ticks):
            return POST_ONLY_CROSS
        if order.time_in_force == GTC and not (slot_available(e) and room_to_rest(e, book, order.price_ticks)):
            return BOOK_FULL
    if order.time_in_force == FOK and fillable_lots(e, book, order) < order.lots:
        order.kill_reason = REASON_FOK
    return 0


# ---------------------------------------------------------------------------------------------------------- match

cdef inline void maker_gone(engine_t *e, book_t *book, uint32_t slot) noexcept nogil:
    """The head of the best level is used up: unlink it everywhere. Its level's lots are already right."""
    cdef order_t *maker = &e.orders[slot]
    cdef level_t *level = &e.levels[maker.level]
    level.head = maker.next_slot
    if maker.next_slot != 0:
        e.orders[maker.next_slot].prev_slot = 0
    else:
        level.tail = 0
        level_emptied(e, book, maker.side, maker.level, maker.price_ticks)
    owner_unlink(e, slot)
    id_remove(e, maker.order_id, slot)
    slot_return(e, slot)
    book.orders -= 1


cdef bint match(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Trade against the other side until filled, out of price, or stopped. True if self-trade prevention stopped it."""
    cdef int other = 1 - order.side
    cdef int32_t price
    cdef uint32_t slot
    cdef order_t *maker
    cdef level_t *level
    cdef int64_t lots
    cdef book_event_t *event
    while order.lots > 0:
        price = book.best[other]
        if not crosses(book, order.side, order.price_ticks) or price == NO_BID or price == NO_ASK:
            return False
        level = &e.levels[(book.directory[<uint32_t>price >> PAGE_BITS] << PAGE_BITS) | (<uint32_t>price & 63)]
        slot = level.head
        maker = &e.orders[slot]
        if maker.owner == order.owner and order.owner != 0 and order.stp != STP_NONE:
            if order.stp != STP_NEWEST:
                book_cancel_slot(e, slot, REASON_STP)
            if order.stp != STP_OLDEST:
                return True
            continue
        lots = min(maker.open_lots, order.lots)
        order.lots -= lots
        order.filled_lots += lots
        maker.open_lots -= lots
        maker.filled_lots += lots
        level.lots -= lots
        book.last_ticks = price
        event = event_add(e, BOOK_FILL, order.book, <uint8_t>other, maker.order_id, maker.owner, slot)
        event.taker_id = order.order_id
        event.price_ticks = price
        event.lots = lots
        event.open_lots = maker.open_lots
        event.level_lots = level.lots
        if maker.open_lots == 0:
            maker_gone(e, book, slot)
    return False


cdef void rest(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Put what is left at the back of its level. An amended order comes back into its own slot and owner place."""
    cdef uint32_t slot = order.slot
    cdef order_t *resting
    cdef book_event_t *event
    if slot == 0:
        slot = slot_take(e)
        resting = &e.orders[slot]
        resting.owner = order.owner
        resting.order_id = order.order_id
        owner_link(e, slot)
        id_add(e, order.order_id, slot)
    resting = &e.orders[slot]
    resting.open_lots = order.lots
    resting.filled_lots = order.filled_lots
    resting.price_ticks = <int32_t>order.price_ticks
    resting.book = order.book
    resting.side = order.side
    resting.stp = order.stp
    resting.post_only = order.post_only
    book.orders += 1
    level_append(e, book, slot)
    event = event_add(e, BOOK_RESTED, order.book, order.side, order.order_id, order.owner, slot)
    event.price_ticks = order.price_ticks
    event.lots = order.lots
    event.open_lots = order.lots
    event.level_lots = e.levels[resting.level].lots


cdef void book_execute(engine_t *e, incoming_t *order) noexcept nogil:
    """Match a prepared order, then rest or cancel what is left. Cannot fail."""
    cdef book_t *book = &e.books[order.book]
    cdef bint stopped
    cdef int64_t limit = 0 if order.unbounded else order.price_ticks
    if order.kill_reason != 0:
        event_killed(e, order, order.kill_reason, limit)
        return
    stopped = match(e, book, order)
    if order.lots == 0:
        pass
    elif stopped:
        event_killed(e, order, REASON_STP, limit)
    elif order.order_type == MARKET:
        if order.unbounded or book.best[1 - order.side] == (NO_ASK if order.side == 0 else NO_BID):
            event_killed(e, order, REASON_NO_LIQUIDITY, limit)
        else:
            event_killed(e, order, REASON_PROTECTION, limit)
    elif order.time_in_force != GTC:
        event_killed(e, order, REASON_IOC if order.time_in_force == IOC else REASON_FOK, limit)
    else:
        rest(e, book, order)
        return
    if order.slot != 0:     # an amended order that left the book for good
        owner_unlink(e, order.slot)
        id_remove(e, order.order_id, order.slot)
        slot_return(e, order.slot)


# ------------------------------------------------------------------------------------------------ cancel and amend

cdef void book_cancel_slot(engine_t *e, uint32_t slot, int reason) noexcept nogil:
    """Take a resting order out of the book for good."""
    cdef order_t *order = &e.orders[slot]
    cdef book_t *book = &e.books[order.book]
    cdef book_event_t *event = event_add(e, BOOK_CANCELLED, order.book, order.side, order.order_id, order.owner, slot)
    event.reason = <uint8_t>reason
    event.price_ticks = order.price_ticks
    event.lots = order.open_lots
    event.open_lots = 0
    event.level_lots = level_remove(e, book, slot)
    owner_unlink(e, slot)
    id_remove(e, order.order_id, slot)
    slot_return(e, slot)
    book.orders -= 1


cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                incoming_t *fresh) noexcept nogil:
    """Validate an amend of a resting order (post_only 2 = as it was) and describe the order it becomes in `fresh`."""
    cdef order_t *order = &e.orders[slot]
    cdef book_t *book = &e.books[order.book]
    cdef int32_t code
    if total_lots < 0 or total_lots > book.rules.lots_max:
        return LOTS_RANGE
    if book.rules.lot_step != 1 and total_lots % book.rules.lot_step != 0:
        return LOT_STEP
    code = check_price(book, price_ticks)
    if code != 0:
        return code
    memset(fresh, 0, sizeof(incoming_t))
    fresh.order_id = order.order_id
    fresh.price_ticks = price_ticks
    fresh.lots = total_lots - order.filled_lots
    fresh.filled_lots = order.filled_lots
    fresh.owner = order.owner
    fresh.book = order.book
    fresh.side = order.side
    fresh.order_type = LIMIT
    fresh.time_in_force = GTC
    fresh.stp = order.stp
    fresh.post_only = order.post_only if post_only == 2 else <uint8_t>post_only
    fresh.slot = slot
    if fresh.lots <= 0 or keeps_place(order, fresh):
        return 0
    if fresh.post_only and crosses(book, order.side, price_ticks):
        return POST_ONLY_CROSS
    if not room_to_rest(e, book, price_ticks):
        return BOOK_FULL
    return 0


cdef inline bint keeps_place(order_t *order, incoming_t *fresh) noexcept nogil:
    """Same price and no increase keeps the place (MATCH-041)."""
    return fresh.price_ticks == order.price_ticks and fresh.lots <= order.open_lots


cdef void book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil:
    """Carry out a prepared amend. Cannot fail."""
    cdef order_t *order = &e.orders[slot]
    cdef book_t *book = &e.books[order.book]
    cdef book_event_t *event
    if fresh.lots <= 0:
        book_cancel_slot(e, slot, REASON_AMEND_TOTAL)
        return
    if keeps_place(order, fresh):
        e.levels[order.level].lots -= order.open_lots - fresh.lots
        order.open_lots = fresh.lots
        order.post_only = fresh.post_only
        event = event_add(e, BOOK_AMENDED, order.book, order.side, order.order_id, order.owner, slot)
        event.price_ticks = order.price_ticks
        event.lots = fresh.lots
        event.open_lots = fresh.lots
        event.level_lots = e.levels[order.level].lots
        return
    event = event_add(e, BOOK_CANCELLED, order.book, order.side, order.order_id, order.owner, slot)
    event.reason = REASON_AMEND_REPLACE
    event.price_ticks = order.price_ticks
    event.lots = order.open_lots
    event.open_lots = 0
    event.level_lots = level_remove(e, book, slot)
    book.orders -= 1
    book_execute(e, fresh)
