# cython: boundscheck=False, wraparound=False
"""Drives the real book through a mixed order stream: plain orders, icebergs, stops, quotes, slides and pegs.

Lives here: the timed loop over the book's C-level door as a caller runs it who has all kinds of orders, and the proof
of its result. Does not know: what the kinds do; book_harness.pyx drives the same book through plain streams alone.

Plain records go the same short way as there, with the same hints; after every command the loop asks whether it left
something to do. A mixed stream has one symbol and belongs to nobody.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from benchmarks.stream_file cimport (STREAM_ADD, STREAM_CANCEL, STREAM_ICEBERG, STREAM_PEG, STREAM_QUOTE,
                                     STREAM_REPLACE, STREAM_SLIDE, STREAM_STOP, book_proof_t, monotonic_seconds,
                                     prove_resting, prove_trade, stream_header_t, stream_record_t, trade_proof_t)
from matching.book_state cimport digest_engine
from matching.order_book cimport (BOOK_DONE, BOOK_GATE, book_drop, book_execute, book_prepare, book_prepare_triggered,
                                  book_reason_of, book_resume)
from matching.order_pool cimport is_live, open_of, price_of, side_of, state_of
from matching.pegs cimport book_finish
from matching.plain cimport book_limit, book_pull, hint_id, hint_order
from matching.slabs cimport engine_add_book, engine_create, engine_destroy, limits_t
from matching.triggers cimport book_next_triggered
from matching.types cimport (BOOK_FILL, NO_ASK, NO_BID, STATE_RESTING, STATE_WAITING, book_event_t, engine_t,
                             incoming_t)

from domain.book_rules import BookRules
from domain.constants import PEG_ASK, PEG_BID, POST_ONLY_SLIDE, TRIGGER_DOWN, TRIGGER_UP

cdef enum:
    REFUSAL_UNKNOWN_TYPE = -1
    REASON_USER = 1
    STP_NONE = 0
    DRAIN = 64                    # events are taken when so many stand in the buffer
    FAR = 12                      # records ahead whose id is hinted at
    NEAR = 6                      # records ahead whose order is
    PEGS_MAX = 250

cdef uint8_t SLIDE = POST_ONLY_SLIDE
cdef uint8_t[2] TRIGGERS = [TRIGGER_UP, TRIGGER_DOWN]    # of a stop, by side
cdef uint8_t[2] PEGS = [PEG_BID, PEG_ASK]                # to its own side's best, by side


cdef struct run_t:
    engine_t *engine
    trade_proof_t trades
    uint64_t refused
    uint64_t missed               # records whose order is gone
    int32_t first_refusal         # a RejectCode, or REFUSAL_UNKNOWN_TYPE


cdef inline void refuse(run_t *run, int32_t code) noexcept nogil:
    if run.refused == 0:
        run.first_refusal = code
    run.refused += 1


cdef inline void take_events(run_t *run) noexcept nogil:
    """Read the events out of the buffer and empty it."""
    cdef book_event_t *event = run.engine.events
    cdef book_event_t *end = event + run.engine.event_count
    while event != end:
        if event.kind == BOOK_FILL:
            prove_trade(&run.trades, event.taker_id, event.order_id, <uint64_t>event.price_ticks,
                        <uint64_t>event.lots)
        event += 1
    run.engine.event_count = 0


cdef void resume(run_t *run, int status, incoming_t *order) noexcept nogil:
    """Go on with an order that paused, until it is done."""
    while status != BOOK_DONE:
        take_events(run)
        if status == BOOK_GATE:
            run.engine.gate_passed = run.engine.gate_slot
        status = book_resume(run.engine, order)


cdef void let_triggered_in(run_t *run) noexcept nogil:
    """After a command that left something to do: triggered orders enter one by one, then pegs are re-priced."""
    cdef incoming_t order
    cdef int32_t code
    while book_next_triggered(run.engine, &order) != 0:
        code = book_prepare_triggered(run.engine, &order)
        if code != 0:
            book_drop(run.engine, &order, book_reason_of(code))
        else:
            resume(run, book_execute(run.engine, &order), &order)
        if run.engine.event_count >= DRAIN:
            take_events(run)
    while book_finish(run.engine):
        take_events(run)


cdef inline void end_command(run_t *run) noexcept nogil:
    if run.engine.touched_count != 0 or run.engine.line_head != 0:
        let_triggered_in(run)
    if run.engine.event_count >= DRAIN:
        take_events(run)


cdef inline void add(run_t *run, const stream_record_t *record, uint32_t order_id) noexcept nogil:
    cdef int32_t code = book_limit(run.engine, 0, record.side & 1, order_id, 0, STP_NONE, 0, record.price_ticks,
                                   record.lots)
    if code != 0:
        refuse(run, code)
    if run.engine.paused != BOOK_DONE:
        resume(run, run.engine.paused, &run.engine.paused_order)
        run.engine.paused = BOOK_DONE


cdef void add_special(run_t *run, const stream_record_t *record) noexcept nogil:
    """An iceberg, stop, slide or peg."""
    cdef incoming_t order
    cdef int32_t code
    memset(&order, 0, sizeof(incoming_t))              # good till cancelled, no prevention, last price: all are 0
    order.order_id = record.id
    order.side = record.side & 1
    order.price_ticks = record.price_ticks
    order.lots = record.lots
    if record.type == STREAM_ICEBERG:
        order.display_lots = record.extra
    elif record.type == STREAM_STOP:
        order.trigger = TRIGGERS[order.side]
        order.trigger_ticks = record.extra
    elif record.type == STREAM_SLIDE:
        order.post_only = SLIDE
    elif record.type == STREAM_PEG:
        order.price_ticks = 0
        order.peg = PEGS[order.side]
        order.peg_offset = record.price_ticks
    else:
        refuse(run, REFUSAL_UNKNOWN_TYPE)
        return
    code = book_prepare(run.engine, &order)
    if code != 0:
        refuse(run, code)
    else:
        resume(run, book_execute(run.engine, &order), &order)


cdef inline bint pull(run_t *run, const stream_record_t *record) noexcept nogil:
    """Cancel the record's order as a command of its own; False, and counted, when it is gone."""
    if book_pull(run.engine, record.id, 0, REASON_USER) != 0:
        run.missed += 1
        return False
    end_command(run)
    return True


