"""Sends one stream of commands to the core and to the plain exchange and compares everything both say.

Lives here: the comparison after each command, of state and laws now and then, and the two ways of cutting the stream.
Does not know: which answer is right.
"""

import random
from collections import Counter
from typing import Any, NamedTuple

from domain.events import AccountsChanged, CommandApplied, OrderState, Trade, decode_events
from domain.instruments import KIND_FORWARD
from exchange.record import stamp_records
from exchange.state_machine import StateMachine
from tests.reference.exchange import Answer, PlainExchange
from tests.reference.house import MARGIN_ASSETS
from tests.support.venue import START_NS
from tests.twin.exchange_flow import LIMITS, ExchangeFlow, record_of, setup_commands

STATE_EVERY = 50


class ExchangesDiffer(AssertionError):
    """The core and its twin disagree; the text names seed and command."""


class RunResult(NamedTuple):
    """What a run did."""

    commands: int
    trades: int
    digest: str
    kinds: Counter[str]  # refusal codes, order reasons, facts reached
    records: list[bytes]  # stamped
    events: list[bytes]  # per record


def run(*, commands: int, seed: int, keep: bool = True) -> RunResult:
    """Compare `commands` random commands.

    Raises:
        ExchangesDiffer: at the first difference.
        InvariantViolation: a law of the core is broken.
    """
    return _Run(seed, keep).go(commands)


class _Run:
    def __init__(self, seed: int, keep: bool) -> None:
        self.seed, self.keep = seed, keep
        self.core = StateMachine.create(LIMITS)
        self.restored: StateMachine | None = None  # a second core that was loaded from a snapshot on the way
        self.twin = PlainExchange(LIMITS)
        self.flow = ExchangeFlow(seed)
        self.kinds: Counter[str] = Counter()
        self.records: list[bytes] = []
        self.events: list[bytes] = []
        self.time_ns = START_NS
        self.trades = 0

    def go(self, commands: int) -> RunResult:
        for command in setup_commands():
            self.apply(command)
        for number in range(commands):
            if number == commands // 2:
                self.restored = StateMachine.load_state(self.core.dump_state())
            self.time_ns += self.flow.step_ns()
            self.apply(self.flow.next_command(self.twin, self.core.sequence + 1, self.time_ns))
            if number % STATE_EVERY == 0 or number == commands - 1:
                self.compare_state()
        digest = self.core.digest()
        if self.restored is not None:
            self.equal("digest after a snapshot", self.restored.digest(), digest)
        return RunResult(commands, self.trades, digest, self.kinds, self.records, self.events)

    def apply(self, command: Any) -> None:
        record = bytearray(record_of(command))
        stamp_records(record, self.core.sequence + 1, self.time_ns)
        frames = self.core.apply(record)
        if self.restored is not None:
            self.equal(f"events after a snapshot of {command}", self.restored.apply(record), frames)
        if self.keep:
            self.records.append(bytes(record))
            self.events.append(frames)
        said = answer_of(frames, in_order=isinstance(command, tuple) and command[0] in ("new_order", "amend_order"))
        expected = self.twin.apply(self.core.sequence, self.time_ns, command)
        if not (isinstance(command, tuple) and command[0] in ("new_order", "amend_order")):
            expected = expected._replace(orders=sorted(expected.orders))
        self.equal(f"answer to {command}", said, expected._replace(lapsed=sorted(expected.lapsed)))
        self.count(expected, command)

    def count(self, answer: Answer, command: Any) -> None:
        self.trades += len(answer.trades)
        self.kinds[f"code {answer.code[0]}"] += 1
        self.kinds["lapsed order"] += len(answer.lapsed)
        name = command[0] if isinstance(command, tuple) else type(command).__name__
        if answer.code[0] == 0:
            self.kinds[name] += 1
        for order in answer.orders:
            self.kinds[f"state {order[1]} reason {order[2]}"] += 1

    def compare_state(self) -> None:
        self.core.check_invariants()
        house, core = self.twin.house, self.core.state.core
        for offset in range(len(house.accounts)):
            account = 16 + offset
            self.equal(f"account {account}", views_of(self.core, account), house.views(account))
        for number, market in enumerate(house.markets):
            self.equal(f"book {number}", core.depth(number, 1_000), self.twin.books.depth(number, 1_000))
            figures = (market.mark_ticks, market.index_ticks, market.psr, market.trade_seq, market.last_ticks)
            self.equal(f"market {number}", (*core.mark(number), core.psr(number), *core.tape(number)), figures)
            self.equal(f"market {number} open", core.is_open(number), market.open)
        for account in (1, 2, 3, 4):
            found = [core.ledger.posted(account, index) for index in house.assets.values()]
            expected = [house.ledger.posted[account, index] for index in house.assets.values()]
            self.equal(f"house account {account}", found, expected)
        past_ns = self.time_ns - random.Random(self.time_ns ^ self.seed).randrange(100 * 10**9)
        past_ns -= past_ns % 10**9  # record times are whole seconds
        held = core.timeline.holders(house.assets["TH1A"], past_ns)
        self.equal(f"holders at {past_ns}", held, house.holders("TH1A", past_ns))
        self.kinds["reduce-only account"] += len(house.reduce_only)
        loaded = StateMachine.load_state(self.core.dump_state())
        self.equal("digest of a loaded dump", loaded.digest(), self.core.digest())

    def equal(self, what: str, core: Any, twin: Any) -> None:
        if core != twin:
            raise ExchangesDiffer(
                f"seed {self.seed}, sequence {self.core.sequence}: {what}\n  core {core}\n  twin {twin}"
            )


