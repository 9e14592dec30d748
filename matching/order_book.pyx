# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Price-time matching: prepare, match, rest, amend.

Lives here: the way of an order that is more than the plain one of plain.pxd, by the rules MATCH-001..067.
Does not know: money, margin, who an owner is, time.
Theory: validate everything first (`book_prepare*` change nothing and return a RejectCode), then act (`book_execute*`
cannot fail: slots and pages were checked; events pause the sweep before their buffer is full). Cost of a command grows
with the fills and levels it touches, never with the size of the book.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from matching.combos cimport implied_step
from matching.events cimport event_add, event_cancelled, event_killed, event_rested, event_set
from matching.fills cimport fill_maker, taker_filled
from matching.order_checks cimport (can_fill_all, check_order, check_phase, check_post_only, check_room, check_terms,
                                    crosses, set_limits)
from matching.order_pool cimport (LEVEL, TERMS, book_of, filled_of, has_terms, id_add, id_find, open_of, order_free,
                                  owner_link, post_only_of, price_of, same_person, side_of, slot_take, state_of,
                                  stp_of, terms_make, unlikely)
from matching.pegs cimport in_call, peg_amend, peg_enter, phase_change
from matching.price_levels cimport is_price, level_append, level_at, level_remove
from matching.ticks cimport payable_lots
from matching.triggers cimport wait_amend, wait_check_amend, wait_start
from matching.types cimport (BOOK_AMENDED, BOOK_REDUCED, EVENTS_PAUSE, MODE_SHIFT, NO_ASK, NO_BID, PAGE_BITS,
                             SPECIAL_DISPLAY, SPECIAL_GATE, SPECIAL_GFA, SPECIAL_MARKET, SPECIAL_MMP, SPECIAL_OCO,
                             SPECIAL_PEG, SPECIAL_QUOTE, STATE_PARKED, STATE_RESTING, STATE_TAKING, STATE_WAITING,
                             WATCH_BAND, WATCH_IMPLIED, book_more_t, book_t, engine_t, incoming_t, level_t, order_t,
                             terms_t)
from matching.withdraw cimport book_withdraw, forget_terms, list_add, quote_add

cdef enum:
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    GTC = 0
    IOC = 1
    FOK = 2
    GFA = 3
    STP_NONE = 0
    STP_NEWEST = 1
    STP_OLDEST = 2
    STP_BOTH = 3
    STP_DECREMENT = 4
    REASON_IOC = 2
    REASON_FOK = 3
    REASON_NO_LIQUIDITY = 4
    REASON_PROTECTION = 5
    REASON_STP = 6
    REASON_AMEND_TOTAL = 7
    REASON_AMEND_REPLACE = 8
    REASON_BUDGET = 13
    REASON_BAND = 14
    REASON_POST_ONLY = 23
    REASON_BOOK_FULL = 24
    LOTS_RANGE = 2004
    LOT_STEP = 2005
    POST_ONLY_CROSS = 4002
    BOOK_FULL = 4003
    BAD_ORDER = 4006
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


# ----------------------------------------------------------------------------------------------------------- rest

cdef uint32_t slot_new(engine_t *e, incoming_t *order) noexcept nogil:
    """A slot for a new order, known by id and owner; its mode is remembered."""
    cdef uint32_t slot = slot_take(e)
    e.orders[slot].order_id = order.order_id
    e.orders[slot].owner = order.owner
    e.orders[slot].shown_lots = 0
    e.orders[slot].place = mode_bits(order)
    owner_link(e, slot, order.owner)
    id_add(e, order.order_id, slot)
    return slot


cdef inline uint32_t mode_bits(const incoming_t *order) noexcept nogil:
    return <uint32_t>(order.post_only * 5 + order.stp) << MODE_SHIFT


cdef void slot_done(engine_t *e, incoming_t *order) noexcept nogil:
    """An amended or triggered order that left for good gives up its slot."""
    if order.slot == 0:
        return
    if has_terms(e, order.slot):
        forget_terms(e, order.slot)
    order_free(e, order.slot)
    order.slot = 0


