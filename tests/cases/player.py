"""Plays the commands of one case into an engine and keeps what an outside observer saw.

Lives here: translation from the case format to the engine's door, and the record that expectations are compared with.
Does not know: what was expected, how it is printed.
"""

from dataclasses import dataclass
from typing import Any, Final

from domain.book_rules import BookRules
from domain.constants import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from domain.ensure import ensure
from tests.cases.features import STP_RULES
from tests.engines import Engine, Event
from tests.reference.auditor import Auditor
from tests.reference.order_book import NEVER_RESTED

BOOK: Final = 0
NOBODY: Final = 0
SIDES: Final = {"buy": BUY, "sell": SELL}
LIFETIMES: Final = {"gtc": GTC, "day": GTC, "ioc": IOC, "fok": FOK}
STP_MODES: Final = {
    "none": STP_NONE, "cancel_newest": STP_CANCEL_NEWEST, "cancel_oldest": STP_CANCEL_OLDEST,
    "cancel_both": STP_CANCEL_BOTH,
}  # fmt: skip
REPLACED: Final = ("user", "amend_total", "amend_replace")  # cancels somebody asked for


class FeatureNeeded(Exception):
    """While playing, a case turned out to depend on something this version lacks; the text names it."""


@dataclass(frozen=True)
class Trade:
    """One match, ids as the case spells them."""

    maker: str
    taker: str
    qty: int
    price: int


@dataclass(frozen=True)
class Ending:
    """A refusal, or a cancel nobody asked for. `untouched`: that command traded nothing for this order."""

    order_id: str
    reason: str
    lots: int
    untouched: bool


