"""Goal: a cold command that makes no sense is refused and changes nothing, whatever numbers are in it.

Method: each field of each command at its edges, on a working venue; the state's digest (without sequence and time) must
not move. Refusals are values: an exception here would end the core.
"""

from typing import Any

import msgspec
import pytest

from clearing.headers import header_hash
from domain import commands, wire
from domain.book_rules import PRICE_TICKS_LIMIT, BookRules
from domain.commands import Claim, ColdCommand, cold
from domain.constants import COMMAND_COLD
from domain.instruments import Instrument
from domain.rejects import RejectCode
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine
from tests.support.venue import BTC, USDC, Venue, basic_venue, btc_spot, forward, fund, open_accounts, token_spot

HUGE = 2**63 - 1
SPOT, MONTH = token_spot(2), forward(2, "HPU_USDC-31MAR24")


@pytest.fixture
def venue() -> Venue:
    made = basic_venue((btc_spot(0), 4_000_000), (forward(1, "HPU_USDC-30APR24"), 5_000))
    (account,) = open_accounts(made, "ann")
    fund(made, account, USDC=10**6 * USDC, BTC=BTC)
    return made


def facts(venue: Venue) -> Any:
    """The whole state but sequence and time."""
    image = msgspec.msgpack.decode(venue.machine.dump_state())
    image["core"] = msgspec.msgpack.decode(image["core"])[2:]
    return image


def changed(instrument: Instrument, **terms: Any) -> Instrument:
    return msgspec.structs.replace(instrument, **terms)


def ruled(instrument: Instrument, **rules: int) -> Instrument:
    return changed(instrument, rules=msgspec.structs.replace(instrument.rules, **rules))


WRONG_TERMS = [
    changed(SPOT, instrument_id=1), changed(SPOT, instrument_id=-1), changed(SPOT, instrument_id=HUGE),
    changed(SPOT, name="BTC_USDC"), changed(SPOT, base="DOGE"), changed(SPOT, quote="DOGE"),
    changed(SPOT, quote="TH1A"), changed(SPOT, base="BTC"), changed(SPOT, kind=3), changed(SPOT, kind=0),
    changed(SPOT, kind=HUGE),
    changed(SPOT, rule_id=9), changed(SPOT, rule_id=-1), changed(SPOT, tick_value=0), changed(SPOT, tick_value=-1),
    changed(SPOT, tick_value=HUGE), changed(SPOT, tick_value=2**64 - 1), changed(SPOT, expiry_ns=0),
    changed(SPOT, expiry_ns=2**64 - 1), changed(SPOT, taker_fee_ppm=-1), changed(SPOT, taker_fee_ppm=10**6),
    changed(SPOT, maker_fee_ppm=10**6), changed(SPOT, lot_units=0), changed(SPOT, lot_units=HUGE),
    changed(SPOT, lot_units=2**64 - 1), changed(SPOT, position_lots_max=2**64 - 1), changed(SPOT, position_lots_max=-1),
    changed(MONTH, position_lots_max=HUGE), changed(MONTH, delivery_days=10**9, tick_value=10**9),
    ruled(SPOT, price_step_ticks=0), ruled(SPOT, lot_step=0), ruled(SPOT, lots_max=0), ruled(SPOT, lots_max=2**64 - 1),
    ruled(SPOT, price_step_ticks=2**64 - 1), ruled(SPOT, lot_step=2**64 - 1), ruled(SPOT, band_low_ticks=0),
    ruled(SPOT, band_low_ticks=2**20), ruled(SPOT, band_high_ticks=PRICE_TICKS_LIMIT), ruled(SPOT, band_high_ticks=0),
    ruled(SPOT, protection_bps=-1), ruled(SPOT, protection_bps=10_000), ruled(SPOT, protection_ticks=-1),
    ruled(SPOT, protection_ticks=HUGE),
    changed(MONTH, quote="TH1A"), changed(MONTH, delivery_days=0), changed(MONTH, delivery_days=-1),
    changed(MONTH, delivery_days=31), changed(MONTH, tick_value=HUGE), changed(MONTH, position_lots_max=0),
    changed(MONTH, position_lots_max=-1), changed(MONTH, position_lots_max=2**64 - 1),
]  # fmt: skip


@pytest.mark.parametrize("terms", WRONG_TERMS, ids=range(len(WRONG_TERMS)))
def test_terms_that_make_no_sense_are_refused(venue: Venue, terms: Instrument) -> None:
    check_refused(venue, commands.ListInstrument(terms, 5_000))


