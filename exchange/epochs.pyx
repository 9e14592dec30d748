# cython: language_level=3, boundscheck=False, wraparound=False
"""Kernels over whole slabs for cold commands: epochs of marks and scan ranges, cycles, mass cancels.

Lives here: every loop over positions, orders or accounts that a cold command needs.
Does not know: when they run and why (vm_cycle.py, administration.py).
"""
from libc.stdint cimport int64_t, uint32_t

from clearing.contracts cimport KIND_COMBO, KIND_FORWARD, NO_MARGIN, contract_t
from clearing.ledger cimport free_cash, transfer
from clearing.margin cimport (add_order, exposure_in, exposure_out, initial_of, margin_book, margin_book_t, order_loss,
                              requirement)
from clearing.positions cimport position_open, position_t
from exchange.cascade cimport finish_command
from exchange.cancels cimport cancel_slot
from exchange.combos cimport combo_hold, combo_loss
from exchange.core cimport Core, core_t
from exchange.emit cimport emit_mark
from exchange.settle cimport reduces
from matching.auction cimport book_set_price
from matching.order_pool cimport TERMS, book_of, is_live, open_of, price_of, side_of
from matching.types cimport SPECIAL_PEG

from domain.constants import REASON_MARGIN
from domain.ensure import ensure

cdef enum:
    FIRST_CLIENT_ACCOUNT = 16
    SITG = 3
    VM_CYCLE = 4
    REFERENCE_MARK = 1
    REFERENCE_INDEX = 2


cdef bint depends(core_t *c, uint32_t book, uint32_t instrument) noexcept nogil:
    """Is it this instrument's book, or a combo with it as a leg?"""
    cdef uint32_t i
    if c.contracts[book].kind == KIND_COMBO:
        for i in range(c.engine.more[book].legs):
            if c.engine.more[book].leg[i].book == instrument:
                return True
    return book == instrument


cdef int64_t promised_price(core_t *c, uint32_t slot) noexcept nogil:
    """The price that an order's promises are reckoned at: a peg's own limit, wherever it stands now."""
    if c.engine.orders[slot].place & TERMS and c.engine.terms[slot].special & SPECIAL_PEG:
        return c.engine.terms[slot].limit_ticks
    return price_of(c.engine, slot)


cdef void orders_effect(core_t *c, uint32_t instrument, int sign) noexcept nogil:
    """Take (-1) the instrument's orders out of the margin vectors, or put (+1) them back at the current mark."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t slot, owner, book
    cdef int side
    cdef position_t *position
    for slot in range(1, c.engine.slots_used + 1):
        if not c.infos[slot].holding or not is_live(c.engine, slot):
            continue
        book = book_of(c.engine, slot)
        if not depends(c, book, instrument):
            continue
        owner, side = c.engine.orders[slot].owner, side_of(c.engine, slot)
        if book != instrument:
            if sign > 0:
                c.infos[slot].loss_per_lot = combo_loss(c, book, side, price_of(c.engine, slot))
            combo_hold(c, owner, book, side, sign * open_of(c.engine, slot), c.infos[slot].loss_per_lot)
            continue
        position = &c.positions.slots[position_open(c.positions, owner, instrument)]
        if sign > 0:
            c.infos[slot].loss_per_lot = order_loss(contract, side, promised_price(c, slot))
        add_order(margin_book(c.margin, owner, contract.margin_slot), contract, position, side,
                  sign * open_of(c.engine, slot), c.infos[slot].loss_per_lot)


def promises(Core core):
    """[(account, instrument, side, open lots, price)] of every order that holds something, by slot; for the laws."""
    cdef core_t *c = &core.c
    cdef uint32_t slot, book
    cdef list out = []
    for slot in range(1, c.engine.slots_used + 1):
        if c.infos[slot].holding and is_live(c.engine, slot):
            book = book_of(c.engine, slot)
            out.append((c.engine.orders[slot].owner, book, side_of(c.engine, slot), open_of(c.engine, slot),
                        promised_price(c, slot) - c.contracts[book].bias_ticks))
    return out


cdef void positions_effect(core_t *c, uint32_t instrument, int sign) noexcept nogil:
    """The same for the instrument's positions; their orders are out."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t slot
    cdef int s
    cdef position_t *position
    cdef margin_book_t *book
    for slot in range(1, c.positions.used + 1):
        position = &c.positions.slots[slot]
        if position.instrument != instrument:
            continue
        book = margin_book(c.margin, position.account, contract.margin_slot)
        if sign < 0:
            exposure_out(book, contract, position)
        for s in range(16):
            book.v[s] += sign * position.lots * contract.scan[s]
        book.unsettled += sign * contract.tick_value * (position.lots * contract.mark_ticks - position.cost_ticks)
        if sign > 0:
            exposure_in(book, contract, position)


