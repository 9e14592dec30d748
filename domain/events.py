"""Events: what a command did, as frames.

Lives here: decoded views of the packed frames and the cold events as tagged msgpack structs.
Does not know: who reads them.
The events of one command start with a CommandApplied frame, then trades, order states, depth, marks, cold events.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from domain import wire
from domain.constants import (
    EVENT_COLD,
    EVENT_COMMAND,
    EVENT_DEPTH,
    EVENT_L3,
    EVENT_MARK,
    EVENT_MMP,
    EVENT_ORDER,
    EVENT_PHASE,
    EVENT_TRADE,
)
from domain.instruments import Instrument


class CommandApplied(NamedTuple):
    """First frame of every command. `code` 0 = done, else the refusal; a refused command has no further frames."""

    sequence: int
    time_ns: int
    origin: int
    request: int
    account: int
    command_kind: int
    events: int
    code: int
    detail: int
    value: int


class OrderState(NamedTuple):
    """Full state of one order after the command."""

    order_id: int
    origin: int
    account: int
    instrument: int
    price_ticks: int
    total_lots: int
    filled_lots: int
    notional_ticks: int
    fee: int
    created_ns: int
    updated_ns: int
    side: int
    order_type: int
    time_in_force: int
    stp: int
    post_only: int
    reduce_only: int
    cancel_on_disconnect: int
    state: int
    reason: int
    amended: int
    label: str
    display_lots: int = 0  # iceberg: shown at most
    shown_lots: int = 0  # in its level now
    trigger_ticks: int = 0
    trail_ticks: int = 0
    trail_bps: int = 0
    trigger: int = 0
    reference: int = 0
    peg: int = 0
    peg_offset: int = 0
    mmp: int = 0
    quote: int = 0
    quote_set: int = 0
    oco: int = 0
    expire_ns: int = 0
    prevented_lots: int = 0
    client_id: str = ""


class Trade(NamedTuple):
    """One match. Fees in ledger units of the quote asset."""

    trade_id: int
    trade_seq: int
    instrument: int
    taker_side: int
    tick_direction: int
    maker_order_id: int
    taker_order_id: int
    maker_account: int
    taker_account: int
    price_ticks: int
    quantity_lots: int
    maker_fee: int
    taker_fee: int
    mark_ticks: int
    index_ticks: int
    flags: int = 0  # TRADE_*


class Depth(NamedTuple):
    """New total at one price level; 0 = the level is gone."""

    instrument: int
    side: int
    price_ticks: int
    quantity_lots: int


class Mark(NamedTuple):
    """New mark and index of one instrument."""

    instrument: int
    mark_ticks: int
    index_ticks: int


class QueueChange(NamedTuple):
    """One change of what a level shows, in queue order; `l3_seq` is gap free per instrument."""

    instrument: int
    side: int
    kind: int  # L3_*
    order_id: int
    price_ticks: int
    shown_lots: int  # of the order after it
    l3_seq: int


class Phase(NamedTuple):
    """Phase of a book; in a call with what would trade now, after every command that changes it."""

    instrument: int
    phase: int
    until_ns: int
    price_ticks: int  # means something where volume is above 0
    volume_lots: int
    surplus_lots: int


class ProtectionTriggered(NamedTuple):
    """A protection group reached a limit: its orders are cancelled, and it is frozen (0 = until reset)."""

    account: int
    group: int
    frozen_until_ns: int


class ColdEvent(msgspec.Struct, frozen=True, tag_field="t"):
    """Base of the cold events."""


class AssetCreated(ColdEvent, frozen=True, tag=True):
    name: str
    scale: int
    kind: str


class InstrumentListed(ColdEvent, frozen=True, tag=True):
    instrument: Instrument


class InstrumentClosed(ColdEvent, frozen=True, tag=True):
    instrument_id: int
    reason: str


class AccountOpened(ColdEvent, frozen=True, tag=True):
    account: int
    name: str


class RuleSet(ColdEvent, frozen=True, tag=True):
    rule_id: int
    name: str
    requires: tuple[str, ...]
    countries_denied: tuple[str, ...]


class EligibilityChanged(ColdEvent, frozen=True, tag=True):
    """For the gateways' replica: until when the account satisfies each rule, and what fails or lapses."""

    account: int
    until_ns: dict[int, int]
    reasons: dict[int, str]


