"""The plain exchange: every command of the core, one obvious method each.

Lives here: `PlainExchange`, the twin of the compiled core, with the hot commands, and `Answer`, what it says to one.
Does not know: the compiled rooms, records, frames, the chain (its parts have twins of their own).
Rules: docs/rules/. Refusals are judged before anything changes; the first that applies is the answer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from domain.constants import (
    ANY,
    ANY_ASSET,
    ANY_INSTRUMENT,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    REASON_TEXTS,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from domain.instruments import DAY_NS, KIND_FORWARD
from domain.limits import Limits
from domain.rejects import RejectCode
from tests.reference.exchange_cold import COLD, ColdCommands, Refused
from tests.reference.house import FIRST_CLIENT, MARGIN_ASSETS, House, Market, Order
from tests.reference.margin import OpenOrder, initial
from tests.reference.order_book import ReferenceEngine
from tests.reference.order_checks import accepts, protection_limit, refuse_lots, refuse_price

INT64 = range(-(2**63), 2**63)
OPEN, FILLED, CANCELLED = 1, 2, 3
REASON = {text: code for code, text in enumerate(REASON_TEXTS)}
BOOK_CODES = {
    "lots_range": RejectCode.LOTS_RANGE,
    "lot_step": RejectCode.LOT_STEP,
    "price_step": RejectCode.PRICE_STEP,
    "price_band": RejectCode.PRICE_BAND,
}


class Answer(NamedTuple):
    """What one command did. Orders: (id, state, reason, total, filled, notional, fee); trades: (maker, taker, price,
    lots, maker fee, taker fee)."""

    code: tuple[int, int, int]
    lapsed: list[tuple[int, ...]]  # orders cancelled because claims ended before the command
    orders: list[tuple[int, ...]]
    trades: list[tuple[int, ...]]


class Books(ReferenceEngine):
    """The plain books with a question: what would a new order meet?"""

    def judge(self, number: int, order: Order, *, order_type: int, tif: int, post_only: bool, stp: int) -> bool:
        """Raise Refused like the book would (MATCH-024); True if the order will be cancelled without a trade.

        Sets the limit of a market order in `order.price_ticks`.
        """
        book = self._books[number]
        if reason := refuse_lots(book.rules, order.total_lots):
            raise Refused(BOOK_CODES[reason])
        best = book.best_price(1 - order.side)
        if order_type == MARKET:
            order.price_ticks = 0
            if best is None:
                return True
            if post_only:
                raise Refused(RejectCode.POST_ONLY_CROSS)
            order.price_ticks = protection_limit(book.rules, order.side, best)
        else:
            if reason := refuse_price(book.rules, order.price_ticks):
                raise Refused(BOOK_CODES[reason])
            if post_only and best is not None and accepts(order.side, order.price_ticks, best):
                raise Refused(RejectCode.POST_ONLY_CROSS)
            if tif == GTC and len(self._resting) >= self._orders_max:
                raise Refused(RejectCode.BOOK_FULL)
        return tif == FOK and self.reachable(number, order, stp) < order.total_lots

    def reachable(self, number: int, order: Order, stp: int) -> int:
        """Lots the order could trade now (MATCH-013, MATCH-035)."""
        lots = 0
        for price, level in self._books[number].levels_best_first(1 - order.side):
            if not accepts(order.side, order.price_ticks, price):
                break
            for maker in level.queue.values():
                if stp == STP_NONE or maker.owner != order.account:
                    lots += maker.open_lots
                elif stp != STP_CANCEL_OLDEST:
                    return lots
        return lots


class PlainExchange(ColdCommands):
    """The door: one method per hot command and `cold` for the rest. Money in ledger units, prices in ticks."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.house = House()
        self.books = Books(orders_max=limits.orders_max, books_max=limits.instruments_max)
        self._orders: list[tuple[int, ...]] = []
        self._trades: list[tuple[int, ...]] = []
        self._ended: dict[int, tuple[int, ...]] = {}  # id % max -> id, account, state, reason, filled, its line
        self._client_ids: dict[tuple[int, int, bytes], int] = {}  # day, account, client order id -> order id

    def apply(self, sequence: int, time_ns: int, command: Any) -> Answer:
        """One command: a cold struct, or (name, fields) of a hot one."""
        house = self.house
        house.now_ns = time_ns
        lapsed = self._collect(self._cancel_banned)[0]
        try:
            if isinstance(command, tuple):
                name, fields = command
                handle: Callable[..., int] = getattr(self, name)
                value = handle(sequence, **fields) if name == "new_order" else handle(**fields)
            else:
                handle = getattr(self, COLD[type(command)])
                value = handle(command)
            code = (0, 0, value or 0)
        except Refused as refused:
            code = refused.answer
        orders, trades = self._collect(lambda: None)
        return Answer(code, lapsed, orders, trades)

    def _collect(self, act: Callable[[], None]) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        act()
        out = (self._orders, self._trades)
        self._orders, self._trades = [], []
        return out

    # ---- hot commands ---------------------------------------------------------------------------------------------

    def new_order(
        self, sequence: int, *, account: int, instrument: int, side: int, price_ticks: int, quantity_lots: int,
        order_type: int = LIMIT, time_in_force: int = GTC, post_only: bool = False, reduce_only: bool = False,
        stp: int = 1, cancel_on_disconnect: bool = False, valid_until_ns: int = 0, origin: int = 0,
        client_id: bytes = b"",
    ) -> int:  # fmt: skip
        """Validate, eligible, hold, match, settle, release."""
        house = self.house
        market = self._market(account, instrument)
        is_forward = market.terms.kind == KIND_FORWARD
        wrong = (side > 1, order_type > 2, time_in_force > 5, stp > 4, reduce_only > (1 if is_forward else 0))
        if any(wrong):
            raise Refused(RejectCode.BAD_FIELD, 1 + wrong.index(True))
        self._check_time_and_rule(account, market, valid_until_ns)
        resting = sum(order.account == account for order in house.orders.values())
        if (order_type, time_in_force) == (LIMIT, GTC) and resting >= self.limits.orders_per_account_max:
            raise Refused(RejectCode.OPEN_ORDERS_MAX)
        name = (house.now_ns // DAY_NS, account, client_id)
        if client_id and name in self._client_ids:
            return self._repeat(self._client_ids[name])
        if reduce_only:  # ORD-030; the flow lets none of them rest
            open_lots = house.lots(account, instrument) * (-1 if side == 0 else 1)
            quantity_lots = min(quantity_lots, max(0, open_lots))
            if open_lots <= 0:
                raise Refused(RejectCode.REDUCE_ONLY_INCREASES)
        order = Order(sequence, account, instrument, side, price_ticks, quantity_lots, origin, cancel_on_disconnect)
        dies = self.books.judge(
            instrument, order, order_type=order_type, tif=time_in_force, post_only=post_only, stp=stp
        )
        if not dies:
            edge = market.terms.rules
            unbounded = edge.band_high_ticks if side == 0 else edge.band_low_ticks
            self._check_funds(order, order.price_ticks or unbounded, quantity_lots)
        found = self.books.submit(
            instrument, sequence, account, side, price_ticks, quantity_lots,
            order_type=order_type, tif=time_in_force, post_only=post_only, stp=stp,
        )  # fmt: skip
        self._settle(found, order)
        if client_id:
            self._client_ids[name] = sequence
        return 0

    def _repeat(self, order_id: int) -> int:
        """The first order's report, as far as it is remembered (ORD-051)."""
        if order := self.house.orders.get(order_id):
            self._tell(order, OPEN)
            return order_id
        ended = self._ended.get(order_id % self.limits.closed_orders_max)
        if ended is None or ended[0] != order_id:
            raise Refused(RejectCode.DUPLICATE_CLIENT_ID, 0, order_id)
        self._orders.append(ended[5:])
        return order_id

    def cancel_order(self, *, account: int, order_id: int) -> int:
        """Take one's own order away."""
        self._own(account, order_id)
        self._cancel(order_id, "user")
        return 1

    def amend_order(
        self, *, account: int, order_id: int, price_ticks: int, total_lots: int, post_only: int = 255,
        valid_until_ns: int = 0,
    ) -> int:  # fmt: skip
        """Change price and total, as a whole or not at all."""
        order = self._own(account, order_id)
        market = self.house.markets[order.instrument]
        self._check_open(market)
        if post_only > 2 and post_only != 255:
            raise Refused(RejectCode.BAD_FIELD, 7)
        self._check_time_and_rule(account, market, valid_until_ns)
        rules = market.terms.rules
        if reason := (None if total_lots == 0 else refuse_lots(rules, total_lots)) or refuse_price(rules, price_ticks):
            raise Refused(BOOK_CODES[reason])
        wanted = total_lots - order.filled_lots
        resting = self.books._resting[order_id]
        is_post_only = resting.post_only if post_only == 255 else post_only
        if wanted > 0 and not (price_ticks == order.price_ticks and wanted <= order.open_lots):
            best = self.books.best(order.instrument)[1 - order.side]
            if is_post_only and best is not None and accepts(order.side, price_ticks, best):
                raise Refused(RejectCode.POST_ONLY_CROSS)
            self._check_funds(order, price_ticks, wanted, without=order_id)
        resting.post_only = is_post_only
        order.total_lots = total_lots if wanted > 0 else order.total_lots
        found = self.books.amend(order_id, account, price_ticks, total_lots)
        order.price_ticks = price_ticks if wanted > 0 else order.price_ticks
        self._settle(found, order)
        return 0

    def cancel_all(
        self, *, account: int, instrument: int = ANY_INSTRUMENT, quote_asset: int = ANY_ASSET,
        instrument_kind: int = ANY, side: int = ANY,
    ) -> int:  # fmt: skip
        """Take the account's orders away that pass every filter."""
        if not FIRST_CLIENT <= account < self.limits.accounts_max:
            raise Refused(RejectCode.UNKNOWN_ACCOUNT)
        mine = []
        for order in self._oldest_first(account):
            terms = self.house.markets[order.instrument].terms
            filters = (
                (instrument, ANY_INSTRUMENT, order.instrument),
                (quote_asset, ANY_ASSET, self.house.assets[terms.quote]),
                (instrument_kind, ANY, terms.kind),
                (side, ANY, order.side),
            )
            if all(wanted in (anything, actual) for wanted, anything, actual in filters):
                mine.append(order.order_id)
        for order_id in mine:
            self._cancel(order_id, "user")
        return len(mine)

    def cancel_session(self, *, origin: int) -> int:
        """Cancel-on-disconnect of one session."""
        return self._disconnect(lambda order: order.origin == origin)

    def cancel_gateway(self, *, origin: int) -> int:
        """Cancel-on-disconnect of one gateway's sessions, or of all."""
        return self._disconnect(lambda order: origin == 0 or order.origin >> 32 == origin >> 32)

    # ---- judging --------------------------------------------------------------------------------------------------

    def _market(self, account: int, instrument: int) -> Market:
        if not FIRST_CLIENT <= account < FIRST_CLIENT + len(self.house.accounts):
            raise Refused(RejectCode.UNKNOWN_ACCOUNT)
        if instrument >= len(self.house.markets):
            raise Refused(RejectCode.UNKNOWN_INSTRUMENT)
        self._check_open(self.house.markets[instrument])
        return self.house.markets[instrument]

    def _check_open(self, market: Market) -> None:
        if not market.open or self.house.now_ns >= market.terms.expiry_ns:
            raise Refused(RejectCode.INSTRUMENT_CLOSED)

    def _check_time_and_rule(self, account: int, market: Market, valid_until_ns: int) -> None:
        if valid_until_ns != 0 and self.house.now_ns > valid_until_ns:
            raise Refused(RejectCode.VALID_UNTIL_PASSED)
        if not self.house.eligible(account, market.terms.rule_id):
            raise Refused(RejectCode.NOT_ELIGIBLE, market.terms.rule_id)

    def _check_funds(self, order: Order, price_ticks: int, lots: int, *, without: int = 0) -> None:
        """HOLD-001..004, MARGIN-005: can the account carry this filled in full, on top of everything open?"""
        house, market, account = self.house, self.house.markets[order.instrument], order.account
        terms, is_forward = market.terms, market.terms.kind == KIND_FORWARD
        dearest = price_ticks
        if is_forward and order.side == 1:
            dearest = max(price_ticks, self.books.best(order.instrument)[0] or 0)
        asset, per_lot = house.promise(market, order.side, dearest)
        loss = house.loss_at_once(market, order.side, price_ticks) if is_forward else 0
        need = per_lot * lots
        if any(number not in INT64 for number in (price_ticks * terms.tick_value * lots, per_lot, need, loss * lots)):
            raise Refused(RejectCode.NOTIONAL_RANGE)
        free = house.free(account, asset, without=without)
        if need > free:
            raise Refused(RejectCode.INSUFFICIENT_BALANCE, house.assets[asset], need - free)
        if asset not in MARGIN_ASSETS:
            return
        extra, reducing, over = None, False, 0
        if is_forward:
            position = house.lots(account, order.instrument) * (1 if order.side == 0 else -1)
            same_side = house.open_lots(account, order.instrument, order.side, without=without) + lots
            over = max(0, position + same_side - terms.position_lots_max)
            if over >= lots:
                raise Refused(RejectCode.POSITION_LIMIT, 0, terms.position_lots_max)
            reducing = same_side <= -position
            if account in house.reduce_only and not reducing:
                raise Refused(RejectCode.ACCOUNT_REDUCE_ONLY)
            extra = OpenOrder(order.instrument, order.side, price_ticks, lots - over)
        unsettled = house.unsettled(account, asset)
        required = initial(house.maintenance(account, asset, extra=extra, without=without))
        equity = free - need + unsettled
        losses = house.order_losses(account, asset, without=without) + loss * (lots - over)
        if (required or unsettled < 0) and equity < required and not (reducing and (losses == 0 or losses <= equity)):
            raise Refused(RejectCode.INSUFFICIENT_MARGIN, house.assets[asset], required - equity)
        if over:
            raise Refused(RejectCode.POSITION_LIMIT, 0, terms.position_lots_max)

    def _own(self, account: int, order_id: int) -> Order:
        order = self.house.orders.get(order_id)
        if order is None:
            ended = self._ended.get(order_id % self.limits.closed_orders_max, (0,) * 5)
            known, owner, state, reason, filled = ended[:5]
            if order_id and (known, owner) == (order_id, account):
                if state == FILLED:
                    raise Refused(RejectCode.ORDER_ALREADY_FILLED, 0, filled)
                raise Refused(RejectCode.ORDER_ALREADY_CLOSED, reason, filled)
        if order is None or order.account != account:
            raise Refused(RejectCode.UNKNOWN_ORDER)
        return order

    # ---- acting ---------------------------------------------------------------------------------------------------

    def _settle(self, found: list[tuple[Any, ...]], taker: Order) -> None:
        """Carry out what the book did, then tell the taker's state."""
        house, state, reason = self.house, FILLED, 0
        market = house.markets[taker.instrument]
        for event in found:
            if event[0] == "fill":
                _, maker_id, _, price_ticks, lots, maker_open, _ = event
                maker = house.orders[maker_id]
                fees = house.settle_fill(market, maker, taker, price_ticks, lots)
                maker.open_lots = maker_open
                if maker_open == 0:
                    del house.orders[maker_id]
                market.last_ticks, market.trade_seq = price_ticks, market.trade_seq + 1
                self._trades.append((maker_id, taker.order_id, price_ticks, lots, *fees))
                self._tell(maker, OPEN if maker_open else FILLED)
            elif event[0] in ("rested", "amended"):
                taker.open_lots, state = event[3], OPEN
                house.orders[taker.order_id] = taker
            elif event[1] != taker.order_id:  # a maker stopped by self-trade prevention
                self._tell(house.orders.pop(event[1]), CANCELLED, event[3])
            elif event[3] != "amend_replace":
                state, reason = CANCELLED, REASON[event[3]]
        if state != OPEN:
            house.orders.pop(taker.order_id, None)
        self._orders.append(self._line(taker, state, reason))

    def _tell(self, order: Order, state: int, reason: str = "") -> None:
        self._orders.append(self._line(order, state, REASON[reason]))

    def _line(self, order: Order, state: int, reason: int) -> tuple[int, ...]:
        line = (order.order_id, state, reason, order.total_lots, order.filled_lots, order.notional_ticks, order.fee)
        if state != OPEN:
            place = order.order_id % self.limits.closed_orders_max
            self._ended[place] = (order.order_id, order.account, state, reason, order.filled_lots, *line)
        return line

    def _oldest_first(self, account: int) -> list[Order]:
        ids = [order_id for order_id, order in self.house.orders.items() if order.account == account]
        return [self.house.orders[i] for i in sorted(ids, key=lambda i: self.books._resting[i].entry)]

    def _cancel(self, order_id: int, reason: str) -> None:
        order = self.house.orders.pop(order_id)
        self.books.cancel(order_id, order.account)
        self._tell(order, CANCELLED, reason)

    def _disconnect(self, hit: Callable[[Order], bool]) -> int:
        gone = [order.order_id for order in self.house.orders.values() if order.cancel_on_disconnect and hit(order)]
        for order_id in gone:
            self._cancel(order_id, "disconnect")
        return len(gone)

    def _cancel_banned(self) -> None:
        """ELIG-004, ELIG-005."""
        for order in list(self.house.orders.values()):
            if not self.house.eligible(order.account, self.house.markets[order.instrument].terms.rule_id):
                self._cancel(order.order_id, "eligibility")
