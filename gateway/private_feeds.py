"""Private channels: orders, trades, portfolio and changes of the accounts somebody watches.

Lives here: which account is watched by which channels, what one command sends to them, and what waits for a tick.
Does not know: sockets, public data. An account without watchers costs one dictionary lookup per order frame.
"""

from typing import Final

from domain.events import OrderState, ProtectionTriggered, Trade
from domain.units import NS_PER_MS
from gateway.codec import encode
from gateway.feeds import Feed, Sink
from gateway.image import Image
from gateway.instrument_view import InstrumentView
from gateway.render import order_json, user_trade_json

KINDS: Final = frozenset({"any", "spot", "future", "option", "future_combo", "option_combo", "combo"})
INTERVALS: Final = frozenset({"raw", "100ms", "agg2"})


class UserFeed(Feed):
    """`user.{orders,trades,changes}.…` of one account. The filter is an instrument, or kind and currency."""

    def __init__(self, name: str, what: str, instrument: str, kind: str, currency: str, interval: str) -> None:
        super().__init__(name)
        self.what = what
        self.interval = interval
        self._instrument, self._kind, self._currency = instrument, kind, currency.upper()
        self.waiting: list[str] = []

    def wants(self, view: InstrumentView) -> bool:
        """Whether the filter lets this instrument through."""
        if self._instrument:
            return view.name == self._instrument
        return self._kind in ("any", view.kind) and (self._currency == "ANY" or self._currency in view.currencies)

    def flush(self) -> None:
        """Send what waited for the tick, as one array."""
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self.send(f"[{','.join(waiting)}]")


class FrozenFeed(Feed):
    """`user.mmp_trigger.{index}` of one account: a protection group reached a limit."""


class PortfolioFeed(Feed):
    """`user.portfolio.{currency}` of one account; `any` sends one message per currency that moved."""

    def __init__(self, name: str, currency: str) -> None:
        super().__init__(name)
        self.currency = currency.upper()
        self.shown: dict[str, bytes] = {}

    def show(self, currency: str, summary: bytes) -> None:
        """Send a summary if it differs from the last one sent."""
        if self.currency in (currency, "ANY") and self.shown.get(currency) != summary:
            self.shown[currency] = summary
            self.send(summary.decode())


class Watched:
    """The private channels of one account."""

    def __init__(self) -> None:
        self.feeds: dict[str, UserFeed] = {}
        self.portfolios: dict[str, PortfolioFeed] = {}
        self.frozen: dict[str, FrozenFeed] = {}
        self.changed: dict[int, tuple[list[str], list[str]]] = {}  # instrument -> orders, trades, for user.changes

    def empty(self) -> bool:
        """Whether nobody watches any more."""
        return not self.feeds and not self.portfolios and not self.frozen


