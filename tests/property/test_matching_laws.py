"""Goal: the laws of matching hold for whatever is thrown at a book, in the compiled engine and in its twin.

Method: Hypothesis draws book rules and command lists; each law is stated here on its own, from the events and the
engine's answers. Nothing here compares the two engines (tests/twin does) or repeats how matching works.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from domain.book_rules import BookRules
from domain.constants import BUY, FOK, GTC, MARKET, SELL, STP_NONE
from tests.engines import ENGINE_NAMES, Engine, Event, engine_class
from tests.reference.auditor import Auditor
from tests.strategies import BOOK, IDS_MAX, Command, book_rules, command_lists

LEVELS_ALL = 1_000
both_engines = pytest.mark.parametrize("engine_name", ENGINE_NAMES)
any_commands = given(rules=book_rules(), commands=command_lists)
enough = settings(max_examples=60, deadline=None)


def open_engine(engine_name: str, rules: BookRules) -> Engine:
    engine = engine_class(engine_name)(orders_max=64, books_max=1, pages_max=64)
    engine.add_book(BOOK, rules)
    return engine


def send(engine: Engine, command: Command) -> list[Event]:
    method, args, options = command
    events: list[Event] = list(getattr(engine, method)(*args, **options))
    return events


def play(engine_name: str, rules: BookRules, commands: list[Command]) -> Iterator[tuple[Engine, Command, list[Event]]]:
    """Send commands one by one and yield the engine after each, with what it said."""
    engine = open_engine(engine_name, rules)
    for command in commands:
        yield engine, command, send(engine, command)


def resting(engine: Engine) -> dict[int, tuple[int, int, int, int, int, int]]:
    """Every resting order by id; ids in these tests are 1..IDS_MAX."""
    found = {order_id: engine.order(order_id) for order_id in range(1, IDS_MAX + 1)}
    return {order_id: order for order_id, order in found.items() if order is not None}


def limit_of(command: Command) -> int | None:
    """The limit of a priced order or amend, None for a market order."""
    method, args, options = command
    if method == "amend":
        return args[2]
    return None if options["order_type"] == MARKET else args[4]


@both_engines
@any_commands
@enough
def test_book_is_never_crossed_or_locked(engine_name: str, rules: BookRules, commands: list[Command]) -> None:
    for engine, _, _ in play(engine_name, rules, commands):
        bid, ask = engine.best(BOOK)
        assert bid is None or ask is None or bid < ask
        engine.check_invariants()


@both_engines
@any_commands
@enough
def test_fill_is_at_the_price_the_maker_rested_at(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    price_of: dict[int, int] = {}
    for engine, _, events in play(engine_name, rules, commands):
        for event in events:
            if event[0] == "rested":
                price_of[event[1]] = event[2]
            elif event[0] == "fill":
                assert event[3] == price_of[event[1]]
                assert engine.last_price(BOOK) is not None
        fills = [event for event in events if event[0] == "fill"]
        if fills:
            assert engine.last_price(BOOK) == fills[-1][3]


@both_engines
@any_commands
@enough
def test_fill_is_never_worse_than_the_takers_limit(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    engine = open_engine(engine_name, rules)
    for command in commands:
        before = resting(engine)
        for event in send(engine, command):
            limit = limit_of(command) if event[0] == "fill" else None
            if limit is None:
                continue
            side = command[1][3] if command[0] == "submit" else before[command[1][0]][2]
            assert event[3] <= limit if side == BUY else event[3] >= limit


@both_engines
@any_commands
@enough
def test_market_order_stays_within_its_protection(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    engine = open_engine(engine_name, rules)
    for command in commands:
        bid, ask = engine.best(BOOK)
        fills = [event for event in send(engine, command) if event[0] == "fill"]
        if command[0] != "submit" or limit_of(command) is not None or not fills:
            continue
        best = ask if command[1][3] == BUY else bid
        assert best is not None
        worst_distance = max(abs(event[3] - best) for event in fills)
        if rules.protection_ticks > 0:
            assert worst_distance <= rules.protection_ticks
        elif rules.protection_bps > 0:
            assert worst_distance * 10_000 <= best * rules.protection_bps


@both_engines
@any_commands
@enough
def test_best_price_then_oldest_order_is_met_first(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    auditor = Auditor()
    for engine, (method, args, options), events in play(engine_name, rules, commands):
        auditor.observe(method, args, options, events)  # raises when somebody was overtaken
        assert engine.state_digest() == auditor.state_digest()


@both_engines
@any_commands
@enough
def test_level_lots_are_the_open_lots_of_its_orders(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    for engine, _, _ in play(engine_name, rules, commands):
        sums: tuple[dict[int, int], dict[int, int]] = (defaultdict(int), defaultdict(int))
        for _, _, side, price, open_lots, _ in resting(engine).values():
            sums[side][price] += open_lots
        bids, asks = engine.depth(BOOK, LEVELS_ALL)
        assert bids == sorted(sums[BUY].items(), reverse=True)
        assert asks == sorted(sums[SELL].items())


@both_engines
@any_commands
@enough
def test_immediate_and_market_orders_never_rest(engine_name: str, rules: BookRules, commands: list[Command]) -> None:
    for engine, (method, args, options), events in play(engine_name, rules, commands):
        if method == "submit" and (options["tif"] != GTC or options["order_type"] == MARKET):
            assert all(event[0] != "rested" for event in events)
            if events[0] != ("refused", args[1], "duplicate_id"):
                assert engine.order(args[1]) is None


@both_engines
@any_commands
@enough
def test_fill_or_kill_order_fills_whole_or_changes_nothing(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    engine = open_engine(engine_name, rules)
    for command in commands:
        before = engine.state_digest()
        events = send(engine, command)
        if command[0] == "submit" and command[2]["tif"] == FOK:
            filled = sum(event[4] for event in events if event[0] == "fill")
            assert filled in (0, command[1][5])
            if filled == 0:
                assert engine.state_digest() == before
                assert len(events) == 1


@both_engines
@any_commands
@enough
def test_post_only_order_never_takes_also_when_amended(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    post_only: set[int] = set()
    for _, (method, args, options), events in play(engine_name, rules, commands):
        if method == "submit" and events[0][0] != "refused":
            (post_only.add if options["post_only"] else post_only.discard)(args[1])
        takers = {event[2] for event in events if event[0] == "fill"}
        assert not takers & post_only


@both_engines
@any_commands
@enough
def test_every_lot_is_filled_open_or_cancelled(engine_name: str, rules: BookRules, commands: list[Command]) -> None:
    wanted: dict[int, int] = {}
    spent: dict[int, int] = defaultdict(int)  # filled or cancelled
    for engine, (method, args, _), events in play(engine_name, rules, commands):
        accepted = events != [] and events[0][0] != "refused"
        if method == "submit" and accepted:
            wanted[args[1]], spent[args[1]] = args[5], 0
        elif method == "amend" and accepted and events[0][3] != "amend_total":
            wanted[args[0]] = args[3]
        for event in events:
            if event[0] == "fill":
                spent[event[1]] += event[4]
                spent[event[2]] += event[4]
            elif event[0] == "cancelled" and event[3] != "amend_replace":
                spent[event[1]] += event[2]
        orders = resting(engine)
        for order_id, lots in wanted.items():
            assert lots == spent[order_id] + (orders[order_id][4] if order_id in orders else 0)


@both_engines
@any_commands
@enough
def test_refusal_stands_alone_and_changes_nothing(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    engine = open_engine(engine_name, rules)
    for command in commands:
        before = engine.state_digest()
        events = send(engine, command)
        if any(event[0] == "refused" for event in events):
            assert len(events) == 1
            assert engine.state_digest() == before


@both_engines
@any_commands
@enough
def test_owner_never_trades_with_himself_unless_prevention_is_off(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    owner_of: dict[int, int] = {}
    mode_of: dict[int, int] = {}
    for _, (method, args, options), events in play(engine_name, rules, commands):
        if method == "submit" and events[0][0] != "refused":
            owner_of[args[1]], mode_of[args[1]] = args[2], options["stp"]
        for event in events:
            if event[0] == "fill" and mode_of[event[2]] != STP_NONE:
                assert owner_of[event[1]] != owner_of[event[2]] or owner_of[event[2]] == 0


@both_engines
@any_commands
@enough
def test_amend_without_increase_at_the_same_price_keeps_the_place(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    auditor = Auditor()
    engine = open_engine(engine_name, rules)
    for method, args, options in commands:
        known = engine.order(args[0]) if method == "amend" else None
        queue = auditor.queue(BOOK, known[2]) if known else []
        events = send(engine, (method, args, options))
        auditor.observe(method, args, options, events)
        if known is None or events[0][0] == "refused":
            continue
        _, _, side, price, open_lots, filled_lots = known
        stays = args[2] == price and filled_lots < args[3] <= filled_lots + open_lots
        assert (events[0][0] == "amended") is stays
        if stays:
            assert auditor.queue(BOOK, side) == queue
        elif engine.order(args[0]) is not None:
            same_level = [n for n in auditor.queue(BOOK, side) if auditor.resting[n].limit_ticks == args[2]]
            assert same_level[-1] == args[0]
        assert engine.state_digest() == auditor.state_digest()


@both_engines
@any_commands
@enough
def test_same_commands_give_the_same_events_and_digest(
    engine_name: str, rules: BookRules, commands: list[Command]
) -> None:
    first, second = open_engine(engine_name, rules), open_engine(engine_name, rules)
    for command in commands:
        assert send(first, command) == send(second, command)
    assert first.state_digest() == second.state_digest()
