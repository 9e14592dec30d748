"""Blocks, pool reports and prices: from a header to the hashprice index and to dividends.

Lives here: the command family of the outside world's facts. Does not know: where they were fetched.
Flow of a block: header chain (work, link, retarget, reorg) -> index -> dividend events of the tranches that earned ->
entitlement from the position timeline as of the record time -> pending legs -> posted at 100 confirmations, voided on
a reorg. Rules CHAIN-001..010, HPI-001..006, DIV-001..009.
"""

from clearing.chain import Block, ChainReject, Checkpoint, HeaderChain
from clearing.dividends import DividendEvent, DividendSource, DividendState, record_time_ns
from clearing.hashprice import HashpriceIndex, fee_sat, usd_micro
from clearing.headers import HEADER_BYTES, NETWORKS, has_work, header_bits, header_hash, previous_hash, subsidy_sat
from domain.commands import BlockConnected, PoolReport, SetPrice, StartChain
from domain.constants import CUSTODY, DIVIDEND_SOURCE, SUSPENSE
from domain.ensure import InvariantViolation, ensure
from domain.events import AccountsChanged, BlockAccepted, BlockRefused, DividendChanged
from domain.rejects import RejectCode
from domain.units import MSAT_PER_SAT, NS_PER_S, TOKEN_SCALE
from exchange.final_settlement import note_price, publish_fixings
from exchange.state import Refusal, Report, State

FACTS_KEPT_BLOCKS = 1_008  # heights below the tip for which reports and coinbase totals are remembered: a week
HEX_DIGITS = "0123456789abcdef"
HEIGHT_MAX = 2**31
COINBASE_SAT_MAX = 10**12  # 10,000 BTC: far above any block, and thousands of such lies still fit the ledger
POOL_THS_MAX = 10**15  # a million times today's network
PRICE_MICRO_MAX = 10**15  # a billion dollars
PRICE_STEP_FACTOR_MAX = 2  # a BTC price further away than this from the last one is refused as an outlier


def start_chain(state: State, command: StartChain) -> Refusal | None:
    """Trust a first header; everything after it is checked."""
    network = NETWORKS.get(command.network)
    if network is None or len(command.header) != HEADER_BYTES:
        return Refusal(RejectCode.BAD_COMMAND)
    if not 0 <= command.height < HEIGHT_MAX or command.cumulative_work < 0:
        return Refusal(RejectCode.BAD_COMMAND)
    if not has_work(header_hash(command.header), header_bits(command.header), network):
        return Refusal(RejectCode.BAD_WORK)
    if state.chain is not None:
        return Refusal(RejectCode.ALREADY_EXISTS)
    checkpoint = Checkpoint(
        height=command.height,
        header=command.header,
        epoch_first_time_s=command.epoch_first_time_s,
        cumulative_work=command.cumulative_work,
    )
    state.chain = HeaderChain(network, checkpoint)
    return None


def block_connected(state: State, command: BlockConnected) -> Refusal | None:
    """Judge a header; if it counts, follow the best branch with index and dividends."""
    chain = state.chain
    if chain is None:
        return Refusal(RejectCode.UNKNOWN_PARENT)
    if command.coinbase_total_sat > COINBASE_SAT_MAX or command.first_seen_ns < 0:
        return Refusal(RejectCode.BAD_COMMAND)
    seen_ns = command.first_seen_ns or state.now_ns
    result = chain.connect(command.header, seen_ns)
    if isinstance(result, ChainReject):
        state.emit(BlockRefused(int(result.code), result.detail, ""))
        return Refusal(result.code)
    if command.coinbase_total_sat >= 0:
        state.coinbase_sat[result.block.hash] = command.coinbase_total_sat
    for block in result.disconnected:
        disconnect(state, block)
    following = [block.bits for block in result.connected[1:]]
    for block, next_bits in zip(result.connected, [*following, chain.next_bits()], strict=False):
        connect(state, chain, block, next_bits)
    if result.connected:
        publish_index(state)
        publish_fixings(state)  # now, not at the next timer: a burst of blocks may push a day out of the kept points
        forget_old_facts(state, chain)
    state.emit(
        BlockAccepted(
            height=result.block.height,
            block_hash=result.block.hash.hex(),
            header_time_s=result.block.time_s,
            first_seen_ns=result.block.first_seen_ns,
            tip_height=chain.tip.height,
            connected=tuple(block.hash.hex() for block in result.connected),
            disconnected=tuple(block.hash.hex() for block in result.disconnected),
            index_msat=state.index_msat,
            index_micro_usdc=state.index_micro_usdc,
        )
    )
    settle_dividends(state)
    return None


