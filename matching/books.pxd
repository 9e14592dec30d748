"""What every Python door of the books shares."""
from matching.batch cimport fill_t
from matching.types cimport book_event_t, engine_t, incoming_t

cdef class Books:
    cdef engine_t *c
    cdef list out                 # events of the command so far, as tuples
    cdef bytearray raw            # events of batches, as they are
    cdef bint is_raw              # which of the two takes them now
    cdef fill_t *fills            # run_fills: the fills of one call
    cdef size_t fills_room
    cdef list take(self)
    cdef int drain(self) except -1
    cdef int run(self, int status, incoming_t *order) except -1
    cdef list finish(self)
    cdef int carry_on(self) except -1
    cdef int take_into_raw(self) except -1
    cdef size_t keep_fills(self, const book_event_t *events, size_t count, size_t used) except? 0
    cdef size_t settle_piece(self, size_t used) except? 0
