# cython: language_level=3, boundscheck=False, wraparound=False
"""Spreads and strips: what their orders promise, and the legs that their trades become (COMBO-001..008).

Lives here: the worst loss and fee of a combo order, leg prices of direct trades, settlement of implied ones.
Does not know: when a combo trades (matching/combos.pyx).
Theory: a combo has no position of its own; each lot of it is one lot of every leg, bought or sold by its ratio. For
margin an order counts as one order per leg (the worst case of a sum is at most the sum of the worst cases), and what
its price can lose against the marks, over all leg prices inside the legs' bands that make it up, goes with the first.
A spread has legs +1 and -1, a strip only +1; other combos are not listed.
"""
from libc.stdint cimport int64_t, uint32_t

from clearing.contracts cimport NO_MARGIN, contract_t
from clearing.margin cimport add_order, margin_book, margin_book_t
from clearing.positions cimport position_find, position_open, position_t
from domain.cfixed cimport fixed_add, fixed_mul
from exchange.core cimport ACCOUNT_REDUCE_ONLY, core_t, order_info_t
from exchange.settle cimport (cash_covers, check_equity, fee_of, fee_per_lot, funds_t, move_trade, place_hold, print_trade,
                              reduces, trade_t)
from matching.types cimport BOOK_FILL, book_event_t, book_more_t, leg_t

cdef enum:
    TRADE_IMPLIED = 2
    TRADE_COMBO = 4
    TRADE_COMBO_LEG = 8
    PRICE_BAND = 2007
    ACCOUNT_REDUCE_ONLY_CODE = 2021
    POSITION_LIMIT = 2023
    CAPACITY = 2043


cdef inline int leg_side(int side, const leg_t *leg) noexcept nogil:
    """Side of the leg's trade for an order on this side of the combo."""
    return side if leg.ratio > 0 else 1 - side


cdef inline int64_t low_of(core_t *c, uint32_t leg) noexcept nogil:
    return c.engine.books[leg].band_low_ticks


cdef inline int64_t high_of(core_t *c, uint32_t leg) noexcept nogil:
    return c.engine.books[leg].band_low_ticks + c.engine.books[leg].band_span_ticks


cdef inline bint is_spread(const book_more_t *more) noexcept nogil:
    return more.legs == 2 and more.leg[0].ratio != more.leg[1].ratio


# -------------------------------------------------------------------------------------------------------- promises

cdef bint reachable(core_t *c, uint32_t combo, int64_t price_ticks) noexcept nogil:
    """Are there leg prices inside their bands that make up this price? `price_ticks` as people see it."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef int64_t low = 0, high = 0
    cdef uint32_t i
    for i in range(more.legs):
        if more.leg[i].ratio > 0:
            low += low_of(c, more.leg[i].book)
            high += high_of(c, more.leg[i].book)
        else:
            low -= high_of(c, more.leg[i].book)
            high -= low_of(c, more.leg[i].book)
    return low <= price_ticks <= high


cdef int64_t combo_loss(core_t *c, uint32_t combo, int side, int64_t price_ticks) noexcept nogil:
    """Most that one lot can lose against the marks when it trades at this price (inside, with bias). At least 0."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef int64_t price = price_ticks - more.bias_ticks, first, a, b
    if not is_spread(more):
        return strip_loss(c, more, side, price)
    # One free price, so the loss is linear in it: the worse of the ends of its interval.
    first = more.leg[0].ratio
    a = low_of(c, more.leg[0].book)
    b = high_of(c, more.leg[0].book)
    a = max(a, low_of(c, more.leg[1].book) + first * price)
    b = min(b, high_of(c, more.leg[1].book) + first * price)
    return max(<int64_t>0, max(spread_loss(c, more, side, a, a - first * price),
                               spread_loss(c, more, side, b, b - first * price)))


cdef int64_t spread_loss(core_t *c, const book_more_t *more, int side, int64_t near, int64_t far) noexcept nogil:
    """Loss of one lot against the marks at these leg prices."""
    cdef contract_t *one = &c.contracts[more.leg[0].book]
    cdef contract_t *two = &c.contracts[more.leg[1].book]
    cdef int64_t paid = (more.leg[0].ratio * one.tick_value * (near - one.mark_ticks)
                         + more.leg[1].ratio * two.tick_value * (far - two.mark_ticks))
    return paid if side == 0 else -paid


