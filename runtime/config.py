"""Configuration of a venue: one file, two environment variables, no surprises.

Lives here: the settings with their defaults and units, where files are, loading and refusing.
Does not know: who uses a setting. Reference: docs/reference/configuration.md.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from domain.limits import Limits
from runtime.clock import Clock, RealClock, ReplayClock

HOME_DEFAULT: Final = "var"
PORT_DEFAULT: Final = 8765
CONFIG_NAME: Final = "config.json"
DEMO_START_NS: Final = 1_703_311_200 * 10**9  # 2023-12-23 06:00 UTC: the bundled chain begins four minutes later
DEMO_SPEED: Final = 60

Positive = Annotated[int, msgspec.Meta(ge=1)]


class ConfigError(Exception):
    """The configuration cannot be used; the text says which key and why."""


class ClockConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where exchange time comes from."""

    mode: Literal["real", "replay"] = "real"
    start_ns: Annotated[int, msgspec.Meta(ge=0)] = DEMO_START_NS  # replay only: exchange time at the first start
    speed: Positive = DEMO_SPEED  # replay only: exchange seconds per second


class JournalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The journal's files."""

    segment_bytes: Annotated[int, msgspec.Meta(ge=4_096, le=1 << 32)] = 64 << 20


class SnapshotConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the follower writes a snapshot: after so many commands, or after so long if there is anything new."""

    every_commands: Positive = 200_000
    every_s: Positive = 300


class LinkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Between the processes."""

    output_budget_bytes: Positive = 64 << 20  # unread by the other side, then the link is cut
    queue_bytes_max: Positive = 16 << 20  # commands waiting in the core, then it stops reading its links
    status_interval_ms: Positive = 20  # how often a follower hears how far it may read


class FeedConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where blocks, prices and pool reports come from."""

    source: Literal["none", "file", "node"] = "none"
    headers_path: str = ""  # file: raw 80-byte headers
    node_url: str = ""  # node: http://127.0.0.1:8332
    node_credentials_path: str = ""  # node: file with one line user:password
    network: Literal["main", "regtest"] = "main"  # node
    checkpoint_height: Annotated[int, msgspec.Meta(ge=0)] = 0  # node: the first header that is trusted
    checkpoint_header: str = ""  # node: its 80 bytes in hex
    checkpoint_epoch_time_s: Annotated[int, msgspec.Meta(ge=0)] = 0  # node: time of the first block of its epoch


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a venue can be told. Unknown keys are refused."""

    home: str = HOME_DEFAULT
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = PORT_DEFAULT
    demo: bool = False
    bot: bool = True  # demo: run the market maker
    limits: Limits = Limits()  # counts at genesis only; an existing journal keeps its own
    clock: ClockConfig = ClockConfig()
    journal: JournalConfig = JournalConfig()
    snapshots: SnapshotConfig = SnapshotConfig()
    links: LinkConfig = LinkConfig()
    feed: FeedConfig = FeedConfig()

    @property
    def home_path(self) -> Path:
        """Folder of everything the venue writes."""
        return Path(self.home)

    @property
    def journal_folder(self) -> Path:
        """The journal's segments."""
        return self.home_path / "journal"

    @property
    def snapshot_folder(self) -> Path:
        """The follower's snapshots."""
        return self.home_path / "snapshots"

    @property
    def history_path(self) -> Path:
        """The follower's history."""
        return self.home_path / "history.db"

    @property
    def run_folder(self) -> Path:
        """Sockets and process ids of the running venue."""
        return self.home_path / "run"

    @property
    def core_socket(self) -> Path:
        """Where the core listens for links."""
        return self.run_folder / "core.sock"


def load_config(environment: Mapping[str, str] | None = None) -> Config:
    """Read `$HASHBOOK_HOME/config.json` if there is one, then apply HASHBOOK_HOME and HASHBOOK_PORT.

    Raises:
        ConfigError: unreadable file, unknown key, value out of range.
    """
    environment = os.environ if environment is None else environment
    home = environment.get("HASHBOOK_HOME") or HOME_DEFAULT
    path = Path(home) / CONFIG_NAME
    try:
        raw = path.read_bytes() if path.exists() else b"{}"
        config = msgspec.json.decode(raw, type=Config)
        _refuse_unknown_limits(raw)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    config = msgspec.structs.replace(config, home=home)
    port_text = environment.get("HASHBOOK_PORT")
    if port_text:
        if not port_text.isascii() or not port_text.isdigit() or int(port_text) > 65_535:
            raise ConfigError(f"HASHBOOK_PORT={port_text!r} is no port")
        config = msgspec.structs.replace(config, port=int(port_text))
    return config


def _refuse_unknown_limits(raw: bytes) -> None:
    """The dictionary's struct of limits ignores what it does not know; a configuration must not."""
    limits = msgspec.json.decode(raw, type=_LimitsOnly).limits
    known = {field.name for field in msgspec.structs.fields(Limits)}
    for name, value in limits.items():
        if name not in known:
            raise msgspec.ValidationError(f"Object contains unknown field `{name}` - at `$.limits`")
        if value < 1:
            raise msgspec.ValidationError(f"Expected `int` >= 1 - at `$.limits.{name}`")


class _LimitsOnly(msgspec.Struct):
    limits: dict[str, int] = msgspec.field(default_factory=dict)


def make_clock(config: Config) -> Clock:
    """The venue's exchange clock, not yet resumed."""
    if config.clock.mode == "replay":
        return ReplayClock(config.clock.start_ns, config.clock.speed)
    return RealClock()


def clock_speed(config: Config) -> int:
    """Exchange seconds per second."""
    return config.clock.speed if config.clock.mode == "replay" else 1


def demo_config(home: str, *, bot: bool = True) -> Config:
    """Settings of the demo market: the real chain from the end of 2023, sixty times as fast."""
    return Config(home=home, demo=True, bot=bot, clock=ClockConfig(mode="replay"), feed=FeedConfig(source="file"))


def write_config(config: Config) -> Path:
    """Write the file that `load_config` reads; home and port stay with the environment."""
    config.home_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = config.home_path / CONFIG_NAME
    settings = msgspec.to_builtins(config)
    for key in ("home", "port"):
        del settings[key]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
    return path
