"""The cold commands of the plain exchange: administration, marks, variation margin, expiry.

Lives here: one obvious method per command, mixed into `PlainExchange`. Does not know: orders being entered, the chain.
Rules: docs/rules/.
"""

from fractions import Fraction
from math import ceil, floor

from domain.book_rules import PRICE_TICKS_LIMIT
from domain.commands import (
    AdvanceTime,
    CreateAsset,
    Deposit,
    ListInstrument,
    OpenAccount,
    RunVariationMargin,
    SetIdentity,
    SetPrice,
    SetRule,
    SetScenarios,
    UpdateMarks,
)
from domain.instruments import KIND_FORWARD
from domain.rejects import RejectCode
from tests.reference.house import CYCLE, FIRST_CLIENT, MARGIN_ASSETS, SITG, House, Market, Order, Pair, round_up
from tests.reference.margin import scan_range
from tests.reference.order_book import ReferenceEngine


class Refused(Exception):
    """A command that changes nothing."""

    def __init__(self, code: int, detail: int = 0, value: int = 0) -> None:
        super().__init__(code, detail, value)
        self.answer = (int(code), detail, value)


class ColdCommands:
    """Needs `house`, `books` and the cancels of the exchange it is mixed into."""

    house: House
    books: ReferenceEngine

    def _cancel(self, order_id: int, reason: str) -> None:
        raise NotImplementedError

    def _cancel_banned(self) -> None:
        raise NotImplementedError

    def _oldest_first(self, account: int) -> list[Order]:
        raise NotImplementedError


    def create_asset(self, command: CreateAsset) -> None:
        """Register an asset (the twin is told sensible ones only)."""
        self.house.assets[command.name] = len(self.house.assets)
        self.house.kinds[command.name] = command.kind

    def open_account(self, command: OpenAccount) -> None:
        """The next client account."""
        if command.name in self.house.accounts:
            raise Refused(RejectCode.ALREADY_EXISTS)
        self.house.accounts.append(command.name)

    def list_instrument(self, command: ListInstrument) -> None:
        """Open a market (the twin is told sensible terms only)."""
        terms = command.instrument
        market = Market(terms, command.mark_ticks, command.index_ticks, 0, command.index_ticks)
        self.house.markets.append(market)
        self.books.add_book(terms.instrument_id, terms.rules)
        if terms.kind == KIND_FORWARD:
            self._set_psr(market)
            self._set_spread_charges()

    def _set_psr(self, market: Market) -> None:
        terms = market.terms
        rate = self.house.rates_ppm[terms.quote]
        market.psr = scan_range(market.mark_ticks, terms.tick_value, terms.delivery_days, rate)

    def _set_spread_charges(self) -> None:
        for name in MARGIN_ASSETS:
            largest = max((market.psr for market in self.house.markets if market.terms.quote == name), default=0)
            self.house.spread_charge[name] = round_up(largest * self.house.spread_ppm, 10**6)

    def set_rule(self, command: SetRule) -> None:
        """Define a rule; who fails it loses orders."""
        self.house.rules[command.rule_id] = command
        self._cancel_banned()

    def set_identity(self, command: SetIdentity) -> None:
        """Replace an identity; takes effect at once."""
        if not FIRST_CLIENT <= command.account < FIRST_CLIENT + len(self.house.accounts):
            raise Refused(RejectCode.UNKNOWN_ACCOUNT)
        self.house.identities[command.account] = command
        self._cancel_banned()

    def deposit(self, command: Deposit) -> None:
        """Credit from outside, once per external id."""
        house = self.house
        if command.asset not in house.assets:
            raise Refused(RejectCode.UNKNOWN_ASSET)
        if command.account != SITG and not FIRST_CLIENT <= command.account < FIRST_CLIENT + len(house.accounts):
            raise Refused(RejectCode.UNKNOWN_ACCOUNT)
        if command.amount <= 0 or not command.external_id:
            raise Refused(RejectCode.BAD_COMMAND)
        if command.external_id in house.external_ids:
            raise Refused(RejectCode.ALREADY_EXISTS)
        if command.amount - house.ledger.posted[1, house.assets[command.asset]] > 2**62:
            raise Refused(RejectCode.NOTIONAL_RANGE)
        house.external_ids.add(command.external_id)
        house.ledger.deposit(command.account, house.assets[command.asset], command.amount)
        house.move_tokens(command.account, command.asset, command.amount)

    def set_price(self, command: SetPrice) -> None:
        """A BTC price, unless it is none or wild."""
        known = self.house.price_micro_usdc
        if command.price_micro_usdc <= 0 or command.observed_ns > self.house.now_ns + 60 * 10**9:
            raise Refused(RejectCode.BAD_COMMAND)
        if known and not Fraction(1, 2) <= Fraction(command.price_micro_usdc, known) <= 2:
            raise Refused(RejectCode.PRICE_BAND, 0, known)
        self.house.price_micro_usdc = command.price_micro_usdc

    def set_scenarios(self, command: SetScenarios) -> None:
        """New risk rates: scan ranges of open forwards anew."""
        house = self.house
        wrong = [rate for name, rate in command.rates_ppm.items() if name not in MARGIN_ASSETS or not 0 < rate <= 10**7]
        missing = [m for m in house.markets if m.terms.kind == KIND_FORWARD and m.terms.quote not in command.rates_ppm]
        if command.version <= house.scenarios_version or not 0 <= command.spread_ppm <= 10**7 or wrong or missing:
            raise Refused(RejectCode.BAD_COMMAND)
        house.scenarios_version, house.spread_ppm = command.version, command.spread_ppm
        house.rates_ppm = dict(command.rates_ppm)
        for market in house.markets:
            if market.terms.kind == KIND_FORWARD and market.open:
                self._set_psr(market)
        self._set_spread_charges()

    def update_marks(self, command: UpdateMarks) -> None:
        """MARK-001..003, then MARGIN-007."""
        for number, market in enumerate(self.house.markets):
            if market.open:
                self._update_mark(number, market)
        self._act_on_margin()

    def _update_mark(self, number: int, market: Market) -> None:
        is_forward = market.terms.kind == KIND_FORWARD
        index = market.index_ticks
        if (market.terms.base, market.terms.quote) == ("BTC", "USDC"):
            index = min(round(Fraction(self.house.price_micro_usdc, 10_000)), PRICE_TICKS_LIMIT - 1) or index
        bid, ask = self.books.best(number)
        sources: list[int] = []
        if bid is not None and ask is not None:
            sources.append(round(Fraction(bid + ask, 2)))
            if market.last_ticks:
                sources.append(sorted((bid, market.last_ticks, ask))[1])
        if is_forward and market.anchor and index:
            sources.append(max(1, round(Fraction(market.mark_ticks * index, market.anchor))))
        elif not is_forward and index:
            sources.append(index)
        sources.sort()
        middle = len(sources) // 2
        wanted = market.mark_ticks
        if sources:
            wanted = sources[middle] if len(sources) % 2 else round(Fraction(sources[middle - 1] + sources[middle], 2))
        rules = market.terms.rules
        wanted = min(max(wanted, rules.band_low_ticks), rules.band_high_ticks)
        low = ceil(Fraction(market.mark_ticks * 99, 100))
        high = max(floor(Fraction(market.mark_ticks * 101, 100)), market.mark_ticks + 1)
        market.mark_ticks, market.index_ticks = max(1, low, min(wanted, high)), index
        if is_forward and index:
            market.anchor = index

    def _act_on_margin(self) -> None:
        house = self.house
        clients = range(FIRST_CLIENT, FIRST_CLIENT + len(house.accounts))
        below: set[int] = set()
        for name in MARGIN_ASSETS:
            for account in clients:
                if house.below_initial(account, name):
                    self._cancel_increasing(account, name)
                if house.below_initial(account, name):
                    below.add(account)
        house.reduce_only = below

    def _cancel_increasing(self, account: int, name: str) -> None:
        """Newest first, until what is left of a side only closes."""
        for order in reversed(self._oldest_first(account)):
            terms = self.house.markets[order.instrument].terms
            if terms.kind != KIND_FORWARD or terms.quote != name:
                continue
            position = self.house.lots(account, order.instrument) * (-1 if order.side == 0 else 1)
            if self.house.open_lots(account, order.instrument, order.side) > position:
                self._cancel(order.order_id, "margin")

    def run_variation_margin(self, command: RunVariationMargin) -> None:
        """VM-001..005: per asset, losers pay into the cycle account, winners are paid out of it."""
        house = self.house
        if command.cycle_id <= house.cycle_id:
            raise Refused(RejectCode.ALREADY_EXISTS, 0, house.cycle_id)
        nets = {name: self._owed(name) for name in MARGIN_ASSETS if name in house.assets}
        for name, flows in nets.items():
            asset = house.assets[name]
            short = sum(max(0, -amount - house.ledger.posted[account, asset]) for account, amount in flows)
            if short > house.free(SITG, name):
                raise Refused(RejectCode.INSUFFICIENT_BALANCE, asset, short - house.free(SITG, name))
        house.cycle_id = command.cycle_id
        for name, flows in nets.items():
            self._settle_to_market(name, flows)
        self._act_on_margin()

    def _owed(self, name: str) -> list[tuple[int, int]]:
        """What every account owes or gets over all contracts of the asset."""
        house = self.house
        net: dict[int, int] = {}
        for account, number in house.pairs:
            if house.markets[number].terms.quote == name:
                net[account] = net.get(account, 0) + house.flow(account, number)
        if sum(net.values()):
            raise ArithmeticError("variation margin sums to zero")
        return sorted(net.items())

    def _settle_to_market(self, name: str, flows: list[tuple[int, int]]) -> None:
        house = self.house
        asset = house.assets[name]
        for account, amount in flows:
            if house.free(account, name) < -amount:
                for order in self._oldest_first(account):
                    self._cancel(order.order_id, "margin")
        for account, amount in flows:
            if amount < 0:
                paid = min(-amount, house.free(account, name))
                house.ledger.transfer(account, CYCLE, asset, paid)
                house.ledger.transfer(SITG, CYCLE, asset, -amount - paid)
        for account, amount in flows:
            if amount > 0:
                house.ledger.transfer(CYCLE, account, asset, amount)
        for account, number in list(house.pairs):
            market = house.markets[number]
            if market.terms.quote == name:
                house.pairs[account, number] = Pair(house.lots(account, number), market.mark_ticks)

    def advance_time(self, command: AdvanceTime) -> None:
        """Markets whose last trading moment has come close; their orders go."""
        for number, market in enumerate(self.house.markets):
            if market.open and market.terms.expiry_ns <= self.house.now_ns:
                market.open = False
                for order in list(self.house.orders.values()):
                    if order.instrument == number:
                        self._cancel(order.order_id, "expiry")


COLD = {
    CreateAsset: "create_asset",
    OpenAccount: "open_account",
    ListInstrument: "list_instrument",
    SetRule: "set_rule",
    SetIdentity: "set_identity",
    Deposit: "deposit",
    SetPrice: "set_price",
    SetScenarios: "set_scenarios",
    UpdateMarks: "update_marks",
    RunVariationMargin: "run_variation_margin",
    AdvanceTime: "advance_time",
}
