# cython: language_level=3, boundscheck=False, wraparound=False
"""Order entry without the interpreter: validate, eligible, hold, match, settle, release (MATCH, HOLD, ELIG rules).

Lives here: the five hot commands, in the order of the flow. The main path is `new_order`.
Does not know: cold commands, bytes beyond the packed records, sessions.
Every command writes one command frame, then trades and order states in the order they happened, then depth.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from clearing.contracts cimport contract_t
from clearing.timeline cimport timeline_room
from clearing.whitelist cimport eligible
from domain.wire cimport amend_order_t, cancel_all_t, cancel_order_t, command_header_t, new_order_t
from exchange.core cimport ACCOUNT_NONE, LABEL_BYTES_MAX, core_t, order_info_t
from exchange.emit cimport begin_command, emit_depth, emit_order, end_command
from exchange.settle cimport check_funds, funds_t, place_hold, settle_fill
from matching.order_book cimport (book_execute, book_execute_amend, book_prepare, book_prepare_amend, book_resume,
                                  keeps_place)
from matching.order_pool cimport book_of, id_find, is_live, open_of, price_of, side_of
from matching.types cimport BOOK_CANCELLED, BOOK_FILL, BOOK_RESTED, book_event_t, incoming_t
from matching.withdraw cimport book_withdraw

# Values of domain.constants and domain.rejects; tests/unit/exchange compares them.
cdef enum:
    NEW_ORDER = 1
    CANCEL_ORDER = 2
    AMEND_ORDER = 3
    CANCEL_ALL = 4
    CANCEL_SESSION = 5
    CANCEL_GATEWAY = 6
    FIRST_CLIENT_ACCOUNT = 16
    ORDER_OPEN = 1
    ORDER_FILLED = 2
    ORDER_CANCELLED = 3
    REASON_USER = 1
    REASON_AMEND_TOTAL = 7
    REASON_AMEND_REPLACE = 8
    REASON_DISCONNECT = 9
    LIMIT = 0
    GTC = 0
    ANY = 0xFF
    ANY_ASSET = 0xFFFF
    UNKNOWN_INSTRUMENT = 2001
    UNKNOWN_ACCOUNT = 2002
    INSTRUMENT_CLOSED = 2003
    BAD_FIELD = 2008
    VALID_UNTIL_PASSED = 2009
    NOT_ELIGIBLE = 2020
    UNKNOWN_ORDER = 4001
    OPEN_ORDERS_MAX = 4004
    FIELD_SIDE = 1
    FIELD_ORDER_TYPE = 2
    FIELD_TIME_IN_FORCE = 3
    FIELD_STP = 4
    FIELD_REDUCE_ONLY = 5
    FIELD_LABEL = 6
    FIELD_POST_ONLY = 7
    AS_IT_WAS = 255

cdef uint32_t ANY_INSTRUMENT = 0xFFFFFFFF


cdef struct outcome_t:            # what became of an order that took
    int state
    int reason


# ------------------------------------------------------------------------------------------------- dispatch

cdef size_t run_hot(core_t *c, const char *data, size_t length) noexcept nogil:
    """Apply whole hot records from `data`; returns the bytes used: all, or up to what needs the interpreter first.

    That is: a cold command, an eligibility that lapses before the record's time, a timeline without room, lost memory.
    """
    cdef size_t at = 0
    cdef const command_header_t *header
    while at < length:
        header = <const command_header_t *>(data + at)
        if (header.kind > CANCEL_GATEWAY or header.time_ns >= c.whitelist.next_lapse_ns or c.out_failed
                or timeline_room(c.timeline) < 2 * <uint64_t>c.engine.orders_max):
            return at
        c.sequence = header.sequence
        c.time_ns = header.time_ns
        if header.kind == NEW_ORDER:
            new_order(c, <const new_order_t *>header)
        elif header.kind == CANCEL_ORDER:
            cancel_order(c, <const cancel_order_t *>header)
        elif header.kind == AMEND_ORDER:
            amend_order(c, <const amend_order_t *>header)
        elif header.kind == CANCEL_ALL:
            cancel_all(c, <const cancel_all_t *>header)
        else:
            cancel_sessions(c, header)
        at += header.length_bytes
    return at


# ------------------------------------------------------------------------------------------------- new order

cdef void new_order(core_t *c, const new_order_t *command) noexcept nogil:
    """One order, all the way: validate, eligible, hold, match, settle, release."""
    cdef incoming_t order
    cdef order_info_t info
    cdef funds_t funds
    cdef int32_t code
    cdef uint32_t detail = 0
    funds.value = 0
    begin_command(c, &command.header, command.account)
    code = check_fields(c, command, &detail)
    if code == 0:
        describe(c, command, &order, &info)
        code = book_prepare(c.engine, &order)
    if code == 0 and order.kill_reason == 0:
        check_funds(c, order.owner, order.book, order.side, order.price_ticks, order.lots, &funds)
        code, detail = funds.code, funds.detail
        info.hold_per_lot = funds.hold_per_lot_resting
        info.loss_per_lot = funds.loss_per_lot
    if code != 0:
        end_command(c, code, detail, funds.value)
        return
    carry_on(c, book_execute(c.engine, &order), &order, &info)
    end_command(c, 0, 0, 0)


cdef int32_t check_fields(core_t *c, const new_order_t *command, uint32_t *detail) noexcept nogil:
    """A flat list of what can be wrong before the book is asked."""
    cdef contract_t *contract
    if (command.account < FIRST_CLIENT_ACCOUNT or command.account >= c.accounts_max
            or c.account_state[command.account] == ACCOUNT_NONE):
        return UNKNOWN_ACCOUNT
    if command.instrument >= c.instruments_max or c.contracts[command.instrument].kind == 0:
        return UNKNOWN_INSTRUMENT
    contract = &c.contracts[command.instrument]
    if not contract.open or command.header.time_ns >= contract.expiry_ns:
        return INSTRUMENT_CLOSED
    detail[0] = 0
    if command.side > 1:
        detail[0] = FIELD_SIDE
    elif command.order_type > 1:
        detail[0] = FIELD_ORDER_TYPE
    elif command.time_in_force > 2:
        detail[0] = FIELD_TIME_IN_FORCE
    elif command.stp > 4:
        detail[0] = FIELD_STP
    elif command.reduce_only:
        detail[0] = FIELD_REDUCE_ONLY
    elif command.post_only > 2:
        detail[0] = FIELD_POST_ONLY
    elif command.label_bytes > LABEL_BYTES_MAX:
        detail[0] = FIELD_LABEL
    if detail[0] != 0:
        return BAD_FIELD
    if command.valid_until_ns != 0 and command.header.time_ns > command.valid_until_ns:
        return VALID_UNTIL_PASSED
    if not eligible(c.whitelist, command.account, contract.rule_id, command.header.time_ns):
        detail[0] = contract.rule_id
        return NOT_ELIGIBLE
    if (command.order_type == LIMIT and command.time_in_force == GTC
            and c.engine.owners[command.account].count >= c.orders_per_account_max):
        return OPEN_ORDERS_MAX
    return 0


cdef void describe(core_t *c, const new_order_t *command, incoming_t *order, order_info_t *info) noexcept nogil:
    """The command as the book sees it and as the exchange remembers it. The order's id is its sequence."""
    memset(order, 0, sizeof(incoming_t))
    order.order_id = command.header.sequence
    order.price_ticks = command.price_ticks
    order.lots = command.quantity_lots
    order.owner = command.account
    order.book = command.instrument
    order.side = command.side
    order.order_type = command.order_type
    order.time_in_force = command.time_in_force
    order.stp = command.stp
    order.post_only = command.post_only
    memset(info, 0, sizeof(order_info_t))
    info.origin = command.header.origin
    info.created_ns = c.time_ns
    info.updated_ns = c.time_ns
    info.total_lots = command.quantity_lots
    info.order_type = command.order_type
    info.time_in_force = command.time_in_force
    info.cancel_on_disconnect = command.cancel_on_disconnect
    info.post_only = command.post_only
    info.stp = command.stp
    info.label_bytes = command.label_bytes
    memcpy(info.label, <const char *>command + sizeof(new_order_t), command.label_bytes)


