"""Goal: no bytes in valid framing and no numbers in valid commands end the core or break a law.

Method: attack. Records of random bytes with a header that passes framing, hot records with every integer at its edges,
cold commands with drawn fields, all mixed with sensible orders; after each group the laws are checked, a dump must load
into the same state, and a second core fed record by record must agree. Anything raised but ValueError from
stamp_records fails.
"""

import struct
from typing import Any, get_args

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import commands, wire
from domain.book_rules import BookRules
from domain.commands import Claim, ColdCommand, cold
from domain.constants import COMMAND_COLD, L3_ADDED, L3_REMOVED
from domain.events import CommandApplied, Depth, QueueChange, decode_events
from domain.instruments import KIND_COMBO
from domain.rejects import RejectCode
from exchange.record import stamp_records
from exchange.state_machine import StateMachine
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S
from tests.support.venue import (
    BTC,
    NS,
    START_NS,
    TOKEN,
    USDC,
    Venue,
    basic_venue,
    btc_spot,
    forward,
    fund,
    open_accounts,
    token_spot,
)

INT64_EDGES = (-(2**63), -(2**63) + 1, -1, 0, 1, 2, 2**31, 2**32, 2**53, 2**53 + 1, 2**62, 2**63 - 1)
UINT64_EDGES = (0, 1, 16, 2**32 - 1, 2**32, 2**63, 2**64 - 1)
UINT32_EDGES = (0, 1, 2, 15, 16, 17, 18, 63, 64, 65_535, 65_536, 2**31, 2**32 - 1)
PRICES = (1, 900, 999, 1_000, 1_001, 4_999, 5_000, 5_001, 100_000, 4_000_000, 2**20 - 1, 2**27 - 1, 2**27)

int64 = st.one_of(st.sampled_from(INT64_EDGES), st.integers(-(2**63), 2**63 - 1))
uint64 = st.one_of(st.sampled_from(UINT64_EDGES), st.integers(0, 2**64 - 1))
uint32 = st.one_of(st.sampled_from(UINT32_EDGES), st.integers(0, 2**32 - 1))
byte = st.one_of(st.integers(0, 4), st.integers(0, 255))
clients = st.sampled_from((16, 17, 18))
lots = st.one_of(st.integers(1, 30), st.sampled_from((10**6, 10**9, 20_000, 2**53)), int64)
prices = st.one_of(st.sampled_from(PRICES), int64)

sensible_orders = st.builds(
    commands.new_order, account=clients, instrument=st.integers(0, 3), side=st.integers(0, 1),
    price_ticks=st.sampled_from(PRICES), quantity_lots=st.integers(1, 50), order_type=st.sampled_from((0, 0, 0, 1)),
    time_in_force=st.sampled_from((0, 0, 0, 1, 2)), stp=st.integers(0, 3), post_only=st.booleans(),
    cancel_on_disconnect=st.booleans(), origin=uint64, label=st.binary(max_size=8),
)  # fmt: skip
wild_orders = st.builds(
    commands.new_order, account=st.one_of(clients, uint32), instrument=st.one_of(st.integers(0, 3), uint32), side=byte,
    price_ticks=prices, quantity_lots=lots, order_type=byte, time_in_force=byte, stp=byte, post_only=byte,
    reduce_only=byte, cancel_on_disconnect=byte, valid_until_ns=int64, label=st.binary(max_size=255), origin=uint64,
    request=uint64,
)  # fmt: skip


@st.composite
def one_wild_field(draw: st.DrawFn) -> bytes:
    """A sensible order but for one number, so that the checks behind the first are reached too."""
    fields: dict[str, Any] = {
        "account": draw(clients), "instrument": draw(st.integers(0, 3)), "side": draw(st.integers(0, 1)),
        "price_ticks": draw(st.sampled_from(PRICES[:10])), "quantity_lots": draw(st.integers(1, 50)),
    }  # fmt: skip
    name, wild = draw(
        st.sampled_from((
            ("price_ticks", prices), ("quantity_lots", lots), ("stp", byte), ("time_in_force", byte),
            ("order_type", byte), ("valid_until_ns", int64), ("instrument", uint32), ("side", byte),
        ))
    )  # fmt: skip
    fields[name] = draw(wild)
    return commands.new_order(**fields)