cdef void link_partner(engine_t *e, uint32_t slot) noexcept nogil:
    """Tie a new order to the one it named (MATCH-079)."""
    cdef uint32_t partner = e.taker_partner
    if partner == 0:
        return
    e.taker_partner = 0
    terms_make(e, slot).partner = partner
    e.terms[slot].special |= SPECIAL_OCO
    terms_make(e, partner).partner = slot
    e.terms[partner].special |= SPECIAL_OCO


cdef void rest(engine_t *e, book_t *book, incoming_t *order) noexcept nogil:
    """Put what is left at the back of its level. An amended order comes back into its own slot and owner's place."""
    cdef uint32_t slot = order.slot if order.slot != 0 else slot_new(e, order)
    cdef int64_t shown = order.lots if order.display_lots == 0 else min(order.display_lots, order.lots)
    cdef bint calling = e.more[book.id].phase != 0
    cdef uint32_t bits
    cdef int64_t level_lots
    link_partner(e, slot)
    if (has_terms(e, slot) or order.filled_lots or order.display_lots or order.mmp or order.quote or order.reduce_only
            or (calling and (order.order_type == MARKET or order.time_in_force == GFA))):
        rest_terms(e, slot, order, order.lots - shown)
    bits = mode_bits(order) | (e.orders[slot].place & TERMS)
    level_lots = level_append(e, book, slot, order.side, <int32_t>order.price_ticks, shown, bits)
    event_rested(e, book.id, order.side, order.order_id, order.owner, slot, order.lots, level_lots, order.price_ticks)


cdef void rest_terms(engine_t *e, uint32_t slot, incoming_t *order, int64_t reserve_lots) noexcept nogil:
    """What is remembered of an order that is more than a plain limit."""
    cdef terms_t *terms = terms_make(e, slot)
    cdef book_more_t *more = &e.more[order.book]
    terms.state = STATE_RESTING
    terms.book = order.book
    terms.side = order.side
    terms.filled_lots = order.filled_lots
    terms.display_lots = order.display_lots
    terms.reserve_lots = reserve_lots
    if order.display_lots:
        terms.special |= SPECIAL_DISPLAY
    if order.mmp:
        terms.mmp = order.mmp
        terms.special |= SPECIAL_MMP
    if order.reduce_only:
        terms.reduce_only = 1
        terms.special |= SPECIAL_GATE
    if order.quote and not terms.special & SPECIAL_QUOTE:
        terms.quote_set = order.quote_set
        terms.special |= SPECIAL_QUOTE
        quote_add(e, slot)
    if (order.order_type == MARKET or order.time_in_force == GFA) and more.phase != 0:
        if not terms.special & SPECIAL_GFA:
            terms.special |= SPECIAL_GFA
            e.entries += 1
            terms.entry = e.entries
            list_add(e, &more.gfa_head, &more.gfa_tail, &more.gfa, slot)
        if order.order_type == MARKET:
            terms.special |= SPECIAL_MARKET


# ---------------------------------------------------------------------------------------------------------- amend

cdef int32_t book_prepare_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                                int64_t trigger_ticks, incoming_t *fresh) noexcept nogil:
    """Validate an amend of a live order (post_only 255 = as it was); `fresh` describes the order it becomes.

    Rules MATCH-040..047. `fresh.waits` and `fresh.peg` say that it goes on waiting or following.
    """
    cdef uint32_t book_id = book_of(e, slot)
    cdef terms_t *terms = &e.terms[slot] if has_terms(e, slot) else NULL
    cdef int state = state_of(e, slot)
    cdef int32_t code = check_phase(e, book_id)
    if code != 0:
        return code
    describe_amend(e, slot, price_ticks, total_lots, post_only, fresh)
    fresh.waits = state == STATE_WAITING
    fresh.trigger_ticks = trigger_ticks
    if total_lots < 0 or total_lots > e.books[book_id].lots_max:
        return LOTS_RANGE
    if e.more[book_id].lot_step != 1 and total_lots % e.more[book_id].lot_step != 0:
        return LOT_STEP
    if terms != NULL and terms.special & SPECIAL_MARKET:
        fresh.price_ticks = price_of(e, slot)       # it has no limit: it stands at the edge of the band
    elif not (fresh.peg and price_ticks == 0) and not (fresh.waits and terms.order_type != LIMIT):
        code = check_terms(e, book_id, price_ticks, max(fresh.lots, <int64_t>1))
        if code != 0:
            return code
    if fresh.waits:
        return wait_check_amend(e, slot, trigger_ticks, fresh.lots <= 0)
    if fresh.peg or fresh.lots <= 0 or keeps_place(e, slot, fresh):
        return 0
    if fresh.post_only and crosses(e, fresh, fresh.price_ticks):
        return POST_ONLY_CROSS      # an amend never slides (MATCH-045)
    return check_room(e, fresh, fresh.price_ticks)


