"""Decides whether a matching case is inside what this version can do.

Lives here: the vocabulary of the case format that is understood, and names for everything outside it.
Does not know: engines or results. Anything not listed here (an operation, a field, a value, an expectation, a rule) is
a missing feature with a name, so that an unknown case is skipped and never passed by accident.
"""

from collections.abc import Container, Iterator
from typing import Any, Final

from domain.book_rules import PRICE_TICKS_LIMIT

LOTS_LIMIT: Final = 2**53

CASE_FIELDS: Final = {"id", "tags", "title", "source", "commands", "expect", "rules", "note"}

# Rules that only matter together with something that is skipped by its own name (pegs, icebergs, auctions, a resting
# market order), or that say whether a killed order was reported as a reject.
INERT_RULES: Final = {
    "mo_price", "peg_noref", "peg_lost", "iceberg", "amend_iceberg", "auction", "fok", "ioc_zero", "market_noliq",
    "market_residual",
}  # fmt: skip
FLAVOUR_RULES: Final = {"fok": "fok", "ioc_zero": "ioc", "market_noliq": "no_liquidity"}  # rule -> engine's reason
STP_RULES: Final = {"none": "none", "cn": "cancel_newest", "co": "cancel_oldest", "cb": "cancel_both"}
STP_MODES: Final = set(STP_RULES.values())

SUPPORTED_FIELDS: Final = {
    "new": {"op", "id", "side", "qty", "type", "price", "tif", "account", "stp", "post_only", "protection"},
    "cancel": {"op", "id", "account"},
    "replace": {"op", "id", "qty", "dq", "price", "account"},
    "check": {"op", "expect"},
    "mass_cancel": {"op", "account"},
}
FEATURE_OF_FIELD: Final = {
    "stop_price": "stop orders", "trigger_kind": "stop orders", "trigger_direction": "stop orders",
    "trail_bps": "trailing stops", "display_qty": "iceberg", "min_display_qty": "iceberg", "budget": "budget orders",
    "quote_qty": "quote quantity", "peg": "pegged orders", "peg_limit": "pegged orders", "expire_at": "good till date",
    "oco_group": "one cancels other", "stp_group": "self-trade groups", "instrument": "several instruments",
    "newid": "replace under a new id", "side": "selection or change by side", "lo": "mass cancel by price",
    "hi": "mass cancel by price",
}  # fmt: skip
FEATURE_OF_OPERATION: Final = {
    "set_last": "reference price input", "time": "exchange time", "day_end": "day orders", "phase": "auction phases",
    "halt": "halts", "resume": "halts",
}  # fmt: skip
FEATURE_OF_EXPECTATION: Final = {
    "triggered": "stop orders", "pending_stops": "stop orders", "auction": "call auction", "implied": "implied orders",
}  # fmt: skip
SUPPORTED_EXPECTATIONS: Final = {
    "trades", "trades_merged", "book", "queue", "rejects", "cancels", "filled", "leaves", "last", "order_counts",
    "prices", "trade_count", "total_volume", "visible_volume", "displayed",
}  # fmt: skip

# Words of the case files for reasons, and which reasons of the engine mean the same.
REJECT_REASONS: Final = {
    "price_band": {"price_band"},
    "bad_price": {"price_band", "price_step"},
    "bad_tick": {"price_step"},
    "bad_lot": {"lot_step", "lots_range"},
    "bad_qty": {"lots_range", "lot_step"},
    "too_large": {"lots_range"},
    "unknown_order": {"unknown_order"},
    "duplicate_id": {"duplicate_id"},
    "post_only_would_cross": {"post_only_cross"},
    "fok_unfilled": {"fok", "no_liquidity"},
    "ioc_unfilled": {"ioc", "no_liquidity"},
    "no_liquidity": {"no_liquidity", "ioc", "protection"},
}  # fmt: skip


def missing_features(case: Any) -> list[str]:
    """Names of what a case needs and this version lacks, each once, in order of appearance; empty if it can run."""
    if not isinstance(case, dict):
        return ["case that is not an object"]
    return list(dict.fromkeys(_missing(case)))


