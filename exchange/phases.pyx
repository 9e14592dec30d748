# cython: language_level=3, boundscheck=False, wraparound=False
"""Phases of books over exchange time, and orders that end by themselves (PHASE-001..006, ORD-040).

Lives here: what happens before the first command at or after a due moment; the end of calls; indicative values.
Does not know: which transitions are legal and how an auction trades (matching/auction.pyx).
Every moment that something is due at stands in `due_ns`, so that a command asks one question about time.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from domain.wire cimport command_header_t
from exchange.aftermath cimport drain, reducible
from exchange.cascade cimport finish_command
from exchange.core cimport core_t, phase_clock_t
from exchange.emit cimport begin_command, emit_phase, end_command
from matching.auction cimport auction_price, book_set_phase, book_uncross, indicative_t
from matching.order_book cimport book_trim
from matching.order_pool cimport TERMS, open_of
from matching.pegs cimport in_call
from matching.price_levels cimport is_price, level_at, next_worse
from matching.types cimport SPECIAL_GATE, book_t
from matching.withdraw cimport book_withdraw

cdef enum:
    COLD = 32
    CONTINUOUS = 0
    PRE_OPEN = 1
    OPENING = 2
    VOLATILITY = 3
    HALT = 4
    REASON_REDUCE_ONLY = 21
    REASON_EXPIRED = 26
    EXTENSIONS_MAX = 3

cdef int64_t NEVER = 9223372036854775807


# ------------------------------------------------------------------------------------------------------ due moments

cdef void act_on_time(core_t *c, const command_header_t *header) noexcept nogil:
    """Carry out what is due at this record's time, in a frame of the venue's own under the same sequence."""
    cdef command_header_t own
    cdef uint32_t book, slot
    cdef bint due = c.heap_count != 0 and c.heap[1].expire_ns <= header.time_ns
    for book in range(c.instruments_max):
        due = due or (c.clocks[book].until_ns != 0 and c.clocks[book].until_ns <= header.time_ns)
    if due:
        memset(&own, 0, sizeof(command_header_t))
        own.kind = COLD
        own.sequence, own.time_ns = header.sequence, header.time_ns
        begin_command(c, &own, 0)
        while c.heap_count != 0 and c.heap[1].expire_ns <= header.time_ns:
            slot = c.heap[1].slot
            book_withdraw(c.engine, slot, REASON_EXPIRED)
            drain(c)
        for book in range(c.instruments_max):
            if c.clocks[book].until_ns != 0 and c.clocks[book].until_ns <= header.time_ns:
                phase_over(c, book)
        finish_command(c)
        end_command(c, 0, 0, 0)
    find_due(c)


cdef void find_due(core_t *c) noexcept nogil:
    """The next moment at which time has something to do."""
    cdef uint32_t book
    c.due_ns = c.heap[1].expire_ns if c.heap_count != 0 else NEVER
    for book in range(c.instruments_max):
        if c.clocks[book].until_ns != 0 and c.clocks[book].until_ns < c.due_ns:
            c.due_ns = c.clocks[book].until_ns


cdef void phase_over(core_t *c, uint32_t book) noexcept nogil:
    """A planned end has come: a halt or pre-open leads to the opening auction, an auction to trading (PHASE-003)."""
    cdef phase_clock_t *clock = &c.clocks[book]
    cdef int phase = c.engine.more[book].phase
    clock.until_ns = 0
    if phase == PRE_OPEN or phase == HALT:
        set_phase(c, book, OPENING, c.time_ns + clock.auction_ns, False)
    elif phase == OPENING or phase == VOLATILITY:
        set_phase(c, book, CONTINUOUS, 0, clock.extensions >= EXTENSIONS_MAX)


# ----------------------------------------------------------------------------------------------------------- phases

cdef int32_t set_phase(core_t *c, uint32_t book, int phase, int64_t until_ns, bint force) noexcept nogil:
    """Move a book to another phase and settle what that does; the caller finishes the command. A RejectCode."""
    cdef int32_t code = book_set_phase(c.engine, book, phase, force)
    if code != 0:
        return code
    drain(c)
    if c.engine.more[book].uncrossing:
        trim_gated(c, book)
        while book_uncross(c.engine, book):
            drain(c)
        drain(c)
    if until_ns != 0 and c.engine.more[book].phase == phase:
        c.clocks[book].until_ns = until_ns
        if until_ns < c.due_ns:
            c.due_ns = until_ns
        tell_phase(c, book)
    return 0


cdef void trim_gated(core_t *c, uint32_t book) noexcept nogil:
    """Before an auction trades, the reduce-only orders that cross are cut to what reduces, best price first (ORD-032):
    in a cross there is nobody to ask between two trades."""
    cdef book_t *b = &c.engine.books[book]
    cdef int side
    cdef int32_t price, worse
    cdef uint32_t slot, after
    c.trimming = REASON_REDUCE_ONLY
    for side in range(2):
        price = b.best[side]
        while is_price(side, price) and (price >= b.best[1] if side == 0 else price <= b.best[0]):
            worse = next_worse(c.engine, b, side, price)
            slot = level_at(c.engine, b, side, price).head
            while slot != 0:
                after = c.engine.orders[slot].next_slot
                if c.engine.orders[slot].place & TERMS and c.engine.terms[slot].special & SPECIAL_GATE:
                    trim_one(c, book, side, slot)
                slot = after
            price = worse
    c.trimming = 0


cdef void trim_one(core_t *c, uint32_t book, int side, uint32_t slot) noexcept nogil:
    """What the account's better orders, reduce-only or not, leave of the position bounds this one: they trade first."""
    cdef uint32_t account = c.engine.orders[slot].owner
    cdef int64_t lots = reducible(c, account, book, side)
    cdef book_t *b = &c.engine.books[book]
    cdef int32_t price = b.best[side]
    cdef uint32_t other
    while is_price(side, price) and lots > 0:
        other = level_at(c.engine, b, side, price).head
        while other != 0 and other != slot:
            if c.engine.orders[other].owner == account:
                lots -= open_of(c.engine, other)
            other = c.engine.orders[other].next_slot
        if other == slot:
            break
        price = next_worse(c.engine, b, side, price)
    if lots < open_of(c.engine, slot):
        book_trim(c.engine, slot, max(<int64_t>0, lots), REASON_REDUCE_ONLY)
        drain(c)


