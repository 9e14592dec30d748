"""One gateway put together: the replica, the desk, the channels, and the walk over the core's events.

Lives here: the order in which one command's consequences leave: its reply, private channels, public channels; and what
happens when the core goes away and comes back.
Does not know: bytes of connections, the event loop (`spawn` is handed in), the wall clock beyond the function given.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from domain import commands, wire
from domain.constants import (
    EVENT_COLD,
    EVENT_COMMAND,
    EVENT_DEPTH,
    EVENT_L3,
    EVENT_MARK,
    EVENT_MMP,
    EVENT_ORDER,
    EVENT_PHASE,
    EVENT_TRADE,
)
from domain.ensure import ensure
from domain.events import (
    AccountsChanged,
    CommandApplied,
    Deposited,
    DividendChanged,
    InstrumentClosed,
    InstrumentListed,
    Mark,
    OrderState,
    Phase,
    ProtectionTriggered,
    Trade,
    VariationMarginPaid,
    decode_event,
    decode_order,
)
from domain.reads import (
    BalancesAnswer,
    FactsAnswer,
    ImageAnswer,
    PositionsAnswer,
    ReadBalances,
    ReadFacts,
    ReadImage,
    ReadPositions,
    ReadRequest,
)
from gateway.auth import Authenticator
from gateway.candles import DAY_NS, STATS_BUCKET_NS
from gateway.config import GatewayConfig
from gateway.core_link import CoreAway, CoreLink
from gateway.desk import Desk
from gateway.feeds import ChartFeed
from gateway.history_reader import HistoryBehind, HistoryReader
from gateway.image import Image
from gateway.private_feeds import PrivateFeeds
from gateway.publisher import Publisher
from gateway.summaries import balance_summaries, position_texts

log: Final = logging.getLogger("hashbook.gateway")
SERVICE_RESTART: Final = 1012
A = TypeVar("A")
_ORDER_ACCOUNT: Final = 8 + 8 + 8  # offset of `account` in an order frame
_TRADE_FIELDS: Final = wire.TRADE_EVENT.unpack_from


class Flushable(Protocol):
    """A connection with queued output."""

    def flush(self) -> None:
        """Write what is queued."""

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued."""


