"""Everything the core remembers, and the words in which cold commands answer.

Lives here: the State record and the small lookups every family needs.
Does not know: which command changes what.
"""

from typing import Final, NamedTuple

import msgspec

from clearing.chain import HeaderChain
from clearing.dividend_book import DividendBook
from clearing.dividends import RecordTimes
from clearing.hashprice import HashpriceIndex, Step
from domain.commands import DefineTranche
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.events import ColdEventType, encode_cold_event
from domain.instruments import Instrument
from domain.limits import Limits
from domain.rejects import RejectCode
from exchange.core import Core

MARGIN_ASSETS: Final = ("USDC", "BTC")  # settlement assets of forwards, in margin slot order


class Refusal(NamedTuple):
    """Why a cold command changed nothing."""

    code: RejectCode
    detail: int = 0
    value: int = 0


class Asset(msgspec.Struct, frozen=True):
    """A ledger asset."""

    index: int
    name: str
    scale: int  # ledger units per whole unit
    kind: str  # "cash" | "token"


class Report(msgspec.Struct, frozen=True):
    """A pool's word that it found a block."""

    token: str
    block_hash: bytes
    pool_units: int  # 1/1000 TH/s


class State:
    """The whole state of the exchange: slabs in `core`, the rest in dicts that are dumped in key order."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.core = Core(limits)
        self.assets: dict[str, Asset] = {}
        self.instruments: list[Instrument] = []
        self.accounts: list[str] = []  # name of client account FIRST_CLIENT_ACCOUNT + i
        self.external_ids: dict[str, int] = {}  # deposit -> sequence that credited it
        self.tranches: dict[str, DefineTranche] = {}
        self.rates_ppm: dict[str, int] = {}
        self.spread_ppm = 0
        self.scenarios_version = 0
        self.cycle_id = 0  # last variation margin cycle
        self.chain: HeaderChain | None = None
        self.index = HashpriceIndex()
        self.record_times = RecordTimes()
        self.dividends = DividendBook()
        self.reports: dict[bytes, list[Report]] = {}  # by block hash, kept while the block can still be connected
        self.coinbase_sat: dict[bytes, int] = {}  # coinbase totals by block hash
        self.price_micro_usdc = 0  # of one BTC; 0 = not known yet
        self.prices: list[Step] = []  # BTC prices over exchange time, as far back as fixings need them
        self.fixings: dict[str, dict[int, int]] = {}  # settlement asset -> UTC day -> final fixing in ticks
        self.settled: dict[int, int] = {}  # forward -> sum of fixings it was finally settled on
        self.index_msat = 0
        self.index_micro_usdc = 0

    @property
    def now_ns(self) -> int:
        """Exchange time of the command being applied."""
        return int(self.core.time_ns)

    def emit(self, event: ColdEventType) -> None:
        """Append a cold event to the current command's frames."""
        self.core.emit(encode_cold_event(event))

    def has_account(self, account: int) -> bool:
        """True for an open client account."""
        return FIRST_CLIENT_ACCOUNT <= account < FIRST_CLIENT_ACCOUNT + len(self.accounts)

    def asset_at(self, index: int) -> Asset:
        """The asset with this ledger index."""
        return list(self.assets.values())[index]

    def instrument_at(self, instrument_id: int) -> Instrument | None:
        """The instrument with this id, None if there is none."""
        return self.instruments[instrument_id] if 0 <= instrument_id < len(self.instruments) else None
