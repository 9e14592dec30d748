# cython: language_level=3, boundscheck=False, wraparound=False
"""Order entry without the interpreter: validate, eligible, hold, match, settle, release (MATCH, HOLD, ELIG, ORD rules).

Lives here: the walk over hot commands, and new orders. The main path is `new_order`.
Does not know: amends and cancels (amends.pyx, cancels.pyx), cold commands, bytes beyond the packed records, sessions.
Every command writes one command frame, then trades, queue changes and order states as they happened, then depth.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from clearing.contracts cimport KIND_FORWARD, contract_t
from clearing.timeline cimport timeline_room
from clearing.whitelist cimport eligible
from domain.wire cimport (amend_order_t, cancel_all_t, cancel_order_t, command_header_t, new_order_t, order_terms_t)
from exchange.aftermath cimport adopt, carry_on, reducible, take_start
from exchange.cascade cimport finish_command
from exchange.amends cimport amend_order, replace_quote
from exchange.cancels cimport cancel_all, cancel_order, cancel_sessions
from exchange.core cimport (ACCOUNT_NONE, CLIENT_ID_BYTES_MAX, FLAG_KILLED, FLAG_KILLED_ITSELF, LABEL_BYTES_MAX,
                            core_t, order_info_t, order_more_t, taker_t)
from exchange.emit cimport begin_command, end_command
from exchange.lookahead cimport look_ahead
from exchange.memory cimport client_id_add
from exchange.phases cimport act_on_time
from exchange.reports cimport check_client_id
from exchange.settle cimport check_funds, funds_t
from matching.order_book cimport book_execute, book_prepare
from matching.order_pool cimport id_find
from matching.quotes cimport book_execute_quote, book_prepare_quote
from matching.types cimport MMP_GROUPS, incoming_t
from matching.withdraw cimport quote_find

# Values of domain.constants and domain.rejects; tests/unit/domain/test_constants.py compares them.
cdef enum:
    NEW_ORDER = 1
    CANCEL_ORDER = 2
    AMEND_ORDER = 3
    CANCEL_ALL = 4
    CANCEL_GATEWAY = 6
    HAS_TERMS = 1
    FIRST_CLIENT_ACCOUNT = 16
    LIMIT = 0
    MARKET = 1
    MARKET_TO_LIMIT = 2
    GTC = 0
    GFA = 3
    DAY = 4
    GTD = 5
    STP_DECREMENT = 4
    POST_ONLY_SLIDE = 2
    TRIGGER_DOWN = 2
    REFERENCE_INDEX = 2
    PEG_MID = 3
    UNKNOWN_INSTRUMENT = 2001
    UNKNOWN_ACCOUNT = 2002
    INSTRUMENT_CLOSED = 2003
    BAD_FIELD = 2008
    VALID_UNTIL_PASSED = 2009
    NOT_ELIGIBLE = 2020
    REDUCE_ONLY_INCREASES = 2022
    KILLED = 2024
    OPEN_ORDERS_MAX = 4004
    FIELD_SIDE = 1
    FIELD_ORDER_TYPE = 2
    FIELD_TIME_IN_FORCE = 3
    FIELD_STP = 4
    FIELD_REDUCE_ONLY = 5
    FIELD_LABEL = 6
    FIELD_POST_ONLY = 7
    FIELD_TRIGGER = 8
    FIELD_REFERENCE = 9
    FIELD_PEG = 10
    FIELD_MMP = 11
    FIELD_QUOTE = 12
    FIELD_CLIENT_ID = 13
    FIELD_EXPIRE = 14

cdef int64_t DAY_NS = 86_400_000_000_000


# ------------------------------------------------------------------------------------------------- dispatch

cdef size_t run_hot(core_t *c, const char *data, size_t length) noexcept nogil:
    """Apply whole hot records from `data`; returns the bytes used: all, or up to what needs the interpreter first.

    That is: a cold command, an eligibility that lapses before the record's time, a timeline without room, lost memory.
    What is due at the record's time is done first, also for a cold one.
    """
    cdef size_t at = 0
    cdef const command_header_t *header
    while at < length:
        header = <const command_header_t *>(data + at)
        if (header.time_ns >= c.whitelist.next_lapse_ns or c.out_failed
                or timeline_room(c.timeline) < 2 * <uint64_t>c.engine.orders_max):
            return at
        if header.time_ns >= c.due_ns:
            c.sequence = header.sequence
            c.time_ns = c.engine.now = header.time_ns
            act_on_time(c, header)
            continue                        # it may have used the timeline
        if header.kind > CANCEL_GATEWAY:
            return at
        look_ahead(c, data, at + header.length_bytes, length)
        c.sequence = header.sequence
        c.time_ns = c.engine.now = header.time_ns
        if header.kind == NEW_ORDER:
            new_order(c, <const new_order_t *>header)
        elif header.kind == CANCEL_ORDER:
            cancel_order(c, <const cancel_order_t *>header)
        elif header.kind == AMEND_ORDER:
            amend_order(c, <const amend_order_t *>header)
        elif header.kind == CANCEL_ALL:
            cancel_all(c, <const cancel_all_t *>header)
        else:
            cancel_sessions(c, <const cancel_all_t *>header)
        at += header.length_bytes
    return at


# ------------------------------------------------------------------------------------------------- new order

cdef void new_order(core_t *c, const new_order_t *command) noexcept nogil:
    """One order, all the way: validate, eligible, hold, match, settle, release."""
    cdef const order_terms_t *terms = NULL
    cdef incoming_t order
    cdef taker_t taker
    cdef int32_t code
    cdef uint32_t detail = 0
    cdef int64_t value = 0
    if command.header.flags & HAS_TERMS:
        terms = <const order_terms_t *>(<const char *>command + sizeof(new_order_t))
    begin_command(c, &command.header, command.account)
    code = check_fields(c, command, terms, &detail)
    if code == 0 and terms != NULL and terms.client_id_bytes != 0:
        code = check_client_id(c, command, terms, &value)
        if code < 0:                        # the same order again: its report is the answer
            end_command(c, 0, 0, value)
            return
    if code == 0:
        describe(c, command, terms, &order, &taker)
        if order.quote:
            enter_quote(c, &order, &taker)
            return
        code = enter(c, &order, &taker, &detail, &value)
    if code == 0 and terms != NULL and terms.client_id_bytes != 0:
        client_id_add(c, command.account, taker.more.client_id, terms.client_id_bytes, order.order_id)
    end_command(c, code, detail, value)


cdef int32_t enter(core_t *c, incoming_t *order, taker_t *taker, uint32_t *detail, int64_t *value) noexcept nogil:
    """What the book and the money say, then the order acts. A RejectCode."""
    cdef funds_t funds
    cdef int32_t code
    cdef uint32_t slot
    cdef int status
    if order.reduce_only:
        code = cut_to_position(c, order, taker)
        if code != 0:
            return code
    code = book_prepare(c.engine, order)
    if code != 0:
        return code
    if order.kill_reason == 0 and not order.waits:
        check_funds(c, order.owner, order.book, order.side, order.price_ticks, order.lots, &funds)
        if funds.code != 0:
            detail[0], value[0] = funds.detail, funds.value
            return funds.code
        taker.info.hold_per_lot = funds.hold_per_lot_resting
        taker.info.loss_per_lot = funds.loss_per_lot
    status = book_execute(c.engine, order)
    if order.waits and c.engine.event_count == 0:
        slot = id_find(c.engine, order.order_id)        # met already: its turn comes when the command finishes
        adopt(c, slot, taker)
        taker.told = True
    carry_on(c, status, taker)
    finish_command(c)
    return 0


cdef int32_t cut_to_position(core_t *c, incoming_t *order, taker_t *taker) noexcept nogil:
    """A reduce-only order is at most as large as what it closes; one that waits is cut when it enters (ORD-030)."""
    cdef int64_t lots
    if order.trigger != 0 or order.trail_ticks != 0 or order.trail_bps != 0:
        return 0
    lots = reducible(c, order.owner, order.book, order.side)
    if lots == 0:
        return REDUCE_ONLY_INCREASES
    if lots < order.lots:
        order.lots = taker.info.total_lots = lots
        if order.display_lots > lots:
            order.display_lots = taker.more.display_lots = lots
    return 0


cdef int32_t check_fields(core_t *c, const new_order_t *command, const order_terms_t *terms,
                          uint32_t *detail) noexcept nogil:
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
    elif command.order_type > MARKET_TO_LIMIT:
        detail[0] = FIELD_ORDER_TYPE
    elif command.time_in_force > GTD:
        detail[0] = FIELD_TIME_IN_FORCE
    elif command.stp > STP_DECREMENT:
        detail[0] = FIELD_STP
    elif command.reduce_only and (command.reduce_only > 1 or contract.kind != KIND_FORWARD):
        detail[0] = FIELD_REDUCE_ONLY
    elif command.post_only > POST_ONLY_SLIDE:
        detail[0] = FIELD_POST_ONLY
    elif command.label_bytes > LABEL_BYTES_MAX:
        detail[0] = FIELD_LABEL
    elif terms != NULL:
        detail[0] = check_term_fields(c, command, terms)
    elif command.time_in_force == GTD:
        detail[0] = FIELD_EXPIRE
    if detail[0] != 0:
        return BAD_FIELD
    if command.valid_until_ns != 0 and command.header.time_ns > command.valid_until_ns:
        return VALID_UNTIL_PASSED
    if c.kills != 0:
        detail[0] = killed(c, command.account, command.instrument, terms.key if terms != NULL else 0)
        if detail[0] != 0:
            return KILLED
    if not eligible(c.whitelist, command.account, contract.rule_id, command.header.time_ns):
        detail[0] = contract.rule_id
        return NOT_ELIGIBLE
    if (c.engine.owners[command.account].count >= c.orders_per_account_max and could_stay(command, terms)
            and not stands(c, command, terms)):
        return OPEN_ORDERS_MAX
    return 0


cdef uint32_t check_term_fields(core_t *c, const new_order_t *command, const order_terms_t *terms) noexcept nogil:
    """The field that is outside its set, 0 if none is."""
    if terms.trigger > TRIGGER_DOWN:
        return FIELD_TRIGGER
    if terms.reference > REFERENCE_INDEX:
        return FIELD_REFERENCE
    if terms.peg > PEG_MID or (terms.peg != 0 and command.price_ticks == 0):
        return FIELD_PEG                    # a peg promises at its own limit, so it needs one
    if terms.mmp >= MMP_GROUPS:
        return FIELD_MMP
    if terms.quote > 1 or (terms.quote and not is_plain_quote(command, terms)):
        return FIELD_QUOTE
    if terms.client_id_bytes > CLIENT_ID_BYTES_MAX:
        return FIELD_CLIENT_ID
    if (command.time_in_force == GTD) != (terms.expire_ns != 0):
        return FIELD_EXPIRE
    return FIELD_EXPIRE if terms.expire_ns != 0 and terms.expire_ns <= command.header.time_ns else 0


cdef inline bint is_plain_quote(const new_order_t *command, const order_terms_t *terms) noexcept nogil:
    """Quotes are limit orders that rest and nothing else."""
    return (command.order_type == LIMIT and command.time_in_force == GTC and not command.reduce_only
            and terms.display_lots == 0 and terms.budget == 0 and terms.trigger == 0 and terms.trigger_ticks == 0
            and terms.trail_ticks == 0 and terms.trail_bps == 0 and terms.peg == 0 and terms.oco == 0
            and terms.client_id_bytes == 0)


cdef inline bint could_stay(const new_order_t *command, const order_terms_t *terms) noexcept nogil:
    """May it rest, wait or follow? Only such orders count against the limit of open ones."""
    if terms != NULL and (terms.trigger != 0 or terms.trail_ticks != 0 or terms.trail_bps != 0):
        return True
    return command.order_type != MARKET and (command.time_in_force == GTC or command.time_in_force >= GFA)


cdef inline bint stands(core_t *c, const new_order_t *command, const order_terms_t *terms) noexcept nogil:
    """Is it a quote in place of one that is there? That makes no order more."""
    return (terms != NULL and terms.quote
            and quote_find(c.engine, command.account, terms.quote_set, command.instrument, command.side) != 0)


cdef uint32_t killed(core_t *c, uint32_t account, uint32_t instrument, uint32_t key) noexcept nogil:
    """Scope of a kill switch that is on for this order: 1 key, 2 account, 3 instrument, 4 venue; 0 = none (ORD-060)."""
    cdef uint32_t i
    if key != 0 and c.killed_keys[key]:
        return 1
    if c.account_flags[account] & (FLAG_KILLED | FLAG_KILLED_ITSELF):
        return 2
    if c.killed_instruments[instrument]:
        return 3
    for i in range(c.engine.more[instrument].legs):     # a combo trades in its legs
        if c.killed_instruments[c.engine.more[instrument].leg[i].book]:
            return 3
    return 4 if c.venue_killed else 0


# ------------------------------------------------------------------------------------------------- what it asks for

cdef void describe(core_t *c, const new_order_t *command, const order_terms_t *terms, incoming_t *order,
                   taker_t *taker) noexcept nogil:
    """The command as the book sees it and as the exchange remembers it. The order's id is its sequence."""
    cdef order_info_t *info = &taker.info
    take_start(taker, order, 0)
    memset(order, 0, sizeof(incoming_t))
    order.order_id = command.header.sequence
    order.price_ticks = command.price_ticks + c.contracts[command.instrument].bias_ticks
    order.lots = command.quantity_lots
    order.owner = command.account
    order.book = command.instrument
    order.side = command.side
    order.order_type = command.order_type
    order.time_in_force = command.time_in_force if command.time_in_force <= GFA else GTC
    order.stp = command.stp
    order.post_only = command.post_only
    order.reduce_only = command.reduce_only
    memset(info, 0, sizeof(order_info_t))
    info.origin = command.header.origin
    info.created_ns = c.time_ns
    info.updated_ns = c.time_ns
    info.total_lots = command.quantity_lots
    info.order_type = command.order_type
    info.time_in_force = command.time_in_force
    info.reduce_only = command.reduce_only
    info.cancel_on_disconnect = command.cancel_on_disconnect
    info.post_only = command.post_only
    info.stp = command.stp
    if terms != NULL or command.label_bytes != 0 or command.time_in_force == DAY:
        describe_more(c, command, terms, order, taker)


