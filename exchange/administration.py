"""Assets, instruments, accounts, identities, deposits and risk parameters.

Lives here: the administrative command family; each function validates everything, then acts.
Does not know: who may send these commands (they come from the venue's own roles, never from a gateway).
"""

import itertools

from clearing.scenarios import scan_range
from domain.arithmetic import INT64_MAX, fits_int64, mul_div_ceil
from domain.book_rules import PRICE_TICKS_LIMIT, TICK_ROWS_MAX, BookRules
from domain.commands import (
    CloseInstrument,
    CreateAsset,
    DefineTranche,
    Deposit,
    ListInstrument,
    OpenAccount,
    SetIdentity,
    SetRule,
    SetScenarios,
)
from domain.constants import (
    FIRST_CLIENT_ACCOUNT,
    PHASE_CLOSED,
    PHASE_EXPIRED,
    REASON_ELIGIBILITY,
    REASON_EXPIRY,
    SITG,
)
from domain.events import (
    AccountOpened,
    AccountsChanged,
    AssetCreated,
    Deposited,
    EligibilityChanged,
    InstrumentClosed,
    InstrumentListed,
    RuleSet,
)
from domain.instruments import KIND_COMBO, KIND_FORWARD, KIND_SPOT, Instrument
from domain.rejects import RejectCode
from exchange.epochs import cancel_where, set_epoch, show_prices
from exchange.state import MARGIN_ASSETS, Asset, Refusal, State
from exchange.steering import set_phase

RATE_PPM_MAX = 10_000_000  # risk rates: ten times the value of a lot
LOT_VALUE_MAX = 2**46  # ledger units of one lot at the top of its band, so that sums over orders stay inside int64
LOT_UNITS_MAX = 2**53
POSITION_VALUE_MAX = 2**56  # ledger units of a full position at the top of its band: ten times it is still a scan range
DELIVERY_DAYS_MAX = 366
LEGS_MAX = 12
AUCTION_NS_MAX = 86_400 * 10**9


def create_asset(state: State, command: CreateAsset) -> Refusal | None:
    """Register an asset; cash assets named in MARGIN_ASSETS get their margin book."""
    if command.name in state.assets:
        return Refusal(RejectCode.ALREADY_EXISTS)
    if len(state.assets) >= state.limits.assets_max:
        return Refusal(RejectCode.CAPACITY)
    if command.scale <= 0 or command.kind not in ("cash", "token"):
        return Refusal(RejectCode.BAD_COMMAND)
    index = len(state.assets)
    state.assets[command.name] = Asset(index, command.name, command.scale, command.kind)
    if command.name in MARGIN_ASSETS:
        state.core.set_margin_slot(index, MARGIN_ASSETS.index(command.name))
    state.emit(AssetCreated(command.name, command.scale, command.kind))
    return None


def list_instrument(state: State, command: ListInstrument) -> Refusal | None:
    """Open a market. A forward needs its risk rate to be set before."""
    instrument = command.instrument
    if (code := check_instrument(state, instrument)) is not RejectCode.DONE:
        return Refusal(code)
    if instrument.kind == KIND_COMBO:
        return list_combo(state, command)
    if not 0 < command.mark_ticks < PRICE_TICKS_LIMIT or not 0 <= command.index_ticks < PRICE_TICKS_LIMIT:
        return Refusal(RejectCode.BAD_COMMAND)
    if instrument.kind == KIND_FORWARD and command.mark_ticks > instrument.rules.band_high_ticks:
        return Refusal(RejectCode.BAD_COMMAND)
    base = state.assets.get(instrument.base)
    state.core.open_book(instrument)
    state.instruments.append(instrument)
    state.core.list_contract(
        instrument,
        base.index if base else 0,
        state.assets[instrument.quote].index,
        base is not None and base.kind == "token",
        scan_range_of(state, instrument, command.mark_ticks),
        command.mark_ticks,
        command.index_ticks,
    )
    if instrument.kind == KIND_FORWARD:
        set_spread_charges(state)
    show_prices(state.core, instrument.instrument_id)
    state.emit(InstrumentListed(instrument))
    return None


