"""Goal: a configuration says what it means or is refused with the key's name. Method: files and environments."""

from pathlib import Path

import msgspec
import pytest

from domain.limits import Limits
from runtime.clock import RealClock, ReplayClock
from runtime.config import Config, ConfigError, clock_speed, demo_config, load_config, make_clock, write_config


def load(home: Path, text: str | None = None, **environment: str) -> Config:
    if text is not None:
        (home / "config.json").write_text(text)
    return load_config({"HASHBOOK_HOME": str(home), **environment})


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert msgspec.structs.replace(Config(), home=str(tmp_path)) == load(tmp_path)


def test_without_an_environment_the_home_is_var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ("var", 8765) == (load_config({}).home, load_config({}).port)


def test_home_and_port_come_from_the_environment(tmp_path: Path) -> None:
    config = load(tmp_path, '{"home": "elsewhere", "port": 1}', HASHBOOK_PORT="9000")
    assert (str(tmp_path), 9000) == (config.home, config.port)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"prot": 1}', "prot"),
        ('{"clock": {"sped": 60}}', "sped"),
        ('{"limits": {"acounts_max": 5}}', "acounts_max"),
        ('{"limits": {"accounts_max": 0}}', "limits.accounts_max"),
        ('{"clock": {"mode": "lunar"}}', "clock.mode"),
        ('{"clock": {"speed": 0}}', "clock.speed"),
        ('{"port": 70000}', "port"),
        ('{"port": 1.5}', "port"),
        ('{"journal": {"segment_bytes": 10}}', "segment_bytes"),
        ("[]", "config.json"),
        ("{", "config.json"),
        ('{"host": "\\ud800"}', "config.json"),
    ],
)
def test_what_is_unknown_or_out_of_range_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load(tmp_path, text)


@pytest.mark.parametrize("port", ["x", "-1", "65536", "1e3", "٣"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(ConfigError, match="HASHBOOK_PORT"):
        load(tmp_path, HASHBOOK_PORT=port)


def test_a_written_configuration_is_read_back(tmp_path: Path) -> None:
    config = msgspec.structs.replace(demo_config(str(tmp_path)), limits=Limits(accounts_max=7))
    write_config(config)
    assert config == load(tmp_path)


def test_the_clock_is_made_as_configured(tmp_path: Path) -> None:
    assert isinstance(make_clock(load(tmp_path)), RealClock)
    assert clock_speed(load(tmp_path)) == 1
    demo = demo_config(str(tmp_path))
    clock = make_clock(demo)
    assert isinstance(clock, ReplayClock)
    assert demo.clock.start_ns <= clock.now_ns() < demo.clock.start_ns + 10**12
    assert clock_speed(demo) == 60


def test_the_reference_names_every_key() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "reference", "configuration.md").read_text(encoding="utf-8")
    keys = []
    for name, value in msgspec.structs.asdict(Config()).items():
        parts = [] if name in ("home", "limits") else [name]
        if isinstance(value, msgspec.Struct) and parts:
            parts = [f"{name}.{field}" for field in value.__struct_fields__]
        keys += parts
    assert [] == [key for key in keys if f"`{key}`" not in page]
