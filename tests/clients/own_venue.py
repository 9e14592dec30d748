"""A demo venue of one's own around a session: started in a temporary folder on a free port, stopped by process id.

Lives here: the venue's process, its log, readiness. Does not know: what is done with it.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.1
LOG_TAIL = 6_000


class OwnVenue(NamedTuple):
    """A running demo venue."""

    url: str
    home: Path
    log_path: Path

    @property
    def keys(self) -> Path:
        """Keys of its accounts."""
        return self.home / "demo-keys.json"

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]


class NotReady(Exception):
    """The venue ended or was not ready in time; the text is the end of its log."""


def free_port() -> int:
    """A port that is free now. A fixed one, because a gateway that is started again has to be found where it was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def own_venue(*, bot: bool) -> Iterator[OwnVenue]:
    """Run a demo venue, with or without its market maker. Raises NotReady."""
    with tempfile.TemporaryDirectory(prefix="hashbook-clients-") as folder:
        home, log_path = Path(folder) / "home", Path(folder) / "venue.log"
        arguments = [sys.executable, "-m", "runtime.cli", "serve", "--demo", *([] if bot else ["--no-bot"])]
        environment = os.environ | {"HASHBOOK_HOME": str(home), "HASHBOOK_PORT": str(free_port())}
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                arguments, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            yield OwnVenue(_wait_ready(process, log_path), home, log_path)
        finally:
            _stop(process)


def _wait_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    """The address in the venue's `ready` line."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"^ready (http://\S+)$", log_path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if found:
            return found[1]
        time.sleep(POLL_S)
    raise NotReady(log_path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            print(f"the venue did not stop within {STOP_TIMEOUT_S:.0f} s and is killed", file=sys.stderr)
            process.kill()  # its children end with it
            process.wait()
