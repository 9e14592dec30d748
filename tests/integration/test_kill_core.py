"""Goal: kill -9 of the core at random moments under load loses no acknowledged command and doubles none. Method: a real
core with the toy machine, a client that keeps a window of commands open and remembers every acknowledgement."""

import random
import threading
import time
from pathlib import Path

import pytest

from domain.events import CommandApplied, decode_events
from runtime.audit import verify_lines
from runtime.config import Config
from runtime.disk import Disk
from runtime.exits import EXIT_CLEAN
from runtime.journal_reader import JournalCursor
from runtime.link_frames import FrameType
from runtime.snapshots import SnapshotStore
from tests.integration.core_harness import Child, LinkUser, small_config, wait_until_listening
from tests.unit.runtime.toy import TOY, ToyMachine, order

CORE = "tests.integration.toy_core"
BATCH = 10
WINDOW = 4  # batches under way
LEAST_RATE = 2_000  # acknowledged per second at the moment of the kill


def acknowledgements(link: LinkUser) -> dict[int, int]:
    """Of the client's commands; the venue's own have no request number."""
    return {event.request: event.sequence for event in link.receive_applied() if event.request}


def load_until_killed(config: Config, core: Child, first_request: int, kill_after_s: float) -> dict[int, int]:
    """Send until the core is gone; acknowledged request -> sequence."""
    link = LinkUser(config.core_socket, "feed")
    acknowledged: dict[int, int] = {}
    killer = threading.Timer(kill_after_s, core.process.kill)
    sent = first_request
    try:
        link.send(FrameType.COMMANDS, order(sent))  # the timer starts when the core is warm
        sent += 1
        while not acknowledged:
            acknowledged |= acknowledgements(link)
        killer.start()
        while True:
            while sent - first_request - len(acknowledged) < BATCH * WINDOW:
                link.send(FrameType.COMMANDS, b"".join(order(sent + number) for number in range(BATCH)))
                sent += BATCH
            acknowledged |= acknowledgements(link)
    except ConnectionError:
        return acknowledged
    finally:
        killer.join()
        core.process.wait(10)
        link.close()


def journaled(config: Config) -> dict[int, list[int]]:
    """Request -> sequences of its commands, from a replay of the whole journal; checks that replay as it goes."""
    machine = ToyMachine.create(config.limits)
    found: dict[int, list[int]] = {}
    for group in JournalCursor(config.journal_folder, Disk()).groups():
        for event in decode_events(machine.apply(group.records)):
            assert isinstance(event, CommandApplied)
            if event.request:
                found.setdefault(event.request, []).append(event.sequence)
    return found


def run_rounds(config: Config, rounds: int, seed: int) -> None:
    choose = random.Random(seed)
    all_acknowledged: dict[int, int] = {}
    next_request = 1
    for round_number in range(rounds):
        with Child(config.home_path, CORE) as core:
            wait_until_listening(core, config)
            kill_after_s = choose.uniform(0.02, 0.25)
            acknowledged = load_until_killed(config, core, next_request, kill_after_s)
        rate = len(acknowledged) / kill_after_s
        print(f"round {round_number}: killed after {kill_after_s:.3f} s, {len(acknowledged)} acked, {rate:.0f}/s")
        assert rate >= LEAST_RATE or kill_after_s < 0.1, f"no load at the kill: {rate:.0f}/s (seed {seed})"
        all_acknowledged |= acknowledged
        next_request += 1_000_000
    found = journaled(config)
    for request, sequence in all_acknowledged.items():
        assert [sequence] == found.get(request), f"request {request} (seed {seed})"
    assert all(len(sequences) == 1 for sequences in found.values())
    lines = list(verify_lines(config, TOY))
    assert any(line.startswith("ok invariants") for line in lines), lines
    assert len(all_acknowledged) > rounds * 100


def test_no_acknowledged_command_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    run_rounds(small_config(tmp_path), rounds=8, seed=time.time_ns() % 100_000)


@pytest.mark.slow
def test_no_acknowledged_command_is_lost_or_doubled_by_fifty_kills(tmp_path: Path) -> None:
    """With a follower that writes snapshots all the while, so that recovery starts from them."""
    config = small_config(tmp_path)
    with Child(tmp_path, "tests.integration.toy_follower") as follower:
        run_rounds(config, rounds=50, seed=time.time_ns() % 100_000)
        assert EXIT_CLEAN == follower.stop(), follower.log_text()
    assert SnapshotStore(config.snapshot_folder).paths()
