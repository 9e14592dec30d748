"""The Python door over the books."""
from matching.books cimport Books

cdef class MatchingEngine(Books):
    cdef int opened(self, unsigned int book) except -1
    cdef list cancel_whole(self, unsigned int book, object side, object low, object high, int reason)
