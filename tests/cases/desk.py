"""Stands between one case and one engine: names to numbers, calls, and the record that expectations are about.

Lives here: `Desk`, which opens the books of a case, sends calls, has every answer judged by the auditor, and keeps
refusals, cancels and everything else an outside observer saw.
Does not know: what an operation of the case format means (player.py), what was expected.
"""

from dataclasses import dataclass
from typing import Any, Final

from domain.ensure import ensure
from tests.cases import translation, vocabulary
from tests.cases.observer import End, Observer
from tests.engines import Engine, Event
from tests.reference.auditor import Auditor

NOBODY: Final = 0
ASKED_FOR: Final = ("user", "amend_total", "amend_replace")  # reasons of cancels that somebody asked for
WOULD_REST: Final = ("no_liquidity", "protection")  # how a market order's rest ends here
SMALL_CASE: Final = 300  # commands; of a larger case the whole state is compared now and then


class FeatureNeeded(Exception):
    """While playing, a case turned out to depend on something the runner lacks; the text names it."""


@dataclass(frozen=True)
class Ending:
    """A refusal, or a cancel nobody asked for. `untouched`: that command traded nothing for this order."""

    order_id: str
    reason: str
    lots: int
    untouched: bool


class Desk:
    """One case on one fresh engine. No answer may break a law, and the state must always be what the events say."""

    def __init__(self, engine_type: type[Engine], case: dict[str, Any]) -> None:
        self._rules: dict[str, Any] = case.get("rules") or {}
        self._stp = vocabulary.STP_RULES[self._rules.get("stp", "none")]
        self._distance = translation.common_distance(case["commands"])
        self._is_small = len(case["commands"]) <= SMALL_CASE
        self.orders_max: int = self._rules.get("orders_max", max(64, len(case["commands"])))  # no case fills the pool
        self.seen = Observer()
        self.auditor = Auditor()
        self.refusals: list[Ending] = []
        self.cancels: list[Ending] = []
        self.events: list[Event] = []  # of the last command
        self._numbers: dict[str, int] = {}  # order id of the case -> number in the engine
        self._names: dict[int, str] = {}
        self._entered: dict[str, dict[str, Any]] = {}  # order id -> the `new` that entered it
        self._owners: dict[str, int] = {}
        self._accounts: dict[int, str] = {}
        self._groups: dict[str, int] = {}  # stp_group -> number in the engine

        instruments = translation.instruments_of(case)
        sizes = {name: self._rules[name] for name in vocabulary.SIZE_RULES if name in self._rules}
        self.engine = engine_type(**{"orders_max": self.orders_max, "books_max": len(instruments)} | sizes)
        self.books = {instrument.name: number for number, instrument in enumerate(instruments)}
        self._book_rules = [translation.book_rules(self._rules, one, self._distance) for one in instruments]
        for book, (instrument, rules) in enumerate(zip(instruments, self._book_rules, strict=True)):
            if instrument.legs:
                self._call(
                    "add_combo", book, rules, tuple((self.books[name], ratio) for name, ratio in instrument.legs)
                )
            else:
                self._call("add_book", book, rules)

    def compare_states(self) -> None:
        """The engine is whole, and its state is what its events said."""
        self.engine.check_invariants()
        ensure(self.engine.state_digest() == self.auditor.state_digest(), "the state is what the events say")

    # ---- questions --------------------------------------------------------------------------------------------------

    def name(self, number: int) -> str:
        """The case's id of an engine's order."""
        return self._names[number]

    def number(self, order_id: Any) -> int:
        """The engine's number of a case's order."""
        name = str(order_id)
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        self._names[number] = name
        return number

    def book_name(self, book: int) -> str:
        """What the case calls a book."""
        return next(name for name, number in self.books.items() if number == book)

    def account(self, owner: int) -> str:
        """What the case calls an owner."""
        return self._accounts[owner]

    def standing(self, order_id: str) -> tuple[int, int] | None:
        """(price, open quantity) of an order that rests, waits or is parked, else None."""
        found = self.engine.order(self.number(order_id))
        return None if found is None else (found[3], found[4])

    def filled(self, order_id: str) -> int:
        """Lots of an order that have traded."""
        return self.seen.filled.get(self.number(order_id), 0)

    # ---- sending ----------------------------------------------------------------------------------------------------

    def _send(self, method: str, *args: int, asked_for: bool = True, **options: Any) -> list[Event]:
        events = self._call(method, *args, **options)
        self._record(events, {}, asked_for=asked_for, is_about_books=method == "set_phase")
        return events

    def _call(self, method: str, *args: Any, **options: Any) -> list[Event]:
        before = self.engine.state_digest() if self._is_small else ""
        events: list[Event] = list(getattr(self.engine, method)(*args, **options) or [])
        self.auditor.observe(method, args, options, events)
        if self._is_small and events and events[0][0] == "refused":
            ensure(len(events) == 1, "a refusal stands alone")
            ensure(before == self.engine.state_digest(), "a refusal changes nothing")
        self.events += events
        return events

    def _record(
        self, events: list[Event], command: dict[str, Any], *, asked_for: bool = True, is_about_books: bool = False
    ) -> None:
        for end in self.seen.observe(events):
            if events[0][0] == "refused":
                name = self.book_name(end.number) if is_about_books else self.name(end.number)
                self.refusals.append(Ending(name, end.reason, command.get("qty", 0), untouched=True))
            elif not (asked_for and end.reason in ASKED_FOR):
                self._record_cancel(end)

    def _record_cancel(self, end: End) -> None:
        name = self.name(end.number)
        new = self._entered.get(name, {})
        if self._rules.get("market_residual") == "rest" and translation.is_market(new) and end.reason in WOULD_REST:
            raise FeatureNeeded("market orders that rest")
        lots = end.lots
        if new.get("quote_qty") is not None and new["qty"] == 0:
            if end.reason == "budget":
                return  # an order by amount is done when its amount is
            spent = [trade.lots * trade.price for trade in self.seen.trades if trade.taker == end.number]
            lots = new["quote_qty"] - sum(spent)
        self.cancels.append(Ending(name, end.reason, lots, end.untouched))

    # ---- names to numbers -------------------------------------------------------------------------------------------

    def _book(self, command: dict[str, Any]) -> int:
        named = command.get("instrument")
        return next(iter(self.books.values())) if named is None else self.books[str(named)]

    def _books_meant(self, command: dict[str, Any]) -> list[int]:
        return list(self.books.values()) if command.get("instrument") is None else [self._book(command)]

    def _owner_of(self, command: dict[str, Any]) -> int:
        """Nobody, when a case names no account; but links and groups are of somebody."""
        account, group, link = (command.get(name) for name in ("account", "stp_group", "oco_group"))
        if account is None and group is None and link is None:
            return NOBODY
        if account is None:
            account = f"owner of {'group' if group is not None else 'link'} {group if group is not None else link}"
        owner = self._owner(account)
        if group is not None and str(group) != "0":
            self._call("set_group", owner, self._groups.setdefault(str(group), len(self._groups) + 1))
        return owner

    def _owner(self, account: Any) -> int:
        owner = self._owners.setdefault(str(account), len(self._owners) + 1)
        self._accounts[owner] = str(account)
        return owner

    def _asking_owner(self, number: int, command: dict[str, Any]) -> int:
        """Who asks for a cancel or replace; a case that names nobody means the order's owner."""
        if command.get("account") is not None:
            return self._owner(command["account"])
        found = self.engine.order(number)
        return NOBODY if found is None else found[1]