def connect(state: State, chain: HeaderChain, block: Block, next_bits: int) -> None:
    """The block is on the best branch: value it, and open the dividends that pools reported for it."""
    state.index.connect(
        height=block.height,
        block_hash=block.hash,
        median_time_s=chain.median_time_past_s(block),
        fee_sat=fee_sat(state.coinbase_sat.get(block.hash), block.height),
        next_subsidy_sat=subsidy_sat(block.height + 1),
        next_bits=next_bits,
    )
    state.record_times.add(
        block_hash=block.hash,
        previous_hash=previous_hash(block.header),
        height=block.height,
        header_time_s=block.time_s,
        first_seen_ns=block.first_seen_ns,
    )
    for report in state.reports.get(block.hash, ()):
        open_dividend(state, block, report)


def disconnect(state: State, block: Block) -> None:
    """The block left the best branch: take its index point back, void its dividends that are not paid."""
    if len(state.index.points) > 1:
        state.index.disconnect(block.hash)
    else:
        state.index = HashpriceIndex()
    for event in state.dividends.void(block.hash).voided:
        move_pending(state, event, -1)
        publish_dividend(state, event)


def publish_index(state: State) -> None:
    """Index values after the newest block or price."""
    point = state.index.latest()
    state.index_msat = 0 if point is None else point.published_msat
    known = state.index_msat and state.price_micro_usdc
    state.index_micro_usdc = usd_micro(state.index_msat, state.price_micro_usdc) if known else 0


def forget_old_facts(state: State, chain: HeaderChain) -> None:
    """Drop reports and coinbase totals of blocks too deep to matter, and finished dividend events with them."""
    floor = chain.tip.height - FACTS_KEPT_BLOCKS
    for facts in (state.coinbase_sat, state.reports):
        gone = [known for known in facts if (block := chain.block(known)) is not None and block.height < floor]
        for known in gone:
            del facts[known]
    if not any(
        event.source.height < floor and event.state in (DividendState.WAITING, DividendState.PENDING)
        for event in state.dividends.events()
    ):
        state.dividends.forget(floor)
    state.core.timeline.fold(state.now_ns - state.limits.timeline_retention_ns)


def pool_report(state: State, command: PoolReport) -> Refusal | None:
    """A pool found a block: remembered until the block is seen, or acted on at once. Twice the same is refused."""
    if command.token not in state.tranches:
        return Refusal(RejectCode.UNKNOWN_ASSET)
    if len(command.block_hash) != 64 or command.block_hash.strip(HEX_DIGITS):
        return Refusal(RejectCode.BAD_COMMAND)
    if not 0 < command.pool_hashrate_ths <= POOL_THS_MAX:
        return Refusal(RejectCode.BAD_COMMAND)
    block_hash = bytes.fromhex(command.block_hash)
    reports = state.reports.get(block_hash, [])
    if any(report.token == command.token for report in reports):
        return Refusal(RejectCode.ALREADY_EXISTS)
    report = Report(command.token, block_hash, command.pool_hashrate_ths * TOKEN_SCALE)
    if report.pool_units < -state.core.ledger.posted(CUSTODY, state.assets[command.token].index):
        return Refusal(RejectCode.BAD_COMMAND)  # a tranche larger than its pool would earn more than the block paid
    block = state.chain.block(block_hash) if state.chain is not None else None
    if block is not None and block_hash not in state.coinbase_sat:
        return Refusal(RejectCode.BAD_COMMAND)  # what the block paid is not known: no amount can be told
    on_branch = block is not None and state.chain is not None and state.chain.is_selected(block_hash)
    if block is not None and on_branch and not state.core.timeline.reaches(record_time_of(state, block, report)):
        return Refusal(RejectCode.TOO_DEEP)  # who held tokens then can not be told any more
    state.reports.setdefault(block_hash, []).append(report)
    if block is not None and on_branch:
        open_dividend(state, block, report)
    settle_dividends(state)
    return None


