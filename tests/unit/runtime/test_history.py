"""Goal: history is a fold over events that can be repeated, and its readers return what was asked. Method: hand-made
event frames into a real database; reference answers computed in plain Python."""

import asyncio
import random
from pathlib import Path

import pytest

from domain import wire
from domain.constants import (
    BUY,
    COMMAND_COLD,
    COMMAND_NEW_ORDER,
    EVENT_COMMAND,
    EVENT_DEPTH,
    EVENT_ORDER,
    EVENT_TRADE,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_OPEN,
    ORDER_PARKED,
    ORDER_WAITING,
    SELL,
)
from domain.events import DividendChanged, OrderState, Trade, VariationMarginPaid, encode_cold_event
from domain.rejects import RejectCode
from gateway.history_reader import HistoryBehind, TradeWindow
from runtime.history import MINUTE_NS, History, HistoryMismatch
from runtime.history_queries import HistoryQueries
from runtime.history_reader import SqliteHistoryReader

VENUE = b"venue"
ALICE, BOB = 16, 17
START_NS = 1_703_289_600 * 10**9


def command_frame(sequence: int, time_ns: int) -> bytes:
    return wire.COMMAND_EVENT.pack(
        wire.COMMAND_EVENT.size, EVENT_COMMAND, 0, sequence, time_ns, 1 << 32, 5, ALICE, COMMAND_NEW_ORDER, 0, 0, 0, 0
    )


def order_state(
    order_id: int, account: int = ALICE, *, instrument: int = 1, state: int = ORDER_OPEN, filled_lots: int = 0,
    updated_ns: int = START_NS, label: str = "",
) -> OrderState:  # fmt: skip
    return OrderState(
        order_id, 1 << 32, account, instrument, 100, 10, filled_lots, filled_lots * 100, 3, START_NS, updated_ns,
        BUY, 0, 0, 1, 0, 0, 1, state, 0, 0, label,
    )  # fmt: skip


def order_frame(order: OrderState) -> bytes:
    label = order.label.encode()
    length = wire.padded(wire.ORDER_EVENT.size + len(label))
    head = wire.ORDER_EVENT.pack(length, EVENT_ORDER, 0, *order[:20], len(label), order.amended, *[0] * 16)
    return (head + label).ljust(length, b"\0")


def trade(trade_id: int, *, instrument: int = 1, trade_seq: int | None = None, price: int = 100, lots: int = 2,
          maker: tuple[int, int] = (BOB, 1), taker: tuple[int, int] = (ALICE, 2)) -> Trade:  # fmt: skip
    return Trade(
        trade_id, trade_seq or trade_id, instrument, SELL, 0, maker[1], taker[1], maker[0], taker[0], price, lots,
        1, 2, 99, 98,
    )  # fmt: skip


def trade_frame(value: Trade) -> bytes:
    return wire.TRADE_EVENT.pack(wire.TRADE_EVENT.size, EVENT_TRADE, 0, *value[:5], value.flags, *value[5:-1])