cdef void describe_more(core_t *c, const new_order_t *command, const order_terms_t *terms, incoming_t *order,
                        taker_t *taker) noexcept nogil:
    """Label, day, and the terms of an order that is more than a plain one."""
    cdef order_more_t *more = &taker.more
    cdef const char *text = <const char *>command + sizeof(new_order_t)
    cdef int64_t bias = c.contracts[command.instrument].bias_ticks
    memset(more, 0, sizeof(order_more_t))
    taker.info.has_more = 1
    if command.time_in_force == DAY:
        more.expire_ns = (c.time_ns // DAY_NS + 1) * DAY_NS
    if terms != NULL:
        text += sizeof(order_terms_t)
        order.display_lots = more.display_lots = terms.display_lots
        order.budget = terms.budget
        order.trigger_ticks = terms.trigger_ticks + bias if terms.trigger_ticks != 0 else 0
        more.trigger_ticks = terms.trigger_ticks
        order.trail_ticks = more.trail_ticks = terms.trail_ticks
        order.trail_bps = more.trail_bps = terms.trail_bps
        order.oco = more.oco = terms.oco
        order.quote_set = more.quote_set = terms.quote_set
        order.peg_offset = more.peg_offset = terms.peg_offset
        order.trigger = more.trigger = terms.trigger
        order.reference = more.reference = terms.reference
        order.peg = more.peg = terms.peg
        order.mmp = more.mmp = terms.mmp
        order.quote = more.quote = terms.quote
        if terms.expire_ns != 0:
            more.expire_ns = terms.expire_ns
        taker.info.key = terms.key
        more.client_id_bytes = terms.client_id_bytes
        memcpy(more.client_id, text + command.label_bytes, terms.client_id_bytes)
    taker.info.expires = more.expire_ns != 0
    more.label_bytes = command.label_bytes
    memcpy(more.label, text, command.label_bytes)


# ------------------------------------------------------------------------------------------------- quotes

cdef void enter_quote(core_t *c, incoming_t *quote, taker_t *taker) noexcept nogil:
    """A quote: a new order, or in place of the one that its owner has there (MATCH-100). Completes the command;
    its value is the id that the quote has."""
    cdef incoming_t fresh
    cdef funds_t funds
    cdef uint32_t slot
    cdef int32_t code = book_prepare_quote(c.engine, quote, &fresh, &slot)
    if code != 0:
        end_command(c, code, 0, 0)
        return
    if slot != 0:
        replace_quote(c, quote, &fresh, slot)
        return
    check_funds(c, quote.owner, quote.book, quote.side, quote.price_ticks, quote.lots, &funds)
    if quote.kill_reason == 0 and funds.code != 0:
        end_command(c, funds.code, funds.detail, funds.value)
        return
    taker.info.hold_per_lot = funds.hold_per_lot_resting
    taker.info.loss_per_lot = funds.loss_per_lot
    carry_on(c, book_execute_quote(c.engine, quote, &fresh, 0), taker)
    finish_command(c)
    end_command(c, 0, 0, <int64_t>quote.order_id)
