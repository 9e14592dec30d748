# cython: language_level=3, boundscheck=False, wraparound=False
"""Holds before the match, settlement after it: the clearing side of every order (HOLD-001..008, DVP-001, VM-002).

Lives here: what an order promises, the margin check with it, and the transfers of a fill.
Does not know: price-time priority, records, who asked.
Theory: a resting or taking order promises the most it can cost per lot. Spot buy: price plus fee; spot sell: the base;
forward: the fee. Forwards are checked by the V/W worst case on top. A fill can then never fail: both legs of a spot
trade move inside it (delivery versus payment, model 1).
"""
from libc.stdint cimport int64_t, uint32_t

from clearing.contracts cimport KIND_FORWARD, KIND_SPOT, NO_MARGIN, contract_t
from clearing.ledger cimport balance_at, free_cash, transfer
from clearing.margin cimport (add_fill, add_order, initial_of, margin_book, margin_book_t, order_loss, requirement)
from clearing.positions cimport position_find, position_open, position_t
from clearing.timeline cimport timeline_add
from domain.cfixed cimport fixed_add, fixed_mul, fixed_mul_div_ceil
from domain.wire cimport trade_event_t
from exchange.core cimport ACCOUNT_REDUCE_ONLY, core_t, order_info_t, tape_t
from exchange.emit cimport emit_order, emit_trade
from matching.types cimport book_event_t

cdef enum:
    FEES = 2
    ORDER_OPEN = 1
    ORDER_FILLED = 2
    NOTIONAL_RANGE = 2010
    ACCOUNT_REDUCE_ONLY_CODE = 2021
    POSITION_LIMIT = 2023
    CAPACITY = 2043
    INSUFFICIENT_BALANCE = 3001
    INSUFFICIENT_MARGIN = 3002


cdef inline int64_t fee_per_lot(contract_t *contract, int64_t price_ticks, int *overflow) noexcept nogil:
    """Worst-case fee of one lot, rounded up: fills of k lots pay ceil(k x fee) <= k x ceil(fee) (FEE-001)."""
    return fixed_mul_div_ceil(fixed_mul(price_ticks, contract.tick_value, overflow),
                              max(contract.taker_fee_ppm, contract.maker_fee_ppm), 1_000_000, overflow)