small = st.integers(0, 4)
near_prices = st.one_of(st.just(0), st.sampled_from(PRICES[:10]))
rich_orders = st.builds(
    commands.new_order, account=clients, instrument=st.sampled_from((0, 2, 2, 3, 4, 5, 5, 6)), side=st.integers(0, 1),
    price_ticks=st.sampled_from((*PRICES[:10], -1, 0, 2, 5_000, 5_002)), quantity_lots=st.integers(1, 50),
    order_type=st.sampled_from((0, 0, 0, 1, 2)), time_in_force=st.sampled_from((0, 0, 0, 1, 2, 3, 4, 5)),
    post_only=st.sampled_from((0, 0, 1, 2)), stp=small, reduce_only=st.sampled_from((0, 0, 0, 1)),
    display_lots=st.sampled_from((0, 0, 1, 3)), budget=st.sampled_from((0, 0, 0, 10_000, 2**40)),
    trigger=st.sampled_from((0, 0, 0, 1, 2)), trigger_ticks=near_prices, reference=st.integers(0, 2),
    trail_ticks=st.sampled_from((0, 0, 0, 3)), trail_bps=st.sampled_from((0, 0, 0, 50, 10_000)),
    peg=st.sampled_from((0, 0, 0, 1, 2, 3)), peg_offset=st.integers(-3, 3), oco=st.sampled_from((0, 0, *range(40, 60))),
    expire_ns=st.sampled_from((0, 0, START_NS + 5 * NS, 2**62)), mmp=st.sampled_from((0, 0, 1, 2)),
    quote=st.sampled_from((0, 0, 0, 1)), quote_set=st.integers(0, 1), key=st.sampled_from((0, 0, 7)),
    client_id=st.sampled_from((b"", b"", b"a", b"b", b"c" * 36)), label=st.sampled_from((b"", b"grid")),
)  # fmt: skip
order_ids = st.one_of(st.integers(1, 60), uint64)
wild_changes = st.one_of(
    st.builds(commands.cancel_order, account=st.one_of(clients, uint32), order_id=order_ids, origin=uint64),
    st.builds(
        commands.amend_order, account=st.one_of(clients, uint32), order_id=order_ids, price_ticks=prices,
        total_lots=lots, post_only=byte, valid_until_ns=st.one_of(st.just(0), int64), trigger_ticks=near_prices,
        open_lots=byte,
    ),
    st.builds(
        commands.cancel_all, account=st.one_of(clients, uint32), instrument=uint32,
        quote_asset=st.integers(0, 65_535), instrument_kind=byte, side=byte,
    ),
    st.builds(
        commands.cancel_all, account=clients, price_low_ticks=st.one_of(st.none(), prices), label=st.binary(max_size=9),
        only_quotes=st.booleans(), quote_set=st.one_of(st.none(), small), mmp=small,
    ),
    st.builds(commands.cancel_session, origin=uint64),
    st.builds(commands.cancel_gateway, origin=uint64),
)  # fmt: skip