def combo_loss_at(Core core, uint32_t combo, int side, int64_t price_ticks):
    """Most that one lot of a combo can lose against the marks at this price; for the laws."""
    return combo_loss(&core.c, combo, side, price_ticks + core.c.contracts[combo].bias_ticks)


def set_epoch(Core core, uint32_t instrument, int64_t mark_ticks, int64_t index_ticks, int64_t psr):
    """New mark, index and scan range of an instrument: everything that depends on them is rebuilt. O(orders + pairs)."""
    cdef core_t *c = &core.c
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t book, i
    ensure(mark_ticks > 0 and index_ticks >= 0 and psr >= 0, "marks are positive")
    if contract.kind == KIND_FORWARD:
        orders_effect(c, instrument, -1)
        positions_effect(c, instrument, -1)
    contract.mark_ticks, contract.index_ticks = mark_ticks, index_ticks
    core.set_scan(instrument, psr)
    if contract.kind == KIND_FORWARD:
        positions_effect(c, instrument, 1)
        orders_effect(c, instrument, 1)
    emit_mark(c, instrument, mark_ticks, index_ticks)
    for book in range(c.instruments_max):
        if c.contracts[book].kind == KIND_COMBO and c.contracts[book].open and depends(c, book, instrument):
            c.contracts[book].mark_ticks = 0
            for i in range(c.engine.more[book].legs):
                c.contracts[book].mark_ticks += (c.engine.more[book].leg[i].ratio
                                                 * c.contracts[c.engine.more[book].leg[i].book].mark_ticks)
            emit_mark(c, book, c.contracts[book].mark_ticks, 0)


def show_prices(Core core, uint32_t instrument):
    """Mark and index become prices that stops wait for, and the mark the reference of auctions; triggered orders enter."""
    cdef core_t *c = &core.c
    cdef contract_t *contract = &c.contracts[instrument]
    c.engine.more[instrument].auction_ticks = contract.mark_ticks
    if c.engine.more[instrument].seen_ticks[REFERENCE_MARK] != contract.mark_ticks:
        book_set_price(c.engine, instrument, REFERENCE_MARK, contract.mark_ticks)
    if contract.index_ticks != 0 and c.engine.more[instrument].seen_ticks[REFERENCE_INDEX] != contract.index_ticks:
        book_set_price(c.engine, instrument, REFERENCE_INDEX, contract.index_ticks)
    finish_command(c)


def margin_states(Core core, uint32_t asset):
    """[(account, equity, initial, maintenance)] of accounts with exposure in the asset's margin book, by account."""
    cdef core_t *c = &core.c
    cdef uint32_t account, slot = c.margin_slot_of_asset[asset]
    cdef margin_book_t *book
    cdef int64_t maintenance
    cdef list out = []
    if slot == NO_MARGIN:
        return out
    for account in range(FIRST_CLIENT_ACCOUNT, c.ledger.accounts_used):
        book = margin_book(c.margin, account, slot)
        if book.exposed or book.unsettled:
            maintenance = requirement(c.margin, book, slot)
            out.append((account, free_cash(c.ledger, account, asset) + book.unsettled, initial_of(maintenance),
                        maintenance))
    return out


def cancel_increasing(Core core, uint32_t account, uint32_t asset):
    """Cancel the account's orders in this margin book that do more than close, newest first; how many."""
    cdef core_t *c = &core.c
    cdef uint32_t slot = c.engine.owners[account].tail, before, slot_margin = c.margin_slot_of_asset[asset]
    cdef int count = 0
    while slot != 0:
        before = c.engine.links[slot].prev
        if (c.infos[slot].holding and c.contracts[book_of(c.engine, slot)].margin_slot == slot_margin
                and increases(c, account, slot)):
            cancel_slot(c, slot, REASON_MARGIN)
            count += 1
        slot = before
    finish_command(c)
    return count


cdef bint increases(core_t *c, uint32_t account, uint32_t slot) noexcept nogil:
    """Does the order, with the others of its side, do more than close: in any leg, if it is a combo's?"""
    cdef uint32_t book = book_of(c.engine, slot), i
    cdef int side = side_of(c.engine, slot)
    if c.contracts[book].kind != KIND_COMBO:
        return not reduces(c, account, book, side, 0)
    for i in range(c.engine.more[book].legs):
        if not reduces(c, account, c.engine.more[book].leg[i].book,
                       side if c.engine.more[book].leg[i].ratio > 0 else 1 - side, 0):
            return True
    return False


