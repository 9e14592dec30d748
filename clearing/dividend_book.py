"""The dividend book: the life of every dividend event.

Lives here: opening, entitling, posting and voiding of events, and rewards in suspense.
Does not know: the ledger and the position timeline (holdings are given, postings are returned), the chain, clocks.
Theory: an event belongs to one (tranche, block hash). It waits until its record time is over, then holdings as of that
time decide the legs once and for all; it is pending until its block is 100 deep, then posted. A block that leaves the
selected branch voids its waiting or pending event; if it comes back, a fresh event is made. Posted is the end: a pair
that was paid is never paid again, and a deeper reorg is a case for the operator's reserve, not for holders.

    waiting ──entitle──▶ pending ──post──▶ posted
       └──────void──────────┴──▶ voided ──open──▶ waiting (a fresh event)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple, Self

import msgspec

from clearing.dividends import (
    DividendEvent,
    DividendSource,
    DividendState,
    dividend_msat,
    ensure_whole,
    split_legs,
)
from domain.ensure import ensure

MATURITY_CONFIRMATIONS: Final = 100  # coinbase maturity: posted when the tip is at height + 99


class VoidResult(NamedTuple):
    """What a disconnected block does: pending legs of `voided` are to be reversed; `posted` was paid for good."""

    voided: tuple[DividendEvent, ...]
    posted: tuple[DividendEvent, ...]


class DividendReject(StrEnum):
    """Why a pool's report makes no event."""

    ALREADY_OPEN = "already_open"
    ALREADY_POSTED = "already_posted"
    TOO_OLD = "too_old"  # below the height up to which finished events were forgotten


class _StoredBook(msgspec.Struct, frozen=True):
    forgotten_below: int
    suspense: list[tuple[str, int]]
    events: list[DividendEvent]


