"""The journal's writer in a thread of its own: one group is synced while the core applies it.

Lives here: handing groups over, reporting that they are durable, reporting the one fatal failure.
Does not know: asyncio (it is given a way to post a call to the owner's thread), what is in a group.
Theory of operation: at most one group is on its way (the sequencer waits for it), so the torn end of a journal is never
more than one unacknowledged group. A failure is reported once; after it nothing is written any more.
"""

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from runtime.journal import JournalWriter


class PendingGroup(NamedTuple):
    """A stamped group on its way to the disk."""

    records: bytes | bytearray
    first_sequence: int
    commands: int
    time_ns: int


class JournalThread:
    """Owns a JournalWriter from `start` to `stop`."""

    def __init__(
        self,
        journal: JournalWriter,
        *,
        post: Callable[[Callable[[], None]], object],
        on_durable: Callable[[], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`post` runs a call in the owner's thread, e.g. ``loop.call_soon_threadsafe``."""
        self._journal = journal
        self._post = post
        self._on_durable = on_durable
        self._on_failure = on_failure
        self._queue: SimpleQueue[PendingGroup | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._spare: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def submit(self, group: PendingGroup) -> None:
        """Write and sync this group; `on_durable` or `on_failure` follows."""
        self._queue.put(group)

    def stop(self) -> None:
        """Finish what was submitted, then end the thread. The journal stays open."""
        self._queue.put(None)
        self._thread.join()
        if self._spare is not None:
            self._spare.join()

    def _run(self) -> None:
        while (group := self._queue.get()) is not None:
            try:
                self._journal.append(
                    group.records,
                    first_sequence=group.first_sequence,
                    commands=group.commands,
                    time_ns=group.time_ns,
                )
            except OSError as error:
                self._fail(error)
                return
            except BaseException as error:
                self._fail(error)
                raise
            self._post(self._on_durable)
            if self._journal.wants_spare and (self._spare is None or not self._spare.is_alive()):
                self._spare = threading.Thread(target=self._make_spare, name="journal-spare", daemon=True)
                self._spare.start()

    def _fail(self, error: BaseException) -> None:
        self._post(lambda: self._on_failure(error))

    def _make_spare(self) -> None:
        try:
            self._journal.make_spare()
        except OSError as error:
            # Not fatal yet: the present segment still has room. The rotation tries again and fails for good if it must.
            print(f"journal: cannot prepare the next segment: {error}", file=sys.stderr, flush=True)
