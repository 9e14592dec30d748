"""The words the scenario tables are written in: one short call per command of the case format.

Lives here: constructors of case dictionaries. Does not know: rules, engines, how a case is played.
"""

from typing import Any

Step = dict[str, Any]


def row(code: str, title: str, story: str, *steps: Step, rules: dict[str, Any] | None = None) -> dict[str, Any]:
    """One scenario: the rule it is about, a name, the story in one sentence, commands with what they bring."""
    return {
        "id": f"MATCH-{code} {title}", "title": story, "rules": rules or {}, "commands": list(steps), "expect": {},
    }  # fmt: skip


def buy(order_id: str, qty: int, price: int | None = None, **fields: Any) -> Step:
    return _new(order_id, "buy", qty, price, fields)


def sell(order_id: str, qty: int, price: int | None = None, **fields: Any) -> Step:
    return _new(order_id, "sell", qty, price, fields)


def _new(order_id: str, side: str, qty: int, price: int | None, fields: dict[str, Any]) -> Step:
    kind = "pegged" if "peg" in fields else "limit" if price is not None else "market"
    return {"op": "new", "id": order_id, "side": side, "qty": qty, "type": kind, "price": price} | fields


def cancel(order_id: str, **fields: Any) -> Step:
    return {"op": "cancel", "id": order_id} | fields


def replace(order_id: str, **fields: Any) -> Step:
    return {"op": "replace", "id": order_id} | fields


def quote(order_id: str, side: str, qty: int, price: int | None = None, **fields: Any) -> Step:
    """A quote of the maker "M", set 1, unless the fields say otherwise."""
    shared = {"op": "quote", "account": "M", "set": 1}
    return shared | {"id": order_id, "side": side, "qty": qty, "price": price} | fields


def do(operation: str, **fields: Any) -> Step:
    """Any other operation."""
    return {"op": operation} | fields


def phase(word: str, **fields: Any) -> Step:
    return do("phase", phase=word, **fields)


def says(*events: tuple[Any, ...]) -> Step:
    """Exactly these are the events of the command before."""
    return {"op": "check", "expect": {"events": [list(event) for event in events]}}


def then(**expect: Any) -> Step:
    """These expectations hold now; counts are from the start of the scenario."""
    return {"op": "check", "expect": expect}
