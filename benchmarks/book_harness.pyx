# cython: boundscheck=False, wraparound=False
"""Drives the real book through an order stream, timing it as the bare-C floor times itself.

Lives here: the timed loop over the book's C-level door, and the proof of its result (floor/stream.h says of what).
Does not know: where streams come from, what a good time is.

Inside the timed loop stand, as in the floor: reading the record, finding the order, matching, writing every event to
the book's buffer, and folding each fill into the trade hash as it comes out of that buffer. In addition the book
validates every field and writes events for rests and cancels, which the floor does not do. The loop knows the next
records, as any caller with a batch does, and hints at what they will touch (plain.pxd).
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from benchmarks.stream_file cimport (STREAM_ADD, STREAM_CANCEL, STREAM_REPLACE, book_proof_t, monotonic_seconds,
                                     prove_resting, prove_trade, stream_header_t, stream_record_t, trade_proof_t)
from matching.order_book cimport book_resume
from matching.order_pool cimport is_live, open_of, price_of, side_of
from matching.plain cimport book_limit, book_pull, hint_id, hint_order
from matching.slabs cimport engine_add_book, engine_create, engine_destroy, limits_t
from matching.types cimport BOOK_FILL, NO_ASK, NO_BID, book_event_t, engine_t

from domain.book_rules import PRICE_TICKS_LIMIT, BookRules

cdef enum:
    REFUSAL_UNKNOWN_TYPE = -1
    REASON_USER = 1
    STP_NONE = 0
    DRAIN = 64                    # events are taken when so many stand in the buffer
    FAR = 12                      # records ahead whose id is hinted at
    NEAR = 6                      # records ahead whose order is


cdef struct run_t:
    engine_t *engine
    trade_proof_t trades
    uint64_t refused
    int32_t first_refusal         # a RejectCode, or REFUSAL_UNKNOWN_TYPE
    uint32_t owners               # orders belong to owner 1 + id % owners; 0 = to nobody


cdef inline void refuse(run_t *run, int32_t code) noexcept nogil:
    if run.refused == 0:
        run.first_refusal = code
    run.refused += 1


cdef inline uint32_t owner_of(uint32_t owners, uint32_t order_id) noexcept nogil:
    return 0 if owners == 0 else 1 + order_id % owners


cdef inline void take_events(run_t *run, engine_t *engine) noexcept nogil:
    """Read the events of one record out of the buffer and empty it."""
    cdef book_event_t *event = engine.events
    cdef book_event_t *end = event + engine.event_count
    while event != end:
        if event.kind == BOOK_FILL:
            prove_trade(&run.trades, event.taker_id, event.order_id, <uint64_t>event.price_ticks,
                        <uint64_t>event.lots)
        event += 1
    engine.event_count = 0


cdef inline void hint(engine_t *engine, const stream_record_t *far, const stream_record_t *near) noexcept nogil:
    """Records to come: their ids' entries are fetched first, then, when those are there, their orders. Without asking
    what kind they are: a wrong guess of the branch would cost more than a line fetched in vain."""
    hint_id(engine, far.id)
    hint_order(engine, near.id)


cdef void apply_records(run_t *run, const stream_record_t *records, uint64_t count) noexcept nogil:
    cdef engine_t *engine = run.engine
    cdef uint32_t order_id, owners = run.owners
    cdef const stream_record_t *record = records
    cdef const stream_record_t *end = records + count
    cdef const stream_record_t *last_hint = records + (count - FAR if count > FAR else 0)
    cdef int32_t code
    while record != end:
        if record < last_hint:
            hint(engine, record + FAR, record + NEAR)
        order_id = record.id
        if record.type != STREAM_ADD:
            if record.type != STREAM_CANCEL and record.type != STREAM_REPLACE:
                refuse(run, REFUSAL_UNKNOWN_TYPE)
                record += 1
                continue
            # One that is gone: nothing happens, as the stream's definition says.
            code = book_pull(engine, order_id, owner_of(owners, order_id), REASON_USER)
            order_id = record.new_id
            if code != 0 or record.type == STREAM_CANCEL:
                record += 1
                continue
        code = book_limit(engine, record.symbol, record.side, order_id, owner_of(owners, order_id), STP_NONE, 0,
                          record.price_ticks, record.lots)
        if code != 0:
            refuse(run, code)
        record += 1
        if engine.event_count >= DRAIN:
            take_events(run, engine)
            while engine.paused:
                engine.paused = book_resume(engine, &engine.paused_order)
                take_events(run, engine)
    take_events(run, engine)


cdef class BookHarness:
    """One stream in memory, and runs of the book over it."""

    cdef stream_header_t header
    cdef stream_record_t *records
    cdef int64_t low_ticks, high_ticks    # what the books must hold
    cdef uint64_t adds

    def __cinit__(self, bytes stream):
        """Take the bytes of a stream file. Raises ValueError for anything that is none."""
        cdef size_t length = <size_t>len(stream)
        cdef size_t wanted
        if length < sizeof(stream_header_t) or stream[:4] != b"OPS1":
            raise ValueError("not an OPS1 stream")
        memcpy(&self.header, <const char *>stream, sizeof(stream_header_t))
        wanted = (<size_t>self.header.prefill + self.header.timed) * sizeof(stream_record_t)
        if length != sizeof(stream_header_t) + wanted:
            raise ValueError("the stream's length is not what its header says")
        if self.header.symbols > 65_535:
            raise ValueError("the stream has more symbols than its records can name")
        self.records = <stream_record_t *>malloc(wanted + 1)
        if self.records == NULL:
            raise MemoryError("stream records")
        memcpy(self.records, <const char *>stream + sizeof(stream_header_t), wanted)
        self.find_band()

    cdef find_band(self):
        """The header's window, widened to the prices that the records really name: any stream may come."""
        cdef size_t i, count = <size_t>self.header.prefill + self.header.timed
        cdef int64_t half = self.header.window_ticks // 2
        self.low_ticks = max(1, <int64_t>self.header.middle_ticks - half)
        self.high_ticks = max(self.low_ticks, <int64_t>self.header.middle_ticks + half - 1)
        self.adds = 0
        for i in range(count):
            if self.records[i].type == STREAM_CANCEL:
                continue
            self.adds += 1
            self.low_ticks = min(self.low_ticks, max(1, <int64_t>self.records[i].price_ticks))
            self.high_ticks = max(self.high_ticks, <int64_t>self.records[i].price_ticks)
        if self.high_ticks >= PRICE_TICKS_LIMIT:
            raise ValueError("the stream has a price that no book can hold")

    def __dealloc__(self):
        free(self.records)

    @property
    def timed(self):
        """How many records are timed."""
        return self.header.timed

    @property
    def orders_max_start(self):
        """The floor's own allowance of resting orders."""
        return self.header.prefill * 2 + 20_000

    cdef engine_t *open_engine(self, uint32_t orders_max, uint32_t owners) except NULL:
        cdef uint64_t span = <uint64_t>(self.high_ticks - self.low_ticks) // 64 + 2
        cdef uint32_t pages = <uint32_t>min(self.header.symbols * span, self.adds + 1)
        cdef limits_t limits
        cdef engine_t *engine
        cdef uint32_t symbol
        memset(&limits, 0, sizeof(limits_t))
        limits.orders_max, limits.books_max, limits.pages_max = orders_max, self.header.symbols, pages
        limits.owners_max = owners + 2
        engine = engine_create(&limits, 0)
        if engine == NULL:
            raise MemoryError("book")
        try:
            rules = BookRules(band_low_ticks=self.low_ticks, band_high_ticks=self.high_ticks)
            for symbol in range(self.header.symbols):
                engine_add_book(engine, symbol, rules)
        except BaseException:
            engine_destroy(engine)
            raise
        return engine

    def run(self, uint32_t orders_max, uint32_t timed, uint32_t owners=0):
        """Build the prefill on a fresh book, then time `timed` records of the rest in one piece.

        Returns:
            (seconds, trades, book, refused, first refusal code): trades = (count, lots, notional, hash),
            book = (resting, bid lots, ask lots, sum of best bids, sum of best asks, hash).
        """
        cdef run_t run
        cdef double start, seconds
        cdef const stream_record_t *rest = self.records + self.header.prefill
        if timed > self.header.timed:
            raise ValueError("the stream has fewer records")
        memset(&run, 0, sizeof(run_t))
        run.owners = owners
        run.engine = self.open_engine(orders_max, owners)
        try:
            with nogil:
                apply_records(&run, self.records, self.header.prefill)
                memset(&run.trades, 0, sizeof(trade_proof_t))
                start = monotonic_seconds()
                apply_records(&run, rest, timed)
                seconds = monotonic_seconds() - start
            trades = (run.trades.count, run.trades.lots, run.trades.notional, run.trades.hash)
            return seconds, trades, self.prove(run.engine), run.refused, run.first_refusal
        finally:
            engine_destroy(run.engine)

    cdef tuple prove(self, engine_t *engine):
        cdef book_proof_t proof
        cdef uint32_t slot, symbol
        memset(&proof, 0, sizeof(book_proof_t))
        for symbol in range(self.header.symbols):
            if engine.books[symbol].best[0] != NO_BID:
                proof.best_bid_sum += <uint64_t>engine.books[symbol].best[0]
            if engine.books[symbol].best[1] != NO_ASK:
                proof.best_ask_sum += <uint64_t>engine.books[symbol].best[1]
        for slot in range(1, engine.slots_used + 1):
            if is_live(engine, slot):
                prove_resting(&proof, side_of(engine, slot), engine.orders[slot].order_id,
                              <uint64_t>price_of(engine, slot), <uint64_t>open_of(engine, slot))
        return (proof.resting, proof.bid_lots, proof.ask_lots, proof.best_bid_sum, proof.best_ask_sum, proof.hash)
