"""Decides whether a matching case is inside what the runner understands.

Lives here: the checks of every operation, field, value, rule and expectation, with a name for everything outside.
Does not know: engines or results. Anything that vocabulary.py does not list is a missing feature with a name, so that
an unknown case is skipped and never passed by accident.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterator
from itertools import pairwise
from typing import Any, Final

from domain.book_rules import PRICE_TICKS_LIMIT, TICK_ROWS_MAX
from tests.cases import vocabulary as words
from tests.cases.expectation_forms import missing_in_expectation
from tests.cases.values import is_integer, is_one_of

LOTS_LIMIT: Final = 2**53


def missing_features(case: Any) -> list[str]:
    """Names of what a case needs and the runner lacks, each once, in order of appearance; empty if it can run."""
    if not isinstance(case, dict):
        return ["case that is not an object"]
    return list(dict.fromkeys(_missing(case)))


def _missing(case: dict[str, Any]) -> Iterator[str]:
    commands, expect, rules = case.get("commands"), case.get("expect"), case.get("rules") or {}
    yield from (f"case field {name}" for name in case if name not in words.CASE_FIELDS)
    if not (isinstance(commands, list) and isinstance(expect, dict) and isinstance(rules, dict)):
        yield "case without a list of commands, an object of expectations and an object of rules"
        return
    yield from _missing_in_rules(rules)
    for command in commands:
        yield from _missing_in_command(command)
    yield from missing_in_expectation(expect)
    yield from _missing_in_groups(commands)
    if not expect and not any(isinstance(c, dict) and c.get("op") == "check" and c.get("expect") for c in commands):
        yield "case that expects nothing"


# ---- rules ----------------------------------------------------------------------------------------------------------


def _missing_in_rules(rules: dict[str, Any]) -> Iterator[str]:
    for name, value in rules.items():
        if name == "stp":
            if not is_one_of(value, words.STP_RULES):
                yield f"self-trade mode {value}"
        elif name == "mmp":
            for entry in value if isinstance(value, list) else [value]:
                if not _is_protection(entry):
                    yield "market-maker protection in an unknown form"
        elif name in words.PEG_RULES:
            if not is_one_of(value, words.PEG_RULES[name]):
                yield f"rule {name} {value}"
        elif name in words.SIZE_RULES:
            if not (is_integer(value) and 0 < value <= 2**20):
                yield f"rule {name} that is not a positive integer"
        elif name in words.FLAG_RULES:
            if not isinstance(value, bool):
                yield f"rule {name} that is not a boolean"
        elif name == "instruments":
            yield from _missing_in_instruments(value)
        elif name not in words.INERT_RULES:
            yield from _missing_in_book_rule(name, value)
    pegs = {words.PEG_RULES[n][rules[n]] for n in words.PEG_RULES if is_one_of(rules.get(n), words.PEG_RULES[n])}
    if len(pegs) == 2:
        yield "pegs that are refused on entry and parked later, or the other way round"


def _missing_in_book_rule(name: str, value: Any) -> Iterator[str]:
    if name == "band":
        if not (isinstance(value, list) and len(value) == 2 and all(is_integer(v) for v in value)):
            yield "price band that is not two integers"
        elif not max(value[0], 1) <= value[1] < PRICE_TICKS_LIMIT:
            yield "price band outside the possible prices"
    elif name in words.NUMBER_RULES:
        if not (is_integer(value) and 0 < value <= LOTS_LIMIT):
            yield f"rule {name} that is not a positive integer"
        elif name in words.NUMBER_RULES_MAX and value > words.NUMBER_RULES_MAX[name]:
            yield f"rule {name} above {words.NUMBER_RULES_MAX[name]}"
    elif name == "tick_table":
        rows = value if isinstance(value, list) and 0 < len(value) <= TICK_ROWS_MAX else [None]
        if not all(isinstance(row, list) and len(row) == 2 and all(map(_is_tick, row)) for row in rows):
            yield "tick table that is not rows of two prices"
        elif any(lower[0] >= upper[0] for lower, upper in pairwise(rows)):
            yield "tick table that does not rise"
    else:
        yield f"rule {name}"


def _is_tick(value: Any) -> bool:
    return is_integer(value) and 0 < value < PRICE_TICKS_LIMIT


def _missing_in_instruments(value: Any) -> Iterator[str]:
    if not (isinstance(value, dict) and all(isinstance(rules, dict) for rules in value.values())):
        yield "instruments that are not objects"
        return
    for rules in value.values():
        for name, rule in rules.items():
            if name != "legs":
                yield from _missing_in_book_rule(name, rule)
            elif not (isinstance(rule, list) and len(rule) >= 2 and all(_is_leg(leg, value) for leg in rule)):
                yield "combo with legs in an unknown form"


def _is_leg(leg: Any, instruments: dict[str, Any]) -> bool:
    if not (isinstance(leg, list) and len(leg) == 2 and is_one_of(leg[0], instruments) and leg[1] in (1, -1)):
        return False
    return "legs" not in instruments[leg[0]]


def _is_protection(entry: Any) -> bool:
    if not (isinstance(entry, dict) and {"account", "window"} <= set(entry) <= words.MMP_FIELDS):
        return False
    if not (is_integer(entry.get("group", 1)) and 1 <= entry.get("group", 1) <= words.MMP_GROUPS):
        return False
    return entry["window"] != 0 and all(
        is_integer(v) and 0 <= v < 2**62 for name, v in entry.items() if name != "account"
    )


# ---- commands -------------------------------------------------------------------------------------------------------


def _missing_in_command(command: Any) -> Iterator[str]:
    if not isinstance(command, dict) or not isinstance(command.get("op"), str):
        yield "command without an operation"
        return
    operation = command["op"]
    if operation not in words.OPERATIONS:
        yield f"operation {operation}"
        return
    for name, value in command.items():
        if name == "op" or value is None:
            continue
        if name not in words.OPERATIONS[operation]:
            yield f"{operation} field {name}"
        else:
            yield from FIELD_CHECKS.get(name, _anything)(value)
    for name in sorted(words.NEEDED_FIELDS.get(operation, set())):
        if command.get(name) is None:
            yield f"{operation} without {'a' if name[0] not in 'aeio' else 'an'} {name}"
    if operation == "new":
        yield from _missing_in_new(command)
    elif operation == "quote" and command.get("price") is None and command.get("qty") != 0:
        yield "quote without a price"
    elif operation == "replace" and command.get("qty") is not None and command.get("dq") is not None:
        yield "replace with a quantity and a change"


def _missing_in_new(command: dict[str, Any]) -> Iterator[str]:
    kind = command.get("type") or "limit"
    is_pegged = command.get("peg") is not None
    if (kind == "pegged") is not is_pegged and kind in ("pegged", "limit"):
        yield "pegged order without a peg" if kind == "pegged" else "peg of an order that is not pegged"
    if kind == "limit" and command.get("price") is None and not is_pegged:
        yield "limit order without a price"
    if kind != "limit" and command.get("price") is not None:
        yield f"{kind} order with a price"
    if kind != "market" and command.get("protection") is not None:
        yield f"protection of a {kind} order"
    if kind != "market" and command.get("quote_qty") is not None:
        yield f"quote quantity of a {kind} order"
    if command.get("quote_qty") is not None and command.get("budget") is not None:
        yield "quote quantity and budget in one order"
    if command.get("tif") == "gtd" and command.get("expire_at") is None:
        yield "good till date without a date"


def _missing_in_groups(commands: list[Any]) -> Iterator[str]:
    """An engine's group is the account's; a case may give it per order, as long as an account is in one only."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    links: defaultdict[str, int] = defaultdict(int)
    for command in commands:
        if not isinstance(command, dict):
            continue
        if command.get("stp_group") is not None:
            groups[str(command.get("account"))].add(str(command["stp_group"]))
        if command.get("oco_group") is not None:
            links[str(command["oco_group"])] += 1
    if any(len(of_account) > 1 for account, of_account in groups.items() if account != "None"):
        yield "account in several self-trade groups"
    if any(number > 2 for number in links.values()):
        yield "linked groups of more than two orders"


