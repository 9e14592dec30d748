"""Plays the commands of one case into an engine.

Lives here: one method per operation of the case format, and what the exchange around matching does: matching knows no
time, so the player ends orders whose date or day has come (as `exchange` does) before it goes on.
Does not know: what was expected, how it is printed.
"""

from typing import Any, Final

from domain.constants import BUY, FOK, IOC, LIMIT, PHASE_CONTINUOUS, PHASE_HALT, PHASE_OPENING, PHASE_VOLATILITY, SELL
from tests.cases import translation, vocabulary
from tests.cases.desk import Desk, Ending, FeatureNeeded
from tests.engines import Engine

MMP_GROUP: Final = 1  # of an account whose protection names no group
STATE_EVERY: Final = 250  # commands of a large case between comparisons of the whole state


class Player(Desk):
    """One case on one fresh engine. The engine's state must always be what its events say."""

    def __init__(self, engine_type: type[Engine], case: dict[str, Any]) -> None:
        super().__init__(engine_type, case)
        self.now = 0
        self._played = 0
        self._links: dict[str, str] = {}  # oco_group -> the first order of it
        self._quotes: dict[tuple[int, ...], int] = {}  # owner, set, book, side -> number
        self._protected: dict[str, int] = {}  # account -> group its orders are tagged with
        for entry in self._protections():
            self._set_mmp({"group": MMP_GROUP, **entry})
            if "group" not in entry:
                self._protected[str(entry["account"])] = MMP_GROUP

    def play(self, command: dict[str, Any]) -> None:
        """Carry out one command other than a check.

        Raises:
            FeatureNeeded: the case cannot be judged without something the runner lacks.
            InvariantViolation: the engine contradicts itself.
        """
        self.events = []
        self._played += 1
        getattr(self, f"_play_{command['op']}")(command)
        if self._is_small or self._played % STATE_EVERY == 0:
            self.compare_states()

    # ---- orders -----------------------------------------------------------------------------------------------------

    def _play_new(self, command: dict[str, Any]) -> None:
        name = str(command["id"])
        if name in self._entered and self.engine.order(self.number(name)) is None:
            raise FeatureNeeded("order ids remembered after the order is gone")
        if command.get("expire_at") is not None and command["expire_at"] <= self.now:
            self.refusals.append(Ending(name, "valid_until_passed", command["qty"], untouched=True))
            return
        self._enter(name, command)

    def _enter(self, name: str, command: dict[str, Any]) -> None:
        number, owner, book = self.number(name), self._owner_of(command), self._book(command)
        side, lots, price = vocabulary.SIDES[command["side"]], command["qty"], translation.limit_of(command)
        options = translation.order_options(command, self._stp)
        if command.get("quote_qty") is not None and lots == 0:
            rules = self._book_rules[book]
            lots = rules.lots_max // rules.lot_step * rules.lot_step
        if command.get("protection") is not None and not self._distance:
            price = self._own_distance(command, options, book, side)
        options |= self._link(name, command)
        if (group := command.get("mmp") or self._protected.get(str(command.get("account")), 0)) != 0:
            options["mmp"] = group
        is_known = self.engine.order(number) is not None
        events = self._call("submit", book, number, owner, side, price, lots, **options)
        if not is_known and not (events and events[0][0] == "refused"):
            self._entered[name] = command
            self.seen.book_of[number] = book
        self._record(events, command)

    def _own_distance(self, command: dict[str, Any], options: dict[str, Any], book: int, side: int) -> int:
        """The distance of a book is fixed, here each market order brings its own. By definition (MATCH-025) it is an
        immediate order with its limit at that distance from the best price."""
        if "trigger" in options or "trail_bps" in options or "trail_ticks" in options:
            raise FeatureNeeded("protection of a waiting order that others do not share")
        best = self.engine.best(book)[SELL - side]
        if best is None:
            return 0
        distance: int = command["protection"]
        options |= {"order_type": LIMIT, "tif": FOK if options.get("tif") == FOK else IOC}
        return best + (distance if side == BUY else -distance)

    def _link(self, name: str, command: dict[str, Any]) -> dict[str, int]:
        """The order of a pair that comes first stands alone, the second names it."""
        if command.get("oco") is not None:
            return {"oco": self.number(command["oco"])}
        if command.get("oco_group") is None:
            return {}
        first = self._links.setdefault(str(command["oco_group"]), name)
        return {} if first == name else {"oco": self.number(first)}

    def _play_cancel(self, command: dict[str, Any]) -> None:
        number = self.number(command["id"])
        self._send("cancel", number, self._asking_owner(number, command))

    def _play_replace(self, command: dict[str, Any]) -> None:
        number = self.number(command["id"])
        found = self.engine.order(number)
        open_lots, filled_lots = (1, 0) if found is None else found[4:]
        if command.get("qty") is None:
            total_lots = max(filled_lots + open_lots + (command.get("dq") or 0), 0)  # nobody can reduce below nothing
        else:
            total_lots = command["qty"] if self._rules.get("qty_is_total") else filled_lots + command["qty"]
        is_another = command.get("newid") is not None or (
            found is not None and command.get("side") is not None and vocabulary.SIDES[command["side"]] != found[2]
        )
        if is_another and found is not None:
            self._replace_by_new(command, total_lots - filled_lots)
            return
        price = command.get("price")
        if price is None:
            entered = self._entered.get(str(command["id"]), {})
            price = 1 if found is None else translation.limit_of(entered) if "peg" in entered else found[3]
        options = {} if command.get("stop_price") is None else {"trigger_ticks": command["stop_price"]}
        events = self._call("amend", number, self._asking_owner(number, command), price, total_lots, **options)
        self._record(events, {"qty": open_lots})

    def _replace_by_new(self, command: dict[str, Any], open_lots: int) -> None:
        """Under another id or on the other side it is another order: the first one goes, the second enters."""
        name = str(command["id"])
        number = self.number(name)
        if self._send("cancel", number, self._asking_owner(number, command))[0][0] == "refused":
            return
        changes = {field: command[field] for field in ("price", "side") if command.get(field) is not None}
        new = {**self._entered[name], **changes, "qty": open_lots}
        if new.get("price") is not None and vocabulary.SIDES[new["side"]] == SELL:
            new["price"] = max(new["price"], self._book_rules[self._book(new)].band_low_ticks)  # sells at any price
        self._enter(str(command["newid"] if command.get("newid") is not None else name), new)

    def _play_quote(self, command: dict[str, Any]) -> None:
        owner, book, side = self._owner(command["account"]), self._book(command), vocabulary.SIDES[command["side"]]
        key, number = (owner, command["set"], book, side), self.number(command["id"])
        has_quote = key in self._quotes and self.engine.order(self._quotes[key]) is not None
        options = translation.without_defaults({
            "mmp": command.get("mmp") or 0, "post_only": translation.post_only(command),
            "stp": vocabulary.STP_MODES[command.get("stp") or self._stp],
        })  # fmt: skip
        price, lots = command.get("price") or 0, command["qty"]
        events = self._call("quote", owner, command["set"], book, side, number, price, lots, **options)
        if not has_quote and not (events and events[0][0] == "refused"):
            self._quotes[key] = number
            self.seen.book_of[number] = book
        self._record(events, command)

    def _play_mass_quote(self, command: dict[str, Any]) -> None:
        shared = {name: value for name, value in command.items() if name in ("account", "set", "mmp")}
        for quote in command["quotes"]:
            self._play_quote({**shared, **quote})

    def _play_mass_cancel(self, command: dict[str, Any]) -> None:
        filters: dict[str, int] = {}
        if command.get("side") is not None:
            filters["side"] = vocabulary.SIDES[command["side"]]
        bounds = (("lo", "low"), ("hi", "high"))
        filters |= {word: command[name] for name, word in bounds if command.get(name) is not None}
        if command.get("account") is not None:
            if command.get("instrument") is not None:
                filters["book"] = self._book(command)
            self._send("cancel_owner", self._owner(command["account"]), asked_for=False, **filters)
            return
        for book in self._books_meant(command):
            self._send("cancel_book", book, asked_for=False, **filters)

    # ---- prices, phases, time ---------------------------------------------------------------------------------------

    def _play_set_last(self, command: dict[str, Any]) -> None:
        self._send("set_price", self._book(command), vocabulary.REFERENCES["last"], command["price"])

    def _play_set_mark(self, command: dict[str, Any]) -> None:
        self._send("set_price", self._book(command), vocabulary.REFERENCES["mark"], command["price"])

    def _play_set_index(self, command: dict[str, Any]) -> None:
        self._send("set_price", self._book(command), vocabulary.REFERENCES["index"], command["price"])

    def _play_auction_reference(self, command: dict[str, Any]) -> None:
        self._call("set_auction_reference", self._book(command), command["price"])

    def _play_phase(self, command: dict[str, Any]) -> None:
        word = command["phase"]
        for book in self._books_meant(command):
            phase = self.engine.phase(book)
            if word == "auction":
                if vocabulary.PHASES[phase] not in vocabulary.CALLS:
                    self._set_phase(book, PHASE_VOLATILITY if phase == PHASE_CONTINUOUS else PHASE_OPENING)
            elif word != "continuous" or phase != PHASE_CONTINUOUS:
                force = str(command.get("force", word == "continuous")) in ("1", "True", "true")
                self._set_phase(book, vocabulary.PHASES.index(word), force=force)

    def _play_halt(self, command: dict[str, Any]) -> None:
        for book in self._books_meant(command):
            if self.engine.phase(book) != PHASE_HALT:
                self._set_phase(book, PHASE_HALT)

    def _play_resume(self, command: dict[str, Any]) -> None:
        """From a halt there is only the way through a call; without an auction it is left at once."""
        for book in self._books_meant(command):
            if self.engine.phase(book) == PHASE_HALT:
                self._set_phase(book, PHASE_OPENING)
                if str(command.get("auction")) not in ("1", "True", "true"):
                    self._set_phase(book, PHASE_CONTINUOUS, force=True)

    def _set_phase(self, book: int, phase: int, *, force: bool = False) -> None:
        self.seen.auctions.pop(book, None)
        self._send("set_phase", book, phase, **({"force": True} if force else {}))

    def _play_time(self, command: dict[str, Any]) -> None:
        self.now = max(self.now, command["now"])
        if self._protections():
            self._call("set_now", self.now)
        self._end([name for name, new in self._entered.items() if (new.get("expire_at") or self.now + 1) <= self.now])

    def _play_day_end(self, _: dict[str, Any]) -> None:
        self._end([name for name, new in self._entered.items() if new.get("tif") == "day"])

    def _end(self, names: list[str]) -> None:
        for name in names:
            found = self.engine.order(self.number(name))
            if found is not None:
                self._send("cancel", self.number(name), found[1], asked_for=False)

    # ---- market makers ----------------------------------------------------------------------------------------------

    def _play_greeks(self, command: dict[str, Any]) -> None:
        self._call("set_greeks", self._book(command), command["delta"], command["vega"])

    def _play_set_mmp(self, command: dict[str, Any]) -> None:
        self._set_mmp(command)

    def _play_reset_mmp(self, command: dict[str, Any]) -> None:
        self._call("reset_mmp", self._owner(command["account"]), command["group"])

    def _protections(self) -> list[dict[str, Any]]:
        stated = self._rules.get("mmp") or []
        return stated if isinstance(stated, list) else [stated]

    def _set_mmp(self, entry: dict[str, Any]) -> None:
        limits = {"lots": entry.get("qty"), **{name: entry.get(name) for name in ("delta", "vega", "frozen")}}
        given = {name: limit for name, limit in limits.items() if limit}
        self._call("set_mmp", self._owner(entry["account"]), entry["group"], window=entry["window"], **given)
