"""Goal: the commands print what they promise and exit with the code that says what is wrong. Method: the command line
in process over journals written by the test, with the toy machine."""

from pathlib import Path

import pytest

from runtime.cli import main
from runtime.config import Config, write_config
from runtime.disk import Disk
from runtime.exits import EXIT_CLEAN, EXIT_INVARIANT, EXIT_JOURNAL_DAMAGED, EXIT_USAGE
from runtime.journal import JournalWriter
from runtime.journal_format import GROUP_HEADER
from runtime.journal_reader import JournalCursor
from tests.unit.runtime.test_snapshots import GENESIS, Home
from tests.unit.runtime.toy import POISON_PRICE, TOY, order, stamp_records


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("HASHBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("HASHBOOK_PORT", raising=False)
    return Home(tmp_path, snapshots_after=(4, 8))


def run(*arguments: str) -> int:
    return main(arguments, engine=TOY)


def test_replay_prints_sequence_digest_and_rate(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert EXIT_CLEAN == run("replay")
    lines = capsys.readouterr().out.splitlines()
    assert "sequence 30" in lines
    assert f"digest {home.machine.digest()}" in lines
    assert f"events {home.event_digest.hex()}" in lines
    assert any(line.startswith("commands_per_second ") for line in lines)


def test_verify_proves_journal_snapshots_and_invariants(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert EXIT_CLEAN == run("verify")
    out = capsys.readouterr().out
    assert "ok snapshot at command 12" in out
    assert "ok snapshot at command 24" in out
    assert "ok journal: 10 groups, 30 commands" in out
    assert f"ok invariants at command 30, state digest {home.machine.digest()}" in out


@pytest.mark.parametrize("command", ["replay", "verify", "inspect"])
def test_a_damaged_journal_exits_with_its_code_and_names_the_group(
    home: Home, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    third = list(JournalCursor(home.journal, Disk()).groups())[2]
    path = home.journal / third.segment
    raw = bytearray(path.read_bytes())
    raw[third.offset_bytes + GROUP_HEADER.size] ^= 1
    path.write_bytes(raw)
    assert EXIT_JOURNAL_DAMAGED == run(command)
    assert f"segment {third.segment}, offset {third.offset_bytes}, group of command 7" in capsys.readouterr().err


def test_a_flipped_byte_in_a_snapshot_fails_verify(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    path = home.store.paths()[1]
    raw = bytearray(path.read_bytes())
    raw[40] ^= 1
    path.write_bytes(raw)
    assert EXIT_JOURNAL_DAMAGED == run("verify")
    assert path.name in capsys.readouterr().err


def test_a_snapshot_that_the_replay_does_not_reach_fails_verify(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home.store.paths()[0]
    path.rename(path.with_name("snapshot-00000000000000000025.snap"))
    assert EXIT_JOURNAL_DAMAGED == run("verify")
    assert "snapshot at command 25, but no group of the journal ends there" in capsys.readouterr().err


def test_a_snapshot_with_another_state_fails_verify(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    last = list(JournalCursor(home.journal, Disk()).groups())[-1]
    home.snapshot(last.digest, state_digest="another")
    assert EXIT_JOURNAL_DAMAGED == run("verify")
    assert "state of the replay has another digest" in capsys.readouterr().err


def test_a_broken_invariant_in_the_journal_exits_with_its_code(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = bytearray(order(1, price_ticks=POISON_PRICE))
    stamp_records(batch, 31, 100)
    writer = JournalWriter(home.journal, GENESIS, segment_bytes=2_048)
    writer.append(batch, first_sequence=31, commands=1, time_ns=100)
    writer.close()
    assert EXIT_INVARIANT == run("replay")
    assert "no order is poisoned" in capsys.readouterr().err


def test_inspect_prints_groups_and_records_from_where_it_is_told(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert EXIT_CLEAN == run("inspect", "--start", "8", "--count", "2", "--records")
    lines = capsys.readouterr().out.splitlines()
    groups = [line for line in lines if line.startswith("group ")]
    records = [line for line in lines if line.startswith("  ")]
    assert ["7..9", "10..12"] == [line.split()[4] for line in groups]
    assert 6 == len(records)
    assert "7 time_ns 2 origin 0/0 request 7 NEW_ORDER account 16 instrument 0 price_ticks 100" in records[0]


def test_an_unfinished_write_is_mentioned_and_is_no_damage(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    last = list(JournalCursor(home.journal, Disk()).groups())[-1]
    path = home.journal / last.segment
    raw = bytearray(path.read_bytes())
    raw[last.offset_bytes + GROUP_HEADER.size + 5] ^= 1
    path.write_bytes(raw)
    assert EXIT_CLEAN == run("verify")
    out = capsys.readouterr().out
    assert "27 commands" in out
    assert "unfinished write" in out


def test_a_home_without_a_journal_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setenv("HASHBOOK_HOME", str(tmp_path / "nothing"))
    assert EXIT_JOURNAL_DAMAGED == run("replay")
    assert "no journal segment" in capsys.readouterr().err


def test_a_demo_over_a_home_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HASHBOOK_HOME", str(tmp_path))
    write_config(Config(home=str(tmp_path)))
    assert EXIT_USAGE == run("serve", "--demo")
    assert "not a demo's" in capsys.readouterr().err


def test_a_bad_configuration_is_a_usage_error(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.journal.parent / "config.json").write_text('{"what": 1}')
    assert EXIT_USAGE == run("verify")
    assert "what" in capsys.readouterr().err
