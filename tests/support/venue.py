"""A state machine in memory, driven by commands: what scenarios, unit tests and twins of the core have in common.

Lives here: stamping with a clock the test moves, terms of a few markets, and lookups of balances and positions.
Does not know: what is tested with it.
"""

from typing import Any, TypeVar

from domain import commands, events
from domain.book_rules import BookRules
from domain.commands import (
    Claim,
    ColdCommand,
    CreateAsset,
    Deposit,
    ListInstrument,
    OpenAccount,
    SetIdentity,
    SetRule,
    SetScenarios,
    cold,
)
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.events import CommandApplied, OrderState, Trade, decode_events
from domain.instruments import KIND_FORWARD, KIND_SPOT, PERPETUAL_EXPIRY_NS, Instrument
from domain.limits import Limits
from exchange.record import stamp_records
from exchange.state_machine import StateMachine

NS = 10**9
START_NS = 1_703_289_600 * NS  # 2023-12-23 00:00 UTC
BTC, USDC, TOKEN = 10**11, 10**6, 10**3  # ledger units of one whole unit
CENT = USDC // 100
SMALL = Limits(
    accounts_max=64, assets_max=8, instruments_max=16, orders_max=512, orders_per_account_max=100,
    positions_max=256, pages_max=4_096, rules_max=4, timeline_entries_max=8_192,
    client_ids_max=100, closed_orders_max=256, trades_kept_max=64,
)  # fmt: skip

E = TypeVar("E")


class Venue:
    """A machine, its clock and its sequence. Each `do` is one group, stamped with one time."""

    def __init__(self, limits: Limits = SMALL, *, start_ns: int = START_NS) -> None:
        self.machine = StateMachine.create(limits)
        self.time_ns = start_ns
        self.events: list[Any] = []  # of the last `do`
        self.group = b""  # its stamped records and the frames they gave
        self.frames = b""

    @property
    def state(self) -> Any:
        """The machine's state, for looking."""
        return self.machine.state

    def do(self, *records: bytes, after_ns: int = 1_000) -> list[Any]:
        """Let `after_ns` pass, apply these records as one group, return the decoded events."""
        self.time_ns += after_ns
        group = bytearray(b"".join(records))
        stamp_records(group, self.machine.sequence + 1, self.time_ns)
        self.group, self.frames = bytes(group), self.machine.apply(group)
        self.events = list(decode_events(self.frames))
        return self.events

    def tell(self, *cold_commands: ColdCommand, after_ns: int = 1_000) -> list[Any]:
        """Apply cold commands that must all be accepted."""
        found = self.do(*map(cold, cold_commands), after_ns=after_ns)
        for frame in self.of(CommandApplied):
            assert frame.code == 0, f"refused with {frame.code} in {cold_commands}"
        return found

    def answer(self, *records: bytes, after_ns: int = 1_000) -> CommandApplied:
        """Apply one record and return its own command frame (the last one: a lapse may come before it)."""
        self.do(*records, after_ns=after_ns)
        return self.of(CommandApplied)[-1]

    def of(self, kind: type[E]) -> list[E]:
        """Events of one kind in the last `do`."""
        return [event for event in self.events if isinstance(event, kind)]

    def order(self, **fields: Any) -> CommandApplied:
        """A new order (domain.commands.new_order)."""
        return self.answer(commands.new_order(**fields))

    def asset(self, name: str) -> int:
        """Ledger index of an asset."""
        return int(self.state.assets[name].index)

    def posted(self, account: int, name: str) -> int:
        """Settled balance."""
        return int(self.state.core.ledger.posted(account, self.asset(name)))

    def held(self, account: int, name: str) -> int:
        """Promised part of it."""
        return int(self.state.core.ledger.held(account, self.asset(name)))

    def pending(self, account: int, name: str) -> int:
        """Announced dividends."""
        return int(self.state.core.ledger.pending(account, self.asset(name)))

    def position(self, account: int, instrument: int) -> int:
        """Lots of a forward."""
        return next((int(p[1]) for p in self.state.core.positions.of_account(account) if p[0] == instrument), 0)

    def resting(self, account: int) -> list[OrderState]:
        """The account's open orders, oldest first."""
        frames = decode_events(self.state.core.open_order_frames(account))
        return [event for event in frames if isinstance(event, events.OrderState)]

    def trades(self) -> list[tuple[int, int]]:
        """(price, lots) of the trades of the last `do`."""
        return [(trade.price_ticks, trade.quantity_lots) for trade in self.of(Trade)]


