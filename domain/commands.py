"""Commands: everything that may change the state of the exchange, as records.

Lives here: the cold commands as tagged msgpack structs; the builders of the packed hot records stand in
hot_commands.py and are found here too.
Does not know: validity beyond field types; the core decides.
Units: prices in ticks, quantities in lots, money in ledger units of its asset, times in ns since 1970.
"""

from typing import Annotated, Final

import msgspec

from domain import wire
from domain.arithmetic import INT64_MAX, INT64_MIN
from domain.constants import COMMAND_COLD
from domain.hot_commands import POST_ONLY_AS_IT_WAS as POST_ONLY_AS_IT_WAS
from domain.hot_commands import amend_order as amend_order
from domain.hot_commands import cancel_all as cancel_all
from domain.hot_commands import cancel_gateway as cancel_gateway
from domain.hot_commands import cancel_order as cancel_order
from domain.hot_commands import cancel_session as cancel_session
from domain.hot_commands import new_order as new_order
from domain.instruments import Instrument

Int64 = Annotated[int, msgspec.Meta(ge=INT64_MIN, le=INT64_MAX)]  # what a slab can hold; more is no command


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


class SetPhase(Cold, frozen=True, tag=True):
    """Move a book to another phase (MATCH-090); `until_ns` lets exchange time end a call (0 = open end)."""

    instrument_id: Int64
    phase: Int64
    until_ns: Int64 = 0
    force: bool = False  # end a volatility auction although its price is outside the dynamic band


class SetKillSwitch(Cold, frozen=True, tag=True):
    """Cancel what rests in a scope and refuse new orders there until it is switched off; cancels always work."""

    scope: str  # "key" | "account" | "instrument" | "venue"; a client's own: "own_key" | "own_account"
    id: Int64  # of the key, account or instrument; 0 for the venue
    on: bool
    reason: str = ""


class SetCancelOnDisconnect(Cold, frozen=True, tag=True):
    """The end of the account's last session cancels all of its orders, whatever they asked for themselves."""

    account: Int64
    on: bool


class SetProtection(Cold, frozen=True, tag=True):
    """Market-maker protection of one of the account's groups (MATCH-102); 0 = no limit."""

    account: Int64
    group: Int64  # 1..16
    lots: Int64 = 0
    delta: Int64 = 0
    vega: Int64 = 0
    window_ns: Int64 = 0
    frozen_ns: Int64 = 0  # 0 = until it is reset


class ResetProtection(Cold, frozen=True, tag=True):
    """Unfreeze a protection group and let its sums begin at nothing."""

    account: Int64
    group: Int64


class SetGreeks(Cold, frozen=True, tag=True):
    """What one lot of an instrument counts in protection sums."""

    instrument_id: Int64
    delta: Int64
    vega: Int64


class SetPreventionGroup(Cold, frozen=True, tag=True):
    """Accounts of one group never trade with each other (MATCH-030); 0 = in none."""

    account: Int64
    group: Int64


class BustTrade(Cold, frozen=True, tag=True):
    """Undo a recent trade by compensating transfers at this sequence."""

    trade_id: Int64


class CorrectTrade(Cold, frozen=True, tag=True):
    """Give a recent trade another price by compensating transfers at this sequence."""

    trade_id: Int64
    price_ticks: Int64


ColdCommand = (
    CreateAsset | ListInstrument | CloseInstrument | OpenAccount | SetRule | SetIdentity | Deposit | DefineTranche
    | StartChain | BlockConnected | PoolReport | SetPrice | UpdateMarks | RunVariationMargin | SetScenarios
    | AdvanceTime | SetPhase | SetKillSwitch | SetCancelOnDisconnect | SetProtection | ResetProtection | SetGreeks
    | SetPreventionGroup | BustTrade | CorrectTrade
)  # fmt: skip
ClientCommand = SetCancelOnDisconnect | SetProtection | ResetProtection  # what a gateway may send for its clients,
OWN_SCOPES: Final = ("own_key", "own_account")  # and SetKillSwitch of these; the venue's are the venue's to switch off

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