# ------------------------------------------------------------------------------------------------- after the book

cdef void carry_on(core_t *c, int status, incoming_t *order, order_info_t *taker) noexcept nogil:
    """Drain and resume a sweep until it is done, then write the taker's state."""
    cdef outcome_t outcome
    outcome.state, outcome.reason = ORDER_FILLED, 0
    while True:
        drain(c, order, taker, &outcome)
        if status == 0:
            break
        status = book_resume(c.engine, order)
    emit_order(c, order.order_id, order.owner, order.book, order.side, order.price_ticks, order.filled_lots,
               outcome.state, outcome.reason, taker)
    finish_events(c)


cdef void drain(core_t *c, incoming_t *order, order_info_t *taker, outcome_t *outcome) noexcept nogil:
    """Carry out what the book did, event by event, then write the depth. Cannot fail.

    `order`, `taker` and `outcome` are NULL when nobody takes (cancels). Slots of gone makers are read before the book
    gives them out again: the taker's own event is the last.
    """
    cdef book_event_t *event
    cdef uint32_t i
    for i in range(c.engine.event_count):
        event = &c.engine.events[i]
        if event.kind == BOOK_FILL:
            settle_fill(c, event, order.owner, taker)
        elif event.kind == BOOK_RESTED:
            c.infos[event.slot] = taker[0]
            place_hold(c, event.owner, event.book, event.side, event.lots, taker)
            outcome.state = ORDER_OPEN
        elif event.kind == BOOK_CANCELLED and event.rested:
            order_gone(c, event)
        elif event.kind == BOOK_CANCELLED:
            outcome.state, outcome.reason = ORDER_CANCELLED, event.reason
        else:
            outcome.state = ORDER_OPEN


