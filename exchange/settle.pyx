# cython: language_level=3, boundscheck=False, wraparound=False
"""Holds before the match, settlement after it: the clearing side of every order (HOLD-001..008, DVP-001, VM-002).

Lives here: what an order promises, the margin check with it, and the transfers of a fill.
Does not know: price-time priority, records, who asked.
Theory: a resting or taking order promises the most it can cost per lot. Spot buy: price plus fee; spot sell: the base;
forward: the fee. Forwards are checked by the V/W worst case on top. A fill can then never fail: both legs of a spot
trade move inside it (delivery versus payment, model 1).
"""
from libc.stdint cimport int64_t, uint32_t

from clearing.contracts cimport KIND_COMBO, KIND_FORWARD, KIND_SPOT, NO_MARGIN, contract_t
from clearing.ledger cimport balance_at, free_cash, transfer
from clearing.margin cimport (add_fill, add_order, initial_of, margin_book, margin_book_t, order_loss, requirement)
from clearing.positions cimport position_find, position_open, position_t
from clearing.timeline cimport timeline_add
from domain.cfixed cimport fixed_add, fixed_mul, fixed_mul_div_ceil
from domain.wire cimport trade_event_t
from exchange.combos cimport combo_cross, combo_funds, combo_hold
from exchange.core cimport ACCOUNT_REDUCE_ONLY, core_t, order_info_t, tape_t, trade_record_t
from exchange.emit cimport emit_trade
from matching.types cimport book_event_t

cdef enum:
    FEES = 2
    TRADE_AUCTION = 1
    TRADE_COMBO = 4
    NOTIONAL_RANGE = 2010
    ACCOUNT_REDUCE_ONLY_CODE = 2021
    POSITION_LIMIT = 2023
    CAPACITY = 2043
    INSUFFICIENT_BALANCE = 3001
    INSUFFICIENT_MARGIN = 3002


cdef int64_t fee_per_lot(contract_t *contract, int64_t price_ticks, int *overflow) noexcept nogil:
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
    if contract.kind == KIND_COMBO:
        combo_funds(c, account, instrument, side, price_ticks, lots, funds)
        return
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
    if not cash_covers(c, account, need, overflow, funds):
        return
    check_margin(c, account, instrument, side, lots, need, funds)


cdef bint cash_covers(core_t *c, uint32_t account, int64_t need, bint overflow, funds_t *funds) noexcept nogil:
    """May `need` (units of funds.asset; `overflow`: it left the range) be held? Else funds get the refusal."""
    cdef int64_t cash
    if overflow:
        funds.code = NOTIONAL_RANGE
        return False
    cash = free_cash(c.ledger, account, funds.asset)
    if need > cash:
        funds.code = INSUFFICIENT_BALANCE
        funds.detail = funds.asset
        funds.value = need - cash
    return need <= cash


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
    cdef int64_t room, over = 0
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
        room = contract.position_lots_max - (none.lots + none.buy_lots if side == 0 else none.sell_lots - none.lots)
        over = max(<int64_t>0, lots - room)     # `lots` may be as large as a number gets
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
    check_equity(c, account, &tried, slot, reducing, need, funds)
    if funds.code == 0 and over > 0:
        funds.code, funds.value = POSITION_LIMIT, contract.position_lots_max


cdef void check_equity(core_t *c, uint32_t account, const margin_book_t *tried, uint32_t slot, bint reducing,
                       int64_t need, funds_t *funds) noexcept nogil:
    """Is there money for the margin book as it would be?"""
    cdef int64_t equity = free_cash(c.ledger, account, funds.asset) - need + tried.unsettled
    cdef int64_t missing = initial_of(requirement(c.margin, tried, slot)) - equity
    # What only closes is taken below margin too, but never at prices whose loss nobody would pay. At the mark or better
    # it adds no loss, so even an account without equity may close there.
    if missing > 0 and not (reducing and tried.order_loss <= max(<int64_t>0, equity)):
        funds.code = INSUFFICIENT_MARGIN
        funds.detail = funds.asset
        funds.value = missing


