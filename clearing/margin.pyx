# cython: language_level=3, boundscheck=False, wraparound=False
"""The V/W margin check: the exact worst case over every subset of open orders, in O(16).

Lives here: scenario arithmetic of positions and orders, and the requirement (MARGIN-001..006).
Does not know: cash, the book, when marks change.
Theory (clearing rules 1.4): for scenario s the loss of positions plus any filled orders is linear in each order's fill,
so each losing order counts in full and each other not at all: W[s] = sum of lots x max(0, loss per lot in s), and the
worst case over all fills is max_s(V[s] + W[s]). Adding and removing an order are the same sum with opposite sign, so
W returns to exactly zero when the last order goes.
    scan     = max(0, max_s(V[s] + W[s]))
    spread   = charge x min(long, short) lots, only where two or more contracts have exposure
    gross    = sum over contracts of larger exposure x scan range + all order losses
    maintenance = min(scan + spread, gross);  initial = ceil(5/4 maintenance)
Bound: lots <= 20,000 x scan <= 2**40 per contract and 256 contracts stay below 2**63.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from clearing.contracts cimport SCENARIOS, contract_t
from clearing.positions cimport position_fill, position_t

from domain.ensure import ensure


cdef int64_t requirement(margin_t *m, const margin_book_t *book, uint32_t slot) noexcept nogil:
    """Maintenance margin of one margin book, quote units."""
    cdef int64_t worst = 0, loss, gross
    cdef int s
    for s in range(SCENARIOS):
        loss = book.v[s] + book.w[s]
        if loss > worst:
            worst = loss
    if book.exposed >= 2:
        worst += m.spread_charge[slot] * min(book.long_lots, book.short_lots)
    gross = book.gross + book.order_loss
    return min(worst, gross)


cdef int64_t initial_of(int64_t maintenance) noexcept nogil:
    """ceil(5/4 maintenance)."""
    return maintenance + (maintenance + 3) // 4


cdef inline int64_t long_exposure(position_t *position) noexcept nogil:
    return max(<int64_t>0, position.lots + position.buy_lots)


cdef inline int64_t short_exposure(position_t *position) noexcept nogil:
    return max(<int64_t>0, position.sell_lots - position.lots)


cdef inline void exposure_add(margin_book_t *book, contract_t *contract, position_t *position,
                              int64_t sign) noexcept nogil:
    cdef int64_t longs = long_exposure(position)
    cdef int64_t shorts = short_exposure(position)
    book.long_lots += sign * longs
    book.short_lots += sign * shorts
    book.gross += sign * max(longs, shorts) * contract.psr
    book.order_loss += sign * position.order_loss
    if longs or shorts:
        book.exposed += sign


cdef void exposure_out(margin_book_t *book, contract_t *contract, position_t *position) noexcept nogil:
    """Take the pair's exposure out of the sums before its lots or orders change."""
    exposure_add(book, contract, position, -1)


cdef void exposure_in(margin_book_t *book, contract_t *contract, position_t *position) noexcept nogil:
    """Put it back after the change."""
    exposure_add(book, contract, position, 1)


cdef void add_order(margin_book_t *book, contract_t *contract, position_t *position, int side, int64_t lots,
                    int64_t loss_per_lot) noexcept nogil:
    """Add an open order's effect; negative `lots` takes it away. Rule MARGIN-002."""
    cdef int s
    cdef int64_t loss
    exposure_out(book, contract, position)
    for s in range(SCENARIOS):
        loss = (contract.scan[s] if side == 0 else -contract.scan[s]) + loss_per_lot
        if loss > 0:
            book.w[s] += lots * loss
    if side == 0:
        position.buy_lots += lots
    else:
        position.sell_lots += lots
    position.order_loss += lots * loss_per_lot
    exposure_in(book, contract, position)


cdef void add_fill(margin_book_t *book, contract_t *contract, position_t *position, int64_t signed_lots,
                   int64_t price_ticks) noexcept nogil:
    """Add one side of a trade to the position and its vectors; the difference to the mark is unsettled at once."""
    cdef int s
    exposure_out(book, contract, position)
    for s in range(SCENARIOS):
        book.v[s] += signed_lots * contract.scan[s]
    book.unsettled += contract.tick_value * signed_lots * (contract.mark_ticks - price_ticks)
    position_fill(position, signed_lots, price_ticks)
    exposure_in(book, contract, position)


cdef class Margin:
    """Margin books of `accounts_max` accounts. Amounts in quote units. O(1) per call unless it says otherwise."""

    def __cinit__(self, uint32_t accounts_max):
        self.c.accounts_max = accounts_max
        self.c.books = <margin_book_t *>calloc(<size_t>accounts_max * MARGIN_SLOTS, sizeof(margin_book_t))
        if self.c.books == NULL:
            raise MemoryError("margin slab")

    def __dealloc__(self):
        free(self.c.books)

    cdef margin_book_t *at(self, account, slot) except NULL:
        ensure(0 <= account < self.c.accounts_max and 0 <= slot < MARGIN_SLOTS, "margin book exists")
        return margin_book(&self.c, account, slot)

    def maintenance(self, account, slot):
        """Maintenance margin with all open orders."""
        return requirement(&self.c, self.at(account, slot), slot)

    def initial(self, account, slot):
        """Initial margin with all open orders."""
        return initial_of(self.maintenance(account, slot))

    def unsettled(self, account, slot):
        """Variation margin since the last cycle at current marks."""
        return self.at(account, slot).unsettled

    def add_unsettled(self, account, slot, int64_t amount):
        """A mark moved or a cycle paid."""
        self.at(account, slot).unsettled += amount

    def spread_charge(self, slot):
        """Charge per matched pair of lots of different months."""
        return self.c.spread_charge[slot]

    def set_spread_charge(self, slot, int64_t charge):
        """Set the charge; vectors are not touched by it."""
        ensure(0 <= slot < MARGIN_SLOTS and charge >= 0, "spread charge of an existing slot")
        self.c.spread_charge[slot] = charge

    def vectors(self, account, slot):
        """(V, W, long, short, gross, order loss, exposed) for checks against a recomputation."""
        b = self.at(account, slot)
        return ([b.v[s] for s in range(SCENARIOS)], [b.w[s] for s in range(SCENARIOS)], b.long_lots, b.short_lots,
                b.gross, b.order_loss, b.exposed)

    def dump(self, uint32_t accounts):
        """The slab of the first `accounts` accounts as bytes."""
        size = <size_t>accounts * MARGIN_SLOTS * sizeof(margin_book_t)
        charges = (<char *>self.c.spread_charge)[:sizeof(self.c.spread_charge)]
        return charges + (<char *>self.c.books)[:size]

    def load(self, bytes data):
        """Fill a fresh slab from a dump."""
        cdef const char *raw = data
        cdef size_t head = sizeof(self.c.spread_charge)
        ensure(<size_t>len(data) <= head + <size_t>self.c.accounts_max * MARGIN_SLOTS * sizeof(margin_book_t),
               "margin dump fits")
        memcpy(self.c.spread_charge, raw, head)
        memset(self.c.books, 0, <size_t>self.c.accounts_max * MARGIN_SLOTS * sizeof(margin_book_t))
        memcpy(self.c.books, raw + head, <size_t>len(data) - head)
