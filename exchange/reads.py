"""Answers of the core that change nothing and are not journaled.

Lives here: one function per question of domain.reads. Does not know: who asks, JSON.
"""

from typing import assert_never

from domain import reads
from domain.constants import BUY, FIRST_CLIENT_ACCOUNT, SELL
from domain.ensure import InvariantViolation
from domain.instruments import KIND_FORWARD
from exchange.laws import check_state
from exchange.state import MARGIN_ASSETS, State

IMAGE_LEVELS_MAX = 1 << 20  # a gateway's image holds whole books
TICKS_E6 = 1_000_000


def answer(state: State, request: reads.ReadRequest, digest: str) -> reads.Answer:
    """Answer one question at the present sequence. `digest` is filled by the caller for ReadDigest."""
    stamp = (state.core.sequence, state.core.time_ns)
    match request:
        case reads.ReadOpenOrders():
            return reads.OrdersAnswer(*stamp, state.core.open_order_frames(request.account))
        case reads.ReadOrder():
            frame = state.core.open_order_frame(request.account, request.order_id)
            if not frame:
                frame = state.core.closed_order_frame(request.account, request.order_id)
            return reads.OrdersAnswer(*stamp, frame)
        case reads.ReadPositions():
            return reads.PositionsAnswer(*stamp, positions_of(state, request.account))
        case reads.ReadBalances():
            return reads.BalancesAnswer(*stamp, balances_of(state, request.account))
        case reads.ReadDividends():
            return reads.DividendsAnswer(*stamp, dividends_of(state, request.account, request.count))
        case reads.ReadEligibility():
            return eligibility_of(state, request.account)
        case reads.ReadImage():
            return image_of(state)
        case reads.ReadDigest():
            return reads.DigestAnswer(*stamp, digest, invariants_of(state))
        case reads.ReadFacts():
            return facts_of(state)
        case _:
            assert_never(request)


def positions_of(state: State, account: int) -> tuple[reads.PositionView, ...]:
    """Forward positions and open order lots of an account; margins are those of the contract on its own."""
    views = []
    for instrument_id, lots, buys, sells, cost, entry, realized in state.core.positions.of_account(account):
        mark_ticks, _ = state.core.mark(instrument_id)
        maintenance = abs(lots) * state.core.psr(instrument_id)
        views.append(
            reads.PositionView(
                instrument=instrument_id,
                lots=lots,
                buy_lots=buys,
                sell_lots=sells,
                average_price_ticks_e6=entry * TICKS_E6 // lots if lots else 0,
                mark_ticks=mark_ticks,
                unsettled=state.instruments[instrument_id].tick_value * (lots * mark_ticks - cost),
                realized=realized,
                initial_margin=maintenance + (maintenance + 3) // 4,
                maintenance_margin=maintenance,
            )
        )
    return tuple(views)


def balances_of(state: State, account: int) -> tuple[reads.BalanceView, ...]:
    """One view per asset. `available` is what a new spot order or withdrawal could use."""
    views = []
    if not state.has_account(account):
        return ()
    ledger, margin = state.core.ledger, state.core.margin
    for asset in state.assets.values():
        posted, held = ledger.posted(account, asset.index), ledger.held(account, asset.index)
        unsettled = initial = maintenance = 0
        if asset.name in MARGIN_ASSETS:
            slot = MARGIN_ASSETS.index(asset.name)
            unsettled = margin.unsettled(account, slot)
            initial, maintenance = margin.initial(account, slot), margin.maintenance(account, slot)
        equity = posted - held + unsettled
        views.append(
            reads.BalanceView(
                asset=asset.name,
                posted=posted,
                held=held,
                pending=ledger.pending(account, asset.index),
                unsettled=unsettled,
                equity=equity,
                initial_margin=initial,
                maintenance_margin=maintenance,
                available=max(0, min(posted - held, equity - initial)),
            )
        )
    return tuple(views)


def dividends_of(state: State, account: int, count: int) -> tuple[reads.DividendView, ...]:
    """The account's dividends, newest block first, at most `count`."""
    views: list[reads.DividendView] = []
    for event in reversed(state.dividends.events()):
        for leg in event.legs:
            if leg.account == account and len(views) < count:
                views.append(
                    reads.DividendView(
                        token=event.source.tranche,
                        block_height=event.source.height,
                        block_hash=event.source.block_hash.hex(),
                        record_time_ns=event.source.record_time_ns,
                        seen_time_ns=event.source.seen_time_ns,
                        quantity=leg.quantity_units,
                        amount=leg.amount_msat,
                        currency=state.tranches[event.source.tranche].reward_asset,
                        state=event.state.value,
                    )
                )
    return tuple(views)


