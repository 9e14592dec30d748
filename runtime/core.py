"""A running core: links on one side, the journal thread on the other, the sequencer between them.

Lives here: the asyncio shell around the sequencer.
Does not know: how it was recovered (core_process.py), what a command does, how clients speak.
Theory of operation: see sequencer.py. `_turn` runs whenever something may have become possible; a failed write or a
broken invariant ends the process before anything of the open group leaves.
"""

import asyncio
import traceback
from typing import Any, Final

from domain.commands import cancel_gateway
from domain.ensure import InvariantViolation
from exchange.record import from_clients_of
from runtime.clock import Clock
from runtime.config import Config, clock_speed
from runtime.demo import genesis
from runtime.exits import EXIT_CLEAN, EXIT_DISK, EXIT_INVARIANT
from runtime.journal import JournalWriter
from runtime.journal_thread import JournalThread
from runtime.link import Link
from runtime.link_frames import (
    COMMANDS_BYTES_MAX,
    READ_ID,
    Frame,
    FrameType,
    Hello,
    LinkProtocolError,
    Refused,
    Status,
    Welcome,
    decode_message,
    encode_frame,
    encode_message,
    link_version,
)
from runtime.process import report, socket_address
from runtime.sequencer import Release, Sequencer

ROLES: Final = frozenset({"gateway", "follower", "feed", "source", "probe"})  # a source only sends commands
ROLES_WITH_EVENTS: Final = frozenset({"gateway", "feed", "probe"})
STATUS_TO_ALL_S: Final = 1.0
VENUE: Final = "venue"  # source of commands the core gives itself


