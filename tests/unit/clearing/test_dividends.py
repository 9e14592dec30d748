"""Goal: every dividend is paid once, whole, to the holders of record, whatever the chain does meanwhile.

Method: the split and random chain histories against a plain twin built on fractions; every transition of an event.
"""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing.dividend_book import DividendBook, DividendReject
from clearing.dividends import (
    DividendEvent,
    DividendLeg,
    DividendSource,
    DividendState,
    RecordTimes,
    dividend_msat,
    manufactured_legs,
    record_time_ns,
)
from clearing.rounding import split_largest_remainder
from domain.ensure import InvariantViolation
from tests.reference import dividends as twin

HASH = bytes(range(32))
OTHER = bytes(range(1, 33))


def source(
    block_hash: bytes = HASH, *, tranche: str = "TH1A", height: int = 1_000, record_ns: int = 50
) -> DividendSource:
    return DividendSource(
        tranche=tranche,
        block_hash=block_hash,
        height=height,
        record_time_ns=record_ns,
        seen_time_ns=record_ns + 10,
        reward_msat=1_000_000,
        pool_units=10_000,
        fee_ppm=30_000,
    )


def opened(book: DividendBook, **settings: object) -> DividendEvent:
    event = book.open(source(**settings))  # type: ignore[arg-type]
    assert isinstance(event, DividendEvent)
    return event


# ---- splitting ----


def test_the_published_split_gives_spares_to_the_largest_remainders() -> None:
    assert split_largest_remainder(1_000_003, [3, 3, 1]) == [428_573, 428_573, 142_857]  # CLR-15


def test_equal_remainders_favour_the_lower_index() -> None:
    assert split_largest_remainder(2, [1, 1, 1]) == [1, 1, 0]
    assert split_largest_remainder(1, [5, 0, 5]) == [1, 0, 0]


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_a_split_is_whole_fair_and_equal_to_the_twin(amount: int, weights: list[int]) -> None:
    parts = split_largest_remainder(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * total - amount * weight) < total, "less than one unit from the exact share"
    assert parts == twin.split(amount, weights)


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, [0, 0]), (1, []), (1, [2, -1])])
def test_a_split_over_nothing_or_negatives_is_a_broken_invariant(amount: int, weights: list[int]) -> None:
    with pytest.raises((InvariantViolation, ValueError)):
        split_largest_remainder(amount, weights)


@given(st.integers(0, 10**13), st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 10**6))
def test_the_amount_is_one_fraction_rounded_down_once(reward: int, supply: int, pool: int, fee_ppm: int) -> None:
    supply = min(supply, pool)
    expected = twin.amount(reward, supply, pool, Fraction(fee_ppm, 10**6))
    assert dividend_msat(reward_msat=reward, supply_units=supply, pool_units=pool, fee_ppm=fee_ppm) == expected


def test_a_borrower_owes_each_lender_the_floor_of_his_part() -> None:
    assert manufactured_legs([(1, 9, 3), (2, 9, 4)], 100, 7) == [(9, 1, 42), (9, 2, 57)]


# ---- record times ----


def test_the_header_term_is_the_miners_time_wherever_it_points() -> None:
    assert record_time_ns("header", header_time_s=100, first_seen_ns=5, previous_ns=10**18) == 100 * 10**9


def test_the_clamped_term_is_never_after_first_seen_and_never_goes_back() -> None:
    second = 10**9

    def clamped(header_s: int, previous_ns: int | None) -> int:
        return record_time_ns(
            "clamped", header_time_s=header_s, first_seen_ns=90 * second, previous_ns=previous_ns
        )

    assert clamped(100, None) == 90 * second
    assert clamped(80, None) == 80 * second
    assert clamped(80, 85 * second) == 85 * second


def test_an_unknown_term_is_a_broken_invariant() -> None:
    with pytest.raises(InvariantViolation):
        record_time_ns("median", header_time_s=1, first_seen_ns=1, previous_ns=None)


def test_clamped_times_follow_each_branch_on_its_own() -> None:
    times = RecordTimes(heights_kept=10)
    a, b, c, d = (bytes([mark]) * 32 for mark in range(4))
    second = 10**9

    def add(block: bytes, parent: bytes, height: int, header_s: int) -> int:
        return times.add(
            block_hash=block, previous_hash=parent, height=height, header_time_s=header_s, first_seen_ns=10**15
        )

    assert add(a, bytes(32), 1, 100) == 100 * second
    assert add(b, a, 2, 200) == 200 * second
    assert add(c, a, 2, 50) == 100 * second, "this branch never saw 200"
    assert add(d, b, 3, 150) == 200 * second
    assert add(b, a, 2, 999) == 200 * second, "a block that comes back keeps its time"
    copy = RecordTimes.load(times.dump())
    assert copy.dump() == times.dump()
    assert copy.get(d) == 200 * second
    add(bytes([9]) * 32, d, 12, 300)
    assert times.get(a) is None
    assert times.get(d) is not None


# ---- life of an event ----


