"""Goal: no mixture of order kinds, phases, marks and corrections breaks a law, a queue picture or a snapshot.

Method: seeded flows in which each order takes one or two kinds that go together, around a moving middle; after every
command the laws of the whole state are checked, queues and depth are rebuilt from frames alone, and at the end a venue
that was loaded in the middle is the same bit for bit. The flow must reach what it is for.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain import commands
from domain.book_rules import BookRules
from domain.commands import cold
from domain.constants import (
    BUY,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_PARKED,
    ORDER_WAITING,
    REASON_EXPIRED,
    REASON_MMP,
    REASON_OCO,
    REASON_STP,
    TRADE_AUCTION,
    TRADE_COMBO,
    TRADE_COMBO_LEG,
)
from domain.events import CommandApplied, OrderState, Phase, ProtectionTriggered, Trade, TradeBusted
from domain.instruments import KIND_COMBO
from exchange.state_machine import StateMachine
from tests.property.test_exchange_laws import Queues
from tests.support.venue import (
    BTC,
    NS,
    TOKEN,
    USDC,
    Venue,
    basic_venue,
    forward,
    fund,
    open_accounts,
    token_spot,
)

MIDDLE = {0: 1_000, 1: 5_000, 2: 5_100, 3: -100, 4: 1_000}
COMMANDS = 700
Fields = dict[str, Any]


def features(rand: random.Random, book: int, side: int, ids: list[int], now_ns: int) -> Fields:
    """One or two kinds that go together; a combo takes limits only."""
    middle = MIDDLE[book]
    trigger = {"trigger": rand.choice((1, 2)), "trigger_ticks": middle + rand.randint(-6, 6),
               "reference": rand.choice((0, 0, 1))}  # fmt: skip
    kinds: list[Callable[[], Fields]] = [
        dict, dict, dict,
        lambda: {"display_lots": rand.randint(1, 2)},
        lambda: {"time_in_force": rand.choice((1, 2, 3, 4))},
        lambda: {"time_in_force": 5, "expire_ns": now_ns + rand.randint(1, 40) * NS},
        lambda: {"post_only": rand.choice((1, 2, 2))},
        lambda: trigger,
        lambda: {**trigger, "display_lots": 1},
        lambda: {"oco": rand.choice(ids) if ids else 0},
        lambda: {**trigger, "oco": rand.choice(ids) if ids else 0},
        lambda: {"quote": True, "quote_set": rand.randint(0, 1), "mmp": rand.choice((0, 0, 1))},
        lambda: {"mmp": 1},
        lambda: {"client_id": b"%d" % rand.randint(0, 30), "label": b"l"},
    ]  # fmt: skip
    if book != 3:
        kinds += [
            lambda: {**trigger, "order_type": 1, "price_ticks": 0},
            lambda: {"order_type": rand.choice((1, 2)), "price_ticks": 0},
            lambda: {"order_type": 1, "price_ticks": 0, "budget": middle * rand.randint(1, 9)},
            lambda: {"trail_ticks": rand.randint(1, 4)},
            lambda: {"trail_bps": rand.randint(10, 80), "order_type": 1, "price_ticks": 0},
            lambda: {"peg": rand.choice((1, 2, 3)), "peg_offset": rand.randint(-3, 3)},
            lambda: {"peg": 1 if side == 0 else 2, "mmp": rand.choice((0, 1))},
        ]
    if book in (1, 2):
        kinds += [lambda: {"reduce_only": 1}] * 3
    return rand.choice(kinds)()


def order(rand: random.Random, ids: dict[int, list[int]], now_ns: int) -> bytes:
    account, book, side = rand.choice((16, 17, 18)), rand.choice((0, 0, 1, 1, 2, 3, 3, 4)), rand.choice((0, 1))
    fields = {
        "account": account, "instrument": book, "side": side, "price_ticks": MIDDLE[book] + rand.randint(-6, 6),
        "quantity_lots": rand.randint(1, 9), "stp": rand.choice((0, 1, 2, 3, 4)),
    }  # fmt: skip
    return commands.new_order(**{**fields, **features(rand, book, side, ids[account][-9:], now_ns)})


def other(rand: random.Random, ids: dict[int, list[int]], trades: int) -> bytes:
    account = rand.choice((16, 17, 18))
    order_id = rand.choice(ids[account][-30:]) if ids[account] else 1
    draw = rand.random()
    if draw < 0.35:
        return commands.cancel_order(account=account, order_id=order_id)
    if draw < 0.75:
        return commands.amend_order(
            account=account, order_id=order_id, price_ticks=rand.choice(list(MIDDLE.values())) + rand.randint(-4, 4),
            total_lots=rand.randint(0, 12), open_lots=rand.random() < 0.3,
            trigger_ticks=rand.choice((0, 0, 1_001, 5_002)),
        )  # fmt: skip
    if draw < 0.80:
        return commands.cancel_all(account=account, side=rand.choice((0, 1, 255)), only_quotes=rand.random() < 0.5)
    if draw < 0.88:
        phase = rand.choice((0, 0, 0, 0, 2, 2, 3, 3, 1 if rand.random() < 0.5 else 4))
        return cold(commands.SetPhase(rand.randrange(5), phase, 0, rand.random() < 0.5))
    if draw < 0.94:
        return cold(rand.choice((commands.UpdateMarks(), commands.AdvanceTime(), commands.ResetProtection(account, 1))))
    number = max(1, trades - rand.randint(0, 5))
    return cold(rand.choice((commands.BustTrade(number), commands.CorrectTrade(number, rand.choice((999, 5_003))))))


def made_venue() -> Venue:
    venue = basic_venue(
        (token_spot(0, taker_ppm=500, maker_ppm=100), 1_000), (forward(1, "HPU_USDC-30APR24", taker_ppm=300), 5_000),
        (forward(2, "HPU_USDC-31MAY24", days=31, taker_ppm=300), 5_100), spread_ppm=100_000,
    )  # fmt: skip
    near = venue.state.instruments[1]
    rules = BookRules(band_high_ticks=200_000, lots_max=20_000, price_bias_ticks=100_000)
    spread = replace(near, instrument_id=3, name="HPU_USDC-CS-30APR24_31MAY24", kind=KIND_COMBO, rules=rules,
                     legs=((1, 1), (2, -1)), delivery_days=0)  # fmt: skip
    banded = replace(
        token_spot(4, rules=replace(near.rules, dynamic_bps=40)), name="TH1B_BTC", auction_ns=5 * NS
    )  # fmt: skip
    venue.tell(commands.ListInstrument(spread, 0), commands.ListInstrument(banded, 1_000))
    for account in open_accounts(venue, "ann", "ben", "cid"):
        fund(venue, account, USDC=10**5 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
        venue.tell(commands.SetProtection(account, 1, lots=9, window_ns=60 * NS, frozen_ns=3 * NS))
    venue.tell(commands.Deposit(3, "USDC", 10**15, "own-usdc"), commands.Deposit(3, "BTC", 10**15, "own-btc"))
    return venue


class Positions:
    """Forward positions folded from trades: outside of auctions a reduce-only order only ever closes (ORD-031)."""

    def __init__(self) -> None:
        self.lots: Counter[tuple[int, int]] = Counter()
        self.reducing: set[int] = set()
        self.closed = 0

    def read(self, found: list[Any]) -> None:
        self.reducing |= {e.order_id for e in found if isinstance(e, OrderState) and e.reduce_only}
        for event in found:
            if isinstance(event, Trade) and event.instrument in (1, 2):
                lots = event.quantity_lots if event.taker_side == BUY else -event.quantity_lots
                for account, order_id, change in (
                    (event.taker_account, event.taker_order_id, lots),
                    (event.maker_account, event.maker_order_id, -lots),
                ):
                    before = self.lots[account, event.instrument]
                    self.lots[account, event.instrument] += change
                    if order_id in self.reducing and not event.flags & TRADE_AUCTION:
                        assert before * change < 0
                        assert abs(change) <= abs(before)
                        self.closed += 1
            elif isinstance(event, TradeBusted) and event.instrument_id in (1, 2):
                self.lots[event.buyer, event.instrument_id] -= event.lots
                self.lots[event.seller, event.instrument_id] += event.lots

    def compare(self, venue: Venue) -> None:
        for (account, instrument), lots in self.lots.items():
            assert venue.position(account, instrument) == lots


def run(seed: int) -> Counter[Any]:
    rand, venue, queues, seen = random.Random(seed), made_venue(), Queues(), Counter[Any]()
    positions = Positions()
    ids: dict[int, list[int]] = {16: [], 17: [], 18: []}
    twin: StateMachine | None = None
    trades = 0
    for number in range(COMMANDS):
        record = order(rand, ids, venue.time_ns) if rand.random() < 0.72 else other(rand, ids, trades)
        venue.do(record, after_ns=rand.choice((1_000, NS // 3, NS)))
        group = venue.group
        if number == COMMANDS // 2:
            twin = StateMachine.load_state(venue.machine.dump_state())
        elif twin is not None:
            assert twin.apply(group) == venue.frames, number
        queues.read(venue.frames)
        venue.machine.check_invariants()
        queues.compare(venue.machine)
        positions.read(venue.events)
        positions.compare(venue)
        for event in venue.events:
            if isinstance(event, CommandApplied) and event.command_kind == 1:
                seen["refused", event.code] += 1
                if event.code == 0:
                    ids[event.account].append(event.sequence)
            elif isinstance(event, OrderState):
                seen["state", event.state, event.reason] += 1
            elif isinstance(event, Trade):
                trades = event.trade_id
                seen["trade", event.flags] += 1
            elif isinstance(event, Phase | ProtectionTriggered):
                seen[type(event).__name__] += 1
    assert twin is not None
    assert twin.digest() == venue.machine.digest()
    seen["reduce-only trade"] = positions.closed
    return seen


def test_no_mixture_of_order_kinds_breaks_a_law() -> None:
    seen: Counter[Any] = Counter()
    for seed in range(4):
        seen += run(seed)
    assert seen["Phase"] > 20
    assert seen["reduce-only trade"] > 0
    for state in (ORDER_WAITING, ORDER_PARKED, ORDER_FILLED):
        assert seen["state", state, 0] > 0
    for reason in (REASON_EXPIRED, REASON_STP, REASON_OCO, REASON_MMP):
        assert seen["state", ORDER_CANCELLED, reason] > 0
    for flags in (0, TRADE_AUCTION, TRADE_COMBO, TRADE_COMBO_LEG):
        assert seen["trade", flags] > 0