class Deposited(ColdEvent, frozen=True, tag=True):
    account: int
    asset: str
    amount: int
    external_id: str


class BlockAccepted(ColdEvent, frozen=True, tag=True):
    """A header that counts. `connected`/`disconnected` name what it did to the best chain."""

    height: int
    block_hash: str
    header_time_s: int
    first_seen_ns: int
    tip_height: int
    connected: tuple[str, ...]
    disconnected: tuple[str, ...]
    index_msat: int  # hashprice, msat per PH/s-day, 0 while unknown
    index_micro_usdc: int


class BlockRefused(ColdEvent, frozen=True, tag=True):
    code: int
    reason: str
    block_hash: str


class DividendChanged(ColdEvent, frozen=True, tag=True):
    """A dividend event or one holder's leg moved to `state` (pending, posted, voided)."""

    token: str
    block_height: int
    block_hash: str
    record_time_ns: int
    seen_time_ns: int
    state: str
    amount_msat: int
    legs: tuple[tuple[int, int, int], ...]  # account, quantity (ledger units of the token), amount (msat)


class VariationMarginPaid(ColdEvent, frozen=True, tag=True):
    """One account's flow of one cycle and instrument (ledger units, signed)."""

    cycle_id: int
    instrument_id: int
    price_ticks: int
    flows: tuple[tuple[int, int], ...]  # account, amount


class FixingPublished(ColdEvent, frozen=True, tag=True):
    """The final hashprice fixing of one UTC day, in ticks of the forwards settled in `asset`."""

    asset: str
    index: str  # HPI, or HPI_SUBSIDY where fees were not known
    day: int  # days since 1970-01-01
    ticks: int


class ForwardSettled(ColdEvent, frozen=True, tag=True):
    """Final settlement of a delivery month on the sum of its daily fixings; positions are gone."""

    instrument_id: int
    fixings_ticks: int
    flows: tuple[tuple[int, int], ...]  # account, amount


class ShortfallCovered(ColdEvent, frozen=True, tag=True):
    """A loser could not pay all it owed; the exchange's own money paid `missing` (ledger units of the asset)."""

    account: int
    asset: str
    missing: int


class AccountsChanged(ColdEvent, frozen=True, tag=True):
    """Balances, positions or margin of these accounts moved outside their own orders."""

    accounts: tuple[int, ...]


class KillSwitchSet(ColdEvent, frozen=True, tag=True):
    scope: str
    id: int
    on: bool
    reason: str


class TradeBusted(ColdEvent, frozen=True, tag=True):
    """A trade was undone by compensating transfers."""

    trade_id: int
    instrument_id: int
    buyer: int
    seller: int
    price_ticks: int
    lots: int


class TradeCorrected(ColdEvent, frozen=True, tag=True):
    """A trade got another price by compensating transfers."""

    trade_id: int
    instrument_id: int
    buyer: int
    seller: int
    price_ticks: int
    corrected_ticks: int
    lots: int


ColdEventType = (
    AssetCreated | InstrumentListed | InstrumentClosed | AccountOpened | RuleSet | EligibilityChanged | Deposited
    | BlockAccepted | BlockRefused | DividendChanged | VariationMarginPaid | AccountsChanged | FixingPublished
    | ForwardSettled | ShortfallCovered | KillSwitchSet | TradeBusted | TradeCorrected
)  # fmt: skip

Event = CommandApplied | OrderState | Trade | Depth | Mark | QueueChange | Phase | ProtectionTriggered | ColdEventType

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(ColdEventType)