def test_an_event_waits_until_its_record_time_is_over() -> None:
    book = DividendBook()
    event = opened(book, record_ns=1_000)
    assert event.state is DividendState.WAITING
    assert book.next_record_time_ns() == 1_000
    assert book.ripe(999) == []
    assert book.ripe(1_000) == [], "commands with this very time may still follow"
    assert book.ripe(1_001) == [event]
    assert book.due(10**9) == [], "nobody is entitled yet"
    book.entitle(event, {1: 10}, 10)
    assert book.ripe(1_001) == []
    assert book.next_record_time_ns() is None


def test_legs_follow_account_order_and_leave_out_who_holds_nothing() -> None:
    book = DividendBook()
    event = book.entitle(opened(book), {7: 30, 2: 10, 5: 0}, 40)
    assert event.amount_msat == 1_000_000 * 40 * 97 // (100 * 10_000)
    assert event.legs == (DividendLeg(2, 10, 970), DividendLeg(7, 30, 2_910))
    assert (event.supply_units, event.suspense_msat, event.carried_msat) == (40, 0, 0)


def test_a_dividend_is_posted_at_one_hundred_confirmations_and_not_before() -> None:
    book = DividendBook()
    event = book.entitle(opened(book), {1: 10}, 10)
    assert book.due(1_098) == []
    with pytest.raises(InvariantViolation):
        book.post(event, 1_098)
    assert book.due(1_099) == [event]
    posted = book.post(event, 1_099)
    assert posted.state is DividendState.POSTED
    assert book.due(5_000) == []
    with pytest.raises(InvariantViolation):
        book.post(event, 1_100)


def test_due_events_come_oldest_block_first() -> None:
    book = DividendBook()
    late = book.entitle(opened(book, block_hash=HASH, height=1_005), {1: 1}, 1)
    early = book.entitle(opened(book, block_hash=OTHER, height=1_000), {1: 1}, 1)
    assert book.due(2_000) == [early, late]


def test_the_same_block_is_opened_once_per_tranche() -> None:
    book = DividendBook()
    opened(book)
    assert book.open(source()) is DividendReject.ALREADY_OPEN
    opened(book, tranche="TH1B")
    assert [event.source.tranche for event in book.events()] == ["TH1A", "TH1B"]


def test_a_disconnected_block_voids_waiting_and_pending_events_of_every_tranche() -> None:
    book = DividendBook()
    pending = book.entitle(opened(book), {1: 10}, 10)
    opened(book, tranche="TH1B")
    opened(book, block_hash=OTHER)
    result = book.void(HASH)
    assert [(event.source.tranche, event.state) for event in result.voided] == [
        ("TH1A", DividendState.VOIDED),
        ("TH1B", DividendState.VOIDED),
    ]
    assert result.voided[0].legs == pending.legs, "the legs to reverse are those that were made"
    assert book.void(HASH).voided == (), "a void happens once"
    assert book.due(10**6) == []
    assert book.event("TH1A", OTHER).state is DividendState.WAITING
    with pytest.raises(InvariantViolation):
        book.post(pending, 2_000)


def test_a_block_that_comes_back_makes_a_fresh_event_with_fresh_holders() -> None:
    book = DividendBook()
    book.entitle(opened(book), {1: 10}, 10)
    book.void(HASH)
    again = opened(book)
    assert (again.attempt, again.legs) == (2, ())
    again = book.entitle(again, {2: 10}, 10)
    book.post(again, 1_099)
    assert book.event("TH1A", HASH).legs == (DividendLeg(2, 10, 970),)


def test_what_was_posted_is_never_paid_again_and_never_taken_back() -> None:
    book = DividendBook()
    book.post(book.entitle(opened(book), {1: 10}, 10), 1_099)
    result = book.void(HASH)
    assert result.voided == ()
    assert [event.state for event in result.posted] == [DividendState.POSTED]
    assert book.open(source()) is DividendReject.ALREADY_POSTED


def test_forgotten_events_cannot_be_opened_again() -> None:
    book = DividendBook()
    book.post(book.entitle(opened(book), {1: 10}, 10), 1_099)
    waiting = opened(book, block_hash=OTHER, height=1_001)
    with pytest.raises(InvariantViolation):
        book.forget(1_002)
    book.forget(1_001)
    assert book.events() == [waiting]
    assert book.open(source()) is DividendReject.TOO_OLD


def test_rewards_without_holders_wait_in_suspense_for_the_next_holders() -> None:
    book = DividendBook()
    empty = book.entitle(opened(book), {}, 40)
    assert (empty.suspense_msat, empty.legs, empty.amount_msat) == (3_880, (), 3_880)
    assert book.suspense_msat("TH1A") == 0, "pending is not yet there"
    book.post(empty, 1_099)
    assert book.suspense_msat("TH1A") == 3_880
    book.entitle(opened(book, block_hash=bytes([8]) * 32, tranche="TH1B"), {1: 1}, 1)
    assert book.suspense_msat("TH1A") == 3_880, "another tranche's holders have no part in it"
    heirs = book.entitle(opened(book, block_hash=OTHER, height=1_100), {3: 40}, 40)
    assert (heirs.carried_msat, heirs.legs) == (3_880, (DividendLeg(3, 40, 7_760),))
    assert book.suspense_msat("TH1A") == 0
    book.void(OTHER)
    assert book.suspense_msat("TH1A") == 3_880, "a voided heir gives it back"
    book.check_invariants()


