"""Arithmetic of dividends on hashrate tokens: record times, amounts, splits, and the records of one event.

Lives here: when holdings count for a block, what a tranche earns by it, how that is split, what borrowers owe lenders.
Does not know: the ledger, the position timeline, the header chain, clocks; the life of an event is in dividend_book.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, Self

import msgspec

from clearing.rounding import split_largest_remainder
from domain.arithmetic import mul_div_floor
from domain.ensure import ensure
from domain.units import NS_PER_S

PPM: Final = 1_000_000
RECORD_HEADER: Final = "header"  # record time = the header's time
RECORD_CLAMPED: Final = "clamped"  # monotone along a branch and never after the block was seen


class DividendState(StrEnum):
    """Life of a dividend event."""

    WAITING = "waiting"
    PENDING = "pending"
    POSTED = "posted"
    VOIDED = "voided"


class DividendLeg(NamedTuple):
    """What one holder of record gets."""

    account: int
    quantity_units: int  # tokens held at the record time, 1/1000 TH/s
    amount_msat: int


class DividendSource(msgspec.Struct, frozen=True):
    """A block found by a tranche's pool, and all that the amount is computed from except the holdings."""

    tranche: str
    block_hash: bytes
    height: int
    record_time_ns: int
    seen_time_ns: int
    reward_msat: int  # coinbase total
    pool_units: int  # hashrate of the pool, 1/1000 TH/s
    fee_ppm: int


class DividendEvent(msgspec.Struct, frozen=True):
    """One dividend with its inputs, so that anybody can compute it again.

    Law once entitled: sum of legs + suspense_msat == amount_msat + carried_msat.
    """

    source: DividendSource
    state: DividendState
    attempt: int  # 1, and one more each time the block came back after a reorg
    supply_units: int = 0  # issued tokens at the record time
    amount_msat: int = 0
    carried_msat: int = 0  # earlier rewards taken out of suspense
    suspense_msat: int = 0  # nobody held tokens
    legs: tuple[DividendLeg, ...] = ()  # by account

    @property
    def key(self) -> tuple[str, bytes]:
        """Tranche and block hash: what is paid at most once."""
        return self.source.tranche, self.source.block_hash


def record_time_ns(term: str, *, header_time_s: int, first_seen_ns: int, previous_ns: int | None) -> int:
    """Record time of a block under a tranche's term.

    Args:
        term: "header" or "clamped".
        previous_ns: clamped record time of the parent block on this branch, None for the first known block.

    Raises:
        InvariantViolation: unknown term (terms are checked when a tranche is defined).

    Law: a whole second; clamped times never go back along a branch nor lie after the block was seen.
    Rule: DIV-001.    Example: CLR-09.
    """
    ensure(term in (RECORD_HEADER, RECORD_CLAMPED), f"unknown record term {term}")
    header_ns = header_time_s * NS_PER_S
    if term == RECORD_HEADER:
        return header_ns
    clamped_ns = min(header_ns, first_seen_ns - first_seen_ns % NS_PER_S)
    return clamped_ns if previous_ns is None else max(previous_ns, clamped_ns)


def dividend_msat(*, reward_msat: int, supply_units: int, pool_units: int, fee_ppm: int) -> int:
    """A tranche's part of a block: floor(reward * supply * (1 - fee) / pool), one fraction, rounded once.

    A tranche that outgrew the pool it was reported with earns the whole block, never more.

    Rule: DIV-003.    Example: CLR-07.    Cost: O(1).
    """
    ensure(reward_msat >= 0 and supply_units >= 0, "reward and supply must not be negative")
    ensure(pool_units > 0 and 0 <= fee_ppm <= PPM, "pool must be positive and the fee within 0..100 %")
    return mul_div_floor(reward_msat * supply_units, PPM - fee_ppm, max(pool_units, supply_units) * PPM)


def manufactured_legs(
    loans: Iterable[tuple[int, int, int]], amount_msat: int, supply_units: int
) -> list[tuple[int, int, int]]:
    """What borrowers of tokens owe their lenders for one dividend.

    Args:
        loans: (lender, borrower, quantity_units) open at the record time.
        amount_msat: the whole dividend.
        supply_units: the tokens it was for.

    Returns:
        (borrower, lender, amount_msat) per loan, each rounded down on its own: a balanced transfer outside the split.

    Rule: DIV-009.    Example: CLR-07.
    """
    return [
        (borrower, lender, mul_div_floor(quantity_units, amount_msat, supply_units))
        for lender, borrower, quantity_units in loans
    ]


class RecordTimes:
    """Clamped record time of every block on every branch of recent height: the parent's is needed for the next."""

    def __init__(self, heights_kept: int = 1_200) -> None:
        """Start empty; `heights_kept` must exceed the age of the latest pool report taken plus the deepest reorg."""
        self._heights_kept = heights_kept
        self._by_hash: dict[bytes, tuple[int, int]] = {}  # hash -> (height, record time)

    def add(
        self, *, block_hash: bytes, previous_hash: bytes, height: int, header_time_s: int, first_seen_ns: int
    ) -> int:
        """Clamped record time of a connected block; a block that comes back keeps its time. Cost: O(kept)."""
        known = self._by_hash.get(block_hash)
        if known is not None:
            return known[1]
        parent = self._by_hash.get(previous_hash)
        time_ns = record_time_ns(
            RECORD_CLAMPED,
            header_time_s=header_time_s,
            first_seen_ns=first_seen_ns,
            previous_ns=None if parent is None else parent[1],
        )
        self._by_hash = {
            key: value for key, value in self._by_hash.items() if value[0] > height - self._heights_kept
        }
        self._by_hash[block_hash] = (height, time_ns)
        return time_ns

    def get(self, block_hash: bytes) -> int | None:
        """Clamped record time of a block, None when unknown or forgotten."""
        known = self._by_hash.get(block_hash)
        return None if known is None else known[1]

    def dump(self) -> bytes:
        """State as msgpack; equal states give equal bytes."""
        rows = sorted((height, key, time_ns) for key, (height, time_ns) in self._by_hash.items())
        return msgspec.msgpack.encode((self._heights_kept, rows))

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Rebuild from `dump`. Raises msgspec.DecodeError on bytes that are none."""
        heights_kept, rows = msgspec.msgpack.decode(data, type=tuple[int, list[tuple[int, bytes, int]]])
        times = cls(heights_kept)
        times._by_hash = {key: (height, time_ns) for height, key, time_ns in rows}
        return times


def split_legs(amount_msat: int, holdings: Mapping[int, int]) -> tuple[DividendLeg, ...]:
    """Legs by account id, in proportion to holdings, summing to the amount; accounts without tokens get none.

    Raises:
        InvariantViolation: nobody holds anything, or a negative holding.

    Rule: DIV-004.    Cost: O(n log n).
    """
    ensure(all(units >= 0 for units in holdings.values()), "holdings of record are never negative")
    accounts = sorted(account for account, units in holdings.items() if units > 0)
    parts = split_largest_remainder(amount_msat, [holdings[account] for account in accounts])
    return tuple(
        DividendLeg(account, holdings[account], part) for account, part in zip(accounts, parts, strict=True)
    )


def ensure_whole(event: DividendEvent) -> None:
    """The law of an entitled event: nothing lost, nothing invented, one leg per account. Cost: O(legs)."""
    paid_msat = sum(leg.amount_msat for leg in event.legs) + event.suspense_msat
    ensure(paid_msat == event.amount_msat + event.carried_msat, "legs and suspense add up to the dividend")
    accounts = [leg.account for leg in event.legs]
    ensure(accounts == sorted(set(accounts)), "one leg per account, by account")
