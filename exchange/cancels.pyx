# cython: language_level=3, boundscheck=False, wraparound=False
"""Taking orders away: one, many by filters, those of a session (MATCH-050, MATCH-052, ORD-013..015).

Lives here: the cancel commands, and what is said about one's own orders that are gone.
Does not know: why a session ended. Cancels need no funds and no permission; they work under every kill switch.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp

from clearing.contracts cimport contract_t
from domain.wire cimport cancel_all_t, cancel_order_t
from exchange.aftermath cimport drain
from exchange.cascade cimport finish_command
from exchange.core cimport FLAG_CANCEL_ON_DISCONNECT, closed_t, core_t, order_info_t, order_more_t
from exchange.emit cimport begin_command, end_command
from exchange.memory cimport closed_find
from matching.order_pool cimport TERMS, book_of, is_live, price_of, side_of, state_of
from matching.plain cimport book_pull
from matching.types cimport EVENTS_PAUSE, SPECIAL_MARKET, SPECIAL_QUOTE, STATE_PARKED
from matching.withdraw cimport book_withdraw

cdef enum:
    CANCEL_SESSION = 5
    CANCEL_GATEWAY = 6
    FIRST_CLIENT_ACCOUNT = 16
    ORDER_FILLED = 2
    REASON_USER = 1
    REASON_DISCONNECT = 9
    ANY = 0xFF
    ANY_ASSET = 0xFFFF
    UNKNOWN_ACCOUNT = 2002
    BAD_FIELD = 2008
    UNKNOWN_ORDER = 4001
    ORDER_ALREADY_FILLED = 4023
    ORDER_ALREADY_CLOSED = 4024
    FIELD_LABEL = 6

cdef uint32_t ANY_INSTRUMENT = 0xFFFFFFFF


cdef void cancel_order(core_t *c, const cancel_order_t *command) noexcept nogil:
    cdef uint32_t slot = own_order(c, command.order_id, command.account, command.market)
    begin_command(c, &command.header, command.account)
    if slot == 0:
        refuse_unknown(c, command.order_id, command.account, command.market)
        return
    book_withdraw(c.engine, slot, REASON_USER)
    drain(c)
    finish_command(c)
    end_command(c, 0, 0, 1)


cdef void refuse_unknown(core_t *c, uint64_t order_id, uint32_t account, uint32_t market) noexcept nogil:
    """One's own order that ended is said to have; everything else is unknown (ORD-050). Completes the command."""
    cdef closed_t *closed = closed_find(c, order_id, account)
    if closed == NULL or (market != 0 and closed.instrument + 1 != market):
        end_command(c, UNKNOWN_ORDER, 0, 0)
    elif closed.state == ORDER_FILLED:
        end_command(c, ORDER_ALREADY_FILLED, 0, closed.filled_lots)
    else:
        end_command(c, ORDER_ALREADY_CLOSED, closed.reason, closed.filled_lots)


cdef void cancel_slot(core_t *c, uint32_t slot, int reason) noexcept nogil:
    """Cancel one live order and write what that did; the caller frames and finishes the command."""
    book_withdraw(c.engine, slot, reason)
    drain(c)


# ------------------------------------------------------------------------------------------------- many at once

cdef inline void drain_full(core_t *c) noexcept nogil:
    """Make room in the book's buffer."""
    if c.engine.event_count >= EVENTS_PAUSE:
        drain(c)


cdef void cancel_all(core_t *c, const cancel_all_t *command) noexcept nogil:
    """The account's orders that pass every filter, in the order they entered."""
    cdef uint32_t slot, after
    cdef int64_t count = 0
    begin_command(c, &command.header, command.account)
    if command.account < FIRST_CLIENT_ACCOUNT or command.account >= c.accounts_max:
        end_command(c, UNKNOWN_ACCOUNT, 0, 0)
        return
    slot = c.engine.owners[command.account].head
    while slot != 0:
        after = c.engine.links[slot].next
        if passes(c, command, slot):
            book_withdraw(c.engine, slot, REASON_USER)
            count += 1
            drain_full(c)
        slot = after
    drain(c)
    finish_command(c)
    end_command(c, 0, 0, count)


cdef bint passes(core_t *c, const cancel_all_t *command, uint32_t slot) noexcept nogil:
    """Does the order pass every filter of the command (ORD-014)?"""
    cdef uint32_t book = book_of(c.engine, slot)
    cdef contract_t *contract = &c.contracts[book]
    if not ((command.instrument == ANY_INSTRUMENT or command.instrument == book)
            and (command.asset == ANY_ASSET or command.asset == contract.quote_asset)
            and (command.instrument_kind == ANY or command.instrument_kind == contract.kind)
            and (command.side == ANY or command.side == side_of(c.engine, slot))):
        return False
    if command.ranged and not in_range(c, command, slot, contract.bias_ticks):
        return False
    if command.label_bytes != 0 and not has_label(c, command, slot):
        return False
    if command.mmp != 0 and not (c.infos[slot].has_more and c.mores[slot].mmp == command.mmp):
        return False
    if command.in_set:
        return c.infos[slot].has_more and c.mores[slot].quote and c.mores[slot].quote_set == command.quote_set
    return not command.only_quotes or (c.infos[slot].has_more and c.mores[slot].quote)


cdef bint in_range(core_t *c, const cancel_all_t *command, uint32_t slot, int64_t bias) noexcept nogil:
    """Has it a limit, and is that inside the range? Market and parked orders have none (MATCH-052)."""
    cdef int64_t price = price_of(c.engine, slot)
    if price == 0 or state_of(c.engine, slot) == STATE_PARKED:
        return False
    if c.engine.orders[slot].place & TERMS and c.engine.terms[slot].special & SPECIAL_MARKET:
        return False
    return command.price_low_ticks <= price - bias <= command.price_high_ticks


cdef bint has_label(core_t *c, const cancel_all_t *command, uint32_t slot) noexcept nogil:
    cdef order_more_t *more = &c.mores[slot]
    return (c.infos[slot].has_more and more.label_bytes == command.label_bytes
            and memcmp(more.label, <const char *>command + sizeof(cancel_all_t), command.label_bytes) == 0)


cdef void cancel_sessions(core_t *c, const cancel_all_t *command) noexcept nogil:
    """Cancel-on-disconnect: the orders of one session, of one gateway (origin >> 32), or of all (origin 0), by slot.

    The end of the last session of `account`, which asked for it, takes all of its orders (ORD-015).
    """
    cdef uint32_t slot, account = command.account
    cdef int64_t count = 0
    cdef order_info_t *info
    cdef uint64_t origin = command.header.origin
    cdef bint whole_gateway = command.header.kind == CANCEL_GATEWAY
    cdef bint asked
    if whole_gateway or account >= c.accounts_max or not c.account_flags[account] & FLAG_CANCEL_ON_DISCONNECT:
        account = 0
    begin_command(c, &command.header, 0)
    for slot in range(1, c.engine.slots_used + 1):
        if not is_live(c.engine, slot):
            continue
        info = &c.infos[slot]
        asked = info.cancel_on_disconnect
        if whole_gateway:
            asked = (asked or c.account_flags[c.engine.orders[slot].owner] & FLAG_CANCEL_ON_DISCONNECT) and (
                info.origin >> 32 == origin >> 32 or origin == 0)
        else:
            asked = (asked and info.origin == origin) or (account != 0 and c.engine.orders[slot].owner == account)
        if asked:
            book_withdraw(c.engine, slot, REASON_DISCONNECT)
            count += 1
            drain_full(c)
    drain(c)
    finish_command(c)
    end_command(c, 0, 0, count)
