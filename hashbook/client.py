"""The venue's methods, one to one: what a trader calls.

Lives here: typed doors to the API methods. Does not know: connections, reconnects (see session), strategy.
Units: amounts are in the instrument's base unit (tokens TH/s, forwards PH/s-days), prices in quote per base unit.
Every method raises HashbookError (the venue refused, nothing changed), ConnectionLost or RequestTimeout (see errors).
"""

from typing import Any

from hashbook.connection import decode_anything
from hashbook.protocol import (
    BUY,
    SELL,
    AccountSummaries,
    AccountSummary,
    Auction,
    BookSnapshot,
    Dividend,
    Exact,
    Instrument,
    MassQuoteResult,
    Order,
    OrderResult,
    Position,
    Ticker,
    Trade,
    Trades,
    exact_json,
    json_number,
)
from hashbook.session import Session
from hashbook.subscription import Subscription

LIMIT = "limit"
MARKET = "market"
GOOD_TIL_CANCELLED = "good_til_cancelled"
GOOD_TIL_DAY = "good_til_day"
IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
FILL_OR_KILL = "fill_or_kill"


class Client(Session):
    """A session with the venue's methods."""

    # public

    async def get_time(self) -> int:
        """The venue's wall time in ms."""
        return await self.call(int, "public/get_time")

    async def get_instruments(self, currency: str = "any", kind: str | None = None) -> list[Instrument]:
        """What can be traded now."""
        return await self.call(list[Instrument], "public/get_instruments", {"currency": currency, "kind": kind})

    async def get_instrument(self, instrument_name: str) -> Instrument:
        """One instrument's terms."""
        return await self.call(Instrument, "public/get_instrument", {"instrument_name": instrument_name})

    async def ticker(self, instrument_name: str) -> Ticker:
        """Best prices, mark and index."""
        return await self.call(Ticker, "public/ticker", {"instrument_name": instrument_name})

    async def get_order_book(self, instrument_name: str, depth: int = 20) -> BookSnapshot:
        """Levels, best first."""
        return await self.call(
            BookSnapshot, "public/get_order_book", {"instrument_name": instrument_name, "depth": depth}
        )

    async def get_last_trades(self, instrument_name: str, count: int = 20) -> list[Trade]:
        """The newest public trades."""
        params = {"instrument_name": instrument_name, "count": count}
        return (await self.call(Trades, "public/get_last_trades_by_instrument", params)).trades

    # orders

    async def buy(
        self, instrument_name: str, amount: Exact | None, price: Exact | None = None, **terms: Any
    ) -> OrderResult:
        """Send a buy order; `terms` as in `order`."""
        return await self.order(BUY, instrument_name, amount, price, **terms)

    async def sell(
        self, instrument_name: str, amount: Exact | None, price: Exact | None = None, **terms: Any
    ) -> OrderResult:
        """Send a sell order; `terms` as in `order`."""
        return await self.order(SELL, instrument_name, amount, price, **terms)

    async def order(
        self,
        direction: str,
        instrument_name: str,
        amount: Exact | None,
        price: Exact | None = None,
        *,
        time_in_force: str | None = None,
        post_only: bool = False,
        slide: bool = False,
        reduce_only: bool = False,
        label: str | None = None,
        valid_until: int | None = None,
        **terms: Any,
    ) -> OrderResult:
        """Send an order: a limit order when it has or follows a price, else a market order with the venue's protection.

        Args:
            time_in_force: GOOD_TIL_CANCELLED (the default), GOOD_TIL_DAY, IMMEDIATE_OR_CANCEL or FILL_OR_KILL.
            post_only: never take: refused (11054) when it would trade at once, or with `slide` moved to the best
                price that does not.
            valid_until: ms by the exchange's clock; an order that arrives later is refused.
            label: up to 64 bytes, shown with the order; it finds the order again when its reply was lost.
            terms: any other parameter of private/buy by its name: type, trigger, trigger_price, trigger_offset,
                max_show, mmp, linked_order_type, otoco_config, x_peg, x_budget, x_client_order_id, ...

        Raises:
            HashbookError: for instance 20001 not_eligible with the rule in `data`, 10009 not enough funds.
            TypeError: a float for an amount or a price.
        """
        params: dict[str, Any] = {
            "instrument_name": instrument_name,
            "amount": None if amount is None else json_number(amount),
            "price": None if price is None else json_number(price),
            "type": MARKET if price is None and "x_peg" not in terms else LIMIT,
            "time_in_force": time_in_force,
            "label": label,
            "valid_until": valid_until,
            **{name: exact_json(value) for name, value in terms.items()},
        }
        if post_only:
            params |= {"post_only": True, "reject_post_only": not slide}
        if reduce_only:
            params["reduce_only"] = True
        return await self.call(OrderResult, f"private/{direction}", params)

    async def edit(
        self,
        order_id: str,
        amount: Exact,
        price: Exact | None = None,
        *,
        post_only: bool = False,
        trigger_price: Exact | None = None,
    ) -> OrderResult:
        """Change an order. `amount` is its new total, the part already filled included; what is None stays.

        Its place in the queue is kept only when the amount falls at the same price.
        """
        params: dict[str, Any] = {
            "order_id": order_id,
            "amount": json_number(amount),
            "price": None if price is None else json_number(price),
            "trigger_price": None if trigger_price is None else json_number(trigger_price),
        }
        if post_only:
            params |= {"post_only": True, "reject_post_only": True}
        return await self.call(OrderResult, "private/edit", params)

    async def cancel(self, order_id: str) -> Order:
        """Cancel one order; refused when it is not open any more."""
        return await self.call(Order, "private/cancel", {"order_id": order_id})

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; the number cancelled."""
        return await self.call(int, "private/cancel_all")

    async def cancel_all_by_instrument(self, instrument_name: str) -> int:
        """Cancel every open order in one instrument; the number cancelled."""
        return await self.call(int, "private/cancel_all_by_instrument", {"instrument_name": instrument_name})

    async def cancel_by_label(self, label: str) -> int:
        """Cancel every open order with this label; the number cancelled."""
        return await self.call(int, "private/cancel_by_label", {"label": label})

    async def mass_quote(
        self, quotes: list[dict[str, Any]], *, quote_id: str = "", mmp_group: str = "1"
    ) -> MassQuoteResult:
        """Set quotes in one request; each is `{instrument_name, bid: {price, amount}, ask: {price, amount}}`, and
        amount 0 withdraws a side. A bad one is in `errors` and leaves the others alone.

        Needs cancel-on-disconnect and, once, `set_mmp_config`.
        """
        params = {"quote_id": quote_id, "mmp_group": mmp_group, "quotes": exact_json(quotes), "detailed": True}
        return await self.call(MassQuoteResult, "private/mass_quote", params)

    async def cancel_quotes(self, instrument_name: str | None = None) -> int:
        """Withdraw the quotes of one instrument, or all; their number."""
        kind = "all" if instrument_name is None else "instrument"
        return await self.call(int, "private/cancel_quotes", {"cancel_type": kind, "instrument_name": instrument_name})

    async def get_auction(self, instrument_name: str) -> Auction:
        """Phase of a book, and in a call what would trade now."""
        return await self.call(Auction, "public/x/get_auction", {"instrument_name": instrument_name})

    async def get_order_state(self, order_id: str) -> Order:
        """One order, open or not."""
        return await self.call(Order, "private/get_order_state", {"order_id": order_id})

    async def get_open_orders(self, instrument_name: str | None = None) -> list[Order]:
        """Open orders of the account, or of one instrument."""
        if instrument_name is None:
            return await self.call(list[Order], "private/get_open_orders")
        params = {"instrument_name": instrument_name}
        return await self.call(list[Order], "private/get_open_orders_by_instrument", params)

    async def get_user_trades(self, instrument_name: str, count: int = 20) -> list[Trade]:
        """Our newest fills in one instrument."""
        params = {"instrument_name": instrument_name, "count": count}
        return (await self.call(Trades, "private/get_user_trades_by_instrument", params)).trades

    # account

    async def get_positions(self, currency: str = "any") -> list[Position]:
        """Positions in forwards; tokens are balances."""
        return await self.call(list[Position], "private/get_positions", {"currency": currency})

    async def get_account_summaries(self) -> list[AccountSummary]:
        """One row per currency or token held."""
        return (await self.call(AccountSummaries, "private/get_account_summaries")).summaries

    async def x_get_dividends(self, currency: str | None = None, count: int | None = None) -> list[Dividend]:
        """Mining rewards of the tokens held at each block's record time, newest first."""
        return await self.call(list[Dividend], "private/x/get_dividends", {"currency": currency, "count": count})

    async def x_get_eligibility(self, instrument_name: str | None = None) -> Any:
        """Which rules the account meets, and which one stands in the way; numbers are int or Decimal."""
        raw = await self.request("private/x/get_eligibility", {"instrument_name": instrument_name})
        return decode_anything(raw)

    # streams

    async def subscribe_tickers(self, instrument_names: list[str]) -> Subscription[Ticker]:
        """Tickers, at most one per 100 ms and instrument."""
        return await self.subscribe([f"ticker.{name}.100ms" for name in instrument_names], Ticker)

    async def subscribe_trades(self, instrument_name: str) -> Subscription[list[Trade]]:
        """Public trades of one instrument as they happen."""
        return await self.subscribe([f"trades.{instrument_name}.raw"], list[Trade])

    async def subscribe_user_orders(self) -> Subscription[Order]:
        """Every change of our orders."""
        return await self.subscribe(["user.orders.any.any.raw"], Order)

    async def subscribe_user_trades(self) -> Subscription[list[Trade]]:
        """Every fill of ours."""
        return await self.subscribe(["user.trades.any.any.raw"], list[Trade])