class Player:
    """One case on one fresh engine. Every answer of the engine is also judged by an `Auditor`."""

    def __init__(self, engine_type: type[Engine], case: dict[str, Any]) -> None:
        self._rules: dict[str, Any] = case.get("rules") or {}
        self._distances = {
            command.get("protection") for command in case["commands"] if command.get("type") == "market"
        }
        self.orders_max = max(64, len(case["commands"]))  # so that no case fills the pool
        self.engine = engine_type(orders_max=self.orders_max, books_max=1)
        self.engine.add_book(BOOK, self._book_rules())
        self.auditor = Auditor()
        self.trades: list[Trade] = []
        self.refusals: list[Ending] = []
        self.cancels: list[Ending] = []
        self.filled: dict[str, int] = {}
        self._numbers: dict[str, int] = {}  # order id of the case -> number in the engine
        self._names: dict[int, str] = {}
        self._owners: dict[str, int] = {}
        self._entered: set[str] = set()

    def play(self, command: dict[str, Any]) -> None:
        """Carry out one command other than a check.

        Raises:
            FeatureNeeded: the case cannot be judged without a feature this version lacks.
            InvariantViolation: the engine's answer breaks a law of matching.
        """
        operation = command["op"]
        if operation == "new":
            self._play_new(command)
        elif operation == "cancel":
            number = self._number(command["id"])
            self._send("cancel", (number, self._asking_owner(number, command)))
        elif operation == "replace":
            self._play_replace(command)
        else:
            self._send("cancel_owner", (self._owner(command["account"]),), asked_for=False)

    def name(self, number: int) -> str:
        """The case's id of an engine's order."""
        return self._names[number]

    def resting(self, order_id: str) -> tuple[int, int] | None:
        """(price, open quantity) of a resting order of the case, else None."""
        found = self.engine.order(self._number(order_id))
        return None if found is None else (found[3], found[4])

    # ---- translation -------------------------------------------------------------------------------------------

    def _book_rules(self) -> BookRules:
        rules = self._rules
        low, high = rules.get("band", (BookRules().band_low_ticks, BookRules().band_high_ticks))
        return BookRules(
            price_step_ticks=rules.get("tick", 1),
            lot_step=rules.get("lot", 1),
            lots_max=rules.get("max_qty", BookRules().lots_max),
            band_low_ticks=max(low, 1),
            band_high_ticks=high,
            protection_ticks=self._common_distance(),
        )

    def _common_distance(self) -> int:
        """The protection every market order of the case has, in ticks; 0 when they are unbounded or differ."""
        only = self._distances.pop() if len(self._distances) == 1 else None
        self._distances |= {only}
        return only or 0

    def _play_new(self, command: dict[str, Any]) -> None:
        name = str(command["id"])
        number = self._number(name)
        if name in self._entered and self.engine.order(number) is None:
            raise FeatureNeeded("order ids remembered after the order is gone")
        self._entered.add(name)
        side, lots = SIDES[command["side"]], command["qty"]
        options = {
            "order_type": MARKET if command.get("type") == "market" else LIMIT,
            "tif": LIFETIMES[command.get("tif") or "gtc"],
            "post_only": command.get("post_only") in (True, "reject"),
            "stp": STP_MODES[command.get("stp") or STP_RULES[self._rules.get("stp", "none")]],
        }
        price = command.get("price") or 0
        distance = command.get("protection")
        if options["order_type"] == MARKET and distance is not None and not self._common_distance():
            best = self.engine.best(BOOK)[SELL - side]
            if best is not None:
                # The distance of a book is fixed, here each order brings its own. By definition (MATCH-025) a
                # protected market order is an immediate order with its limit at that distance from the best price.
                price = best + (distance if side == BUY else -distance)
                options |= {"order_type": LIMIT, "tif": FOK if options["tif"] == FOK else IOC}
        events = self._send(
            "submit", (BOOK, number, self._owner(command.get("account")), side, price, lots), options, lots
        )  # fmt: skip
        is_market = command.get("type") == "market"
        remainder = any(event[0] == "cancelled" and event[5] == NEVER_RESTED for event in events)
        if is_market and remainder and self._rules.get("market_residual") == "rest" and events[-1][3] != "stp":
            raise FeatureNeeded("market orders that rest")

    def _play_replace(self, command: dict[str, Any]) -> None:
        number = self._number(command["id"])
        found = self.engine.order(number)
        _, _, _, price, open_lots, filled_lots = found or (BOOK, NOBODY, BUY, 1, 1, 0)
        if command.get("qty") is not None:
            total_lots = command["qty"] if self._rules.get("qty_is_total") else filled_lots + command["qty"]
        else:
            total_lots = max(filled_lots + open_lots + (command.get("dq") or 0), 0)  # nobody can reduce below nothing
        price = price if command.get("price") is None else command["price"]
        self._send("amend", (number, self._asking_owner(number, command), price, total_lots), {}, open_lots)

    # ---- observation -------------------------------------------------------------------------------------------

    def _send(
        self, method: str, args: tuple[int, ...], options: dict[str, Any] | None = None, lots: int = 0, *,
        asked_for: bool = True,
    ) -> list[Event]:  # fmt: skip
        before = self.engine.state_digest()
        events: list[Event] = list(getattr(self.engine, method)(*args, **(options or {})))
        self.engine.check_invariants()
        self.auditor.observe(method, args, options or {}, events)
        after = self.engine.state_digest()
        ensure(after == self.auditor.state_digest(), "the state is what the events say")
        if events and events[0][0] == "refused":
            ensure(before == after, "a refusal changes nothing")

        traded = {number for event in events if event[0] == "fill" for number in event[1:3]}
        for event in events:
            if event[0] == "fill":
                self._record_trade(event)
            elif event[0] == "refused":
                self.refusals.append(Ending(self.name(event[1]), event[2], lots, untouched=True))
            elif event[0] == "cancelled" and not (asked_for and event[3] in REPLACED):
                self.cancels.append(Ending(self.name(event[1]), event[3], event[2], event[1] not in traded))
        return events

    def _record_trade(self, event: Event) -> None:
        maker, taker = self.name(event[1]), self.name(event[2])
        self.trades.append(Trade(maker, taker, qty=event[4], price=event[3]))
        for name in (maker, taker):
            self.filled[name] = self.filled.get(name, 0) + event[4]

    # ---- names to numbers --------------------------------------------------------------------------------------

    def _number(self, order_id: Any) -> int:
        name = str(order_id)
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        self._names[number] = name
        return number

    def _owner(self, account: Any) -> int:
        return NOBODY if account is None else self._owners.setdefault(str(account), len(self._owners) + 1)

    def _asking_owner(self, number: int, command: dict[str, Any]) -> int:
        """Who asks for a cancel or replace; a case that names nobody means the order's owner."""
        if command.get("account") is not None:
            return self._owner(command["account"])
        found = self.engine.order(number)
        return NOBODY if found is None else found[1]