def is_integer(value: Any) -> bool:
    """Whether a JSON value is a whole number; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_one_of(value: Any, words: Container[str]) -> bool:
    """Whether a JSON value is one of some words; safe for values that cannot be looked up."""
    return isinstance(value, str) and value in words


def _missing(case: dict[str, Any]) -> Iterator[str]:
    commands, expect, rules = case.get("commands"), case.get("expect"), case.get("rules") or {}
    yield from (f"case field {name}" for name in case if name not in CASE_FIELDS)
    if not (isinstance(commands, list) and isinstance(expect, dict) and isinstance(rules, dict)):
        yield "case without a list of commands, an object of expectations and an object of rules"
        return
    yield from _missing_in_rules(rules)
    for command in commands:
        yield from _missing_in_command(command, rules)
    yield from _missing_in_expectation(expect)
    if not expect and not any(isinstance(c, dict) and c.get("op") == "check" and c.get("expect") for c in commands):
        yield "case that expects nothing"


def _missing_in_rules(rules: dict[str, Any]) -> Iterator[str]:
    for name, value in rules.items():
        if name == "stp":
            if not is_one_of(value, STP_RULES):
                yield f"self-trade mode {value}"
        elif name == "band":
            if not (isinstance(value, list) and len(value) == 2 and all(is_integer(v) for v in value)):
                yield "price band that is not two integers"
            elif not max(value[0], 1) <= value[1] < PRICE_TICKS_LIMIT:
                yield "price band outside the possible prices"
        elif name in ("lot", "tick", "max_qty", "max_notional"):
            if not (is_integer(value) and value > 0):
                yield f"rule {name} that is not a positive integer"
        elif name == "qty_is_total":
            if not isinstance(value, bool):
                yield "rule qty_is_total that is not a boolean"
        elif name == "mmp":
            yield "market-maker protection"
        elif name not in INERT_RULES:
            yield f"rule {name}"


def _missing_in_command(command: Any, rules: dict[str, Any]) -> Iterator[str]:
    if not isinstance(command, dict) or not isinstance(command.get("op"), str):
        yield "command without an operation"
        return
    operation = command["op"]
    if operation not in SUPPORTED_FIELDS:
        yield FEATURE_OF_OPERATION.get(operation, f"operation {operation}")
        yield from (FEATURE_OF_FIELD[name] for name in command if name in FEATURE_OF_FIELD)
        return
    for name, value in command.items():
        if name not in SUPPORTED_FIELDS[operation] and value is not None:
            yield FEATURE_OF_FIELD.get(name, f"{operation} field {name}")
    if operation == "check":
        yield from _missing_in_expectation(command.get("expect"))
    elif operation == "mass_cancel":
        if command.get("account") is None:
            yield "mass cancel without an account"
    elif command.get("id") is None:
        yield f"{operation} without an id"
    if operation == "new":
        yield from _missing_in_new(command, rules)
    if operation == "replace":
        yield from _missing_in_replace(command)


def _missing_in_new(command: dict[str, Any], rules: dict[str, Any]) -> Iterator[str]:
    order_type = command.get("type", "limit")
    lots: Any = command.get("qty")
    price: Any = command.get("price")
    if command.get("side") not in ("buy", "sell"):
        yield f"side {command.get('side')}"
    if order_type not in ("limit", "market"):
        yield f"order type {order_type}"
    if command.get("tif", "gtc") not in ("gtc", "day", "ioc", "fok"):  # a day order is good till a day_end
        yield f"time in force {command.get('tif')}"
    if command.get("stp") is not None and not is_one_of(command["stp"], STP_MODES):
        yield f"self-trade mode {command['stp']}"
    if command.get("post_only") not in (None, False, True, "reject"):
        yield f"post-only {command['post_only']}"
    yield from _missing_in_quantity(lots)
    if order_type == "market":
        if price is not None:
            yield "market order with a price"
        distance = command.get("protection")
        if distance is not None and not (is_integer(distance) and 0 <= distance < PRICE_TICKS_LIMIT):
            yield "protection that is not a number of ticks"
        if "max_notional" in rules:
            yield "largest notional"
        return
    if command.get("protection") is not None:
        yield "protection of a limit order"
    yield from _missing_in_price(price)
    factors = (lots, price, rules.get("max_notional"))
    if "max_notional" in rules and all(is_integer(f) for f in factors) and lots * price > rules["max_notional"]:
        yield "largest notional"


def _missing_in_replace(command: dict[str, Any]) -> Iterator[str]:
    given = [name for name in ("qty", "dq") if command.get(name) is not None]
    if len(given) == 2:
        yield "replace with a quantity and a change"
    for name in given:
        yield from _missing_in_quantity(command[name])
    if command.get("price") is not None:
        yield from _missing_in_price(command["price"])


def _missing_in_quantity(lots: Any) -> Iterator[str]:
    if not is_integer(lots):
        yield "quantity that is not an integer"
    elif abs(lots) > LOTS_LIMIT:
        yield "quantity above 2**53"


def _missing_in_price(price: Any) -> Iterator[str]:
    if not is_integer(price):
        yield "price that is not an integer"
    elif abs(price) >= PRICE_TICKS_LIMIT:
        yield "price of 2**27 ticks and more"


def _missing_in_expectation(expect: Any) -> Iterator[str]:
    if not isinstance(expect, dict):
        yield "expectation that is not an object"
        return
    for name, value in expect.items():
        if name not in SUPPORTED_EXPECTATIONS:
            yield FEATURE_OF_EXPECTATION.get(name, f"expectation {name}")
        elif not _is_well_formed(name, value):
            yield f"expectation {name} in an unknown form"
        elif name == "rejects":
            for reject in value:
                if reject.get("reason") is not None and not is_one_of(reject["reason"], REJECT_REASONS):
                    yield f"reject reason {reject['reason']}"


def _is_well_formed(name: str, value: Any) -> bool:
    """Whether an expectation has the shape its comparison reads."""
    if name in ("trades", "trades_merged"):
        fields = {"maker", "taker", "qty", "price"}
        return isinstance(value, list) and all(isinstance(t, dict) and t and set(t) <= fields for t in value)
    if name == "cancels":
        return isinstance(value, list) and all(isinstance(c, dict) and set(c) == {"id", "qty"} for c in value)
    if name == "rejects":
        return isinstance(value, list) and all(
            isinstance(r, dict) and "id" in r and set(r) <= {"id", "reason"} for r in value
        )
    if name == "last":
        return value is None or is_integer(value)
    if name == "trade_count":
        return is_integer(value)
    if not isinstance(value, dict):
        return False
    if name in ("filled", "leaves", "prices", "displayed"):
        return all(is_integer(number) for number in value.values())
    if not value or not set(value) <= {"bids", "asks"}:
        return False
    if name == "book":
        return all(
            isinstance(side, list) and all(isinstance(level, list) and len(level) == 2 for level in side)
            for side in value.values()
        )
    return all(isinstance(side, list) if name == "queue" else is_integer(side) for side in value.values())
