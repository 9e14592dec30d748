"""A demo venue whose processes are started one by one, so that each can be killed as often as one likes.

Lives here: starting, killing, asking the core. Does not know: what traders do.
"""

import json
import os
from pathlib import Path

from domain import reads
from runtime.config import Config, demo_config, load_config, write_config
from runtime.demo import write_keys_once
from runtime.link_frames import READ_ID, FrameType
from tests.clients.own_venue import free_port
from tests.integration.core_harness import Child, LinkUser, wait_until_listening

CORE, GATEWAY, FOLLOWER = "runtime.core_process", "runtime.gateway_process", "runtime.follower_process"


class KillableVenue:
    """Core, follower and gateway of a demo market without bot and feed. Use as a context."""

    def __init__(self, home: Path) -> None:
        write_config(demo_config(str(home), bot=False))
        write_keys_once(home)
        self.home = home
        self.port = free_port()
        self.config: Config = load_config({"HASHBOOK_HOME": str(home), "HASHBOOK_PORT": str(self.port)})
        self._children: dict[str, Child] = {}

    def __enter__(self) -> "KillableVenue":
        self.start(CORE)
        self.start(FOLLOWER)
        self.start(GATEWAY)
        return self

    def __exit__(self, *exception: object) -> None:
        for module in (GATEWAY, FOLLOWER, CORE):
            self._children[module].__exit__()

    @property
    def url(self) -> str:
        """Where its websocket is."""
        return f"ws://127.0.0.1:{self.port}/ws/api/v2"

    def trader_keys(self) -> list[tuple[str, str]]:
        """(client id, secret) of the whitelisted traders."""
        listed = json.loads((self.home / "demo-keys.json").read_text())
        return [(key["client_id"], key["client_secret"]) for key in listed if key["whitelisted"]]

    def start(self, module: str) -> None:
        """Start one process; a core is waited for."""
        self._children[module] = Child(self.home, module, HASHBOOK_PORT=str(self.port))
        if module == CORE:
            wait_until_listening(self._children[CORE], self.config)

    def kill(self, module: str) -> None:
        """kill -9, by its process id."""
        self._children[module].kill()

    def process_id(self, module: str) -> int:
        """Of the running process."""
        return self._children[module].process.pid

    def ask(self, request: reads.ReadRequest) -> reads.Answer:
        """The core's own answer."""
        link = LinkUser(self.config.core_socket, "probe")
        try:
            link.send(FrameType.READ, READ_ID.pack(1) + reads.encode(request))
            answer: reads.Answer = reads.decode_answer(link.receive_type(FrameType.READ_REPLY)[READ_ID.size :])
            return answer
        finally:
            link.close()


def is_alive(process_id: int) -> bool:
    """True while a process with this id exists."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