@pytest.mark.parametrize(
    ("mark_ticks", "index_ticks"), [(0, 0), (-1, 0), (PRICE_TICKS_LIMIT, 0), (5_000, -1), (5_000, PRICE_TICKS_LIMIT)]
)
def test_a_first_mark_that_is_no_price_is_refused(venue: Venue, mark_ticks: int, index_ticks: int) -> None:
    check_refused(venue, commands.ListInstrument(MONTH, mark_ticks, index_ticks))


REFUSED: list[ColdCommand] = [
    commands.CreateAsset("BTC", 1, "cash"), commands.CreateAsset("X", 0, "cash"), commands.CreateAsset("X", 1, "shell"),
    commands.CloseInstrument(2), commands.CloseInstrument(-1), commands.CloseInstrument(HUGE),
    commands.OpenAccount("ann"),
    commands.SetRule(0, "x"), commands.SetRule(-1, "x"), commands.SetRule(4, "x"), commands.SetRule(HUGE, "x"),
    commands.SetIdentity(17, "CH"), commands.SetIdentity(-1, "CH"), commands.SetIdentity(HUGE, "CH"),
    commands.Deposit(16, "DOGE", 1, "a"), commands.Deposit(17, "BTC", 1, "a"), commands.Deposit(1, "BTC", 1, "a"),
    commands.Deposit(16, "BTC", 0, "a"), commands.Deposit(16, "BTC", -1, "a"), commands.Deposit(16, "BTC", 1, ""),
    commands.Deposit(16, "BTC", HUGE, "a"), commands.Deposit(16, "BTC", 2**62, "a"),
    commands.Deposit(HUGE, "BTC", 1, "a"),
    commands.DefineTranche("DOGE", "BTC", 0), commands.DefineTranche("BTC", "BTC", 0),
    commands.DefineTranche("TH1A", "BTC", -1), commands.DefineTranche("TH1A", "BTC", 10**6 + 1),
    commands.DefineTranche("TH1A", "TH1A", 0), commands.DefineTranche("TH1A", "BTC", 0, "median"),
    commands.DefineTranche("TH1A", "DOGE", 0),
    commands.StartChain("moon", 0, GENESIS_HEADER, GENESIS_TIME_S),
    commands.StartChain("regtest", 0, GENESIS_HEADER[:-1], GENESIS_TIME_S),
    commands.BlockConnected(b"\0" * 80, 0),
    commands.PoolReport("TH1A", "ab" * 32, 1),
    commands.SetPrice(0, "x", 0), commands.SetPrice(-1, "x", 0), commands.SetPrice(1, "x", HUGE),
    commands.RunVariationMargin(0), commands.RunVariationMargin(-1),
    commands.SetScenarios(1, {"USDC": 280_000}), commands.SetScenarios(2, {"USDC": 0, "BTC": 1}),
    commands.SetScenarios(2, {"USDC": HUGE}), commands.SetScenarios(2, {"USDC": 10**7 + 1}),
    commands.SetScenarios(2, {"BTC": 144_000}), commands.SetScenarios(2, {"DOGE": 1, "USDC": 1}),
    commands.SetScenarios(2, {"USDC": 280_000}, -1), commands.SetScenarios(2, {"USDC": 280_000}, HUGE),
]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED, ids=lambda command: type(command).__name__)
def test_a_command_that_makes_no_sense_is_refused_and_changes_nothing(venue: Venue, command: ColdCommand) -> None:
    check_refused(venue, command)


def check_refused(venue: Venue, command: ColdCommand) -> None:
    before = facts(venue)
    assert venue.answer(cold(command)).code != 0
    assert facts(venue) == before
    venue.machine.check_invariants()


def test_a_reduced_set_of_rates_must_still_cover_every_listed_forward(venue: Venue) -> None:
    assert venue.answer(cold(commands.SetScenarios(2, {"BTC": 144_000}))).code == RejectCode.BAD_COMMAND
    assert venue.answer(cold(commands.SetScenarios(2, {"USDC": 280_000}))).code == 0


def test_what_was_accepted_twice_is_refused_the_second_time(venue: Venue) -> None:
    again: list[ColdCommand] = [
        commands.Deposit(16, "BTC", 5, "one"), commands.RunVariationMargin(HUGE), commands.CloseInstrument(0),
        commands.DefineTranche("TH1A", "BTC", 0), commands.StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S),
    ]  # fmt: skip
    for command in again:
        assert venue.answer(cold(command)).code == 0
        check_refused(venue, command)