cdef void order_gone(core_t *c, const book_event_t *event) noexcept nogil:
    """A resting order left without a trade: give back its hold and, unless an amend goes on with it, say so."""
    cdef order_info_t *info = &c.infos[event.slot]
    place_hold(c, event.owner, event.book, event.side, -event.lots, info)
    if event.reason != REASON_AMEND_REPLACE:
        info.updated_ns = c.time_ns
        emit_order(c, event.order_id, event.owner, event.book, event.side, event.price_ticks,
                   info.total_lots - event.lots, ORDER_CANCELLED, event.reason, info)


cdef void finish_events(core_t *c) noexcept nogil:
    """Depth frames, one per touched level (the last state of a run of events on it), then empty the book's buffer."""
    cdef book_event_t *event
    cdef book_event_t *after
    cdef uint32_t i, count = c.engine.event_count
    for i in range(count):
        event = &c.engine.events[i]
        if event.level_lots < 0:
            continue
        if i + 1 < count:
            after = &c.engine.events[i + 1]
            if (after.level_lots >= 0 and after.book == event.book and after.side == event.side
                    and after.level_ticks == event.level_ticks):
                continue
        emit_depth(c, event.book, event.side, event.level_ticks, event.level_lots)
    c.engine.event_count = 0


# ------------------------------------------------------------------------------------------------- cancel and amend

cdef inline uint32_t own_order(core_t *c, uint64_t order_id, uint32_t account, uint32_t market) noexcept nogil:
    """Slot of a resting order of this account and market (0 = any); unknown, foreign and gone look the same."""
    cdef uint32_t slot = id_find(c.engine, order_id)
    if slot == 0 or account == 0 or c.engine.orders[slot].owner != account:
        return 0
    if market != 0 and book_of(c.engine, slot) + 1 != market:
        return 0
    return slot


cdef void cancel_order(core_t *c, const cancel_order_t *command) noexcept nogil:
    cdef uint32_t slot = own_order(c, command.order_id, command.account, command.market)
    begin_command(c, &command.header, command.account)
    if slot == 0:
        end_command(c, UNKNOWN_ORDER, 0, 0)
        return
    book_withdraw(c.engine, slot, REASON_USER)
    drain(c, NULL, NULL, NULL)
    finish_events(c)
    end_command(c, 0, 0, 1)


cdef void amend_order(core_t *c, const amend_order_t *command) noexcept nogil:
    """Change price and total. Refused as a whole or carried out as a whole; the order keeps its id."""
    cdef uint32_t slot = own_order(c, command.order_id, command.account, command.market)
    cdef incoming_t fresh
    cdef order_info_t info
    cdef funds_t funds
    cdef int32_t code
    begin_command(c, &command.header, command.account)
    if slot == 0:
        end_command(c, UNKNOWN_ORDER, 0, 0)
        return
    funds.code = 0
    funds.detail = 0
    funds.value = 0
    code = check_amend(c, command, slot, &fresh, &funds)
    if code == 0 and funds.code != 0:
        code = funds.code
    if code != 0:
        end_command(c, code, funds.detail, funds.value)
        return
    carry_out_amend(c, command, slot, &fresh, &funds)
    end_command(c, 0, 0, 0)


