"""Blocks from a Bitcoin node's JSON-RPC (Bitcoin Core, or any node that speaks it), believed only as far as proved.

Lives here: polling, walking back to a known block after a reorg, checking, retrying.
Does not know: commands, the core's own copy of the chain (the core judges every header again).
Theory: the node is asked for its best block; unknown headers are fetched backwards until one links to a known block,
then judged oldest first by the same chain rules as in the core. The coinbase total is taken from the raw block after
its transactions hashed to the header's merkle root. What fails is reported, and the node is asked again later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from clearing.chain import ChainReject, HeaderChain
from clearing.headers import HEADER_BYTES, has_work, header_bits, header_hash, header_time_s, previous_hash
from domain.rejects import RejectCode
from runtime.block_feed import BlockCallback, FeedBlock, FeedProblem, ProblemCallback, ProblemKind
from runtime.node_rpc import NodeProblem, NodeRpc
from runtime.raw_block import BadBlock, coinbase_total_sat

BAD_WORK: Final = int(RejectCode.BAD_WORK)
FUTURE_SECONDS_MAX: Final = 7_200  # Bitcoin Core's limit for header times ahead of the clock
HASH_BYTES: Final = 32
FAILURES_COUNTED_MAX: Final = 30  # beyond this the doubling has long met its bound


class NodeBlockSource:
    """Follows one node. Hands over each block once, in an order in which parents come first."""

    def __init__(
        self,
        rpc: NodeRpc,
        chain: HeaderChain,
        on_block: BlockCallback,
        on_problem: ProblemCallback,
        *,
        now_ns: Callable[[], int],
        wall_s: Callable[[], float] = time.time,
        with_totals: bool = True,
        deliver_above: int = -1,
        batch_blocks: int = 144,
        walk_back_blocks: int = 150,
        poll_interval_s: float = 1.0,
        retry_s_max: float = 60.0,
    ) -> None:
        """Stand at the chain's tip; nothing is asked yet.

        Args:
            chain: the source's own copy, from the venue's checkpoint or a dump; it grows with what is delivered.
            now_ns: exchange time, for `first_seen_ns`.
            wall_s: Unix time, for headers from the future.
            with_totals: fetch and prove whole blocks; without it totals are None.
            deliver_above: blocks up to this height are checked but not handed over (the core has them). Stay a reorg
                below the core's tip: a repeated block is refused there without effect, a missing one is missed.
            batch_blocks: how far to catch up per poll.
            walk_back_blocks: a branch that forks deeper than this is reported and not followed.
        """
        self._rpc = rpc
        self._chain = chain
        self._on_block = on_block
        self._on_problem = on_problem
        self._now_ns = now_ns
        self._wall_s = wall_s
        self._with_totals = with_totals
        self._deliver_above = deliver_above
        self._batch_blocks = batch_blocks
        self._walk_back_blocks = walk_back_blocks
        self._poll_interval_s = poll_interval_s
        self._retry_s_max = retry_s_max
        self._failures = 0

    @property
    def chain(self) -> HeaderChain:
        """The headers that were proved so far."""
        return self._chain

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set. Problems are reported, waited out with doubling pauses, and never raised."""
        while not stop.is_set():
            pause_s = await self.poll()
            try:
                async with asyncio.timeout(pause_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def poll(self) -> float:
        """Ask once, hand over what is new. Returns the seconds to wait before asking again."""
        try:
            behind = await self._advance()
        except NodeProblem as problem:
            self._failures = min(self._failures + 1, FAILURES_COUNTED_MAX)
            pause_s = min(self._poll_interval_s * (1 << self._failures), self._retry_s_max)
            self._on_problem(FeedProblem(problem.kind, problem.detail, self._failures, pause_s, problem.reject_code))
            return pause_s
        self._failures = 0
        return 0.0 if behind else self._poll_interval_s

    async def _advance(self) -> bool:
        """Fetch, judge and hand over the next blocks. True when the node has still more."""
        best = _hash_of(await self._rpc.call("getbestblockhash"))
        if self._chain.block(best) is not None:
            return False
        target = await self._target(best)
        if self._chain.block(target) is not None:
            raise NodeProblem(ProblemKind.MALFORMED, "the node's height and its best block disagree")
        for header in await self._headers_back_from(target):
            await self._accept(header)
        return target != best

    async def _target(self, best: bytes) -> bytes:
        """The best block, or one a batch ahead when it is far away."""
        height = await self._rpc.call("getblockcount")
        if not isinstance(height, int) or isinstance(height, bool):
            raise NodeProblem(ProblemKind.MALFORMED, f"getblockcount: {height!r}")
        wanted = self._chain.tip.height + self._batch_blocks
        return best if height <= wanted else _hash_of(await self._rpc.call("getblockhash", wanted))

    async def _headers_back_from(self, target: bytes) -> list[bytes]:
        """Headers from the first unknown one to the target, oldest first."""
        headers: list[bytes] = []
        wanted = target
        while self._chain.block(wanted) is None:
            if len(headers) >= self._batch_blocks + self._walk_back_blocks:
                raise NodeProblem(ProblemKind.TOO_DEEP, f"{target.hex()} does not meet the known chain")
            header = _bytes_of(await self._rpc.call("getblockheader", wanted.hex(), False), "getblockheader")
            if len(header) != HEADER_BYTES or header_hash(header) != wanted:
                raise NodeProblem(ProblemKind.WRONG_HASH, f"the header given for {wanted.hex()} is not its own")
            # Cheap check first: headers without work must not make us walk or download anything.
            if not has_work(wanted, header_bits(header), self._chain.network):
                raise NodeProblem(ProblemKind.BAD_HEADER, f"{wanted.hex()} has not the work it claims", BAD_WORK)
            headers.append(header)
            wanted = previous_hash(header)
        return headers[::-1]

    async def _accept(self, header: bytes) -> None:
        """Prove one block and hand it over; raises before anything has changed."""
        block_hash = header_hash(header)
        if header_time_s(header) > self._wall_s() + FUTURE_SECONDS_MAX:
            raise NodeProblem(ProblemKind.FROM_FUTURE, f"{block_hash.hex()} has time {header_time_s(header)}")
        parent = self._chain.block(previous_hash(header))
        wanted = parent is not None and parent.height + 1 > self._deliver_above
        total_sat = await self._total(block_hash, header) if self._with_totals and wanted else None
        first_seen_ns = self._now_ns()
        result = self._chain.connect(header, first_seen_ns)
        if isinstance(result, ChainReject):
            raise NodeProblem(ProblemKind.BAD_HEADER, f"{block_hash.hex()}: {result.detail}", int(result.code))
        if wanted:
            self._on_block(FeedBlock(result.block.height, header, total_sat, first_seen_ns))

    async def _total(self, block_hash: bytes, header: bytes) -> int:
        raw = _bytes_of(await self._rpc.call("getblock", block_hash.hex(), False), "getblock")
        try:
            return coinbase_total_sat(raw, header)
        except BadBlock as error:
            raise NodeProblem(ProblemKind.BAD_BLOCK, f"{block_hash.hex()}: {error}") from error


def _bytes_of(result: object, method: str) -> bytes:
    if not isinstance(result, str):
        raise NodeProblem(ProblemKind.MALFORMED, f"{method}: expected hex digits")
    try:
        return bytes.fromhex(result)
    except ValueError as error:
        raise NodeProblem(ProblemKind.MALFORMED, f"{method}: {error}") from error


def _hash_of(result: object) -> bytes:
    block_hash = _bytes_of(result, "block hash")
    if len(block_hash) != HASH_BYTES:
        raise NodeProblem(ProblemKind.MALFORMED, f"a block hash of {len(block_hash)} bytes")
    return block_hash
