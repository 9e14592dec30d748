"""The supervisor: starts the processes of a venue, keeps them up, ends with them.

Lives here: the order of start and end, restarting within a budget, readiness.
Does not know: what the processes do.
Theory of operation. Each process has its own process group, so that Ctrl-C reaches only the supervisor, which then ends
them in order: clients, doors, core. A process that dies is started again, at most five times a minute; an exit code
that a restart cannot heal (exits.py) ends the venue with that code. If the supervisor is killed, the kernel ends its
children.
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType as StackFrame
from typing import Final, NamedTuple

from runtime.config import Config
from runtime.exits import EXIT_CLEAN, EXIT_GAVE_UP, EXITS_FINAL
from runtime.process import report

RESTARTS_MAX: Final = 5
RESTART_WINDOW_S: Final = 60.0
POLL_S: Final = 0.05
CLIENT, DOOR, INNER = 0, 1, 2
STAGES_S: Final = {CLIENT: 1.0, DOOR: 1.2, INNER: 2.3}  # patience with each stage; the whole stop stays below 5 s
PROBE_TIMEOUT_S: Final = 1.0
STATUS_PATH: Final = "/api/v2/public/status"


class ChildSpec(NamedTuple):
    """One kind of process. Processes of a lower stage end before those of a higher one are told to."""

    name: str
    module: str
    stage: int


CORE: Final = ChildSpec("core", "runtime.core_process", INNER)
FOLLOWER: Final = ChildSpec("follower", "runtime.follower_process", INNER)
GATEWAY: Final = ChildSpec("gateway", "runtime.gateway_process", DOOR)
FEED: Final = ChildSpec("feed", "runtime.feed_process", DOOR)
MAKER_BOT: Final = ChildSpec("market-maker", "hashbook.bots.market_maker", CLIENT)


class Child:
    """One process and its restarts."""

    def __init__(self, spec: ChildSpec, command: Sequence[str], environment: dict[str, str]) -> None:
        self.spec = spec
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[float] = []

    def start(self) -> None:
        """Start it in a process group of its own. Raises OSError."""
        self._process = subprocess.Popen(self._command, env=self._environment, start_new_session=True)

    @property
    def process_id(self) -> int:
        """0 before the start."""
        return self._process.pid if self._process is not None else 0

    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll() if self._process is not None else None

    def may_restart(self, now_s: float) -> bool:
        """Count a death; False when there were too many."""
        self._deaths = [*(at for at in self._deaths if at > now_s - RESTART_WINDOW_S), now_s]
        return len(self._deaths) <= RESTARTS_MAX

    def signal(self, number: int) -> None:
        """Send a signal to its process group, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, number)


class Supervisor:
    """Runs until a signal, or until a child ends for good."""

    def __init__(
        self,
        config: Config,
        specs: Sequence[ChildSpec],
        *,
        after_ready: Sequence[ChildSpec] = (),
        commands: dict[str, Sequence[str]] | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """`commands` replaces how a child is started, by its name (tests start toys)."""
        self._config = config
        self._say = say
        self._after_ready = after_ready
        self._environment = child_environment(config)
        self._stopping = False
        commands = commands or {}
        self.children = [
            Child(spec, commands.get(spec.name) or [sys.executable, "-m", spec.module], self._environment)
            for spec in specs
        ]

    def run(self) -> int:
        """Start everything, keep it up, end it. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive_signal)
        code = EXIT_CLEAN
        ready = not any(child.spec.name == GATEWAY.name for child in self.children)
        self._port_file.unlink(missing_ok=True)
        try:
            for child in self.children:
                child.start()
            while not self._stopping and code == EXIT_CLEAN:
                code = self._keep_up()
                if not ready and (ready := self._gateway_answers()):
                    self._welcome()
                time.sleep(POLL_S)
        finally:
            self._stop_all()
        return code

    def _welcome(self) -> None:
        """Say that orders are taken and how to trade, then start what needs the open door."""
        url = f"http://{self._config.host}:{self._port()}"
        self._say(f"ready {url}")
        if self._config.demo:
            for line in how_to_trade(url, self._config.home_path):
                self._say(line)
        for spec in self._after_ready:
            child = Child(spec, self._bot_command(spec), self._environment)
            self.children.append(child)
            child.start()

    def _bot_command(self, spec: ChildSpec) -> list[str]:
        keys = str((self._config.home_path / "bot-keys.json").resolve())
        url = f"ws://{self._config.host}:{self._port()}/ws/api/v2"
        return [sys.executable, "-m", spec.module, "--keys", keys, "--name", spec.name, "--url", url]

    def _receive_signal(self, number: int, frame: StackFrame | None) -> None:
        self._stopping = True

    def _keep_up(self) -> int:
        """Restart what has died; a code other than clean when the venue must end."""
        for child in self.children:
            code = child.exit_code()
            if code is None or self._stopping:
                continue
            if code in EXITS_FINAL:
                report("supervisor", f"{child.spec.name} ended with code {code}, which a restart does not heal")
                return code
            if not child.may_restart(time.monotonic()):
                report("supervisor", f"{child.spec.name} died {RESTARTS_MAX + 1} times in a minute (last code {code})")
                return EXIT_GAVE_UP
            report("supervisor", f"{child.spec.name} ended with code {code}, starting it again")
            child.start()
        return EXIT_CLEAN

    def _stop_all(self) -> None:
        for stage, patience_s in STAGES_S.items():
            group = [child for child in self.children if child.spec.stage == stage]
            for child in group:
                child.signal(signal.SIGTERM)
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline and any(child.exit_code() is None for child in group if child.process_id):
                time.sleep(POLL_S / 5)
            for child in group:
                if child.process_id and child.exit_code() is None:
                    report("supervisor", f"{child.spec.name} does not end, killed")
                    child.signal(signal.SIGKILL)

    # --- readiness -----------------------------------------------------------------------------------------------

    @property
    def _port_file(self) -> Path:
        return self._config.run_folder / "gateway.port"

    def _port(self) -> int:
        return int(self._port_file.read_text(encoding="ascii"))

    def _gateway_answers(self) -> bool:
        if not self._port_file.exists():
            return False
        connection = http.client.HTTPConnection(self._config.host, self._port(), timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", STATUS_PATH)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):  # not there yet; asked again
            return False
        finally:
            connection.close()


def how_to_trade(url: str, home: Path) -> list[str]:
    """Four lines that make a first trade with ccxt."""
    web_socket = url.replace("http", "ws") + "/ws/api/v2"
    return [
        f"  import ccxt, json; key = json.load(open('{home / 'demo-keys.json'}'))[0]",
        "  x = ccxt.deribit({'apiKey': key['client_id'], 'secret': key['client_secret'],",
        f"                    'urls': {{'api': {{'rest': '{url}', 'ws': '{web_socket}'}}}}}})",
        "  print(x.create_order('TH1A/BTC', 'market', 'buy', 1))",
    ]


def child_environment(config: Config) -> dict[str, str]:
    """Environment of the children: this home and port, and this source tree first on the path."""
    source = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "HASHBOOK_HOME": str(config.home_path.resolve()),
        "HASHBOOK_PORT": str(config.port),
        "PYTHONPATH": f"{source}{os.pathsep}{path}" if path else source,
    }