class DividendBook:
    """All dividend events that may still change, and recent finished ones.

    It moves no money. The caller posts what the returned events say: pending legs on `entitle`, their reversal on
    `void`, final legs on `post`; `carried_msat` comes out of and `suspense_msat` goes into the tranche's suspense.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._events: dict[tuple[str, bytes], DividendEvent] = {}
        self._suspense_msat: dict[str, int] = {}
        self._forgotten_below = 0

    # ---- queries ----

    def event(self, tranche: str, block_hash: bytes) -> DividendEvent | None:
        """The latest event of a pair, None if there is none (or it was forgotten). Cost: O(1)."""
        return self._events.get((tranche, block_hash))

    def events(self) -> list[DividendEvent]:
        """All kept events by height, block hash, tranche. Cost: O(n log n)."""
        return sorted(self._events.values(), key=_by_height)

    def suspense_msat(self, tranche: str) -> int:
        """Posted rewards of a tranche that found no holder and were not handed on yet."""
        return self._suspense_msat.get(tranche, 0)

    def ripe(self, now_ns: int) -> list[DividendEvent]:
        """Waiting events whose record time is over: at the record time itself commands may still follow. Cost: O(n)."""
        return [
            event
            for event in self.events()
            if event.state is DividendState.WAITING and event.source.record_time_ns < now_ns
        ]

    def next_record_time_ns(self) -> int | None:
        """Earliest record time that somebody waits for, None when nobody does: for the caller's timer. Cost: O(n)."""
        return min(
            (e.source.record_time_ns for e in self._events.values() if e.state is DividendState.WAITING), default=None
        )

    def due(self, tip_height: int) -> list[DividendEvent]:
        """Pending events whose block has 100 confirmations, oldest block first. Cost: O(n). Rule: DIV-006."""
        return [
            event
            for event in self.events()
            if event.state is DividendState.PENDING
            and tip_height - event.source.height + 1 >= MATURITY_CONFIRMATIONS
        ]

    # ---- commands ----

    def open(self, source: DividendSource) -> DividendEvent | DividendReject:
        """Begin an event for a block on the selected branch; it waits for its holdings. Rules: DIV-002, DIV-007."""
        if source.height < self._forgotten_below:
            return DividendReject.TOO_OLD
        known = self._events.get((source.tranche, source.block_hash))
        if known is not None and known.state is DividendState.POSTED:
            return DividendReject.ALREADY_POSTED
        if known is not None and known.state is not DividendState.VOIDED:
            return DividendReject.ALREADY_OPEN
        attempt = 1 if known is None else known.attempt + 1
        return self._put(DividendEvent(source, DividendState.WAITING, attempt))

    def entitle(self, event: DividendEvent, holdings: Mapping[int, int], supply_units: int) -> DividendEvent:
        """Decide the legs of a waiting event from the holdings at its record time; it is pending now.

        Args:
            holdings: account -> token units as of the record time, none negative. Zeros are left out.
            supply_units: issued tokens at the record time.

        Raises:
            InvariantViolation: the event is not the waiting one of its pair, or holdings exceed the supply.

        Cost: O(n log n) in holders.    Rules: DIV-003, DIV-004, DIV-008.
        """
        self._ensure_current(event, DividendState.WAITING)
        held_units = sum(holdings.values())
        ensure(held_units <= supply_units, "no more tokens are held than issued")
        source = event.source
        amount_msat = dividend_msat(
            reward_msat=source.reward_msat,
            supply_units=supply_units,
            pool_units=source.pool_units,
            fee_ppm=source.fee_ppm,
        )
        carried_msat = self._take_suspense(source.tranche) if held_units else 0
        entitled = msgspec.structs.replace(
            event,
            state=DividendState.PENDING,
            supply_units=supply_units,
            amount_msat=amount_msat,
            carried_msat=carried_msat,
            suspense_msat=0 if held_units else amount_msat,
            legs=split_legs(amount_msat + carried_msat, holdings) if held_units else (),
        )
        ensure_whole(entitled)
        return self._put(entitled)

    def post(self, event: DividendEvent, tip_height: int) -> DividendEvent:
        """Mark a due event as paid; the caller posts its legs in the same command.

        Raises:
            InvariantViolation: it is not the pending one of its pair, or not yet due.
        """
        self._ensure_current(event, DividendState.PENDING)
        ensure(tip_height - event.source.height + 1 >= MATURITY_CONFIRMATIONS, "dividends are posted at maturity")
        self._add_suspense(event.source.tranche, event.suspense_msat)
        return self._put(msgspec.structs.replace(event, state=DividendState.POSTED))

    def void(self, block_hash: bytes) -> VoidResult:
        """A block left the selected branch: end its events that are not paid. Cost: O(n). Rule: DIV-007."""
        hit = [event for event in self.events() if event.source.block_hash == block_hash]
        voided: list[DividendEvent] = []
        for event in hit:
            if event.state in (DividendState.WAITING, DividendState.PENDING):
                self._add_suspense(event.source.tranche, event.carried_msat)
                voided.append(self._put(msgspec.structs.replace(event, state=DividendState.VOIDED)))
        posted = tuple(event for event in hit if event.state is DividendState.POSTED)
        return VoidResult(tuple(voided), posted)

    def forget(self, below_height: int) -> None:
        """Drop finished events below a height that no reorg can reach any more; reports for them are refused after.

        Raises:
            InvariantViolation: an event below it is not finished.
        """
        for event in self.events():
            if event.source.height < below_height:
                ensure(
                    event.state in (DividendState.POSTED, DividendState.VOIDED), "only finished events are forgotten"
                )
                del self._events[event.key]
        self._forgotten_below = max(self._forgotten_below, below_height)

    # ---- state ----

    def dump(self) -> bytes:
        """State as msgpack; equal states give equal bytes."""
        return msgspec.msgpack.encode(
            _StoredBook(self._forgotten_below, sorted(self._suspense_msat.items()), self.events())
        )

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Rebuild from `dump`. Raises msgspec.DecodeError or InvariantViolation on bytes that are none."""
        stored = msgspec.msgpack.decode(data, type=_StoredBook)
        book = cls()
        book._forgotten_below = stored.forgotten_below
        book._suspense_msat = dict(stored.suspense)
        book._events = {event.key: event for event in stored.events}
        book.check_invariants()
        return book

    def check_invariants(self) -> None:
        """Every entitled event is split without loss, legs are ordered, suspense is never negative. Cost: O(legs)."""
        for key, event in self._events.items():
            ensure(event.key == key, "an event is stored under its pair")
            ensure(event.source.height >= self._forgotten_below, "forgotten heights hold no events")
            if event.state in (DividendState.PENDING, DividendState.POSTED):
                ensure_whole(event)
        ensure(all(amount >= 0 for amount in self._suspense_msat.values()), "suspense is never negative")

    def _put(self, event: DividendEvent) -> DividendEvent:
        self._events[event.key] = event
        return event

    def _ensure_current(self, event: DividendEvent, state: DividendState) -> None:
        ensure(self._events.get(event.key) is event, "the event is the latest one of its pair")
        ensure(event.state is state, f"the event is {state.value}")

    def _add_suspense(self, tranche: str, amount_msat: int) -> None:
        if amount_msat:
            self._suspense_msat[tranche] = self._suspense_msat.get(tranche, 0) + amount_msat

    def _take_suspense(self, tranche: str) -> int:
        return self._suspense_msat.pop(tranche, 0)


def _by_height(event: DividendEvent) -> tuple[int, bytes, str]:
    return event.source.height, event.source.block_hash, event.source.tranche
