"""A node on loopback that answers as a Bitcoin node would, or lies as told.

Lives here: a minimal HTTP server over blocks made by the header mill, with one switch per kind of lie.
Does not know: the source under test.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from clearing.headers import header_hash

AUTHORIZATION = "Basic dXNlcjpwYXNz"  # user:pass


class FakeNode:
    """Blocks by height, oldest first (genesis not included), and how to answer.

    `lie` maps a method to a function that replaces its result; `raw_answer` replaces the whole HTTP answer.
    """

    def __init__(self, genesis: bytes, blocks: list[bytes]) -> None:
        self.genesis = genesis
        self.blocks = blocks
        self.lie: dict[str, Callable[[list[object], object], object]] = {}
        self.raw_answer: bytes | None = None
        self.delay_s = 0.0
        self.calls: list[str] = []
        self.port = 0

    def answer(self, method: str, params: list[object]) -> object:
        """The result, or an Exception for an error reply."""
        chain = [self.genesis, *self.blocks]
        by_hash = {header_hash(block[:80]).hex(): block for block in chain}
        result: object
        match method:
            case "getbestblockhash":
                result = header_hash(chain[-1][:80]).hex()
            case "getblockcount":
                result = len(chain) - 1
            case "getblockhash":
                result = header_hash(chain[int(str(params[0]))][:80]).hex()
            case "getblockheader" | "getblock":
                block = by_hash.get(str(params[0]))
                if block is None:
                    return LookupError("Block not found")
                result = (block[:80] if method == "getblockheader" else block).hex()
            case _:
                return LookupError("Method not found")
        return self.lie[method](params, result) if method in self.lie else result

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            request = json.loads(await reader.readexactly(length))
            self.calls.append(request["method"])
            await asyncio.sleep(self.delay_s)
            writer.write(self._reply(request, authorized=AUTHORIZATION.lower() in head))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client hung up: it may, and the test looks at the client
        finally:
            writer.close()

    def _reply(self, request: dict[str, object], *, authorized: bool) -> bytes:
        if self.raw_answer is not None:
            return self.raw_answer
        if not authorized:
            return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        params = request["params"]
        assert isinstance(params, list)
        result = self.answer(str(request["method"]), params)
        failed = isinstance(result, Exception)
        reply = {
            "result": None if failed else result,
            "error": {"code": -5, "message": str(result)} if failed else None,
            "id": request["id"],
        }
        body = json.dumps(reply).encode()
        status = b"500 Internal Server Error" if failed else b"200 OK"
        return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["FakeNode"]:
        """Serve on a loopback port while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
