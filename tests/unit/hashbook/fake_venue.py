"""A venue of a few methods on a loopback websocket, for tests: it can refuse, stay silent, answer late, hang up.

Lives here: orders that rest and never match, channels, logins with a verified signature.
Does not know: matching, money; what the real venue does is tested with the real venue.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from hashbook.credentials import sign

CLIENT_ID, CLIENT_SECRET = "key-1", "secret-1"
DEADLINE_S = 20


class Refuse(Exception):
    """Answer with an error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.body = {"code": code, "message": message} | ({} if data is None else {"data": data})


class Silence(Exception):
    """Do not answer at all."""


def instrument(name: str, kind: str, base: str, quote: str, *, tick: str, step: str, expires_ms: int = 0) -> dict:
    return {
        "instrument_name": name,
        "kind": kind,
        "base_currency": base,
        "quote_currency": quote,
        "tick_size": Decimal(tick),
        "min_trade_amount": Decimal(step),
        "expiration_timestamp": expires_ms,
        "is_active": True,
    }


NOW_MS = 1_703_300_000_000
INSTRUMENTS = [
    instrument("BTC_USDC", "spot", "BTC", "USDC", tick="0.01", step="0.0001"),
    instrument("TH1A_BTC", "spot", "TH1A", "BTC", tick="0.00000001", step="1"),
    instrument("HPU_USDC-31JAN24", "future", "HPU", "USDC", tick="0.01", step="31", expires_ms=1_706_659_200_000),
]