cdef void place_hold(core_t *c, uint32_t account, uint32_t instrument, int side, int64_t lots,
                     const order_info_t *info) noexcept nogil:
    """Promise what `lots` of a resting order need; negative `lots` gives it back. HOLD-002."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef uint32_t asset = contract.base_asset if contract.kind == KIND_SPOT and side == 1 else contract.quote_asset
    balance_at(c.ledger, account, asset).held += lots * info.hold_per_lot
    if contract.kind == KIND_FORWARD:
        add_order(margin_book(c.margin, account, contract.margin_slot), contract,
                  &c.positions.slots[position_open(c.positions, account, instrument)], side, lots, info.loss_per_lot)
    elif contract.kind == KIND_COMBO:
        combo_hold(c, account, instrument, side, lots, info.loss_per_lot)


cdef inline void settle_spot(core_t *c, contract_t *contract, uint32_t buyer, uint32_t seller, int64_t value,
                             int64_t lots) noexcept nogil:
    """Both legs at once; the position timeline learns of tokens."""
    cdef int64_t units = lots * contract.lot_units
    transfer(c.ledger, buyer, seller, contract.quote_asset, value)
    transfer(c.ledger, seller, buyer, contract.base_asset, units)
    if contract.base_is_token:
        timeline_add(c.timeline, c.time_ns, buyer, contract.base_asset, units)
        timeline_add(c.timeline, c.time_ns, seller, contract.base_asset, -units)


cdef inline position_t *settle_forward(core_t *c, contract_t *contract, uint32_t instrument, uint32_t account,
                                       int64_t signed_lots, int64_t price_ticks) noexcept nogil:
    cdef position_t *position = &c.positions.slots[position_open(c.positions, account, instrument)]
    add_fill(margin_book(c.margin, account, contract.margin_slot), contract, position, signed_lots, price_ticks)
    return position


cdef inline int64_t fee_of(int64_t value, int64_t ppm) noexcept nogil:
    """Fee of one fill, rounded up (FEE-001)."""
    cdef int overflow = 0
    return fixed_mul_div_ceil(value, ppm, 1_000_000, &overflow)


cdef void settle_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil:
    """Move everything one match of an outright moves, then write its trade. Cannot fail."""
    cdef contract_t *contract = &c.contracts[fill.book]
    cdef order_info_t *maker = &c.infos[fill.slot]
    cdef trade_t trade
    trade.instrument = fill.book
    trade.maker, trade.taker = fill.owner, taker_account
    trade.maker_id, trade.taker_id = fill.order_id, fill.taker_id
    trade.price_ticks, trade.lots = fill.price_ticks, fill.lots
    trade.maker_side, trade.flags = fill.side, 0
    place_hold(c, fill.owner, fill.book, fill.side, -fill.lots, maker)
    move_trade(c, &trade, contract.maker_fee_ppm, contract.taker_fee_ppm)
    maker.notional_ticks += fill.price_ticks * fill.lots
    maker.fee += trade.maker_fee
    maker.updated_ns = c.time_ns
    taker.notional_ticks += fill.price_ticks * fill.lots
    taker.fee += trade.taker_fee
    print_trade(c, &trade)


cdef void settle_cross(core_t *c, const book_event_t *bid, const book_event_t *ask) noexcept nogil:
    """Two orders that rested meet in an auction: both pay the maker's fee, the newer one stands as taker (FEE-004)."""
    cdef const book_event_t *older = bid if bid.order_id < ask.order_id else ask
    cdef const book_event_t *newer = ask if bid.order_id < ask.order_id else bid
    cdef contract_t *contract = &c.contracts[bid.book]
    cdef trade_t trade
    trade.instrument = bid.book
    trade.maker, trade.taker = older.owner, newer.owner
    trade.maker_id, trade.taker_id = older.order_id, newer.order_id
    trade.price_ticks, trade.lots = bid.price_ticks - contract.bias_ticks, bid.lots
    trade.maker_side, trade.flags = older.side, TRADE_AUCTION
    place_hold(c, bid.owner, bid.book, bid.side, -bid.lots, &c.infos[bid.slot])
    place_hold(c, ask.owner, ask.book, ask.side, -ask.lots, &c.infos[ask.slot])
    c.infos[bid.slot].notional_ticks += trade.price_ticks * trade.lots
    c.infos[ask.slot].notional_ticks += trade.price_ticks * trade.lots
    c.infos[bid.slot].updated_ns = c.infos[ask.slot].updated_ns = c.time_ns
    if contract.kind == KIND_COMBO:
        combo_cross(c, &trade, &c.infos[older.slot], &c.infos[newer.slot])
        return
    move_trade(c, &trade, contract.maker_fee_ppm, contract.maker_fee_ppm)
    c.infos[older.slot].fee += trade.maker_fee
    c.infos[newer.slot].fee += trade.taker_fee
    print_trade(c, &trade)


