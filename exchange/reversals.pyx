# cython: language_level=3, boundscheck=False, wraparound=False
"""Compensating transfers of recent trades (ORD-070..073).

Lives here: looking a trade up, whether its parties can pay, and moving money, tokens or lots back.
Does not know: who decides that a trade was wrong.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from clearing.contracts cimport KIND_SPOT, contract_t
from clearing.ledger cimport free_cash, transfer
from clearing.margin cimport add_fill, margin_book
from clearing.positions cimport position_open, position_t
from clearing.timeline cimport timeline_add
from exchange.core cimport Core, core_t, trade_record_t

cdef enum:
    FEES = 2


def kept_trade(Core core, uint64_t trade_id):
    """(instrument, buyer, seller, price, lots, busted) of a trade that is remembered, None otherwise."""
    cdef trade_record_t *record = &core.c.kept[trade_id % core.c.trades_max]
    if trade_id == 0 or record.trade_id != trade_id:
        return None
    return record.instrument, record.buyer, record.seller, record.price_ticks, record.lots, record.busted == 1


def missing_for_bust(Core core, uint64_t trade_id):
    """(account, asset, missing) of the party that cannot give back what it got; None if both can."""
    cdef core_t *c = &core.c
    cdef trade_record_t *record = &c.kept[trade_id % c.trades_max]
    cdef contract_t *contract = &c.contracts[record.instrument]
    cdef int64_t value = record.price_ticks * contract.tick_value * record.lots
    if contract.kind != KIND_SPOT:
        return missing_for_change(core, trade_id, contract.mark_ticks)
    short = short_of(c, record.seller, contract.quote_asset, value - record.seller_fee)
    return short or short_of(c, record.buyer, contract.base_asset, record.lots * contract.lot_units)


def missing_for_change(Core core, uint64_t trade_id, int64_t price_ticks):
    """The same for another price: who pays the difference."""
    cdef core_t *c = &core.c
    cdef trade_record_t *record = &c.kept[trade_id % c.trades_max]
    cdef contract_t *contract = &c.contracts[record.instrument]
    cdef int64_t more = (price_ticks - record.price_ticks) * contract.tick_value * record.lots
    cdef uint32_t payer = record.buyer if more > 0 else record.seller
    return short_of(c, payer, contract.quote_asset, -more if more < 0 else more)


cdef object short_of(core_t *c, uint32_t account, uint32_t asset, int64_t amount):
    """Free money, unsettled gains or losses of its positions included, against an amount."""
    cdef int64_t free = free_cash(c.ledger, account, asset)
    cdef uint32_t slot = c.margin_slot_of_asset[asset]
    if slot != 255:
        free = min(free, free + margin_book(c.margin, account, slot).unsettled)
    return None if amount <= free else (account, asset, amount - free)


def bust(Core core, uint64_t trade_id):
    """Undo it: lots or both legs go back, fees too. Positions carry their difference into the next cycle."""
    cdef core_t *c = &core.c
    cdef trade_record_t *record = &c.kept[trade_id % c.trades_max]
    cdef contract_t *contract = &c.contracts[record.instrument]
    cdef int64_t units = record.lots * contract.lot_units
    transfer(c.ledger, FEES, record.buyer, contract.quote_asset, record.buyer_fee)
    transfer(c.ledger, FEES, record.seller, contract.quote_asset, record.seller_fee)
    if contract.kind == KIND_SPOT:
        transfer(c.ledger, record.seller, record.buyer, contract.quote_asset,
                 record.price_ticks * contract.tick_value * record.lots)
        transfer(c.ledger, record.buyer, record.seller, contract.base_asset, units)
        if contract.base_is_token:
            timeline_add(c.timeline, c.time_ns, record.buyer, contract.base_asset, -units)
            timeline_add(c.timeline, c.time_ns, record.seller, contract.base_asset, units)
    else:
        position_change(c, record.instrument, record.buyer, -record.lots, record.price_ticks)
        position_change(c, record.instrument, record.seller, record.lots, record.price_ticks)
    record.busted = 1


def correct(Core core, uint64_t trade_id, int64_t price_ticks):
    """Give it another price: the difference moves now (spot) or with the next cycle (forwards). Fees stay as paid."""
    cdef core_t *c = &core.c
    cdef trade_record_t *record = &c.kept[trade_id % c.trades_max]
    cdef contract_t *contract = &c.contracts[record.instrument]
    cdef int64_t more = (price_ticks - record.price_ticks) * contract.tick_value * record.lots
    if contract.kind == KIND_SPOT:
        if more > 0:
            transfer(c.ledger, record.buyer, record.seller, contract.quote_asset, more)
        else:
            transfer(c.ledger, record.seller, record.buyer, contract.quote_asset, -more)
    else:
        position_change(c, record.instrument, record.buyer, -record.lots, record.price_ticks)
        position_change(c, record.instrument, record.buyer, record.lots, price_ticks)
        position_change(c, record.instrument, record.seller, record.lots, record.price_ticks)
        position_change(c, record.instrument, record.seller, -record.lots, price_ticks)
    record.price_ticks = price_ticks


cdef void position_change(core_t *c, uint32_t instrument, uint32_t account, int64_t signed_lots,
                          int64_t price_ticks) noexcept nogil:
    cdef contract_t *contract = &c.contracts[instrument]
    cdef position_t *position = &c.positions.slots[position_open(c.positions, account, instrument)]
    add_fill(margin_book(c.margin, account, contract.margin_slot), contract, position, signed_lots, price_ticks)
