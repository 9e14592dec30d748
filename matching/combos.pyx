# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Implied prices between combo books and their legs, first generation (MATCH-110..116).

Lives here: what the combos of a book offer it, and one step of trading with that, all parts or none.
Does not know: who may take it and how far (order_book.pyx).
Theory: a combo's price is the sum of ratio x leg price, so each of the books of a combo has an implied price that is the
others' best prices solved for it. A part of a step is always the first order of its level, so a step is at most as
large as the smallest of them, and the next step is found anew. Cost: legs x combos of the book per step.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from matching.events cimport event_add, event_set
from matching.fills cimport after_fill_t, fill_part, maker_filled, see_trade, taker_filled
from matching.order_pool cimport TERMS, same_person
from matching.price_levels cimport is_price, level_at
from matching.ticks cimport in_band, payable_lots
from matching.triggers cimport price_seen
from matching.types cimport (BOOK_IMPLIED, LEGS_MAX, SPECIAL_GATE, WATCH_COMBO, WATCH_IMPLIED, WATCH_TRIGGERS,
                             book_more_t, book_t, combo_use_t, engine_t, incoming_t, leg_t, level_t)

cdef enum:
    REASON_BUDGET = 13
    CAPACITY = 2043


cdef int combo_open(engine_t *e, uint32_t combo, const uint32_t *books, const int32_t *ratios,
                    uint32_t count) noexcept nogil:
    """Make an opened book a combo of these legs. CAPACITY when the declared number of legs is used up."""
    cdef book_more_t *more = &e.more[combo]
    cdef uint32_t i, k, before
    if e.uses_used + count > e.uses_max:
        return CAPACITY
    more.legs = count
    e.books[combo].watch |= WATCH_COMBO | WATCH_IMPLIED
    for i in range(count):
        more.leg[i].book, more.leg[i].ratio = books[i], ratios[i]
        e.books[books[i]].watch |= WATCH_IMPLIED
        e.uses_used += 1
        k = e.uses_used
        e.uses[k].combo, e.uses[k].ratio, e.uses[k].next = combo, ratios[i], 0
        before = e.more[books[i]].combos_head
        if before == 0 or e.uses[before].combo > combo:
            e.uses[k].next = before
            e.more[books[i]].combos_head = k
            continue
        while e.uses[before].next != 0 and e.uses[e.uses[before].next].combo < combo:
            before = e.uses[before].next
        e.uses[k].next = e.uses[before].next
        e.uses[before].next = k
    return 0


cdef bint part_add(engine_t *e, bundle_t *bundle, uint32_t book_id, int side) noexcept nogil:
    """The first order of this side joins the offer; False if there is none, or it has to be asked first."""
    cdef book_t *book = &e.books[book_id]
    cdef int32_t price = book.best[side]
    cdef level_t *level
    cdef uint32_t k = bundle.parts
    if e.more[book_id].phase != 0 or not is_price(side, price):
        return False
    level = level_at(e, book, side, price)
    if e.orders[level.head].place & TERMS and e.terms[level.head].special & SPECIAL_GATE:
        return False
    bundle.book[k], bundle.price[k], bundle.side[k] = book_id, price, side
    bundle.lots = min(bundle.lots, e.orders[level.head].shown_lots)
    bundle.level_lots = min(bundle.level_lots, level.lots)
    bundle.parts += 1
    return True


cdef inline uint32_t first_owner(engine_t *e, const bundle_t *bundle, uint32_t k) noexcept nogil:
    return e.orders[level_at(e, &e.books[bundle.book[k]], bundle.side[k], bundle.price[k]).head].owner


cdef bint strangers(engine_t *e, const bundle_t *bundle, uint32_t owner, bint implied_out) noexcept nogil:
    """Nobody would trade with himself: the taker with each leg, or, implied out, with the combo order and that with
    each of the other legs (MATCH-115)."""
    cdef uint32_t i, first = 0
    if implied_out:
        if same_person(e, first_owner(e, bundle, 0), owner):
            return False
        owner = first_owner(e, bundle, 0)
        first = 1
    for i in range(first, bundle.parts):
        if same_person(e, first_owner(e, bundle, i), owner):
            return False
    return True