def open_dividend(state: State, block: Block, report: Report) -> None:
    """Begin the event of a reported block on the best branch. Events that were paid or are open stay as they are."""
    coinbase = state.coinbase_sat.get(block.hash)
    if coinbase is None:
        return  # the report waits: it is acted on when the total arrives with a block command or never
    state.dividends.open(
        DividendSource(
            tranche=report.token,
            block_hash=block.hash,
            height=block.height,
            record_time_ns=record_time_of(state, block, report),
            seen_time_ns=block.first_seen_ns,
            reward_msat=coinbase * MSAT_PER_SAT,
            pool_units=report.pool_units,
            fee_ppm=state.tranches[report.token].fee_ppm,
        )
    )


def record_time_of(state: State, block: Block, report: Report) -> int:
    """Record time of a block on the best branch under the terms of the report's tranche. Rule DIV-001."""
    if state.tranches[report.token].record_time == "clamped":
        clamped_ns = state.record_times.get(block.hash)
        if clamped_ns is None:
            raise InvariantViolation("a connected block has its clamped record time")
        return clamped_ns
    return record_time_ns("header", header_time_s=block.time_s, first_seen_ns=block.first_seen_ns, previous_ns=None)


def settle_dividends(state: State) -> None:
    """Entitle what is ripe, post what is mature; called by every command that may have moved time or the chain."""
    for event in state.dividends.ripe(state.now_ns):
        if state.core.timeline.reaches(event.source.record_time_ns):
            asset = state.assets[event.source.tranche]
            holdings = state.core.timeline.holders(asset.index, event.source.record_time_ns)
            event = state.dividends.entitle(event, holdings, sum(holdings.values()))
            move_pending(state, event, 1)
            publish_dividend(state, event)
    if state.chain is not None:
        for event in state.dividends.due(state.chain.tip.height):
            post_dividend(state, event, state.chain.tip.height)


def move_pending(state: State, event: DividendEvent, sign: int) -> None:
    """Announce an event's legs on the holders' accounts, or take them back."""
    asset = state.assets[state.tranches[event.source.tranche].reward_asset]
    for leg in event.legs:
        state.core.ledger.add_pending(leg.account, asset.index, sign * leg.amount_msat)


def post_dividend(state: State, event: DividendEvent, tip_height: int) -> None:
    """Pay: the reward enters, legs go out, the rest waits in suspense; the source account is empty again (DIV-006)."""
    ledger = state.core.ledger
    asset = state.assets[state.tranches[event.source.tranche].reward_asset].index
    posted = state.dividends.post(event, tip_height)
    if posted.amount_msat:
        ensure(ledger.deposit(DIVIDEND_SOURCE, asset, posted.amount_msat), "rewards fit the supply bound")
    ledger.transfer(SUSPENSE, DIVIDEND_SOURCE, asset, posted.carried_msat)
    for leg in posted.legs:
        ledger.add_pending(leg.account, asset, -leg.amount_msat)
        ledger.transfer(DIVIDEND_SOURCE, leg.account, asset, leg.amount_msat)
    ledger.transfer(DIVIDEND_SOURCE, SUSPENSE, asset, posted.suspense_msat)
    ensure(ledger.posted(DIVIDEND_SOURCE, asset) == 0, "a dividend is paid out whole")
    publish_dividend(state, posted)


def publish_dividend(state: State, event: DividendEvent) -> None:
    """Tell the world and the holders."""
    state.emit(
        DividendChanged(
            token=event.source.tranche,
            block_height=event.source.height,
            block_hash=event.source.block_hash.hex(),
            record_time_ns=event.source.record_time_ns,
            seen_time_ns=event.source.seen_time_ns,
            state=event.state.value,
            amount_msat=event.amount_msat,
            legs=tuple((leg.account, leg.quantity_units, leg.amount_msat) for leg in event.legs),
        )
    )
    if event.legs:
        state.emit(AccountsChanged(tuple(leg.account for leg in event.legs)))


def set_price(state: State, command: SetPrice) -> Refusal | None:
    """A BTC price from the configured source; zero, negative and wild ones are refused and change nothing."""
    price, known = command.price_micro_usdc, state.price_micro_usdc
    if not 0 < price <= PRICE_MICRO_MAX or command.observed_ns > state.now_ns + NS_PER_S * 60:
        return Refusal(RejectCode.BAD_COMMAND)
    if known and not (known <= price * PRICE_STEP_FACTOR_MAX and price <= known * PRICE_STEP_FACTOR_MAX):
        return Refusal(RejectCode.PRICE_BAND, 0, known)
    state.price_micro_usdc = price
    note_price(state)
    publish_index(state)
    return None