class FakeVenue:
    """State and scripts of the server; `answers` overrides one method each."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.connections: list[ServerConnection] = []
        self.requests: list[tuple[str, dict]] = []
        self.channels: dict[ServerConnection, set[str]] = {}
        self.answers: dict[str, Callable[[dict], Any]] = {}
        self.after: dict[str, Callable[[], Awaitable[None]]] = {}  # run once a method has been answered with a result
        self.held: dict[str, asyncio.Event] = {}  # replies of a method wait for this
        self.unknown_channels: set[str] = set()
        self.instruments = [dict(row) for row in INSTRUMENTS]
        self.index = {
            "BTC_USDC": Decimal(43_000),
            "TH1A_BTC": Decimal("0.00140000"),
            "HPU_USDC-31JAN24": Decimal("85.00"),
        }
        self.balances = {"BTC": Decimal(1000), "USDC": Decimal(100_000_000), "TH1A": Decimal(500_000)}
        self.positions: dict[str, Decimal] = {}
        self.orders: dict[str, dict] = {}
        self.cancel_on_disconnect = False

    @property
    def url(self) -> str:
        assert self.server is not None
        port = next(iter(self.server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/ws/api/v2"

    def methods(self) -> list[str]:
        return [method for method, _ in self.requests]

    def open_orders(self) -> list[dict]:
        return [order for order in self.orders.values() if order["order_state"] == "open"]

    async def hang_up(self) -> None:
        """Every connection ends without a goodbye."""
        for connection in list(self.connections):
            connection.transport.abort()
            await connection.wait_closed()

    async def push(self, channel: str, data: Any) -> None:
        for connection, channels in list(self.channels.items()):
            if channel in channels:
                await send(connection, {"method": "subscription", "params": {"channel": channel, "data": data}})

    async def push_ticker(self, name: str) -> None:
        await self.push(f"ticker.{name}.100ms", self._ticker(name))

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.channels[connection] = set()
        replies: set[asyncio.Task] = set()
        try:
            async for frame in connection:
                request = json.loads(frame, parse_float=Decimal)
                self.requests.append((request["method"], request.get("params", {})))
                if request["method"] in self.held:  # answered later, while others overtake it
                    replies.add(asyncio.create_task(self._reply_when_let(connection, request)))
                else:
                    await self._reply(connection, request)
        except ConnectionClosed:
            return  # hung up by a test
        finally:
            for reply in replies:
                reply.cancel()
            self.connections.remove(connection)
            del self.channels[connection]
            if self.cancel_on_disconnect:
                for order in self.open_orders():
                    order["order_state"] = "cancelled"

    async def _reply_when_let(self, connection: ServerConnection, request: dict) -> None:
        await self.held[request["method"]].wait()
        await self._reply(connection, request)

    async def _reply(self, connection: ServerConnection, request: dict) -> None:
        method, params = request["method"], request.get("params", {})
        changed: list[dict] = []
        try:
            result = self._result(connection, method, params, changed)
        except Refuse as refusal:
            await send(connection, {"id": request["id"], "error": refusal.body})
        except Silence:
            return
        else:
            await send(connection, {"id": request["id"], "result": result, "usIn": 1, "usOut": 2, "usDiff": 1})
            for order in changed:
                await self.push("user.orders.any.any.raw", order)
            if method in self.after:
                await self.after[method]()

    def _result(self, connection: ServerConnection, method: str, params: dict, changed: list[dict]) -> Any:
        if method in self.answers:
            return self.answers[method](params)
        match method:
            case "public/auth":
                return login(params)
            case "public/test":
                return {"version": "1"}
            case "public/set_heartbeat" | "private/enable_cancel_on_disconnect":
                return "ok"
            case "public/subscribe" | "private/subscribe":
                accepted = [channel for channel in params["channels"] if channel not in self.unknown_channels]
                self.channels[connection].update(accepted)
                return accepted
            case "public/unsubscribe" | "private/unsubscribe":
                self.channels[connection].difference_update(params["channels"])
                return params["channels"]
            case "public/get_instruments":
                return self.instruments
            case "public/ticker":
                return self._ticker(params["instrument_name"])
            case "private/get_positions":
                return [
                    {"instrument_name": name, "direction": "buy" if size > 0 else "sell", "size": size}
                    for name, size in self.positions.items()
                ]
            case "private/get_account_summaries":
                rows = self.balances.items()
                summary = [{"currency": c, "balance": b, "equity": b, "available_funds": b} for c, b in rows]
                return {"summaries": summary}
            case "private/get_open_orders":
                return self.open_orders()
            case "private/buy" | "private/sell":
                order = self._new_order(method.removeprefix("private/"), params)
                changed.append(order)
                return {"order": dict(order), "trades": []}
            case "private/edit":
                order = self._open_order(params)
                order |= {"amount": params["amount"], "price": params["price"]}
                changed.append(order)
                return {"order": dict(order), "trades": []}
            case "private/cancel":
                order = self._open_order(params)
                order["order_state"] = "cancelled"
                changed.append(order)
                return dict(order)
            case "private/cancel_all":
                mine = self.open_orders()
                for order in mine:
                    order["order_state"] = "cancelled"
                return len(mine)
        raise Refuse(-32601, "Method not found")

    def _new_order(self, direction: str, params: dict) -> dict:
        order = {
            "order_id": f"O-{len(self.orders) + 1}",
            "instrument_name": params["instrument_name"],
            "direction": direction,
            "order_type": params["type"],
            "order_state": "open",
            "amount": params["amount"],
            "price": params.get("price", "market_price"),
            "filled_amount": 0,
            "label": params.get("label", ""),
            "post_only": params.get("post_only", False),
        }
        self.orders[order["order_id"]] = order
        return order

    def _open_order(self, params: dict) -> dict:
        order = self.orders.get(params["order_id"])
        if order is None or order["order_state"] != "open":
            raise Refuse(11044, "not_open_order")
        return order

    def _ticker(self, name: str) -> dict:
        return {
            "instrument_name": name,
            "timestamp": NOW_MS,
            "index_price": self.index[name],
            "mark_price": self.index[name],
            "state": "open",
        }


def login(params: dict) -> dict:
    if params["grant_type"] == "client_signature":
        expected = sign(
            CLIENT_SECRET, timestamp_ms=params["timestamp"], nonce=params["nonce"], data=params.get("data", "")
        )
        good = params["signature"] == expected
    else:
        good = params["client_secret"] == CLIENT_SECRET
    if not good or params["client_id"] != CLIENT_ID:
        raise Refuse(13004, "invalid_credentials")
    return {"access_token": "t", "refresh_token": "r", "expires_in": 900, "scope": "connection", "token_type": "bearer"}


class PlainNumbers(json.JSONEncoder):
    """Decimals go out as JSON numbers with all their digits: `12.50` stays `12.50`."""

    def iterencode(self, o: Any, _one_shot: bool = False) -> Any:
        return super().iterencode(mark_decimals(o), _one_shot)


def mark_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"\x00{value:f}\x00"
    if isinstance(value, dict):
        return {name: mark_decimals(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [mark_decimals(part) for part in value]
    return value


def encode(message: Any) -> str:
    text = json.dumps({"jsonrpc": "2.0"} | message, cls=PlainNumbers)
    return text.replace('"\\u0000', "").replace('\\u0000"', "")


async def send(connection: ServerConnection, message: dict) -> None:
    try:
        await connection.send(encode(message))
    except ConnectionClosed:
        return  # the client left first


@asynccontextmanager
async def fake_venue() -> AsyncIterator[FakeVenue]:
    """A running venue; ends with its connections."""
    venue = FakeVenue()
    venue.server = await serve(venue.handle, "127.0.0.1", 0, compression=None, close_timeout=1)
    try:
        yield venue
    finally:
        venue.server.close()
        await venue.server.wait_closed()


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until it holds; the deadline fails the test and says what was waited for."""
    for _ in range(DEADLINE_S * 100):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never happened within {DEADLINE_S} s: {what}")


def run(scenario: Callable[[FakeVenue], Awaitable[None]]) -> None:
    """One scenario against a venue of its own, within the deadline."""

    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE_S * 2), fake_venue() as venue:
            await scenario(venue)

    asyncio.run(bounded())
