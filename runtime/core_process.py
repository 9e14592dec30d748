"""The core as a process: recover, then run until told to stop.

Lives here: start and end of the core, its exit codes.
Does not know: what happens in between (core.py, sequencer.py).
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import uvloop

from domain.ensure import InvariantViolation
from runtime.config import Config, ConfigError, load_config, make_clock
from runtime.core import Core
from runtime.disk import Disk
from runtime.engine import Engine, Genesis, decode_genesis, encode_genesis, exchange_engine
from runtime.exits import EXIT_BUSY, EXIT_DISK, EXIT_INVARIANT, EXIT_JOURNAL_DAMAGED, EXIT_USAGE
from runtime.journal import JournalBusy, JournalWriter
from runtime.journal_reader import JournalDamaged
from runtime.process import die_with_parent, report, write_process_id
from runtime.recovery import recover
from runtime.sequencer import Sequencer
from runtime.snapshots import SnapshotStore

GIL_SWITCH_INTERVAL_S: Final = 0.0005  # the journal thread reports a sync after at most this
VENUE_ID_BYTES: Final = 16


async def serve(config: Config, engine: Engine, disk: Disk) -> int:
    """Recover, listen, and run until told to stop. Returns the exit code.

    Raises:
        JournalDamaged, JournalBusy, OSError, InvariantViolation: before anything was served.
    """
    genesis = Genesis(os.urandom(VENUE_ID_BYTES), config.limits)
    journal = JournalWriter(
        config.journal_folder, encode_genesis(genesis), segment_bytes=config.journal.segment_bytes, disk=disk
    )
    if journal.cut is not None:
        report("core", f"cut {journal.cut.size_bytes} bytes of an unfinished write: {journal.cut}")
    genesis = decode_genesis(journal.genesis)
    if genesis.limits != config.limits:
        report("core", "limits in the configuration differ from the journal's; the journal's count")
    recovered = recover(engine, config.journal_folder, SnapshotStore(config.snapshot_folder))
    for problem in recovered.problems:
        report("core", problem)
    clock = make_clock(config)
    clock.resume(recovered.machine.time_ns)
    sequencer = Sequencer(recovered.machine, engine.stamp_records, clock.now_ns, recovered.event_digest)
    core = Core(config, sequencer, journal, clock, genesis.venue_id)
    gc.collect()
    gc.freeze()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(core.receive_unexpected)
    server = await core.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, core.stop)
    report("core", f"at command {sequencer.sequence} ({recovered.replayed} replayed), {config.core_socket}")
    code = await core.finished
    server.close()
    core.close(code)
    await asyncio.sleep(0)
    return code


def main(
    arguments: Sequence[str] | None = None, *, engine: Engine | None = None, disk: Disk | None = None
) -> int:
    """Run a core on the configured home; the exit code says how it ended (exits.py)."""
    argparse.ArgumentParser(prog="core", description=main.__doc__).parse_args(arguments)
    try:
        config = load_config()
        die_with_parent()
        write_process_id(config.run_folder, "core")
        sys.setswitchinterval(GIL_SWITCH_INTERVAL_S)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(config, engine or exchange_engine(), disk or Disk()))
    except ConfigError as error:
        report("core", str(error))
        return EXIT_USAGE
    except JournalDamaged as error:
        report("core", f"journal damaged: {error}")
        return EXIT_JOURNAL_DAMAGED
    except InvariantViolation as violation:
        report("core", f"HALT while replaying: {violation}")
        return EXIT_INVARIANT
    except JournalBusy as error:
        report("core", str(error))
        return EXIT_BUSY
    except OSError as error:
        report("core", f"disk: {error}")
        return EXIT_DISK


if __name__ == "__main__":
    sys.exit(main())