class Venue:
    """Everything behind the connections of one gateway."""

    def __init__(
        self,
        config: GatewayConfig,
        link: CoreLink,
        history: HistoryReader,
        authenticator: Authenticator,
        answer: ImageAnswer,
        *,
        wall_ns: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.config = config
        self.link = link
        self.history = history
        self.auth = authenticator
        self.wall_ns = wall_ns
        self.spawn = spawn
        self.connections: dict[int, Flushable] = {}
        self.to_flush: dict[Flushable, None] = {}
        self.cancels_on_disconnect: set[int] = set()  # accounts whose last session's end cancels all their orders
        self.protections: dict[tuple[int, int], commands.SetProtection] = {}  # account, group -> as set through us
        self.frozen_groups: dict[tuple[int, int], ProtectionTriggered] = {}
        self.acknowledged: dict[int, int] = {}  # account -> sequence of its last acknowledged command
        self._held: list[bytes] | None = None  # events that arrive while a new image is being read
        self.image = Image(answer)
        self.desk = Desk(link, self.image)
        self._load(answer)

    def _load(self, answer: ImageAnswer) -> None:
        self.image = self.desk.image = Image(answer)
        self._base = answer.sequence  # events up to here are in the image already
        self.publisher = Publisher(self.image, answer, self._seed_candle)
        self.private = PrivateFeeds(self.image)
        self._reset_command()
        self.spawn(self._seed_stats(self.publisher))
        self.spawn(self._seed_tip())

    def _reset_command(self) -> None:
        self._applied: CommandApplied | None = None
        self._trades: list[Trade] = []
        self._orders: dict[int, OrderState] = {}
        self._frozen: list[ProtectionTriggered] = []

    # -- the core's events ------------------------------------------------------------------------------------

    def on_events(self, data: bytes) -> None:
        """Walk the frames of one durable group; then write what every connection has got. Cost: per order about the
        decoding of its frames; a reply only for our own commands, notifications only for watched accounts."""
        if self._held is not None:
            self._held.append(data)
            return
        offset, end = 0, len(data)
        header, unpack_queue = wire.EVENT_HEADER.unpack_from, wire.L3_EVENT.unpack_from
        image, publisher, private = self.image, self.publisher, self.private
        pending = self.desk.pending
        gateway_id = self.link.gateway_id
        skipping = mine = False
        sequence = time_ns = 0
        while offset < end:
            length, kind, _ = header(data, offset)
            if kind == EVENT_COMMAND:
                self._end_command()
                fields = wire.COMMAND_EVENT.unpack_from(data, offset)
                sequence, time_ns = fields[3], fields[4]
                skipping = sequence <= self._base
                if not skipping:
                    # Claims that lapse come in a frame of their own under the sequence of the command they precede.
                    ensure(sequence - image.sequence in (0, 1), "the core's events have no gap")
                    self._applied = applied = CommandApplied._make(fields[3:])
                    image.sequence = sequence
                    image.time_ns = time_ns
                    mine = applied.origin >> 32 == gateway_id and applied.request in pending
            elif skipping:
                pass
            elif kind == EVENT_DEPTH:
                _, _, _, instrument, side, price, lots = wire.DEPTH_EVENT.unpack_from(data, offset)
                publisher.on_depth(instrument, side, price, lots, sequence, time_ns)
            elif kind == EVENT_ORDER:
                if mine or private.watched:
                    order = decode_order(memoryview(data)[offset : offset + length])
                    self._orders[order.order_id] = order
            elif kind == EVENT_TRADE:
                row = _TRADE_FIELDS(data, offset)
                trade = Trade._make(row[3:8] + row[9:] + row[8:9])
                self._trades.append(trade)
                image.on_trade(trade, time_ns)
                publisher.on_trade(trade, time_ns)
            elif kind == EVENT_MARK:
                row = wire.MARK_EVENT.unpack_from(data, offset)
                mark = Mark(row[3], row[5], row[6])
                image.on_mark(mark)
                publisher.on_mark(mark)
                private.touch_all()
            elif kind == EVENT_L3:
                _, _, _, instrument, side, change, _, order_id, price, lots, l3_seq = unpack_queue(data, offset)
                publisher.on_queue(instrument, side, change, order_id, price, lots, l3_seq)
            elif kind == EVENT_PHASE:
                phase = Phase._make(wire.PHASE_EVENT.unpack_from(data, offset)[3:])
                publisher.on_phase(phase, time_ns, changed=image.on_phase(phase))
            elif kind == EVENT_MMP:
                self._frozen.append(ProtectionTriggered._make(wire.MMP_EVENT.unpack_from(data, offset)[3:]))
            elif kind == EVENT_COLD:
                self._on_cold(data[offset : offset + length], sequence, time_ns)
            offset += length
        self._end_command()
        self.desk.flush()  # what follows from answers
        self.flush()

    def _end_command(self) -> None:
        """One command is complete: reply, private channels, public channels, in this order on every connection."""
        applied = self._applied
        if applied is None:
            return
        trades, orders = self._trades, self._orders
        self._applied = None
        if applied.request and applied.origin >> 32 == self.link.gateway_id and applied.request in self.desk.pending:
            self.acknowledged[applied.account] = applied.sequence
            self.desk.answer(applied, trades, orders)
        if (trades or orders) and self.private.watched:
            self.private.on_command(trades, orders, applied.time_ns)
        if self._frozen:
            frozen, self._frozen = self._frozen, []
            for event in frozen:
                self.frozen_groups[event.account, event.group] = event
                self.private.on_frozen(event)
        if trades:
            self._trades = []
        if orders:
            self._orders = {}
        self.publisher.end_command()

    def _on_cold(self, frame: bytes, sequence: int, time_ns: int) -> None:
        event = decode_event(frame)
        ensure(not isinstance(event, tuple), "a cold frame holds a cold event")
        self.image.on_cold(event)  # type: ignore[arg-type]
        if isinstance(event, InstrumentListed):
            self.publisher.on_listed(self.image.views[event.instrument.instrument_id], sequence, time_ns)
        elif isinstance(event, InstrumentClosed):
            self.publisher.on_state(self.image.views[event.instrument_id], "closed", time_ns)
        elif isinstance(event, AccountsChanged):
            for account in event.accounts:
                self.private.touch(account)
        elif isinstance(event, Deposited):
            self.private.touch(event.account)
        elif isinstance(event, DividendChanged):
            for account, _, _ in event.legs:
                self.private.touch(account)
        elif isinstance(event, VariationMarginPaid):
            for account, _ in event.flows:
                self.private.touch(account)

    # -- the link comes and goes ------------------------------------------------------------------------------

    def on_away(self) -> None:
        """No core: commands under way have an unknown outcome."""
        self.desk.core_went_away()
        self.flush()

    def on_back(self) -> None:
        """A core again: replace the replica, and let clients start from a clean state."""
        self._held = []
        self.spawn(self._reload())

    async def _reload(self) -> None:
        answer: ImageAnswer | None = None
        while answer is None:
            try:
                answer = await self.read(ReadImage(), ImageAnswer)
            except CoreAway:
                if self.link.away:
                    return  # it went away again; the next on_back reads again
                log.warning("the core is back and does not answer; asking again")
        for connection in list(self.connections.values()):
            connection.close(SERVICE_RESTART, "the core restarted: connect again")
        self._load(answer)
        self.desk.core_is_back()
        held, self._held = self._held or [], None
        for data in held:
            self.on_events(data)
        self.flush()

    # -- reads ------------------------------------------------------------------------------------------------

    async def read(self, request: ReadRequest, expected: type[A]) -> A:
        """Ask the core one question, after the commands that are queued. Raises CoreAway."""
        self.desk.flush()
        answer = await self.link.read(request)
        ensure(isinstance(answer, expected), "the core answers the question that was asked")
        return answer  # type: ignore[return-value]

    def at_least(self, account: int) -> int:
        """Sequence the history must have reached before it answers this account."""
        return self.acknowledged.get(account, 0)

    def _seed_candle(self, feed: ChartFeed) -> None:
        self.spawn(self._seed_candle_now(feed, self.image.sequence, self.image.time_ns))

    async def _seed_candle_now(self, feed: ChartFeed, sequence: int, time_ns: int) -> None:
        step = feed.candle.resolution_ns
        start_ns = time_ns - time_ns % step
        try:
            candles = await self.history.candles(
                feed.view.instrument_id, step, from_ns=start_ns, to_ns=start_ns, at_least_sequence=sequence
            )
        except HistoryBehind:
            log.warning("candle of %s starts without its history: the follower is behind", feed.view.name)
            candles = ()
        feed.candle.seed(candles[-1] if candles else None)
        feed.seeded()
        self.flush()

    async def _seed_stats(self, publisher: Publisher) -> None:
        """Fill the 24-hour statistics from the history, once per image."""
        sequence, now_ns = self.image.sequence, self.image.time_ns
        for shelf in list(publisher.shelves.values()):
            try:
                candles = await self.history.candles(
                    shelf.view.instrument_id,
                    STATS_BUCKET_NS,
                    from_ns=max(0, now_ns - DAY_NS),
                    to_ns=now_ns,
                    at_least_sequence=sequence,
                )
            except HistoryBehind:
                log.warning("24 h statistics start empty: the follower is behind sequence %d", sequence)
                return
            shelf.stats.seed(candles)

    async def _seed_tip(self) -> None:
        """Learn the tip of the chain, which the image does not hold."""
        try:
            facts = await self.read(ReadFacts(), FactsAnswer)
        except CoreAway:
            return  # the image is read again when it comes back
        if facts.tip_height > self.image.tip_height:
            self.image.tip_height, self.image.tip_hash = facts.tip_height, facts.tip_hash

    # -- ticks ------------------------------------------------------------------------------------------------

    def tick_joined(self, interval: str) -> None:
        """Send joined public channels of "100ms" or "agg2", with "100ms" the joined private ones too."""
        self.publisher.tick(interval)
        if interval == "100ms":
            self.private.flush_joined()
        self.flush()

    def tick_portfolio(self) -> None:
        """Read and send portfolios that may have moved."""
        if self.private.dirty and not self.link.away:
            for account in self.private.take_dirty():
                self.spawn(self._send_portfolio(account))

    async def _send_portfolio(self, account: int) -> None:
        try:
            balances = await self.read(ReadBalances(account), BalancesAnswer)
            watched = self.private.watched.get(account)
            if watched is None:
                return
            if watched.changed:
                positions = await self.read(ReadPositions(account), PositionsAnswer)
                self.private.send_changes(account, position_texts(self.image, positions.positions))
        except CoreAway:
            return  # sessions are closed when it comes back; clients subscribe anew
        for currency, summary in balance_summaries(self.image, balances.balances):
            for feed in watched.portfolios.values():
                feed.show(currency, summary)
        self.flush()

    def flush(self) -> None:
        """Write the queued output of every connection."""
        if self.to_flush:
            connections, self.to_flush = self.to_flush, {}
            for connection in connections:
                connection.flush()

    def cancel_session(self, origin: int, last_of: int) -> None:
        """Cancel the cancel-on-disconnect orders of an ended session; `last_of` names the account, unless 0, that has
        no other session here: the core cancels all of its orders if it asked for that."""
        self.desk.post(commands.cancel_session(origin=origin, account=last_of))
        self.desk.flush()
