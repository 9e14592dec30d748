# cython: language_level=3, boundscheck=False, wraparound=False
"""After the book: holds, money, frames and the next step of a command that is not over yet (ORD-023, ORD-024).

Lives here: `carry_on`, which settles what the book did and resumes sweeps that paused; the walk over book events.
Does not know: commands (order_entry.pyx, amends.pyx, cancels.pyx), how a fill is paid (settle.pyx, combos.pyx).
A drain reads the slots of orders that are gone; the book gives a slot out again only when the taker rests, which is its
last event, so they are still what they were.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from clearing.contracts cimport KIND_COMBO
from clearing.positions cimport position_find
from exchange.combos cimport combo_fill, implied_begin, implied_fill
from exchange.core cimport core_t, order_info_t, order_more_t, taker_t
from exchange.emit cimport emit_depth, emit_l3, emit_mmp, emit_order
from exchange.memory cimport due_add, due_remove, remember_closed
from exchange.phases cimport call_touched, phase_changed, phase_extended
from exchange.settle cimport place_hold, settle_cross, settle_fill
from matching.order_book cimport BOOK_GATE, book_resume, book_trim
from matching.order_pool cimport open_of
from matching.types cimport (BOOK_AMENDED, BOOK_CANCELLED, BOOK_CROSS, BOOK_EXTENDED, BOOK_FILL, BOOK_IMPLIED, BOOK_MMP,
                             BOOK_PARKED, BOOK_PENDING, BOOK_PHASE, BOOK_REDUCED, BOOK_REFRESHED, BOOK_RESTED,
                             WATCH_PHASE, book_event_t, incoming_t)

# Values of domain.constants and domain.rejects; tests/unit/domain/test_constants.py compares them.
cdef enum:
    ORDER_OPEN = 1
    ORDER_FILLED = 2
    ORDER_CANCELLED = 3
    ORDER_WAITING = 5
    ORDER_PARKED = 6
    L3_ADDED = 1
    L3_CHANGED = 2
    L3_REMOVED = 3
    L3_EXECUTED = 4
    REASON_AMEND_REPLACE = 8
    REASON_PEG = 18
    REASON_REDUCE_ONLY = 21


# --------------------------------------------------------------------------------------------------- an order at work

cdef void take_start(taker_t *taker, incoming_t *order, uint32_t slot) noexcept nogil:
    """Nothing became of it yet; the caller fills `info` and, if that says so, `more`."""
    taker.order = order
    taker.slot = slot
    taker.before_lots = 0
    taker.state, taker.reason = ORDER_FILLED, 0
    taker.told = False


cdef void carry_on(core_t *c, int status, taker_t *taker) noexcept nogil:
    """Settle and resume a sweep until it is done, then write the taker's state and the depth."""
    settle(c, taker)
    while status != 0:
        levels(c)
        if status == BOOK_GATE:
            open_gate(c, taker)
        status = book_resume(c.engine, taker.order)
        settle(c, taker)
    if not taker.told:
        tell_taker(c, taker)
    levels(c)


cdef void tell_taker(core_t *c, taker_t *taker) noexcept nogil:
    cdef incoming_t *order = taker.order
    cdef int64_t price = order.price_ticks - c.contracts[order.book].bias_ticks if order.price_ticks != 0 else 0
    emit_order(c, order.order_id, order.owner, order.book, order.side, price, order.filled_lots, taker.state,
               taker.reason, &taker.info, &taker.more)
    if taker.state == ORDER_FILLED or taker.state == ORDER_CANCELLED:
        remember_closed(c, order.order_id, order.owner, order.book, order.side, price, order.filled_lots, taker.state,
                        taker.reason, &taker.info, &taker.more)
        if taker.info.expires and taker.slot != 0:
            due_remove(c, taker.slot)


cdef void open_gate(core_t *c, taker_t *taker) noexcept nogil:
    """A reduce-only maker is about to trade: what happened is settled, so leave it what still reduces (ORD-031)."""
    cdef uint32_t slot = c.engine.gate_slot
    cdef uint32_t account = c.engine.orders[slot].owner
    cdef int64_t lots = reducible(c, account, taker.order.book, 1 - taker.order.side)
    if lots < open_of(c.engine, slot):
        c.trimming = REASON_REDUCE_ONLY
        book_trim(c.engine, slot, lots, REASON_REDUCE_ONLY)
        settle(c, taker)
        levels(c)
        c.trimming = 0
    c.engine.gate_passed = slot