cdef int64_t charge(core_t *c, uint32_t account, uint32_t instrument, const trade_t *trade, int64_t ppm) noexcept nogil:
    """Collect a fee, at most the free cash: a sale above its limit costs more than it promised (FEE-005)."""
    cdef contract_t *contract = &c.contracts[instrument]
    cdef int64_t fee = fee_of(trade.price_ticks * contract.tick_value * trade.lots, ppm)    # bounded by check_funds
    fee = min(fee, max(<int64_t>0, free_cash(c.ledger, account, contract.quote_asset)))
    transfer(c.ledger, account, FEES, contract.quote_asset, fee)
    return fee


cdef void move_trade(core_t *c, trade_t *trade, int64_t maker_ppm, int64_t taker_ppm) noexcept nogil:
    """Delivery against payment of a spot trade, or positions of a forward; then both fees, which the trade learns."""
    cdef contract_t *contract = &c.contracts[trade.instrument]
    cdef uint32_t buyer = trade.maker if trade.maker_side == 0 else trade.taker
    cdef uint32_t seller = trade.taker if trade.maker_side == 0 else trade.maker
    cdef int64_t maker_lots = trade.lots if trade.maker_side == 0 else -trade.lots
    cdef position_t *maker = NULL
    cdef position_t *taker = NULL
    if contract.kind == KIND_SPOT:
        settle_spot(c, contract, buyer, seller, trade.price_ticks * contract.tick_value * trade.lots, trade.lots)
    else:
        maker = settle_forward(c, contract, trade.instrument, trade.maker, maker_lots, trade.price_ticks)
        taker = settle_forward(c, contract, trade.instrument, trade.taker, -maker_lots, trade.price_ticks)
    trade.maker_fee = charge(c, trade.maker, trade.instrument, trade, maker_ppm)
    trade.taker_fee = charge(c, trade.taker, trade.instrument, trade, taker_ppm)
    if maker != NULL:
        maker.realized -= trade.maker_fee
        taker.realized -= trade.taker_fee


cdef void print_trade(core_t *c, const trade_t *trade) noexcept nogil:
    """The trade frame, with the venue's trade id and the instrument's gap-free trade sequence; and a record of it."""
    cdef tape_t *tape = &c.tapes[trade.instrument]
    cdef trade_event_t *event
    if trade.price_ticks != tape.last_ticks:
        tape.tick_direction = 0 if trade.price_ticks > tape.last_ticks else 2
    elif tape.tick_direction % 2 == 0:
        tape.tick_direction += 1
    tape.last_ticks = trade.price_ticks
    tape.trade_seq += 1
    c.trades += 1
    event = emit_trade(c)
    event.trade_id = c.trades
    event.trade_seq = tape.trade_seq
    event.instrument = trade.instrument
    event.taker_side = 1 - trade.maker_side
    event.tick_direction = tape.tick_direction
    event.trade_flags = trade.flags
    event.maker_order_id = trade.maker_id
    event.taker_order_id = trade.taker_id
    event.maker_account = trade.maker
    event.taker_account = trade.taker
    event.price_ticks = trade.price_ticks
    event.quantity_lots = trade.lots
    event.maker_fee = trade.maker_fee
    event.taker_fee = trade.taker_fee
    event.mark_ticks = c.contracts[trade.instrument].mark_ticks
    event.index_ticks = c.contracts[trade.instrument].index_ticks
    if not trade.flags & TRADE_COMBO:
        keep_trade(c, trade)


cdef inline void keep_trade(core_t *c, const trade_t *trade) noexcept nogil:
    """What a bust or a correction needs to know of it (ORD-070)."""
    cdef trade_record_t *record = &c.kept[c.trades % c.trades_max]
    record.trade_id = c.trades
    record.price_ticks, record.lots = trade.price_ticks, trade.lots
    record.instrument = trade.instrument
    if trade.maker_side == 0:
        record.buyer, record.seller = trade.maker, trade.taker
        record.buyer_fee, record.seller_fee = trade.maker_fee, trade.taker_fee
    else:
        record.buyer, record.seller = trade.taker, trade.maker
        record.buyer_fee, record.seller_fee = trade.taker_fee, trade.maker_fee
    record.busted = 0
