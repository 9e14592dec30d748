"""Goal: commands get one order, events leave only after durability, reads see durable state only. Method: the sequencer
alone, with a toy machine and a hand-turned clock."""

import msgspec
import pytest

from domain.ensure import InvariantViolation
from domain.events import CommandApplied, decode_events
from runtime import sequencer as module
from runtime.journal_format import next_event_digest
from runtime.sequencer import Sequencer
from tests.unit.runtime.toy import LIMITS, POISON_PRICE, ToyMachine, order, stamp_records


class Hand:
    """A clock that shows what it is told."""

    def __init__(self) -> None:
        self.time_ns = 1_000

    def now_ns(self) -> int:
        return self.time_ns


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def sequencer(clock: Hand) -> Sequencer:
    return Sequencer(ToyMachine.create(LIMITS), stamp_records, clock.now_ns, bytes(32))


def run_group(sequencer: Sequencer) -> list[CommandApplied]:
    assert sequencer.open_group() is not None
    sequencer.apply_group()
    events = list(decode_events(sequencer.release_group().events))
    return [event for event in events if isinstance(event, CommandApplied)]


def test_batches_of_all_links_become_one_group_in_the_order_taken(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1) + order(2))
    sequencer.take_batch("b", order(3))
    applied = run_group(sequencer)
    assert [(1, 1), (2, 2), (3, 3)] == [(event.sequence, event.request) for event in applied]
    assert sequencer.queued_bytes == 0


def test_the_group_that_goes_to_the_journal_is_the_one_applied(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1) + order(2))
    group = sequencer.open_group()
    assert group is not None
    assert (1, 2, 1_000) == (group.first_sequence, group.commands, group.time_ns)
    replayed = ToyMachine.create(LIMITS).apply(group.records)
    sequencer.apply_group()
    release = sequencer.release_group()
    assert replayed == release.events
    assert next_event_digest(bytes(32), replayed) == release.event_digest


def test_no_group_opens_while_one_is_not_durable(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1))
    assert sequencer.open_group() is not None
    sequencer.apply_group()
    sequencer.take_batch("a", order(2))
    assert sequencer.open_group() is None
    assert not sequencer.has_work
    sequencer.release_group()
    assert sequencer.has_work
    assert [2] == [event.sequence for event in run_group(sequencer)]


def test_releasing_before_applying_breaks_an_invariant(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1))
    sequencer.open_group()
    with pytest.raises(InvariantViolation):
        sequencer.release_group()


def test_reads_wait_for_the_open_group_and_then_see_it(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1))
    sequencer.open_group()
    sequencer.take_read("a", 7, msgspec.msgpack.encode("what"))
    sequencer.apply_group()
    assert sequencer.answer_reads() == []
    sequencer.release_group()
    (answer,) = sequencer.answer_reads()
    assert ("a", 7) == (answer.source, answer.read_id)
    assert answer.answer is not None
    assert [1, "what"] == msgspec.msgpack.decode(answer.answer)


def test_a_read_that_is_none_is_answered_with_the_problem(sequencer: Sequencer) -> None:
    sequencer.take_read("a", 7, b"\xc1")
    (answer,) = sequencer.answer_reads()
    assert answer.answer is None
    assert answer.problem


def test_reads_of_a_lost_link_are_forgotten_and_its_commands_stand(sequencer: Sequencer) -> None:
    sequencer.take_read("a", 1, msgspec.msgpack.encode(0))
    sequencer.take_read("b", 2, msgspec.msgpack.encode(0))
    sequencer.take_batch("a", order(1))
    sequencer.forget("a")
    assert ["b"] == [answer.source for answer in sequencer.answer_reads()]
    assert [1] == [event.sequence for event in run_group(sequencer)]


def test_a_malformed_batch_is_refused_alone(sequencer: Sequencer) -> None:
    sequencer.take_batch("good", order(1))
    sequencer.take_batch("bad", order(9)[:-8])
    sequencer.take_batch("good", order(2))
    assert [(1, 1), (2, 2)] == [(event.sequence, event.request) for event in run_group(sequencer)]
    assert ["bad"] == [refused.source for refused in sequencer.refused]


def test_only_malformed_batches_make_no_group(sequencer: Sequencer) -> None:
    sequencer.take_batch("bad", b"12345678")
    assert sequencer.open_group() is None
    assert (0, 0) == (sequencer.sequence, sequencer.queued_bytes)


def test_groups_are_bounded_by_commands(sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_COMMANDS_MAX", 4)
    for request in range(10):
        sequencer.take_batch("a", order(request))
    assert [4, 4, 2] == [len(run_group(sequencer)) for _ in range(3)]


def test_groups_are_bounded_by_bytes(sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_BYTES_MAX", 2 * len(order(0)))
    for request in range(5):
        sequencer.take_batch("a", order(request))
    assert [2, 2, 1] == [len(run_group(sequencer)) for _ in range(3)]


def test_time_never_goes_back_even_if_the_clock_does(sequencer: Sequencer, clock: Hand) -> None:
    times = []
    for now in (5_000, 4_000, 1, 6_000):
        clock.time_ns = now
        sequencer.take_batch("a", order(1))
        times += [event.time_ns for event in run_group(sequencer)]
    assert [5_000, 5_000, 5_000, 6_000] == times


def test_a_broken_invariant_leaves_nothing_to_release(sequencer: Sequencer) -> None:
    sequencer.take_batch("a", order(1) + order(2, price_ticks=POISON_PRICE))
    sequencer.open_group()
    with pytest.raises(InvariantViolation, match="no order is poisoned"):
        sequencer.apply_group()
    with pytest.raises(InvariantViolation):
        sequencer.release_group()
    assert sequencer.answer_reads() == []
