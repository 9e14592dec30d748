"""The gateway as a process: a link to the core, the history, and the clients' door.

Lives here: start and end.
Does not know: how clients speak (gateway/), how the core decides.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from typing import Final

import uvloop

from gateway.config import GatewayConfig
from gateway.core_link import CoreAway
from gateway.ws_server import serve
from runtime.clock import wall_ns
from runtime.config import Config, ConfigError, load_config
from runtime.core_link import SocketCoreLink
from runtime.exits import EXIT_BUSY, EXIT_CLEAN, EXIT_CORE_AWAY, EXIT_USAGE
from runtime.history_reader import SqliteHistoryReader
from runtime.link_client import LinkRefused
from runtime.process import calm_collector, die_with_parent, report, write_process_id

KEYS_NAME: Final = "keys.json"
PORT_NAME: Final = "gateway.port"


async def _serve(config: Config) -> None:
    link = SocketCoreLink(config.core_socket)
    await link.open()
    history = SqliteHistoryReader(config.history_path)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    settings = GatewayConfig(
        keys_path=str(config.home_path / KEYS_NAME), host=config.host, port=config.port
    )
    server = await serve(settings, link, history, wall_ns)
    (config.run_folder / PORT_NAME).write_text(f"{server.port}\n", encoding="ascii")
    calm_collector()
    report("gateway", f"listening on {config.host}:{server.port}")
    ended = loop.create_task(link.wait_ended())
    stopped = loop.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            await ended
    finally:
        await server.close()
        link.close()
        stopped.cancel()
        history.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a gateway on the configured home; the exit code says how it ended (exits.py)."""
    argparse.ArgumentParser(prog="gateway", description=main.__doc__).parse_args(arguments)
    try:
        config = load_config()
        die_with_parent()
        write_process_id(config.run_folder, "gateway")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(config))
        return EXIT_CLEAN
    except (ConfigError, LinkRefused) as error:
        report("gateway", str(error))
        return EXIT_USAGE
    except CoreAway as error:
        report("gateway", str(error))
        return EXIT_CORE_AWAY
    except OSError as error:
        report("gateway", f"cannot listen or read its files: {error}")
        return EXIT_BUSY


if __name__ == "__main__":
    sys.exit(main())
