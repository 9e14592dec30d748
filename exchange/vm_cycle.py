"""Marks, what follows from them for accounts, and variation margin.

Lives here: the timer-driven command family of risk. Does not know: timers, which only send commands.
Flow of a cycle (VM-001..005): marks -> flows per contract, sum zero -> netted per account -> losers to the cycle
account, cycle account to winners -> positions restart at the price. Settled to market: what was paid is final.
"""

from domain.arithmetic import mul_div_ceil, mul_div_floor, mul_div_half_even
from domain.book_rules import PRICE_TICKS_LIMIT
from domain.commands import AdvanceTime, RunVariationMargin, UpdateMarks
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.events import AccountsChanged
from domain.instruments import KIND_COMBO, KIND_FORWARD, Instrument
from domain.rejects import RejectCode
from exchange.administration import close_expired
from exchange.chain_events import settle_dividends
from exchange.epochs import cancel_increasing, margin_states, set_epoch, show_prices
from exchange.final_settlement import TICK_UNITS, publish_fixings, settle_delivered
from exchange.funds import cycle_dues, finish_cycle, netted, pay, uncovered
from exchange.state import MARGIN_ASSETS, Refusal, State

BAND_PPM = 10_000  # a mark moves at most 1 % per update
ACCOUNT_ACTIVE, ACCOUNT_REDUCE_ONLY = 1, 2
MICRO_USDC_PER_CENT = 10_000


def update_marks(state: State, command: UpdateMarks) -> Refusal | None:
    """Recompute every open instrument's mark and act on accounts below margin."""
    for instrument in state.instruments:
        if state.core.is_open(instrument.instrument_id) and instrument.kind != KIND_COMBO:
            update_mark(state, instrument)
    show_marks(state)
    act_on_margin(state)
    return None


def show_marks(state: State) -> None:
    """Stops on mark or index may be triggered now that all marks are in place; they enter before margin acts."""
    for instrument in state.instruments:
        if state.core.is_open(instrument.instrument_id) and instrument.kind != KIND_COMBO:
            show_prices(state.core, instrument.instrument_id)


def update_mark(state: State, instrument: Instrument) -> None:
    """One instrument: median of its sources inside the price band, moved by at most 1 %. MARK-001..003, CLR-25.

    Unchanged marks start no epoch.
    """
    before, index_before = state.core.mark(instrument.instrument_id)
    index_ticks = min(index_of(state, instrument), PRICE_TICKS_LIMIT - 1) or index_before
    wanted = median(sources_of(state, instrument, index_ticks))
    low, high = instrument.rules.band_low_ticks, instrument.rules.band_high_ticks
    mark_ticks = banded(before, min(max(wanted, low), high))
    if (mark_ticks, index_ticks) != (before, index_before):
        psr = state.core.psr(instrument.instrument_id)
        set_epoch(state.core, instrument.instrument_id, mark_ticks, index_ticks, psr)


def index_of(state: State, instrument: Instrument) -> int:
    """The instrument's index in ticks: hashprice for forwards, the BTC price for BTC_USDC, 0 where there is none."""
    if instrument.kind == KIND_FORWARD:
        index = state.index_msat if instrument.quote == "BTC" else state.index_micro_usdc
        return mul_div_half_even(index, 1, TICK_UNITS[instrument.quote])
    if (instrument.base, instrument.quote) == ("BTC", "USDC"):
        return mul_div_half_even(state.price_micro_usdc, 1, MICRO_USDC_PER_CENT)
    return 0


def sources_of(state: State, instrument: Instrument, index_ticks: int) -> list[int]:
    """Mid of the book, last trade, and the curve: the previous mark moved as the index moved since (MARK-002)."""
    bid, ask = state.core.best(instrument.instrument_id)
    _, last = state.core.tape(instrument.instrument_id)
    sources = []
    if bid is not None and ask is not None:
        sources.append(mul_div_half_even(bid + ask, 1, 2))
        if last:
            sources.append(min(max(last, bid), ask))  # an old trade does not pull the mark out of the market
    before, index_before = state.core.mark(instrument.instrument_id)
    if instrument.kind == KIND_FORWARD and index_before and index_ticks:
        sources.append(max(1, mul_div_half_even(before, index_ticks, index_before)))
    elif instrument.kind != KIND_FORWARD and index_ticks:
        sources.append(index_ticks)
    return sources or [before]


def median(sources: list[int]) -> int:
    """Middle of three, half-even mean of two, or the only one.

    >>> median([5040, 5055, 5020]), median([5055, 5020])
    (5040, 5038)
    """
    ordered = sorted(sources)
    if len(ordered) % 2:
        return ordered[len(ordered) // 2]
    middle = len(ordered) // 2
    return mul_div_half_even(ordered[middle - 1] + ordered[middle], 1, 2)


def banded(before: int, wanted: int) -> int:
    """The wanted mark, at most 1 % away from the previous one.

    >>> banded(5125, 5038)
    5074
    """
    low = mul_div_ceil(before, 1_000_000 - BAND_PPM, 1_000_000)
    high = mul_div_floor(before, 1_000_000 + BAND_PPM, 1_000_000)
    return max(1, low, min(wanted, max(high, before + 1)))


def act_on_margin(state: State) -> None:
    """Below initial: risk-increasing orders go and only reducing ones are taken. Back above: normal (MARGIN-007)."""
    below: dict[int, bool] = {}
    for name in MARGIN_ASSETS:
        if name not in state.assets:
            continue
        asset = state.assets[name].index
        for account, equity, initial, _ in margin_states(state.core, asset):
            if equity < initial:
                cancel_increasing(state.core, account, asset)
        for account, equity, initial, _ in margin_states(state.core, asset):
            if equity < initial:
                below[account] = True
    changed = []
    for offset in range(len(state.accounts)):
        account = FIRST_CLIENT_ACCOUNT + offset
        wanted = ACCOUNT_REDUCE_ONLY if account in below else ACCOUNT_ACTIVE
        if state.core.account_state(account) != wanted:
            state.core.set_account_state(account, wanted)
            changed.append(account)
    if changed:
        state.emit(AccountsChanged(tuple(changed)))


def run_variation_margin(state: State, command: RunVariationMargin) -> Refusal | None:
    """One cycle over all forwards at their marks, netted per account and asset. A used id does nothing (VM-005).

    Refused as a whole, with what is missing, while losers and the exchange's own money cannot pay it: gains are never
    invented, and losses stay in everybody's margin until the money is there (VM-004).
    """
    if command.cycle_id <= state.cycle_id:
        return Refusal(RejectCode.ALREADY_EXISTS, 0, state.cycle_id)
    dues = {name: cycle_dues(state, name) for name in MARGIN_ASSETS if name in state.assets}
    nets = {name: netted([due.flows for due in parts]) for name, parts in dues.items()}
    for name, flows in nets.items():
        if missing := uncovered(state, state.assets[name].index, flows):
            return Refusal(RejectCode.INSUFFICIENT_BALANCE, state.assets[name].index, missing)
    state.cycle_id = command.cycle_id
    for name, flows in nets.items():
        pay(state, state.assets[name].index, flows)
        finish_cycle(state, dues[name])
        if accounts := sorted({account for due in dues[name] for account, _ in due.flows}):
            state.emit(AccountsChanged(tuple(accounts)))
    act_on_margin(state)
    return None


def advance_time(state: State, command: AdvanceTime) -> Refusal | None:
    """Let time act: expiries, fixings that became final and settlements they allow, dividends that became ripe."""
    close_expired(state)
    publish_fixings(state)
    settle_delivered(state)
    settle_dividends(state)
    return None
