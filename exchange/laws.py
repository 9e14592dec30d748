"""The laws of the whole state, checked from scratch: used by tests after commands and by verify in production.

Lives here: what must hold between rooms (holds = orders, pending = dividends, margin vectors = recomputation).
Does not know: what to do about a violation.
"""

from clearing.dividends import DividendState
from clearing.scenarios import losses_of_long_lot
from domain.constants import BUY, DIVIDEND_SOURCE, FIRST_CLIENT_ACCOUNT, SUSPENSE
from domain.ensure import ensure
from domain.instruments import KIND_COMBO, KIND_FORWARD, KIND_SPOT
from domain.units import NS_PER_S
from exchange.epochs import combo_loss_at, promises
from exchange.memory import check_memory
from exchange.state import MARGIN_ASSETS, State

Promise = tuple[int, int, int, int, int]  # account, instrument, side, lots, price; or the loss per lot in its place


def check_state(state: State) -> None:
    """Raise InvariantViolation at the first law that does not hold. O(everything)."""
    core = state.core
    core.engine.check_invariants()
    core.ledger.check_invariants()
    core.positions.check_invariants()
    core.timeline.check_invariants()
    core.registry.check_invariants()
    state.dividends.check_invariants()
    state.index.check_invariants()
    if state.chain is not None:
        state.chain.check_invariants()
    check_memory(state.core)
    check_holds(state)
    check_margin(state)
    check_dividends(state)
    check_tokens(state)


def check_holds(state: State) -> None:
    """I10: what is held is exactly what the resting orders promise."""
    held: dict[tuple[int, int], int] = {}
    for (account, instrument_id, side), amount in state.core.holds().items():
        instrument = state.instruments[instrument_id]
        name = instrument.base if instrument.kind == KIND_SPOT and side != BUY else instrument.quote
        key = (account, state.assets[name].index)
        held[key] = held.get(key, 0) + amount
    for offset in range(len(state.accounts)):
        for asset in state.assets.values():
            account = FIRST_CLIENT_ACCOUNT + offset
            ensure(
                state.core.ledger.held(account, asset.index) == held.get((account, asset.index), 0),
                f"account {account} holds {asset.name} for its open orders only",
            )


def check_margin(state: State) -> None:
    """V, W, the exposure sums and unsettled variation margin equal a recomputation from positions and orders (I26)."""
    unsettled = recompute_unsettled(state)
    orders_of: dict[int, list[Promise]] = {}
    for promise in promises(state.core):
        orders_of.setdefault(promise[0], []).extend(legs_of(state, promise))
    for offset in range(len(state.accounts)):
        account = FIRST_CLIENT_ACCOUNT + offset
        orders = orders_of.get(account, [])
        for slot, name in enumerate(MARGIN_ASSETS):
            v, w, longs, shorts, gross, loss, exposed = state.core.margin.vectors(account, slot)
            expected = recompute(state, account, name, orders)
            ensure((v, w) == expected[:2], f"account {account} {name}: scenario vectors equal their recomputation")
            ensure(
                (longs, shorts, gross, loss, exposed) == expected[2], f"account {account} {name}: exposures recomputed"
            )
            ensure(
                state.core.margin.unsettled(account, slot) == unsettled.get((account, name), 0),
                f"account {account} {name}: unsettled variation margin recomputed",
            )


def legs_of(state: State, promise: Promise) -> list[Promise]:
    """An order as margin counts it: (account, instrument, side, lots, loss per lot), one per leg of a combo."""
    account, instrument_id, side, lots, price_ticks = promise
    instrument = state.instruments[instrument_id]
    if instrument.kind == KIND_COMBO:
        loss = combo_loss_at(state.core, instrument_id, side, price_ticks)
        sides = [(leg, side if ratio > 0 else 1 - side) for leg, ratio in instrument.legs]
        return [(account, leg, at, lots, 0 if place else loss) for place, (leg, at) in enumerate(sides)]
    mark_ticks, _ = state.core.mark(instrument_id)
    direction = 1 if side == BUY else -1
    loss = max(0, direction * (price_ticks - mark_ticks)) * instrument.tick_value
    return [(account, instrument_id, side, lots, loss)]


