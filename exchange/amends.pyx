# cython: language_level=3, boundscheck=False, wraparound=False
"""Changes of live orders, carried out as a whole or not at all (MATCH-040..047, HOLD-005, ORD-010..012).

Lives here: amends of orders that rest, wait or follow, and quotes that replace themselves.
Does not know: new orders (order_entry.pyx), what the book does with an amend.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

from clearing.contracts cimport contract_t
from clearing.whitelist cimport eligible
from domain.wire cimport amend_order_t
from exchange.aftermath cimport carry_on, drain, reducible, take_start
from exchange.cascade cimport finish_command
from exchange.cancels cimport own_order, refuse_unknown
from exchange.core cimport core_t, order_info_t, taker_t
from exchange.emit cimport begin_command, end_command
from exchange.order_entry cimport killed
from exchange.settle cimport check_funds, funds_t, place_hold
from matching.amends cimport book_execute_amend, book_prepare_amend, keeps_place
from matching.order_pool cimport book_of, filled_of, open_of
from matching.quotes cimport book_execute_quote
from matching.types cimport incoming_t

cdef enum:
    INSTRUMENT_CLOSED = 2003
    LOTS_RANGE = 2004
    BAD_FIELD = 2008
    VALID_UNTIL_PASSED = 2009
    NOT_ELIGIBLE = 2020
    REDUCE_ONLY_INCREASES = 2022
    KILLED = 2024
    AS_IT_WAS = 255
    FIELD_POST_ONLY = 7
    FIELD_PEG = 10
    FIELD_MODE = 15

cdef int64_t LOTS_LIMIT = 4_611_686_018_427_387_904


cdef void amend_order(core_t *c, const amend_order_t *command) noexcept nogil:
    """Change price, size and trigger. Refused as a whole or carried out as a whole; the order keeps its id."""
    cdef uint32_t slot = own_order(c, command.order_id, command.account, command.market)
    cdef incoming_t fresh
    cdef funds_t funds
    cdef int64_t total
    begin_command(c, &command.header, command.account)
    if slot == 0:
        refuse_unknown(c, command.order_id, command.account, command.market)
        return
    funds.code = 0
    funds.detail = 0
    funds.value = 0
    total = total_wanted(c, command, slot)
    funds.code = check_amend(c, command, slot, total, &fresh, &funds)
    if funds.code != 0:
        end_command(c, funds.code, funds.detail, funds.value)
        return
    if fresh.reduce_only and not fresh.waits:
        total = fresh.lots + fresh.filled_lots
    carry_out(c, slot, total, &fresh, &funds, NULL)
    finish_command(c)
    end_command(c, 0, 0, 0)


cdef int64_t total_wanted(core_t *c, const amend_order_t *command, uint32_t slot) noexcept nogil:
    """Filled and open lots together, whichever way they were asked for (ORD-010)."""
    if command.mode == 0 or command.total_lots < 0 or command.total_lots > LOTS_LIMIT:
        return command.total_lots
    return filled_of(c.engine, slot) + command.total_lots


cdef int32_t check_amend(core_t *c, const amend_order_t *command, uint32_t slot, int64_t total, incoming_t *fresh,
                         funds_t *funds) noexcept nogil:
    """Everything that could refuse the amend."""
    cdef order_info_t *info = &c.infos[slot]
    cdef uint32_t book = book_of(c.engine, slot)
    cdef contract_t *contract = &c.contracts[book]
    cdef int32_t code
    cdef int64_t trigger = command.trigger_ticks + contract.bias_ticks if command.trigger_ticks != 0 else 0
    if not contract.open or command.header.time_ns >= contract.expiry_ns:
        return INSTRUMENT_CLOSED
    if command.post_only > 2 and command.post_only != AS_IT_WAS:
        funds.detail = FIELD_POST_ONLY
    elif command.mode > 1:
        funds.detail = FIELD_MODE
    elif info.has_more and c.mores[slot].peg and command.price_ticks == 0:
        funds.detail = FIELD_PEG
    if funds.detail != 0:
        return BAD_FIELD
    if command.valid_until_ns != 0 and command.header.time_ns > command.valid_until_ns:
        return VALID_UNTIL_PASSED
    if c.kills != 0:
        funds.detail = killed(c, command.account, book, info.key)
        if funds.detail != 0:
            return KILLED
    if not eligible(c.whitelist, command.account, contract.rule_id, command.header.time_ns):
        funds.detail = contract.rule_id
        return NOT_ELIGIBLE
    code = book_prepare_amend(c.engine, slot, command.price_ticks + contract.bias_ticks, total, command.post_only,
                              trigger, fresh)
    if code != 0:
        return code
    if fresh.reduce_only and fresh.lots > 0 and not fresh.waits:
        fresh.lots = min(fresh.lots, reducible(c, fresh.owner, fresh.book, fresh.side))
        if fresh.lots == 0:
            return REDUCE_ONLY_INCREASES
    return judge(c, slot, fresh, funds)


cdef int32_t judge(core_t *c, uint32_t slot, incoming_t *fresh, funds_t *funds) noexcept nogil:
    """Funds of the successor. The old order's promises are lifted meanwhile and put back exactly: both are the same sums
    with opposite signs."""
    cdef order_info_t *info = &c.infos[slot]
    funds.hold_per_lot_resting = info.hold_per_lot
    funds.loss_per_lot = info.loss_per_lot
    if fresh.waits or fresh.lots <= 0 or (keeps_place(c.engine, slot, fresh) and not fresh.peg):
        return 0
    if info.holding:
        place_hold(c, fresh.owner, fresh.book, fresh.side, -open_of(c.engine, slot), info)
    check_funds(c, fresh.owner, fresh.book, fresh.side, fresh.price_ticks, fresh.lots, funds)
    if info.holding:
        place_hold(c, fresh.owner, fresh.book, fresh.side, open_of(c.engine, slot), info)
    return funds.code


cdef void carry_out(core_t *c, uint32_t slot, int64_t total, incoming_t *fresh, const funds_t *funds,
                    incoming_t *quote) noexcept nogil:
    """The order becomes `fresh`; of a quote (not NULL) by the quote's own door."""
    cdef taker_t taker
    cdef int status
    take_start(&taker, fresh, slot)
    taker.before_lots = open_of(c.engine, slot)
    taker.info = c.infos[slot]
    if taker.info.has_more:
        taker.more = c.mores[slot]
    if fresh.lots > 0:
        taker.info.total_lots = total
        taker.info.post_only = fresh.post_only
        taker.info.hold_per_lot = funds.hold_per_lot_resting
        taker.info.loss_per_lot = funds.loss_per_lot
        if fresh.waits and fresh.trigger_ticks != 0:
            taker.more.trigger_ticks = fresh.trigger_ticks - c.contracts[fresh.book].bias_ticks
    taker.info.updated_ns = c.time_ns
    taker.info.amended = 1
    if fresh.waits and fresh.lots > 0:
        c.infos[slot] = taker.info          # it may be triggered at once, and then no event says that it waits
        c.mores[slot] = taker.more
    if quote != NULL:
        status = book_execute_quote(c.engine, quote, fresh, slot)
    else:
        status = book_execute_amend(c.engine, slot, total, fresh)
    taker.told = fresh.waits and c.engine.event_count == 0
    carry_on(c, status, &taker)


cdef void replace_quote(core_t *c, incoming_t *quote, incoming_t *fresh, uint32_t slot) noexcept nogil:
    """A quote in place of the standing one, which keeps its id; completes the command (MATCH-100)."""
    cdef int64_t order_id = <int64_t>c.engine.orders[slot].order_id
    cdef funds_t funds
    funds.code = 0
    funds.detail = 0
    funds.value = 0
    if quote.lots == 0:
        book_execute_quote(c.engine, quote, fresh, slot)
        drain(c)
    elif judge(c, slot, fresh, &funds) != 0:
        end_command(c, funds.code, funds.detail, funds.value)
        return
    else:
        carry_out(c, slot, fresh.lots + fresh.filled_lots, fresh, &funds, quote)
    finish_command(c)
    end_command(c, 0, 0, order_id)