def test_more_tokens_held_than_issued_or_negative_holdings_are_broken_invariants() -> None:
    book = DividendBook()
    event = opened(book)
    with pytest.raises(InvariantViolation):
        book.entitle(event, {1: 11}, 10)
    with pytest.raises(InvariantViolation):
        book.entitle(event, {1: 11, 2: -1}, 10)
    assert book.event("TH1A", HASH) is event, "nothing has changed"


def test_an_outdated_event_is_not_accepted() -> None:
    book = DividendBook()
    old = opened(book)
    book.entitle(old, {1: 1}, 1)
    with pytest.raises(InvariantViolation):
        book.entitle(old, {2: 1}, 1)


def test_a_dump_brings_back_the_same_book_whatever_the_order_of_entry() -> None:
    books = DividendBook(), DividendBook()
    for book, order in zip(books, (1, -1), strict=True):
        for block_hash, tranche in [(HASH, "TH1A"), (OTHER, "TH1A"), (HASH, "TH1B")][::order]:
            book.entitle(opened(book, block_hash=block_hash, tranche=tranche), {2: 3, 1: 4}, 9)
    assert books[0].dump() == books[1].dump()
    copy = DividendBook.load(books[0].dump())
    assert copy.dump() == books[0].dump()
    assert copy.events() == books[0].events()


def test_a_dump_whose_legs_do_not_add_up_is_not_loaded() -> None:
    book = DividendBook()
    book.entitle(opened(book), {1: 10}, 10)
    data = book.dump()
    assert data.count((970).to_bytes(2, "big")) == 2
    damaged = data[::-1].replace((970).to_bytes(2, "big")[::-1], (971).to_bytes(2, "big")[::-1], 1)[::-1]
    with pytest.raises(InvariantViolation):
        DividendBook.load(damaged)


# ---- random histories against the twin ----


@pytest.mark.parametrize("seed", range(60))
def test_random_chains_pay_what_the_twin_pays(seed: int) -> None:
    choose = random.Random(seed)
    pool_units, fee_ppm = 5_000, choose.choice([0, 30_000, 999_999])
    movements = [twin.Movement(0, account, choose.randrange(1, 50)) for account in range(1, 6)]
    for time_ns in range(10, 4_000, 10):
        held = twin.holdings(movements, time_ns)
        seller = choose.choice(sorted(held))
        moved = choose.randrange(1, held[seller] + 1)
        buyer = choose.randrange(1, 8)
        movements += [twin.Movement(time_ns, seller, -moved), twin.Movement(time_ns, buyer, moved)]
    supply = sum(twin.holdings(movements, 0).values())

    book = DividendBook()
    selected: list[str] = []
    found: dict[str, twin.Found] = {}
    tips: list[tuple[int, list[str]]] = []
    paid: dict[str, dict[int, int]] = {}
    removed: list[list[str]] = []
    fresh = 0
    for _ in range(260):
        if selected and choose.random() < 0.08:
            depth = min(len(selected), choose.randrange(1, 7))
            gone = selected[-depth:]
            del selected[-depth:]
            for name in reversed(gone):
                book.void(name.encode().ljust(32))
            # Now and then the branch that left comes back whole; otherwise new blocks replace it.
            arriving = gone if choose.random() < 0.4 else [f"{fresh + offset}r" for offset in range(depth + 1)]
            removed.append(gone)
            fresh += depth + 1
        else:
            arriving = [f"{fresh}n"]
            fresh += 1
        for name in arriving:
            selected.append(name)
            height = len(selected)
            if name not in found and choose.random() < 0.3:
                found[name] = twin.Found(name, height, choose.randrange(0, 4_000), choose.randrange(1, 10**9))
            if name in found:
                block = found[name]
                record_ns, reward = block.record_time_ns, block.reward_msat
                padded = name.encode().ljust(32)
                book.open(DividendSource("T", padded, height, record_ns, 0, reward, pool_units, fee_ppm))
        for event in book.ripe(10**6):
            book.entitle(event, twin.holdings(movements, event.source.record_time_ns), supply)
        for event in book.due(len(selected)):
            name = event.source.block_hash.decode().strip()
            assert name not in paid, "paid once"
            paid[name] = {leg.account: leg.amount_msat for leg in book.post(event, len(selected)).legs}
        tips.append((len(selected), list(selected)))
        book.check_invariants()
    expected = twin.paid(
        tips, list(found.values()), movements, pool_units=pool_units, fee=Fraction(fee_ppm, 10**6)
    )
    assert paid == expected
    assert paid, "the history is long enough to pay"
    assert removed, "the history had reorganisations"
    assert DividendBook.load(book.dump()).dump() == book.dump()
