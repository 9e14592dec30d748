"""What the gateway needs from the core: send command records, ask unjournaled reads, hear events.

Lives here: the protocol a link implements (a unix socket in `runtime`, an in-process core in tests).
Does not know: sockets, frames of the link, journals.
"""

from collections.abc import Callable
from typing import Protocol

from domain.reads import Answer, ReadRequest


class CoreAway(Exception):
    """The core cannot be reached now; a command sent just before may or may not have been applied."""


class CoreLink(Protocol):
    """One link to the core.

    All callbacks run on the thread of the event loop, never inside `send_commands`: the gateway relies on having
    returned from its own code before it hears the consequence.
    """

    gateway_id: int  # 1 .. 2**32 - 1; every command carries origin = gateway_id << 32 | session id
    exchange_time_ns: int  # last journaled time seen (events or read answers), 0 before the first
    away: bool  # True while there is no core; `on_away` and `on_back` tell of the changes

    on_events: Callable[[bytes], None]  # event frames of one durable group, in order, of every origin
    on_away: Callable[[], None]
    on_back: Callable[[], None]  # connected again; the gateway then reads a new image and closes its sessions

    def send_commands(self, records: bytes) -> None:
        """Send one or many concatenated unstamped command records. Raises CoreAway."""

    async def read(self, request: ReadRequest) -> Answer:
        """Ask one question. Raises CoreAway when the core is away or goes away before it answered."""
