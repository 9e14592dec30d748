"""Finds the two matching engines that tests drive through one door.

Lives here: the common door as a protocol, and a loader by name.
Does not know: how either engine works. There is no fallback: asking for the compiled engine when it is not built fails.
"""

import importlib
from typing import Any, Final, Protocol, cast

from domain.book_rules import BookRules
from domain.constants import GTC, LIMIT, STP_CANCEL_NEWEST
from tests.reference.order_book import ReferenceEngine

Event = tuple[Any, ...]

COMPILED: Final = "compiled"
REFERENCE: Final = "reference"
ENGINE_NAMES: Final = (REFERENCE, COMPILED)


class EngineNotBuilt(RuntimeError):
    """The compiled engine cannot be imported; the text says how to build it."""


class Engine(Protocol):
    """What both engines can do; every number is an integer. Rules: docs/rules/MATCH.md.

    Every command returns its events in the order in which they happened. All of an order's lots are whole quantities
    (reserve included) but for `level_lots`, the shown lots of its level afterwards, -1 where it was in no level.

    ("refused", order_id, reason)                                      the only event of its command
    ("fill", maker_id, taker_id, price, lots, maker_open_lots, level_lots)
    ("rested", order_id, price, open_lots, level_lots)
    ("amended", order_id, price, open_lots, level_lots)
    ("reduced", order_id, lots_less, open_lots, price, level_lots)     MATCH-039; the taker with its limit and -1
    ("cancelled", order_id, lots, reason, price, level_lots)           a taker's rest: its limit (0 = unbounded), -1;
                                                                       waiting, parked: their limit (0 = none) and -1
    ("refreshed", order_id, price, shown_lots, level_lots)             MATCH-066
    ("pending", order_id, trigger_ticks, lots)                         MATCH-070; trailing: its activation price or 0
    ("triggered", order_id, seen_price)                                MATCH-074
    ("parked", order_id, lots)                                         MATCH-081
    ("mmp", owner, group, frozen_until)                                MATCH-102; 0 = until reset
    ("implied", taker_id, combo_book, price, lots, taker_open_lots)    MATCH-114
    ("phase", book, phase)
    ("auction", book, price, volume)                                   MATCH-094
    ("cross", bid_id, ask_id, price, lots, bid_open, ask_open, bid_level_lots, ask_level_lots)
    ("extended", book, indicative_price)                               MATCH-096

    For `quote` the id in "refused" is the new order id given. Refusals of set_phase name the book as id.
    A price of a combo book is its outside price (may be negative) everywhere in this door.
    """

    def __init__(
        self, *, orders_max: int = ..., books_max: int = ..., pages_max: int = ..., trailing_max: int = ...,
        pegs_max: int = ...,
    ) -> None: ...  # fmt: skip
    def add_book(self, book: int, rules: BookRules) -> None: ...
    def add_combo(self, book: int, rules: BookRules, legs: tuple[tuple[int, int], ...]) -> None: ...
    def submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *,
        order_type: int = LIMIT, tif: int = GTC, post_only: int = 0, stp: int = STP_CANCEL_NEWEST,
        display_lots: int = 0, budget: int = 0, trigger: int = 0, trigger_ticks: int = 0, reference: int = 0,
        trail_ticks: int = 0, trail_bps: int = 0, peg: int = 0, peg_offset: int = 0, oco: int = 0, mmp: int = 0,
    ) -> list[Event]: ...  # fmt: skip
    def cancel(self, order_id: int, owner: int) -> list[Event]: ...
    def amend(
        self, order_id: int, owner: int, price_ticks: int, total_lots: int, *, trigger_ticks: int = 0
    ) -> list[Event]: ...
    def cancel_owner(
        self, owner: int, *, book: int | None = None, side: int | None = None, low: int | None = None,
        high: int | None = None,
    ) -> list[Event]: ...  # fmt: skip
    def cancel_book(
        self, book: int, *, side: int | None = None, low: int | None = None, high: int | None = None
    ) -> list[Event]: ...
    def quote(
        self, owner: int, quote_set: int, book: int, side: int, order_id: int, price_ticks: int, lots: int, *,
        mmp: int = 0, post_only: int = 0, stp: int = STP_CANCEL_NEWEST,
    ) -> list[Event]: ...  # fmt: skip
    def set_mmp(
        self, owner: int, group: int, *, lots: int = 0, delta: int = 0, vega: int = 0, window: int, frozen: int = 0
    ) -> None: ...  # (again: new limits, sums kept)
    def reset_mmp(self, owner: int, group: int) -> None: ...
    def set_now(self, now: int) -> None: ...  # a number that never falls; MMP windows only
    def set_greeks(self, book: int, delta: int, vega: int) -> None: ...
    def set_group(self, owner: int, group: int) -> None: ...
    def set_price(self, book: int, reference: int, price_ticks: int) -> list[Event]: ...  # MATCH-072
    def set_auction_reference(self, book: int, price_ticks: int) -> None: ...  # 0 = none
    def set_phase(self, book: int, phase: int, *, force: bool = False) -> list[Event]: ...
    def phase(self, book: int) -> int: ...
    def indicative(self, book: int) -> tuple[int, int, int] | None: ...  # price, volume, D - S
    def implied(self, book: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]: ...  # (price, lots) bid, ask
    def best(self, book: int) -> tuple[int | None, int | None]: ...  # of what rests
    def depth(self, book: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...  # shown lots
    def order(self, order_id: int) -> tuple[int, int, int, int, int, int] | None: ...  # open lots whole; any state
    def shown(self, order_id: int) -> int: ...  # lots shown in its level, 0 if none
    def waiting(self, book: int) -> list[int]: ...  # ids of waiting orders by entry number
    def parked(self, book: int) -> list[int]: ...  # ids of parked pegs by entry number
    def last_price(self, book: int) -> int | None: ...
    def check_invariants(self) -> None: ...
    def state_digest(self) -> str: ...


def engine_class(name: str) -> type[Engine]:
    """The class called `name`, one of ENGINE_NAMES.

    Raises:
        EngineNotBuilt: the compiled engine cannot be imported.
        ValueError: no engine has this name.
    """
    if name == REFERENCE:
        return cast(type[Engine], ReferenceEngine)
    if name != COMPILED:
        raise ValueError(f"no engine is called {name!r}; there are {', '.join(ENGINE_NAMES)}")
    try:
        module = importlib.import_module("matching.engine")
    except ImportError as error:
        raise EngineNotBuilt(
            f"the compiled matching engine cannot be imported ({error}); run `make build` in the repository first"
        ) from error
    return cast(type[Engine], module.MatchingEngine)