def token_spot(
    instrument_id: int, *, rule_id: int = 0, taker_ppm: int = 0, maker_ppm: int = 0, **terms: Any
) -> Instrument:
    """TH1A_BTC: one lot is one TH/s, one tick one satoshi."""
    return Instrument(
        instrument_id, "TH1A_BTC", KIND_SPOT, "TH1A", "BTC", 1, 10**8, 1_000, TOKEN,
        terms.pop("rules", BookRules(band_high_ticks=2**20 - 1, lots_max=10**9, protection_bps=100)),
        taker_ppm, maker_ppm, rule_id, START_NS, **terms,
    )  # fmt: skip


def btc_spot(instrument_id: int, *, rule_id: int = 0, taker_ppm: int = 0, maker_ppm: int = 0) -> Instrument:
    """BTC_USDC: one lot is 0.0001 BTC, one tick one cent per BTC."""
    return Instrument(
        instrument_id, "BTC_USDC", KIND_SPOT, "BTC", "USDC", 10**6, 10**4, 1, BTC // 10_000,
        BookRules(lots_max=10**9, protection_bps=100), taker_ppm, maker_ppm, rule_id, START_NS,
    )  # fmt: skip


def forward(
    instrument_id: int, name: str, *, quote: str = "USDC", days: int = 30, unit: int = CENT, rule_id: int = 0,
    taker_ppm: int = 0, maker_ppm: int = 0, expiry_ns: int = PERPETUAL_EXPIRY_NS, high: int = 100_000,
    lots: int = 20_000,
) -> Instrument:  # fmt: skip
    """A hashprice forward: one lot is 1 PH/s for `days`; `unit` is one tick per PH/s-day in ledger units."""
    return Instrument(
        instrument_id, name, KIND_FORWARD, "HPU" if quote == "USDC" else "HPB", quote, 10**6, days * 10**8, days * unit,
        0, BookRules(band_high_ticks=high, lots_max=20_000, protection_bps=100), taker_ppm, maker_ppm, rule_id,
        START_NS, expiry_ns=expiry_ns, delivery_days=days, position_lots_max=lots,
    )  # fmt: skip


def open_accounts(venue: Venue, *names: str, country: str = "CH", claims: tuple[Claim, ...] | None = None) -> list[int]:
    """Open accounts with an identity that has the claim "kyc" for ever; returns their slots."""
    first = FIRST_CLIENT_ACCOUNT + len(venue.state.accounts)
    for offset, name in enumerate(names):
        kyc = (Claim("kyc", 2**62),) if claims is None else claims
        venue.tell(OpenAccount(name), SetIdentity(first + offset, country, kyc))
    return [first + offset for offset in range(len(names))]


def fund(venue: Venue, account: int, **amounts: int) -> None:
    """Deposit ledger units of each named asset."""
    for name, amount in amounts.items():
        venue.tell(Deposit(account, name, amount, f"{account}-{name}-{venue.machine.sequence}"))


def basic_venue(
    *instruments: tuple[Instrument, int], limits: Limits = SMALL, spread_ppm: int = 0, start_ns: int = START_NS
) -> Venue:
    """Assets, a whitelist rule 1 that wants "kyc", risk rates, and these (instrument, mark) listed."""
    venue = Venue(limits, start_ns=start_ns)
    venue.tell(CreateAsset("BTC", BTC, "cash"), CreateAsset("USDC", USDC, "cash"), CreateAsset("TH1A", TOKEN, "token"))
    venue.tell(SetRule(1, "hashrate_investor", ("kyc",), ("KP",)))
    venue.tell(SetScenarios(1, {"USDC": 280_000, "BTC": 144_000}, spread_ppm))
    for instrument, mark_ticks in instruments:
        venue.tell(ListInstrument(instrument, mark_ticks, mark_ticks if instrument.kind == KIND_FORWARD else 0))
    return venue
