# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Price-time matching: prepare, match, finish.

Lives here: the way of a new order that is more than the plain one of plain.pxd, by the rules MATCH-001..039.
Does not know: money, margin, who an owner is, time.
Theory: validate everything first (`book_prepare*` change nothing and return a RejectCode), then act (`book_execute*`
cannot fail: slots and pages were checked; events pause the sweep before their buffer is full). Cost of a command grows
with the fills and levels it touches, never with the size of the book.
"""
cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from matching.combos cimport implied_step
from matching.events cimport event_add, event_killed, event_set
from matching.fills cimport fill_maker, taker_filled
from matching.order_checks cimport can_fill_all, check_order, check_post_only, check_room, check_terms, set_limits
from matching.order_pool cimport (LEVEL, TERMS, book_of, has_terms, id_find, open_of, price_of, same_person, side_of,
                                  prefetch, terms_make, unlikely)
from matching.pegs cimport in_call, peg_enter, phase_change
from matching.price_levels cimport highest_bit, is_price, level_at, lowest_bit
from matching.resting cimport link_partner, rest, slot_done, slot_new
from matching.ticks cimport payable_lots
from matching.triggers cimport wait_start
from matching.types cimport (BOOK_REDUCED, EVENTS_PAUSE, SPECIAL_GATE, WATCH_BAND, WATCH_IMPLIED, book_t, engine_t,
                             incoming_t, level_t, order_t)
from matching.withdraw cimport book_withdraw

cdef enum:
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    GTC = 0
    IOC = 1
    FOK = 2
    STP_NONE = 0
    STP_NEWEST = 1
    STP_OLDEST = 2
    STP_DECREMENT = 4
    REASON_IOC = 2
    REASON_FOK = 3
    REASON_NO_LIQUIDITY = 4
    REASON_PROTECTION = 5
    REASON_STP = 6
    REASON_BUDGET = 13
    REASON_BAND = 14
    REASON_POST_ONLY = 23
    REASON_BOOK_FULL = 24
    LOT_STEP = 2005
    POST_ONLY_CROSS = 4002
    BOOK_FULL = 4003
    PHASE_VOLATILITY = 3


# ------------------------------------------------------------------------------------------------------- new orders

cdef int32_t book_prepare(engine_t *e, incoming_t *order) noexcept nogil:
    """Validate a new order and fix its limits. Changes nothing but `order`; returns a RejectCode (MATCH-024)."""
    cdef int32_t code
    order.kill_reason = order.unbounded = order.stopped = 0
    e.taker_partner = 0
    code = check_order(e, order)
    if code != 0:
        return code
    if order.oco != 0:
        e.taker_partner = id_find(e, order.oco)
    if order.waits or order.peg:
        return 0
    if in_call(e, order.book):
        return prepare_call(e, order)
    return prepare_now(e, order)


cdef int32_t prepare_call(engine_t *e, incoming_t *order) noexcept nogil:
    """Into a call: market orders stand at the edge of the band (MATCH-091)."""
    cdef book_t *book = &e.books[order.book]
    cdef int32_t code
    if order.order_type == MARKET:
        if order.post_only and is_price(1 - order.side, book.best[1 - order.side]):
            return POST_ONLY_CROSS
        order.price_ticks = book.band_low_ticks + (book.band_span_ticks if order.side == 0 else 0)
    elif order.post_only:
        code = check_post_only(e, order)
        if code != 0:
            return code
    return check_room(e, order, order.price_ticks)


cdef int32_t prepare_now(engine_t *e, incoming_t *order) noexcept nogil:
    """What needs the other side, in continuous trading."""
    cdef book_t *book = &e.books[order.book]
    cdef int32_t code
    if order.order_type != LIMIT and not is_price(1 - order.side, book.best[1 - order.side]):
        if order.order_type != LIMIT:
            order.price_ticks = 0
        order.kill_reason = REASON_NO_LIQUIDITY
        return 0
    if order.post_only:
        code = check_post_only(e, order)
        if code != 0:
            return code
    set_limits(e, order)
    if order.order_type == MARKET_TO_LIMIT:
        order.market_to_limit = 1
    if order.order_type != MARKET and order.time_in_force == GTC:
        code = check_room(e, order, order.price_ticks)
        if code != 0:
            return code
    if order.time_in_force == FOK and not can_fill_all(e, order):
        order.kill_reason = REASON_FOK
    return 0


cdef int32_t book_prepare_triggered(engine_t *e, incoming_t *order) noexcept nogil:
    """The checks that the moment asks for (MATCH-074); a refusal is carried out by `book_drop`."""
    order.kill_reason = order.unbounded = order.stopped = 0
    e.taker_partner = 0
    return prepare_now(e, order)


cdef int book_reason_of(int32_t code) noexcept nogil:
    """The reason with which a triggered order is cancelled that a check refused."""
    return REASON_POST_ONLY if code == POST_ONLY_CROSS else REASON_BOOK_FULL


cdef void book_drop(engine_t *e, incoming_t *order, int reason) noexcept nogil:
    """Cancel whole what is not in the book: a triggered order that was refused."""
    event_killed(e, order, reason)
    slot_done(e, order)


cdef int book_execute(engine_t *e, incoming_t *order) noexcept nogil:
    """Carry out a prepared order: it waits, is parked, queues in a call, or trades and rests. Cannot fail."""
    cdef uint32_t slot
    e.gate_passed = 0
    if order.kill_reason != 0:
        event_killed(e, order, order.kill_reason)
        slot_done(e, order)
        return 0
    if order.waits or order.peg:
        slot = slot_new(e, order)
        if order.waits:
            if order.mmp:
                terms_make(e, slot).mmp = order.mmp
            link_partner(e, slot)
            wait_start(e, order, slot)
        else:
            peg_enter(e, order, slot)
        return 0
    if e.more[order.book].phase != 0:
        rest(e, &e.books[order.book], order)
        return 0
    return book_resume(e, order)


cdef int32_t book_limit_any(engine_t *e, uint32_t book_id, int side, uint64_t order_id, uint32_t owner, int stp,
                            int post_only, int64_t price_ticks, int64_t lots) noexcept nogil:
    """plain.book_limit for an order that is not plain after all. Nothing of it pauses but a sweep of thousands."""
    cdef incoming_t order
    cdef int32_t code
    memset(&order, 0, sizeof(incoming_t))
    order.order_id = order_id
    order.price_ticks = price_ticks
    order.lots = lots
    order.owner = owner
    order.book = book_id
    order.side = <uint8_t>side
    order.stp = <uint8_t>stp
    order.post_only = <uint8_t>post_only
    code = book_prepare(e, &order)
    if code == 0:
        e.paused = book_execute(e, &order)
        if e.paused:
            e.paused_order = order
    return code


cdef int32_t book_take(engine_t *e, book_t *book, int side, uint64_t order_id, uint32_t owner, int stp, int post_only,
                       int64_t price_ticks, int64_t lots) noexcept nogil:
    """A plain limit order that plain.book_limit has checked and that crosses: only what the other side decides is left."""
    cdef incoming_t order
    if post_only or book.watch & WATCH_BAND:
        return book_limit_any(e, book.id, side, order_id, owner, stp, post_only, price_ticks, lots)
    memset(&order, 0, sizeof(incoming_t))
    order.order_id = order_id
    order.price_ticks = order.bound_ticks = price_ticks
    order.lots = lots
    order.owner = owner
    order.book = book.id
    order.side = <uint8_t>side
    order.stp = <uint8_t>stp
    if check_room(e, &order, price_ticks) != 0:
        return BOOK_FULL
    e.taker_partner = 0
    e.gate_passed = 0
    e.paused = match(e, book, &order)
    if e.paused:
        e.paused_order = order
    elif order.lots != 0:
        finish_order(e, book, &order)
    return 0


cdef int32_t book_check_price(engine_t *e, uint32_t book_id, int64_t price_ticks, int64_t lots) noexcept nogil:
    """Lot step, price step, band and notional of a plain limit order."""
    if e.more[book_id].lot_step != 1 and lots % e.more[book_id].lot_step != 0:
        return LOT_STEP
    return check_terms(e, book_id, price_ticks, lots)


# ---------------------------------------------------------------------------------------------------------- match

cdef int book_resume(engine_t *e, incoming_t *order) noexcept nogil:
    """Match what is left, then rest or cancel it. May pause again (MATCH-064)."""
    cdef book_t *book = &e.books[order.book]
    cdef int status = match(e, book, order)
    if status:
        return status
    finish_order(e, book, order)
    return 0


cdef int match(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Trade against the other side until filled, out of price, or stopped."""
    cdef int side = order.side, other = 1 - order.side
    cdef int64_t bound = order.bound_ticks, near = order.near_ticks, lots
    cdef int32_t price, level_price = -1
    cdef uint32_t slot
    cdef order_t *maker
    cdef level_t *level = NULL
    cdef bint implied = (book.watch & WATCH_IMPLIED) != 0 and order.time_in_force != FOK
    cdef bint prevents = order.stp != STP_NONE and order.owner != 0
    cdef bint taker_special = order.mmp or e.taker_partner != 0 or order.slot != 0
    while order.lots > 0 and order.stopped == 0:
        if unlikely(e.event_count >= EVENTS_PAUSE, 0):
            return 1
        price = book.best[other]
        if unlikely(implied, 0) and implied_step(e, order, price):
            continue
        if price > bound if side == 0 else price < bound:
            break
        if unlikely(near != 0, 0) and (price < near if side == 0 else price > near):
            break
        if price != level_price:
            level = level_at(e, book, other, price)
            level_price = price
            fetch_next_level(e, level, other, price)
        slot = level.head
        maker = &e.orders[slot]
        lots = min(maker.shown_lots, order.lots)
        if unlikely(order.budget != 0, 0) and order.time_in_force != FOK:
            lots = min(lots, payable_lots(&e.more[book.id], order.budget, price))
            if lots == 0:
                order.stopped = REASON_BUDGET
                break
        if prevents and same_person(e, maker.owner, order.owner):
            prevent(e, order, other, slot, level, price)
            continue
        if unlikely(order.budget != 0, 0) and order.time_in_force != FOK:
            order.budget -= lots * price
            if order.budget == 0:
                order.budget = -1       # all of it is spent: the next fill would be of nothing
        if unlikely((maker.place & TERMS) != 0, 0) and e.terms[slot].special & SPECIAL_GATE:
            if slot != e.gate_passed:
                e.gate_slot = slot
                return 2
            e.gate_passed = 0
        order.lots -= lots
        order.filled_lots += lots
        fill_maker(e, book, order, other, slot, level, lots, price)
        if unlikely(taker_special, 0):
            taker_filled(e, order, lots)
    return 0


