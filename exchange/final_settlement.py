"""The end of a forward: daily fixings become final, and their exact sum settles the delivery month (EXP-001..004).

Lives here: which day is fixed next, and final settlement. Does not know: how a fixing is computed (hashprice.py).
A fixing is rounded half-even to a tick once, per day; the month settles on the sum of its N fixings, so no mean is
rounded: per lot the final value is unit value x sum, against what the lots cost at N days a tick.
"""

from clearing.hashprice import DAY_SECONDS, Fixing, Step
from domain.events import AccountsChanged, FixingPublished, ForwardSettled
from domain.instruments import DAY_NS, KIND_FORWARD
from domain.units import MSAT_PER_SAT, NS_PER_S
from exchange.epochs import end_positions, final_flows
from exchange.funds import Flows, cycle_dues, finish_cycle, netted, pay, uncovered
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
    """Fix every day whose blocks are final, oldest first, in both settlement assets.

    A final day whose beginning no kept block or price covers can never be fixed: it is passed over, or it would keep
    all later days from being fixed.
    """
    points = state.index.points
    if not points:
        return
    for asset in MARGIN_ASSETS:
        fixed = state.fixings.setdefault(asset, {})
        day = max(fixed) + 1 if fixed else points[0].time_s // DAY_SECONDS + 1
        while state.index.is_final(day, state.now_ns):
            if (fixing := fixing_of(state, asset, day)) is not None:
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
    for quote in MARGIN_ASSETS:
        fixed = state.fixings.get(quote, {})
        sums = {}
        for instrument in state.instruments:
            number = instrument.instrument_id
            if instrument.kind != KIND_FORWARD or instrument.quote != quote:
                continue
            if number not in state.settled and not state.core.is_open(number):
                first = instrument.delivery_from_ns // DAY_NS
                days = [fixed.get(first + offset) for offset in range(instrument.delivery_days)]
                known = [ticks for ticks in days if ticks is not None]
                if len(known) == len(days):
                    sums[number] = sum(known)
        if sums:
            settle_finally(state, quote, sums)


def settle_finally(state: State, quote: str, sums: dict[int, int]) -> None:
    """Pay the difference between the sum of fixings and what the lots cost; then the positions are gone.

    Netted per account with a cycle of the asset's other contracts at their marks, so that an account whose gain stands
    in another month is not short here. Nothing happens while losers and the exchange's own money cannot pay (VM-004):
    the next time command tries again.
    """
    asset = state.assets[quote].index
    finals = {number: flows_of(state, number, ticks) for number, ticks in sums.items()}
    dues = cycle_dues(state, quote, without=frozenset(sums))
    flows = netted([*finals.values(), *(due.flows for due in dues)])
    if uncovered(state, asset, flows):
        return
    pay(state, asset, flows)
    finish_cycle(state, dues)
    for number, final in finals.items():
        state.settled[number] = sums[number]
        end_positions(state.core, number)
        state.emit(ForwardSettled(number, sums[number], tuple(final)))
    if accounts := sorted({account for part in [*finals.values(), *(d.flows for d in dues)] for account, _ in part}):
        state.emit(AccountsChanged(tuple(accounts)))


def flows_of(state: State, number: int, fixings_ticks: int) -> Flows:
    """What final settlement of one forward owes."""
    instrument = state.instruments[number]
    unit_value = instrument.tick_value // instrument.delivery_days
    return list(final_flows(state.core, number, unit_value, instrument.delivery_days, fixings_ticks))
