"""A bare websocket echo: the least a Python gateway on these libraries can do per message.

    python -m benchmarks.load.echo_server          prints its port, serves until its standard input closes

Lives here: `websockets`' sans-I/O protocol under one asyncio protocol on uvloop, the same shape as the real gateway.
Does not know: JSON, sessions, orders.
"""

import asyncio
import sys
from typing import cast

import uvloop
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol


class Echo(asyncio.Protocol):
    """One connection: upgrade, then every text frame goes back as it came, those of one read in one write."""

    def __init__(self) -> None:
        self.protocol = ServerProtocol()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer everything that is whole in `data`."""
        protocol, transport = self.protocol, self.transport
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
            elif event.opcode is Opcode.TEXT:
                protocol.send_text(event.data)
        transport.write(b"".join(protocol.data_to_send()))
        if protocol.close_expected():
            transport.close()


async def serve() -> None:
    """Serve on a free loopback port until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
