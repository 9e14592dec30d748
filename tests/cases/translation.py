"""Says in the words of the engines' door what a case says in its own.

Lives here: pure functions: the instruments of a case, the rules of a book, the options of an order.
Does not know: engines, what was played before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from domain.book_rules import PRICE_TICKS_LIMIT, BookRules
from domain.constants import BUY, FOK, GTC, LIMIT, MARKET, POST_ONLY_NO, TRIGGER_DOWN, TRIGGER_UP
from tests.cases import vocabulary as words

COMBO_BIAS_TICKS: Final = PRICE_TICKS_LIMIT // 2  # room for negative prices as for positive ones
WAITING_FIELDS: Final = ("stop_price", "trail_bps", "trail_ticks")
ONLY_BOOK: Final = "book"  # what the instrument of a case without instruments is called


@dataclass(frozen=True)
class Instrument:
    """One book of a case. `legs`: (name, +1 or -1) of a combo, else empty."""

    name: str
    rules: dict[str, Any]
    legs: tuple[tuple[str, int], ...] = ()


def instruments_of(case: dict[str, Any]) -> list[Instrument]:
    """Every instrument a case names, outrights first; the first one is meant where a command names none."""
    stated: dict[str, dict[str, Any]] = (case.get("rules") or {}).get("instruments") or {}
    names = list(dict.fromkeys([*stated, *_names_in(case)])) or [ONLY_BOOK]
    legs = {name: _legs(name, stated.get(name, {}), names) for name in names}
    names += [leg for of_combo in legs.values() for leg, _ in of_combo if leg not in names]
    found = [Instrument(name, stated.get(name, {}), legs.get(name, ())) for name in names]
    return sorted(found, key=lambda one: one.legs != ())  # stable: order of appearance within each kind


def _names_in(case: dict[str, Any]) -> Iterator[str]:
    for command in case["commands"]:
        parts = [command, *(command.get("quotes") or [])]
        yield from (str(part["instrument"]) for part in parts if part.get("instrument") is not None)
        yield from _names_in_expectation(command.get("expect") or {})
    yield from _names_in_expectation(case["expect"])


def _names_in_expectation(expect: dict[str, Any]) -> Iterator[str]:
    yield from (str(one["instrument"]) for one in expect.get("implied") or [])
    yield from expect.get("books") or {}


def _legs(name: str, rules: dict[str, Any], names: list[str]) -> tuple[tuple[str, int], ...]:
    """The legs a case states, or those of a spread: U-V, when U or V is an instrument of the case too."""
    if "legs" in rules:
        return tuple((leg, ratio) for leg, ratio in rules["legs"])
    front, hyphen, back = name.partition("-")
    if hyphen and (front in names or back in names):
        return ((front, 1), (back, -1))
    return ()


def book_rules(case_rules: dict[str, Any], instrument: Instrument, protection_ticks: int) -> BookRules:
    """The rules of one book; what an instrument states for itself goes before what the case states for all."""
    rules = {**case_rules, **instrument.rules}
    fields: dict[str, Any] = {field: rules[word] for word, field in words.NUMBER_RULES.items() if word in rules}
    if "band" in rules:
        bias = COMBO_BIAS_TICKS if instrument.legs else 0
        low, high = (bound + bias for bound in rules["band"])
        fields |= {"band_low_ticks": max(low, 1), "band_high_ticks": min(high, PRICE_TICKS_LIMIT - 1)}
    if "tick_table" in rules:
        fields["tick_table"] = tuple((start, step) for start, step in rules["tick_table"])
    if protection_ticks:
        fields["protection_ticks"] = protection_ticks
    if instrument.legs:
        fields["price_bias_ticks"] = COMBO_BIAS_TICKS
    return BookRules(
        **fields,
        reject_triggered=rules.get("reject_triggered", False),
        peg_cancel=any(allowed[rules[name]] for name, allowed in words.PEG_RULES.items() if name in rules),
    )


def order_options(command: dict[str, Any], stp: str) -> dict[str, Any]:
    """The options of a `new`; `stp` is the mode of an order that states none."""
    side = words.SIDES[command["side"]]
    options = {
        "order_type": words.KINDS[command.get("type") or "limit"],
        "tif": words.LIFETIMES[command.get("tif") or "gtc"],
        "post_only": post_only(command),
        "stp": words.STP_MODES[command.get("stp") or stp],
        "display_lots": command.get("display_qty") or 0,
        "budget": command.get("quote_qty") or command.get("budget") or 0,
        "trail_ticks": command.get("trail_ticks") or 0,
        "trail_bps": command.get("trail_bps") or 0,
        "peg": words.PEGS[command["peg"]] if command.get("peg") is not None else 0,
        "peg_offset": command.get("peg_offset") or 0,
    }
    if command.get("budget") is not None:  # a budget of the whole is a fill or kill by cost or proceeds (MATCH-015)
        options["tif"] = FOK
    if command.get("stop_price") is not None:
        options |= {"trigger": trigger_direction(command, side), "trigger_ticks": command["stop_price"]}
    if command.get("reference") is not None:
        options["reference"] = words.REFERENCES[command["reference"]]
    return without_defaults(options)


def post_only(command: dict[str, Any]) -> int:
    """0 no, 1 refuse, 2 slide."""
    wanted = command.get("post_only")
    return int(wanted) if wanted in (None, False, True) and wanted else words.POST_ONLY.get(wanted, POST_ONLY_NO)


def trigger_direction(command: dict[str, Any], side: int) -> int:
    """As stated, else up for a stop buy and a take-profit sell, down for the others (MATCH-070)."""
    if command.get("trigger_direction") is not None:
        return words.DIRECTIONS[command["trigger_direction"]]
    is_stop = command.get("trigger_kind") != "tp"
    return TRIGGER_UP if (side == BUY) is is_stop else TRIGGER_DOWN


def without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    """Options of `submit` and `quote` that say something; the self-trade mode always does."""
    defaults = {"order_type": LIMIT, "tif": GTC}
    return {name: value for name, value in options.items() if name == "stp" or value != defaults.get(name, 0)}


def limit_of(command: dict[str, Any]) -> int:
    """The limit of a `new`, 0 if it has none."""
    return command.get("peg_limit") or 0 if command.get("peg") is not None else command.get("price") or 0


def is_market(command: dict[str, Any]) -> bool:
    """Whether a `new` is a market order."""
    return words.KINDS[command.get("type") or "limit"] == MARKET


def common_distance(commands: list[dict[str, Any]]) -> int:
    """The protection that every market order of a case has, in ticks; 0 when they are unbounded or differ."""
    distances = {command.get("protection") for command in commands if command.get("type") == "market"}
    return (distances.pop() or 0) if len(distances) == 1 else 0
