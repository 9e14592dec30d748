"""A small JSON-RPC client for a Bitcoin node, every answer bounded in time and size.

Lives here: one HTTP request per call (h11 over asyncio streams, basic auth), and the errors that can come of it.
Does not know: what the answers mean, whether they are true, retries.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

import h11
import msgspec

from runtime.block_feed import ProblemKind

READ_BYTES: Final = 65_536
BODY_BYTES_MAX: Final = 10_000_000  # a block of 4,000,000 weight units is at most 8,000,000 hex digits
HTTP_UNAUTHORIZED: Final = (401, 403)


class NodeProblem(Exception):
    """The node did not answer as it should. `kind` says how; nothing of the answer may be used."""

    def __init__(self, kind: ProblemKind, detail: str, reject_code: int = 0) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail
        self.reject_code = reject_code


class RpcError(NodeProblem):
    """The node answered with an error of its own, e.g. an unknown block."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(ProblemKind.RPC_ERROR, f"{message} ({code})")
        self.code = code


class _ErrorBody(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Reply(msgspec.Struct):
    result: Any = None
    error: _ErrorBody | None = None
    id: int | str | None = None


class NodeRpc:
    """Calls methods of one node. Safe to use from one task at a time."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str = "",
        password: str = "",
        timeout_s: float = 10.0,
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> None:
        """Nothing is opened before the first call.

        Args:
            timeout_s: for a whole call: connect, send, receive.
            body_bytes_max: longer answers are cut off and refused.
        """
        self._host = host
        self._port = port
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._timeout_s = timeout_s
        self._body_bytes_max = body_bytes_max
        self._calls = 0

    async def call(self, method: str, *params: object) -> Any:
        """The result of a method.

        Raises:
            NodeProblem: unavailable, slow, refused or malformed; RpcError when the node itself reports an error.
        """
        self._calls += 1
        request = msgspec.json.encode({"jsonrpc": "1.0", "id": self._calls, "method": method, "params": params})
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._exchange(request)
        except TimeoutError as error:
            raise NodeProblem(ProblemKind.SLOW, f"{method}: no answer within {self._timeout_s} s") from error
        except OSError as error:
            raise NodeProblem(ProblemKind.UNAVAILABLE, f"{self._host}:{self._port}: {error}") from error
        except h11.RemoteProtocolError as error:
            raise NodeProblem(ProblemKind.MALFORMED, f"{method}: {error}") from error
        return self._result(method, status, body)

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """One request, one answer, one connection: no state of an earlier call can leak into the next."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            connection = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", f"{self._host}:{self._port}"),
                ("Authorization", self._authorization),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(request))),
                ("Connection", "close"),
            ]
            head = connection.send(h11.Request(method="POST", target="/", headers=headers))
            body = connection.send(h11.Data(data=request))
            end = connection.send(h11.EndOfMessage())
            writer.write((head or b"") + (body or b"") + (end or b""))
            await writer.drain()
            return await self._receive(connection, reader)
        finally:
            writer.close()

    async def _receive(self, connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        status = 0
        body = bytearray()
        answered = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(READ_BYTES)
                if not data and not answered:
                    raise NodeProblem(ProblemKind.UNAVAILABLE, "connection closed without an answer")
                answered = True
                connection.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._body_bytes_max:
                    raise NodeProblem(ProblemKind.MALFORMED, f"answer longer than {self._body_bytes_max} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return status, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise NodeProblem(ProblemKind.MALFORMED, "connection closed inside the answer")

    def _result(self, method: str, status: int, body: bytes) -> Any:
        if status in HTTP_UNAUTHORIZED:
            raise NodeProblem(ProblemKind.REFUSED, f"{method}: HTTP {status}, check user and password")
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (ValueError, RecursionError) as error:  # bad JSON, bad UTF-8, absurd nesting
            raise NodeProblem(ProblemKind.MALFORMED, f"{method}: HTTP {status}: {error}") from error
        if reply.error is not None:
            raise RpcError(reply.error.code, f"{method}: {reply.error.message}")
        if reply.id != self._calls:
            raise NodeProblem(ProblemKind.MALFORMED, f"{method}: answer to another request")
        return reply.result
