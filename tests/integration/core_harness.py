"""Starting, killing and talking to core processes in tests.

Lives here: process handles that always end, and a small blocking client of the core's link.
Does not know: what is tested.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import msgspec

from domain.events import CommandApplied, decode_events
from runtime.config import Config, JournalConfig, SnapshotConfig, write_config
from runtime.link_frames import (
    READ_ID,
    Frame,
    FrameDecoder,
    FrameType,
    Hello,
    Refused,
    Status,
    Welcome,
    decode_message,
    encode_frame,
    encode_message,
    link_version,
)
from tests.unit.runtime.toy import LIMITS

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 20.0


def small_config(home: Path, **changes: object) -> Config:
    """Settings for tests, written to the home."""
    config = Config(
        home=str(home),
        limits=LIMITS,
        journal=JournalConfig(segment_bytes=64 << 10),
        snapshots=SnapshotConfig(every_commands=500, every_s=3_600),
    )
    config = msgspec.structs.replace(config, **changes)
    write_config(config)
    return config


class Child:
    """A process that is gone when the block ends."""

    def __init__(self, home: Path, module: str, **environment: str) -> None:
        self.home = home
        self.log = home / f"{module.rpartition('.')[2]}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env={**os.environ, "HASHBOOK_HOME": str(home), "PYTHONPATH": str(ROOT), **environment},
                stderr=log,
                stdout=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """kill -9, as a crash."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        """SIGTERM, as a clean stop; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def log_text(self) -> str:
        """Everything it said."""
        return self.log.read_text()


class LinkUser:
    """A blocking link to the core."""

    def __init__(self, socket_path: Path, role: str = "gateway", version: str | None = None) -> None:
        self._socket = _connect(socket_path)
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []
        self.applied_on_the_way: list[CommandApplied] = []
        self.send(FrameType.HELLO, encode_message(Hello(role, version or link_version())))
        answer = decode_message(self.receive().payload)
        assert isinstance(answer, Welcome | Refused)
        self.answer = answer

    @property
    def welcome(self) -> Welcome:
        """The core's greeting; fails if it refused."""
        assert isinstance(self.answer, Welcome)
        return self.answer

    def send(self, type_: FrameType, payload: bytes) -> None:
        self._socket.sendall(encode_frame(type_, payload))

    def receive(self, timeout_s: float = PATIENCE_S) -> Frame:
        """Next frame. Raises TimeoutError, ConnectionError."""
        self._socket.settimeout(timeout_s)
        while not self._frames:
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionResetError("closed by the core")
            self._frames += self._decoder.receive(data)
        return self._frames.pop(0)

    def receive_type(self, type_: FrameType) -> bytes:
        """Payload of the next frame of this type; others are passed over."""
        while (frame := self.receive()).type is not type_:
            pass
        return frame.payload

    def receive_applied(self, timeout_s: float = PATIENCE_S) -> list[CommandApplied]:
        """Acknowledgements in the next group of events; empty when another frame came."""
        frame = self.receive(timeout_s)
        if frame.type is not FrameType.EVENTS:
            return []
        return [event for event in decode_events(frame.payload) if isinstance(event, CommandApplied)]

    def receive_until_cut(self) -> None:
        """Read until the core ends the link: raises ConnectionResetError. Acknowledgements seen are kept aside."""
        while True:
            self.applied_on_the_way += self.receive_applied()

    def receive_status(self) -> Status:
        message = decode_message(self.receive_type(FrameType.STATUS))
        assert isinstance(message, Status)
        return message

    def read(self, request: object) -> object:
        """One unjournaled read of the toy."""
        self.send(FrameType.READ, READ_ID.pack(9) + msgspec.msgpack.encode(request))
        return msgspec.msgpack.decode(self.receive_type(FrameType.READ_REPLY)[READ_ID.size :])

    def close(self) -> None:
        self._socket.close()


def wait_until_listening(child: Child, config: Config) -> None:
    """Until the core takes links. Fails with its log when it ended instead."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert child.process.poll() is None, child.log_text()
        try:
            _connect(config.core_socket).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"no core: {child.log_text()}")


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE_S)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection
