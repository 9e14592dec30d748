# cython: language_level=3, boundscheck=False, wraparound=False
"""The books as a Python object: what every door shares, and the short doors for plain orders.

Lives here: `Books`: its slabs, how a command goes on until it is done, one plain order a call, packed batches.
Does not know: the other commands (engine.pyx), the rules of matching.
"""
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdlib cimport free, realloc
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from matching.batch cimport book_run, count_fills, fill_t, pack_fills
from matching.event_tuples cimport events_as_tuples
from matching.order_book cimport (book_drop, book_execute, book_prepare_triggered, book_reason_of, book_resume)
from matching.pegs cimport book_finish
from matching.plain cimport book_limit, book_pull
from matching.slabs cimport engine_create, engine_destroy, limits_t
from matching.triggers cimport book_next_triggered
from matching.types cimport (BOOK_FILL, EVENTS_PAUSE, book_command_t, book_event_t, engine_t, incoming_t)

from domain.rejects import BOOK_REASON_TEXTS

cdef enum:
    PIECE = 64                    # commands between two looks at their events: these fit the nearest cache
    STP_NONE = 0
    REASON_USER = 1


cdef class Books:
    """Slabs of books, the events of the command under way, and the short doors. O(1) per touched order."""

    def __cinit__(self, *, uint32_t orders_max=65_536, uint32_t books_max=16, uint32_t pages_max=65_536,
                  uint32_t owners_max=65_536, uint32_t trailing_max=1_000, uint32_t pegs_max=250,
                  uint32_t mmp_max=1_024, uint32_t uses_max=1_024, uint64_t hash_key=0):
        cdef limits_t limits
        limits.orders_max, limits.books_max, limits.pages_max = orders_max, books_max, pages_max
        limits.owners_max, limits.trailing_max, limits.pegs_max = owners_max, trailing_max, pegs_max
        limits.mmp_max, limits.uses_max = mmp_max, uses_max
        self.out = []
        self.raw = bytearray()
        self.c = engine_create(&limits, hash_key)
        if self.c == NULL:
            raise MemoryError("matching engine slabs")

    def __dealloc__(self):
        engine_destroy(self.c)
        free(self.fills)

    # ------------------------------------------------------------------------------------------- after each command

    cdef int drain(self) except -1:
        """Take the events into the answer and empty the buffer."""
        if self.is_raw:
            self.raw += (<char *>self.c.events)[:self.c.event_count * sizeof(book_event_t)]
        else:
            events_as_tuples(self.c, self.out)
        self.c.event_count = 0
        return 0

    cdef int run(self, int status, incoming_t *order) except -1:
        """Resume an order that paused until it is done."""
        while status != 0:
            self.drain()
            if status == 2:
                self.c.gate_passed = self.c.gate_slot
            status = book_resume(self.c, order)
        return 0

    cdef list finish(self):
        """Let triggered orders enter one by one, then re-price pegs; the whole command's events."""
        if self.c.line_head != 0 or self.c.touched_count != 0:
            self.carry_on()
        return self.take()

    cdef int carry_on(self) except -1:
        """Triggered orders, then pegs."""
        cdef incoming_t order
        cdef int32_t code
        while book_next_triggered(self.c, &order) != 0:
            code = book_prepare_triggered(self.c, &order)
            if code != 0:
                book_drop(self.c, &order, book_reason_of(code))
            else:
                self.run(book_execute(self.c, &order), &order)
            self.drain()
        while book_finish(self.c):
            self.drain()
        return 0

    cdef list take(self):
        cdef list out
        self.drain()
        out, self.out = self.out, []
        return out

    # -------------------------------------------------------------------------------------------- the short doors

    def run_batch(self, commands, uint32_t count, /):
        """Carry out packed plain commands (`book_command_t`, 48 bytes each); their events wait for take_fills or
        take_events. A refused one is an event too. Raises ValueError when the buffer holds fewer than `count`."""
        cdef Py_buffer view       # taken directly: a typed memoryview would cost more than a short batch
        cdef const book_command_t *next_one
        cdef uint32_t done = 0
        PyObject_GetBuffer(commands, &view, PyBUF_SIMPLE)
        self.is_raw = True
        try:
            if <size_t>view.len < count * sizeof(book_command_t):
                raise ValueError("the buffer holds fewer commands than that")
            next_one = <const book_command_t *>view.buf
            while done < count:
                done += book_run(self.c, next_one + done, count - done)
                if self.c.paused:
                    self.run(self.c.paused, &self.c.paused_order)
                    self.c.paused = 0
                if self.c.line_head != 0 or self.c.touched_count != 0:
                    self.carry_on()
                if self.c.event_count >= EVENTS_PAUSE:
                    self.drain()
        finally:
            self.is_raw = False
            PyBuffer_Release(&view)
        return count

    def take_events(self):
        """The events of the batches since the last take, as packed `book_event_t` (64 bytes each)."""
        cdef bytes out
        self.take_into_raw()
        out = bytes(self.raw)
        self.raw = bytearray()
        return out

    def run_fills(self, commands, size_t first, uint32_t count, /):
        """Carry out `count` packed commands from number `first` of the buffer and return their fills, packed as
        take_fills gives them. Their other events, refusals too, are dropped: the shortest way for those who only want
        fills. Raises ValueError when the buffer holds fewer commands."""
        cdef Py_buffer view
        cdef const book_command_t *next_one
        cdef uint32_t done = 0
        cdef size_t used = 0
        cdef bytes out
        PyObject_GetBuffer(commands, &view, PyBUF_SIMPLE)
        self.is_raw = True
        try:
            if <size_t>view.len < (first + count) * sizeof(book_command_t):
                raise ValueError("the buffer holds fewer commands than that")
            next_one = <const book_command_t *>view.buf + first
            while done < count:
                done += book_run(self.c, next_one + done, min(count - done, <uint32_t>PIECE))
                if self.c.paused or self.c.line_head != 0 or self.c.touched_count != 0:
                    used = self.settle_piece(used)
                else:
                    used = self.keep_fills(self.c.events, self.c.event_count, used)
                    self.c.event_count = 0
        finally:
            self.is_raw = False
            PyBuffer_Release(&view)
        out = PyBytes_FromStringAndSize(<char *>self.fills, <Py_ssize_t>(used * sizeof(fill_t)))
        return out

    cdef size_t keep_fills(self, const book_event_t *events, size_t count, size_t used) except? 0:
        """Pack the fills among `count` events behind those kept; the room grows by doubling."""
        cdef size_t wanted = used + count
        cdef fill_t *grown
        if wanted > self.fills_room:
            grown = <fill_t *>realloc(self.fills, 2 * wanted * sizeof(fill_t))
            if grown == NULL:
                raise MemoryError("fills")
            self.fills, self.fills_room = grown, 2 * wanted
        return used + pack_fills(events, count, self.fills + used)

    cdef size_t settle_piece(self, size_t used) except? 0:
        """What a piece left to do: sweeps to resume, triggered orders, pegs; then all of its fills."""
        if self.c.paused:
            self.run(self.c.paused, &self.c.paused_order)
            self.c.paused = 0
        if self.c.line_head != 0 or self.c.touched_count != 0:
            self.carry_on()
        self.take_into_raw()
        used = self.keep_fills(<const book_event_t *><const char *>self.raw, len(self.raw) // sizeof(book_event_t), used)
        self.raw = bytearray()
        return used

    def take_fills(self):
        """The fills of the batches since the last take, packed (taker, maker, price, lots), 32 bytes each."""
        cdef bytes out
        cdef const book_event_t *events = self.c.events
        cdef size_t count = self.c.event_count, fills
        if len(self.raw):
            self.take_into_raw()
            events = <const book_event_t *><const char *>self.raw
            count = len(self.raw) // sizeof(book_event_t)
        fills = count_fills(events, count)
        if fills == 0:
            out = b""
        else:
            out = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>(fills * sizeof(fill_t)))
            pack_fills(events, count, <fill_t *><char *>out)
        self.c.event_count = 0
        if len(self.raw):
            self.raw = bytearray()
        return out

    cdef int take_into_raw(self) except -1:
        self.raw += (<char *>self.c.events)[:self.c.event_count * sizeof(book_event_t)]
        self.c.event_count = 0
        return 0

    def limit(self, uint32_t book, uint64_t order_id, uint32_t owner, int side, int64_t price_ticks, int64_t lots,
              int stp=STP_NONE, int post_only=0, /):
        """A plain limit order: None if it did not trade, else its fills [(maker_id, price, lots)]. Raises ValueError
        with the reason when it is refused. Other events are dropped: for those who only want fills."""
        cdef int32_t code
        cdef uint32_t i
        cdef list fills
        if book >= self.c.books_max or owner >= self.c.owners_max:
            raise ValueError("no_book")
        code = book_limit(self.c, book, side, order_id, owner, stp, post_only, price_ticks, lots)
        if code != 0:
            self.finish()
            raise ValueError(BOOK_REASON_TEXTS[code])
        if (self.c.event_count == 1 and self.c.events[0].kind != BOOK_FILL and self.c.touched_count == 0
                and self.c.line_head == 0):
            self.c.event_count = 0
            return None
        if self.c.paused or self.c.line_head or self.c.touched_count:
            self.run(self.c.paused, &self.c.paused_order)
            self.c.paused = 0
            return [(event[1], event[3], event[4]) for event in self.finish() if event[0] == "fill"]
        fills = []
        for i in range(self.c.event_count):
            if self.c.events[i].kind == BOOK_FILL:
                fills.append((self.c.events[i].order_id, self.c.events[i].price_ticks, self.c.events[i].lots))
        self.c.event_count = 0
        return fills

    def pull(self, uint64_t order_id, uint32_t owner=0, /):
        """Cancel a live order of `owner`; False if there is none."""
        cdef bint found = book_pull(self.c, order_id, owner, REASON_USER) == 0
        if self.c.touched_count:
            self.finish()
        self.c.event_count = 0
        return found