@st.composite
def framed_bytes(draw: st.DrawFn) -> bytes:
    """Random bytes behind a header that framing lets through."""
    kind = draw(st.sampled_from((1, 2, 3, 4, 5, 6, COMMAND_COLD)))
    least = {1: 80, 2: 56, 3: 96, COMMAND_COLD: 48}.get(kind, 88)
    body = draw(st.binary(min_size=least - 8, max_size=least + 72))
    body = body[: len(body) // 8 * 8].ljust(least - 8, b"\0")
    record = bytearray(struct.pack("<IHH", len(body) + 8, kind, draw(st.integers(0, 65_535))) + body)
    if kind == 1:
        if len(record) < 152:
            record[6] &= 0xFE
        room = len(record) - (152 if record[6] & 1 else 80)
        record[79] %= room + 1
        if record[6] & 1:
            record[149] %= room - record[79] + 1
    if kind in (4, 5, 6):
        record[53] %= len(record) - 87
    if kind == COMMAND_COLD:
        struct.pack_into("<I", record, 40, draw(st.integers(0, len(record) - 48)))
    return bytes(record)


names = st.sampled_from(("BTC", "USDC", "TH1A", "DOGE", "", "ann"))
cold_commands: st.SearchStrategy[ColdCommand] = st.one_of(
    st.builds(commands.CreateAsset, names, int64, st.sampled_from(("cash", "token", ""))),
    st.builds(commands.CloseInstrument, st.one_of(st.integers(-1, 4), int64)),
    st.builds(commands.OpenAccount, names),
    st.builds(commands.SetRule, st.one_of(st.integers(0, 4), int64), names, st.lists(names, max_size=2).map(tuple)),
    st.builds(
        commands.SetIdentity, st.one_of(clients, int64), st.sampled_from(("CH", "KP", "")),
        st.lists(st.builds(Claim, st.sampled_from(("kyc", "")), int64), max_size=3).map(tuple), st.booleans(),
    ),
    st.builds(commands.Deposit, st.one_of(clients, int64), names, int64, st.text(max_size=3)),
    st.builds(commands.DefineTranche, names, names, int64, st.sampled_from(("header", "clamped", ""))),
    st.builds(
        commands.StartChain, st.sampled_from(("regtest", "main", "")),
        st.integers(0, 10), st.sampled_from((GENESIS_HEADER, b"\0" * 80, b"")), st.just(GENESIS_TIME_S), int64,
    ),
    st.builds(commands.BlockConnected, st.one_of(st.just(GENESIS_HEADER), st.binary(max_size=90)), int64, int64),
    st.builds(commands.PoolReport, names, st.sampled_from(("ab" * 32, "zz" * 32, "")), int64),
    st.builds(commands.SetPrice, st.one_of(int64, st.integers(10**10, 10**11)), names, int64),
    st.just(commands.UpdateMarks()),
    st.builds(commands.RunVariationMargin, int64),
    st.builds(
        commands.SetScenarios, int64, st.dictionaries(st.sampled_from(("USDC", "BTC", "DOGE")), int64, max_size=2),
        int64,
    ),
    st.builds(
        commands.ListInstrument,
        st.builds(
            lambda base, terms: msgspec.structs.replace(base, name="NEW", instrument_id=4, **terms),
            st.sampled_from((token_spot(4), forward(4, "NEW"))),
            st.dictionaries(
                st.sampled_from((
                    "tick_value", "lot_units", "rule_id", "expiry_ns", "delivery_days", "position_lots_max",
                    "taker_fee_ppm", "maker_fee_ppm", "kind", "instrument_id",
                )), int64, max_size=2,
            ).map(lambda terms: {k: v for k, v in terms.items() if k != "instrument_id"}),
        ), int64, int64,
    ),
    st.just(commands.AdvanceTime()),
    st.builds(
        commands.SetPhase, st.integers(0, 6), st.sampled_from((0, 1, 2, 2, 3, 4, 5)),
        st.sampled_from((0, 0, START_NS + 9 * NS, 2**62)), st.booleans(),
    ),
    st.builds(
        commands.SetKillSwitch, st.sampled_from(("key", "account", "own_account", "instrument", "venue")),
        st.sampled_from((0, 2, 7, 16, 2**40, -1)), st.booleans(),
    ),
    st.builds(commands.SetProtection, clients, small, small, small, small, st.sampled_from((0, NS)), small),
    st.builds(commands.ResetProtection, clients, small),
    st.builds(commands.SetGreeks, st.integers(0, 7), int64, int64),
    st.builds(commands.SetPreventionGroup, clients, st.integers(-1, 2)),
    st.builds(commands.SetCancelOnDisconnect, clients, st.booleans()),
    st.builds(commands.BustTrade, st.one_of(st.integers(1, 9), int64)),
    st.builds(commands.CorrectTrade, st.one_of(st.integers(1, 9), int64), prices),
)  # fmt: skip


@st.composite
def random_payloads(draw: st.DrawFn) -> bytes:
    """A cold record whose payload is msgpack of anything, or no msgpack at all."""
    anything = st.recursive(
        st.one_of(st.none(), st.booleans(), int64, st.text(max_size=8), st.binary(max_size=8)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
        max_leaves=8,
    )
    tags = [kind.__name__ for kind in get_args(commands.ColdCommand)]
    tagged = st.fixed_dictionaries({"t": st.sampled_from(tags)}, optional={"account": anything})
    payload = draw(st.one_of(st.binary(max_size=40), st.one_of(anything, tagged).map(msgspec.msgpack.encode)))
    length = wire.padded(wire.COLD_PREFIX.size + len(payload))
    head = wire.COLD_PREFIX.pack(length, COMMAND_COLD, 0, 0, 0, 0, 0, len(payload), 0)
    return (head + payload).ljust(length, b"\0")


hot = st.one_of(
    sensible_orders, sensible_orders, rich_orders, rich_orders, rich_orders, one_wild_field(), one_wild_field(),
    wild_orders, wild_changes, framed_bytes()
)
everything = st.one_of(hot, hot, cold_commands.map(cold), random_payloads())
groups = st.lists(st.lists(everything, min_size=1, max_size=12), min_size=1, max_size=6)


def busy_venue() -> Venue:
    """Three funded accounts, four markets, some rest."""
    venue = basic_venue(
        (token_spot(0, rule_id=1, taker_ppm=500, maker_ppm=100), 1_000), (btc_spot(1, taker_ppm=999_999), 4_000_000),
        (forward(2, "HPU_USDC-30APR24", taker_ppm=300), 5_000),
        (forward(3, "HPB_BTC-30APR24", quote="BTC", unit=1_000, expiry_ns=START_NS + 60 * NS), 5_000),
        spread_ppm=100_000,
    )  # fmt: skip
    far = forward(4, "HPU_USDC-31MAY24", taker_ppm=300, days=31)
    rules = BookRules(band_high_ticks=200_000, lots_max=20_000, price_bias_ticks=100_000, dynamic_bps=0)
    spread = replace(far, instrument_id=5, name="HPU_USDC-CS-30APR24_31MAY24", kind=KIND_COMBO, legs=((2, 1), (4, -1)),
                     rules=rules, delivery_days=0)  # fmt: skip
    banded = replace(token_spot(6, rules=replace(far.rules, dynamic_bps=100)), name="TH1B_BTC", auction_ns=5 * NS)
    venue.tell(
        commands.ListInstrument(far, 5_000), commands.ListInstrument(spread, 0), commands.ListInstrument(banded, 1_000)
    )
    for account in open_accounts(venue, "ann", "ben", "cid"):
        fund(venue, account, USDC=10**6 * USDC, BTC=10 * BTC, TH1A=1_000 * TOKEN)
        venue.tell(commands.SetProtection(account, 1, lots=20, window_ns=10 * NS, frozen_ns=3 * NS))
    venue.tell(commands.Deposit(3, "USDC", 2**61, "own-usdc"), commands.Deposit(3, "BTC", 2**61, "own-btc"))
    return venue


BUSY = busy_venue().machine.dump_state()


class Queues:
    """A reader's picture of every queue, kept from L3 frames alone (ORD-003), and of every level, kept from depth."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[int, tuple[int, int, int]]] = {}  # instrument -> id -> side, price, shown
        self.levels: dict[tuple[int, int, int], int] = {}
        self.numbers: dict[int, int] = {}

    def read(self, frames: bytes) -> None:
        for event in decode_events(frames):
            if isinstance(event, Depth):
                self.levels[event[:3]] = event.quantity_lots
            if not isinstance(event, QueueChange):
                continue
            assert event.l3_seq == self.numbers.get(event.instrument, 0) + 1
            self.numbers[event.instrument] = event.l3_seq
            book = self.orders.setdefault(event.instrument, {})
            if event.kind == L3_ADDED:
                assert event.order_id not in book
            else:
                assert book[event.order_id][:2] == (event.side, event.price_ticks)
            if event.kind == L3_REMOVED or event.shown_lots == 0:
                assert event.shown_lots == 0
                del book[event.order_id]
            else:
                book[event.order_id] = (event.side, event.price_ticks, event.shown_lots)

    def compare(self, machine: StateMachine) -> None:
        core = machine.state.core
        for number in range(len(machine.state.instruments)):
            for side in (0, 1):
                book = self.orders.get(number, {})
                mine = [(order_id, *rest) for order_id, (at, *rest) in book.items() if at == side]
                mine.sort(key=lambda order: order[1] if side else -order[1])
                assert mine == core.queue(number, side)
                depth = {key[2]: lots for key, lots in self.levels.items() if key[:2] == (number, side) and lots}
                assert depth == dict(core.depth(number, 10_000)[side])


def check(found: list[list[bytes]]) -> None:
    machine, single = StateMachine.load_state(BUSY), StateMachine.load_state(BUSY)
    queues = Queues()
    time_ns = machine.time_ns
    for number, records in enumerate(found):
        time_ns += number * 7 * NS
        group = bytearray(b"".join(records))
        stamp_records(group, machine.sequence + 1, time_ns)
        frames = machine.apply(group)
        assert frames == b"".join(single.apply(record) for record in wire.split_records(bytes(group)))
        own = [event for event in decode_events(frames) if isinstance(event, CommandApplied)]
        assert len(own) >= len(records)
        assert {event.code for event in own} <= {int(code) for code in RejectCode}
        machine.check_invariants()
        queues.read(frames)
        queues.compare(machine)
    loaded = StateMachine.load_state(machine.dump_state())
    loaded.check_invariants()
    assert loaded.digest() == machine.digest() == single.digest()


@settings(max_examples=150, deadline=None)
@given(groups)
def test_no_records_end_the_core_or_break_a_law(found: list[list[bytes]]) -> None:
    check(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(hot, min_size=1, max_size=40))
def test_no_orders_end_the_core_or_break_a_law(records: list[bytes]) -> None:
    check([records])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_are_refused_by_framing_or_answered_by_the_core(data: bytes) -> None:
    machine = StateMachine.load_state(BUSY)
    group = bytearray(data)
    try:
        stamp_records(group, machine.sequence + 1, machine.time_ns)
    except ValueError:
        assert bytes(group) == data
        return
    machine.apply(group)
    machine.check_invariants()


@settings(max_examples=60, deadline=None)
@given(st.lists(sensible_orders, min_size=1, max_size=60))
def test_money_and_tokens_are_neither_made_nor_lost_by_trading(records: list[bytes]) -> None:
    machine = StateMachine.load_state(BUSY)
    assets = {name: asset.index for name, asset in machine.state.assets.items()}

    def outside() -> dict[str, Any]:
        return {name: machine.state.core.ledger.posted(1, index) for name, index in assets.items()}

    before = outside()
    group = bytearray(b"".join(records))
    stamp_records(group, machine.sequence + 1, machine.time_ns + 1)
    machine.apply(group)
    assert outside() == before
    assert [machine.state.core.ledger.total(index) for index in assets.values()] == [0] * len(assets)
    bests = [machine.state.core.best(number) for number in range(4)]
    assert all(bid is None or ask is None or bid < ask for bid, ask in bests)
