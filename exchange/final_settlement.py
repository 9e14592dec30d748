"""The end of a forward: daily fixings become final, and their exact sum settles the delivery month (EXP-001..004).

Lives here: which day is fixed next, and final settlement. Does not know: how a fixing is computed (hashprice.py).
A fixing is rounded half-even to a tick once, per day; the month settles on the sum of its N fixings, so no mean is
rounded: per lot the final value is unit value x sum, against what the lots cost at N days a tick.
"""

from clearing.hashprice import DAY_SECONDS, Fixing, Step
from domain.events import AccountsChanged, FixingPublished, ForwardSettled
from domain.instruments import DAY_NS, KIND_FORWARD, Instrument
from domain.units import MSAT_PER_SAT, NS_PER_S
from exchange.epochs import end_positions, final_flows, pay_flows
from exchange.funds import free_holds_of_short_losers
from exchange.state import MARGIN_ASSETS, State

TICK_UNITS = {"USDC": 10_000, "BTC": MSAT_PER_SAT}  # micro-dollars and msat of one forward tick per PH/s-day
PRICES_KEPT_S = 10 * DAY_SECONDS  # a fixing becomes final within a day or two; this is ample


def note_price(state: State) -> None:
    """Remember the price that holds from now on; of one second the last counts."""
    now_s = state.now_ns // NS_PER_S
    if state.prices and state.prices[-1].time_s == now_s:
        state.prices.pop()
    state.prices.append(Step(now_s, state.price_micro_usdc))
    while len(state.prices) > 1 and state.prices[1].time_s < now_s - PRICES_KEPT_S:
        del state.prices[0]


def publish_fixings(state: State) -> None:
    """Fix every day whose blocks are final, oldest first, in both settlement assets."""
    points = state.index.points
    if not points:
        return
    for asset in MARGIN_ASSETS:
        fixed = state.fixings.setdefault(asset, {})
        day = max(fixed) + 1 if fixed else points[0].time_s // DAY_SECONDS + 1
        while (fixing := fixing_of(state, asset, day)) is not None and fixing.final:
            fixed[day] = fixing.rounded(TICK_UNITS[asset])
            state.emit(FixingPublished(asset, fixing.name, day, fixed[day]))
            day += 1


def fixing_of(state: State, asset: str, day: int) -> Fixing | None:
    """The day's fixing as far as it is known."""
    if asset == "BTC":
        return state.index.fixing(day, state.now_ns)
    return state.index.usd_fixing(day, state.now_ns, state.prices)


def settle_delivered(state: State) -> None:
    """Settle every closed forward whose whole month is fixed; a month with a day that can never be fixed stays open."""
    for instrument in state.instruments:
        if (
            instrument.kind == KIND_FORWARD
            and instrument.instrument_id not in state.settled
            and not state.core.is_open(instrument.instrument_id)
        ):
            first = instrument.delivery_from_ns // DAY_NS
            fixed = state.fixings.get(instrument.quote, {})
            days = [fixed.get(first + offset) for offset in range(instrument.delivery_days)]
            known = [ticks for ticks in days if ticks is not None]
            if len(known) == len(days):
                settle_finally(state, instrument, sum(known))


def settle_finally(state: State, instrument: Instrument, fixings_ticks: int) -> None:
    """Pay the difference between the sum of fixings and what the lots cost; then the positions are gone."""
    state.settled[instrument.instrument_id] = fixings_ticks
    flows = final_flows(
        state.core,
        instrument.instrument_id,
        instrument.tick_value // instrument.delivery_days,
        instrument.delivery_days,
        fixings_ticks,
    )
    asset = state.assets[instrument.quote].index
    free_holds_of_short_losers(state, asset, flows)
    pay_flows(state.core, asset, flows)
    end_positions(state.core, instrument.instrument_id)
    state.emit(ForwardSettled(instrument.instrument_id, fixings_ticks, tuple(flows)))
    if flows:
        state.emit(AccountsChanged(tuple(account for account, _ in flows)))