def encode_cold_event(event: ColdEventType) -> bytes:
    """The frame of a cold event."""
    payload = _ENCODER.encode(event)
    length = wire.padded(wire.COLD_EVENT_PREFIX.size + len(payload))
    return (wire.COLD_EVENT_PREFIX.pack(length, EVENT_COLD, 0, len(payload), 0) + payload).ljust(length, b"\0")


def encode_mark(instrument: int, mark_ticks: int, index_ticks: int) -> bytes:
    """The frame of a mark change."""
    return wire.MARK_EVENT.pack(wire.MARK_EVENT.size, EVENT_MARK, 0, instrument, 0, mark_ticks, index_ticks)


def decode_order(frame: bytes | memoryview) -> OrderState:
    """The order state in an order frame."""
    (_, _, _, order_id, origin, account, instrument, price, total, filled, notional, fee, created, updated,
     side, order_type, tif, stp, post_only, reduce_only, cod, state, reason, label_bytes, amended,
     peg_offset, display, shown, trigger_ticks, trail_ticks, expire_ns, prevented, oco, quote_set, trail_bps,
     trigger, reference, peg, mmp, quote, client_id_bytes) = wire.ORDER_EVENT.unpack_from(frame)  # fmt: skip
    start = wire.ORDER_EVENT.size
    middle = start + label_bytes
    label = bytes(frame[start:middle]).decode("utf-8", "replace")  # its owner's bytes, never trusted
    client_id = bytes(frame[middle : middle + client_id_bytes]).decode("utf-8", "replace") if client_id_bytes else ""
    return OrderState(
        order_id, origin, account, instrument, price, total, filled, notional, fee, created, updated,
        side, order_type, tif, stp, post_only, reduce_only, cod, state, reason, amended, label,
        display, shown, trigger_ticks, trail_ticks, trail_bps, trigger, reference, peg, peg_offset, mmp,
        quote, quote_set, oco, expire_ns, prevented, client_id,
    )  # fmt: skip


def decode_event(frame: bytes | memoryview) -> Event:
    """One frame. Raises ValueError for a kind this version does not know."""
    _, kind, _ = wire.EVENT_HEADER.unpack_from(frame)
    if kind == EVENT_COMMAND:
        return CommandApplied._make(wire.COMMAND_EVENT.unpack_from(frame)[3:])
    if kind == EVENT_ORDER:
        return decode_order(frame)
    if kind == EVENT_TRADE:
        fields = wire.TRADE_EVENT.unpack_from(frame)
        return Trade._make(fields[3:8] + fields[9:] + fields[8:9])
    if kind == EVENT_DEPTH:
        return Depth._make(wire.DEPTH_EVENT.unpack_from(frame)[3:])
    if kind == EVENT_MARK:
        fields = wire.MARK_EVENT.unpack_from(frame)
        return Mark(fields[3], fields[5], fields[6])
    if kind == EVENT_L3:
        fields = wire.L3_EVENT.unpack_from(frame)
        return QueueChange._make(fields[3:6] + fields[7:])
    if kind == EVENT_PHASE:
        return Phase._make(wire.PHASE_EVENT.unpack_from(frame)[3:])
    if kind == EVENT_MMP:
        return ProtectionTriggered._make(wire.MMP_EVENT.unpack_from(frame)[3:])
    if kind == EVENT_COLD:
        payload_bytes = wire.COLD_EVENT_PREFIX.unpack_from(frame)[3]
        start = wire.COLD_EVENT_PREFIX.size
        event: ColdEventType = _DECODER.decode(memoryview(frame)[start : start + payload_bytes])
        return event
    raise ValueError(f"unknown event kind {kind}")


def decode_events(data: bytes | memoryview) -> Iterator[Event]:
    """All events in concatenated frames, in order."""
    for frame in wire.split_records(data):
        yield decode_event(frame)