def list_combo(state: State, command: ListInstrument) -> Refusal | None:
    """A spread or strip: its mark is that of its legs, so none is given (COMBO-001)."""
    instrument = command.instrument
    if command.mark_ticks or command.index_ticks:
        return Refusal(RejectCode.BAD_COMMAND)
    quote = state.assets[instrument.quote].index
    mark_ticks = sum(ratio * state.core.mark(leg)[0] for leg, ratio in instrument.legs)
    state.core.open_book(instrument)
    state.instruments.append(instrument)
    state.core.list_contract(instrument, 0, quote, False, 0, mark_ticks, 0)
    state.emit(InstrumentListed(instrument))
    return None


def check_combo(state: State, instrument: Instrument) -> RejectCode:
    """Legs are different open forwards of one settlement asset: two with opposite signs, or all with +1."""
    legs = [state.instrument_at(leg) for leg, _ in instrument.legs]
    ratios = [ratio for _, ratio in instrument.legs]
    if not 2 <= len(legs) <= LEGS_MAX or len({leg for leg, _ in instrument.legs}) != len(legs):
        return RejectCode.BAD_COMMAND
    if sorted(ratios) not in ([-1, 1], [1] * len(ratios)):
        return RejectCode.BAD_COMMAND
    for leg in legs:
        if leg is None or leg.kind != KIND_FORWARD or leg.quote != instrument.quote:
            return RejectCode.BAD_COMMAND
        if not state.core.is_open(leg.instrument_id) or leg.expiry_ns < instrument.expiry_ns:
            return RejectCode.BAD_COMMAND
    used = sum(len(known.legs) for known in state.instruments)
    return RejectCode.DONE if used + len(legs) <= state.limits.combo_legs_max else RejectCode.CAPACITY


def check_instrument(state: State, instrument: Instrument) -> RejectCode:
    """A flat list of what can be wrong with an instrument's terms."""
    if instrument.instrument_id != len(state.instruments):
        return RejectCode.BAD_COMMAND
    if instrument.instrument_id >= state.limits.instruments_max:
        return RejectCode.CAPACITY
    if any(known.name == instrument.name for known in state.instruments):
        return RejectCode.ALREADY_EXISTS
    if instrument.quote not in state.assets or (instrument.kind == KIND_SPOT and instrument.base not in state.assets):
        return RejectCode.UNKNOWN_ASSET
    if instrument.kind not in (KIND_SPOT, KIND_FORWARD, KIND_COMBO):
        return RejectCode.BAD_COMMAND
    if bool(instrument.legs) != (instrument.kind == KIND_COMBO):
        return RejectCode.BAD_COMMAND
    if instrument.rule_id and instrument.rule_id not in state.core.registry.rules:
        return RejectCode.BAD_COMMAND
    if not state.now_ns < instrument.expiry_ns <= INT64_MAX or not rules_make_sense(instrument.rules):
        return RejectCode.BAD_COMMAND
    if instrument.tick_value <= 0 or instrument.tick_value * instrument.rules.band_high_ticks > LOT_VALUE_MAX:
        return RejectCode.BAD_COMMAND
    if state.assets[instrument.quote].kind != "cash" or instrument.base == instrument.quote:
        return RejectCode.BAD_COMMAND
    if not (0 <= instrument.taker_fee_ppm < 1_000_000 and 0 <= instrument.maker_fee_ppm < 1_000_000):
        return RejectCode.BAD_COMMAND
    if not 0 <= instrument.position_lots_max <= INT64_MAX:
        return RejectCode.BAD_COMMAND
    if not 0 < instrument.auction_ns <= AUCTION_NS_MAX:
        return RejectCode.BAD_COMMAND
    if instrument.kind == KIND_COMBO:
        return check_combo(state, instrument)
    if instrument.kind == KIND_SPOT:
        return RejectCode.DONE if 0 < instrument.lot_units <= LOT_UNITS_MAX else RejectCode.BAD_COMMAND
    if instrument.quote not in state.rates_ppm or instrument.quote not in MARGIN_ASSETS:
        return RejectCode.BAD_COMMAND
    if not 0 < instrument.delivery_days <= DELIVERY_DAYS_MAX or instrument.tick_value % instrument.delivery_days:
        return RejectCode.BAD_COMMAND
    position_value = instrument.position_lots_max * instrument.tick_value * instrument.rules.band_high_ticks
    return RejectCode.DONE if 0 < position_value <= POSITION_VALUE_MAX else RejectCode.BAD_COMMAND