# ---- fields ---------------------------------------------------------------------------------------------------------


def _anything(_: Any) -> Iterator[str]:
    yield from ()


def _word(what: str, allowed: Container[str]) -> Callable[[Any], Iterator[str]]:
    def check(value: Any) -> Iterator[str]:
        if not is_one_of(value, allowed):
            yield f"{what} {value}"

    return check


def _quantity(value: Any) -> Iterator[str]:
    if not is_integer(value):
        yield "quantity that is not an integer"
    elif abs(value) > LOTS_LIMIT:
        yield "quantity above 2**53"


def _price(value: Any) -> Iterator[str]:
    if not is_integer(value):
        yield "price that is not an integer"
    elif abs(value) >= PRICE_TICKS_LIMIT:
        yield "price of 2**27 ticks and more"


def _number(what: str, low: int, high: int) -> Callable[[Any], Iterator[str]]:
    def check(value: Any) -> Iterator[str]:
        if not (is_integer(value) and low <= value <= high):
            yield f"{what} that is not an integer from {low} to {high}"

    return check


def _post_only(value: Any) -> Iterator[str]:
    if not (isinstance(value, bool) or is_one_of(value, words.POST_ONLY)):
        yield f"post-only {value}"


def _flag(what: str) -> Callable[[Any], Iterator[str]]:
    def check(value: Any) -> Iterator[str]:
        if str(value) not in ("0", "1", "True", "False", "true", "false"):
            yield f"{what} {value}"

    return check


