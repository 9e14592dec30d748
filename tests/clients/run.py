"""Run the ccxt session: python -m tests.clients.run [--bot | --no-bot] [--url URL --keys FILE [--home FOLDER]]

Lives here: the separate environment of the client, the venue around the session, the exit code.
Does not know: what the session does (ccxt_session.py).
Without --url a venue is started for each run, once without and once with the market maker unless one is asked for.
Exit codes: the session's (0 passed, 1 failed), 2 when the environment or the venue could not be made.
"""

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.clients.own_venue import ROOT, NotReady, own_venue

CLIENT_VENV = ROOT / ".venv-ccxt"
LOCK = Path(__file__).with_name("requirements.lock")
SESSION = Path(__file__).with_name("ccxt_session.py")
SESSION_TIMEOUT_S = 900
NOT_STARTED = 2


def client_python() -> Path:
    """The interpreter of the client's environment, made anew when the lock has changed.

    Raises subprocess.CalledProcessError when packages cannot be installed.
    """
    python = CLIENT_VENV / "bin" / "python"
    stamp = CLIENT_VENV / ".packages"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not python.exists() or not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
        print(f"==> making the environment {CLIENT_VENV.name} from {LOCK.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", CLIENT_VENV], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "-r", str(LOCK)], check=True)
        stamp.write_text(wanted, encoding="ascii")
    return python


def run_session(python: Path, url: str, keys: Path, home: Path | None) -> int:
    """One session against a running venue; its exit code."""
    command = [str(python), str(SESSION), "--url", url, "--keys", str(keys)]
    if home is not None:
        command += ["--home", str(home)]
    try:
        return subprocess.run(command, check=False, timeout=SESSION_TIMEOUT_S).returncode
    except subprocess.TimeoutExpired:
        print(f"the session did not end within {SESSION_TIMEOUT_S} s", file=sys.stderr)
        return 1


def run_with_own_venue(python: Path, *, bot: bool) -> int:
    """One session against a venue that lives as long as the session."""
    print(f"==> a venue {'with' if bot else 'without'} its market maker", flush=True)
    try:
        with own_venue(bot=bot) as venue:
            code = run_session(python, venue.url, venue.keys, venue.home)
            if code:
                print(f"the end of the venue's log:\n{venue.log_tail()}", file=sys.stderr)
            return code
    except NotReady as error:
        print(f"the venue is not ready; the end of its log:\n{error}", file=sys.stderr)
        return NOT_STARTED


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="tests.clients.run", description="A scripted session with unmodified ccxt.")
    parser.add_argument("--bot", action=argparse.BooleanOptionalAction, help="only with, or only without, the bot")
    parser.add_argument("--url", help="http://host:port of a demo venue that runs already")
    parser.add_argument("--keys", type=Path, help="its demo-keys.json")
    parser.add_argument("--home", type=Path, help="its folder: lets the session kill its gateway and its core")
    options = parser.parse_args(arguments)
    if (options.url is None) != (options.keys is None):
        parser.error("--url and --keys go together")
    try:
        python = client_python()
    except subprocess.CalledProcessError as error:
        print(f"the client's environment could not be made: {error}", file=sys.stderr)
        return NOT_STARTED
    if options.url:
        return run_session(python, options.url, options.keys, options.home)
    variants = [False, True] if options.bot is None else [options.bot]
    for bot in variants:
        if code := run_with_own_venue(python, bot=bot):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
