"""What every Python door of the books shares."""
from matching.types cimport engine_t, incoming_t

cdef class Books:
    cdef engine_t *c
    cdef list out                 # events of the command so far, as tuples
    cdef bytearray raw            # events of batches, as they are
    cdef bint is_raw              # which of the two takes them now
    cdef list take(self)
    cdef int drain(self) except -1
    cdef int run(self, int status, incoming_t *order) except -1
    cdef list finish(self)
    cdef int carry_on(self) except -1
    cdef int take_into_raw(self) except -1