def eligibility_of(state: State, account: int) -> reads.EligibilityAnswer:
    """Every rule's verdict on the account, with the instruments that ask for it."""
    registry = state.core.registry
    identity = registry.identities.get(account)
    views = []
    for rule_id, rule in sorted(registry.rules.items()):
        verdict = registry.verdict(account, rule_id)
        views.append(
            reads.EligibilityView(
                rule_id=rule_id,
                rule=rule.name,
                requires=rule.requires,
                eligible=state.now_ns < verdict.until_ns,
                until_ns=verdict.until_ns,
                reason=verdict.reason,
                instruments=tuple(i.name for i in state.instruments if i.rule_id == rule_id),
            )
        )
    name = state.accounts[account - FIRST_CLIENT_ACCOUNT] if state.has_account(account) else ""
    return reads.EligibilityAnswer(
        state.core.sequence, state.core.time_ns, account, name, identity.country if identity else "", tuple(views)
    )


def image_of(state: State) -> reads.ImageAnswer:
    """Everything public, for a gateway that starts."""
    registry = state.core.registry
    verdicts = []
    for offset in range(len(state.accounts)):
        account = FIRST_CLIENT_ACCOUNT + offset
        of_rules = {rule_id: registry.verdict(account, rule_id) for rule_id in sorted(registry.rules)}
        verdicts.append(
            (account, {r: v.until_ns for r, v in of_rules.items()}, {r: v.reason for r, v in of_rules.items()})
        )
    return reads.ImageAnswer(
        sequence=state.core.sequence,
        time_ns=state.core.time_ns,
        assets=tuple((asset.name, asset.scale, asset.kind) for asset in state.assets.values()),
        books=tuple(book_image(state, instrument_id) for instrument_id in range(len(state.instruments))),
        accounts=tuple((FIRST_CLIENT_ACCOUNT + i, name) for i, name in enumerate(state.accounts)),
        rules=tuple((rule_id, rule.name, rule.requires) for rule_id, rule in sorted(registry.rules.items())),
        eligible_until_ns=tuple(verdicts),
        index_msat=state.index_msat,
        index_micro_usdc=state.index_micro_usdc,
        btc_micro_usdc=state.price_micro_usdc,
    )


def facts_of(state: State) -> reads.FactsAnswer:
    """Where the feeds go on."""
    tip = None if state.chain is None else state.chain.tip
    return reads.FactsAnswer(
        sequence=state.core.sequence,
        time_ns=state.core.time_ns,
        tip_height=-1 if tip is None else tip.height,
        tip_hash="" if tip is None else tip.hash.hex(),
        cycle_id=state.cycle_id,
        scenarios_version=state.scenarios_version,
        price_micro_usdc=state.price_micro_usdc,
    )


def book_image(state: State, instrument_id: int) -> reads.BookImage:
    """One instrument with its whole book."""
    instrument = state.instruments[instrument_id]
    bids, asks = state.core.depth(instrument_id, IMAGE_LEVELS_MAX)
    mark_ticks, index_ticks = state.core.mark(instrument_id)
    trade_seq, last_ticks = state.core.tape(instrument_id)
    phase, until_ns = state.core.phase(instrument_id)
    interest = state.core.positions.open_interest(instrument_id) if instrument.kind == KIND_FORWARD else 0
    return reads.BookImage(
        instrument=instrument,
        open=state.core.is_open(instrument_id),
        bids=tuple(bids),
        asks=tuple(asks),
        mark_ticks=mark_ticks,
        index_ticks=index_ticks,
        last_ticks=last_ticks,
        trade_seq=trade_seq,
        open_interest_lots=interest,
        phase=phase,
        until_ns=until_ns,
        indicative=state.core.indicative(instrument_id),
        l3_seq=state.core.l3_seq(instrument_id),
        bid_orders=tuple(state.core.queue(instrument_id, BUY)),
        ask_orders=tuple(state.core.queue(instrument_id, SELL)),
    )


def invariants_of(state: State) -> str:
    """"ok", or the first law that does not hold."""
    try:
        check_state(state)
    except InvariantViolation as violation:
        return str(violation)
    return "ok"
