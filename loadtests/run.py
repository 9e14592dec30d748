"""One load run against a venue of its own: start it in a temporary folder, run locust, stop it, pass its exit code on.

Lives here: the venue process around the run. Does not know: what the traders do (see locustfile).
Exit codes: locust's (0 pass, 1 no pass), 2 when the venue did not become ready or died during the run.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_venue(home: Path, port: int, log_path: Path) -> subprocess.Popen[bytes]:
    """The demo venue with everything it writes under `home`."""
    environment = os.environ | {"HASHBOOK_HOME": str(home), "HASHBOOK_PORT": str(port)}
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "runtime.cli", "serve", "--demo"],
            cwd=HERE.parent,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us only; we stop it in order
        )


def wait_ready(venue: subprocess.Popen[bytes], port: int, keys: Path) -> bool:
    """Wait until the venue answers and has written its keys."""
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline_s and venue.poll() is None:
        if keys.exists() and answers(port):
            return True
        time.sleep(0.2)
    return False


def answers(port: int) -> bool:
    """Whether the public status can be had."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/public/status", timeout=2) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def stop_venue(venue: subprocess.Popen[bytes]) -> None:
    """Ask it to stop; after a while, end its whole process group."""
    if venue.poll() is not None:
        return
    venue.send_signal(signal.SIGTERM)
    try:
        venue.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"load: the venue did not stop within {STOP_TIMEOUT_S} s and is killed", file=sys.stderr)
        os.killpg(venue.pid, signal.SIGKILL)
        venue.wait()


def run_locust(options: argparse.Namespace, url: str, keys: Path) -> int:
    """One headless run; its exit code."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary"),
        *("-u", str(options.users), "-r", str(options.users), "-t", f"{options.seconds}s", "--stop-timeout", "40"),
        *("--host", url, "--keys", str(keys), "--rate", str(options.rate), "--seed", str(options.seed)),
    ]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    return subprocess.run(command, cwd=HERE.parent, env=environment, check=False).returncode


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="loadtests.run", description="Load on a venue of its own.")
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--rate", type=float, default=50, help="requests per second and trader")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hashbook-load-") as folder:
        home, port = Path(folder) / "home", free_port()
        log_path = Path(folder) / "venue.log"
        print(f"load: starting a venue on port {port}", flush=True)
        venue = start_venue(home, port, log_path)
        try:
            keys = home / "demo-keys.json"
            if not wait_ready(venue, port, keys):
                print("load: the venue is not ready; the end of its log:", file=sys.stderr)
                print(log_path.read_text(errors="replace")[-4_000:], file=sys.stderr)
                return 2
            code = run_locust(options, f"ws://127.0.0.1:{port}/ws/api/v2", keys)
            if venue.poll() is not None:
                print(f"load: the venue ended during the run, exit code {venue.returncode}", file=sys.stderr)
                print(log_path.read_text(errors="replace")[-4_000:], file=sys.stderr)
                return 2
            return code
        finally:
            stop_venue(venue)


if __name__ == "__main__":
    sys.exit(main())