def cancel_where(Core core, int reason, *, account=None, instruments=None, key=None):
    """Cancel live orders of an account, of some instruments and/or of an API key, by slot; how many. O(orders)."""
    cdef core_t *c = &core.c
    cdef uint32_t slot
    cdef int count = 0
    for slot in range(1, c.engine.slots_used + 1):
        if not is_live(c.engine, slot) or (account is not None and c.engine.orders[slot].owner != account):
            continue
        if key is not None and c.infos[slot].key != key:
            continue
        if instruments is None or book_of(c.engine, slot) in instruments:
            cancel_slot(c, slot, reason)
            count += 1
    finish_command(c)
    return count


def cycle_flows(Core core, uint32_t instrument, int64_t price_ticks):
    """[(account, flow)] that a cycle at this price would pay, by account, zeros left out; their sum is zero (VM-003)."""
    cdef core_t *c = &core.c
    cdef int64_t tick_value = c.contracts[instrument].tick_value, total = 0, flow
    cdef uint32_t slot
    cdef position_t *position
    cdef list out = []
    for slot in range(1, c.positions.used + 1):
        position = &c.positions.slots[slot]
        if position.instrument == instrument:
            flow = tick_value * (position.lots * price_ticks - position.cost_ticks)
            total += flow
            if flow:
                out.append((position.account, flow))
    ensure(total == 0, "variation margin sums to zero")
    out.sort()
    return out


def pay_flows(Core core, uint32_t asset, list flows):
    """Collect from losers, then pay winners, through the cycle account that is empty before and after (VM-004).

    A loser without enough free cash pays what it has; the exchange's own money pays the rest. Returns
    [(account, missing)]. Raises InvariantViolation when that money is used up (the waterfall ends there).
    """
    cdef core_t *c = &core.c
    cdef uint32_t account
    cdef int64_t flow, paid
    cdef list short = []
    ensure(core.ledger.posted(VM_CYCLE, asset) == 0, "cycle account is empty before")
    for account, flow in flows:
        if flow < 0:
            paid = min(-flow, free_cash(c.ledger, account, asset))
            transfer(c.ledger, account, VM_CYCLE, asset, paid)
            if paid < -flow:
                short.append((account, -flow - paid))
                ensure(free_cash(c.ledger, SITG, asset) >= -flow - paid, "the exchange's own money covers the shortfall")
                transfer(c.ledger, SITG, VM_CYCLE, asset, -flow - paid)
    for account, flow in flows:
        if flow > 0:
            transfer(c.ledger, VM_CYCLE, account, asset, flow)
    ensure(core.ledger.posted(VM_CYCLE, asset) == 0, "cycle account is empty after")
    return short


def restart_positions(Core core, uint32_t instrument, int64_t price_ticks, list flows):
    """After a cycle was paid every position restarts at its price (settled to market)."""
    cdef core_t *c = &core.c
    positions_effect(c, instrument, -1)
    for account, flow in flows:
        core.positions.cycle_paid(account, instrument, price_ticks, flow)
    positions_effect(c, instrument, 1)


def final_flows(Core core, uint32_t instrument, int64_t unit_value, int64_t days, int64_t fixings_sum):
    """[(account, flow)] of final settlement: unit value x (lots x sum of fixings - days x cost), sum zero (VM-006)."""
    cdef core_t *c = &core.c
    cdef int64_t total = 0, flow
    cdef uint32_t slot
    cdef position_t *position
    cdef list out = []
    for slot in range(1, c.positions.used + 1):
        position = &c.positions.slots[slot]
        if position.instrument == instrument:
            flow = unit_value * (position.lots * fixings_sum - days * position.cost_ticks)
            total += flow
            if flow:
                out.append((position.account, flow))
    ensure(total == 0, "final settlement sums to zero")
    out.sort()
    return out


def end_positions(Core core, uint32_t instrument):
    """After final settlement: no lots, no cost, no margin. Its orders are gone."""
    cdef core_t *c = &core.c
    cdef uint32_t slot
    cdef position_t *position
    positions_effect(c, instrument, -1)
    for slot in range(1, c.positions.used + 1):
        position = &c.positions.slots[slot]
        if position.instrument == instrument:
            ensure(position.buy_lots == 0 and position.sell_lots == 0, "a settled contract has no orders")
            position.lots = position.cost_ticks = position.entry_ticks = position.realized = 0
    positions_effect(c, instrument, 1)
