"""Goal: a venue's processes are kept up within a budget and always end with it. Method: a real supervisor over toy
children that serve, die or do not listen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.exits import EXIT_CLEAN, EXIT_GAVE_UP, EXIT_JOURNAL_DAMAGED
from tests.integration.core_harness import ROOT


class Venue:
    """A supervisor process and what is known of its children."""

    def __init__(self, home: Path, process: "subprocess.Popen[bytes]") -> None:
        self.home, self.process = home, process

    def output(self) -> str:
        return (self.home / "out").read_text()

    def pids(self) -> list[tuple[str, int]]:
        path = self.home / "pids"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(what, int(pid)) for what, pid in (line.split() for line in lines)]

    def wait_for(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not what():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.01)

    def no_child_lives(self) -> bool:
        return not any(lives(pid) for _, pid in self.pids())


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@contextmanager
def venue(home: Path, *children: str) -> Iterator[Venue]:
    with (home / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.toy_venue", *children],
            cwd=ROOT,
            env={**os.environ, "HASHBOOK_HOME": str(home), "PYTHONPATH": str(ROOT)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    running = Venue(home, process)
    try:
        yield running
    finally:
        process.kill()
        process.wait(10)
        for _, pid in running.pids():
            if lives(pid):
                os.kill(pid, signal.SIGKILL)


def test_ready_is_said_once_the_gateway_answers_and_a_stop_ends_all_within_five_seconds(tmp_path: Path) -> None:
    with venue(tmp_path, "core=wait", "gateway=serve") as running:
        running.wait_for(lambda: "ready http://127.0.0.1:" in running.output())
        started = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert EXIT_CLEAN == running.process.wait(10)
        assert time.monotonic() - started < 5
        assert ["serve", "wait"] == sorted(what for what, _ in running.pids())
        assert running.no_child_lives()


def test_children_that_do_not_listen_are_killed_and_named(tmp_path: Path) -> None:
    with venue(tmp_path, "core=deaf", "gateway=deaf") as running:
        running.wait_for(lambda: len(running.pids()) == 2)
        time.sleep(0.2)  # until both ignore the signal
        started = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert EXIT_CLEAN == running.process.wait(10)
        assert time.monotonic() - started < 5
        assert running.no_child_lives()
        assert "core does not end, killed" in running.output()


def test_a_killed_child_is_started_again_and_the_others_stay(tmp_path: Path) -> None:
    with venue(tmp_path, "core=wait", "gateway=serve") as running:
        running.wait_for(lambda: len(running.pids()) == 2)
        pids = dict(running.pids())
        os.kill(pids["wait"], signal.SIGKILL)
        running.wait_for(lambda: len(running.pids()) == 3)
        assert lives(pids["serve"])
        assert "core ended with code -9, starting it again" in running.output()


def test_a_child_that_keeps_dying_ends_the_venue(tmp_path: Path) -> None:
    with venue(tmp_path, "core=wait", "follower=die:6") as running:
        assert EXIT_GAVE_UP == running.process.wait(20)
        assert ["die"] * 6 == [what for what, _ in running.pids() if what == "die"]
        assert "follower died 6 times in a minute (last code 6)" in running.output()
        assert running.no_child_lives()


def test_an_exit_that_a_restart_cannot_heal_ends_the_venue_with_its_code(tmp_path: Path) -> None:
    with venue(tmp_path, f"core=die:{EXIT_JOURNAL_DAMAGED}", "gateway=serve") as running:
        assert EXIT_JOURNAL_DAMAGED == running.process.wait(10)
        assert 1 == [what for what, _ in running.pids()].count("die")
        assert running.no_child_lives()