cdef void check_funds(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t price_ticks, int64_t lots,
                      funds_t *funds) noexcept nogil:
    """Can the account carry this order filled in full, on top of everything open? Changes nothing."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef int overflow = 0
    cdef int64_t need, dearest = price_ticks
    funds.code = 0
    funds.detail = 0
    funds.value = 0
    funds.loss_per_lot = 0
    fixed_mul(fixed_mul(price_ticks, contract.tick_value, &overflow), lots, &overflow)
    if contract.kind == KIND_FORWARD:
        if side == 1 and c.engine.books[instrument].best[0] > dearest:
            dearest = c.engine.books[instrument].best[0]     # a taking sell pays its fee on the better price
        funds.asset = contract.quote_asset
        funds.hold_per_lot = fee_per_lot(contract, dearest, &overflow)
        funds.hold_per_lot_resting = fee_per_lot(contract, price_ticks, &overflow)
        funds.loss_per_lot = order_loss(contract, side, price_ticks)
        fixed_mul(funds.loss_per_lot, lots, &overflow)
    elif side == 0:
        funds.asset = contract.quote_asset
        funds.hold_per_lot = fixed_add(fixed_mul(price_ticks, contract.tick_value, &overflow),
                                       fee_per_lot(contract, price_ticks, &overflow), &overflow)
        funds.hold_per_lot_resting = funds.hold_per_lot
    else:
        funds.asset = contract.base_asset
        funds.hold_per_lot = contract.lot_units
        funds.hold_per_lot_resting = funds.hold_per_lot
    need = fixed_mul(funds.hold_per_lot, lots, &overflow)
    if overflow:
        funds.code = NOTIONAL_RANGE
        return
    if need > free_cash(c.ledger, account, funds.asset):
        funds.code = INSUFFICIENT_BALANCE
        funds.detail = funds.asset
        funds.value = need - free_cash(c.ledger, account, funds.asset)
        return
    check_margin(c, account, instrument, side, lots, need, funds)


cdef bint reduces(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots) noexcept nogil:
    """Does the order, with the open ones of its side, only close what is there?"""
    cdef uint32_t slot = position_find(c.positions, account, instrument)
    cdef position_t *position
    if slot == 0:
        return False
    position = &c.positions.slots[slot]
    if side == 0:
        return position.buy_lots + lots <= -position.lots
    return position.sell_lots + lots <= position.lots


cdef void check_margin(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots, int64_t need,
                       funds_t *funds) noexcept nogil:
    """Initial margin with the order taken at its worst, against equity without what it holds (MARGIN-005)."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t slot = c.margin_slot_of_asset[funds.asset]
    cdef uint32_t pair = 0
    cdef margin_book_t *book
    cdef margin_book_t tried
    cdef position_t none
    cdef int64_t equity, missing, same_side, over = 0
    cdef bint reducing = False
    if slot == NO_MARGIN:
        return
    book = margin_book(c.margin, account, slot)
    tried = book[0]
    if contract.kind == KIND_FORWARD:
        pair = position_find(c.positions, account, instrument)
        if pair == 0 and c.positions.used >= c.positions.maximum:
            funds.code = CAPACITY
            return
        none = c.positions.slots[pair]      # slot 0 is all zero: a pair that never was
        same_side = none.lots + none.buy_lots + lots if side == 0 else none.sell_lots + lots - none.lots
        over = max(<int64_t>0, same_side - contract.position_lots_max)
        if over >= lots:
            funds.code, funds.value = POSITION_LIMIT, contract.position_lots_max
            return
        reducing = reduces(c, account, instrument, side, lots)
        if c.account_state[account] == ACCOUNT_REDUCE_ONLY and not reducing:
            funds.code = ACCOUNT_REDUCE_ONLY_CODE
            return
        # Money first: who could not carry what the limit leaves is told what is missing, not that it is too much.
        add_order(&tried, contract, &none, side, lots - over, funds.loss_per_lot)
    elif tried.exposed == 0 and tried.unsettled >= 0:
        return      # a loss that no cycle has collected yet stays covered after the position is closed
    equity = free_cash(c.ledger, account, funds.asset) - need + tried.unsettled
    missing = initial_of(requirement(c.margin, &tried, slot)) - equity
    # What only closes is taken below margin too, but never at prices whose loss nobody would pay. At the mark or better
    # it adds no loss, so even an account without equity may close there.
    if missing > 0 and not (reducing and tried.order_loss <= max(<int64_t>0, equity)):
        funds.code = INSUFFICIENT_MARGIN
        funds.detail = funds.asset
        funds.value = missing
    elif over > 0:
        funds.code, funds.value = POSITION_LIMIT, contract.position_lots_max


