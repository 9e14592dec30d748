"""Compares what a case expects with what the player saw.

Lives here: one comparison per expectation of the case format; each says what differed, in words.
Does not know: how commands are translated or counted.
"""

from collections.abc import Callable
from typing import Any, Final

from domain.constants import BUY, SELL
from tests.cases.features import FLAVOUR_RULES, REJECT_REASONS
from tests.cases.player import BOOK, Ending, Player

SIDE_OF_WORD: Final = {"bids": BUY, "asks": SELL}


def differences(player: Player, expect: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    """One line per unmet expectation, empty if all are met. Counts are from the start of the case."""
    found = []
    for name, expected in expect.items():
        if name in ("rejects", "cancels"):
            continue
        actual = ANSWERS[name](player, expected)
        if actual != _normal(name, expected):
            found.append(f"{name}: expected {_normal(name, expected)}, got {actual}")
    return found + _endings_that_differ(player, expect, rules)


def _normal(name: str, expected: Any) -> Any:
    """An expectation in the form the answers have: ids as strings."""
    if name in ("trades", "trades_merged"):
        return [{k: str(v) if k in ("maker", "taker") else v for k, v in trade.items()} for trade in expected]
    if name == "queue":
        return {side: [str(order_id) for order_id in ids] for side, ids in expected.items()}
    return expected


def _trades(player: Player, expected: Any) -> Any:
    trades = [vars(trade) for trade in player.trades]
    if len(trades) != len(expected):
        return trades
    return [{name: trade[name] for name in wanted} for trade, wanted in zip(trades, expected, strict=True)]


def _trades_merged(player: Player, expected: Any) -> Any:
    """Trades of the same two orders at one price as one, where the first of them was."""
    merged: dict[tuple[str, str, int], int] = {}
    for trade in player.trades:
        key = (trade.maker, trade.taker, trade.price)
        merged[key] = merged.get(key, 0) + trade.qty
    rows = [{"maker": m, "taker": t, "price": p, "qty": q} for (m, t, p), q in merged.items()]
    if len(rows) != len(expected):
        return rows
    return [{name: row[name] for name in wanted} for row, wanted in zip(rows, expected, strict=True)]


def _book(player: Player, expected: Any) -> Any:
    depth = player.engine.depth(BOOK, player.orders_max)
    return {word: [list(level) for level in depth[SIDE_OF_WORD[word]]] for word in expected}


def _queue(player: Player, expected: Any) -> Any:
    """Priority order as the events tell it; the player has already compared it with the engine's digest."""
    return {word: [player.name(n) for n in player.auditor.queue(BOOK, SIDE_OF_WORD[word])] for word in expected}


def _order_counts(player: Player, expected: Any) -> Any:
    return {word: len(player.auditor.queue(BOOK, SIDE_OF_WORD[word])) for word in expected}


def _volume(player: Player, expected: Any) -> Any:
    depth = player.engine.depth(BOOK, player.orders_max)
    return {word: sum(lots for _, lots in depth[SIDE_OF_WORD[word]]) for word in expected}


def _leaves(player: Player, expected: Any) -> Any:
    return {order_id: (player.resting(order_id) or (0, 0))[1] for order_id in expected}


def _prices(player: Player, expected: Any) -> Any:
    return {order_id: (player.resting(order_id) or (None, 0))[0] for order_id in expected}


ANSWERS: Final[dict[str, Callable[[Player, Any], Any]]] = {
    "trades": _trades,
    "trades_merged": _trades_merged,
    "trade_count": lambda player, _: len(player.trades),
    "last": lambda player, _: player.engine.last_price(BOOK),
    "book": _book,
    "queue": _queue,
    "order_counts": _order_counts,
    "total_volume": _volume,
    "visible_volume": _volume,  # without icebergs everything is visible
    "filled": lambda player, expected: {order_id: player.filled.get(order_id, 0) for order_id in expected},
    "leaves": _leaves,
    "displayed": _leaves,
    "prices": _prices,
}


def _endings_that_differ(player: Player, expect: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    """Rejects and unsolicited cancels, which sources report either way when an order is killed whole.

    A reject is met by a refusal, or by a kill that traded nothing and left nothing resting. A cancel is met by a cancel
    of that quantity, or by a refusal of an order of that size. What the engine did and the source does not list is a
    difference too, except a kill under a rule that says the source reports it as a reject.
    """
    problems = []
    refusals, cancels = list(player.refusals), list(player.cancels)
    for wanted in expect.get("rejects", []):
        kills = [ending for ending in cancels if ending.untouched and not player.resting(ending.order_id)]
        met = [ending for ending in refusals + kills if _is_reject(ending, wanted)]
        if met:
            (refusals if met[0] in refusals else cancels).remove(met[0])
        else:
            problems.append(f"rejects: {wanted} not met, refused {player.refusals}, cancelled {player.cancels}")
    for wanted in expect.get("cancels", []):
        unrested = [ending for ending in refusals if not player.resting(ending.order_id)]
        met = [ending for ending in cancels + unrested if _is_cancel(ending, wanted)]
        if met:
            (cancels if met[0] in cancels else refusals).remove(met[0])
        else:
            problems.append(f"cancels: {wanted} not met, cancelled {player.cancels}, refused {player.refusals}")

    reported_as_reject = [reason for rule, reason in FLAVOUR_RULES.items() if rules.get(rule) == "reject"]
    if "cancels" in expect:
        problems += [
            f"cancels: {extra} is not expected"
            for extra in cancels
            if not (extra.untouched and extra.reason in reported_as_reject)
        ]
    if "rejects" in expect:
        problems += [f"rejects: {extra} is not expected" for extra in refusals]
    return problems


def _is_reject(ending: Ending, wanted: dict[str, Any]) -> bool:
    if ending.order_id != str(wanted["id"]):
        return False
    reason = wanted.get("reason")
    return reason is None or ending.reason in REJECT_REASONS[reason]


def _is_cancel(ending: Ending, wanted: dict[str, Any]) -> bool:
    return (ending.order_id, ending.lots) == (str(wanted["id"]), wanted["qty"])

