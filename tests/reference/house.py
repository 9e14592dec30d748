"""The clearing house in dicts: whose money, tokens and positions, and what open orders promise.

Lives here: `House`, everything the plain exchange remembers beside its books, and every question asked of it. Nothing
is cached: holds, margin, unsettled variation margin and holdings are recomputed from lists each time.
Does not know: commands, matching, the compiled rooms. Rules: docs/rules/HOLD.md, MARGIN.md, VM.md, ELIG.md, FEE.md.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

from domain.commands import SetIdentity, SetRule
from domain.instruments import KIND_FORWARD, Instrument
from tests.reference.ledger import PlainLedger
from tests.reference.margin import Contract, OpenOrder, initial, maintenance
from tests.reference.variation_margin import flow

FEES, SITG, CYCLE, FIRST_CLIENT = 2, 3, 4, 16
MARGIN_ASSETS = ("USDC", "BTC")
FOREVER = 2**63 - 1


@dataclass
class Order:
    """One order from entry to end; `entry` gives the age."""

    order_id: int
    account: int
    instrument: int
    side: int
    price_ticks: int
    total_lots: int
    origin: int
    cancel_on_disconnect: bool
    filled_lots: int = 0
    open_lots: int = 0
    notional_ticks: int = 0
    fee: int = 0


@dataclass
class Market:
    """An instrument with its moving numbers."""

    terms: Instrument
    mark_ticks: int
    index_ticks: int
    psr: int
    anchor: int  # index at the last mark
    open: bool = True
    last_ticks: int = 0
    trade_seq: int = 0


@dataclass
class Pair:
    """One account in one forward: carried since the last cycle, and the trades after it."""

    carried_lots: int = 0
    previous_ticks: int = 0
    trades: list[tuple[int, int]] = field(default_factory=list)

    @property
    def lots(self) -> int:
        """Signed position now."""
        return self.carried_lots + sum(lots for lots, _ in self.trades)


def round_up(numerator: int, divisor: int) -> int:
    """The least integer not below the fraction."""
    return ceil(Fraction(numerator, divisor))


class House:
    """State of the plain exchange."""

    def __init__(self) -> None:
        self.assets: dict[str, int] = {}
        self.kinds: dict[str, str] = {}
        self.ledger = PlainLedger()
        self.markets: list[Market] = []
        self.accounts: list[str] = []
        self.reduce_only: set[int] = set()
        self.identities: dict[int, SetIdentity] = {}
        self.rules: dict[int, SetRule] = {}
        self.orders: dict[int, Order] = {}  # resting, oldest first
        self.pairs: dict[tuple[int, int], Pair] = defaultdict(Pair)  # (account, instrument)
        self.movements: list[tuple[int, int, int, int]] = []  # time, account, asset, units of tokens
        self.external_ids: set[str] = set()
        self.rates_ppm: dict[str, int] = {}
        self.spread_ppm = 0
        self.spread_charge: dict[str, int] = defaultdict(int)
        self.scenarios_version = 0
        self.cycle_id = 0
        self.price_micro_usdc = 0
        self.now_ns = 0

    # ---- who may trade --------------------------------------------------------------------------------------------

    def eligible(self, account: int, rule_id: int) -> bool:
        """ELIG-001..003 at the present time."""
        if rule_id == 0:
            return True
        identity, rule = self.identities.get(account), self.rules[rule_id]
        if identity is None or identity.frozen or identity.country in rule.countries_denied:
            return False
        return all(
            any(claim.topic == topic and claim.expires_ns > self.now_ns for claim in identity.claims)
            for topic in rule.requires
        )

    # ---- what is promised and owned -------------------------------------------------------------------------------

    def fee_per_lot(self, market: Market, price_ticks: int) -> int:
        """FEE-002: the dearer of both fees on one lot, rounded up."""
        dearer = max(market.terms.taker_fee_ppm, market.terms.maker_fee_ppm)
        return round_up(price_ticks * market.terms.tick_value * dearer, 10**6)

    def promise(self, market: Market, side: int, price_ticks: int) -> tuple[str, int]:
        """HOLD-002: asset and units that one open lot holds."""
        terms = market.terms
        if terms.kind == KIND_FORWARD:
            return terms.quote, self.fee_per_lot(market, price_ticks)
        if side == 0:
            return terms.quote, price_ticks * terms.tick_value + self.fee_per_lot(market, price_ticks)
        return terms.base, terms.lot_units

    def held(self, account: int, name: str, *, without: int = 0) -> int:
        """Sum of what the account's resting orders promise in an asset."""
        total = 0
        for order in self.orders.values():
            if order.account == account and order.order_id != without:
                asset, units = self.promise(self.markets[order.instrument], order.side, order.price_ticks)
                total += units * order.open_lots if asset == name else 0
        return total

    def free(self, account: int, name: str, *, without: int = 0) -> int:
        """Posted less held."""
        return self.ledger.posted[account, self.assets[name]] - self.held(account, name, without=without)

    def open_lots(self, account: int, instrument: int, side: int, *, without: int = 0) -> int:
        """Open lots of one side."""
        return sum(
            order.open_lots
            for order in self.orders.values()
            if (order.account, order.instrument, order.side) == (account, instrument, side)
            and order.order_id != without
        )

    # ---- margin ---------------------------------------------------------------------------------------------------

    def unsettled(self, account: int, name: str) -> int:
        """Variation margin since the last cycle at present marks."""
        return sum(
            self.flow(account, number)
            for number, market in enumerate(self.markets)
            if market.terms.kind == KIND_FORWARD and market.terms.quote == name
        )

    def flow(self, account: int, instrument: int) -> int:
        """VM-001 for one account and contract at the mark."""
        pair, market = self.pairs.get((account, instrument)), self.markets[instrument]
        if pair is None:
            return 0
        return flow(
            tick_value=market.terms.tick_value,
            carried_lots=pair.carried_lots,
            previous_ticks=pair.previous_ticks,
            price_ticks=market.mark_ticks,
            trades=pair.trades,
        )

    def lots(self, account: int, instrument: int) -> int:
        """Signed position."""
        pair = self.pairs.get((account, instrument))
        return pair.lots if pair else 0

    def maintenance(self, account: int, name: str, *, extra: OpenOrder | None = None, without: int = 0) -> int:
        """MARGIN-005 with all open orders, one more, or without one."""
        contracts, positions = {}, {}
        for number, market in enumerate(self.markets):
            if market.terms.kind == KIND_FORWARD and market.terms.quote == name:
                contracts[number] = Contract(market.psr, market.mark_ticks, market.terms.tick_value)
                positions[number] = self.lots(account, number)
        orders = [
            OpenOrder(order.instrument, order.side, order.price_ticks, order.open_lots)
            for order in self.orders.values()
            if order.account == account and order.instrument in contracts and order.order_id != without
        ]
        return maintenance(contracts, positions, orders + ([extra] if extra else []), self.spread_charge[name])

    def equity(self, account: int, name: str) -> int:
        """Free cash and unsettled variation margin."""
        return self.free(account, name) + self.unsettled(account, name)

    def below_initial(self, account: int, name: str) -> bool:
        """MARGIN-007."""
        return self.equity(account, name) < initial(self.maintenance(account, name))

    def order_losses(self, account: int, name: str, *, without: int = 0) -> int:
        """What the open forward orders of one settlement asset would lose at once if all were filled."""
        total = 0
        for order in self.orders.values():
            market = self.markets[order.instrument]
            if order.account == account and order.order_id != without and market.terms.kind == KIND_FORWARD:
                total += self.loss_at_once(market, order.side, order.price_ticks) * order.open_lots * (
                    market.terms.quote == name
                )
        return total

    def loss_at_once(self, market: Market, side: int, price_ticks: int) -> int:
        """MARGIN-003 per lot."""
        worse = price_ticks - market.mark_ticks if side == 0 else market.mark_ticks - price_ticks
        return max(0, worse) * market.terms.tick_value

    # ---- moving money ---------------------------------------------------------------------------------------------

    def move_tokens(self, account: int, name: str, units: int) -> None:
        """Tokens leave a trace in time; cash does not."""
        if self.kinds[name] == "token":
            self.movements.append((self.now_ns, account, self.assets[name], units))

    def holders(self, name: str, time_ns: int) -> dict[int, int]:
        """DIV-002: who held how much, counting every movement at or before a time."""
        held: dict[int, int] = defaultdict(int)
        for when, account, asset, units in self.movements:
            if when <= time_ns and asset == self.assets[name]:
                held[account] += units
        return {account: units for account, units in sorted(held.items()) if units}

    def settle_fill(self, market: Market, maker: Order, taker: Order, price_ticks: int, lots: int) -> tuple[int, int]:
        """Both legs and both fees of one match (DVP-001, FEE-001); returns (maker fee, taker fee)."""
        terms, quote = market.terms, self.assets[market.terms.quote]
        value = price_ticks * terms.tick_value * lots
        buyer, seller = (maker.account, taker.account) if maker.side == 0 else (taker.account, maker.account)
        if terms.kind == KIND_FORWARD:
            number = self.markets.index(market)
            self.pairs[buyer, number].trades.append((lots, price_ticks))
            self.pairs[seller, number].trades.append((-lots, price_ticks))
        else:
            self.ledger.transfer(buyer, seller, quote, value)
            self.ledger.transfer(seller, buyer, self.assets[terms.base], lots * terms.lot_units)
            self.move_tokens(buyer, terms.base, lots * terms.lot_units)
            self.move_tokens(seller, terms.base, -lots * terms.lot_units)
        fees = (round_up(value * terms.maker_fee_ppm, 10**6), round_up(value * terms.taker_fee_ppm, 10**6))
        for order, fee in zip((maker, taker), fees, strict=True):
            self.ledger.transfer(order.account, FEES, quote, fee)
            order.fee += fee
            order.notional_ticks += price_ticks * lots
            order.filled_lots += lots
        return fees

    def views(self, account: int) -> dict[str, Any]:
        """All figures of an account, for comparison."""
        money = {
            name: (self.ledger.posted[account, index], self.held(account, name)) for name, index in self.assets.items()
        }
        margin = {name: (self.unsettled(account, name), self.maintenance(account, name)) for name in MARGIN_ASSETS}
        positions = {
            number: (lots, buys, sells)
            for number, market in enumerate(self.markets)
            if market.terms.kind == KIND_FORWARD
            and any(
                (
                    lots := self.lots(account, number),
                    buys := self.open_lots(account, number, 0),
                    sells := self.open_lots(account, number, 1),
                )
            )
        }
        return {"money": money, "margin": margin, "positions": positions, "reduce_only": account in self.reduce_only}