cdef bint bundle_of(engine_t *e, uint32_t book_id, int side, uint32_t combo, int ratio, uint32_t owner,
                    bundle_t *bundle) noexcept nogil:
    """The offer of `side` that `combo` makes to `book_id`: one of its legs with `ratio`, or itself with ratio 0."""
    cdef book_more_t *more = &e.more[combo]
    cdef int combo_side = side if ratio >= 0 else 1 - side
    cdef int leg_side
    cdef int64_t total = 0
    cdef uint32_t i
    bundle.lots = bundle.level_lots = 9223372036854775807
    bundle.parts = 0
    bundle.combo = combo
    if e.more[book_id].phase != 0 or more.phase != 0:
        return False
    if ratio != 0:
        if not part_add(e, bundle, combo, combo_side):
            return False
        total = bundle.price[0] - more.bias_ticks
    for i in range(more.legs):
        if more.leg[i].book == book_id:
            continue
        # Implied in: an ask of the combo buys its +1 legs from their asks. Implied out: the combo's order, not its
        # counterparty, is the one to be served, so the sides turn round.
        leg_side = side if ratio == 0 else 1 - combo_side
        if more.leg[i].ratio < 0:
            leg_side = 1 - leg_side
        if not part_add(e, bundle, more.leg[i].book, leg_side):
            return False
        total += (more.leg[i].ratio if ratio == 0 else -more.leg[i].ratio) * <int64_t>bundle.price[bundle.parts - 1]
    bundle.price_ticks = total + more.bias_ticks if ratio == 0 else ratio * total
    return in_band(&e.books[book_id], bundle.price_ticks) and strangers(e, bundle, owner, ratio != 0)


cdef bint implied_best(engine_t *e, uint32_t book_id, int side, uint32_t owner, bundle_t *best) noexcept nogil:
    """The best implied offer of `side` in this book for a taker of `owner`; of equals the combo of the lowest number."""
    cdef bundle_t tried
    cdef bint found = False
    cdef uint32_t use
    if e.books[book_id].watch & WATCH_COMBO:
        return bundle_of(e, book_id, side, book_id, 0, owner, best)
    use = e.more[book_id].combos_head
    while use != 0:
        if bundle_of(e, book_id, side, e.uses[use].combo, e.uses[use].ratio, owner, &tried):
            if not found or (tried.price_ticks < best.price_ticks if side == 1 else tried.price_ticks > best.price_ticks):
                best[0] = tried
                found = True
        use = e.uses[use].next
    return found


cdef int64_t implied_price(engine_t *e, uint32_t book_id, int side, uint32_t owner) noexcept nogil:
    """Price of the best implied offer, 0 = none."""
    cdef bundle_t best
    return best.price_ticks if implied_best(e, book_id, side, owner, &best) else 0


cdef bint implied_step(engine_t *e, incoming_t *order, int32_t direct) noexcept nogil:
    """Trade with the best implied offer if it is better than `direct` and inside the taker's bound (MATCH-114)."""
    cdef bundle_t best
    cdef book_t *book = &e.books[order.book]
    cdef int64_t lots
    if not implied_best(e, order.book, 1 - order.side, order.owner, &best):
        return False
    if order.side == 0:
        if best.price_ticks > order.bound_ticks or best.price_ticks < order.near_ticks or direct <= best.price_ticks:
            return False
    elif (best.price_ticks < order.bound_ticks or (order.near_ticks != 0 and best.price_ticks > order.near_ticks)
            or direct >= best.price_ticks):
        return False
    lots = min(best.lots, order.lots)
    if order.budget != 0:
        lots = min(lots, payable_lots(&e.more[order.book], order.budget, best.price_ticks))
        if lots == 0:
            order.stopped = REASON_BUDGET
            return True
        order.budget -= lots * best.price_ticks
        if order.budget == 0:
            order.budget = -1
    trade(e, book, order, &best, lots)
    return True


cdef void trade(engine_t *e, book_t *book, incoming_t *order, const bundle_t *bundle, int64_t lots) noexcept nogil:
    """All parts or none: they were looked at a moment ago, and none of them is another's."""
    cdef uint32_t k
    cdef book_t *part
    cdef level_t *level
    cdef after_fill_t after[13]
    order.lots -= lots
    order.filled_lots += lots
    event_set(event_add(e, BOOK_IMPLIED, order.book, order.side, order.order_id, order.owner, order.slot), lots,
              order.lots, -1, bundle.price_ticks)
    e.events[e.event_count - 1].taker_id = bundle.combo
    if book.watch & WATCH_TRIGGERS and book.last_ticks != bundle.price_ticks:
        price_seen(e, book.id, 0, <int32_t>bundle.price_ticks)
    book.last_ticks = <int32_t>bundle.price_ticks
    for k in range(bundle.parts):
        part = &e.books[bundle.book[k]]
        level = level_at(e, part, bundle.side[k], bundle.price[k])
        fill_part(e, part, order, bundle.side[k], level.head, level, lots, bundle.price[k], &after[k])
        see_trade(e, part, bundle.price[k])
    # Only now: what follows from one part (protection cancels in every book) must not take away another.
    for k in range(bundle.parts):
        maker_filled(e, order, after[k].partner, after[k].owner, after[k].group, bundle.book[k], bundle.side[k], lots)
    taker_filled(e, order, lots)