@cython.overflowcheck(False)        # a shifted mask loses its upper bits
cdef inline void fetch_next_level(engine_t *e, level_t *level, int side, int32_t price) noexcept nogil:
    """A sweep may come to the next level of this page: fetch it and, when it is there already, its first order."""
    cdef uint32_t index = <uint32_t>(level - e.levels)
    cdef uint64_t word = e.pages[index >> 7].occupied[side]
    cdef uint32_t after
    word &= (<uint64_t>-2 << (price & 63)) if side == 1 else (<uint64_t>1 << (price & 63)) - 1
    if word == 0:
        return
    after = (index & ~<uint32_t>63) | <uint32_t>(lowest_bit(word) if side == 1 else highest_bit(word))
    prefetch(&e.orders[e.levels[after].head])
    word &= ~(<uint64_t>1 << (after & 63))
    if word != 0:
        after = (index & ~<uint32_t>63) | <uint32_t>(lowest_bit(word) if side == 1 else highest_bit(word))
        prefetch(&e.levels[after])


cdef void prevent(engine_t *e, incoming_t *order, int other, uint32_t slot, level_t *level,
                  int32_t price) noexcept nogil:
    """The taker met its own order: what its mode says (MATCH-031..034, MATCH-039)."""
    if order.stp == STP_DECREMENT:
        decrement(e, order, slot, level, price)
        return
    if order.stp != STP_NEWEST:
        book_withdraw(e, slot, REASON_STP)
    if order.stp != STP_OLDEST:
        order.stopped = REASON_STP


