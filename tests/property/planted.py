"""Faults that other matching engines had in trading itself, planted into the twin.

Lives here: one function per fault; it takes pytest's monkeypatch and breaks the twin for the length of a test.
Does not know: what catches them (test_planted_faults.py), orders that wait, pegs, auctions (planted_around.py).
"""

from typing import Any, Final

import pytest

from domain.constants import IOC, MARKET, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST
from tests.reference import amends, order_book, order_checks, taking
from tests.reference.book_records import GONE, RESTING, Book, Level, Order
from tests.reference.book_state import EngineState
from tests.reference.order_book import Event, ReferenceEngine

Patch = pytest.MonkeyPatch
SPREADER: Final = 2_654_435_761  # order ids by this, modulo 2**32, come in an order like that of a hash table
WINDOW_TICKS: Final = 50


def _hashed(order_id: int) -> int:
    return order_id * SPREADER % 2**32


# ---- queues and levels -----------------------------------------------------------------------------------------


def partial_fill_demotes_the_maker(patch: Patch) -> None:
    take_from = EngineState.take_from

    def take(state: EngineState, order: Order, lots: int) -> int:
        level_lots = take_from(state, order, lots)
        if order.shown_lots > 0:
            queue = _level(state, order).queue
            queue[order.order_id] = queue.pop(order.order_id)
        return level_lots

    patch.setattr(EngineState, "take_from", take)


def cancel_inside_a_queue_breaks_its_order(patch: Patch) -> None:
    """The last order is moved into the hole."""
    leave = EngineState._leave_level

    def swap(state: EngineState, book: Book, order: Order) -> int:
        level = _level(state, order)
        ids = list(level.queue)
        place = ids.index(order.order_id)
        level_lots = leave(state, book, order)
        if 0 < place < len(ids) - 2:
            ids = [*ids[:place], ids[-1], *ids[place + 1 : -1]]
            level.queue = {order_id: level.queue[order_id] for order_id in ids}
        return level_lots

    patch.setattr(EngineState, "_leave_level", swap)


def empty_level_is_left_behind(patch: Patch) -> None:
    leave = EngineState._leave_level

    def keep(state: EngineState, book: Book, order: Order) -> int:
        level, price = _level(state, order), order.price_ticks
        level_lots = leave(state, book, order)
        book.sides[order.side][price] = level
        return level_lots

    patch.setattr(EngineState, "_leave_level", keep)


def deleted_level_takes_its_neighbour_along(patch: Patch) -> None:
    leave = EngineState._leave_level

    def lose(state: EngineState, book: Book, order: Order) -> int:
        level_lots = leave(state, book, order)
        levels = book.sides[order.side]
        above = [price for price in levels if price > order.price_ticks]
        if order.price_ticks not in levels and len(above) > 1:
            _lose(state, levels.pop(above[0]))
        return level_lots

    patch.setattr(EngineState, "_leave_level", lose)


def orders_outside_a_price_window_are_lost(patch: Patch) -> None:
    set_last = EngineState.set_last

    def lose(state: EngineState, book: Book, price: int) -> None:
        set_last(state, book, price)
        for levels in book.sides:
            for far in [level_price for level_price in levels if abs(level_price - price) > WINDOW_TICKS]:
                _lose(state, levels.pop(far))

    patch.setattr(EngineState, "set_last", lose)


def queues_are_in_hash_order(patch: Patch) -> None:
    rest = EngineState.rest

    def hashed(state: EngineState, order: Order) -> None:
        rest(state, order)
        level = _level(state, order)
        level.queue = dict(sorted(level.queue.items(), key=lambda item: _hashed(item[0])))

    patch.setattr(EngineState, "rest", hashed)


# ---- trading ---------------------------------------------------------------------------------------------------


def trade_is_at_the_takers_price(patch: Patch) -> None:
    fill = taking._fill_maker

    def at_takers(state: EngineState, book: Book, maker: Order, taker: Order, lots: int) -> None:
        place = len(state.events)
        fill(state, book, maker, taker, lots)
        event = state.events[place]
        state.events[place] = (*event[:3], taker.price_ticks or event[3], *event[4:])

    patch.setattr(taking, "_fill_maker", at_takers)


def trades_of_nothing_are_reported(patch: Patch) -> None:
    trade = taking._trade

    def with_phantom(state: EngineState, book: Book, maker: Order, taker: Order, lots: int) -> None:
        trade(state, book, maker, taker, lots)
        if maker.open_lots == 0:
            state.say(book, ("fill", maker.order_id, taker.order_id, maker.price_ticks, 0, 0, 0))

    patch.setattr(taking, "_trade", with_phantom)


def limit_order_sweeps_through_its_limit(patch: Patch) -> None:
    accepts = order_checks.accepts
    patch.setattr(
        taking, "accepts", lambda side, limit, price: any(accepts(side, limit, price + step) for step in (-1, 0, 1))
    )  # fmt: skip


def rest_of_an_immediate_order_rests(patch: Patch) -> None:
    patch.setattr(Order, "may_rest", property(lambda order: order.order_type != MARKET and order.tif <= IOC))


