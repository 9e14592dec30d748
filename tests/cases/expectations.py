"""Compares what a case expects with what the player saw.

Lives here: one comparison per expectation of the case format; each says what differed, in words.
Does not know: how commands are translated or counted.
"""

from collections.abc import Callable
from typing import Any, Final

from tests.cases.desk import Desk, Ending
from tests.cases.observer import Combo, Trade
from tests.cases.vocabulary import CALLS, FLAVOUR_RULES, PHASES, REJECT_REASONS, SIDE_OF_QUEUE, SIDES

BOOK: Final = 0  # what expectations without an instrument are about
# Where in an event stand ids of orders, books, owners and phases.
ORDER_PLACES: Final = {"fill": (1, 2), "cross": (1, 2), "mmp": (), "phase": (), "auction": (), "extended": ()}
BOOK_PLACES: Final = {"implied": 2, "phase": 1, "auction": 1, "extended": 1}


def differences(desk: Desk, expect: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    """One line per unmet expectation, empty if all are met. Counts are from the start of the case."""
    found = []
    for name, expected in expect.items():
        if name in ("rejects", "cancels"):
            continue
        wanted, actual = _normal(name, expected), ANSWERS[name](desk, expected)
        if actual != wanted:
            found.append(f"{name}: expected {wanted}, got {actual}")
    return found + _endings_that_differ(desk, expect, rules)


def _normal(name: str, expected: Any) -> Any:
    """An expectation in the form the answers have: ids as strings."""
    if name in ("trades", "trades_merged"):
        return [{k: str(v) if k in ("maker", "taker") else v for k, v in trade.items()} for trade in expected]
    if name == "queue":
        return {side: [str(order_id) for order_id in ids] for side, ids in expected.items()}
    if name in ("triggered", "pending_stops", "parked"):
        return [str(order_id) for order_id in expected]
    if name == "implied":
        return [{**one, "side": SIDES[one["side"]]} for one in expected]
    return expected


# ---- trades ---------------------------------------------------------------------------------------------------------


def _row(desk: Desk, trade: Trade) -> dict[str, Any]:
    maker = desk.book_name(trade.maker.book) if isinstance(trade.maker, Combo) else desk.name(trade.maker)
    return {"maker": maker, "taker": desk.name(trade.taker), "qty": trade.lots, "price": trade.price}


def _as_wanted(row: dict[str, Any], wanted: dict[str, Any], *, is_auction: bool) -> dict[str, Any]:
    """The fields a source asserts. In an auction nobody is the taker, so either order of the two is the same trade."""
    swapped = {**row, "maker": row["taker"], "taker": row["maker"]}
    named = {name: str(wanted[name]) for name in ("maker", "taker") if name in wanted}
    if is_auction and all(swapped[name] == order_id for name, order_id in named.items()):
        row = swapped
    return {name: row[name] for name in wanted}


def _trades(desk: Desk, expected: Any) -> Any:
    trades = desk.seen.trades
    if len(trades) != len(expected):
        return [_row(desk, trade) for trade in trades]
    pairs = zip(trades, expected, strict=True)
    return [_as_wanted(_row(desk, trade), wanted, is_auction=trade.auction) for trade, wanted in pairs]


def _trades_merged(desk: Desk, expected: Any) -> Any:
    """Trades of the same two orders at one price as one, where the first of them was."""
    merged: dict[tuple[int | Combo, int, int, bool], int] = {}
    for trade in desk.seen.trades:
        key = (trade.maker, trade.taker, trade.price, trade.auction)
        merged[key] = merged.get(key, 0) + trade.lots
    trades = [Trade(maker, taker, lots, price, auction) for (maker, taker, price, auction), lots in merged.items()]
    if len(trades) != len(expected):
        return [_row(desk, trade) for trade in trades]
    pairs = zip(trades, expected, strict=True)
    return [_as_wanted(_row(desk, trade), wanted, is_auction=trade.auction) for trade, wanted in pairs]


# ---- books and orders -----------------------------------------------------------------------------------------------


def _book(desk: Desk, expected: Any, book: int = BOOK) -> Any:
    depth = desk.engine.depth(book, desk.orders_max)
    return {word: [list(level) for level in depth[SIDE_OF_QUEUE[word]]] for word in expected}


def _books(desk: Desk, expected: Any) -> Any:
    return {name: _book(desk, sides, desk.books[name]) for name, sides in expected.items()}


def _queue(desk: Desk, expected: Any) -> Any:
    """Priority order as the events tell it; the desk compares it with the engine's digest."""
    return {word: [desk.name(n) for n in desk.auditor.queue(BOOK, SIDE_OF_QUEUE[word])] for word in expected}


def _order_counts(desk: Desk, expected: Any) -> Any:
    return {word: len(desk.auditor.queue(BOOK, SIDE_OF_QUEUE[word])) for word in expected}


def _total_volume(desk: Desk, expected: Any) -> Any:
    resting = desk.auditor.resting
    return {word: sum(resting[n].open_lots for n in desk.auditor.queue(BOOK, SIDE_OF_QUEUE[word])) for word in expected}


def _visible_volume(desk: Desk, expected: Any) -> Any:
    depth = desk.engine.depth(BOOK, desk.orders_max)
    return {word: sum(lots for _, lots in depth[SIDE_OF_QUEUE[word]]) for word in expected}


def _leaves(desk: Desk, expected: Any) -> Any:
    return {order_id: (desk.standing(order_id) or (0, 0))[1] for order_id in expected}


def _prices(desk: Desk, expected: Any) -> Any:
    return {order_id: (desk.standing(order_id) or (None, 0))[0] for order_id in expected}


def _displayed(desk: Desk, expected: Any) -> Any:
    return {order_id: desk.engine.shown(desk.number(order_id)) for order_id in expected}


# ---- waiting, calls, combos -----------------------------------------------------------------------------------------


def _pending_stops(desk: Desk, _: Any) -> Any:
    return [desk.name(number) for book in desk.books.values() for number in desk.engine.waiting(book)]


def _parked(desk: Desk, _: Any) -> Any:
    return [desk.name(number) for book in desk.books.values() for number in desk.engine.parked(book)]


def _auction(desk: Desk, expected: Any) -> Any:
    """The indicative of a call, after it what it brought."""
    found: tuple[int, ...] | None = desk.seen.auctions.get(BOOK)
    if PHASES[desk.engine.phase(BOOK)] in CALLS:
        found = desk.engine.indicative(BOOK)
    if found is None:
        return None
    row = dict(zip(("price", "volume", "surplus"), found, strict=False))
    return row if expected is None else {name: row.get(name) for name in expected}


def _implied(desk: Desk, expected: Any) -> Any:
    """Of the sides a source names what they are; of all sides if it names none."""
    found = {}
    for name, book in desk.books.items():
        for side, best in enumerate(desk.engine.implied(book)):
            if best is not None:
                found[name, side] = {"instrument": name, "side": side, "price": best[0], "qty": best[1]}
    if not expected:
        return list(found.values())
    return [found.get((str(one["instrument"]), SIDES[one["side"]])) for one in expected]


def _phase(desk: Desk, expected: Any) -> Any:
    if isinstance(expected, dict):
        return {name: PHASES[desk.engine.phase(desk.books[name])] for name in expected}
    return PHASES[desk.engine.phase(BOOK)]


def _events(desk: Desk, _: Any) -> Any:
    """The last command's events with the names of the case."""
    return [named_event(desk, event) for event in desk.events]


def named_event(desk: Desk, event: tuple[Any, ...]) -> list[Any]:
    """An event as a case writes it."""
    kind, row = event[0], list(event)
    if kind == "refused" and event[1] in desk.books.values() and event[2] == "illegal_phase":
        return [kind, desk.book_name(event[1]), event[2]]
    for place in ORDER_PLACES.get(kind, (1,)):
        row[place] = desk.name(event[place])
    if kind in BOOK_PLACES:
        row[BOOK_PLACES[kind]] = desk.book_name(event[BOOK_PLACES[kind]])
    if kind == "mmp":
        row[1] = desk.account(event[1])
    if kind == "phase":
        row[2] = PHASES[event[2]]
    return row


ANSWERS: Final[dict[str, Callable[[Desk, Any], Any]]] = {
    "trades": _trades, "trades_merged": _trades_merged, "trade_count": lambda desk, _: len(desk.seen.trades),
    "last": lambda desk, _: desk.engine.last_price(BOOK), "book": _book, "books": _books, "queue": _queue,
    "order_counts": _order_counts, "total_volume": _total_volume, "visible_volume": _visible_volume,
    "filled": lambda desk, expected: {order_id: desk.filled(order_id) for order_id in expected},
    "leaves": _leaves, "displayed": _displayed, "prices": _prices,
    "triggered": lambda desk, _: [desk.name(number) for number in desk.seen.triggered],
    "pending_stops": _pending_stops, "parked": _parked, "auction": _auction, "implied": _implied, "phase": _phase,
    "events": _events,
}  # fmt: skip


# ---- rejects and cancels --------------------------------------------------------------------------------------------


def _endings_that_differ(desk: Desk, expect: dict[str, Any], rules: dict[str, Any]) -> list[str]:
    """Rejects and unsolicited cancels, which sources report either way when an order is killed whole.

    A reject is met by a refusal, or by a kill that traded nothing and left nothing resting. A cancel is met by a cancel
    of that quantity, or by a refusal of an order of that size. What the engine did and the source does not list is a
    difference too, except a kill under a rule that says the source reports it as a reject.
    """
    problems = []
    refusals, cancels = list(desk.refusals), list(desk.cancels)
    for wanted in expect.get("rejects", []):
        kills = [ending for ending in cancels if ending.untouched and not desk.standing(ending.order_id)]
        met = [ending for ending in refusals + kills if _is_reject(ending, wanted)]
        if met:
            (refusals if met[0] in refusals else cancels).remove(met[0])
        else:
            problems.append(f"rejects: {wanted} not met, refused {desk.refusals}, cancelled {desk.cancels}")
    for wanted in expect.get("cancels", []):
        unrested = [ending for ending in refusals if not desk.standing(ending.order_id)]
        met = [ending for ending in cancels + unrested if _is_cancel(ending, wanted)]
        if met:
            (cancels if met[0] in cancels else refusals).remove(met[0])
        else:
            problems.append(f"cancels: {wanted} not met, cancelled {desk.cancels}, refused {desk.refusals}")

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
