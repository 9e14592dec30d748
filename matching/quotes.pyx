# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Quotes: limit orders known by (owner, set, book, side) that replace themselves (MATCH-100, MATCH-101).

Lives here: whether a quote is a new order, an amend or a cancel.
Does not know: messages of many quotes; each of them is one call.
"""
from libc.stdint cimport int32_t, uint32_t

from matching.order_checks cimport check_post_only, check_terms
from matching.amends cimport book_execute_amend, book_prepare_amend
from matching.order_book cimport book_execute, book_prepare
from matching.order_pool cimport filled_of
from matching.protection cimport mmp_check
from matching.types cimport engine_t, incoming_t
from matching.withdraw cimport book_withdraw, quote_find

cdef enum:
    SLIDE = 2
    REASON_USER = 1
    LOTS_RANGE = 2004
    MMP_FROZEN = 4016


cdef int32_t book_prepare_quote(engine_t *e, incoming_t *quote, incoming_t *fresh, uint32_t *slot) noexcept nogil:
    """Validate a quote (`quote.quote` = 1, a limit order good till cancelled; lots 0 = cancel). Changes nothing.

    `slot` becomes that of the quote it replaces, 0 for a new one; `fresh` the amended order. Returns a RejectCode.
    """
    slot[0] = 0
    if quote.book < e.books_max:
        slot[0] = quote_find(e, quote.owner, quote.quote_set, quote.book, quote.side)
    if slot[0] == 0:
        return book_prepare(e, quote)
    if quote.lots == 0:
        return 0
    if quote.mmp and mmp_check(e, quote.owner, quote.mmp) == MMP_FROZEN:
        return MMP_FROZEN
    if quote.lots < 0:
        return LOTS_RANGE
    if quote.post_only == SLIDE and check_terms(e, quote.book, quote.price_ticks, quote.lots) == 0:
        check_post_only(e, quote)       # where it cannot slide the amend is refused
    return book_prepare_amend(e, slot[0], quote.price_ticks, filled_of(e, slot[0]) + quote.lots, quote.post_only, 0,
                              fresh)


cdef int book_execute_quote(engine_t *e, incoming_t *quote, incoming_t *fresh, uint32_t slot) noexcept nogil:
    """Carry out a prepared quote; pauses like book_execute (resume with `quote`, or with `fresh` if `slot` is not 0)."""
    if slot == 0:
        return book_execute(e, quote)
    if quote.lots == 0:
        book_withdraw(e, slot, REASON_USER)
        return 0
    return book_execute_amend(e, slot, fresh.lots + fresh.filled_lots, fresh)