cdef void phase_changed(core_t *c, uint32_t book, int phase) noexcept nogil:
    """The book says that its phase is another one: a breach of the dynamic band starts the clock of its auction."""
    cdef phase_clock_t *clock = &c.clocks[book]
    clock.until_ns = 0
    clock.extensions = 0
    clock.price_ticks = clock.volume_lots = clock.surplus_lots = 0
    if phase == VOLATILITY:
        clock.until_ns = c.time_ns + clock.auction_ns
        if clock.until_ns < c.due_ns:
            c.due_ns = clock.until_ns
    tell_phase(c, book)
    if in_call(c.engine, book):
        call_touched(c, book)


cdef void phase_extended(core_t *c, uint32_t book) noexcept nogil:
    """Its price is still outside the dynamic band: as long again, a bounded number of times (PHASE-004)."""
    cdef phase_clock_t *clock = &c.clocks[book]
    clock.extensions += 1
    clock.until_ns = c.time_ns + clock.auction_ns
    if clock.until_ns < c.due_ns:
        c.due_ns = clock.until_ns
    tell_phase(c, book)


cdef void tell_phase(core_t *c, uint32_t book) noexcept nogil:
    cdef phase_clock_t *clock = &c.clocks[book]
    emit_phase(c, book, c.engine.more[book].phase, clock.until_ns, clock.price_ticks, clock.volume_lots,
               clock.surplus_lots)


cdef void call_touched(core_t *c, uint32_t book) noexcept nogil:
    """What this book would trade at may be another price after this command."""
    if not c.clocks[book].listed and in_call(c.engine, book):
        c.clocks[book].listed = 1
        c.calls[c.calls_count] = book
        c.calls_count += 1


cdef void tell_calls(core_t *c) noexcept nogil:
    """Indicative price, volume and surplus of the touched calls where they changed (MATCH-093)."""
    cdef indicative_t found
    cdef phase_clock_t *clock
    cdef uint32_t i, book
    cdef int64_t price
    for i in range(c.calls_count):
        book = c.calls[i]
        clock = &c.clocks[book]
        clock.listed = 0
        if not in_call(c.engine, book):
            continue
        auction_price(c.engine, book, &found)
        price = found.price_ticks - c.contracts[book].bias_ticks if found.price_ticks != 0 else 0
        if (price != clock.price_ticks or found.volume_lots != clock.volume_lots
                or found.surplus_lots != clock.surplus_lots):
            clock.price_ticks, clock.volume_lots, clock.surplus_lots = price, found.volume_lots, found.surplus_lots
            tell_phase(c, book)
    c.calls_count = 0