def recompute_unsettled(state: State) -> dict[tuple[int, str], int]:
    """(account, settlement asset) -> value of its positions at the marks less what they cost."""
    unsettled: dict[tuple[int, str], int] = {}
    for instrument in state.instruments:
        if instrument.kind == KIND_FORWARD:
            mark_ticks, _ = state.core.mark(instrument.instrument_id)
            for account, lots, cost_ticks in state.core.positions.of_instrument(instrument.instrument_id):
                key = (account, instrument.quote)
                value = instrument.tick_value * (lots * mark_ticks - cost_ticks)
                unsettled[key] = unsettled.get(key, 0) + value
    return unsettled


def recompute(
    state: State, account: int, name: str, orders: list[Promise]
) -> tuple[list[int], list[int], tuple[int, int, int, int, int]]:
    """The vectors from scratch."""
    v, w = [0] * 16, [0] * 16
    longs = shorts = gross = loss = exposed = 0
    for instrument in state.instruments:
        if instrument.kind != KIND_FORWARD or instrument.quote != name:
            continue
        psr = state.core.psr(instrument.instrument_id)
        scan = losses_of_long_lot(psr)
        lots = buys = sells = 0
        for position in state.core.positions.of_account(account):
            if position[0] == instrument.instrument_id:
                lots = position[1]
        for _, order_instrument, side, open_lots, per_lot in orders:
            if order_instrument != instrument.instrument_id:
                continue
            direction = 1 if side == BUY else -1
            loss += open_lots * per_lot
            buys, sells = (buys + open_lots, sells) if side == BUY else (buys, sells + open_lots)
            w = [w[s] + open_lots * max(0, direction * scan[s] + per_lot) for s in range(16)]
        v = [v[s] + lots * scan[s] for s in range(16)]
        long, short = max(0, lots + buys), max(0, sells - lots)
        longs, shorts, gross = longs + long, shorts + short, gross + max(long, short) * psr
        exposed += 1 if long or short else 0
    return v, w, (longs, shorts, gross, loss, exposed)


def check_dividends(state: State) -> None:
    """Pending credits are the pending events' legs; suspense holds what found no holder; the source is empty."""
    pending: dict[tuple[int, int], int] = {}
    carried: dict[int, int] = {}
    for event in state.dividends.events():
        if event.state is DividendState.PENDING:
            asset = state.assets[state.tranches[event.source.tranche].reward_asset].index
            carried[asset] = carried.get(asset, 0) + event.carried_msat
            for leg in event.legs:
                pending[leg.account, asset] = pending.get((leg.account, asset), 0) + leg.amount_msat
    for asset_record in state.assets.values():
        index = asset_record.index
        ensure(state.core.ledger.posted(DIVIDEND_SOURCE, index) == 0, "the dividend source is empty")
        waiting = sum(
            state.dividends.suspense_msat(token)
            for token, terms in state.tranches.items()
            if terms.reward_asset == asset_record.name
        )
        ensure(
            state.core.ledger.posted(SUSPENSE, index) == waiting + carried.get(index, 0),
            "suspense holds what found no holder",
        )
        for offset in range(len(state.accounts)):
            account = FIRST_CLIENT_ACCOUNT + offset
            ensure(
                state.core.ledger.pending(account, index) == pending.get((account, index), 0),
                f"account {account}: pending credits are pending dividends",
            )


def check_tokens(state: State) -> None:
    """The timeline's newest holdings are the ledger's balances (I19)."""
    for asset in state.assets.values():
        if asset.kind != "token":
            continue
        holders = state.core.timeline.holders(asset.index, state.now_ns + -state.now_ns % NS_PER_S)
        for offset in range(len(state.accounts)):
            account = FIRST_CLIENT_ACCOUNT + offset
            ensure(
                state.core.ledger.posted(account, asset.index) == holders.get(account, 0),
                f"account {account}: timeline and ledger agree on {asset.name}",
            )