cdef void decrement(engine_t *e, incoming_t *order, uint32_t slot, level_t *level, int32_t price) noexcept nogil:
    """Both lose what they would have traded; who is used up is cancelled."""
    cdef int64_t maker_lots = open_of(e, slot), lots = min(maker_lots, order.lots)
    if lots == maker_lots:
        book_withdraw(e, slot, REASON_STP)
    else:
        book_trim(e, slot, maker_lots - lots, REASON_STP)
    if lots == order.lots:
        event_killed(e, order, REASON_STP)
        order.lots = 0
        return
    order.lots -= lots
    event_set(event_add(e, BOOK_REDUCED, order.book, order.side, order.order_id, order.owner, order.slot), lots,
              order.lots, -1, 0 if order.unbounded else order.price_ticks)


cdef int64_t book_trim(engine_t *e, uint32_t slot, int64_t lots, int reason) noexcept nogil:
    """Leave a resting order `lots` of its open ones, in its place, reserve first: event `reduced`, or `cancelled` for 0."""
    cdef order_t *order = &e.orders[slot]
    cdef level_t *level = &e.levels[order.place & LEVEL]
    cdef int64_t less = open_of(e, slot) - lots, hidden = 0
    cdef int64_t price = price_of(e, slot)
    if lots == 0:
        book_withdraw(e, slot, reason)
        return 0
    if less <= 0:
        return lots - less
    if has_terms(e, slot):
        hidden = min(less, e.terms[slot].reserve_lots)
        e.terms[slot].reserve_lots -= hidden
    order.shown_lots -= less - hidden
    level.lots -= less - hidden
    event_set(event_add(e, BOOK_REDUCED, book_of(e, slot), side_of(e, slot), order.order_id, order.owner, slot), less,
              lots, level.lots, price)
    return lots


cdef void finish_order(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Rest or cancel what is left; a breach of the dynamic band opens the volatility auction (MATCH-038)."""
    cdef bint empty = not is_price(1 - order.side, book.best[1 - order.side])
    cdef bint may_rest = order.order_type != MARKET and order.time_in_force == GTC
    cdef int64_t best = book.best[1 - order.side]
    cdef bint breach = (order.lots > 0 and order.stopped == 0 and not empty and order.near_ticks != 0
                        and order.time_in_force != FOK
                        and (best <= order.price_ticks if order.side == 0 else best >= order.price_ticks))
    if order.lots == 0:
        slot_done(e, order)
    elif order.stopped:
        event_killed(e, order, order.stopped)
        slot_done(e, order)
    elif may_rest:
        rest(e, book, order)
    else:
        if breach:
            event_killed(e, order, REASON_BAND)
        elif order.order_type == MARKET and order.time_in_force != FOK:
            event_killed(e, order, REASON_NO_LIQUIDITY if order.unbounded or empty else REASON_PROTECTION)
        else:
            event_killed(e, order, REASON_IOC if order.time_in_force == IOC else REASON_FOK)
        slot_done(e, order)
    if breach:
        phase_change(e, book.id, PHASE_VOLATILITY)
