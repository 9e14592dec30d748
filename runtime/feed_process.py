"""The feed as a process: blocks, prices, pool reports and timers, sent to the core as commands.

Lives here: when which command is due. Does not know: what the core makes of it.
Blocks from a file or a node were checked here by the same chain rules as in the core; a refusal there changes nothing.
Theory of operation: a restart asks the core where it stands (tip, last cycle) and goes on from there; everything sent
twice is refused by the core without effect (known block, known report, known cycle).
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from clearing.chain import Checkpoint, HeaderChain
from clearing.headers import HEADER_BYTES, NETWORKS, header_hash
from domain import commands, reads
from domain.units import NS_PER_S
from gateway.core_link import CoreAway
from runtime.bitcoin_node import NodeBlockSource
from runtime.block_feed import FeedBlock, FeedProblem, FileBlockSource
from runtime.config import Config, ConfigError, load_config
from runtime.core_link import SocketCoreLink
from runtime.demo import (
    FIRST_HEIGHT,
    HEADERS_PATH,
    PRICES_PATH,
    RATES_PPM,
    REPORTS_PATH,
    TOTALS_PATH,
    price_at,
    read_prices,
    read_reports,
)
from runtime.exits import EXIT_CLEAN, EXIT_CORE_AWAY, EXIT_USAGE
from runtime.link_client import LinkRefused
from runtime.node_rpc import NodeRpc
from runtime.process import die_with_parent, report, write_process_id

TICK_S: Final = 0.05
MARKS_EVERY_NS: Final = 60 * NS_PER_S
CYCLE_EVERY_NS: Final = 8 * 3_600 * NS_PER_S  # variation margin at 00:00, 08:00 and 16:00 UTC
SCENARIOS_EVERY_NS: Final = 24 * 3_600 * NS_PER_S
NODE_POLL_S: Final = 2.0
REORG_BLOCKS: Final = 150  # blocks below the core's tip that are handed over again after a restart


class Feed:
    """Everything that the outside world and the clock tell the core."""

    def __init__(self, config: Config, link: SocketCoreLink) -> None:
        """Raises OSError, ValueError or BlockFileDamaged on unusable files."""
        self._config = config
        self._link = link
        self._blocks: FileBlockSource | None = None
        self._prices: list[tuple[int, int]] = []
        self._reports: dict[str, commands.PoolReport] = {}
        self._price = 0
        self._marks_at_ns = 0
        self._cycle_id = 0
        self._scenarios_version = 0
        self._resumed = False
        if config.feed.source == "file":
            headers = Path(config.feed.headers_path or HEADERS_PATH)
            self._blocks = FileBlockSource(headers, FIRST_HEIGHT, totals_path=TOTALS_PATH, after_height=FIRST_HEIGHT)
            self._prices = read_prices(PRICES_PATH)
            self._reports = read_reports(REPORTS_PATH)
        link.on_away = self._receive_away

    async def resume(self) -> None:
        """Ask the core where it stands. Raises CoreAway."""
        facts = await self._link.read(reads.ReadFacts())
        assert isinstance(facts, reads.FactsAnswer)
        if self._blocks is not None:
            self._blocks.resume(max(facts.tip_height, FIRST_HEIGHT))
        self._price, self._cycle_id = facts.price_micro_usdc, facts.cycle_id
        self._scenarios_version = facts.scenarios_version
        self._resumed = True

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                if not self._resumed and not self._link.away:
                    await self.resume()
                if self._resumed:
                    self.send_due(self._link.exchange_now_ns())
            except CoreAway as error:
                report("feed", f"waiting for the core: {error}")
                self._resumed = False
            await asyncio.sleep(TICK_S)

    def send_due(self, now_ns: int) -> None:
        """Blocks with their reports first, then prices, then timers. Raises CoreAway."""
        if self._blocks is not None:
            for block in self._blocks.take_due(now_ns):
                self.send_block(block)
            self._send_price(now_ns)
        self._send_timers(now_ns)

    def send_block(self, block: FeedBlock) -> None:
        """A block, and the pool's word on it if there is one."""
        total = -1 if block.coinbase_total_sat is None else block.coinbase_total_sat
        self._send(commands.BlockConnected(block.header, block.first_seen_ns, total))
        known = self._reports.get(header_hash(block.header).hex())
        if known is not None:
            self._send(known)

    def _send_price(self, now_ns: int) -> None:
        price = price_at(self._prices, now_ns // NS_PER_S)
        if price != self._price:
            self._price = price
            self._send(commands.SetPrice(price, "synthetic", 0))

    def _send_timers(self, now_ns: int) -> None:
        if now_ns < self._marks_at_ns:
            return
        self._marks_at_ns = now_ns - now_ns % MARKS_EVERY_NS + MARKS_EVERY_NS
        self._send(commands.AdvanceTime())
        self._send(commands.UpdateMarks())
        if (cycle_id := now_ns // CYCLE_EVERY_NS) > self._cycle_id:
            self._cycle_id = cycle_id
            self._send(commands.RunVariationMargin(cycle_id))
        if (version := now_ns // SCENARIOS_EVERY_NS) > self._scenarios_version:
            self._scenarios_version = version
            self._send(commands.SetScenarios(version, RATES_PPM))

    def _send(self, command: commands.ColdCommand) -> None:
        self._link.send_commands(commands.cold(command))

    def _receive_away(self) -> None:
        self._resumed = False


def node_source(config: Config, feed: Feed, link: SocketCoreLink, tip_height: int) -> NodeBlockSource:
    """The source that asks a Bitcoin node. Raises ConfigError or OSError on unusable settings."""
    settings = config.feed
    host, _, port = settings.node_url.removeprefix("http://").partition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"feed.node_url {settings.node_url!r} is not http://host:port")
    user, _, password = Path(settings.node_credentials_path).read_text(encoding="utf-8").strip().partition(":")
    chain = HeaderChain(NETWORKS[settings.network], checkpoint_of(config))

    def on_problem(problem: FeedProblem) -> None:
        report("feed", f"node {problem.kind}: {problem.detail} ({problem.failures} in a row)")

    rpc = NodeRpc(host, int(port), user=user, password=password)
    return NodeBlockSource(
        rpc, chain, feed.send_block, on_problem,
        now_ns=link.exchange_now_ns, deliver_above=tip_height - REORG_BLOCKS, poll_interval_s=NODE_POLL_S,
    )  # fmt: skip


def checkpoint_of(config: Config) -> Checkpoint:
    """The first header that is trusted. Raises ConfigError if it is none."""
    settings = config.feed
    try:
        header = bytes.fromhex(settings.checkpoint_header)
    except ValueError as error:
        raise ConfigError(f"feed.checkpoint_header: {error}") from error
    if len(header) != HEADER_BYTES:
        raise ConfigError(f"feed.checkpoint_header has {len(header)} bytes, a header has {HEADER_BYTES}")
    return Checkpoint(settings.checkpoint_height, header, settings.checkpoint_epoch_time_s)


async def follow_node(config: Config, feed: Feed, link: SocketCoreLink, stop: asyncio.Event) -> None:
    """Start the core's chain at the checkpoint if it has none, then follow the node."""
    facts = await link.read(reads.ReadFacts())
    assert isinstance(facts, reads.FactsAnswer)
    if facts.tip_height < 0:
        start = checkpoint_of(config)
        link.send_commands(
            commands.cold(
                commands.StartChain(config.feed.network, start.height, start.header, start.epoch_first_time_s)
            )
        )
    await node_source(config, feed, link, facts.tip_height).run(stop)


async def _serve(config: Config) -> None:
    link = SocketCoreLink(config.core_socket, role="source")
    await link.open()
    feed = Feed(config, link)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [loop.create_task(feed.run()), loop.create_task(stop.wait()), loop.create_task(link.wait_ended())]
    if config.feed.source == "node":
        tasks.append(loop.create_task(follow_node(config, feed, link, stop)))
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    link.close()
    for task in done:
        task.result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the feed of the configured home; the exit code says how it ended (exits.py)."""
    argparse.ArgumentParser(prog="feed", description=main.__doc__).parse_args(arguments)
    try:
        config = load_config()
        die_with_parent()
        write_process_id(config.run_folder, "feed")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(config))
        return EXIT_CLEAN
    except (ConfigError, LinkRefused, ValueError, OSError) as error:
        report("feed", str(error))
        return EXIT_USAGE
    except CoreAway as error:
        report("feed", str(error))
        return EXIT_CORE_AWAY


if __name__ == "__main__":
    sys.exit(main())
