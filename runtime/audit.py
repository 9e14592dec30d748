"""Looking at a journal without running a venue: replay it, prove it, print it.

Lives here: the work behind `hashbook replay`, `verify` and `inspect`, as lines of text.
Does not know: arguments, exit codes (cli.py).
"""

import time
from collections.abc import Iterator
from typing import Final

from domain import constants, wire
from domain.commands import decode_cold
from runtime import journal_format as form
from runtime.config import Config
from runtime.disk import Disk
from runtime.engine import Engine, Machine, decode_genesis
from runtime.journal_reader import Group, JournalCursor, JournalDamaged, read_genesis
from runtime.snapshots import Snapshot, SnapshotDamaged, SnapshotStore, read_snapshot

_KIND_NAMES: Final = {
    value: name.removeprefix("COMMAND_")
    for name, value in vars(constants).items()
    if name.startswith("COMMAND_") and isinstance(value, int)
}
_HOT_FIELDS: Final = {
    constants.COMMAND_NEW_ORDER: (
        wire.NEW_ORDER,
        "account instrument price_ticks quantity_lots valid_until_ns side order_type time_in_force stp"
        " post_only reduce_only cancel_on_disconnect label_bytes",
    ),
    constants.COMMAND_CANCEL_ORDER: (wire.CANCEL_ORDER, "account market order_id"),
    constants.COMMAND_AMEND_ORDER: (
        wire.AMEND_ORDER,
        "account market order_id price_ticks total_lots valid_until_ns trigger_ticks post_only mode",
    ),
    constants.COMMAND_CANCEL_ALL: (
        wire.CANCEL_ALL,
        "account instrument asset instrument_kind side ranged label_bytes only_quotes mmp price_low_ticks"
        " price_high_ticks quote_set in_set",
    ),
    constants.COMMAND_CANCEL_SESSION: (wire.CANCEL_ALL, "account" + " -" * 12),
    constants.COMMAND_CANCEL_GATEWAY: (wire.CANCEL_ALL, " ".join("-" * 13)),
}
_HEADER_FIELDS: Final = 7


class VerifyFailed(Exception):
    """Journal and snapshots are readable but do not agree; the text says where."""


def replay_lines(config: Config, engine: Engine) -> Iterator[str]:
    """Replay the whole journal. Raises JournalDamaged, InvariantViolation. Cost: O(journal)."""
    cursor, machine = _from_genesis(config, engine)
    event_digest = bytes(form.DIGEST_BYTES)
    started_ns = time.perf_counter_ns()
    for group in cursor.groups():
        event_digest = form.next_event_digest(event_digest, machine.apply(group.records))
    seconds = max(1, time.perf_counter_ns() - started_ns) / 1e9
    yield f"sequence {machine.sequence}"
    yield f"time_ns {machine.time_ns}"
    yield f"digest {machine.digest()}"
    yield f"events {event_digest.hex()}"
    yield f"commands_per_second {machine.sequence / seconds:.0f} in {seconds:.2f} s"
    yield from _tail_lines(cursor)


def verify_lines(config: Config, engine: Engine) -> Iterator[str]:
    """Prove journal, snapshots and invariants against a replay from the first command.

    Raises:
        JournalDamaged, InvariantViolation, VerifyFailed. Cost: O(journal + snapshots).
    """
    cursor, machine = _from_genesis(config, engine)
    snapshots = {}
    for path in SnapshotStore(config.snapshot_folder).paths():
        try:
            snapshots[int(path.stem.removeprefix("snapshot-"))] = read_snapshot(path)
        except SnapshotDamaged as error:
            raise VerifyFailed(f"snapshot {error}") from error
    event_digest = bytes(form.DIGEST_BYTES)
    groups = 0
    for group in cursor.groups():
        event_digest = form.next_event_digest(event_digest, machine.apply(group.records))
        groups += 1
        if machine.sequence != group.last_sequence:
            raise VerifyFailed(f"machine is at {machine.sequence} after the group that ends at {group.last_sequence}")
        snapshot = snapshots.pop(group.last_sequence, None)
        if snapshot is not None:
            _compare_snapshot(engine, machine, group, event_digest, snapshot)
            yield f"ok snapshot at command {group.last_sequence}: chain, events and state as replayed"
    if snapshots:
        raise JournalDamaged(
            f"snapshot at command {max(snapshots)}, but no group of the journal ends there (last is {machine.sequence})"
        )
    machine.check_invariants()
    yield f"ok journal: {groups} groups, {machine.sequence} commands, chain digest {cursor.digest.hex()}"
    yield f"ok invariants at command {machine.sequence}, state digest {machine.digest()}"
    yield from _tail_lines(cursor)