cdef int64_t strip_loss(core_t *c, const book_more_t *more, int side, int64_t price) noexcept nogil:
    """All of the price beyond the lowest leg prices stands where a tick is worth most (buys) or least (sells)."""
    cdef contract_t *contract
    cdef int64_t rest = price, at_low = 0, at_marks = 0, dearest = 0, cheapest = 9223372036854775807, low
    cdef uint32_t i
    for i in range(more.legs):
        contract = &c.contracts[more.leg[i].book]
        low = low_of(c, more.leg[i].book)
        rest -= low
        at_low += contract.tick_value * low
        at_marks += contract.tick_value * contract.mark_ticks
        dearest = max(dearest, contract.tick_value)
        cheapest = min(cheapest, contract.tick_value)
    if side == 0:
        return max(<int64_t>0, at_low + rest * dearest - at_marks)
    return max(<int64_t>0, at_marks - at_low - rest * cheapest)


cdef int64_t combo_fee(core_t *c, uint32_t combo, int64_t price, int *overflow) noexcept nogil:
    """Worst fee of one lot: every leg at the highest price it can have in a trade at this one."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef int64_t fee = 0, highest, others = 0
    cdef uint32_t i
    for i in range(more.legs):
        others += low_of(c, more.leg[i].book)
    for i in range(more.legs):
        highest = high_of(c, more.leg[i].book)
        if not is_spread(more):
            highest = min(highest, price - (others - low_of(c, more.leg[i].book)))
        fee = fixed_add(fee, fee_per_lot(&c.contracts[more.leg[i].book], highest, overflow), overflow)
    return fee


cdef void combo_funds(core_t *c, uint32_t account, uint32_t combo, int side, int64_t price_ticks, int64_t lots,
                      funds_t *funds) noexcept nogil:
    """Can the account carry this combo order filled in full, on top of everything open? Changes nothing (COMBO-003)."""
    cdef contract_t *contract = &c.contracts[combo]
    cdef int64_t price = price_ticks - contract.bias_ticks, need
    cdef int overflow = 0
    if not reachable(c, combo, price):
        funds.code = PRICE_BAND
        return
    funds.asset = contract.quote_asset
    funds.loss_per_lot = combo_loss(c, combo, side, price_ticks)
    funds.hold_per_lot = funds.hold_per_lot_resting = combo_fee(c, combo, price, &overflow)
    fixed_mul(funds.loss_per_lot, lots, &overflow)
    need = fixed_mul(funds.hold_per_lot, lots, &overflow)
    if not cash_covers(c, account, need, overflow, funds):
        return
    combo_margin(c, account, combo, side, lots, need, funds)


cdef void combo_margin(core_t *c, uint32_t account, uint32_t combo, int side, int64_t lots, int64_t need,
                       funds_t *funds) noexcept nogil:
    """Initial margin with one order per leg, and the position limit of every leg."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef uint32_t slot = c.contracts[combo].margin_slot, pair, fresh = 0, i
    cdef margin_book_t tried = margin_book(c.margin, account, slot)[0]
    cdef contract_t *leg
    cdef position_t position
    cdef int64_t same_side
    cdef int at
    cdef bint reducing = True
    for i in range(more.legs):
        leg = &c.contracts[more.leg[i].book]
        at = leg_side(side, &more.leg[i])
        pair = position_find(c.positions, account, more.leg[i].book)
        fresh += pair == 0
        position = c.positions.slots[pair]
        same_side = position.buy_lots + position.lots if at == 0 else position.sell_lots - position.lots
        if lots > leg.position_lots_max - same_side:    # `lots` may be as large as a number gets
            funds.code, funds.value = POSITION_LIMIT, leg.position_lots_max
            return
        reducing = reducing and reduces(c, account, more.leg[i].book, at, lots)
        add_order(&tried, leg, &position, at, lots, funds.loss_per_lot if i == 0 else 0)
    if c.positions.used + fresh > c.positions.maximum:
        funds.code = CAPACITY
        return
    if c.account_state[account] == ACCOUNT_REDUCE_ONLY and not reducing:
        funds.code = ACCOUNT_REDUCE_ONLY_CODE
        return
    check_equity(c, account, &tried, slot, reducing, need, funds)