class Core:
    """A running core: from recovered state to the last released group."""

    def __init__(
        self, config: Config, sequencer: Sequencer, journal: JournalWriter, clock: Clock, venue_id: bytes
    ) -> None:
        self._config = config
        self._sequencer = sequencer
        self._journal = journal
        self._clock = clock
        self._venue_id = venue_id
        self._loop = asyncio.get_running_loop()
        self._thread = JournalThread(
            journal,
            post=self._loop.call_soon_threadsafe,
            on_durable=self._on_durable,
            on_failure=self._on_write_failed,
        )
        self._links: dict[Link, None] = {}  # every open connection
        self._roles: dict[Link, str] = {}  # those that said hello
        self._ids: dict[Link, int] = {}
        self._next_link_id = 1
        self._paused = False
        self._turn_is_scheduled = False
        self._status_timer: asyncio.TimerHandle | None = None
        self._status_sent_at = 0.0
        self._durable_sequence = sequencer.sequence
        self._durable_time_ns = sequencer.time_ns
        self._cut_links = 0
        self._stopping = False
        self.finished: asyncio.Future[int] = self._loop.create_future()

    async def start(self) -> asyncio.Server:
        """Listen for links."""
        path = self._config.core_socket
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)  # the journal's lock says that no other core uses it
        self._thread.start()
        server = await self._loop.create_unix_server(self._new_link, socket_address(path))
        path.chmod(0o600)
        if self._sequencer.sequence:  # sessions of an earlier life are gone, their orders must not stay
            self._sequencer.take_batch(VENUE, cancel_gateway(origin=0))
            self._schedule_turn()
        elif self._config.demo:
            self._sequencer.take_batch(VENUE, b"".join(genesis(self._clock.now_ns())))
            self._schedule_turn()
        self._status_to_all()
        return server

    def stop(self) -> None:
        """Finish what was received, then end."""
        self._stopping = True
        self._schedule_turn()

    # --- the turn ------------------------------------------------------------------------------------------------

    def _schedule_turn(self) -> None:
        if not self._turn_is_scheduled:
            self._turn_is_scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Do everything that is possible now, in the order that keeps the promises."""
        self._turn_is_scheduled = False
        if self.finished.done() or self._sequencer.group_is_open:
            return
        self._answer_reads()
        group = self._sequencer.open_group()
        self._cut_refused()
        if group is not None:
            self._thread.submit(group)
            try:
                self._sequencer.apply_group()
            except InvariantViolation as violation:
                self._halt(violation, group.first_sequence, group.commands)
            return
        if self._sequencer.has_work:
            self._schedule_turn()
        elif self._stopping:
            self._finish(EXIT_CLEAN)

    def _on_durable(self) -> None:
        if self.finished.done():
            return
        release = self._sequencer.release_group()
        self._durable_sequence, self._durable_time_ns = release.sequence, release.time_ns
        self._send_events(release)
        self._send_status_soon()
        self._resume_links()
        self._turn()

    def _send_events(self, release: Release) -> None:
        frame = encode_frame(FrameType.EVENTS, release.events)
        for link, role in list(self._roles.items()):
            if role in ROLES_WITH_EVENTS:
                link.send_encoded(frame)

    def _answer_reads(self) -> None:
        for answer in self._sequencer.answer_reads():
            assert isinstance(answer.source, Link)
            if answer.answer is None:
                answer.source.cut(f"read request: {answer.problem}")
            else:
                answer.source.send(FrameType.READ_REPLY, READ_ID.pack(answer.read_id) + answer.answer)

    def _cut_refused(self) -> None:
        for refused in self._sequencer.refused:
            assert isinstance(refused.source, Link)
            refused.source.cut(f"command batch: {refused.reason}")
        self._sequencer.refused.clear()

    # --- links ---------------------------------------------------------------------------------------------------

    def _new_link(self) -> Link:
        return Link(
            on_open=self._on_open,
            on_frame=self._on_frame,
            on_lost=self._on_lost,
            payload_bytes_max=COMMANDS_BYTES_MAX,
            output_budget_bytes=self._config.links.output_budget_bytes,
        )

    def _on_open(self, link: Link) -> None:
        self._links[link] = None
        if self._paused:
            link.pause_reading()

    def _on_frame(self, link: Link, frame: Frame) -> None:
        if link not in self._roles:
            self._greet(link, frame)
        elif frame.type is FrameType.COMMANDS:
            if self._roles[link] == "gateway" and not from_clients_of(frame.payload, self._ids[link]):
                link.cut("a gateway sends well-formed commands of its own clients only")
                return
            self._sequencer.take_batch(link, frame.payload)
            self._pause_links_if_full()
            self._schedule_turn()
        elif frame.type is FrameType.READ and len(frame.payload) > READ_ID.size:
            (read_id,) = READ_ID.unpack_from(frame.payload)
            self._sequencer.take_read(link, read_id, frame.payload[READ_ID.size :])
            self._schedule_turn()
        else:
            link.cut(f"unexpected {frame.type.name} frame of {len(frame.payload)} bytes")

    def _greet(self, link: Link, frame: Frame) -> None:
        """First frame of a link: take it or say why not."""
        try:
            hello = decode_message(frame.payload) if frame.type is FrameType.HELLO else None
        except LinkProtocolError as error:
            link.cut(str(error))
            return
        if not isinstance(hello, Hello):
            link.cut("first frame is no hello")
            return
        if hello.version != link_version() or hello.role not in ROLES:
            reason = f"role {hello.role!r}, version {hello.version}; this core speaks version {link_version()}"
            report("core", f"link refused: {reason}")
            link.send(FrameType.HELLO, encode_message(Refused(reason)))
            link.close()
            return
        self._roles[link] = hello.role
        self._ids[link] = self._next_link_id
        self._next_link_id += 1
        link.send(FrameType.HELLO, encode_message(self._welcome(link)))
        if hello.role == "follower":
            link.send(FrameType.STATUS, self._status())

    def _welcome(self, link: Link) -> Welcome:
        return Welcome(
            link_id=self._ids[link],
            sequence=self._durable_sequence,
            time_ns=self._durable_time_ns,
            exchange_now_ns=self._clock.now_ns(),
            speed=clock_speed(self._config),
            venue_id=self._venue_id,
        )

    def _on_lost(self, link: Link, reason: str) -> None:
        self._links.pop(link, None)
        self._cut_links += link.was_cut
        role = self._roles.pop(link, None)
        link_id = self._ids.pop(link, 0)
        if role is None and link.was_cut:
            report("core", f"link without hello cut: {reason}")
        if role is None or self.finished.done():
            return
        report("core", f"{role} link {link_id} {'cut' if link.was_cut else 'ended'}: {reason}")
        self._sequencer.forget(link)
        if role == "gateway":  # its sessions are gone with it
            self._sequencer.take_batch(VENUE, cancel_gateway(origin=link_id << 32))
            self._schedule_turn()

    def _pause_links_if_full(self) -> None:
        if not self._paused and self._sequencer.queued_bytes > self._config.links.queue_bytes_max:
            self._paused = True
            for link in self._links:
                link.pause_reading()

    def _resume_links(self) -> None:
        if self._paused and self._sequencer.queued_bytes * 2 < self._config.links.queue_bytes_max:
            self._paused = False
            for link in self._links:
                link.resume_reading()

    # --- status --------------------------------------------------------------------------------------------------

    def _status(self) -> bytes:
        return encode_message(
            Status(
                sequence=self._durable_sequence,
                time_ns=self._durable_time_ns,
                event_digest=self._sequencer.event_digest,
                exchange_now_ns=self._clock.now_ns(),
                cut_links=self._cut_links,
            )
        )

    def _send_status_soon(self) -> None:
        """Tell followers, at most once per interval; the last change is always told."""
        if self._status_timer is None and "follower" in self._roles.values():
            interval_s = self._config.links.status_interval_ms / 1_000
            delay_s = max(0.0, self._status_sent_at + interval_s - self._loop.time())
            self._status_timer = self._loop.call_later(delay_s, self._send_status)

    def _send_status(self) -> None:
        self._status_timer = None
        self._status_sent_at = self._loop.time()
        frame = encode_frame(FrameType.STATUS, self._status())
        for link, role in list(self._roles.items()):
            if role == "follower":
                link.send_encoded(frame)

    def _status_to_all(self) -> None:
        if self.finished.done():
            return
        frame = encode_frame(FrameType.STATUS, self._status())
        for link in list(self._roles):
            link.send_encoded(frame)
        self._loop.call_later(STATUS_TO_ALL_S, self._status_to_all)

    # --- ends ----------------------------------------------------------------------------------------------------

    def _halt(self, violation: InvariantViolation, first_sequence: int, commands: int) -> None:
        last_sequence = first_sequence + commands - 1
        report("core", f"HALT: {violation} (in commands {first_sequence}..{last_sequence}, kept in the journal)")
        self._finish(EXIT_INVARIANT)

    def _on_write_failed(self, error: BaseException) -> None:
        report("core", f"STOP: the journal could not be written: {error}. Nothing unacknowledged was promised.")
        self._finish(EXIT_DISK)

    def receive_unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception nobody foresaw, in any callback: like a broken invariant, the state may be half done."""
        error = context.get("exception")
        text = "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""
        report("core", f"HALT: {context.get('message')}\n{text}")
        self._finish(EXIT_INVARIANT)

    def _finish(self, code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(code)

    def close(self, code: int) -> None:
        """After `finished`: let the thread write what it has, seal after a clean stop, close the links."""
        self._thread.stop()
        if code == EXIT_CLEAN:
            self._journal.seal(self._durable_time_ns)
        if code != EXIT_DISK:
            self._journal.close()
        for link in list(self._links):
            link.close()
