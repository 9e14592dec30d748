"""Goal: the follower agrees with the core, writes snapshots and history, and says when it does not agree. Method: real
processes with the toy machine; a machine made to disagree; kills."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from runtime.audit import verify_lines
from runtime.config import Config
from runtime.exits import EXIT_CLEAN, EXIT_DIGEST_MISMATCH, EXIT_JOURNAL_DAMAGED
from runtime.history_queries import HistoryQueries
from runtime.link_frames import FrameType
from runtime.snapshots import SnapshotStore, read_snapshot
from tests.integration.core_harness import Child, LinkUser, small_config, wait_until_listening
from tests.unit.runtime.toy import TOY, order

CORE = "tests.integration.toy_core"
FOLLOWER = "tests.integration.toy_follower"


def start(stack: ExitStack, config: Config, **environment: str) -> tuple[Child, Child, LinkUser]:
    core = stack.enter_context(Child(config.home_path, CORE))
    wait_until_listening(core, config)
    follower = stack.enter_context(Child(config.home_path, FOLLOWER, **environment))
    return core, follower, LinkUser(config.core_socket, "probe")


def place(link: LinkUser, orders: int) -> int:
    """Place orders and wait for all; the last sequence."""
    last = 0
    for start_at in range(0, orders, 50):
        batch = range(start_at, min(orders, start_at + 50))
        link.send(FrameType.COMMANDS, b"".join(order(request) for request in batch))
        seen = 0
        while seen < len(batch):
            applied = link.receive_applied()
            seen += len(applied)
            last = applied[-1].sequence if applied else last
    return last


def wait_for(what: Callable[[], bool], follower: Child) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert follower.process.poll() is None, follower.log_text()
        assert time.monotonic() < deadline, follower.log_text()
        time.sleep(0.01)


def progress(config: Config) -> int:
    if not config.history_path.exists():
        return 0
    queries = HistoryQueries(config.history_path)
    try:
        return queries.progress()
    except sqlite3.OperationalError:  # the follower is just creating it
        return 0
    finally:
        queries.close()


def test_history_and_snapshots_follow_the_core(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with ExitStack() as stack:
        core, follower, link = start(stack, config)
        last = place(link, 1_200)
        wait_for(lambda: progress(config) == last, follower)
        wait_for(lambda: bool(SnapshotStore(config.snapshot_folder).paths()), follower)
        assert EXIT_CLEAN == follower.stop()
        assert EXIT_CLEAN == core.stop()
    lines = list(verify_lines(config, TOY))
    assert any(line.startswith("ok snapshot") for line in lines)


def test_a_killed_follower_goes_on_from_its_snapshot_and_projects_nothing_twice(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with ExitStack() as stack:
        core, follower, link = start(stack, config)
        for _ in range(4):
            last = place(link, 700)
            time.sleep(0.05)
            follower.kill()
            follower = stack.enter_context(Child(tmp_path, FOLLOWER))
        wait_for(lambda: progress(config) == last, follower)
        wait_for(lambda: bool(SnapshotStore(config.snapshot_folder).paths()), follower)
        follower.kill()
        core.kill()
    newest = read_snapshot(SnapshotStore(config.snapshot_folder).paths()[0]).head.sequence
    assert newest <= last
    assert any(line.startswith("ok snapshot") for line in verify_lines(config, TOY))
    with ExitStack() as stack:
        core, follower, _ = start(stack, config)
        wait_for(lambda: progress(config) > last, follower)
        assert f"from command {newest}" in follower.log_text()
        assert f"{last - newest} replayed" in core.log_text()


def test_a_follower_lives_through_a_core_restart(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with ExitStack() as stack:
        core, follower, link = start(stack, config)
        first = place(link, 100)
        wait_for(lambda: progress(config) == first, follower)
        core.kill()
        core = stack.enter_context(Child(tmp_path, CORE))
        wait_until_listening(core, config)
        last = place(LinkUser(config.core_socket, "probe"), 100)
        wait_for(lambda: progress(config) >= last, follower)
        assert follower.process.poll() is None
        assert "core away" in follower.log_text()


def test_a_deleted_history_is_made_again_from_the_first_command(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with ExitStack() as stack:
        _, follower, link = start(stack, config)
        last = place(link, 1_000)
        wait_for(lambda: bool(SnapshotStore(config.snapshot_folder).paths()), follower)
        assert EXIT_CLEAN == follower.stop()
        config.history_path.unlink()
        follower = stack.enter_context(Child(tmp_path, FOLLOWER))
        wait_for(lambda: progress(config) >= last, follower)
        assert 2 == follower.log_text().count("from command 0, history at 0"), "at its first start and now"


def test_a_machine_that_does_something_else_is_noticed(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with ExitStack() as stack:
        core, follower, link = start(stack, config, TOY_SKEW="x")
        place(link, 10)
        assert EXIT_DIGEST_MISMATCH == follower.process.wait(10)
        assert "ALARM: after command" in follower.log_text()
        assert core.process.poll() is None
    assert [] == SnapshotStore(config.snapshot_folder).paths()


def test_a_history_ahead_of_the_journal_is_refused(tmp_path: Path) -> None:
    new, old = small_config(tmp_path / "new"), small_config(tmp_path / "old")
    with ExitStack() as stack:
        core, follower, link = start(stack, new)
        assert 1 == place(link, 1)
        core.stop()
        shutil.copytree(new.journal_folder, old.journal_folder)  # an old copy, while the venue goes on
        core = stack.enter_context(Child(new.home_path, CORE))
        wait_until_listening(core, new)
        last = place(LinkUser(new.core_socket, "probe"), 20)
        wait_for(lambda: progress(new) >= last, follower)
        follower.stop()
        core.stop()
        shutil.copy(new.history_path, old.history_path)
        core = stack.enter_context(Child(old.home_path, CORE))
        wait_until_listening(core, old)
        follower = stack.enter_context(Child(old.home_path, FOLLOWER))
        assert EXIT_JOURNAL_DAMAGED == follower.process.wait(10)
        assert "acknowledged commands are missing" in follower.log_text()
