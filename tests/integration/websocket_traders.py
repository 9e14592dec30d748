"""Alice and Bob over real websockets, before a gateway with the real core in this process's event loop.

Lives here: one trader's requests and notifications, and the frame of a scenario. Does not know: what is tried.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from gateway.config import GatewayConfig
from gateway.ws_server import Server, serve
from tests.unit.gateway.inprocess import SECRET, InProcessLink, write_keys

TIMEOUT_S = 20
TOKEN, FORWARD = "TH1A_USDC", "HPU_USDC-31JAN24"
ORDERS = "user.orders.any.any.raw"


class Trader:
    """One websocket; notifications are kept by channel."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.notes: dict[str, list[Any]] = {}
        self._id = 0

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A request; its whole reply."""
        self._id += 1
        await self.socket.send(json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(await self.socket.recv())
            if message.get("id") == self._id:
                return message
            note = message["params"]
            self.notes.setdefault(note["channel"], []).append(note["data"])

    async def result(self, method: str, **params: Any) -> Any:
        """A request that must succeed; everything that was sent before its reply is in `notes`."""
        reply = await self.call(method, **params)
        assert "error" not in reply, reply
        return reply["result"]

    async def error(self, method: str, **params: Any) -> dict[str, Any]:
        """A request that must be refused."""
        reply = await self.call(method, **params)
        assert "error" in reply, reply
        error: dict[str, Any] = reply["error"]
        return error

    async def place(self, side: str, amount: Any, price: Any = None, **more: Any) -> dict[str, Any]:
        """An order in the token that must be taken."""
        params = {"instrument_name": TOKEN, "amount": amount, **({} if price is None else {"price": price}), **more}
        result: dict[str, Any] = await self.result(f"private/{side}", **params)
        return result

    async def states(self, order_id: str) -> list[str]:
        """States of an order as its owner was told, oldest first."""
        await self.result("public/test")
        return [order["order_state"] for order in self.notes.get(ORDERS, []) if order["order_id"] == order_id]


Body = Callable[[Server, InProcessLink, Trader, Trader], Awaitable[None]]


def run(folder: Path, body: Body) -> None:
    """Run a scenario between Alice and Bob, bounded in time."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def soon(function: Callable[[], None]) -> None:
            loop.call_soon(function)

        link = InProcessLink(soon)
        server = await serve(GatewayConfig(keys_path=str(write_keys(folder)), port=0), link, link.history, time.time_ns)
        url = f"ws://127.0.0.1:{server.port}/ws/api/v2"
        try:
            async with connect(url, compression=None) as one, connect(url, compression=None) as other:
                traders = Trader(one), Trader(other)
                for name, trader in zip(("alice", "bob"), traders, strict=True):
                    params = {"grant_type": "client_credentials", "client_id": f"key-{name}"}
                    await trader.result("public/auth", **params, client_secret=SECRET + name)
                    await trader.result("private/subscribe", channels=[ORDERS])
                await asyncio.wait_for(body(server, link, *traders), TIMEOUT_S)
        finally:
            await server.close()

    asyncio.run(main())
