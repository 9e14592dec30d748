"""The laws that the structures of the books obey between commands."""
from matching.types cimport engine_t

cdef int check_all(engine_t *e) except -1
