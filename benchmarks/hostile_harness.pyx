# cython: boundscheck=False, wraparound=False
"""The parts of hostile shapes that no packed command can name: a mass cancel, and the end of a call.

Lives here: the same calls that the Python door makes, timed without the tuples that it makes of their events.
Does not know: what the shapes are (hostile_shapes.py).
"""
from libc.stdint cimport int32_t, uint32_t, uint64_t

from matching.auction cimport book_set_phase, book_uncross
from matching.engine cimport MatchingEngine
from matching.mass cimport cancel_owner_slots
from matching.pegs cimport book_finish
from matching.types cimport BOOK_CANCELLED, BOOK_CROSS, engine_t

from domain.constants import PHASE_CONTINUOUS, REASON_USER

cdef extern from "floor/stream.h" nogil:
    double monotonic_seconds()

cdef int USER = REASON_USER
cdef int CONTINUOUS = PHASE_CONTINUOUS


cdef inline uint64_t take_events(engine_t *engine, int kind) noexcept nogil:
    """How many events of this kind stood in the buffer, which is empty afterwards."""
    cdef uint64_t found = 0
    cdef uint32_t i
    for i in range(engine.event_count):
        found += engine.events[i].kind == kind
    engine.event_count = 0
    return found


def mass_cancel(MatchingEngine engine not None, uint32_t owner):
    """Cancel everything of one owner: (seconds, orders cancelled)."""
    cdef engine_t *c = engine.c
    cdef uint32_t cursor = 0
    cdef uint64_t cancelled = 0
    cdef double start
    with nogil:
        start = monotonic_seconds()
        while cancel_owner_slots(c, owner, &cursor, -1, -1, 0, 0, False, USER):
            cancelled += take_events(c, BOOK_CANCELLED)
        while book_finish(c):
            cancelled += take_events(c, BOOK_CANCELLED)
        cancelled += take_events(c, BOOK_CANCELLED)
        start = monotonic_seconds() - start
    return start, cancelled


def uncross(MatchingEngine engine not None, uint32_t book):
    """Leave the call for continuous trading: (seconds, pairs that crossed). ValueError when that is refused."""
    cdef engine_t *c = engine.c
    cdef uint64_t crossed = 0
    cdef int32_t code
    cdef double start
    with nogil:
        start = monotonic_seconds()
        code = book_set_phase(c, book, CONTINUOUS, False)
        if code == 0:
            while book_uncross(c, book):
                crossed += take_events(c, BOOK_CROSS)
            while book_finish(c):
                crossed += take_events(c, BOOK_CROSS)
            crossed += take_events(c, BOOK_CROSS)
        start = monotonic_seconds() - start
    if code != 0:
        raise ValueError(f"leaving the call is refused with code {code}")
    return start, crossed // 2  # an event for each of the two
