"""Goal: the core process orders, keeps and tells commands, and refuses what it must. Method: a real process with the
toy machine, real files, a blocking client on its socket."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import wire
from domain.commands import cancel_gateway
from domain.constants import COMMAND_CANCEL_GATEWAY, COMMAND_NEW_ORDER
from runtime.audit import describe_record, replay_lines, verify_lines
from runtime.config import Config, JournalConfig, LinkConfig
from runtime.disk import Disk
from runtime.exits import EXIT_CLEAN, EXIT_DISK, EXIT_INVARIANT, EXIT_JOURNAL_DAMAGED, EXIT_USAGE
from runtime.journal_format import next_event_digest
from runtime.journal_reader import JournalCursor, segment_paths
from runtime.link_frames import FRAME_HEADER, FrameType, Refused
from tests.integration.core_harness import Child, LinkUser, small_config, wait_until_listening
from tests.unit.runtime.toy import POISON_PRICE, TOY, UNFORESEEN_PRICE, order

CORE = "tests.integration.toy_core"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return small_config(tmp_path)


@pytest.fixture
def core(config: Config) -> Iterator[Child]:
    with Child(config.home_path, CORE) as child:
        wait_until_listening(child, config)
        yield child


def test_commands_are_acknowledged_in_order_to_every_gateway(config: Config, core: Child) -> None:
    first, second = LinkUser(config.core_socket), LinkUser(config.core_socket)
    assert first.welcome.link_id != second.welcome.link_id
    first.send(FrameType.COMMANDS, order(1) + order(2) + order(3))
    seen_first, seen_second = [], []
    while len(seen_first) < 3:
        seen_first += first.receive_applied()
    while len(seen_second) < 3:
        seen_second += second.receive_applied()
    assert [(1, 1), (2, 2), (3, 3)] == [(event.sequence, event.request) for event in seen_first]
    assert seen_first == seen_second


def test_an_acknowledged_command_is_in_the_journal(config: Config, core: Child) -> None:
    link = LinkUser(config.core_socket)
    for request in range(1, 20):
        link.send(FrameType.COMMANDS, order(request))
        while not (applied := link.receive_applied()):
            pass
        assert request == applied[-1].request
        last = list(JournalCursor(config.journal_folder, Disk()).groups())[-1]
        assert applied[-1].sequence <= last.last_sequence


def test_reads_see_what_was_acknowledged(config: Config, core: Child) -> None:
    link = LinkUser(config.core_socket)
    link.send(FrameType.COMMANDS, order(1) + order(2))
    while not link.receive_applied():
        pass
    assert [2, {"q": 1}] == link.read({"q": 1})


def test_a_lost_gateway_link_cancels_its_sessions(config: Config, core: Child) -> None:
    watcher, gateway = LinkUser(config.core_socket), LinkUser(config.core_socket)
    gateway.close()
    while not (applied := watcher.receive_applied()):
        pass
    assert [(COMMAND_CANCEL_GATEWAY, gateway.welcome.link_id << 32)] == [
        (event.command_kind, event.origin) for event in applied
    ]


def test_a_restarted_core_cancels_the_sessions_of_its_earlier_life(config: Config) -> None:
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket)
        link.send(FrameType.COMMANDS, order(1))
        while not link.receive_applied():
            pass
        core.kill()
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        LinkUser(config.core_socket, "probe").read(0)
        assert EXIT_CLEAN == core.stop()
    records = [describe_record(memoryview(group.records)) for group in
               JournalCursor(config.journal_folder, Disk()).groups()]  # fmt: skip
    assert len(records) == 2
    assert "NEW_ORDER" in records[0]
    assert "origin 0/0" in records[1]
    assert "CANCEL_GATEWAY" in records[1]


@pytest.mark.parametrize(
    ("role", "version"), [("gateway", "0-elsewhere"), ("hacker", None)], ids=["wrong version", "unknown role"]
)
def test_a_link_that_does_not_fit_is_refused_with_the_reason(
    config: Config, core: Child, role: str, version: str | None
) -> None:
    link = LinkUser(config.core_socket, role, version)
    assert isinstance(link.answer, Refused)
    assert "this core speaks version" in link.answer.reason
    with pytest.raises(ConnectionResetError):
        link.receive()


@pytest.mark.parametrize(
    "frame",
    [
        FRAME_HEADER.pack(1 << 30, FrameType.COMMANDS),
        FRAME_HEADER.pack(8, 200) + bytes(8),
        FRAME_HEADER.pack(8, FrameType.EVENTS) + bytes(8),
        FRAME_HEADER.pack(4, FrameType.READ) + bytes(4),
        FRAME_HEADER.pack(9, FrameType.READ) + bytes(8) + b"\xc1",
        FRAME_HEADER.pack(72, FrameType.COMMANDS) + order(1)[:72],
    ],
    ids=["too long", "unknown type", "wrong direction", "short read", "bad read", "cut record"],
)
def test_a_link_that_breaks_the_protocol_is_cut_and_the_others_live_on(
    config: Config, core: Child, frame: bytes
) -> None:
    good, bad = LinkUser(config.core_socket, "feed"), LinkUser(config.core_socket, "feed")
    bad._socket.sendall(frame)
    with pytest.raises(ConnectionResetError):
        bad.receive_until_cut()
    good.send(FrameType.COMMANDS, order(1))
    while not (applied := good.receive_applied()):
        pass
    assert [(1, 1)] == [(event.sequence, event.request) for event in applied]
    assert "feed link 2 cut:" in core.log_text()


def test_a_gateway_that_does_not_read_is_cut_and_the_others_are_served(tmp_path: Path) -> None:
    config = small_config(tmp_path, links=LinkConfig(output_budget_bytes=256 << 10))
    with Child(tmp_path, CORE) as core:
        wait_until_listening(core, config)
        deaf, good = LinkUser(config.core_socket, "probe"), LinkUser(config.core_socket, "probe")
        batch = b"".join(order(request) for request in range(500))
        seen = 0
        for _ in range(40):
            good.send(FrameType.COMMANDS, batch)
            while True:
                applied = good.receive_applied()
                seen += len(applied)
                if applied and seen % 500 == 0:
                    break
        assert 20_000 == seen
        with pytest.raises(ConnectionResetError):
            deaf.receive_until_cut()
        assert "bytes unread" in core.log_text()


def test_a_flood_is_taken_in_full_although_the_queue_is_bounded(tmp_path: Path) -> None:
    config = small_config(tmp_path, links=LinkConfig(queue_bytes_max=64 << 10))
    with Child(tmp_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket, "probe")
        batch = b"".join(order(request) for request in range(200))
        for _ in range(60):
            link.send(FrameType.COMMANDS, batch)
        seen = 0
        while seen < 12_000:
            seen += len(link.receive_applied())
        assert 12_000 == seen


def test_a_follower_link_hears_the_digest_over_all_events(config: Config, core: Child) -> None:
    link, follower = LinkUser(config.core_socket), LinkUser(config.core_socket, "follower")
    assert (0, bytes(32)) == (lambda s: (s.sequence, s.event_digest))(follower.receive_status())
    link.send(FrameType.COMMANDS, order(1))
    while True:
        frame = link.receive()
        if frame.type is FrameType.EVENTS:
            break
    status = follower.receive_status()
    while status.sequence == 0:
        status = follower.receive_status()
    assert (1, next_event_digest(bytes(32), frame.payload)) == (status.sequence, status.event_digest)


def test_a_clean_stop_seals_the_journal_and_verifies(config: Config) -> None:
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket)
        link.send(FrameType.COMMANDS, order(1))
        while not link.receive_applied():
            pass
        started = time.monotonic()
        assert EXIT_CLEAN == core.stop()
        assert time.monotonic() - started < 5
    cursor = JournalCursor(config.journal_folder, Disk())
    list(cursor.groups())
    assert cursor.sealed
    assert any(line.startswith("ok invariants") for line in verify_lines(config, TOY))


def test_a_broken_invariant_halts_the_core_before_anything_leaves_and_the_journal_shows_it(config: Config) -> None:
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket)
        link.send(FrameType.COMMANDS, order(1) + order(2, price_ticks=POISON_PRICE))
        with pytest.raises(ConnectionResetError):
            link.receive_until_cut()
        assert [] == link.applied_on_the_way
        assert EXIT_INVARIANT == core.process.wait(10)
        assert "no order is poisoned (in commands 1..2" in core.log_text()
    with Child(config.home_path, CORE) as core:
        assert EXIT_INVARIANT == core.process.wait(10), "a replay reproduces it"
    (group,) = JournalCursor(config.journal_folder, Disk()).groups()
    assert str(POISON_PRICE) in describe_record(group.records[80:])


def test_an_unforeseen_exception_halts_the_core_too(config: Config, core: Child) -> None:
    link = LinkUser(config.core_socket)
    link.send(FrameType.COMMANDS, order(1, price_ticks=UNFORESEEN_PRICE))
    with pytest.raises(ConnectionResetError):
        link.receive_until_cut()
    assert EXIT_INVARIANT == core.process.wait(10)
    assert "KeyError: 'unforeseen'" in core.log_text()
    assert [] == link.applied_on_the_way


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_a_failing_disk_ends_the_core_and_what_it_acknowledged_is_there(config: Config, kind: str) -> None:
    """The failure point moves through the start, groups and a rotation of segments."""
    for at in (1, 2, 3, 4, 5, 6, 9, 30):
        home = config.home_path / str(at)
        here = small_config(home, journal=JournalConfig(segment_bytes=4_096))
        acknowledged: list[int] = []
        with Child(home, CORE, TOY_FAIL=f"{kind}:{at}") as core:
            try:
                wait_until_listening(core, here)
                link = LinkUser(here.core_socket, "feed")
                for request in range(1, 500):
                    link.send(FrameType.COMMANDS, order(request))
                    acknowledged += [event.request for event in link.receive_applied()]
            except (AssertionError, ConnectionError):
                assert EXIT_DISK == core.process.wait(10), core.log_text()
            assert "injected" in core.log_text()
        with Child(home, CORE) as core:
            wait_until_listening(core, here)
            assert EXIT_CLEAN == core.stop()
        records = [
            int(word.partition("request ")[2].split()[0])
            for group in JournalCursor(here.journal_folder, Disk()).groups()
            for word in [describe_record(record) for record in wire.split_records(group.records)]
        ]
        assert acknowledged == records[: len(acknowledged)]


def test_a_damaged_journal_refuses_to_start_and_names_the_group(config: Config) -> None:
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket)
        for request in range(3):
            link.send(FrameType.COMMANDS, order(request))
            while not link.receive_applied():
                pass
        core.kill()
    (segment,) = segment_paths(config.journal_folder)
    second = list(JournalCursor(config.journal_folder, Disk()).groups())[1]
    raw = bytearray(segment.read_bytes())
    raw[second.offset_bytes + 100] ^= 1
    segment.write_bytes(raw)
    with Child(config.home_path, CORE) as core:
        assert EXIT_JOURNAL_DAMAGED == core.process.wait(10)
        assert f"segment {segment.name}, offset {second.offset_bytes}, group of command 2" in core.log_text()


def test_an_unknown_configuration_key_refuses_to_start(config: Config) -> None:
    (config.home_path / "config.json").write_text('{"jornal": {}}')
    with Child(config.home_path, CORE) as core:
        assert EXIT_USAGE == core.process.wait(10)
        assert "jornal" in core.log_text()


def test_a_second_core_on_the_same_home_is_refused_and_the_first_lives_on(config: Config, core: Child) -> None:
    with Child(config.home_path, CORE) as second:
        assert second.process.wait(10) == 7
    link = LinkUser(config.core_socket)
    link.send(FrameType.COMMANDS, order(1))
    while not (applied := link.receive_applied()):
        pass
    assert [COMMAND_NEW_ORDER] == [event.command_kind for event in applied]


def test_the_replay_of_what_a_core_wrote_gives_its_state(config: Config) -> None:
    with Child(config.home_path, CORE) as core:
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket, "feed")
        link.send(FrameType.COMMANDS, b"".join(order(request) for request in range(100)) + cancel_gateway(origin=5))
        seen = 0
        while seen < 101:
            seen += len(link.receive_applied())
        assert EXIT_CLEAN == core.stop()
    assert "sequence 101" in list(replay_lines(config, TOY))