cdef void describe_amend(engine_t *e, uint32_t slot, int64_t price_ticks, int64_t total_lots, int post_only,
                         incoming_t *fresh) noexcept nogil:
    cdef terms_t *terms = &e.terms[slot] if has_terms(e, slot) else NULL
    memset(fresh, 0, sizeof(incoming_t))
    fresh.order_id = e.orders[slot].order_id
    fresh.owner = e.orders[slot].owner
    fresh.slot = slot
    fresh.book = book_of(e, slot)
    fresh.side = <uint8_t>side_of(e, slot)
    fresh.price_ticks = price_ticks
    fresh.filled_lots = filled_of(e, slot)
    fresh.lots = total_lots - fresh.filled_lots
    fresh.order_type = LIMIT
    fresh.time_in_force = GTC
    fresh.stp = <uint8_t>stp_of(e, slot)
    fresh.post_only = <uint8_t>(post_only_of(e, slot) if post_only == 255 else post_only)
    if terms != NULL:
        fresh.display_lots = terms.display_lots
        fresh.mmp = terms.mmp
        fresh.peg = terms.peg
        fresh.reduce_only = terms.reduce_only


cdef bint keeps_place(engine_t *e, uint32_t slot, const incoming_t *fresh) noexcept nogil:
    """Same price and no increase keeps the place (MATCH-041, MATCH-067)."""
    return fresh.price_ticks == price_of(e, slot) and fresh.lots <= open_of(e, slot)


cdef int book_execute_amend(engine_t *e, uint32_t slot, int64_t total_lots, incoming_t *fresh) noexcept nogil:
    """Carry out a prepared amend. Cannot fail; may pause like book_execute."""
    cdef book_t *book = &e.books[fresh.book]
    cdef int64_t price, lots, level_lots
    e.gate_passed = 0
    e.taker_partner = 0
    if fresh.waits:
        wait_amend(e, slot, fresh.price_ticks, total_lots, fresh.trigger_ticks)
        return 0
    if fresh.peg:
        peg_amend(e, slot, fresh.price_ticks, total_lots)
        return 0
    if fresh.lots <= 0:
        book_withdraw(e, slot, REASON_AMEND_TOTAL)
        return 0
    if keeps_place(e, slot, fresh):
        amend_in_place(e, slot, fresh)
        return 0
    price = price_of(e, slot)
    lots = open_of(e, slot)
    level_lots = level_remove(e, book, slot)
    event_cancelled(e, fresh.book, fresh.side, fresh.order_id, fresh.owner, slot, REASON_AMEND_REPLACE, lots,
                    level_lots, price)
    if has_terms(e, slot):
        e.terms[slot].state = STATE_TAKING
    e.orders[slot].shown_lots = 0
    if e.more[fresh.book].phase != 0:
        rest(e, book, fresh)
        return 0
    set_limits(e, fresh)
    return book_resume(e, fresh)


cdef void amend_in_place(engine_t *e, uint32_t slot, incoming_t *fresh) noexcept nogil:
    """Less of it, in its place: the reserve goes first."""
    cdef order_t *order = &e.orders[slot]
    cdef level_t *level = &e.levels[order.place & LEVEL]
    cdef int64_t shown = min(order.shown_lots, fresh.lots)
    level.lots -= order.shown_lots - shown
    order.shown_lots = shown
    if has_terms(e, slot):
        e.terms[slot].reserve_lots = fresh.lots - shown
    order.place = (order.place & (LEVEL | TERMS)) | mode_bits(fresh)
    event_set(event_add(e, BOOK_AMENDED, fresh.book, fresh.side, fresh.order_id, fresh.owner, slot), fresh.lots,
              fresh.lots, level.lots, fresh.price_ticks)
