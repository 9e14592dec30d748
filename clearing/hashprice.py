"""The hashprice index: what one PH/s earns in a day, per block, and its daily fixing.

Lives here: the index value of a block, the mean fee of the last 144 blocks, conversion to USD, time-weighted fixings.
Does not know: headers' validity, where fees and prices come from, contracts, when a fixing is used.
Theory: 1 PH/s expects K/D blocks per day with K = 86,400 * 10^15 / 2^32, each worth subsidy plus mean fee. A block is
valued with the subsidy and difficulty of the next block, because that is what mining earns from then on. The value
holds until the next block. A block's place on the time axis is its median time (of itself and ten ancestors): it never
goes back, unlike header times, but runs about an hour behind the clock.
Everything is one exact fraction, rounded half-even once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Self

import msgspec

from clearing.headers import difficulty, subsidy_sat
from domain.arithmetic import mul_div_half_even
from domain.ensure import ensure
from domain.units import BTC_SCALE, MSAT_PER_SAT, NS_PER_S

DAY_SECONDS: Final = 86_400
PETA: Final = 10**15
HASHES_PER_DIFFICULTY: Final = 2**32  # trade convention; the exact expectation is 15.26 ppm larger
FEE_WINDOW_BLOCKS: Final = 144
# 100 BTC per PH/s-day: far above any difficulty since 2014, and a day's sum of it fits the ledger's integers. On test
# networks, where a block costs two hashes, the index is held here instead of meaning anything.
VALUE_MSAT_MAX: Final = 10**13
FINAL_CONFIRMATIONS: Final = 6
FINAL_DELAY_SECONDS: Final = 2 * 3_600  # a fixing is never final before 02:00 UTC of the next day

INDEX_NAME: Final = "HPI"  # subsidy and fees
SUBSIDY_INDEX_NAME: Final = "HPI_SUBSIDY"  # what is published while fees are not known


class IndexPoint(msgspec.Struct, frozen=True, array_like=True):
    """The index after one block of the selected branch. `value_msat` is None while a fee in the window is unknown."""

    height: int
    hash: bytes
    time_s: int  # median time of the block
    fee_sat: int | None
    subsidy_value_msat: int  # per PH/s-day, subsidy only
    value_msat: int | None  # per PH/s-day, with fees

    @property
    def name(self) -> str:
        """Name of the index that `published_msat` belongs to. Rule: HPI-004."""
        return SUBSIDY_INDEX_NAME if self.value_msat is None else INDEX_NAME

    @property
    def published_msat(self) -> int:
        """Value of the index called `name`."""
        return self.subsidy_value_msat if self.value_msat is None else self.value_msat


class Step(NamedTuple):
    """A value that holds from `time_s` until the next step."""

    time_s: int
    value: int


class Fixing(msgspec.Struct, frozen=True):
    """Time-weighted mean over one UTC day, kept as its exact numerator; the denominator is 86,400 s."""

    day: int  # days since 1970-01-01
    name: str
    weighted_sum: int  # msat or micro-dollars per PH/s-day, times seconds
    final: bool

    def rounded(self, tick: int = 1) -> int:
        """The fixing in ticks of `tick` value units, rounded half-even once. Rule: HPI-006."""
        return mul_div_half_even(self.weighted_sum, 1, DAY_SECONDS * tick)


def hashprice_msat(subsidy_sat: int, bits: int, fees_sat: int = 0, fee_blocks: int = 1) -> int:
    """Value of one PH/s-day in msat: K / D * (subsidy + fees / fee_blocks), half-even, at most VALUE_MSAT_MAX.

    Args:
        subsidy_sat: subsidy of the next block.
        bits: compact target of the next block.
        fees_sat: sum of fees over `fee_blocks` blocks.

    Rule: HPI-001.    Cost: O(1).
    """
    ensure(fee_blocks > 0, "a mean needs at least one block")
    numerator, denominator = difficulty(bits)
    reward = (subsidy_sat * fee_blocks + fees_sat) * MSAT_PER_SAT
    hashes = DAY_SECONDS * PETA * denominator
    divisor = HASHES_PER_DIFFICULTY * numerator * fee_blocks
    if hashes * reward >= VALUE_MSAT_MAX * divisor:
        return VALUE_MSAT_MAX
    return mul_div_half_even(hashes, reward, divisor)


def fee_sat(coinbase_total_sat: int | None, height: int) -> int | None:
    """Fees of a block from its coinbase total; None stays None. Rule: HPI-002.

    A coinbase may claim less than its subsidy (block 501726 claimed nothing): that is no negative fee but none.
    """
    return None if coinbase_total_sat is None else max(0, coinbase_total_sat - subsidy_sat(height))


def usd_micro(value_msat: int, price_micro_usdc: int) -> int:
    """Index in micro-dollars from msat and the price of one BTC in micro-dollars, half-even. Rule: HPI-003."""
    return mul_div_half_even(value_msat, price_micro_usdc, BTC_SCALE)


def usd_steps(index: Sequence[Step], prices: Sequence[Step]) -> list[Step]:
    """The USD index over time: a new step whenever either input moves, from the first moment both are known.

    Both inputs ascend in time. The mean of these products is the USD fixing; it is not the product of the means.
    Cost: O(n + m).    Rule: HPI-003.
    """
    times = sorted({step.time_s for step in index} | {step.time_s for step in prices})
    steps: list[Step] = []
    for time_s in times:
        value, price = value_at(index, time_s), value_at(prices, time_s)
        if value is not None and price is not None:
            steps.append(Step(time_s, usd_micro(value, price)))
    return steps


def value_at(steps: Sequence[Step], time_s: int) -> int | None:
    """Value that holds at a time, None before the first step. Of steps with one time the last holds. Cost: O(log n)."""
    position = bisect_right(steps, time_s, key=_step_time)
    return steps[position - 1].value if position else None


def weighted_sum(steps: Sequence[Step], start_s: int, end_s: int) -> int | None:
    """Sum of value x seconds over [start, end), None when no value holds at the start. Cost: O(steps inside)."""
    first = value_at(steps, start_s)
    if first is None:
        return None
    low = bisect_right(steps, start_s, key=_step_time)
    high = bisect_right(steps, end_s - 1, key=_step_time)
    inside = [Step(start_s, first), *steps[low:high], Step(end_s, 0)]
    return sum(left.value * (right.time_s - left.time_s) for left, right in pairwise(inside))


class _StoredIndex(msgspec.Struct, frozen=True):
    points_kept: int
    points: list[IndexPoint]


class HashpriceIndex:
    """Index points of the selected branch, newest last; follows reorganisations.

    Keeps the last `points_kept` blocks: a week by default, more than any reorg and the fixings not yet final.
    """

    def __init__(self, points_kept: int = 1_008) -> None:
        """Start empty."""
        ensure(points_kept > FEE_WINDOW_BLOCKS, "the fee window must fit into what is kept")
        self._points_kept = points_kept
        self._points: list[IndexPoint] = []

    @property
    def points(self) -> Sequence[IndexPoint]:
        """Kept points by height."""
        return self._points

    def connect(
        self,
        *,
        height: int,
        block_hash: bytes,
        median_time_s: int,
        fee_sat: int | None,
        next_subsidy_sat: int,
        next_bits: int,
    ) -> IndexPoint:
        """Add the block that extends the selected branch.

        Args:
            fee_sat: see the function `fee_sat`; None when the feed does not tell.

        Raises:
            InvariantViolation: not the next height, or a negative fee.

        Cost: O(144).    Rules: HPI-001, HPI-002, HPI-004.
        """
        ensure(fee_sat is None or fee_sat >= 0, "fees are never negative")
        if self._points:
            ensure(height == self._points[-1].height + 1, "index points follow each other by height")
            # A median of eleven never goes back; just above a checkpoint, where fewer are known, it can.
            median_time_s = max(median_time_s, self._points[-1].time_s)
        window = [point.fee_sat for point in self._points[-(FEE_WINDOW_BLOCKS - 1) :]] + [fee_sat]
        known = [fee for fee in window if fee is not None]
        with_fees = None
        if len(known) == len(window):
            with_fees = hashprice_msat(next_subsidy_sat, next_bits, sum(known), len(known))
        point = IndexPoint(
            height=height,
            hash=block_hash,
            time_s=median_time_s,
            fee_sat=fee_sat,
            subsidy_value_msat=hashprice_msat(next_subsidy_sat, next_bits),
            value_msat=with_fees,
        )
        self._points.append(point)
        del self._points[: -self._points_kept]
        return point

    def disconnect(self, block_hash: bytes) -> None:
        """Take back the newest point.

        Raises:
            InvariantViolation: it is not that block's, or it is the last one kept.
        """
        ensure(len(self._points) > 1, "the index must keep one point")
        ensure(self._points[-1].hash == block_hash, "only the newest block can be disconnected")
        self._points.pop()

    def latest(self) -> IndexPoint | None:
        """The newest point, None before the first block."""
        return self._points[-1] if self._points else None

    def fixing(self, day: int, now_ns: int) -> Fixing | None:
        """Fixing of a UTC day in msat, with fees if they are known for the whole day, else subsidy only.

        Returns:
            None while the day has not begun on the chain's time axis, or when its beginning is not covered by a kept
            block. Not final while later blocks may still change it.

        Cost: O(blocks of the day).    Rules: HPI-005, HPI-006.
        """
        return self._fixing(day, now_ns, prices=None)

    def usd_fixing(self, day: int, now_ns: int, prices: Sequence[Step]) -> Fixing | None:
        """Fixing of a UTC day in micro-dollars: the mean of the USD index, given BTC prices in micro-dollars over time.

        Returns:
            As `fixing`; None also when no price holds at the day's beginning.

        Cost: O(blocks and prices).    Rules: HPI-003, HPI-005, HPI-006.
        """
        return self._fixing(day, now_ns, prices)

    def _fixing(self, day: int, now_ns: int, prices: Sequence[Step] | None) -> Fixing | None:
        start_s, end_s = day * DAY_SECONDS, (day + 1) * DAY_SECONDS
        first = bisect_right(self._points, start_s, key=_point_time) - 1
        if first < 0 or self._points[-1].time_s < start_s:
            return None
        covering = self._points[first : bisect_right(self._points, end_s - 1, key=_point_time)]
        with_fees = [Step(point.time_s, point.value_msat) for point in covering if point.value_msat is not None]
        if len(with_fees) == len(covering):
            name, steps = INDEX_NAME, with_fees
        else:
            name, steps = SUBSIDY_INDEX_NAME, [Step(point.time_s, point.subsidy_value_msat) for point in covering]
        total = weighted_sum(steps if prices is None else usd_steps(steps, prices), start_s, end_s)
        return None if total is None else Fixing(day, name, total, final=self.is_final(day, now_ns))

    def is_final(self, day: int, now_ns: int) -> bool:
        """Whether the day's last block is known as such, six deep, and 02:00 UTC of the next day has come. O(log n)."""
        end_s = (day + 1) * DAY_SECONDS
        if now_ns < (end_s + FINAL_DELAY_SECONDS) * NS_PER_S:
            return False
        after_day = len(self._points) - bisect_right(self._points, end_s - 1, key=_point_time)
        return after_day + 1 >= FINAL_CONFIRMATIONS

    def dump(self) -> bytes:
        """State as msgpack; equal states give equal bytes."""
        return msgspec.msgpack.encode(_StoredIndex(self._points_kept, self._points))

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Rebuild from `dump`. Raises msgspec.DecodeError or InvariantViolation on bytes that are none."""
        stored = msgspec.msgpack.decode(data, type=_StoredIndex)
        index = cls(stored.points_kept)
        index._points = stored.points
        index.check_invariants()
        return index

    def check_invariants(self) -> None:
        """Heights follow each other, median times never go back, fees never lower the value."""
        ensure(len(self._points) <= self._points_kept, "no more points than kept")
        for left, right in pairwise(self._points):
            ensure(right.height == left.height + 1, "index points follow each other by height")
            ensure(right.time_s >= left.time_s, "median time never goes back")
        for point in self._points:
            ensure(point.value_msat is None or point.value_msat >= point.subsidy_value_msat, "fees only add value")


def _point_time(point: IndexPoint) -> int:
    return point.time_s


def _step_time(step: Step) -> int:
    return step.time_s