def answer_of(frames: bytes, *, in_order: bool) -> Answer:
    """The core's frames in the twin's words. A lapse makes a command frame of its own before the command's."""
    lapsed: list[tuple[int, ...]] = []
    orders: list[tuple[int, ...]] = []
    trades: list[tuple[int, ...]] = []
    code = (-1, 0, 0)
    for event in decode_events(frames):
        match event:
            case CommandApplied():
                lapsed, orders = orders, []
                code = (event.code, event.detail, event.value)
            case OrderState():
                orders.append((
                    event.order_id, event.state, event.reason, event.total_lots, event.filled_lots,
                    event.notional_ticks, event.fee,
                ))  # fmt: skip
            case Trade():
                trades.append((
                    event.maker_order_id, event.taker_order_id, event.price_ticks, event.quantity_lots,
                    event.maker_fee, event.taker_fee,
                ))  # fmt: skip
            case AccountsChanged(accounts=accounts):
                if list(accounts) != sorted(set(accounts)):
                    raise ExchangesDiffer(f"accounts {accounts} are not named once and in order")
    return Answer(code, sorted(lapsed), orders if in_order else sorted(orders), trades)


def views_of(machine: StateMachine, account: int) -> dict[str, Any]:
    """All figures of an account, as `House.views` gives them."""
    state, core = machine.state, machine.state.core
    money = {
        asset.name: (core.ledger.posted(account, asset.index), core.ledger.held(account, asset.index))
        for asset in state.assets.values()
    }
    margin = {
        name: (core.margin.unsettled(account, slot), core.margin.maintenance(account, slot))
        for slot, name in enumerate(MARGIN_ASSETS)
    }
    positions = {
        number: (lots, buys, sells)
        for number, lots, buys, sells, *_ in core.positions.of_account(account)
        if state.instruments[number].kind == KIND_FORWARD
    }
    return {"money": money, "margin": margin, "positions": positions, "reduce_only": core.account_state(account) == 2}


def apply_in_groups(records: list[bytes], sizes: random.Random | None) -> tuple[bytes, str]:
    """Events and final digest of a fresh core that gets these records in groups of random size, or all at once."""
    machine = StateMachine.create(LIMITS)
    out, at = [], 0
    while at < len(records):
        size = len(records) if sizes is None else sizes.choice((1, 2, 7, 64, 1_000))
        out.append(machine.apply(b"".join(records[at : at + size])))
        at += size
    return b"".join(out), machine.digest()
