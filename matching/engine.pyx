# cython: language_level=3, boundscheck=False, wraparound=False
"""Books behind plain calls that return their events as tuples: the Python door used by tests and tools.

Lives here: `MatchingEngine`: every command and every question. Does not know: the rules of matching, how a command
goes on after its first step (books.pyx).
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from matching.auction cimport auction_price, book_set_phase, book_set_price, book_uncross, indicative_t
from matching.book_state cimport check_engine, depth_of, digest_engine, special_ids
from matching.combos cimport bundle_t, implied_best
from matching.mass cimport cancel_book_slots, cancel_owner_slots
from matching.books cimport Books
from matching.amends cimport book_execute_amend, book_prepare_amend
from matching.order_book cimport book_execute, book_prepare
from matching.order_pool cimport book_of, filled_of, id_find, open_of, price_of, side_of
from matching.plain cimport book_pull
from matching.protection cimport mmp_reset, mmp_set
from matching.quotes cimport book_execute_quote, book_prepare_quote
from matching.slabs cimport engine_add_book, engine_add_combo
from matching.types cimport MMP_GROUPS, NO_ASK, NO_BID, STATE_PARKED, STATE_WAITING, book_t, incoming_t

from domain.ensure import ensure
from domain.rejects import BOOK_REASON_TEXTS

# Values of domain.constants and domain.rejects; tests compare them.
cdef enum:
    LIMIT = 0
    GTC = 0
    STP_NEWEST = 1
    REASON_USER = 1
    AS_IT_WAS = 255
    UNKNOWN_ORDER = 4001
    UNKNOWN_BOOK = 2001


cdef class MatchingEngine(Books):
    """Books behind plain calls that return their events as tuples (tests/engines.py). O(1) per touched order."""

    # ---------------------------------------------------------------------------------------------------- opening

    def add_book(self, uint32_t book, rules):
        """Open a book with domain.book_rules.BookRules."""
        engine_add_book(self.c, book, rules)

    def add_combo(self, uint32_t book, rules, legs):
        """Open a combo book; `legs` are (book, +1 or -1) (MATCH-110)."""
        engine_add_combo(self.c, book, rules, legs)

    def set_group(self, uint32_t owner, uint32_t group):
        """Put an owner into a prevention group, 0 = none (MATCH-030)."""
        ensure(owner < self.c.owners_max, "owner within owners_max")
        self.c.owners[owner].group = group          # nobody's is never looked at
        if group:
            self.c.groups_used = 1

    def set_mmp(self, uint32_t owner, int group, *, int64_t lots=0, int64_t delta=0, int64_t vega=0, int64_t window,
                int64_t frozen=0):
        """Limits of an owner's protection group (MATCH-102)."""
        ensure(0 < owner < self.c.owners_max and 1 <= group < MMP_GROUPS, "owner and group within limits")
        ensure(mmp_set(self.c, owner, group, lots, delta, vega, window, frozen) == 0, "protection groups within mmp_max")

    def reset_mmp(self, uint32_t owner, int group):
        """Unfreeze a group (MATCH-103)."""
        ensure(0 < owner < self.c.owners_max and 1 <= group < MMP_GROUPS, "owner and group within limits")
        mmp_reset(self.c, owner, group)

    def set_now(self, int64_t now):
        """The caller's number for protection windows; it never falls."""
        ensure(now >= self.c.now, "now never falls")
        self.c.now = now

    def set_greeks(self, uint32_t book, int64_t delta, int64_t vega):
        """Delta and vega of one lot, for protection."""
        self.opened(book)
        self.c.more[book].delta, self.c.more[book].vega = delta, vega

    def set_auction_reference(self, uint32_t book, int64_t price_ticks):
        """Reference of the auction price, 0 = the last trade (MATCH-092)."""
        self.opened(book)
        self.c.more[book].auction_ticks = price_ticks + self.c.more[book].bias_ticks if price_ticks else 0

    cdef int opened(self, uint32_t book) except -1:
        ensure(book < self.c.books_max and self.c.books[book].pages != 0, "book is open")
        return 0

    # --------------------------------------------------------------------------------------------------- commands

    def submit(self, uint32_t book, uint64_t order_id, uint32_t owner, int side, int64_t price_ticks, int64_t lots, *,
               int order_type=LIMIT, int tif=GTC, int post_only=0, int stp=STP_NEWEST, int64_t display_lots=0,
               int64_t budget=0, int trigger=0, int64_t trigger_ticks=0, int reference=0, int64_t trail_ticks=0,
               int64_t trail_bps=0, int peg=0, int64_t peg_offset=0, uint64_t oco=0, int mmp=0):
        """Enter an order: ("refused", id, reason), or its fills and what became of the rest."""
        cdef incoming_t order
        cdef int32_t code
        cdef int64_t bias = self.c.more[book].bias_ticks if book < self.c.books_max else 0
        ensure(owner < self.c.owners_max and 0 <= reference <= 2 and 0 <= mmp < MMP_GROUPS, "owner within owners_max")
        if trail_bps < 0 or trail_bps >= 10_000:
            trail_bps = 10_000
        memset(&order, 0, sizeof(incoming_t))
        order.order_id, order.owner, order.book, order.side = order_id, owner, book, side
        order.price_ticks = price_ticks + bias if not peg or price_ticks else 0
        order.lots, order.display_lots, order.budget = lots, display_lots, budget
        order.order_type, order.time_in_force, order.stp, order.post_only = order_type, tif, stp, post_only
        order.trigger, order.reference = trigger, reference
        order.trigger_ticks = trigger_ticks + bias if trigger_ticks else 0
        order.trail_ticks, order.trail_bps = trail_ticks, <uint32_t>trail_bps
        order.peg, order.peg_offset, order.oco, order.mmp = peg, <int32_t>peg_offset, oco, mmp
        with nogil:
            code = book_prepare(self.c, &order)
        if code != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[code])]
        self.run(book_execute(self.c, &order), &order)
        return self.finish()

    def quote(self, uint32_t owner, uint64_t quote_set, uint32_t book, int side, uint64_t order_id, int64_t price_ticks,
              int64_t lots, *, int mmp=0, int post_only=0, int stp=STP_NEWEST):
        """Quote one side, replacing the quote of the same (owner, set, book, side) (MATCH-100)."""
        cdef incoming_t order
        cdef incoming_t fresh
        cdef uint32_t slot
        cdef int32_t code
        ensure(owner < self.c.owners_max and 0 <= mmp < MMP_GROUPS, "owner within owners_max")
        memset(&order, 0, sizeof(incoming_t))
        order.order_id, order.owner, order.book, order.side = order_id, owner, book, side
        order.price_ticks = price_ticks + (self.c.more[book].bias_ticks if book < self.c.books_max else 0)
        order.lots, order.stp, order.post_only, order.mmp = lots, stp, post_only, mmp
        order.quote, order.quote_set = 1, quote_set
        code = book_prepare_quote(self.c, &order, &fresh, &slot)
        if code != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[code])]
        self.run(book_execute_quote(self.c, &order, &fresh, slot), &fresh if slot else &order)
        return self.finish()

    def cancel(self, uint64_t order_id, uint32_t owner):
        """Cancel one live order of `owner`."""
        if book_pull(self.c, order_id, owner, REASON_USER) != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[UNKNOWN_ORDER])]
        return self.finish()

    def amend(self, uint64_t order_id, uint32_t owner, int64_t price_ticks, int64_t total_lots, *,
              int64_t trigger_ticks=0):
        """Change price and total (filled + open wanted) of a live order, and the trigger of one that waits."""
        cdef uint32_t slot = id_find(self.c, order_id)
        cdef incoming_t fresh
        cdef int32_t code
        cdef int64_t bias
        if slot == 0 or self.c.orders[slot].owner != owner:
            return [("refused", order_id, BOOK_REASON_TEXTS[UNKNOWN_ORDER])]
        bias = self.c.more[book_of(self.c, slot)].bias_ticks
        code = book_prepare_amend(self.c, slot, price_ticks + bias, total_lots, AS_IT_WAS,
                                  trigger_ticks + bias if trigger_ticks else 0, &fresh)
        if code != 0:
            return [("refused", order_id, BOOK_REASON_TEXTS[code])]
        self.run(book_execute_amend(self.c, slot, total_lots, &fresh), &fresh)
        return self.finish()

    def cancel_owner(self, uint32_t owner, *, book=None, side=None, low=None, high=None):
        """Cancel an owner's orders that pass every filter, in the order they entered (MATCH-052)."""
        cdef uint32_t slot = 0
        if owner == 0 or owner >= self.c.owners_max:
            return []
        while cancel_owner_slots(self.c, owner, &slot, -1 if book is None else book, -1 if side is None else side,
                                 -(1 << 62) if low is None else low, (1 << 62) if high is None else high,
                                 low is not None or high is not None, REASON_USER):
            self.drain()
        return self.finish()

    def cancel_book(self, uint32_t book, *, side=None, low=None, high=None):
        """Cancel everybody's orders of a book that pass every filter (MATCH-053)."""
        if book >= self.c.books_max or self.c.books[book].pages == 0:
            return [("refused", book, BOOK_REASON_TEXTS[UNKNOWN_BOOK])]
        return self.cancel_whole(book, side, low, high, 20)

    cdef list cancel_whole(self, uint32_t book, side, low, high, int reason):
        while cancel_book_slots(self.c, book, -1 if side is None else side, -(1 << 62) if low is None else low,
                                (1 << 62) if high is None else high, low is not None or high is not None, reason):
            self.drain()
        return self.finish()

    def set_price(self, uint32_t book, int reference, int64_t price_ticks):
        """Last price, mark or index as the venue knows it; may trigger orders (MATCH-072)."""
        self.opened(book)
        price_ticks += self.c.more[book].bias_ticks
        ensure(0 <= reference <= 2 and self.c.books[book].band_low_ticks <= price_ticks
               <= self.c.books[book].band_low_ticks + self.c.books[book].band_span_ticks, "price inside the band")
        book_set_price(self.c, book, reference, price_ticks)
        return self.finish()

    def set_phase(self, uint32_t book, int phase, *, bint force=False):
        """Move a book to another phase (MATCH-090..098)."""
        cdef int32_t code
        if book >= self.c.books_max or self.c.books[book].pages == 0:
            return [("refused", book, BOOK_REASON_TEXTS[UNKNOWN_BOOK])]
        code = book_set_phase(self.c, book, phase, force)
        if code != 0:
            return [("refused", book, BOOK_REASON_TEXTS[code])]
        while book_uncross(self.c, book):
            self.drain()
        if phase == 6:
            return self.cancel_whole(book, None, None, None, 12)
        return self.finish()

    # ---------------------------------------------------------------------------------------------------- looking

    def best(self, uint32_t book):
        """(best bid, best ask) in ticks, None for an empty side."""
        cdef book_t *b = &self.c.books[book]
        bias = self.c.more[book].bias_ticks
        return (None if b.best[0] == NO_BID else b.best[0] - bias, None if b.best[1] == NO_ASK else b.best[1] - bias)

    def last_price(self, uint32_t book):
        """Price of the last trade in ticks, None before the first."""
        last = self.c.books[book].last_ticks
        return last - self.c.more[book].bias_ticks if last else None

    def phase(self, uint32_t book):
        """PHASE_* of a book."""
        return self.c.more[book].phase

    def indicative(self, uint32_t book):
        """(price, volume, surplus) of the call, None when nothing would trade or there is no call (MATCH-093)."""
        cdef indicative_t found
        if not 1 <= self.c.more[book].phase <= 3:
            return None
        auction_price(self.c, book, &found)
        if found.price_ticks == 0:
            return None
        return found.price_ticks - self.c.more[book].bias_ticks, found.volume_lots, found.surplus_lots

    def implied(self, uint32_t book):
        """Best implied ((price, lots) bid, ask), None where there is none (MATCH-111..113)."""
        cdef bundle_t best
        bias = self.c.more[book].bias_ticks
        return tuple((best.price_ticks - bias, best.level_lots) if implied_best(self.c, book, side, 0, &best) else None
                     for side in (0, 1))

    def depth(self, uint32_t book, uint32_t levels):
        """((price, shown lots) bids, asks), best first, at most `levels` a side."""
        return depth_of(self.c, book, 0, levels), depth_of(self.c, book, 1, levels)

    def order(self, uint64_t order_id):
        """(book, owner, side, price_ticks, open_lots, filled_lots) of a live order, or None."""
        cdef uint32_t slot = id_find(self.c, order_id)
        if slot == 0:
            return None
        book, price = book_of(self.c, slot), price_of(self.c, slot)
        return (book, self.c.orders[slot].owner, side_of(self.c, slot),
                price - self.c.more[<uint32_t>book].bias_ticks if price else 0, open_of(self.c, slot),
                filled_of(self.c, slot))

    def shown(self, uint64_t order_id):
        """Lots that its level shows, 0 if it is in none."""
        cdef uint32_t slot = id_find(self.c, order_id)
        return self.c.orders[slot].shown_lots if slot else 0

    def waiting(self, uint32_t book):
        """Ids of waiting orders by entry number."""
        return special_ids(self.c, book, STATE_WAITING)

    def parked(self, uint32_t book):
        """Ids of parked pegs by entry number."""
        return special_ids(self.c, book, STATE_PARKED)

    def check_invariants(self):
        """Raise InvariantViolation unless every structural law holds. O(everything)."""
        check_engine(self.c)

    def state_digest(self):
        """Digest of what is live, in priority order, free of structure (MATCH-060). O(orders)."""
        return digest_engine(self.c)
