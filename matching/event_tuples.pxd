"""Book events as the tuples of tests/engines.py."""
from matching.types cimport engine_t

cdef int events_as_tuples(engine_t *e, list out) except -1
