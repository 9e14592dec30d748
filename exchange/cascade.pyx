# cython: language_level=3, boundscheck=False, wraparound=False
"""Orders that a price triggered enter one by one; then what else ends a command (ORD-020..022).

Lives here: `finish_slowly`, and what is asked of a triggered order before it may act.
Does not know: who triggers it (matching/triggers.pyx).
"""
from libc.stdint cimport int32_t, int64_t

from clearing.contracts cimport contract_t
from clearing.whitelist cimport eligible
from exchange.aftermath cimport carry_on, drain, reducible, take_start
from exchange.core cimport core_t, taker_t
from exchange.phases cimport tell_calls
from exchange.settle cimport check_funds, funds_t
from matching.order_book cimport book_drop, book_execute, book_prepare_triggered, book_reason_of
from matching.pegs cimport book_finish
from matching.triggers cimport book_next_triggered
from matching.types cimport incoming_t

cdef enum:
    REASON_ELIGIBILITY = 10
    REASON_MARGIN = 11
    REASON_EXPIRY = 12
    REASON_REDUCE_ONLY = 21
    REASON_FUNDS = 27
    REASON_POSITION_LIMIT = 28
    ACCOUNT_REDUCE_ONLY_CODE = 2021
    POSITION_LIMIT = 2023
    INSUFFICIENT_MARGIN = 3002


cdef void finish_slowly(core_t *c) noexcept nogil:
    """Let triggered orders enter one by one, re-price pegs, tell what calls would trade at now."""
    cdef incoming_t order
    while book_next_triggered(c.engine, &order) != 0:
        drain(c)
        run_triggered(c, &order)
    while book_finish(c.engine):
        drain(c)
    drain(c)
    if c.calls_count != 0:
        tell_calls(c)


cdef void run_triggered(core_t *c, incoming_t *order) noexcept nogil:
    """A triggered order enters: everything that is asked of a new one is asked again (ORD-020)."""
    cdef taker_t taker
    cdef int reason, status = 0
    take_start(&taker, order, order.slot)
    taker.info = c.infos[order.slot]
    taker.more = c.mores[order.slot]
    taker.info.updated_ns = c.time_ns
    reason = refused_reason(c, order, &taker)
    if reason != 0:
        book_drop(c.engine, order, reason)
    else:
        status = book_execute(c.engine, order)
    carry_on(c, status, &taker)


cdef int refused_reason(core_t *c, incoming_t *order, taker_t *taker) noexcept nogil:
    """Why a triggered order may not enter, 0 if it may; its holds per lot are fixed here."""
    cdef contract_t *contract = &c.contracts[order.book]
    cdef funds_t funds
    cdef int64_t allowed
    cdef int32_t code
    if not contract.open or c.time_ns >= contract.expiry_ns:
        return REASON_EXPIRY
    if not eligible(c.whitelist, order.owner, contract.rule_id, c.time_ns):
        return REASON_ELIGIBILITY
    if order.reduce_only:
        allowed = reducible(c, order.owner, order.book, order.side)
        if allowed == 0:
            return REASON_REDUCE_ONLY
        if allowed < order.lots:
            taker.info.total_lots -= order.lots - allowed
            order.lots = allowed
            if order.display_lots > allowed:
                order.display_lots = taker.more.display_lots = allowed
    code = book_prepare_triggered(c.engine, order)
    if code != 0:
        return book_reason_of(code)
    if order.kill_reason != 0:
        return 0
    check_funds(c, order.owner, order.book, order.side, order.price_ticks, order.lots, &funds)
    taker.info.hold_per_lot = funds.hold_per_lot_resting
    taker.info.loss_per_lot = funds.loss_per_lot
    if funds.code == POSITION_LIMIT:
        return REASON_POSITION_LIMIT
    if funds.code == INSUFFICIENT_MARGIN or funds.code == ACCOUNT_REDUCE_ONLY_CODE:
        return REASON_MARGIN
    return 0 if funds.code == 0 else REASON_FUNDS
