"""Looking at the books: depth, laws, digest, dump and load."""
from libc.stdint cimport uint32_t

from matching.types cimport engine_t

cdef list depth_of(engine_t *e, uint32_t book_id, int side, uint32_t levels)
cdef int check_engine(engine_t *e) except -1
cdef str digest_engine(engine_t *e)
cdef bytes dump_engine(engine_t *e)
cdef int load_engine(engine_t *e, bytes data) except -1