def rules_make_sense(rules: BookRules) -> bool:
    """What a book takes as its settings."""
    return (
        rules.price_step_ticks >= 1
        and rules.lot_step >= 1
        and rules.lots_max >= 1
        and 1 <= rules.band_low_ticks <= rules.band_high_ticks < PRICE_TICKS_LIMIT
        and 0 <= rules.protection_bps < 10_000
        and 0 <= rules.protection_ticks < PRICE_TICKS_LIMIT
        and 0 <= rules.dynamic_bps < 10_000
        and 0 <= rules.notional_max
        and fits_int64(rules.notional_max)
        and 0 <= rules.price_bias_ticks < PRICE_TICKS_LIMIT
        and table_makes_sense(rules.tick_table)
        and all(map(fits_int64, (rules.price_step_ticks, rules.lot_step, rules.lots_max)))
    )


def table_makes_sense(rows: tuple[tuple[int, int], ...]) -> bool:
    """Rising prices above 0, each with a step (MATCH-037)."""
    froms = [0, *(row_from for row_from, _ in rows)]
    return (
        len(rows) <= TICK_ROWS_MAX
        and all(before < after < PRICE_TICKS_LIMIT for before, after in itertools.pairwise(froms))
        and all(1 <= step < PRICE_TICKS_LIMIT for _, step in rows)
    )


def scan_range_of(state: State, instrument: Instrument, mark_ticks: int) -> int:
    """Scan range of a forward at a mark under the current rates; 0 for spot."""
    if instrument.kind != KIND_FORWARD:
        return 0
    return scan_range(
        mark_ticks=mark_ticks,
        tick_value=instrument.tick_value,
        delivery_days=instrument.delivery_days,
        rate_ppm=state.rates_ppm[instrument.quote],
    )


def close_instrument(state: State, command: CloseInstrument) -> Refusal | None:
    """Stop trading and cancel what rests."""
    if state.instrument_at(command.instrument_id) is None:
        return Refusal(RejectCode.UNKNOWN_INSTRUMENT)
    if not state.core.is_open(command.instrument_id):
        return Refusal(RejectCode.INSTRUMENT_CLOSED)
    close_market(state, command.instrument_id, command.reason)
    return None


def close_market(state: State, instrument_id: int, reason: str) -> None:
    """The acting half, also for expiries. Combos over it close first: they have no price without all of their legs."""
    for combo in state.instruments:
        if any(leg == instrument_id for leg, _ in combo.legs) and state.core.is_open(combo.instrument_id):
            close_market(state, combo.instrument_id, reason)
    state.core.close_contract(instrument_id)
    cancel_where(state.core, REASON_EXPIRY, instruments={instrument_id: True})
    for phase in (PHASE_CLOSED, PHASE_EXPIRED):
        set_phase(state.core, instrument_id, phase, 0, False)
    state.emit(InstrumentClosed(instrument_id, reason))


def close_expired(state: State) -> None:
    """Close every market whose last trading moment has come."""
    for instrument in state.instruments:
        if instrument.expiry_ns <= state.now_ns and state.core.is_open(instrument.instrument_id):
            close_market(state, instrument.instrument_id, "expired")


def open_account(state: State, command: OpenAccount) -> Refusal | None:
    """Give out the next client account."""
    account = FIRST_CLIENT_ACCOUNT + len(state.accounts)
    if account >= state.limits.accounts_max:
        return Refusal(RejectCode.CAPACITY)
    if command.name in state.accounts:
        return Refusal(RejectCode.ALREADY_EXISTS)
    state.core.open_account(account)
    state.accounts.append(command.name)
    state.emit(AccountOpened(account, command.name))
    return None


def set_rule(state: State, command: SetRule) -> Refusal | None:
    """Define or replace an eligibility rule; who no longer satisfies it loses its resting orders."""
    if not state.core.registry.set_rule(command, state.now_ns):
        return Refusal(RejectCode.CAPACITY)
    state.emit(RuleSet(command.rule_id, command.name, command.requires, command.countries_denied))
    for account in sorted(state.core.registry.identities):
        enforce_eligibility(state, account)
    return None


def set_identity(state: State, command: SetIdentity) -> Refusal | None:
    """Replace who stands behind an account; takes effect at this sequence."""
    if not state.has_account(command.account):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    state.core.registry.set_identity(command, state.now_ns)
    enforce_eligibility(state, command.account)
    return None


