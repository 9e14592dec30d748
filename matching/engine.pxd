"""The Python door over the books."""
from matching.types cimport engine_t, incoming_t

cdef class MatchingEngine:
    cdef engine_t *c
    cdef list out                 # events of the command so far, as tuples
    cdef list take(self)
    cdef int drain(self) except -1
    cdef int run(self, int status, incoming_t *order) except -1
    cdef list finish(self)
    cdef int opened(self, unsigned int book) except -1
    cdef list cancel_whole(self, unsigned int book, object side, object low, object high, int reason)
