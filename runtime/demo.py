"""The demo market: what is listed, who trades, and with which keys.

Lives here: the genesis commands of the demo, its accounts and their keys. Everything synthetic says so in data/demo/.
Does not know: how commands are applied, how blocks arrive (feed_process.py).
"""

import calendar
import csv
import datetime
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from clearing.hashprice import hashprice_msat, usd_micro
from clearing.headers import header_bits, header_time_s, subsidy_sat
from domain import commands
from domain.arithmetic import mul_div_half_even
from domain.book_rules import PRICE_TICKS_LIMIT, BookRules
from domain.constants import FIRST_CLIENT_ACCOUNT, SITG
from domain.instruments import DAY_NS, KIND_COMBO, KIND_FORWARD, KIND_SPOT, PERPETUAL_EXPIRY_NS, Instrument
from domain.units import BTC_SCALE, MSAT_PER_SAT, NS_PER_S, TOKEN_SCALE, USDC_SCALE

DATA_FOLDER: Final = Path(__file__).resolve().parent.parent / "data"
HEADERS_PATH: Final = DATA_FOLDER / "bitcoin" / "btc_headers_822528_830592.bin"
TOTALS_PATH: Final = DATA_FOLDER / "demo" / "coinbase_totals.csv"
PRICES_PATH: Final = DATA_FOLDER / "demo" / "btc_usdc_prices.csv"
REPORTS_PATH: Final = DATA_FOLDER / "demo" / "pool_reports.csv"
FIRST_HEIGHT: Final = 822_528  # also the first block of its difficulty epoch

MAKER: Final = "market-maker"
TRADERS: Final = ("alice", "bob", "carol", "dave")
OUTSIDER: Final = "mallory"  # has an account and no claims: not whitelisted for anything
RULE_CUSTOMER: Final = 1
RULE_INVESTOR: Final = 2
FORWARD_MONTHS: Final = 36
CALENDAR_SPREADS: Final = 6  # of the first months
FIRST_MONTH: Final = (2024, 1)  # the first whole month of the bundled chain
CLAIM_YEARS_NS: Final = 10 * 365 * DAY_NS

TOKEN_LIFE_DAYS: Final = 730  # days of today's hashprice at which the token is first marked
TOKEN_FEE_PPM: Final = 30_000  # the pool keeps 3 %
SPOT_FEES_PPM: Final = (500, 100)  # taker, maker
FORWARD_FEES_PPM: Final = (200, 50)
PROTECTION_BPS: Final = 100  # market orders reach 1 % beyond the best price
RATES_PPM: Final = {"USDC": 280_000, "BTC": 144_000}  # maintenance = 4/5 of 35 % and 18 %
TH_PER_PH: Final = 1_000
CENT_MICRO: Final = 10_000


class Demo(msgspec.Struct, frozen=True):
    """Where the demo's market stands at its beginning."""

    start_ns: int
    header: bytes
    price_micro_usdc: int
    hashprice_msat: int  # per PH/s-day
    hashprice_micro: int