cdef inline void hint(engine_t *engine, const stream_record_t *far, const stream_record_t *near) noexcept nogil:
    """Records to come: their ids' entries are fetched first, then, when those are there, their orders."""
    hint_id(engine, far.id)
    hint_order(engine, near.id)


cdef void apply_records(run_t *run, const stream_record_t *records, uint64_t count) noexcept nogil:
    cdef uint64_t i
    cdef const stream_record_t *record
    for i in range(count):
        record = &records[i]
        if i + FAR < count:
            hint(run.engine, record + FAR, record + NEAR)
        if record.type == STREAM_ADD:
            add(run, record, record.id)
        elif record.type == STREAM_CANCEL:
            pull(run, record)
        elif record.type == STREAM_REPLACE:
            if pull(run, record):
                add(run, record, record.new_id)
        elif record.type == STREAM_QUOTE:
            if record.id != 0:                         # 0: the first of its maker
                pull(run, record)
            add(run, record, record.new_id)
        else:
            add_special(run, record)
        end_command(run)
    take_events(run)


cdef class MixedHarness:
    """One mixed stream in memory, and runs of the book over it."""

    cdef stream_header_t header
    cdef stream_record_t *records

    def __cinit__(self, bytes stream):
        """Take the bytes of a stream file. Raises ValueError for anything that is none."""
        cdef size_t length = <size_t>len(stream)
        cdef size_t wanted
        if length < sizeof(stream_header_t) or stream[:4] not in (b"OPS1", b"OPS2"):
            raise ValueError("not an order stream")
        memcpy(&self.header, <const char *>stream, sizeof(stream_header_t))
        wanted = (<size_t>self.header.prefill + self.header.timed) * sizeof(stream_record_t)
        if length != sizeof(stream_header_t) + wanted:
            raise ValueError("the stream's length is not what its header says")
        if self.header.symbols != 1:
            raise ValueError("a mixed stream has one symbol")
        self.records = <stream_record_t *>malloc(wanted + 1)
        if self.records == NULL:
            raise MemoryError("stream records")
        memcpy(self.records, <const char *>stream + sizeof(stream_header_t), wanted)

    def __dealloc__(self):
        free(self.records)

    @property
    def timed(self):
        """How many records are timed."""
        return self.header.timed

    cdef engine_t *open_engine(self) except NULL:
        """Room for every order of the stream: a mixed flow knows its book only roughly."""
        cdef limits_t limits
        cdef engine_t *engine
        cdef int64_t low_ticks = max(1, <int64_t>self.header.middle_ticks - self.header.window_ticks // 2)
        memset(&limits, 0, sizeof(limits_t))
        limits.orders_max = self.header.prefill * 2 + 20_000
        limits.pages_max = self.header.window_ticks // 64 * 4 + 8     # of the book and of its trigger books
        limits.books_max, limits.owners_max, limits.pegs_max = 1, 2, PEGS_MAX
        engine = engine_create(&limits, 0)
        if engine == NULL:
            raise MemoryError("book")
        try:
            engine_add_book(engine, 0, BookRules(band_low_ticks=low_ticks,
                                                 band_high_ticks=low_ticks + self.header.window_ticks - 1))
        except BaseException:
            engine_destroy(engine)
            raise
        return engine

    def run(self, uint32_t timed):
        """Build the prefill on a fresh book, then time `timed` records of the rest in one piece.

        Returns:
            (seconds, trades, book, missed, waiting, digest, refused, first refusal code): trades and book as
            BookHarness.run gives them, missed = records that named an order that was gone, digest = MATCH-060.
        """
        cdef run_t run
        cdef double start, seconds
        if timed > self.header.timed:
            raise ValueError("the stream has fewer records")
        memset(&run, 0, sizeof(run_t))
        run.engine = self.open_engine()
        try:
            with nogil:
                apply_records(&run, self.records, self.header.prefill)
                memset(&run.trades, 0, sizeof(trade_proof_t))
                run.missed = 0
                start = monotonic_seconds()
                apply_records(&run, self.records + self.header.prefill, timed)
                seconds = monotonic_seconds() - start
            trades = (run.trades.count, run.trades.lots, run.trades.notional, run.trades.hash)
            book, waiting = self.prove(run.engine)
            return seconds, trades, book, run.missed, waiting, digest_engine(run.engine), run.refused, run.first_refusal
        finally:
            engine_destroy(run.engine)

    cdef tuple prove(self, engine_t *engine):
        cdef book_proof_t proof
        cdef uint32_t slot
        cdef uint64_t waiting = 0
        memset(&proof, 0, sizeof(book_proof_t))
        if engine.books[0].best[0] != NO_BID:
            proof.best_bid_sum = <uint64_t>engine.books[0].best[0]
        if engine.books[0].best[1] != NO_ASK:
            proof.best_ask_sum = <uint64_t>engine.books[0].best[1]
        for slot in range(1, engine.slots_used + 1):
            if not is_live(engine, slot):
                continue
            if state_of(engine, slot) == STATE_RESTING:
                prove_resting(&proof, side_of(engine, slot), engine.orders[slot].order_id,
                              <uint64_t>price_of(engine, slot), <uint64_t>open_of(engine, slot))
            waiting += state_of(engine, slot) == STATE_WAITING
        return (proof.resting, proof.bid_lots, proof.ask_lots, proof.best_bid_sum, proof.best_ask_sum,
                proof.hash), waiting