cdef void combo_hold(core_t *c, uint32_t account, uint32_t combo, int side, int64_t lots,
                     int64_t loss_per_lot) noexcept nogil:
    """Margin effect of `lots` of a resting combo order on every leg; negative `lots` takes it away."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef uint32_t i
    for i in range(more.legs):
        add_order(margin_book(c.margin, account, c.contracts[combo].margin_slot), &c.contracts[more.leg[i].book],
                  &c.positions.slots[position_open(c.positions, account, more.leg[i].book)],
                  leg_side(side, &more.leg[i]), lots, loss_per_lot if i == 0 else 0)


# ----------------------------------------------------------------------------------------------------- direct trades

cdef void leg_prices(core_t *c, uint32_t combo, int64_t price, int64_t *out) noexcept nogil:
    """Spread: the near leg at its mark, the far leg from the price. Strip: what the price differs from the marks is
    shared, remainder to the earliest. Then everything inside the legs' bands (COMBO-005)."""
    cdef book_more_t *more = &c.engine.more[combo]
    cdef int64_t share, left = price, room
    cdef uint32_t i
    if is_spread(more):
        out[0] = clamp(c, more.leg[0].book, c.contracts[more.leg[0].book].mark_ticks)
        out[1] = clamp(c, more.leg[1].book, out[0] - more.leg[0].ratio * price)
        out[0] = out[1] + more.leg[0].ratio * price
        return
    for i in range(more.legs):
        left -= c.contracts[more.leg[i].book].mark_ticks
    share = left // <int64_t>more.legs
    left -= share * <int64_t>more.legs
    for i in range(more.legs):
        out[i] = c.contracts[more.leg[i].book].mark_ticks + share + (1 if i < left else 0)
    left = price
    for i in range(more.legs):
        out[i] = clamp(c, more.leg[i].book, out[i])
        left -= out[i]
    for i in range(more.legs):
        room = low_of(c, more.leg[i].book) - out[i] if left < 0 else high_of(c, more.leg[i].book) - out[i]
        room = max(left, room) if left < 0 else min(left, room)
        out[i] += room
        left -= room


cdef inline int64_t clamp(core_t *c, uint32_t leg, int64_t price) noexcept nogil:
    return min(max(price, low_of(c, leg)), high_of(c, leg))


cdef void trade_legs(core_t *c, trade_t *trade, int64_t maker_ppm_of_taker, order_info_t *maker,
                     order_info_t *taker) noexcept nogil:
    """A combo met a combo: print it, then trade every leg between the two; fees are the legs'."""
    cdef book_more_t *more = &c.engine.more[trade.instrument]
    cdef int64_t prices[12]
    cdef contract_t *contract
    cdef trade_t leg = trade[0]
    cdef uint32_t i
    leg_prices(c, trade.instrument, trade.price_ticks, prices)
    trade.maker_fee = trade.taker_fee = 0
    trade.flags |= TRADE_COMBO
    leg.flags |= TRADE_COMBO_LEG
    print_trade(c, trade)
    for i in range(more.legs):
        contract = &c.contracts[more.leg[i].book]
        leg.instrument = more.leg[i].book
        leg.price_ticks = prices[i]
        leg.maker_side = <unsigned char>leg_side(trade.maker_side, &more.leg[i])
        move_trade(c, &leg, contract.maker_fee_ppm,
                   contract.maker_fee_ppm if maker_ppm_of_taker else contract.taker_fee_ppm)
        maker.fee += leg.maker_fee
        taker.fee += leg.taker_fee
        print_trade(c, &leg)


