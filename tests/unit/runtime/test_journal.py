"""Goal: what was appended is read back exactly, or the journal says that it is not. Method: small journals, every byte
flipped, every length cut, segments removed and swapped, failing disks."""

import shutil
from pathlib import Path

import pytest

from runtime import journal_format as form
from runtime.disk import Disk
from runtime.journal import JournalBusy, JournalWriter
from runtime.journal_reader import Group, JournalCursor, JournalDamaged, read_genesis, segment_paths
from tests.unit.runtime.toy import stamped

GENESIS = b"genesis of a test"
SEGMENT_BYTES = 2_048


def write_journal(
    folder: Path, groups: list[int], *, seal: bool = False, segment_bytes: int = SEGMENT_BYTES
) -> list[bytes]:
    """A journal with groups of these sizes; their payloads."""
    writer = JournalWriter(folder, GENESIS, segment_bytes=segment_bytes)
    payloads = [append(writer, size) for size in groups]
    if seal:
        writer.seal(5_000)
    writer.close()
    return payloads


def append(writer: JournalWriter, commands: int) -> bytes:
    first = writer.sequence + 1
    payload = stamped(first, commands, time_ns=first * 10)
    writer.append(payload, first_sequence=first, commands=commands, time_ns=first * 10)
    return payload


def read_all(folder: Path) -> list[Group]:
    return list(JournalCursor(folder, Disk()).groups())


def payloads_of(folder: Path) -> list[bytes]:
    return [bytes(group.records) for group in read_all(folder)]


def test_groups_come_back_in_order_with_their_numbers(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [1, 3, 2])
    groups = read_all(tmp_path)
    assert payloads == [bytes(group.records) for group in groups]
    assert [(1, 1, 10), (2, 3, 20), (5, 2, 50)] == [(g.first_sequence, g.commands, g.time_ns) for g in groups]
    assert GENESIS == read_genesis(tmp_path, Disk())


def test_an_empty_journal_is_read_as_no_groups(tmp_path: Path) -> None:
    write_journal(tmp_path, [])
    cursor = JournalCursor(tmp_path, Disk())
    assert cursor.read_group() is None
    assert cursor.torn_tail() is None


def test_writing_goes_on_after_a_reopen_in_the_same_chain(tmp_path: Path) -> None:
    before = write_journal(tmp_path, [2, 1])
    writer = JournalWriter(tmp_path, b"another genesis is ignored", segment_bytes=SEGMENT_BYTES)
    assert (GENESIS, 3, None) == (writer.genesis, writer.sequence, writer.cut)
    after = append(writer, 2)
    writer.close()
    assert [*before, after] == payloads_of(tmp_path)


def test_segments_rotate_and_the_chain_goes_through_them(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [5] * 20)
    assert len(segment_paths(tmp_path)) > 3
    assert payloads == payloads_of(tmp_path)


def test_a_group_larger_than_a_segment_gets_a_segment_of_its_own(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [1, 100, 1])
    assert payloads == payloads_of(tmp_path)
    assert all(path.stat().st_size >= SEGMENT_BYTES for path in segment_paths(tmp_path))


def test_a_large_first_group_replaces_the_empty_first_segment_and_keeps_the_genesis(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [100, 1])
    assert payloads == payloads_of(tmp_path)
    assert GENESIS == read_genesis(tmp_path, Disk())


def test_a_prepared_spare_becomes_the_next_segment(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    payloads = [append(writer, 5), append(writer, 5), append(writer, 5)]
    assert writer.wants_spare
    writer.make_spare()
    assert not writer.wants_spare
    spare_inode = (tmp_path / "spare.tmp").stat().st_ino
    payloads += [append(writer, 5), append(writer, 5)]
    writer.close()
    assert spare_inode in [path.stat().st_ino for path in segment_paths(tmp_path)]
    assert payloads == payloads_of(tmp_path)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    with pytest.raises(JournalBusy):
        JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    writer.close()
    JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES).close()


def test_a_group_out_of_sequence_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    for first, commands, payload in ((2, 1, bytes(8)), (1, 0, b""), (1, 1, bytes(7))):
        with pytest.raises(ValueError, match="group of"):
            writer.append(payload, first_sequence=first, commands=commands, time_ns=0)
    writer.close()
    assert read_all(tmp_path) == []


def test_a_cursor_can_start_after_any_group_end_but_not_inside_a_group(tmp_path: Path) -> None:
    write_journal(tmp_path, [4] * 12)
    for after in range(0, 49, 4):
        cursor = JournalCursor(tmp_path, Disk(), after_sequence=after)
        assert list(range(after + 1, 49, 4)) == [group.first_sequence for group in cursor.groups()]
    with pytest.raises(JournalDamaged, match="no group of the journal ends at command 5"):
        JournalCursor(tmp_path, Disk(), after_sequence=5)


