"""From files to a running machine: newest usable snapshot, then the tail of the journal.

Lives here: the choice of the snapshot, the replay, and what is checked on the way.
Does not know: processes, links, what a command does.
Theory of operation: the journal is the truth. A snapshot is used only if the chain digest in it is the journal's own at
that command and the state loaded from it has the digest written in it. A snapshot beyond the end of the journal
means that durable commands are missing, which is refused, not ignored.
"""

from pathlib import Path
from typing import NamedTuple

from runtime import journal_format as form
from runtime.disk import Disk
from runtime.engine import Engine, Machine, decode_genesis
from runtime.journal_reader import JournalCursor, JournalDamaged, read_genesis
from runtime.snapshots import Snapshot, SnapshotDamaged, SnapshotStore, read_snapshot


class Recovered(NamedTuple):
    """A machine that has applied the journal up to `cursor`."""

    machine: Machine
    event_digest: bytes
    cursor: JournalCursor
    snapshot_sequence: int  # 0 = replayed from the beginning
    replayed: int  # commands applied after the snapshot
    problems: list[str]  # snapshots that could not be used, in words; never silent


def recover(
    engine: Engine,
    journal_folder: Path,
    snapshots: SnapshotStore,
    *,
    snapshot_at_most: int | None = None,
    replay_tail: bool = True,
    disk: Disk | None = None,
) -> Recovered:
    """Rebuild the state of the venue in these folders.

    Args:
        snapshot_at_most: use no snapshot beyond this command (a projection that is behind needs the events in between).
        replay_tail: apply the journal to its end; otherwise stop at the snapshot and let the caller go on.

    Raises:
        JournalDamaged: also when a snapshot knows commands that the journal has lost. InvariantViolation.
    Cost: O(state of the snapshot + journal since the start of the snapshot's segment).
    """
    disk = disk or Disk()
    genesis = read_genesis(journal_folder, disk)
    problems: list[str] = []
    start = None
    for path in snapshots.paths():
        found = _usable(path, form.genesis_digest(genesis), problems)
        if found is None or (snapshot_at_most is not None and found.head.sequence > snapshot_at_most):
            continue
        start = _load(engine, found, JournalCursor(journal_folder, disk, after_sequence=found.head.sequence), problems)
        if start is not None:
            break
    if start is None:
        machine = engine.create(decode_genesis(genesis).limits)
        start = Recovered(machine, bytes(form.DIGEST_BYTES), JournalCursor(journal_folder, disk), 0, 0, problems)
    return replay(start) if replay_tail else start


def replay(start: Recovered) -> Recovered:
    """Apply every group from the cursor to the end of the journal. Events are counted into the digest and dropped."""
    machine, event_digest, cursor = start.machine, start.event_digest, start.cursor
    for group in cursor.groups():
        event_digest = form.next_event_digest(event_digest, machine.apply(group.records))
        if machine.sequence != group.last_sequence:
            raise JournalDamaged(f"group of command {group.first_sequence}: machine is at {machine.sequence} after it")
    return start._replace(event_digest=event_digest, replayed=machine.sequence - start.snapshot_sequence)


def _usable(path: Path, genesis_digest: bytes, problems: list[str]) -> Snapshot | None:
    try:
        found = read_snapshot(path)
    except (SnapshotDamaged, OSError) as error:
        problems.append(f"snapshot not used: {error}")
        return None
    if found.head.genesis_digest != genesis_digest:
        problems.append(f"snapshot not used: {path.name} belongs to another venue")
        return None
    return found


def _load(engine: Engine, found: Snapshot, cursor: JournalCursor, problems: list[str]) -> Recovered | None:
    head = found.head
    if cursor.digest != head.journal_digest:
        raise JournalDamaged(
            f"the journal's digest after command {head.sequence} is not the one its snapshot was taken at: "
            "journal and snapshot are of different pasts"
        )
    machine = engine.load_state(found.state)
    if (machine.sequence, machine.digest()) != (head.sequence, head.state_digest):
        problems.append(f"snapshot not used: state loaded at command {head.sequence} has another digest than written")
        return None
    return Recovered(machine, head.event_digest, cursor, head.sequence, 0, problems)