def _name(value: Any) -> Iterator[str]:
    if not (isinstance(value, str) or is_integer(value)):
        yield "name that is neither a text nor an integer"


def _quotes(value: Any) -> Iterator[str]:
    if not (isinstance(value, list) and all(isinstance(quote, dict) for quote in value)):
        yield "mass quote that is not a list of quotes"
        return
    for quote in value:
        yield from _missing_in_command({"op": "quote", "account": "", "set": 0, **quote})


FIELD_CHECKS: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "side": _word("side", words.SIDES), "type": _word("order type", words.KINDS),
    "tif": _word("time in force", words.LIFETIMES), "stp": _word("self-trade mode", words.STP_MODES),
    "trigger_kind": _word("trigger kind", words.TRIGGER_KINDS),
    "trigger_direction": _word("trigger direction", words.DIRECTIONS),
    "reference": _word("reference", words.REFERENCES),
    "peg": _word("peg to", words.PEGS), "phase": _word("phase", words.PHASE_WORDS), "post_only": _post_only,
    "qty": _quantity, "dq": _quantity, "display_qty": _quantity, "min_display_qty": _quantity,
    "price": _price, "stop_price": _price, "peg_limit": _price, "peg_offset": _price, "lo": _price, "hi": _price,
    "protection": _number("protection", 0, PRICE_TICKS_LIMIT - 1),
    "trail_ticks": _number("trail", 0, PRICE_TICKS_LIMIT), "trail_bps": _number("trail", 0, 2**20),
    "budget": _number("budget", 0, 2**62),
    "quote_qty": _number("quote quantity", 1, 2**62), "expire_at": _number("date", 0, 2**62),
    "now": _number("time", 0, 2**62),
    "delta": _number("delta", -(2**40), 2**40), "vega": _number("vega", -(2**40), 2**40),
    "set": _number("quote set", 0, 2**16 - 1), "mmp": _number("protection group", 0, words.MMP_GROUPS),
    "group": _number("protection group", 1, words.MMP_GROUPS), "window": _number("window", 1, 2**62),
    "frozen": _number("frozen time", 0, 2**62), "auction": _flag("resume with auction"), "force": _flag("force"),
    "quotes": _quotes, "instrument": _name, "expect": missing_in_expectation,
}  # fmt: skip
