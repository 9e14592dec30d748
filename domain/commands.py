"""Commands: everything that may change the state of the exchange, as records.

Lives here: builders of the packed hot records, and the cold commands as tagged msgpack structs.
Does not know: validity beyond field types; the core decides.
Units: prices in ticks, quantities in lots, money in ledger units of its asset, times in ns since 1970.
"""

from typing import Annotated, Final

import msgspec

from domain import wire
from domain.arithmetic import INT64_MAX, INT64_MIN
from domain.constants import (
    ANY,
    ANY_ASSET,
    ANY_INSTRUMENT,
    COMMAND_AMEND_ORDER,
    COMMAND_CANCEL_ALL,
    COMMAND_CANCEL_GATEWAY,
    COMMAND_CANCEL_ORDER,
    COMMAND_CANCEL_SESSION,
    COMMAND_COLD,
    COMMAND_NEW_ORDER,
    GTC,
    LIMIT,
    STP_CANCEL_NEWEST,
)
from domain.instruments import Instrument

POST_ONLY_AS_IT_WAS: Final = 255

Int64 = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]  # what a slab can hold; more is no command


def new_order(
    *,
    account: int,
    instrument: int,
    side: int,
    price_ticks: int,
    quantity_lots: int,
    order_type: int = LIMIT,
    time_in_force: int = GTC,
    post_only: bool = False,
    reduce_only: bool = False,
    stp: int = STP_CANCEL_NEWEST,
    cancel_on_disconnect: bool = False,
    valid_until_ns: int = 0,
    label: bytes = b"",
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """A NewOrder record, not yet stamped. `price_ticks` 0 for market orders; `label` at most 64 bytes."""
    length = wire.padded(wire.NEW_ORDER.size + len(label))
    head = wire.NEW_ORDER.pack(
        length, COMMAND_NEW_ORDER, 0, 0, 0, origin, request,
        account, instrument, price_ticks, quantity_lots, valid_until_ns,
        side, order_type, time_in_force, stp,
        post_only, reduce_only, cancel_on_disconnect, len(label),
    )  # fmt: skip
    return (head + label).ljust(length, b"\0")


def cancel_order(
    *, account: int, order_id: int, instrument: int | None = None, origin: int = 0, request: int = 0
) -> bytes:
    """A CancelOrder record; a foreign, filled or unknown id, or one of another `instrument`, is refused alike."""
    market = 0 if instrument is None else instrument + 1
    return wire.CANCEL_ORDER.pack(
        wire.CANCEL_ORDER.size, COMMAND_CANCEL_ORDER, 0, 0, 0, origin, request, account, market, order_id
    )


def amend_order(
    *,
    account: int,
    order_id: int,
    price_ticks: int,
    total_lots: int,
    instrument: int | None = None,
    post_only: int = POST_ONLY_AS_IT_WAS,
    valid_until_ns: int = 0,
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """An AmendOrder record; `total_lots` = filled + wanted open. Keeps its place only for less at the same price."""
    market = 0 if instrument is None else instrument + 1
    return wire.AMEND_ORDER.pack(
        wire.AMEND_ORDER.size, COMMAND_AMEND_ORDER, 0, 0, 0, origin, request,
        account, market, order_id, price_ticks, total_lots, valid_until_ns, post_only,
    )  # fmt: skip


def cancel_all(
    *,
    account: int,
    instrument: int = ANY_INSTRUMENT,
    quote_asset: int = ANY_ASSET,
    instrument_kind: int = ANY,
    side: int = ANY,
    origin: int = 0,
    request: int = 0,
) -> bytes:
    """Cancel the account's orders that pass every filter, oldest first; `value` of the answer counts them."""
    return wire.CANCEL_ALL.pack(
        wire.CANCEL_ALL.size, COMMAND_CANCEL_ALL, 0, 0, 0, origin, request,
        account, instrument, quote_asset, instrument_kind, side, 0,
    )  # fmt: skip


def cancel_session(*, origin: int) -> bytes:
    """Cancel the cancel-on-disconnect orders of one session."""
    return wire.CANCEL_ALL.pack(
        wire.CANCEL_ALL.size, COMMAND_CANCEL_SESSION, 0, 0, 0, origin, 0, 0, ANY_INSTRUMENT, ANY_ASSET, ANY, ANY, 0
    )


def cancel_gateway(*, origin: int) -> bytes:
    """Cancel the cancel-on-disconnect orders of every session of gateway `origin >> 32`; origin 0 = of all gateways."""
    return wire.CANCEL_ALL.pack(
        wire.CANCEL_ALL.size, COMMAND_CANCEL_GATEWAY, 0, 0, 0, origin, 0, 0, ANY_INSTRUMENT, ANY_ASSET, ANY, ANY, 0
    )


# ---------------------------------------------------------------------------------------------------------------
# Cold commands: Python decides and validates; payload is msgpack of one of these, tagged by "t".


class Cold(msgspec.Struct, frozen=True, tag_field="t", forbid_unknown_fields=True):
    """Base of the cold commands."""


class CreateAsset(Cold, frozen=True, tag=True):
    """Register an asset. `scale` = ledger units per whole unit (BTC 10**11 msat, USDC 10**6, tokens 10**3)."""

    name: str
    scale: Int64
    kind: str  # "cash" | "token"


class ListInstrument(Cold, frozen=True, tag=True):
    """List an instrument; its `instrument_id` must be the next free one."""

    instrument: Instrument
    mark_ticks: Int64
    index_ticks: Int64 = 0


class CloseInstrument(Cold, frozen=True, tag=True):
    """Stop trading: cancel its orders; no more are accepted."""

    instrument_id: Int64
    reason: str = "closed"


class OpenAccount(Cold, frozen=True, tag=True):
    """Open the next client account (slots are given in order from FIRST_CLIENT_ACCOUNT)."""

    name: str


class SetRule(Cold, frozen=True, tag=True):
    """Define or replace an eligibility rule."""

    rule_id: Int64
    name: str  # what a refusal names, e.g. "professional_investor"
    requires: tuple[str, ...] = ()  # claim topics that must be present and unexpired
    countries_denied: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """One attested fact about an identity."""

    topic: str
    expires_ns: Int64  # exchange time; the claim counts strictly before it


class SetIdentity(Cold, frozen=True, tag=True):
    """Set who stands behind an account. No identity = not whitelisted for any rule."""

    account: Int64
    country: str
    claims: tuple[Claim, ...] = ()
    frozen: bool = False


class Deposit(Cold, frozen=True, tag=True):
    """Credit an account from outside, once per external id. Also mints tokens (CUSTODY goes negative)."""

    account: Int64
    asset: str
    amount: Int64
    external_id: str


class DefineTranche(Cold, frozen=True, tag=True):
    """Terms of a hashrate token: what its holders earn."""

    token: str
    reward_asset: str
    fee_ppm: Int64
    record_time: str = "header"  # "header" | "clamped"


class StartChain(Cold, frozen=True, tag=True):
    """Trusted checkpoint: the first known header, and the time of the first block of its epoch."""

    network: str
    height: Int64
    header: bytes
    epoch_first_time_s: Int64
    cumulative_work: Int64 = 0


class BlockConnected(Cold, frozen=True, tag=True):
    """A header as seen by the feed; proof of work, link and retarget are checked before it counts."""

    header: bytes
    first_seen_ns: Int64
    coinbase_total_sat: Int64 = -1  # -1 = not known


class PoolReport(Cold, frozen=True, tag=True):
    """The tranche's pool found this block. May come before or after the block itself."""

    token: str
    block_hash: str
    pool_hashrate_ths: Int64


class SetPrice(Cold, frozen=True, tag=True):
    """A USD(C) price of one BTC from outside, in micro-dollars, for the index."""

    price_micro_usdc: Int64
    source: str
    observed_ns: Int64


class UpdateMarks(Cold, frozen=True, tag=True):
    """Timer: recompute marks (median of sources, banded), rebuild order losses, act on accounts below margin."""


class RunVariationMargin(Cold, frozen=True, tag=True):
    """Timer: one settled-to-market cycle. `cycle_id` makes it idempotent."""

    cycle_id: Int64


class SetScenarios(Cold, frozen=True, tag=True):
    """Risk parameters as data: the scan range of every listed forward is recomputed from its mark."""

    version: Int64
    rates_ppm: dict[str, Int64]  # maintenance rate per settlement asset, e.g. {"USDC": 280_000, "BTC": 144_000}
    spread_ppm: Int64 = 100_000  # charge per matched long/short lot of different months, of the scan range


class AdvanceTime(Cold, frozen=True, tag=True):
    """Timer: let exchange time move when nothing else does (lapsing claims, expiries)."""


ColdCommand = (
    CreateAsset | ListInstrument | CloseInstrument | OpenAccount | SetRule | SetIdentity | Deposit | DefineTranche
    | StartChain | BlockConnected | PoolReport | SetPrice | UpdateMarks | RunVariationMargin | SetScenarios
    | AdvanceTime
)  # fmt: skip

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(ColdCommand)


def cold(command: ColdCommand, *, origin: int = 0, request: int = 0) -> bytes:
    """The record of a cold command, not yet stamped."""
    payload = _ENCODER.encode(command)
    length = wire.padded(wire.COLD_PREFIX.size + len(payload))
    head = wire.COLD_PREFIX.pack(length, COMMAND_COLD, 0, 0, 0, origin, request, len(payload), 0)
    return (head + payload).ljust(length, b"\0")


def decode_cold(record: bytes | memoryview) -> ColdCommand:
    """The cold command in a record. Raises msgspec.ValidationError or DecodeError on bytes that are none."""
    payload_bytes = wire.COLD_PREFIX.unpack_from(record)[7]
    payload = memoryview(record)[wire.COLD_PREFIX.size : wire.COLD_PREFIX.size + payload_bytes]
    command: ColdCommand = _DECODER.decode(payload)
    return command
