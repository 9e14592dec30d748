"""Goal: the gateway's link keeps its contract: batches, reads, away and back. Method: the real link against a real core
process with the toy machine, and against a hand-made peer."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import msgspec
import pytest

from domain import reads
from domain.events import CommandApplied, decode_events
from gateway.core_link import CoreAway
from runtime import core_link as module
from runtime.core_link import SocketCoreLink
from runtime.link_client import LinkRefused
from runtime.link_frames import READ_ID, Frame, FrameDecoder, FrameType, Refused, Welcome, encode_frame, encode_message
from tests.integration.core_harness import Child, small_config, wait_until_listening
from tests.unit.runtime.toy import order

CORE = "tests.integration.toy_core"
ANSWER = reads.BalancesAnswer(sequence=5, time_ns=77, balances=())


def run(scenario: Coroutine[None, None, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario

    asyncio.run(bounded())


class Peer:
    """A hand-made core: notes frames, answers hello as told and reads with ANSWER."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames: list[Frame] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.greeting: Welcome | Refused = Welcome(3, 4, 50, 60, 60, b"v")
        self.answers = True
        self.server: asyncio.Server | None = None

    async def __aenter__(self) -> "Peer":
        self.server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self.server is not None
        self.server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        decoder = FrameDecoder()
        while data := await reader.read(65_536):
            for frame in decoder.receive(data):
                self.frames.append(frame)
                if frame.type is FrameType.HELLO:
                    writer.write(encode_frame(FrameType.HELLO, encode_message(self.greeting)))
                elif frame.type is FrameType.READ and self.answers:
                    answer = frame.payload[: READ_ID.size] + reads.encode(ANSWER)
                    writer.write(encode_frame(FrameType.READ_REPLY, answer))

    def of(self, type_: FrameType) -> list[bytes]:
        return [frame.payload for frame in self.frames if frame.type is type_]


def test_commands_of_one_turn_leave_as_one_frame_before_a_later_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Peer(tmp_path / "core.sock") as peer:
            link = SocketCoreLink(peer.path)
            await link.open()
            link.send_commands(order(1))
            link.send_commands(order(2))
            answer = await link.read(reads.ReadBalances(16))
            assert answer == ANSWER
            assert [order(1) + order(2)] == peer.of(FrameType.COMMANDS)
            assert [FrameType.HELLO, FrameType.COMMANDS, FrameType.READ] == [frame.type for frame in peer.frames]
            assert (3, 77, 60, False) == (link.gateway_id, link.exchange_time_ns, link.speed, link.away)
            link.close()

    run(scenario())


def test_many_commands_of_one_turn_are_split_below_the_cores_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES_MAX", 2 * len(order(0)))

    async def scenario() -> None:
        async with Peer(tmp_path / "core.sock") as peer:
            link = SocketCoreLink(peer.path)
            await link.open()
            for request in range(5):
                link.send_commands(order(request))
            await link.read(reads.ReadBalances(16))
            assert [160, 160, 80] == [len(payload) for payload in peer.of(FrameType.COMMANDS)]
            link.close()

    run(scenario())


def test_a_core_that_goes_away_fails_the_reads_and_refuses_commands_until_it_is_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        told: list[str] = []
        async with Peer(tmp_path / "core.sock") as peer:
            peer.answers = False
            link = SocketCoreLink(peer.path)
            await link.open()
            link.on_away = lambda: told.append("away")
            link.on_back = lambda: told.append("back")
            question = asyncio.create_task(link.read(reads.ReadBalances(16)))
            while not peer.of(FrameType.READ):
                await asyncio.sleep(0.001)
            peer.cut()
            with pytest.raises(CoreAway, match="went away"):
                await question
            assert link.away
            with pytest.raises(CoreAway):
                link.send_commands(order(1))
            with pytest.raises(CoreAway):
                await link.read(reads.ReadBalances(16))
            while link.away:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
            assert ["away", "back"] == told
            link.close()

    run(scenario())


def test_a_refused_link_is_not_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Peer(tmp_path / "core.sock") as peer:
            peer.greeting = Refused("another version")
            link = SocketCoreLink(peer.path)
            opening = asyncio.create_task(link.open())
            while not peer.writers:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            peer.cut()
            with pytest.raises(LinkRefused, match="another version"):
                await opening
            assert len(peer.of(FrameType.HELLO)) == 1

    run(scenario())


def test_no_core_at_all_is_said_after_the_timeout(tmp_path: Path) -> None:
    async def scenario() -> None:
        link = SocketCoreLink(tmp_path / "nowhere.sock")
        with pytest.raises(CoreAway, match=r"no core within 0\.1 s"):
            await link.open(timeout_s=0.1)
        link.close()

    run(scenario())


def test_events_of_a_real_core_arrive_after_the_first_read_and_survive_its_restart(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    seen: list[int] = []

    def receive(events: bytes) -> None:
        seen.extend(event.request for event in decode_events(events) if isinstance(event, CommandApplied))

    async def scenario() -> None:
        link = SocketCoreLink(config.core_socket)
        with Child(tmp_path, CORE) as core:
            wait_until_listening(core, config)
            await link.open()
            link.on_events = receive
            with pytest.raises(msgspec.ValidationError):  # the toy's answer is none of the dictionary's
                await link.read(reads.ReadBalances(16))
            link.send_commands(order(1) + order(2))
            while len(seen) < 2:
                await asyncio.sleep(0.001)
            core.kill()
        while not link.away:
            await asyncio.sleep(0.001)
        with Child(tmp_path, CORE):
            while link.away:
                await asyncio.sleep(0.001)
            link.send_commands(order(3))
            while 3 not in seen:
                await asyncio.sleep(0.001)
        link.close()
        assert [1, 2, 3] == [request for request in seen if request]

    run(scenario())
