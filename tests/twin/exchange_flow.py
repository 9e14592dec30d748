"""Random commands for the exchange and its twin: a small venue where orders meet, money is short and claims lapse.

Lives here: the venue of the run and the seeded stream of commands. Does not know: what the right answer is.
A command is a cold struct, or (name, fields) of a hot one; `record_of` makes its record.
"""

import random
from typing import Any, Final

from domain import commands
from domain.book_rules import BookRules
from domain.commands import (
    AdvanceTime,
    Claim,
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
from domain.constants import SITG
from domain.limits import Limits
from tests.reference.exchange import PlainExchange
from tests.support.venue import BTC, NS, START_NS, TOKEN, USDC, btc_spot, forward, token_spot

Command = Any

LIMITS: Final = Limits(
    accounts_max=64, assets_max=4, instruments_max=8, orders_max=24, orders_per_account_max=7,
    positions_max=512, pages_max=4_096, rules_max=4, timeline_entries_max=100_000,
)  # fmt: skip
ACCOUNTS: Final = tuple(range(16, 24))
EXPIRY_NS: Final = START_NS + 500 * NS
TOKEN_PRICE, BTC_PRICE, MONTH_CENTS, MONTH_SATS = 2_000, 4_000_000, 8_000, 200_000
ANCHORS: Final = (TOKEN_PRICE, BTC_PRICE, MONTH_CENTS, MONTH_CENTS, MONTH_SATS)
LOTS: Final = (20, 500, 10, 10, 10)


def record_of(command: Command) -> bytes:
    """The unstamped record of a command."""
    if isinstance(command, tuple):
        name, fields = command
        record: bytes = getattr(commands, name)(**fields)
        return record
    return commands.cold(command)


def setup_commands() -> list[Command]:
    """Assets, rules, markets, accounts, money: fees differ by market, one forward expires during the run."""
    tokens = BookRules(
        price_step_ticks=2, lot_step=5, lots_max=10**6, band_low_ticks=100, band_high_ticks=10_000, protection_bps=200
    )
    out: list[Command] = [
        CreateAsset("BTC", BTC, "cash"),
        CreateAsset("USDC", USDC, "cash"),
        CreateAsset("TH1A", TOKEN, "token"),
        SetRule(1, "hashrate_investor", ("kyc",), ("KP",)),
        SetScenarios(1, {"USDC": 280_000, "BTC": 144_000}, 100_000),
        ListInstrument(token_spot(0, rule_id=1, taker_ppm=500, maker_ppm=100, rules=tokens), TOKEN_PRICE),
        ListInstrument(btc_spot(1, taker_ppm=1_000, maker_ppm=1_500), BTC_PRICE),
        ListInstrument(forward(2, "HPU_USDC-31JAN24", days=31, taker_ppm=300, maker_ppm=100, expiry_ns=EXPIRY_NS),
                       MONTH_CENTS, MONTH_CENTS),
        ListInstrument(forward(3, "HPU_USDC-29FEB24", days=29, rule_id=1, taker_ppm=333, lots=60), MONTH_CENTS, 0),
        ListInstrument(forward(4, "HPB_BTC-29FEB24", quote="BTC", days=29, unit=1_000, high=400_000, taker_ppm=77,
                               maker_ppm=200), MONTH_SATS, MONTH_SATS),
        Deposit(SITG, "USDC", 10**15, "own-usdc"),
        Deposit(SITG, "BTC", 10**15, "own-btc"),
    ]  # fmt: skip
    for account in ACCOUNTS:
        out.append(OpenAccount(f"client-{account}"))
        poor = 20 if account == ACCOUNTS[-1] else 1
        out.append(Deposit(account, "BTC", 3 * BTC // poor, f"{account}-btc"))
        out.append(Deposit(account, "USDC", 120_000 * USDC // poor, f"{account}-usdc"))
        out.append(Deposit(account, "TH1A", 300 * TOKEN // poor, f"{account}-token"))
        if account != ACCOUNTS[-2]:
            out.append(SetIdentity(account, "CH", (Claim("kyc", START_NS + 10**6 * NS),)))
    return out


class ExchangeFlow:
    """Depends on nothing but its seed and on what the twin says (which orders rest)."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._cycle = 0
        self._version = 1
        self._deposits = 0
        self._anchors = list(ANCHORS)
        self._trends = [1] * len(ANCHORS)
        self._recent: list[int] = []

    def step_ns(self) -> int:
        """Time between two commands: often none, sometimes a second."""
        return self._random.choice((0, 0, 1, 1_000, 10**6, 10**8, NS))

    def next_command(self, twin: PlainExchange, sequence: int, now_ns: int) -> Command:
        """The next command; its sequence is given because an order's id is its sequence."""
        draw = self._random.random()
        if draw < 0.62:
            self._recent = [*self._recent[-200:], sequence]
            return self._new_order(twin, now_ns)
        if draw < 0.68:
            account, order_id = self._some_order(twin)
            return "cancel_order", {"account": account, "order_id": order_id}
        if draw < 0.86:
            return self._amend(twin, now_ns)
        if draw < 0.875:
            return self._mass_cancel()
        return self._cold(now_ns)

    def _new_order(self, twin: PlainExchange, now_ns: int) -> Command:
        rand = self._random
        markets = [number for number in (0, 0, 1, 2, 2, 3, 3, 4) if twin.house.markets[number].open]
        instrument = rand.choice(markets) if rand.random() < 0.97 else 2
        side = rand.choice((0, 1))
        fields: dict[str, Any] = {
            "account": rand.choice(ACCOUNTS), "instrument": instrument, "side": side,
            "price_ticks": self._price(twin, instrument, side), "quantity_lots": self._lots(instrument),
            "stp": rand.choice((0, 1, 1, 1, 2, 3)), "time_in_force": rand.choices((0, 1, 2), (80, 12, 8))[0],
            "origin": rand.choice((1 << 32 | 1, 1 << 32 | 2, 2 << 32 | 1)),
            "cancel_on_disconnect": rand.random() < 0.1,
        }  # fmt: skip
        if rand.random() < 0.08:
            fields["order_type"] = 1
        if rand.random() < 0.1:
            fields["post_only"] = True
        if rand.random() < 0.06:
            fields["client_id"] = b"%d" % rand.randint(0, 40)
        if instrument >= 2 and rand.random() < 0.08:
            fields |= {"reduce_only": True, "time_in_force": rand.choice((1, 1, 2)), "post_only": False}
        if rand.random() < 0.02:
            fields["valid_until_ns"] = now_ns + rand.choice((-1, 0, NS))
        if rand.random() < 0.02:
            name, value = rand.choice((
                ("side", 2), ("order_type", 3), ("time_in_force", 6), ("stp", 5), ("reduce_only", 2),
                ("account", 15), ("account", 24), ("account", 2**32 - 1), ("instrument", 7), ("instrument", 2**32 - 1),
                ("quantity_lots", 0), ("quantity_lots", -5), ("quantity_lots", 2**62), ("quantity_lots", 10**9),
                ("price_ticks", 0), ("price_ticks", -1), ("price_ticks", 2**62), ("price_ticks", -(2**63)),
            ))  # fmt: skip
            fields[name] = value
        return "new_order", fields

    def _amend(self, twin: PlainExchange, now_ns: int) -> Command:
        rand = self._random
        account, order_id = self._some_order(twin)
        order = twin.house.orders.get(order_id)
        if order is None:
            return "amend_order", {"account": account, "order_id": order_id, "price_ticks": 100, "total_lots": 1}
        price, total = order.price_ticks, order.total_lots
        if rand.random() < 0.6:
            price = self._price(twin, order.instrument, order.side)
        total += rand.choice((-total, -3, -1, 0, 0, 0, 1, 5, 5 * total, 10**6, -order.open_lots))
        fields: dict[str, Any] = {"account": account, "order_id": order_id, "price_ticks": price, "total_lots": total}
        if rand.random() < 0.2:
            fields["post_only"] = rand.choice((0, 1, 1, 255, 3))
        if rand.random() < 0.03:
            fields["valid_until_ns"] = now_ns + rand.choice((-1, NS))
        return "amend_order", fields

    def _mass_cancel(self) -> Command:
        rand = self._random
        draw = rand.random()
        origin = rand.choice((1 << 32 | 1, 1 << 32 | 2, 2 << 32 | 1))
        if draw < 0.3:
            return "cancel_session", {"origin": origin}
        if draw < 0.4:
            return "cancel_gateway", {"origin": rand.choice((0, origin))}
        fields: dict[str, Any] = {"account": rand.choice((*ACCOUNTS, 3))}
        if rand.random() < 0.8:
            name, value = rand.choice((("instrument", 2), ("quote_asset", 0), ("instrument_kind", 1), ("side", 1)))
            fields[name] = value
        return "cancel_all", fields

    def _cold(self, now_ns: int) -> Command:
        rand = self._random
        draw = rand.random()
        if draw < 0.3:
            return UpdateMarks()
        if draw < 0.4:
            self._cycle += rand.choice((0, 1, 1, 1, 2))
            return RunVariationMargin(self._cycle)
        if draw < 0.6:
            return self._identity(now_ns)
        if draw < 0.75:
            return self._deposit()
        if draw < 0.85:
            price = self._anchors[1] * 10_000 * rand.choice((1, 1, 1, 3, 0)) + rand.randint(-(10**9), 10**9)
            return SetPrice(price, "test", now_ns + rand.choice((0, 0, 0, 61 * NS)))
        if draw < 0.88:
            self._version += rand.choice((0, 1))
            rates = rand.choice((
                {"USDC": 280_000, "BTC": 144_000}, {"USDC": 350_000, "BTC": 100_001}, {"USDC": 280_000}, {"USDC": 0},
            ))  # fmt: skip
            return SetScenarios(self._version, rates, rand.choice((0, 100_000, 250_001, -1)))
        if draw < 0.9:
            return SetRule(1, "hashrate_investor", ("kyc",), rand.choice((("KP",), ("KP", "XX"))))
        return AdvanceTime()

    def _identity(self, now_ns: int) -> Command:
        rand = self._random
        if rand.random() < 0.75:
            return SetIdentity(rand.choice((*ACCOUNTS[:-2], ACCOUNTS[-1])), "CH", (Claim("kyc", now_ns + 10**6 * NS),))
        until_ns = now_ns + rand.choice((-1, 0, 1, 3 * NS, 3 * NS, 10 * NS, 10 * NS, 30 * NS))
        kyc = Claim("kyc", until_ns)
        claims = rand.choice(((kyc,), (kyc,), (kyc,), (Claim("kyc", 5), kyc), (Claim("aml", until_ns),)))
        country = rand.choice(("CH",) * 8 + ("XX", "KP"))
        return SetIdentity(rand.choice((*ACCOUNTS[:-2], ACCOUNTS[-1], 3)), country, claims, rand.random() < 0.05)

    def _deposit(self) -> Command:
        rand = self._random
        self._deposits += rand.choice((0, 1, 1, 1))
        asset, unit = rand.choice((("USDC", USDC), ("USDC", USDC), ("BTC", BTC), ("TH1A", TOKEN), ("DOGE", 1)))
        amount = rand.choice((1, unit, 1_000 * unit, 0, 2**62, 2**63 - 1) if rand.random() < 0.2 else (10 * unit,))
        return Deposit(rand.choice((*ACCOUNTS, SITG, 2)), asset, amount, f"more-{self._deposits}")

    def _some_order(self, twin: PlainExchange) -> tuple[int, int]:
        """Mostly a resting order and its owner."""
        rand = self._random
        resting = list(twin.house.orders)
        if not resting or rand.random() < 0.05:
            return rand.choice(ACCOUNTS), rand.choice(self._recent or [1])
        order_id = rand.choice(resting)
        account = twin.house.orders[order_id].account
        return (rand.choice(ACCOUNTS) if rand.random() < 0.03 else account), order_id

    def _price(self, twin: PlainExchange, instrument: int, side: int) -> int:
        rand = self._random
        if rand.random() < 0.1:
            self._drift(instrument)
        opposite = twin.books.best(instrument)[1 - side]
        towards = 1 if side == 0 else -1
        if opposite is not None and rand.random() < 0.4:
            return opposite + towards * rand.choice((-1, 0, 0, 1, 5))
        step = max(1, ANCHORS[instrument] // 1_000)
        if rand.random() < 0.02:  # far away: costs or risks a lot
            return self._anchors[instrument] * rand.choice((1, 3)) // rand.choice((1, 3))
        return self._anchors[instrument] + towards * step * rand.choice((-20, -9, -4, -2, -2, -1, -1, 0, 1))

    def _drift(self, instrument: int) -> None:
        """Markets trend for a while, further than margin covers, and turn far from where they began."""
        rand = self._random
        low, high = ANCHORS[instrument] // 2, ANCHORS[instrument] * 2
        if rand.random() < 0.02 or not low < self._anchors[instrument] < high:
            self._trends[instrument] = 1 if self._anchors[instrument] <= low else rand.choice((-1, -1, 1))
        self._anchors[instrument] += self._trends[instrument] * max(1, ANCHORS[instrument] // 100)

    def _lots(self, instrument: int) -> int:
        return LOTS[instrument] * self._random.choice((1, 1, 2, 3, 5, 8)) // self._random.choice((1, 1, 2, 4)) or 1