def depth_frame() -> bytes:
    return wire.DEPTH_EVENT.pack(wire.DEPTH_EVENT.size, EVENT_DEPTH, 0, 1, BUY, 100, 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def project(history: History, *frames: bytes, time_ns: int = START_NS) -> None:
    """One command with these frames as one group."""
    sequence = history._pending_sequence + 1
    history.project(sequence, command_frame(sequence, time_ns) + b"".join(frames))


def filled(path: Path) -> HistoryQueries:
    """Two accounts, two instruments, six trades a half minute apart."""
    history = History(path, VENUE)
    orders = [order_state(1, BOB, state=ORDER_OPEN), order_state(2, state=ORDER_FILLED, filled_lots=10, label="näm")]
    project(history, *[order_frame(order) for order in orders], depth_frame())
    for number in range(1, 7):
        instrument = 1 + number % 2
        value = trade(number, instrument=instrument, trade_seq=(number + 1) // 2, price=100 + number, lots=number)
        project(history, trade_frame(value), depth_frame(), time_ns=START_NS + number * MINUTE_NS // 2)
    history.close()
    return HistoryQueries(path)


def test_an_order_is_known_by_its_latest_state_only_to_its_account(path: Path) -> None:
    history = History(path, VENUE)
    project(history, order_frame(order_state(5)))
    project(history, order_frame(last := order_state(5, filled_lots=4, label="my label")))
    history.commit()
    queries = HistoryQueries(path)
    assert last == queries.order(ALICE, 5)
    assert queries.order(BOB, 5) is None
    assert queries.order(ALICE, 6) is None


def test_ended_orders_come_newest_first_with_their_filters(path: Path) -> None:
    history = History(path, VENUE)
    orders = [
        order_state(1, state=ORDER_OPEN),
        order_state(2, state=ORDER_FILLED, filled_lots=10),
        order_state(3, state=ORDER_CANCELLED),
        order_state(4, state=ORDER_CANCELLED, filled_lots=1, instrument=2),
        order_state(5, BOB, state=ORDER_CANCELLED, filled_lots=1),
        order_state(6, state=ORDER_WAITING),
        order_state(7, state=ORDER_PARKED),
    ]
    project(history, *[order_frame(order) for order in orders])
    history.commit()
    queries = HistoryQueries(path)

    def ids(instruments: tuple[int, ...] = (), count: int = 9, offset: int = 0, unfilled: bool = True) -> list[int]:
        found = queries.ended_orders(ALICE, instruments, count=count, offset=offset, include_unfilled=unfilled)
        return [order.order_id for order in found]

    assert [4, 3, 2] == ids()
    assert [4, 2] == ids(unfilled=False)
    assert [3, 2] == ids((1,))
    assert [3] == ids(count=1, offset=1)


def test_public_trades_are_windowed_by_time_seq_and_count(path: Path) -> None:
    queries = filled(path)

    def ids(*instruments: int, **window: int | bool) -> tuple[list[int], bool]:
        page = queries.public_trades(instruments, TradeWindow(**window))  # type: ignore[arg-type]
        return [found.trade.trade_id for found in page.trades], page.has_more

    assert ([6, 5, 4, 3, 2, 1], False) == ids()
    assert ([6, 4, 2], False) == ids(1)
    assert ([6, 5], True) == ids(1, 2, count=2)
    assert ([1, 2], True) == ids(1, 2, count=2, newest_first=False)
    assert ([4, 3], False) == ids(from_ns=START_NS + 3 * MINUTE_NS // 2, to_ns=START_NS + 2 * MINUTE_NS)
    assert ([4], False) == ids(1, from_seq=2, to_seq=2)
    assert ([], False) == ids(3)


def test_a_trade_comes_back_as_it_was(path: Path) -> None:
    history = History(path, VENUE)
    project(history, trade_frame(value := trade(7, price=12, lots=3)), time_ns=START_NS + 5)
    history.commit()
    (found,) = HistoryQueries(path).public_trades((), TradeWindow()).trades
    assert (START_NS + 5, value) == (found.time_ns, found.trade)


def test_user_trades_carry_side_and_order(path: Path) -> None:
    queries = filled(path)
    page = queries.user_trades(ALICE, (1,), TradeWindow(count=2))
    assert ([(6, False), (4, False)], True) == ([(t.trade.trade_id, t.is_maker) for t in page.trades], page.has_more)
    assert {"näm"} == {found.order.label for found in page.trades}
    assert [True] * 6 == [t.is_maker for t in queries.user_trades(BOB, (), TradeWindow()).trades]
    assert 6 == len(queries.user_trades(ALICE, (), TradeWindow(), order_id=2).trades)
    assert () == queries.user_trades(ALICE, (), TradeWindow(), order_id=1).trades, "another account's order"


def test_a_self_trade_yields_both_sides(path: Path) -> None:
    history = History(path, VENUE)
    project(
        history,
        *[order_frame(order_state(number)) for number in (1, 2)],
        trade_frame(trade(1, maker=(ALICE, 1), taker=(ALICE, 2))),
    )
    history.commit()
    page = HistoryQueries(path).user_trades(ALICE, (), TradeWindow(newest_first=False))
    assert [(False, 2), (True, 1)] == [(found.is_maker, found.order.order_id) for found in page.trades]


def test_candles_agree_with_a_plain_fold_at_every_resolution_and_commit_rhythm(path: Path) -> None:
    seed = 11
    choose = random.Random(seed)
    history = History(path, VENUE)
    trades: list[tuple[int, Trade]] = []
    time_ns = START_NS
    for number in range(1, 400):
        time_ns += choose.randrange(90) * 10**9
        value = trade(number, price=choose.randrange(-50, 50), lots=choose.randrange(1, 9))
        trades.append((time_ns, value))
        project(history, trade_frame(value), time_ns=time_ns)
        if choose.random() < 0.2:
            history.commit()
    history.commit()
    queries = HistoryQueries(path)
    for minutes in (1, 5, 60, 1_440):
        resolution = minutes * MINUTE_NS
        expected = plain_candles(trades, resolution)
        found = queries.candles(1, resolution, from_ns=0, to_ns=2**62)
        assert expected == [tuple(getattr(candle, name) for name in candle.__struct_fields__) for candle in found]
        window = queries.candles(1, resolution, from_ns=expected[-1][0], to_ns=expected[-1][0])
        assert [expected[-1][0]] == [candle.start_ns for candle in window]


def plain_candles(trades: list[tuple[int, Trade]], resolution_ns: int) -> list[tuple[int, ...]]:
    groups: dict[int, list[Trade]] = {}
    for time_ns, value in trades:
        groups.setdefault(time_ns // resolution_ns * resolution_ns, []).append(value)
    return [
        (
            start, group[0].price_ticks, max(t.price_ticks for t in group), min(t.price_ticks for t in group),
            group[-1].price_ticks, sum(t.quantity_lots for t in group),
            sum(t.quantity_lots * t.price_ticks for t in group), group[-1].trade_seq,
        )
        for start, group in groups.items()
    ]  # fmt: skip


def test_a_resolution_below_a_minute_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of a minute"):
        filled(path).candles(1, MINUTE_NS // 2, from_ns=0, to_ns=1)


def test_dividends_follow_their_state_also_through_a_reorg(path: Path) -> None:
    history = History(path, VENUE)

    def change(state: str, legs: tuple[tuple[int, int, int], ...]) -> None:
        event = DividendChanged("TH1A", 822_600, "ab", 10, 20, state, 300, legs)
        project(history, encode_cold_event(event))

    def states(account: int) -> list[tuple[str, int]]:
        history.commit()
        return [(row.state, row.amount_msat) for row in HistoryQueries(path).dividends(account, count=9)]

    change("pending", ((ALICE, 5, 200), (BOB, 3, 100)))
    assert [("pending", 200)] == states(ALICE)
    change("voided", ())
    assert [("voided", 200)] == states(ALICE)
    change("pending", ((ALICE, 5, 200), (BOB, 3, 100)))
    change("posted", ((ALICE, 5, 200),))
    assert [("posted", 200)] == states(ALICE)
    assert [("pending", 100)] == states(BOB)


def test_variation_margin_flows_are_kept_per_account(path: Path) -> None:
    history = History(path, VENUE)
    project(history, encode_cold_event(VariationMarginPaid(3, 1, 77, ((ALICE, -50), (BOB, 50)))))
    history.commit()
    (flow,) = HistoryQueries(path).variation_margin(ALICE, count=5)
    assert (3, 1, 77, -50) == (flow.cycle_id, flow.instrument, flow.price_ticks, flow.amount)


def test_projecting_twice_changes_nothing_and_only_commits_are_kept(path: Path) -> None:
    group = command_frame(1, START_NS) + trade_frame(trade(1))
    history = History(path, VENUE)
    history.project(1, group)
    history.project(1, group)
    history.commit()
    history.project(1, group)
    history.commit()
    history.project(2, command_frame(2, START_NS) + trade_frame(trade(2)))
    history._connection.close()  # a crash before the commit
    history = History(path, VENUE)
    assert history.sequence == 1
    history.project(1, group)
    history.commit()
    queries = HistoryQueries(path)
    assert (1, 1) == (queries.progress(), len(queries.public_trades((), TradeWindow()).trades))
    assert 2 == queries.candles(1, MINUTE_NS, from_ns=0, to_ns=2**62)[0].volume_lots


def test_another_venues_or_versions_database_is_refused(path: Path) -> None:
    History(path, VENUE).close()
    with pytest.raises(HistoryMismatch, match="another venue"):
        History(path, b"other")
    history = History(path, VENUE)
    history._connection.execute("PRAGMA user_version = 99")
    history.close()
    with pytest.raises(HistoryMismatch, match="version 99"):
        History(path, VENUE)


def test_frames_that_are_none_are_refused(path: Path) -> None:
    history = History(path, VENUE)
    with pytest.raises(ValueError, match="bad event frame"):
        history.project(1, command_frame(1, START_NS)[:32])


def test_a_reader_waits_for_the_sequence_it_was_promised(path: Path) -> None:
    async def scenario() -> int:
        reader = SqliteHistoryReader(path)
        question = asyncio.create_task(reader.public_trades((), TradeWindow(), at_least_sequence=2))
        await asyncio.sleep(0.02)
        history = History(path, VENUE)
        project(history, trade_frame(trade(1)))
        history.commit()
        await asyncio.sleep(0.02)
        assert not question.done()
        project(history, trade_frame(trade(2)))
        history.close()
        found = await question
        reader.close()
        return len(found.trades)

    assert 2 == asyncio.run(scenario())


def test_a_reader_gives_up_loudly_when_the_follower_stays_behind(path: Path) -> None:
    async def scenario() -> None:
        reader = SqliteHistoryReader(path, wait_s=0.05)
        try:
            with pytest.raises(HistoryBehind, match="at command 0, asked for 7"):
                await reader.order(ALICE, 1, at_least_sequence=7)
        finally:
            reader.close()

    asyncio.run(scenario())


def test_refusals_of_the_venue_s_own_commands_are_told_once_and_repeats_and_clients_are_not(path: Path) -> None:
    history = History(path, VENUE)

    def frame(sequence: int, kind: int, code: int) -> bytes:
        return wire.COMMAND_EVENT.pack(
            wire.COMMAND_EVENT.size, EVENT_COMMAND, 0, sequence, START_NS, 0, 0, 0, kind, 0, code, 0, 0
        )

    outcomes = [
        (COMMAND_COLD, 0), (COMMAND_COLD, RejectCode.INSUFFICIENT_BALANCE), (COMMAND_COLD, RejectCode.DUPLICATE_BLOCK),
        (COMMAND_COLD, RejectCode.ALREADY_EXISTS), (COMMAND_NEW_ORDER, RejectCode.PRICE_BAND),
        (COMMAND_COLD, RejectCode.BAD_WORK),
    ]  # fmt: skip
    history.project(6, b"".join(frame(number, *outcome) for number, outcome in enumerate(outcomes, 1)))
    assert history.take_refusals() == [(2, RejectCode.INSUFFICIENT_BALANCE), (6, RejectCode.BAD_WORK)]
    assert history.take_refusals() == []
    history.close()
