"""Where blocks come from: the item every source hands over, and the source that replays a file of real headers.

Lives here: FeedBlock, FeedProblem, FileBlockSource. The source that asks a Bitcoin node is in bitcoin_node.py.
Does not know: commands, links to the core, pools. Time is asked from functions that are given, so a test decides it.
"""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from clearing.headers import HEADER_BYTES, header_hash, header_time_s, previous_hash
from domain.units import NS_PER_S

SEEN_DELAY_NS: Final = 300 * NS_PER_S  # a replayed block is seen five minutes of exchange time after its header's time


class FeedBlock(msgspec.Struct, frozen=True):
    """A block as a source saw it. The core judges the header itself."""

    height: int
    header: bytes
    coinbase_total_sat: int | None  # subsidy plus fees, None when the source does not know
    first_seen_ns: int  # exchange time


class ProblemKind(StrEnum):
    """What is wrong with a source. None of these ever reaches the core as a block."""

    UNAVAILABLE = "unavailable"  # no connection
    SLOW = "slow"  # no complete answer in time
    REFUSED = "refused"  # wrong credentials
    MALFORMED = "malformed"  # an answer that is not what the protocol says
    RPC_ERROR = "rpc_error"  # the node answered with an error
    WRONG_HASH = "wrong_hash"  # a header that is not the one asked for
    BAD_HEADER = "bad_header"  # refused by the chain's rules: work, link, difficulty, time
    BAD_BLOCK = "bad_block"  # transactions that do not belong to the header
    TOO_DEEP = "too_deep"  # a branch that does not meet the known chain
    FROM_FUTURE = "from_future"  # more than two hours ahead of the clock


class FeedProblem(msgspec.Struct, frozen=True):
    """A typed report for the operator; the source goes on trying by itself."""

    kind: ProblemKind
    detail: str
    failures: int  # in a row
    retry_in_s: float
    reject_code: int = 0  # RejectCode of the chain for BAD_HEADER


BlockCallback = Callable[[FeedBlock], None]
ProblemCallback = Callable[[FeedProblem], None]


class BlockFileDamaged(Exception):
    """A block file is not what it should be; the message says where."""


class FileBlockSource:
    """Real headers from a file, each due when the exchange clock reaches the time it would have been seen.

    Block i is seen at max(seen(i-1), header time + 300 s): a pure function of the file, so a restart resumes exactly.
    """

    def __init__(
        self, headers_path: Path, first_height: int, *, totals_path: Path | None = None, after_height: int | None = None
    ) -> None:
        """Read the files and stand behind `after_height` (default: before the first block).

        Args:
            headers_path: concatenated 80-byte headers; the first has `first_height`.
            totals_path: csv with columns height and coinbase_total_sat for every block, or None if totals are unknown.

        Raises:
            BlockFileDamaged: odd length, a broken link, a total missing or not a number.
            OSError: a file cannot be read.
        """
        data = headers_path.read_bytes()
        if not data or len(data) % HEADER_BYTES:
            raise BlockFileDamaged(f"{headers_path}: {len(data)} bytes are not whole headers")
        self._headers = [data[start : start + HEADER_BYTES] for start in range(0, len(data), HEADER_BYTES)]
        self._first_height = first_height
        _check_links(self._headers, first_height, headers_path)
        self._totals = None if totals_path is None else _read_totals(totals_path, self.height_last, first_height)
        self._seen_ns = list(
            accumulate((header_time_s(header) * NS_PER_S + SEEN_DELAY_NS for header in self._headers), max)
        )
        self._next = 0
        if after_height is not None:
            self.resume(after_height)

    @property
    def height_last(self) -> int:
        """Height of the file's last block."""
        return self._first_height + len(self._headers) - 1

    def header_at(self, height: int) -> bytes:
        """The header at a height of the file: the first one is a checkpoint. Raises IndexError outside the file."""
        if not self._first_height <= height <= self.height_last:
            raise IndexError(f"height {height} is not in the file")
        return self._headers[height - self._first_height]

    def resume(self, after_height: int) -> None:
        """Go on with the block after a height; heights below or above the file mean its beginning or end."""
        self._next = min(max(after_height + 1 - self._first_height, 0), len(self._headers))

    def next_due_ns(self) -> int | None:
        """Exchange time at which the next block is due, None after the last. Cost: O(1)."""
        return self._seen_ns[self._next] if self._next < len(self._headers) else None

    def take_due(self, now_ns: int) -> Iterator[FeedBlock]:
        """Blocks due by now, in order; each counts as taken once it is yielded. Cost: O(1) each."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            index = self._next
            self._next += 1
            yield FeedBlock(
                height=self._first_height + index,
                header=self._headers[index],
                coinbase_total_sat=None if self._totals is None else self._totals[index],
                first_seen_ns=due_ns,
            )

    async def run(
        self,
        on_block: BlockCallback,
        *,
        now_ns: Callable[[], int],
        sleep_until_ns: Callable[[int], Awaitable[None]],
    ) -> None:
        """Hand every block over when it is due; returns after the last.

        Args:
            now_ns: exchange time.
            sleep_until_ns: waits until an exchange time (or a little less: the due time is checked again).
        """
        while (due_ns := self.next_due_ns()) is not None:
            await sleep_until_ns(due_ns)
            for block in self.take_due(now_ns()):
                on_block(block)


def _check_links(headers: list[bytes], first_height: int, path: Path) -> None:
    for index in range(1, len(headers)):
        if previous_hash(headers[index]) != header_hash(headers[index - 1]):
            raise BlockFileDamaged(f"{path}: block {first_height + index} does not link to the one before")


def _read_totals(path: Path, last_height: int, first_height: int) -> list[int]:
    with path.open(encoding="ascii", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        try:
            totals = {int(row["height"]): int(row["coinbase_total_sat"]) for row in rows}
        except (KeyError, TypeError, ValueError) as error:
            raise BlockFileDamaged(f"{path}: line {rows.line_num}: {error!r}") from error
    missing = [height for height in range(first_height, last_height + 1) if height not in totals]
    if missing:
        raise BlockFileDamaged(f"{path}: no total for block {missing[0]} and {len(missing) - 1} more")
    return [totals[height] for height in range(first_height, last_height + 1)]
