"""Quotes: limit orders known by (owner, set, book, side) that replace themselves (MATCH-100, MATCH-101)."""
from libc.stdint cimport int32_t, uint32_t

from matching.types cimport engine_t, incoming_t

cdef int32_t book_prepare_quote(engine_t *e, incoming_t *quote, incoming_t *fresh, uint32_t *slot) noexcept nogil
cdef int book_execute_quote(engine_t *e, incoming_t *quote, incoming_t *fresh, uint32_t slot) noexcept nogil
