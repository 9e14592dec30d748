"""The whole state as bytes and back.

Lives here: the cold half of a dump (the slabs dump themselves), in key order, so that equal histories give equal bytes.
Does not know: files.
"""

import msgspec

from clearing.chain import HeaderChain
from clearing.dividend_book import DividendBook
from clearing.dividends import RecordTimes
from clearing.hashprice import HashpriceIndex, Step
from domain.commands import DefineTranche
from domain.instruments import Instrument
from domain.limits import Limits
from exchange.state import Asset, Report, State

VERSION = 2


class Image(msgspec.Struct, frozen=True):
    """Layout of a dump; fields are only ever added at the end."""

    version: int
    limits: Limits
    assets: list[Asset]
    instruments: list[Instrument]
    accounts: list[str]
    external_ids: list[tuple[str, int]]
    tranches: list[DefineTranche]
    rates_ppm: list[tuple[str, int]]
    spread_ppm: int
    scenarios_version: int
    cycle_id: int
    chain: bytes
    index: bytes
    record_times: bytes
    dividends: bytes
    reports: list[tuple[bytes, list[Report]]]
    coinbase_sat: list[tuple[bytes, int]]
    price_micro_usdc: int
    index_msat: int
    index_micro_usdc: int
    core: bytes
    prices: list[tuple[int, int]]
    fixings: list[tuple[str, list[tuple[int, int]]]]
    settled: list[tuple[int, int]]


def dump_state(state: State) -> bytes:
    """Bytes of the whole state. O(state)."""
    return msgspec.msgpack.encode(
        Image(
            version=VERSION,
            limits=state.limits,
            assets=list(state.assets.values()),
            instruments=state.instruments,
            accounts=state.accounts,
            external_ids=sorted(state.external_ids.items()),
            tranches=[terms for _, terms in sorted(state.tranches.items())],
            rates_ppm=sorted(state.rates_ppm.items()),
            spread_ppm=state.spread_ppm,
            scenarios_version=state.scenarios_version,
            cycle_id=state.cycle_id,
            chain=b"" if state.chain is None else state.chain.dump(),
            index=state.index.dump(),
            record_times=state.record_times.dump(),
            dividends=state.dividends.dump(),
            reports=sorted(state.reports.items()),
            coinbase_sat=sorted(state.coinbase_sat.items()),
            price_micro_usdc=state.price_micro_usdc,
            index_msat=state.index_msat,
            index_micro_usdc=state.index_micro_usdc,
            core=state.core.dump(),
            prices=[(step.time_s, step.value) for step in state.prices],
            fixings=[(name, sorted(days.items())) for name, days in sorted(state.fixings.items())],
            settled=sorted(state.settled.items()),
        )
    )


def load_state(data: bytes) -> State:
    """A state from its dump. Raises msgspec.DecodeError, ValueError or InvariantViolation on bytes that are none."""
    image = msgspec.msgpack.decode(data, type=Image)
    if image.version != VERSION:
        raise ValueError(f"state dump of version {image.version}, this program reads {VERSION}")
    state = State(image.limits)
    state.assets = {asset.name: asset for asset in image.assets}
    state.instruments = image.instruments
    for instrument in image.instruments:
        state.core.open_book(instrument)
    state.accounts = image.accounts
    state.external_ids = dict(image.external_ids)
    state.tranches = {terms.token: terms for terms in image.tranches}
    state.rates_ppm = dict(image.rates_ppm)
    state.spread_ppm = image.spread_ppm
    state.scenarios_version = image.scenarios_version
    state.cycle_id = image.cycle_id
    state.chain = HeaderChain.load(image.chain) if image.chain else None
    state.index = HashpriceIndex.load(image.index)
    state.record_times = RecordTimes.load(image.record_times)
    state.dividends = DividendBook.load(image.dividends)
    state.reports = dict(image.reports)
    state.coinbase_sat = dict(image.coinbase_sat)
    state.price_micro_usdc = image.price_micro_usdc
    state.index_msat = image.index_msat
    state.index_micro_usdc = image.index_micro_usdc
    state.prices = [Step(time_s, price) for time_s, price in image.prices]
    state.fixings = {name: dict(days) for name, days in image.fixings}
    state.settled = dict(image.settled)
    state.core.load(image.core)
    return state