def test_a_cursor_beyond_the_end_says_that_durable_commands_are_missing(tmp_path: Path) -> None:
    write_journal(tmp_path, [4])
    with pytest.raises(JournalDamaged, match=r"ends after command 4 .* command 9 had been durable"):
        JournalCursor(tmp_path, Disk(), after_sequence=9)


def test_a_cursor_at_the_end_sees_groups_and_segments_that_come_later(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    cursor = JournalCursor(tmp_path, Disk())
    for _ in range(30):
        assert cursor.read_group() is None
        payload = append(writer, 3)
        group = cursor.read_group()
        assert group is not None
        assert payload == group.records
    writer.close()
    assert len(segment_paths(tmp_path)) > 3


# --- damage ------------------------------------------------------------------------------------------------------


def used_bytes(path: Path) -> int:
    return len(path.read_bytes().rstrip(b"\0"))


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_no_flipped_bit_is_ever_replayed(tmp_path: Path, bit: int) -> None:
    """Every byte of a sealed journal of two segments: refused, or a prefix that lacks only the unproven end."""
    source = tmp_path / "source"
    payloads = write_journal(source, [2, 1, 1, 6, 5, 1, 2], seal=True, segment_bytes=1_024)
    segments = segment_paths(source)
    assert len(segments) >= 2
    refused = 0
    for segment in segments:
        raw = bytearray(segment.read_bytes())
        for offset in range(used_bytes(segment)):
            raw[offset] ^= 1 << bit
            segment.write_bytes(raw)
            try:
                cursor = JournalCursor(source, Disk())
                seen = [bytes(group.records) for group in cursor.groups()]
            except JournalDamaged:
                refused += 1
            else:
                # Only the last seal may be lost, and then something unfinished is reported.
                assert payloads == seen
                assert cursor.torn_tail() is not None
            raw[offset] ^= 1 << bit
        segment.write_bytes(raw)
    assert payloads == payloads_of(source)
    assert refused > 1_000


def test_every_flipped_byte_of_an_unsealed_last_group_gives_a_reported_prefix_or_a_refusal(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [2, 1, 3])
    (segment,) = segment_paths(tmp_path)
    last = read_all(tmp_path)[-1].offset_bytes
    raw = bytearray(segment.read_bytes())
    for offset in range(last, used_bytes(segment)):
        raw[offset] ^= 0x10
        segment.write_bytes(raw)
        cursor = JournalCursor(tmp_path, Disk())
        assert payloads[:2] == [bytes(group.records) for group in cursor.groups()]
        assert cursor.torn_tail() is not None
        raw[offset] ^= 0x10


def test_a_damaged_group_in_the_middle_is_named(tmp_path: Path) -> None:
    write_journal(tmp_path, [2, 2, 2])
    (segment,) = segment_paths(tmp_path)
    middle = read_all(tmp_path)[1]
    raw = bytearray(segment.read_bytes())
    raw[middle.offset_bytes + form.GROUP_HEADER.size + 20] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(JournalDamaged, match=rf"{segment.name}, offset {middle.offset_bytes}, group of command 3:"):
        read_all(tmp_path)
    with pytest.raises(JournalDamaged, match="group of command 3"):
        JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    assert raw == segment.read_bytes(), "a refused journal is not touched"


def test_a_zeroed_group_in_the_middle_is_damage_not_the_end(tmp_path: Path) -> None:
    write_journal(tmp_path, [2, 2, 2])
    (segment,) = segment_paths(tmp_path)
    _, middle, last = read_all(tmp_path)
    raw = bytearray(segment.read_bytes())
    raw[middle.offset_bytes : last.offset_bytes] = bytes(last.offset_bytes - middle.offset_bytes)
    segment.write_bytes(raw)
    with pytest.raises(JournalDamaged, match="group of command 3"):
        read_all(tmp_path)


def test_every_torn_length_of_the_last_group_is_cut_and_writing_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "source"
    payloads = write_journal(source, [2, 1])
    (segment,) = segment_paths(source)
    raw = segment.read_bytes()
    last = read_all(source)[-1]
    end = used_bytes(segment)  # a write that lacks only zeros lacks nothing
    for kept in range(0, end - last.offset_bytes, 5):
        folder = tmp_path / f"torn-{kept}"
        folder.mkdir()
        torn = raw[: last.offset_bytes + kept].ljust(len(raw), b"\0")
        (folder / segment.name).write_bytes(torn)
        writer = JournalWriter(folder, GENESIS, segment_bytes=SEGMENT_BYTES)
        assert (2, kept > 0) == (writer.sequence, writer.cut is not None)
        again = append(writer, 3)
        writer.close()
        assert [payloads[0], again] == payloads_of(folder)


@pytest.mark.parametrize("lost", ["head", "tail"])
def test_a_last_group_whose_sectors_came_in_another_order_is_cut(tmp_path: Path, lost: str) -> None:
    payloads = write_journal(tmp_path, [2, 20], segment_bytes=8_192)
    (segment,) = segment_paths(tmp_path)
    last = read_all(tmp_path)[-1]
    raw = bytearray(segment.read_bytes())
    start, end = last.offset_bytes, last.offset_bytes + 72 + len(last.records)
    if lost == "head":
        raw[start : start + 512] = bytes(512)
    else:
        raw[end - 512 : end] = bytes(512)
    segment.write_bytes(raw)
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=8_192)
    assert writer.cut is not None
    writer.close()
    assert payloads[:1] == payloads_of(tmp_path)
    assert used_bytes(segment) <= start