def fill_or_kill_is_judged_maker_by_maker(patch: Patch) -> None:
    def can_fill(state: EngineState, book: Book, taker: Order) -> bool:
        first = book.first(1 - taker.side)
        return first is not None and first.open_lots >= taker.open_lots

    patch.setattr(taking, "_can_fill_whole", can_fill)


# ---- self-trade prevention -------------------------------------------------------------------------------------


def own_orders_are_found_in_hash_order(patch: Patch) -> None:
    prevent = taking.prevent

    def prevent_other(state: EngineState, taker: Order, maker: Order) -> None:
        own = [order for order in _level(state, maker).queue.values() if order.owner == taker.owner]
        if taker.stp == STP_CANCEL_OLDEST:
            state.remove(max(own, key=lambda order: _hashed(order.order_id)), "stp")
        else:
            prevent(state, taker, maker)

    patch.setattr(taking, "prevent", prevent_other)


def rest_after_prevention_rests(patch: Patch) -> None:
    class Stopped(Exception):
        pass

    prevent, sweep = taking.prevent, taking._sweep

    def stop(state: EngineState, taker: Order, maker: Order) -> None:
        if taker.stp == STP_CANCEL_NEWEST and taker.may_rest:
            raise Stopped
        prevent(state, taker, maker)

    def stopped_sweep(state: EngineState, book: Book, taker: Order) -> str | None:
        try:
            return sweep(state, book, taker)
        except Stopped:
            return None

    patch.setattr(taking, "prevent", stop)
    patch.setattr(taking, "_sweep", stopped_sweep)


def only_the_first_own_order_is_cancelled(patch: Patch) -> None:
    prevents, prevented = taking.prevents, set[tuple[int, int]]()

    def prevents_once(state: EngineState, taker: Order, maker: Order) -> bool:
        key = (id(state), state.command)
        if key in prevented or not prevents(state, taker, maker):
            return False
        prevented.add(key)
        return True

    patch.setattr(taking, "prevents", prevents_once)


# ---- amends and ids --------------------------------------------------------------------------------------------


def amend_leaves_the_order_in_its_old_level(patch: Patch) -> None:
    amend = amends._amend_resting

    def corrupt(state: EngineState, book: Book, order: Order, price: int, open_lots: int) -> str | None:
        before = order.price_ticks
        reason = amend(state, book, order, price, open_lots)
        if order.state == RESTING and order.price_ticks != before:
            book.sides[order.side].setdefault(before, Level()).queue[order.order_id] = order
        return reason

    patch.setattr(amends, "_amend_resting", corrupt)


def increase_keeps_the_place(patch: Patch) -> None:
    amend = amends._amend_resting

    def keep(state: EngineState, book: Book, order: Order, price: int, open_lots: int) -> str | None:
        if price != order.price_ticks or open_lots <= order.open_lots:
            return amend(state, book, order, price, open_lots)
        more = open_lots - order.open_lots
        order.open_lots += more
        order.shown_lots += more
        _level(state, order).lots += more
        amends._amend_in_place(state, book, order, open_lots)
        return None

    patch.setattr(amends, "_amend_resting", keep)


def refused_amend_costs_the_place(patch: Patch) -> None:
    amend = amends._amend_resting

    def demote(state: EngineState, book: Book, order: Order, price: int, open_lots: int) -> str | None:
        reason = amend(state, book, order, price, open_lots)
        if reason is not None:
            queue = _level(state, order).queue
            queue[order.order_id] = queue.pop(order.order_id)
        return reason

    patch.setattr(amends, "_amend_resting", demote)


def amend_of_a_filled_order_is_accepted(patch: Patch) -> None:
    amend = ReferenceEngine.amend

    def accept(engine: ReferenceEngine, order_id: int, owner: int, price: int, total: int, **more: int) -> list[Event]:
        if engine.order(order_id) is None:
            return [("amended", order_id, price, total, total)]
        return amend(engine, order_id, owner, price, total, **more)

    patch.setattr(ReferenceEngine, "amend", accept)


def id_that_is_in_use_is_taken_again(patch: Patch) -> None:
    refuse = order_checks.refuse_entry

    def reuse(*args: Any) -> str | None:
        reason = refuse(*args)
        return None if reason == "duplicate_id" else reason

    patch.setattr(order_book, "refuse_entry", reuse)


def notional_is_checked_at_the_wrong_scale(patch: Patch) -> None:
    refuse = order_checks.refuse_limit
    for module in (order_checks, amends):
        patch.setattr(module, "refuse_limit", lambda book, price, lots: refuse(book, price, -(-lots // 100)))


# ---- helpers ---------------------------------------------------------------------------------------------------


def _level(state: EngineState, order: Order) -> Level:
    level: Level = state.books[order.book].sides[order.side][order.price_ticks]
    return level


def _lose(state: EngineState, level: Level) -> None:
    """Forget every order of a level without a word."""
    for order in level.queue.values():
        order.state = GONE
        del state.orders[order.order_id]
