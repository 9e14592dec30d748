"""Looking at the books, and moving them to and from bytes."""
from libc.stdint cimport uint32_t

from matching.types cimport engine_t

cdef list depth_of(engine_t *e, uint32_t book_id, int side, uint32_t levels)
cdef list special_ids(engine_t *e, uint32_t book_id, int state)
cdef int check_engine(engine_t *e) except -1
cdef str digest_engine(engine_t *e)
cdef bytes dump_engine(engine_t *e)
cdef int load_engine(engine_t *e, bytes data) except -1