cdef int32_t check_amend(core_t *c, const amend_order_t *command, uint32_t slot, incoming_t *fresh,
                         funds_t *funds) noexcept nogil:
    """Everything that could refuse the amend. The old order's promises are lifted while its successor is judged and
    put back exactly: both are the same sums with opposite signs."""
    cdef order_info_t *info = &c.infos[slot]
    cdef uint32_t book_id = book_of(c.engine, slot)
    cdef contract_t *contract = &c.contracts[book_id]
    cdef int32_t code
    if not contract.open or command.header.time_ns >= contract.expiry_ns:
        return INSTRUMENT_CLOSED
    if command.post_only > 2 and command.post_only != AS_IT_WAS:
        return BAD_FIELD
    if command.valid_until_ns != 0 and command.header.time_ns > command.valid_until_ns:
        return VALID_UNTIL_PASSED
    if not eligible(c.whitelist, command.account, contract.rule_id, command.header.time_ns):
        funds.detail = contract.rule_id
        return NOT_ELIGIBLE
    code = book_prepare_amend(c.engine, slot, command.price_ticks, command.total_lots, command.post_only, 0, fresh)
    if code != 0:
        return code
    funds.hold_per_lot_resting = info.hold_per_lot
    funds.loss_per_lot = info.loss_per_lot
    if fresh.lots <= 0 or keeps_place(c.engine, slot, fresh):
        return 0
    place_hold(c, fresh.owner, book_id, fresh.side, -open_of(c.engine, slot), info)
    check_funds(c, fresh.owner, book_id, fresh.side, fresh.price_ticks, fresh.lots, funds)
    place_hold(c, fresh.owner, book_id, fresh.side, open_of(c.engine, slot), info)
    return 0


cdef void carry_out_amend(core_t *c, const amend_order_t *command, uint32_t slot, incoming_t *fresh,
                          const funds_t *funds) noexcept nogil:
    cdef order_info_t *info = &c.infos[slot]
    cdef order_info_t amended = info[0]
    cdef int64_t fewer = open_of(c.engine, slot) - fresh.lots
    cdef bint in_place = fresh.lots > 0 and keeps_place(c.engine, slot, fresh)
    cdef int status
    amended.total_lots = command.total_lots
    amended.updated_ns = c.time_ns
    amended.amended = 1
    amended.post_only = fresh.post_only
    amended.hold_per_lot = funds.hold_per_lot_resting
    amended.loss_per_lot = funds.loss_per_lot
    status = book_execute_amend(c.engine, slot, command.total_lots, fresh)
    if fresh.lots <= 0 and c.engine.events[0].reason == REASON_AMEND_TOTAL:
        drain(c, NULL, NULL, NULL)
        finish_events(c)
        return
    if in_place:
        place_hold(c, fresh.owner, fresh.book, fresh.side, -fewer, info)
        info[0] = amended
    carry_on(c, status, fresh, &amended)


# ------------------------------------------------------------------------------------------------- many at once

cdef void cancel_slots(core_t *c, const uint32_t *slots, uint32_t count, int reason) noexcept nogil:
    """Cancel these resting orders and write what that did; the caller frames the command."""
    cdef uint32_t i
    for i in range(count):
        book_withdraw(c.engine, slots[i], reason)
    drain(c, NULL, NULL, NULL)
    finish_events(c)


cdef void cancel_all(core_t *c, const cancel_all_t *command) noexcept nogil:
    """The account's orders that pass every filter, in the order they entered."""
    cdef uint32_t slot, after, book_id
    cdef int64_t count = 0
    cdef contract_t *contract
    begin_command(c, &command.header, command.account)
    if command.account < FIRST_CLIENT_ACCOUNT or command.account >= c.accounts_max:
        end_command(c, UNKNOWN_ACCOUNT, 0, 0)
        return
    slot = c.engine.owners[command.account].head
    while slot != 0:
        after = c.engine.links[slot].next
        book_id = book_of(c.engine, slot)
        contract = &c.contracts[book_id]
        if ((command.instrument == ANY_INSTRUMENT or command.instrument == book_id)
                and (command.asset == ANY_ASSET or command.asset == contract.quote_asset)
                and (command.instrument_kind == ANY or command.instrument_kind == contract.kind)
                and (command.side == ANY or command.side == side_of(c.engine, slot))):
            book_withdraw(c.engine, slot, REASON_USER)
            count += 1
        slot = after
    drain(c, NULL, NULL, NULL)
    finish_events(c)
    end_command(c, 0, 0, count)


cdef void cancel_sessions(core_t *c, const command_header_t *header) noexcept nogil:
    """Cancel-on-disconnect: the orders of one session, of one gateway (origin >> 32), or of all (origin 0), by slot."""
    cdef uint32_t slot
    cdef int64_t count = 0
    cdef order_info_t *info
    cdef bint whole_gateway = header.kind == CANCEL_GATEWAY
    begin_command(c, header, 0)
    for slot in range(1, c.engine.slots_used + 1):
        info = &c.infos[slot]
        if not is_live(c.engine, slot) or not info.cancel_on_disconnect:
            continue
        if (info.origin >> 32 == header.origin >> 32 or header.origin == 0) if whole_gateway else info.origin == header.origin:
            book_withdraw(c.engine, slot, REASON_DISCONNECT)
            count += 1
    drain(c, NULL, NULL, NULL)
    finish_events(c)
    end_command(c, 0, 0, count)