def demo_at(start_ns: int) -> Demo:
    """Read the first header and the price that holds at the start. Raises OSError or ValueError on damaged files."""
    header = HEADERS_PATH.read_bytes()[:80]
    price = price_at(read_prices(PRICES_PATH), start_ns // NS_PER_S)
    value = hashprice_msat(subsidy_sat(FIRST_HEIGHT + 1), header_bits(header))
    return Demo(start_ns, header, price, value, usd_micro(value, price))


def read_prices(path: Path) -> list[tuple[int, int]]:
    """(time_s, micro-dollars per BTC) by time, from the synthetic series."""
    with path.open(encoding="ascii", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [(int(row["time_s"]), int(row["price_micro_usdc"])) for row in rows]


def price_at(prices: list[tuple[int, int]], time_s: int) -> int:
    """The last price at or before a time. Raises ValueError before the first."""
    known = [price for at_s, price in prices if at_s <= time_s]
    if not known:
        raise ValueError(f"no price at {time_s}")
    return known[-1]


def read_reports(path: Path) -> dict[str, commands.PoolReport]:
    """Pool reports by block hash, from the synthetic selection."""
    with path.open(encoding="ascii", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            row["block_hash"]: commands.PoolReport(row["tranche"], row["block_hash"], int(row["pool_hashrate_ths"]))
            for row in rows
        }


# ---------------------------------------------------------------------------------------------------------------
# Genesis


def genesis(start_ns: int) -> list[bytes]:
    """The records that open the demo market, in order."""
    demo = demo_at(start_ns)
    outright = [*markets(demo), *forwards(demo)]
    listed = [*outright, *combos(demo, outright)]
    accounts = [MAKER, *TRADERS, OUTSIDER]
    parts: list[commands.ColdCommand] = [
        commands.CreateAsset("BTC", BTC_SCALE, "cash"),
        commands.CreateAsset("USDC", USDC_SCALE, "cash"),
        commands.CreateAsset("TH1A", TOKEN_SCALE, "token"),
        commands.SetRule(RULE_CUSTOMER, "verified_customer", ("kyc",), ("KP",)),
        commands.SetRule(RULE_INVESTOR, "hashrate_investor", ("kyc", "professional_investor"), ("KP",)),
        commands.SetScenarios(1, RATES_PPM),
        commands.DefineTranche("TH1A", "BTC", TOKEN_FEE_PPM),
        commands.SetPrice(demo.price_micro_usdc, "synthetic", 0),
        commands.StartChain("main", FIRST_HEIGHT, demo.header, header_time_s(demo.header)),
        *listed,
        *(commands.OpenAccount(name) for name in accounts),
        commands.Deposit(SITG, "USDC", 10_000_000 * USDC_SCALE, "genesis:sitg:USDC"),
        commands.Deposit(SITG, "BTC", 100 * BTC_SCALE, "genesis:sitg:BTC"),
    ]
    for account, name in enumerate(accounts, FIRST_CLIENT_ACCOUNT):
        parts += account_commands(account, name, start_ns)
    return [commands.cold(part) for part in parts]


def account_commands(account: int, name: str, start_ns: int) -> list[commands.ColdCommand]:
    """Identity and first deposits of one account."""
    many = 100 if name == MAKER else 1
    until_ns = start_ns + CLAIM_YEARS_NS
    claims = (commands.Claim("kyc", until_ns), commands.Claim("professional_investor", until_ns))
    return [
        commands.SetIdentity(account, "CH", () if name == OUTSIDER else claims),
        commands.Deposit(account, "BTC", many * 10 * BTC_SCALE, f"genesis:{name}:BTC"),
        commands.Deposit(account, "USDC", many * 1_000_000 * USDC_SCALE, f"genesis:{name}:USDC"),
        commands.Deposit(account, "TH1A", many * 1_000 * TOKEN_SCALE, f"genesis:{name}:TH1A"),
    ]


def markets(demo: Demo) -> list[commands.ListInstrument]:
    """The token in BTC and in USDC, and BTC in USDC."""
    taker_ppm, maker_ppm = SPOT_FEES_PPM
    token_sat = max(1, demo.hashprice_msat * TOKEN_LIFE_DAYS // (TH_PER_PH * MSAT_PER_SAT))
    token_cents = max(1, demo.hashprice_micro * TOKEN_LIFE_DAYS // (TH_PER_PH * CENT_MICRO))
    btc_cents = demo.price_micro_usdc // CENT_MICRO

    def spot(
        number: int, base: str, quote: str, rule: int, rules: BookRules, *, tick_price: int, tick_value: int,
        lot_amount: int, lot_units: int,
    ) -> Instrument:  # fmt: skip
        return Instrument(
            instrument_id=number,
            name=f"{base}_{quote}",
            kind=KIND_SPOT,
            base=base,
            quote=quote,
            rules=rules,
            taker_fee_ppm=taker_ppm,
            maker_fee_ppm=maker_ppm,
            rule_id=rule,
            created_ns=demo.start_ns,
            expiry_ns=PERPETUAL_EXPIRY_NS,
            price_index=f"{base}_{quote}".lower(),
            tick_price=tick_price,
            tick_value=tick_value,
            lot_amount=lot_amount,
            lot_units=lot_units,
        )

    token_rules = BookRules(lots_max=1_000_000, band_high_ticks=2**24 - 1, protection_bps=PROTECTION_BPS)
    btc_rules = BookRules(lots_max=10_000_000, band_high_ticks=PRICE_TICKS_LIMIT - 1, protection_bps=PROTECTION_BPS)
    return [
        commands.ListInstrument(  # tick 1 sat, lot 1 TH/s
            spot(
                0, "TH1A", "BTC", RULE_INVESTOR, token_rules,
                tick_price=1, tick_value=MSAT_PER_SAT, lot_amount=10**8, lot_units=TOKEN_SCALE,
            ),
            token_sat,
        ),
        commands.ListInstrument(  # tick 0.01 USDC, lot 1 TH/s
            spot(
                1, "TH1A", "USDC", RULE_INVESTOR, token_rules,
                tick_price=10**6, tick_value=CENT_MICRO, lot_amount=10**8, lot_units=TOKEN_SCALE,
            ),
            token_cents,
        ),
        commands.ListInstrument(  # tick 0.01 USDC, lot 0.0001 BTC: one tick of one lot is one micro-dollar
            spot(
                2, "BTC", "USDC", RULE_CUSTOMER, btc_rules,
                tick_price=10**6, tick_value=1, lot_amount=10**4, lot_units=BTC_SCALE // 10_000,
            ),
            btc_cents,
            btc_cents,
        ),
    ]  # fmt: skip


def forwards(demo: Demo) -> list[commands.ListInstrument]:
    """36 delivery months in USDC, then the same in BTC."""
    year, month = FIRST_MONTH
    months = [(year + (month - 1 + i) // 12, (month - 1 + i) % 12 + 1) for i in range(FORWARD_MONTHS)]
    spot_cents = mul_div_half_even(demo.hashprice_micro, 1, CENT_MICRO)
    spot_sats = mul_div_half_even(demo.hashprice_msat, 1, MSAT_PER_SAT)
    out: list[commands.ListInstrument] = []
    for base, quote, tick_price, tick_unit, spot_ticks, high_ticks in (
        ("HPU", "USDC", 10**6, CENT_MICRO, spot_cents, 100_000),
        ("HPB", "BTC", 1, MSAT_PER_SAT, spot_sats, 2_000_000),
    ):
        for year, month in months:
            number = 3 + len(out)
            terms = forward(demo, number, base, quote, year, month, tick_price, tick_unit, high_ticks)
            out.append(commands.ListInstrument(terms, spot_ticks, spot_ticks))
    return out


def forward(
    demo: Demo, number: int, base: str, quote: str, year: int, month: int, tick_price: int, tick_unit: int, high: int
) -> Instrument:
    """One delivery month: last trading at 00:00 UTC of its last day; one lot is 1 PH/s for its N days."""
    days = calendar.monthrange(year, month)[1]
    first = datetime.datetime(year, month, 1, tzinfo=datetime.UTC)
    first_ns = int(first.timestamp()) * NS_PER_S
    name = f"{base}_{quote}-{days}{first:%b}{first:%y}".upper()
    return Instrument(
        instrument_id=number,
        name=name,
        kind=KIND_FORWARD,
        base=base,
        quote=quote,
        tick_price=tick_price,
        lot_amount=days * 10**8,
        tick_value=days * tick_unit,
        lot_units=0,
        rules=BookRules(lots_max=1_000_000, band_high_ticks=high, protection_bps=PROTECTION_BPS),
        taker_fee_ppm=FORWARD_FEES_PPM[0],
        maker_fee_ppm=FORWARD_FEES_PPM[1],
        rule_id=RULE_INVESTOR,
        created_ns=demo.start_ns,
        expiry_ns=first_ns + (days - 1) * DAY_NS,
        price_index=f"{base}_{quote}".lower(),
        delivery_from_ns=first_ns,
        delivery_days=days,
    )


def combos(demo: Demo, listed: list[commands.ListInstrument]) -> list[commands.ListInstrument]:
    """Calendar spreads of the first months in USDC, the first year's quarters and the year as strips (MATCH-110)."""
    first = next(place for place, market in enumerate(listed) if market.instrument.kind == KIND_FORWARD)
    months = [market.instrument for market in listed[first : first + FORWARD_MONTHS]]
    dates = [month.name.rsplit("-", 1)[1] for month in months]
    chosen: list[tuple[str, list[Instrument], tuple[int, ...]]] = [
        (f"CS-{dates[k]}_{dates[k + 1]}", months[k : k + 2], (1, -1)) for k in range(CALENDAR_SPREADS)
    ]
    year = FIRST_MONTH[0] % 100
    chosen += [(f"Q-{year}Q{quarter + 1}", months[3 * quarter : 3 * quarter + 3], (1,) * 3) for quarter in range(4)]
    chosen.append((f"CAL-{year}", months[:12], (1,) * 12))
    return [
        commands.ListInstrument(combo(demo, len(listed) + place, *terms), 0) for place, terms in enumerate(chosen)
    ]


def combo(demo: Demo, number: int, suffix: str, legs: list[Instrument], ratios: tuple[int, ...]) -> Instrument:
    """One spread or strip; an amount counts lots, each of them one lot of every leg, nearest leg first."""
    top, spread = legs[0].rules.band_high_ticks, -1 in ratios
    return Instrument(
        instrument_id=number,
        name=f"{legs[0].base}_{legs[0].quote}-{suffix}",
        kind=KIND_COMBO,
        base=legs[0].base,
        quote=legs[0].quote,
        tick_price=legs[0].tick_price,
        lot_amount=10**8,
        tick_value=CENT_MICRO,
        lot_units=0,
        rules=BookRules(
            lots_max=20_000,
            band_high_ticks=2 * top - 1 if spread else len(legs) * top,
            price_bias_ticks=top if spread else 0,
        ),
        taker_fee_ppm=0,  # each leg pays its own
        maker_fee_ppm=0,
        rule_id=RULE_INVESTOR,
        created_ns=demo.start_ns,
        expiry_ns=min(leg.expiry_ns for leg in legs),
        legs=tuple((leg.instrument_id, ratio) for leg, ratio in zip(legs, ratios, strict=True)),
    )


# ---------------------------------------------------------------------------------------------------------------
# Keys


class DemoKey(msgspec.Struct, frozen=True):
    """What a trader of the demo needs."""

    name: str
    client_id: str
    client_secret: str
    whitelisted: bool


class GatewayKey(msgspec.Struct, frozen=True):
    """The gateway's side of the same key (gateway/keys.py)."""

    name: str
    client_id: str
    client_secret: str
    account: int
    whitelisted: bool


def write_keys_once(home: Path) -> None:
    """Make fresh random keys unless there are some: the gateway's, the traders' (demo-keys.json), the bot's."""
    paths = [home / "keys.json", home / "demo-keys.json", home / "bot-keys.json"]
    if all(path.exists() for path in paths):
        return
    names = [MAKER, *TRADERS, OUTSIDER]
    keys = [DemoKey(name, f"demo-{name}", secrets.token_urlsafe(32), name != OUTSIDER) for name in names]
    gateway_keys = [
        GatewayKey(key.name, key.client_id, key.client_secret, account, key.whitelisted)
        for account, key in enumerate(keys, FIRST_CLIENT_ACCOUNT)
    ]
    traders = [key for key in keys if key.name != MAKER]
    for path, content in zip(paths, (gateway_keys, traders, [keys[0]]), strict=True):
        write_private(path, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