def enforce_eligibility(state: State, account: int) -> None:
    """Publish the account's verdicts and cancel its orders where it is not eligible (ELIG-004)."""
    registry = state.core.registry
    verdicts = {rule_id: registry.verdict(account, rule_id) for rule_id in sorted(registry.rules)}
    banned = {
        instrument.instrument_id: True
        for instrument in state.instruments
        if not registry.whitelist.eligible(account, instrument.rule_id, state.now_ns)
    }
    cancel_where(state.core, REASON_ELIGIBILITY, account=account, instruments=banned)
    state.emit(
        EligibilityChanged(
            account,
            {rule_id: verdict.until_ns for rule_id, verdict in verdicts.items()},
            {rule_id: verdict.reason for rule_id, verdict in verdicts.items()},
        )
    )


def deposit(state: State, command: Deposit) -> Refusal | None:
    """Credit from outside, once per external id; tokens enter the position timeline at this moment."""
    asset = state.assets.get(command.asset)
    if asset is None:
        return Refusal(RejectCode.UNKNOWN_ASSET)
    if not (state.has_account(command.account) or command.account == SITG):
        return Refusal(RejectCode.UNKNOWN_ACCOUNT)
    if command.amount <= 0 or not command.external_id:
        return Refusal(RejectCode.BAD_COMMAND)
    if command.external_id in state.external_ids:
        return Refusal(RejectCode.ALREADY_EXISTS)
    if not state.core.ledger.deposit(command.account, asset.index, command.amount):
        return Refusal(RejectCode.NOTIONAL_RANGE)
    state.external_ids[command.external_id] = state.core.sequence
    if asset.kind == "token":
        state.core.timeline.add(state.now_ns, command.account, asset.index, command.amount)
    state.emit(Deposited(command.account, command.asset, command.amount, command.external_id))
    state.emit(AccountsChanged((command.account,)))
    return None


def define_tranche(state: State, command: DefineTranche) -> Refusal | None:
    """Fix the terms of a token's dividends; they do not change afterwards."""
    token, reward = state.assets.get(command.token), state.assets.get(command.reward_asset)
    if token is None or reward is None or token.kind != "token" or reward.kind != "cash":
        return Refusal(RejectCode.UNKNOWN_ASSET)
    if command.token in state.tranches:
        return Refusal(RejectCode.ALREADY_EXISTS)
    if not 0 <= command.fee_ppm <= 1_000_000 or command.record_time not in ("header", "clamped"):
        return Refusal(RejectCode.BAD_COMMAND)
    state.tranches[command.token] = command
    return None


def set_scenarios(state: State, command: SetScenarios) -> Refusal | None:
    """New risk rates: every forward's scan range is recomputed from its mark, every vector rebuilt (MARGIN-006)."""
    if command.version <= state.scenarios_version or not 0 <= command.spread_ppm <= RATE_PPM_MAX:
        return Refusal(RejectCode.BAD_COMMAND)
    if any(asset not in MARGIN_ASSETS or not 0 < rate <= RATE_PPM_MAX for asset, rate in command.rates_ppm.items()):
        return Refusal(RejectCode.BAD_COMMAND)
    if any(i.kind == KIND_FORWARD and i.quote not in command.rates_ppm for i in state.instruments):
        return Refusal(RejectCode.BAD_COMMAND)
    state.scenarios_version = command.version
    state.rates_ppm = dict(sorted(command.rates_ppm.items()))
    state.spread_ppm = command.spread_ppm
    for instrument in state.instruments:
        if instrument.kind == KIND_FORWARD and state.core.is_open(instrument.instrument_id):
            mark_ticks, index_ticks = state.core.mark(instrument.instrument_id)
            psr = scan_range_of(state, instrument, mark_ticks)
            set_epoch(state.core, instrument.instrument_id, mark_ticks, index_ticks, psr)
    set_spread_charges(state)
    return None


def set_spread_charges(state: State) -> None:
    """Charge per matched pair of lots: the spread rate of the largest scan range that settles in the asset."""
    for slot, name in enumerate(MARGIN_ASSETS):
        ranges = [state.core.psr(i.instrument_id) for i in state.instruments if i.quote == name]
        state.core.margin.set_spread_charge(slot, mul_div_ceil(max(ranges, default=0), state.spread_ppm, 1_000_000))