def payload_record(payload: bytes) -> bytes:
    length = wire.padded(wire.COLD_PREFIX.size + len(payload))
    return (wire.COLD_PREFIX.pack(length, COMMAND_COLD, 0, 0, 0, 0, 0, len(payload), 0) + payload).ljust(length, b"\0")


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xc1", b"\x81", b"\xa1t", msgspec.msgpack.encode({}), msgspec.msgpack.encode({"t": "Nothing"}),
        msgspec.msgpack.encode({"t": "OpenAccount"}), msgspec.msgpack.encode({"t": "OpenAccount", "name": 5}),
        msgspec.msgpack.encode({"t": "OpenAccount", "name": "x", "more": 1}),
        b"\x82\xa1t\xabOpenAccount\xa4name\xa1\xff",
        msgspec.msgpack.encode({"t": "CloseInstrument", "instrument_id": 2**64 - 1}),
        b"\x82\xa1x" + b"\x91" * 500_000 + b"\xc0\xa1t\xabAdvanceTime",
    ],
    ids=["empty", "reserved byte", "cut map", "text", "no tag", "unknown tag", "missing field", "wrong type",
         "unknown field", "bad text", "beyond int64", "deep nesting"],
)  # fmt: skip
def test_a_payload_that_is_no_command_is_refused_like_one(venue: Venue, payload: bytes) -> None:
    before = facts(venue)
    assert venue.answer(payload_record(payload)).code == RejectCode.BAD_COMMAND
    assert facts(venue) == before


def test_a_claim_may_end_before_time_began(venue: Venue) -> None:
    venue.tell(commands.SetIdentity(16, "CH", (Claim("kyc", -(2**63)), Claim("kyc", HUGE))))
    assert venue.state.core.registry.verdict(16, 1).until_ns == HUGE


@pytest.mark.parametrize(
    "command",
    [
        commands.StartChain("regtest", 0, b"\0" * 80, 0),
        commands.StartChain("main", 0, GENESIS_HEADER, GENESIS_TIME_S),
        commands.StartChain("regtest", -1, GENESIS_HEADER, GENESIS_TIME_S),
        commands.StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S, -1),
    ],
    ids=["no work", "other network", "negative height", "negative work"],
)
def test_a_checkpoint_that_is_none_is_refused(venue: Venue, command: ColdCommand) -> None:
    check_refused(venue, command)


@pytest.mark.parametrize("coinbase_sat", [21 * 10**14 + 1, HUGE], ids=["more than all bitcoin", "int64"])
def test_a_block_that_claims_to_pay_more_than_exists_is_refused(venue: Venue, coinbase_sat: int) -> None:
    venue.tell(commands.StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    header = mine(venue.state.chain.tip.hash, GENESIS_TIME_S + 600)
    check_refused(venue, commands.BlockConnected(header, 0, coinbase_sat))


def test_a_pool_smaller_than_the_tranche_it_mines_for_is_refused(venue: Venue) -> None:
    fund(venue, 16, TH1A=100 * 1_000)
    venue.tell(commands.DefineTranche("TH1A", "BTC", 0))
    check_refused(venue, commands.PoolReport("TH1A", "ab" * 32, 99))
    check_refused(venue, commands.PoolReport("TH1A", "ab" * 32, HUGE))
    venue.tell(commands.PoolReport("TH1A", "ab" * 32, 100))


def test_a_price_that_no_number_of_the_index_can_carry_is_refused(venue: Venue) -> None:
    check_refused(venue, commands.SetPrice(HUGE, "x", 0))


def test_first_seen_may_be_anything_and_the_core_goes_on(venue: Venue) -> None:
    venue.tell(commands.DefineTranche("TH1A", "BTC", 0, "clamped"))
    venue.tell(commands.StartChain("regtest", 0, GENESIS_HEADER, GENESIS_TIME_S))
    for number, seen_ns in enumerate((-(2**63), -1, HUGE)):
        header = mine(venue.state.chain.tip.hash, GENESIS_TIME_S + 600 * (number + 1))
        venue.do(cold(commands.PoolReport("TH1A", header_hash(header).hex(), 10**6)))
        venue.do(cold(commands.BlockConnected(header, seen_ns, 50 * 10**8)))
        venue.do(cold(commands.AdvanceTime()))
        venue.machine.check_invariants()


def test_a_book_takes_the_rules_that_are_let_through(venue: Venue) -> None:
    widest = BookRules(1, 1, HUGE, 1, PRICE_TICKS_LIMIT - 1, 9_999, 0)
    venue.tell(commands.ListInstrument(changed(SPOT, rules=widest), 1))
    answer = venue.order(account=16, instrument=2, side=1, price_ticks=1, quantity_lots=HUGE)
    assert answer.code == RejectCode.NOTIONAL_RANGE