cdef int64_t reducible(core_t *c, uint32_t account, uint32_t instrument, int side) noexcept nogil:
    """Lots of this side that would only close what is there, rounded down to the lot step; 0 = none."""
    cdef uint32_t slot = position_find(c.positions, account, instrument)
    cdef int64_t lots = 0 if slot == 0 else c.positions.slots[slot].lots
    lots = max(<int64_t>0, -lots if side == 0 else lots)
    return lots - lots % c.engine.more[instrument].lot_step


cdef void drain(core_t *c) noexcept nogil:
    """Settle and publish what the book did while nobody took."""
    settle(c, NULL)
    levels(c)


cdef void adopt(core_t *c, uint32_t slot, taker_t *taker) noexcept nogil:
    """The order at work stands in `slot` from now on: remember it there, and when it ends by itself."""
    cdef uint32_t partner
    c.infos[slot] = taker.info
    c.infos[slot].holding = 0
    if not taker.info.has_more:
        return
    c.mores[slot] = taker.more
    if taker.info.expires and c.heap_at[slot] == 0:
        due_add(c, taker.more.expire_ns, taker.order.order_id, slot)
    if taker.more.oco != 0:
        partner = c.engine.terms[slot].partner
        if partner != 0:
            make_more(c, partner)
            c.mores[partner].oco = taker.order.order_id


cdef void make_more(core_t *c, uint32_t slot) noexcept nogil:
    """The order of this slot has more than a plain one from now on."""
    if not c.infos[slot].has_more:
        memset(&c.mores[slot], 0, sizeof(order_more_t))
        c.infos[slot].has_more = 1


# ------------------------------------------------------------------------------------------------------- book events

cdef void settle(core_t *c, taker_t *taker) noexcept nogil:
    """Carry out what the book did, event by event. Cannot fail. `levels` empties the buffer afterwards."""
    cdef book_event_t *event
    cdef uint32_t i = 0
    while i < c.engine.event_count:
        event = &c.engine.events[i]
        if event.kind == BOOK_FILL:
            filled(c, event, taker)
        elif event.kind == BOOK_RESTED:
            rested(c, event, taker)
        elif event.kind == BOOK_CANCELLED:
            cancelled(c, event, taker)
        elif event.kind == BOOK_CROSS:
            settle_cross(c, event, &c.engine.events[i + 1])
            crossed(c, event)
            crossed(c, &c.engine.events[i + 1])
            i += 1
        else:
            changed(c, event, taker)
        i += 1


cdef inline bint is_taker(const taker_t *taker, const book_event_t *event) noexcept nogil:
    return taker != NULL and event.order_id == taker.order.order_id


cdef inline int64_t level_of_event(const book_event_t *event) noexcept nogil:
    """Price of the level that the event speaks of; an auction trades at one price and takes from many levels."""
    return event.level_ticks if event.kind == BOOK_CROSS else event.price_ticks


cdef inline int64_t outside(core_t *c, const book_event_t *event) noexcept nogil:
    """The event's price as people see it; 0 stays 0: no price."""
    return event.price_ticks - c.contracts[event.book].bias_ticks if event.price_ticks != 0 else 0


cdef inline int64_t shown_after(core_t *c, const book_event_t *event) noexcept nogil:
    """What the order shows with `event.open_lots` open, if nothing new of it came to light; remembered for icebergs."""
    cdef order_more_t *more = &c.mores[event.slot]
    if not c.infos[event.slot].has_more or more.display_lots == 0:
        return event.open_lots
    if more.shown_lots > event.open_lots:
        more.shown_lots = event.open_lots
    return more.shown_lots