class PrivateFeeds:
    """All private channels of one gateway, by account."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self.watched: dict[int, Watched] = {}
        self.dirty: dict[int, None] = {}  # accounts whose portfolio must be read at the next tick

    # -- subscriptions ----------------------------------------------------------------------------------------

    def subscribe(self, channel: str, account: int, sink: Sink) -> bool:
        """Add a reader of its own account; False for names that are no private channel."""
        parts = channel.split(".")
        if len(parts) < 3 or parts[0] != "user":
            return False
        watched = self.watched.get(account) or Watched()
        feed: Feed | None
        if parts[1] == "portfolio":
            feed = self._portfolio(watched, channel, parts)
            if feed is not None:
                self.dirty[account] = None
        elif parts[1] == "mmp_trigger":
            feed = self._frozen(watched, channel, parts)
        elif parts[1] in ("orders", "trades", "changes"):
            feed = watched.feeds.get(channel) or self._user(watched, channel, parts)
        else:
            return False
        if feed is None:
            return False
        self.watched[account] = watched
        feed.subscribe(sink)
        return True

    def unsubscribe(self, channel: str, account: int, sink: Sink) -> bool:
        """Remove a reader."""
        watched = self.watched.get(account)
        if watched is None:
            return False
        feed: Feed | None = watched.feeds.get(channel) or watched.portfolios.get(channel) or watched.frozen.get(channel)
        if feed is None or sink not in feed.sinks:
            return False
        feed.unsubscribe(sink)
        if not feed.sinks:
            watched.feeds.pop(channel, None)
            watched.portfolios.pop(channel, None)
            watched.frozen.pop(channel, None)
            if watched.empty():
                del self.watched[account]
                self.dirty.pop(account, None)
        return True

    def _portfolio(self, watched: Watched, channel: str, parts: list[str]) -> Feed | None:
        currency = parts[2].upper()
        if len(parts) != 3 or (currency != "ANY" and currency not in self._image.scales):
            return None
        feed = watched.portfolios.get(channel)
        if feed is None:
            feed = watched.portfolios[channel] = PortfolioFeed(channel, currency)
        feed.shown.clear()  # a new reader wants the present state, and sending it to the others again is harmless
        return feed

    def _frozen(self, watched: Watched, channel: str, parts: list[str]) -> Feed | None:
        if len(parts) != 3 or (parts[2] not in ("all", "any") and parts[2] not in self._image.index_names):
            return None
        feed = watched.frozen.get(channel)
        if feed is None:
            feed = watched.frozen[channel] = FrozenFeed(channel)
        return feed

    def _user(self, watched: Watched, channel: str, parts: list[str]) -> Feed | None:
        if parts[-1] not in INTERVALS:
            return None
        if len(parts) == 4 and parts[2] in self._image.by_name:
            feed = UserFeed(channel, parts[1], parts[2], "", "", parts[3])
        elif (
            len(parts) == 5
            and parts[2] in KINDS
            and (parts[3].upper() == "ANY" or self._image.selected(parts[3], "any"))
        ):
            feed = UserFeed(channel, parts[1], "", parts[2], parts[3], parts[4])
        else:
            return None
        watched.feeds[channel] = feed
        return feed

    # -- events -----------------------------------------------------------------------------------------------

    def on_command(self, trades: list[Trade], orders: dict[int, OrderState], time_ns: int) -> None:
        """What one command did to orders and trades: trades first, then orders, per account."""
        for account in self._accounts(trades, orders):
            watched = self.watched[account]
            if watched.portfolios:
                self.dirty[account] = None
            if not watched.feeds:
                continue
            own_orders = [order for order in orders.values() if order.account == account]
            for instrument in {o.instrument: None for o in own_orders} | {t.instrument: None for t in trades}:
                self._tell(watched, account, instrument, trades, own_orders, orders, time_ns)

    def _accounts(self, trades: list[Trade], orders: dict[int, OrderState]) -> dict[int, None]:
        found: dict[int, None] = {}
        for trade in trades:
            for account in (trade.taker_account, trade.maker_account):
                if account in self.watched:
                    found[account] = None
        for order in orders.values():
            if order.account in self.watched:
                found[order.account] = None
        return found

    def _tell(
        self,
        watched: Watched,
        account: int,
        instrument: int,
        trades: list[Trade],
        own_orders: list[OrderState],
        orders: dict[int, OrderState],
        time_ns: int,
    ) -> None:
        view = self._image.views[instrument]
        scale = self._image.quote_scales[instrument]
        trade_texts = [
            user_trade_json(
                view, trade, time_ns, orders.get(trade.maker_order_id if maker else trade.taker_order_id),
                maker=maker, quote_scale=scale,
            )
            for trade in trades
            if trade.instrument == instrument
            for maker in (False, True)
            if (trade.maker_account if maker else trade.taker_account) == account
        ]  # fmt: skip
        order_texts = [order_json(view, order, scale) for order in own_orders if order.instrument == instrument]
        feeds = [feed for feed in watched.feeds.values() if feed.wants(view)]
        for feed in feeds:
            if feed.what == "trades" and trade_texts:
                feed.waiting.extend(trade_texts)
                if feed.interval == "raw":
                    feed.flush()
        for feed in feeds:
            if feed.what == "orders" and order_texts:
                if feed.interval == "raw":
                    for text in order_texts:
                        feed.send(text)
                else:
                    feed.waiting.extend(order_texts)
        if any(feed.what == "changes" for feed in feeds):
            kept_orders, kept_trades = watched.changed.setdefault(instrument, ([], []))
            kept_orders.extend(order_texts)
            kept_trades.extend(trade_texts)
            self.dirty[account] = None

    def on_frozen(self, event: ProtectionTriggered) -> None:
        """A protection group reached a limit; groups span indexes, so every such channel of the account is told."""
        watched = self.watched.get(event.account)
        if watched is not None:
            for feed in watched.frozen.values():
                feed.send(frozen_json(feed.name.split(".")[2], event))

    def touch(self, account: int) -> None:
        """Balances, positions or margin of this account may have moved."""
        watched = self.watched.get(account)
        if watched is not None and watched.portfolios:
            self.dirty[account] = None

    def touch_all(self) -> None:
        """Marks moved: every watched portfolio may have."""
        for account, watched in self.watched.items():
            if watched.portfolios:
                self.dirty[account] = None

    # -- ticks ------------------------------------------------------------------------------------------------

    def take_dirty(self) -> list[int]:
        """Accounts whose balances (and positions, for user.changes) must be read now."""
        dirty, self.dirty = self.dirty, {}
        return [account for account in dirty if account in self.watched]

    def flush_joined(self) -> None:
        """Orders and trades of joined channels. Call every 100 ms."""
        for watched in self.watched.values():
            for feed in watched.feeds.values():
                if feed.interval != "raw":
                    feed.flush()

    def send_changes(self, account: int, positions: dict[int, bytes]) -> None:
        """user.changes of one account: orders, trades and the position they led to in one message per instrument."""
        watched = self.watched.get(account)
        if watched is None:
            return
        changed, watched.changed = watched.changed, {}
        for instrument, (orders, trades) in changed.items():
            view = self._image.views[instrument]
            position = positions.get(instrument, b"").decode()
            text = (
                f'{{"instrument_name":{encode(view.name).decode()},"orders":[{",".join(orders)}],'
                f'"trades":[{",".join(trades)}],"position":[{position}]}}'
            )
            for feed in watched.feeds.values():
                if feed.what == "changes" and feed.wants(view):
                    feed.send(text)


def frozen_json(index_name: str, event: ProtectionTriggered) -> str:
    """One message of user.mmp_trigger; 0 = frozen until private/reset_mmp."""
    return (
        f'{{"index_name":"{index_name}","mmp_group":"{event.group}",'
        f'"frozen_until":{event.frozen_until_ns // NS_PER_MS},"block_rfq":false}}'
    )
