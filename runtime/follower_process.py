"""The follower as a process: hears from the core how far it may read, and keeps at it.

Lives here: the asyncio shell around follower.py: link, pacing of snapshots, start and end.
Does not know: how to follow, what is in the history.
"""

import argparse
import asyncio
import signal
import sqlite3
import sys
from collections.abc import Sequence

import uvloop

from domain.ensure import InvariantViolation
from domain.rejects import RejectCode
from runtime.config import Config, ConfigError, load_config
from runtime.engine import Engine, exchange_engine
from runtime.exits import EXIT_CLEAN, EXIT_DIGEST_MISMATCH, EXIT_DISK, EXIT_INVARIANT, EXIT_JOURNAL_DAMAGED, EXIT_USAGE
from runtime.follower import DigestMismatch, Follower
from runtime.history import HistoryMismatch
from runtime.journal_reader import JournalDamaged, segment_paths
from runtime.link_client import LinkClient, LinkRefused
from runtime.link_frames import Frame, Status, Welcome
from runtime.process import die_with_parent, report, write_process_id, yield_to_others

JOURNAL_POLL_S = 0.05
FOLLOWER_NICENESS = 10  # clients wait for the core and the gateway, not for history


class FollowerShell:
    """Runs a follower on an event loop."""

    def __init__(self, config: Config, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._status: Status | None = None
        self._news = asyncio.Event()
        self._stopping = False
        self._client = LinkClient(
            config.core_socket,
            "follower",
            on_welcome=self._receive_welcome,
            on_status=self._receive_status,
            on_frame=self._receive_frame,
            on_away=self._receive_away,
        )

    async def run(self) -> None:
        """Follow until told to stop. Raises what Follower raises, and LinkRefused."""
        while not segment_paths(self._config.journal_folder):  # the core has not made its journal yet
            if self._stopping:
                return
            await asyncio.sleep(JOURNAL_POLL_S)
        follower = Follower(self._config, self._engine)
        for problem in follower.problems:
            report("follower", problem)
        report("follower", f"from command {follower.sequence}, history at {follower.history.sequence}")
        link = asyncio.create_task(self._client.run())
        try:
            await self._follow(follower, link)
        finally:
            link.cancel()
            self._client.close()
            follower.close()

    def stop(self) -> None:
        """End after the present step."""
        self._stopping = True
        self._news.set()

    async def _follow(self, follower: Follower, link: "asyncio.Task[None]") -> None:
        loop = asyncio.get_running_loop()
        snapshot_at = loop.time() + self._config.snapshots.every_s
        while not self._stopping:
            caught_up = self._status is None or follower.step(self._status)
            for sequence, code in follower.history.take_refusals():
                report("follower", f"the venue's own command {sequence} was refused: {RejectCode(code).name}")
            behind_snapshot = follower.sequence - follower.snapshot_sequence
            due = behind_snapshot >= self._config.snapshots.every_commands or loop.time() >= snapshot_at
            if due and caught_up:
                if behind_snapshot:
                    follower.check_invariants()
                    report("follower", f"snapshot at command {follower.write_snapshot()}")
                snapshot_at = loop.time() + self._config.snapshots.every_s
            if link.done():
                await link  # refused for good
            if caught_up:
                await self._wait_for_news(snapshot_at - loop.time())
            else:
                await asyncio.sleep(0)  # let the link be read

    async def _wait_for_news(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, min(at_most_s, 1.0))):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def _receive_welcome(self, welcome: Welcome) -> None:
        report("follower", f"core is at command {welcome.sequence}")

    def _receive_status(self, status: Status) -> None:
        self._status = status
        self._news.set()

    def _receive_frame(self, frame: Frame) -> None:
        report("follower", f"unexpected {frame.type.name} frame ignored")

    def _receive_away(self, reason: str) -> None:
        # What the core last called durable stays readable; nothing beyond it is touched until it is back.
        report("follower", f"core away: {reason}")


async def _serve(config: Config, engine: Engine) -> None:
    shell = FollowerShell(config, engine)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shell.stop)
    await shell.run()


def main(arguments: Sequence[str] | None = None, *, engine: Engine | None = None) -> int:
    """Run a follower on the configured home; the exit code says how it ended (exits.py)."""
    argparse.ArgumentParser(prog="follower", description=main.__doc__).parse_args(arguments)
    try:
        config = load_config()
        die_with_parent()
        write_process_id(config.run_folder, "follower")
        yield_to_others(FOLLOWER_NICENESS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(config, engine or exchange_engine()))
        return EXIT_CLEAN
    except (ConfigError, LinkRefused) as error:
        report("follower", str(error))
        return EXIT_USAGE
    except (JournalDamaged, HistoryMismatch) as error:
        report("follower", f"stopped: {error}")
        return EXIT_JOURNAL_DAMAGED
    except DigestMismatch as error:
        report("follower", f"ALARM: {error}")
        return EXIT_DIGEST_MISMATCH
    except InvariantViolation as violation:
        report("follower", f"ALARM: invariant: {violation}")
        return EXIT_INVARIANT
    except (OSError, sqlite3.Error) as error:
        report("follower", f"disk: {error}")
        return EXIT_DISK


if __name__ == "__main__":
    sys.exit(main())