cdef inline void filled(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """A maker traded: with the order at work, or with a part of an implied trade."""
    cdef order_info_t *info = &c.infos[event.slot]
    if c.implied.parts != 0:
        implied_fill(c, event, taker.order.owner, &taker.info)
    elif c.contracts[event.book].kind == KIND_COMBO:
        combo_fill(c, event, taker.order.owner, &taker.info)
    else:
        settle_fill(c, event, taker.order.owner, &taker.info)
    after_fill(c, event, info)


cdef inline void after_fill(core_t *c, const book_event_t *event, order_info_t *info) noexcept nogil:
    """What a fill of an order that rested does to its queue, its frame and its memory."""
    cdef order_more_t *more = &c.mores[event.slot]
    cdef int64_t shown = event.open_lots, level_price = level_of_event(event)
    cdef int state = ORDER_OPEN if event.open_lots else ORDER_FILLED
    if info.has_more and more.display_lots != 0:
        more.shown_lots -= event.lots
        shown = more.shown_lots
    emit_l3(c, event.book, event.side, L3_EXECUTED, event.order_id, level_price, shown)
    level_price -= c.contracts[event.book].bias_ticks
    emit_order(c, event.order_id, event.owner, event.book, event.side, level_price, info.total_lots - event.open_lots,
               state, 0, info, more)
    if state == ORDER_FILLED:
        remember_closed(c, event.order_id, event.owner, event.book, event.side, level_price, info.total_lots, state, 0,
                        info, more)
        if info.expires:
            due_remove(c, event.slot)


cdef void crossed(core_t *c, const book_event_t *event) noexcept nogil:
    after_fill(c, event, &c.infos[event.slot])
    if c.engine.books[event.book].watch & WATCH_PHASE:
        call_touched(c, event.book)


cdef inline void rested(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """An order came to its price: the one at work, or a peg that moved and keeps its promises."""
    cdef order_info_t *info = &c.infos[event.slot]
    cdef int64_t shown = event.lots
    if is_taker(taker, event):
        if info.holding and taker.slot != 0:    # a parked peg that was amended
            place_hold(c, event.owner, event.book, event.side, -taker.before_lots, info)
        adopt(c, event.slot, taker)
        place_hold(c, event.owner, event.book, event.side, event.lots, info)
        info.holding = 1
        taker.state, taker.reason = ORDER_OPEN, 0
        taker.order.price_ticks = event.price_ticks
        if info.has_more and taker.more.display_lots != 0:
            shown = min(taker.more.display_lots, event.lots)
            taker.more.shown_lots = c.mores[event.slot].shown_lots = shown
    else:
        emit_order(c, event.order_id, event.owner, event.book, event.side, outside(c, event),
                   info.total_lots - event.open_lots, ORDER_OPEN, 0, info, &c.mores[event.slot])
    emit_l3(c, event.book, event.side, L3_ADDED, event.order_id, event.price_ticks, shown)
    if c.engine.books[event.book].watch & WATCH_PHASE:
        call_touched(c, event.book)


cdef inline void cancelled(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """An order left, or the rest of the one at work is not to be."""
    cdef order_info_t *info = &c.infos[event.slot]
    if not event.rested:
        taker.state, taker.reason = ORDER_CANCELLED, event.reason
        return
    if event.level_lots >= 0:
        emit_l3(c, event.book, event.side, L3_REMOVED, event.order_id, event.price_ticks, 0)
    if c.engine.books[event.book].watch & WATCH_PHASE:
        call_touched(c, event.book)
    if event.reason == REASON_PEG:
        return                              # it moves, or is parked, with the promises it made
    if info.holding:
        place_hold(c, event.owner, event.book, event.side, -event.lots, info)
        info.holding = 0
    if event.reason != REASON_AMEND_REPLACE:
        ended(c, event, info)
        if is_taker(taker, event):
            taker.told = True


cdef void ended(core_t *c, const book_event_t *event, order_info_t *info) noexcept nogil:
    """Say that an order is cancelled, and remember how it ended."""
    cdef int64_t filled_lots = info.total_lots - event.lots
    info.updated_ns = c.time_ns
    emit_order(c, event.order_id, event.owner, event.book, event.side, outside(c, event), filled_lots, ORDER_CANCELLED,
               event.reason, info, &c.mores[event.slot])
    remember_closed(c, event.order_id, event.owner, event.book, event.side, outside(c, event), filled_lots,
                    ORDER_CANCELLED, event.reason, info, &c.mores[event.slot])
    if info.expires:
        due_remove(c, event.slot)


cdef void changed(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """The rarer kinds."""
    if event.kind == BOOK_AMENDED:
        amended_in_place(c, event, taker)
    elif event.kind == BOOK_REDUCED:
        reduced(c, event, taker)
    elif event.kind == BOOK_REFRESHED:
        c.mores[event.slot].shown_lots = event.lots
        emit_l3(c, event.book, event.side, L3_ADDED, event.order_id, event.price_ticks, event.lots)
    elif event.kind == BOOK_PENDING:
        adopt(c, event.slot, taker)
        taker.state, taker.reason = ORDER_WAITING, 0
    elif event.kind == BOOK_PARKED:
        parked(c, event, taker)
    elif event.kind == BOOK_MMP:
        emit_mmp(c, event.owner, <uint32_t>event.lots, event.open_lots)
    elif event.kind == BOOK_IMPLIED:
        implied_begin(c, event, &taker.info)
    elif event.kind == BOOK_PHASE:
        phase_changed(c, event.book, <int>event.lots)
    elif event.kind == BOOK_EXTENDED:
        phase_extended(c, event.book)


cdef void amended_in_place(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """Less of it, or the same, at the same place (MATCH-041)."""
    cdef order_info_t *info = &c.infos[event.slot]
    cdef int64_t before = c.mores[event.slot].shown_lots, shown
    if not info.has_more or c.mores[event.slot].display_lots == 0:
        before = taker.before_lots
    place_hold(c, event.owner, event.book, event.side, -taker.before_lots, info)
    if taker.info.has_more:
        taker.more.shown_lots = c.mores[event.slot].shown_lots
    adopt(c, event.slot, taker)
    place_hold(c, event.owner, event.book, event.side, event.lots, info)
    info.holding = 1
    shown = shown_after(c, event)
    taker.more.shown_lots = shown
    taker.order.price_ticks = event.price_ticks
    taker.state, taker.reason = ORDER_OPEN, 0
    if shown != before:
        emit_l3(c, event.book, event.side, L3_CHANGED, event.order_id, event.price_ticks, shown)
    if c.engine.books[event.book].watch & WATCH_PHASE:
        call_touched(c, event.book)


cdef void reduced(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """Lots less by prevention, or of a reduce-only order by the position it has left."""
    cdef order_info_t *info = &c.infos[event.slot]
    cdef int64_t before
    if event.level_lots < 0:
        taker.info.total_lots -= event.lots
        if not taker.info.has_more:
            memset(&taker.more, 0, sizeof(order_more_t))
            taker.info.has_more = 1
        taker.more.prevented_lots += event.lots
        return
    before = event.open_lots + event.lots if not info.has_more or c.mores[event.slot].display_lots == 0 else (
        c.mores[event.slot].shown_lots)
    place_hold(c, event.owner, event.book, event.side, -event.lots, info)
    make_more(c, event.slot)
    info.total_lots -= event.lots
    if c.trimming == 0:
        c.mores[event.slot].prevented_lots += event.lots
    info.updated_ns = c.time_ns
    if shown_after(c, event) != before:
        emit_l3(c, event.book, event.side, L3_CHANGED, event.order_id, event.price_ticks, shown_after(c, event))
    emit_order(c, event.order_id, event.owner, event.book, event.side, outside(c, event),
               info.total_lots - event.open_lots, ORDER_OPEN, c.trimming, info, &c.mores[event.slot])


cdef void parked(core_t *c, const book_event_t *event, taker_t *taker) noexcept nogil:
    """A peg has no price now; what it promised at its own limit stays."""
    cdef order_info_t *info = &c.infos[event.slot]
    if not is_taker(taker, event):
        emit_order(c, event.order_id, event.owner, event.book, event.side, 0, info.total_lots - event.lots,
                   ORDER_PARKED, 0, info, &c.mores[event.slot])
        return
    if info.holding and taker.slot != 0:    # amended while it was parked
        place_hold(c, event.owner, event.book, event.side, -taker.before_lots, info)
    adopt(c, event.slot, taker)
    place_hold(c, event.owner, event.book, event.side, event.lots, info)
    info.holding = 1
    taker.order.price_ticks = 0
    taker.state, taker.reason = ORDER_PARKED, 0


cdef void levels(core_t *c) noexcept nogil:
    """Depth frames, one per touched level (the last state of a run of events on it), then empty the book's buffer."""
    cdef book_event_t *event
    cdef book_event_t *after
    cdef uint32_t i, count = c.engine.event_count
    for i in range(count):
        event = &c.engine.events[i]
        if event.level_lots < 0:
            continue
        if i + 1 < count:
            after = &c.engine.events[i + 1]
            if (after.level_lots >= 0 and after.book == event.book and after.side == event.side
                    and level_of_event(after) == level_of_event(event)):
                continue
        emit_depth(c, event.book, event.side, level_of_event(event), event.level_lots)
    c.engine.event_count = 0