cdef void combo_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil:
    """A combo order traded with a combo order in continuous trading."""
    cdef order_info_t *maker = &c.infos[fill.slot]
    cdef trade_t trade
    trade.instrument = fill.book
    trade.maker, trade.taker = fill.owner, taker_account
    trade.maker_id, trade.taker_id = fill.order_id, fill.taker_id
    trade.price_ticks, trade.lots = fill.price_ticks - c.contracts[fill.book].bias_ticks, fill.lots
    trade.maker_side, trade.flags = fill.side, 0
    place_hold(c, fill.owner, fill.book, fill.side, -fill.lots, maker)
    maker.notional_ticks += trade.price_ticks * trade.lots
    taker.notional_ticks += trade.price_ticks * trade.lots
    maker.updated_ns = c.time_ns
    trade_legs(c, &trade, False, maker, taker)


cdef void combo_cross(core_t *c, trade_t *trade, order_info_t *maker, order_info_t *taker) noexcept nogil:
    """The same in an auction, where both rested."""
    trade_legs(c, trade, True, maker, taker)


# ---------------------------------------------------------------------------------------------------- implied trades

cdef void implied_begin(core_t *c, const book_event_t *event, order_info_t *taker) noexcept nogil:
    """The taker trades with several orders at once; their fills follow (COMBO-006). A combo order in the middle of it
    trades the taker's book with the taker and the other legs with their makers."""
    cdef uint32_t combo = <uint32_t>event.taker_id
    taker.notional_ticks += (event.price_ticks - c.contracts[event.book].bias_ticks) * event.lots
    c.implied.combo = combo
    c.implied.parts = c.engine.more[combo].legs
    c.implied.lots = event.lots
    c.implied.price_ticks = event.price_ticks
    c.implied.book = event.book
    c.implied.taker_side = event.side
    c.implied.taker_id = event.order_id
    c.implied.maker_slot = 0


cdef void implied_fill(core_t *c, const book_event_t *fill, uint32_t taker_account, order_info_t *taker) noexcept nogil:
    """One of the orders that the taker traded with at once."""
    cdef order_info_t *maker = &c.infos[fill.slot]
    cdef contract_t *contract
    cdef trade_t trade
    cdef bint both_rested
    c.implied.parts -= 1
    place_hold(c, fill.owner, fill.book, fill.side, -fill.lots, maker)
    maker.notional_ticks += (fill.price_ticks - c.contracts[fill.book].bias_ticks) * fill.lots
    maker.updated_ns = c.time_ns
    trade.maker, trade.maker_id, trade.maker_side = fill.owner, fill.order_id, fill.side
    trade.taker, trade.taker_id = taker_account, c.implied.taker_id
    trade.instrument, trade.price_ticks, trade.lots = fill.book, fill.price_ticks, fill.lots
    trade.flags = TRADE_IMPLIED
    if fill.book == c.implied.combo:        # it comes first: the taker's own book trades between these two
        c.implied.maker_slot, c.implied.maker, c.implied.maker_order_id = fill.slot, fill.owner, fill.order_id
        trade.instrument, trade.price_ticks = c.implied.book, c.implied.price_ticks
        trade.maker_side = 1 - c.implied.taker_side
        trade.flags |= TRADE_COMBO_LEG
    elif c.implied.maker_slot != 0:
        trade.taker, trade.taker_id = c.implied.maker, c.implied.maker_order_id
        trade.flags |= TRADE_COMBO_LEG
    contract = &c.contracts[trade.instrument]
    both_rested = c.implied.maker_slot != 0 and fill.book != c.implied.combo
    move_trade(c, &trade, contract.maker_fee_ppm, contract.maker_fee_ppm if both_rested else contract.taker_fee_ppm)
    if not both_rested:
        taker.fee += trade.taker_fee
    maker.fee += trade.maker_fee
    if fill.book == c.implied.combo:
        maker.fee += fees_ahead(c, fill)    # its frame is written before its other legs are read
    print_trade(c, &trade)


cdef int64_t fees_ahead(core_t *c, const book_event_t *fill) noexcept nogil:
    """What the combo order in the middle pays on its other legs, whose fills stand behind its own."""
    cdef const book_event_t *event = fill + 1
    cdef uint32_t parts = c.implied.parts
    cdef contract_t *contract
    cdef int64_t fees = 0
    while parts != 0:
        if event.kind == BOOK_FILL:
            contract = &c.contracts[event.book]
            fees += fee_of(event.price_ticks * contract.tick_value * event.lots, contract.maker_fee_ppm)
            parts -= 1
        event += 1
    return fees