cdef void place_hold(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots,
                     const order_info_t *info) noexcept nogil:
    """Promise what `lots` of a resting order need; negative `lots` gives it back. HOLD-002."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t asset = contract.base_asset if contract.kind == KIND_SPOT and side == 1 else contract.quote_asset
    balance_at(c.ledger, account, asset).held += lots * info.hold_per_lot
    if contract.kind == KIND_FORWARD:
        add_order(margin_book(c.margin, account, contract.margin_slot), contract,
                  &c.positions.slots[position_open(c.positions, account, instrument)], side, lots, info.loss_per_lot)


cdef inline void settle_spot(core_t *c, contract_t *contract, uint32_t buyer, uint32_t seller, int64_t value,
                             int64_t lots) noexcept nogil:
    """Both legs at once; the position timeline learns of tokens."""
    cdef int64_t units = lots * contract.lot_units
    transfer(c.ledger, buyer, seller, contract.quote_asset, value)
    transfer(c.ledger, seller, buyer, contract.base_asset, units)
    if contract.base_is_token:
        timeline_add(c.timeline, c.time_ns, buyer, contract.base_asset, units)
        timeline_add(c.timeline, c.time_ns, seller, contract.base_asset, -units)


cdef inline void settle_forward(core_t *c, contract_t *contract, uint32_t instrument, uint32_t account,
                                int64_t signed_lots, int64_t price_ticks, int64_t fee) noexcept nogil:
    cdef position_t *position = &c.positions.slots[position_open(c.positions, account, instrument)]
    add_fill(margin_book(c.margin, account, contract.margin_slot), contract, position, signed_lots, price_ticks)
    position.realized -= fee


cdef void settle_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil:
    """Move everything one match moves, then write its trade and the maker's order. Cannot fail."""
    cdef uint32_t instrument = fill.book
    cdef contract_t *contract = &c.contracts[instrument]
    cdef order_info_t *maker = &c.infos[fill.slot]
    cdef int overflow = 0
    cdef int64_t value = fill.price_ticks * contract.tick_value * fill.lots     # bounded by check_funds of both
    cdef int64_t maker_fee = fixed_mul_div_ceil(value, contract.maker_fee_ppm, 1_000_000, &overflow)
    cdef int64_t taker_fee = fixed_mul_div_ceil(value, contract.taker_fee_ppm, 1_000_000, &overflow)
    cdef uint32_t buyer = fill.owner if fill.side == 0 else taker_account
    cdef uint32_t seller = taker_account if fill.side == 0 else fill.owner
    cdef int64_t maker_lots = fill.lots if fill.side == 0 else -fill.lots

    place_hold(c, fill.owner, instrument, fill.side, -fill.lots, maker)
    if contract.kind == KIND_SPOT:
        settle_spot(c, contract, buyer, seller, value, fill.lots)
    else:
        settle_forward(c, contract, instrument, fill.owner, maker_lots, fill.price_ticks, maker_fee)
        settle_forward(c, contract, instrument, taker_account, -maker_lots, fill.price_ticks, taker_fee)
    transfer(c.ledger, fill.owner, FEES, contract.quote_asset, maker_fee)
    transfer(c.ledger, taker_account, FEES, contract.quote_asset, taker_fee)

    maker.notional_ticks += fill.price_ticks * fill.lots
    maker.fee += maker_fee
    maker.updated_ns = c.time_ns
    taker.notional_ticks += fill.price_ticks * fill.lots
    taker.fee += taker_fee
    print_trade(c, fill, taker_account, maker_fee, taker_fee)
    emit_order(c, fill.order_id, fill.owner, instrument, fill.side, fill.price_ticks,
               maker.total_lots - fill.open_lots, ORDER_OPEN if fill.open_lots else ORDER_FILLED, 0, maker)


cdef void print_trade(core_t *c, const book_event_t *fill, uint32_t taker_account, int64_t maker_fee,
                      int64_t taker_fee) noexcept nogil:
    """The trade frame, with the venue's trade id and the instrument's gap-free trade sequence."""
    cdef tape_t *tape = &c.tapes[fill.book]
    cdef trade_event_t *event
    if fill.price_ticks != tape.last_ticks:
        tape.tick_direction = 0 if fill.price_ticks > tape.last_ticks else 2
    elif tape.tick_direction % 2 == 0:
        tape.tick_direction += 1
    tape.last_ticks = fill.price_ticks
    tape.trade_seq += 1
    c.trades += 1
    event = emit_trade(c)
    event.trade_id = c.trades
    event.trade_seq = tape.trade_seq
    event.instrument = fill.book
    event.taker_side = 1 - fill.side
    event.tick_direction = tape.tick_direction
    event.maker_order_id = fill.order_id
    event.taker_order_id = fill.taker_id
    event.maker_account = fill.owner
    event.taker_account = taker_account
    event.price_ticks = fill.price_ticks
    event.quantity_lots = fill.lots
    event.maker_fee = maker_fee
    event.taker_fee = taker_fee
    event.mark_ticks = c.contracts[fill.book].mark_ticks
    event.index_ticks = c.contracts[fill.book].index_ticks
