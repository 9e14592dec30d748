"""Faults that other engines had around trading: in orders that wait, pegs and auctions, planted into the twin.

Lives here: one function per fault, as in planted.py. Does not know: what catches them.
"""

from collections.abc import Callable

import pytest

from domain.constants import TRIGGER_UP
from tests.reference import auction, order_book, pegs, triggers
from tests.reference.book_records import WAITING, Book, Order
from tests.reference.book_state import EngineState
from tests.reference.order_book import Event, ReferenceEngine

Patch = pytest.MonkeyPatch


# ---- waiting orders --------------------------------------------------------------------------------------------


def stop_comparison_is_inverted(patch: Patch) -> None:
    def is_reached(order: Order, price: int) -> bool:
        return price <= order.trigger_ticks if order.trigger == TRIGGER_UP else price >= order.trigger_ticks

    patch.setattr(triggers, "_is_reached", is_reached)


def untriggered_stop_cannot_be_cancelled(patch: Patch) -> None:
    _refuse_cancels(patch, lambda engine, order: order.state == WAITING)


def trailing_stop_moves_only_once(patch: Patch) -> None:
    follow = triggers._follow
    patch.setattr(triggers, "_follow", lambda order, price: not order.extreme_ticks and follow(order, price))


def stops_are_looked_at_in_a_single_pass(patch: Patch) -> None:
    run_line = triggers.run_line

    def one_pass(state: EngineState) -> None:
        vars(state)["see"] = lambda *_: None  # prices of this pass are not looked at
        run_line(state)
        del vars(state)["see"]

    patch.setattr(order_book, "run_line", one_pass)


# ---- pegs and auctions -----------------------------------------------------------------------------------------


def pegs_are_not_repriced(patch: Patch) -> None:
    patch.setattr(order_book, "reprice_touched", lambda state: None)


def peg_breaks_the_way_into_an_auction(patch: Patch) -> None:
    begin = pegs.begin_phase

    def panic(state: EngineState, book: Book, phase: int) -> None:
        if book.pegs:
            raise IndexError("a peg has no price")
        begin(state, book, phase)

    patch.setattr(auction, "begin_phase", panic)


def iceberg_of_an_auction_shows_its_whole_size(patch: Patch) -> None:
    rest = EngineState.rest

    def show_all(state: EngineState, order: Order) -> None:
        display = order.display_lots
        if state.books[order.book].is_call:
            order.display_lots = 0
        rest(state, order)
        order.display_lots = display

    patch.setattr(EngineState, "rest", show_all)


def order_of_an_auction_never_expires(patch: Patch) -> None:
    _refuse_cancels(patch, lambda engine, order: engine._books[order.book].is_call)


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _refuse_cancels(patch: Patch, of: Callable[[ReferenceEngine, Order], bool]) -> None:
    cancel = ReferenceEngine.cancel

    def refuse(engine: ReferenceEngine, order_id: int, owner: int) -> list[Event]:
        order = engine._resting.get(order_id)
        if order is not None and of(engine, order):
            return [("refused", order_id, "unknown_order")]
        return cancel(engine, order_id, owner)

    patch.setattr(ReferenceEngine, "cancel", refuse)