def inspect_lines(config: Config, *, first_sequence: int, count: int, records: bool) -> Iterator[str]:
    """Groups, and with `records` their commands, from `first_sequence` on. Raises JournalDamaged."""
    cursor = JournalCursor(config.journal_folder, Disk())
    head = cursor.head
    yield f"genesis {decode_genesis(head.genesis)}"
    shown = 0
    segment = ""
    for group in cursor.groups():
        if group.last_sequence < first_sequence:
            continue
        if shown >= count:
            return
        if group.segment != segment:
            segment = group.segment
            yield f"segment {segment} number {cursor.head.number} epoch {cursor.head.epoch}"
        shown += 1
        yield (
            f"group offset {group.offset_bytes} commands {group.first_sequence}..{group.last_sequence}"
            f" time_ns {group.time_ns} bytes {len(group.records)} digest {group.digest.hex()[:16]}"
        )
        if records:
            for record in wire.split_records(group.records):
                yield f"  {describe_record(record)}"
    yield from _tail_lines(cursor)


def describe_record(record: memoryview) -> str:
    """One command in one line."""
    length, kind, _, sequence, time_ns, origin, request = wire.COMMAND_HEADER.unpack_from(record)
    name = _KIND_NAMES.get(kind, f"kind {kind}")
    start = f"{sequence} time_ns {time_ns} origin {origin >> 32}/{origin & 0xFFFFFFFF} request {request} {name}"
    if kind == constants.COMMAND_COLD:
        return f"{start} {decode_cold(record)}"
    if kind not in _HOT_FIELDS:
        return f"{start} {length} bytes"
    layout, names = _HOT_FIELDS[kind]
    values = layout.unpack_from(record)[_HEADER_FIELDS:]
    fields = [f"{field} {value}" for field, value in zip(names.split(), values, strict=False) if field != "-"]
    return " ".join((start, *fields))


def _from_genesis(config: Config, engine: Engine) -> tuple[JournalCursor, Machine]:
    genesis = decode_genesis(read_genesis(config.journal_folder, Disk()))
    return JournalCursor(config.journal_folder, Disk()), engine.create(genesis.limits)


def _compare_snapshot(
    engine: Engine, machine: Machine, group: Group, event_digest: bytes, snapshot: Snapshot
) -> None:
    head = snapshot.head
    at = f"snapshot at command {head.sequence}"
    if head.journal_digest != group.digest:
        raise VerifyFailed(f"{at}: taken from another chain")
    if head.event_digest != event_digest:
        raise VerifyFailed(f"{at}: events of the replay have another digest")
    if head.state_digest != machine.digest():
        raise VerifyFailed(f"{at}: state of the replay has another digest")
    if engine.load_state(snapshot.state).digest() != head.state_digest:
        raise VerifyFailed(f"{at}: loading it gives another state")
    machine.check_invariants()


def _tail_lines(cursor: JournalCursor) -> Iterator[str]:
    tail = cursor.torn_tail()
    if tail is not None:
        yield (
            f"unfinished write of {tail.size_bytes} bytes at {tail.segment} offset {tail.offset_bytes}: "
            "never acknowledged, cut at the next start"
        )