def test_a_file_cut_short_in_its_last_group_is_accepted_without_it(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [2, 1])
    (segment,) = segment_paths(tmp_path)
    last = read_all(tmp_path)[-1]
    with segment.open("r+b") as file:
        file.truncate(last.offset_bytes + 100)
    writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
    again = append(writer, 4)
    writer.close()
    assert [payloads[0], again] == payloads_of(tmp_path)


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_missing_segment_is_damage(tmp_path: Path, victim: int) -> None:
    write_journal(tmp_path, [5] * 20)
    segment_paths(tmp_path)[victim].unlink()
    with pytest.raises(JournalDamaged):
        JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)


def test_a_segment_of_another_journal_is_damage(tmp_path: Path) -> None:
    write_journal(tmp_path / "ours", [5] * 20)
    writer = JournalWriter(tmp_path / "theirs", b"other", segment_bytes=SEGMENT_BYTES)
    for _ in range(20):
        append(writer, 5)
    writer.close()
    ours, theirs = segment_paths(tmp_path / "ours"), segment_paths(tmp_path / "theirs")
    shutil.copy(theirs[2], ours[2])
    with pytest.raises(JournalDamaged):
        read_all(tmp_path / "ours")


def test_a_repeated_segment_under_the_next_name_is_damage(tmp_path: Path) -> None:
    write_journal(tmp_path, [5] * 20)
    paths = segment_paths(tmp_path)
    shutil.copy(paths[1], paths[2])
    with pytest.raises(JournalDamaged):
        read_all(tmp_path)


def test_a_flipped_last_group_before_a_seal_is_damage(tmp_path: Path) -> None:
    write_journal(tmp_path, [2, 1], seal=True)
    (segment,) = segment_paths(tmp_path)
    last = read_all(tmp_path)[-1]
    raw = bytearray(segment.read_bytes())
    raw[last.offset_bytes + 90] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(JournalDamaged, match="group of command 3"):
        read_all(tmp_path)


def test_a_seal_is_no_command_and_may_be_repeated(tmp_path: Path) -> None:
    payloads = write_journal(tmp_path, [2], seal=True)
    for _ in range(40):  # also across segment ends
        writer = JournalWriter(tmp_path, GENESIS, segment_bytes=SEGMENT_BYTES)
        payloads.append(append(writer, 1))
        writer.seal(1)
        writer.close()
    assert payloads == payloads_of(tmp_path)


# --- failing disks -----------------------------------------------------------------------------------------------


class InjectedError(OSError):
    """The failure a test asked for."""


class FailingDisk(Disk):
    """Fails the nth call of one kind, then for ever."""

    def __init__(self, kind: str, at: int) -> None:
        self.kind, self.at, self.calls = kind, at, 0

    def _count(self, kind: str) -> None:
        if kind == self.kind:
            self.calls += 1
            if self.calls >= self.at:
                raise InjectedError(5, "injected")

    def write_at(self, fd: int, data: bytes | memoryview, offset_bytes: int) -> None:
        self._count("write")
        super().write_at(fd, data, offset_bytes)

    def sync_data(self, fd: int) -> None:
        self._count("sync")
        super().sync_data(fd)

    def rename(self, source: Path, target: Path) -> None:
        self._count("rename")
        super().rename(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        super().sync_folder(folder)


def run_until_failure(folder: Path, disk: Disk, acknowledged: list[bytes]) -> bool:
    """True if nothing failed."""
    writer = None
    try:
        writer = JournalWriter(folder, GENESIS, segment_bytes=1_024, disk=disk)
        acknowledged.extend(append(writer, 3) for _ in range(12))
    except InjectedError:
        return False
    finally:
        if writer is not None:
            writer.close()
    return True


@pytest.mark.parametrize("kind", ["write", "sync", "rename", "sync_folder"])
def test_whatever_disk_call_fails_everything_acknowledged_is_there_afterwards(tmp_path: Path, kind: str) -> None:
    """The failure point moves by one until the scenario finishes clean."""
    for at in range(1, 200):
        folder = tmp_path / str(at)
        disk = FailingDisk(kind, at)
        acknowledged: list[bytes] = []
        clean = run_until_failure(folder, disk, acknowledged)
        again = JournalWriter(folder, GENESIS, segment_bytes=1_024)
        again.close()
        found = payloads_of(folder)
        assert acknowledged == found[: len(acknowledged)]
        assert len(found) <= len(acknowledged) + 1
        if clean:
            assert at > 1
            return
    pytest.fail("the scenario never finished clean")
