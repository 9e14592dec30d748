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
    """What both engines can do; every number is an integer. Rules: docs/rules/MATCH.md."""

    def __init__(self, *, orders_max: int = ..., books_max: int = ..., pages_max: int = ...) -> None: ...
    def add_book(self, book: int, rules: BookRules) -> None: ...
    def submit(
        self, book: int, order_id: int, owner: int, side: int, price_ticks: int, lots: int, *,
        order_type: int = LIMIT, tif: int = GTC, post_only: bool = False, stp: int = STP_CANCEL_NEWEST,
    ) -> list[Event]: ...  # fmt: skip
    def cancel(self, order_id: int, owner: int) -> list[Event]: ...
    def amend(self, order_id: int, owner: int, price_ticks: int, total_lots: int) -> list[Event]: ...
    def cancel_owner(self, owner: int) -> list[Event]: ...
    def best(self, book: int) -> tuple[int | None, int | None]: ...
    def depth(self, book: int, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...
    def order(self, order_id: int) -> tuple[int, int, int, int, int, int] | None: ...
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
