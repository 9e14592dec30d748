"""A venue in one process for the gateway's tests: the real core behind a link without sockets, and a history in
memory.

Lives here: a small market, InProcessLink (gateway.core_link.CoreLink over the state machine), MemoryHistory.
Does not know: journals, processes. Commands are applied at once; their events wait until `deliver` or, with a
loop, its next turn, so that callbacks never run inside `send_commands`.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from domain import commands, reads
from domain.book_rules import BookRules
from domain.constants import ORDER_OPEN, ORDER_PARKED, ORDER_WAITING
from domain.events import CommandApplied, OrderState, Trade, decode_events
from domain.instruments import AMOUNT_SCALE, DAY_NS, KIND_FORWARD, KIND_SPOT, Instrument
from domain.limits import Limits
from domain.reads import Answer, ReadRequest
from domain.wire import COMMAND_HEADER
from exchange.record import from_clients_of, stamp_records
from exchange.state_machine import StateMachine
from gateway.candles import Bucket
from gateway.core_link import CoreAway
from gateway.history_reader import Candle, PublicTrade, PublicTradePage, TradeWindow, UserTrade, UserTradePage

START_NS = 1_700_000_000 * 10**9
RULE = 1
ALICE, BOB, CAROL = 16, 17, 18  # Carol is not whitelisted
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol"}
SECRET = "a-secret-of-enough-bytes-"
FORWARD_DAYS = 31

TH1A_BTC, TH1A_USDC, BTC_USDC, HPU, HPB = range(5)


def market() -> tuple[Instrument, ...]:
    """Two token markets, one spot market of cash, one forward per settlement asset."""
    rules = BookRules(band_high_ticks=10_000_000, protection_bps=100, lots_max=10**9)
    forward_rules = BookRules(band_high_ticks=100_000, protection_bps=100, lots_max=100_000)

    def spot(
        number: int, name: str, tick_price: int, lot: int, tick_value: int, lot_units: int, rule: int
    ) -> Instrument:
        base, quote = name.split("_")
        return Instrument(
            number, name, KIND_SPOT, base, quote, tick_price, lot, tick_value, lot_units, rules, 500, 0, rule, START_NS
        )

    def forward(number: int, name: str, tick_price: int, tick_value: int) -> Instrument:
        base, quote = name.split("-")[0].split("_")
        return Instrument(
            number, name, KIND_FORWARD, base, quote, tick_price, FORWARD_DAYS * AMOUNT_SCALE, tick_value, 0,
            forward_rules, 300, 0, RULE, START_NS,
            expiry_ns=START_NS + 60 * DAY_NS, price_index=f"{base}_{quote}".lower(),
            delivery_from_ns=START_NS + 30 * DAY_NS, delivery_days=FORWARD_DAYS,
        )  # fmt: skip

    return (
        spot(TH1A_BTC, "TH1A_BTC", 1, AMOUNT_SCALE, 1_000, 1_000, RULE),
        spot(TH1A_USDC, "TH1A_USDC", 10**6, AMOUNT_SCALE, 10_000, 1_000, RULE),
        spot(BTC_USDC, "BTC_USDC", 10**6, 10**4, 1, 10**7, 0),
        forward(HPU, "HPU_USDC-31JAN24", 10**6, FORWARD_DAYS * 10_000),
        forward(HPB, "HPB_BTC-31JAN24", 1, FORWARD_DAYS * 1_000),
    )


def opening() -> list[bytes]:
    """Commands that open the small market with three funded accounts."""
    marks = {TH1A_BTC: 50_000, TH1A_USDC: 2_000, BTC_USDC: 4_000_000, HPU: 6_000, HPB: 15_000}
    cold: list[commands.ColdCommand] = [
        commands.CreateAsset("BTC", 10**11, "cash"),
        commands.CreateAsset("USDC", 10**6, "cash"),
        commands.CreateAsset("TH1A", 10**3, "token"),
        commands.SetRule(RULE, "professional_investor", ("kyc", "professional")),
        commands.SetScenarios(1, {"USDC": 280_000, "BTC": 144_000}),
    ]
    cold += [
        commands.ListInstrument(instrument, marks[instrument.instrument_id], marks[instrument.instrument_id])
        for instrument in market()
    ]
    cold += [commands.OpenAccount(name) for name in NAMES.values()]
    forever = START_NS * 2
    claims = (commands.Claim("kyc", forever), commands.Claim("professional", forever))
    cold += [commands.SetIdentity(account, "CH", claims) for account in (ALICE, BOB)]
    for account in NAMES:
        cold += [
            commands.Deposit(account, "BTC", 10 * 10**11, f"btc-{account}"),
            commands.Deposit(account, "USDC", 1_000_000 * 10**6, f"usdc-{account}"),
            commands.Deposit(account, "TH1A", 1_000 * 10**3, f"th-{account}"),
        ]
    return [commands.cold(command) for command in cold]


class MemoryHistory:
    """gateway.history_reader.HistoryReader over lists. Always up to date, so it never waits."""

    def __init__(self) -> None:
        self.trades: list[PublicTrade] = []
        self.orders: dict[int, OrderState] = {}

    def project(self, events: bytes) -> None:
        """Take in events."""
        time_ns = 0
        for event in decode_events(events):
            if isinstance(event, CommandApplied):
                time_ns = event.time_ns
            elif isinstance(event, Trade):
                self.trades.append(PublicTrade(time_ns, event))
            elif isinstance(event, OrderState):
                self.orders[event.order_id] = event

    def _window(self, instruments: tuple[int, ...], window: TradeWindow) -> list[PublicTrade]:
        rows = [
            row
            for row in self.trades
            if (not instruments or row.trade.instrument in instruments)
            and window.from_ns <= row.time_ns <= window.to_ns
            and window.from_seq <= row.trade.trade_seq <= window.to_seq
        ]
        return rows[::-1] if window.newest_first else rows

    async def public_trades(
        self, instruments: tuple[int, ...], window: TradeWindow, *, at_least_sequence: int
    ) -> PublicTradePage:
        rows = self._window(instruments, window)
        return PublicTradePage(tuple(rows[: window.count]), len(rows) > window.count)

    async def user_trades(
        self,
        account: int,
        instruments: tuple[int, ...],
        window: TradeWindow,
        *,
        order_id: int = 0,
        at_least_sequence: int,
    ) -> UserTradePage:
        rows = []
        for row in self._window(instruments, window):
            trade = row.trade
            for maker, owner, identity in (
                (False, trade.taker_account, trade.taker_order_id),
                (True, trade.maker_account, trade.maker_order_id),
            ):
                if owner == account and order_id in (0, identity):
                    rows.append(UserTrade(row.time_ns, trade, maker, self.orders[identity]))
        return UserTradePage(tuple(rows[: window.count]), len(rows) > window.count)

    async def ended_orders(
        self,
        account: int,
        instruments: tuple[int, ...],
        *,
        count: int,
        offset: int,
        include_unfilled: bool,
        at_least_sequence: int,
    ) -> tuple[OrderState, ...]:
        rows = [
            order
            for order in self.orders.values()
            if order.account == account
            and order.state not in (ORDER_OPEN, ORDER_WAITING, ORDER_PARKED)
            and (not instruments or order.instrument in instruments)
            and (include_unfilled or order.filled_lots)
        ]
        rows.sort(key=lambda order: -order.order_id)
        return tuple(rows[offset : offset + count])

    async def order(self, account: int, order_id: int, *, at_least_sequence: int) -> OrderState | None:
        order = self.orders.get(order_id)
        return order if order is not None and order.account == account else None

    async def candles(
        self, instrument: int, resolution_ns: int, *, from_ns: int, to_ns: int, at_least_sequence: int
    ) -> tuple[Candle, ...]:
        buckets: dict[int, Bucket] = {}
        for row in self.trades:
            start_ns = row.time_ns - row.time_ns % resolution_ns
            if row.trade.instrument == instrument and from_ns <= start_ns <= to_ns:
                buckets.setdefault(start_ns, Bucket(start_ns, row.trade.price_ticks)).add(row.trade)
        return tuple(
            Candle(
                b.start_ns, b.open_ticks, b.high_ticks, b.low_ticks, b.close_ticks,
                b.volume_lots, b.notional_ticks, b.last_trade_seq,
            )
            for b in buckets.values()
        )  # fmt: skip


class InProcessLink:
    """gateway.core_link.CoreLink over a state machine. `schedule` runs a function after the caller has returned."""

    def __init__(self, schedule: Callable[[Callable[[], None]], None] | None = None, step_ns: int = 1_000_000) -> None:
        self.gateway_id = 7
        self.away = False
        self.machine = StateMachine.create(Limits(accounts_max=64, orders_max=65_536, pages_max=16_384))
        self.history = MemoryHistory()
        self.exchange_time_ns = START_NS
        self.on_events: Callable[[bytes], None] = lambda data: None
        self.on_away: Callable[[], None] = lambda: None
        self.on_back: Callable[[], None] = lambda: None
        self.sent: list[bytes] = []
        self._schedule = schedule
        self._step_ns = step_ns
        self._undelivered: list[bytes] = []
        for record in opening():
            self._apply(record)
        self._undelivered.clear()

    def _apply(self, records: bytes) -> None:
        buffer = bytearray(records)
        self.exchange_time_ns += self._step_ns
        stamp_records(buffer, self.machine.sequence + 1, self.exchange_time_ns)
        events = self.machine.apply(bytes(buffer))
        self.history.project(events)
        self._undelivered.append(events)

    def send_commands(self, records: bytes) -> None:
        gateway = COMMAND_HEADER.unpack_from(records)[5] >> 32
        assert from_clients_of(records, gateway), "the core cuts a gateway that sends anything else"
        self._send(records)

    def _send(self, records: bytes) -> None:
        if self.away:
            raise CoreAway
        self.sent.append(records)
        self._apply(records)
        if self._schedule is not None:
            self._schedule(self.deliver)

    def command(self, command: commands.ColdCommand) -> None:
        """A cold command of the venue itself."""
        self._send(commands.cold(command))

    def deliver(self) -> None:
        """Hand the waiting events to the gateway."""
        while self._undelivered:  # an answer may be followed by another command
            waiting, self._undelivered = self._undelivered, []
            for events in waiting:
                self.on_events(events)

    async def read(self, request: ReadRequest) -> Answer:
        if self.away:
            raise CoreAway
        return reads.decode_answer(self.machine.read(reads.encode(request)))


def keys() -> list[dict[str, object]]:
    """Key file entries of the three accounts."""
    return [
        {
            "name": name,
            "client_id": f"key-{name}",
            "client_secret": SECRET + name,
            "account": account,
            "scopes": ["account:read_write", "trade:read_write", "wallet:read"],
            "whitelisted": account != CAROL,
        }
        for account, name in NAMES.items()
    ]


def write_keys(folder: Path) -> Path:
    """A key file with the right mode."""
    path = folder / "keys.json"
    path.write_bytes(msgspec.json.encode(keys()))
    path.chmod(0o600)
    return path
