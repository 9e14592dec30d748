"""The chain of Bitcoin block headers: which blocks count, and what changes when a new header arrives.

Lives here: the consensus rules that a header alone can show (proof of work, link, difficulty, time), the choice of the
branch with most work, and the list of blocks disconnected and connected by one header.
Does not know: transactions, fees, pools, clocks (first-seen times are given), where headers come from.
Theory: a header is believed for its work. Starting from one trusted checkpoint every later header must link to a known
one, claim exactly the difficulty that the rules prescribe, meet it, and be later than the median of the eleven blocks
before it. The tip is the block with most cumulative work; equal work keeps the earlier tip. A refused header changes
nothing. Hashes are bytes in display order (most significant byte first), so `hash.hex()` is what explorers show.
"""

from __future__ import annotations

from typing import Final, Self

import msgspec

from clearing.headers import (
    HEADER_BYTES,
    MAIN,
    NETWORKS,
    REGTEST,
    RETARGET_BLOCKS,
    Network,
    difficulty,
    has_work,
    header_bits,
    header_hash,
    header_time_s,
    previous_hash,
    retarget_bits,
    subsidy_sat,
    target_of_bits,
    work_of_bits,
)
from domain.ensure import InvariantViolation, ensure
from domain.rejects import RejectCode
from domain.units import NS_PER_S

__all__ = [
    "MAIN", "NETWORKS", "REGTEST", "Block", "ChainReject", "Checkpoint", "ConnectResult", "HeaderChain", "Network",
    "difficulty", "subsidy_sat",
]  # fmt: skip

MEDIAN_BLOCKS: Final = 11  # blocks in the median-time-past

class Checkpoint(msgspec.Struct, frozen=True):
    """The block that is believed without proof of its past.

    `epoch_first_time_s` is the time of the first block of its difficulty epoch, which the first retarget needs.
    `cumulative_work` only shifts all sums, since branches are compared by difference; 0 does as well as the true value.
    """

    height: int
    header: bytes
    epoch_first_time_s: int
    cumulative_work: int = 0


class Block(msgspec.Struct, frozen=True):
    """One known header. `cumulative_work` counts expected hashes above the checkpoint's own figure."""

    height: int
    hash: bytes
    header: bytes
    time_s: int
    bits: int
    cumulative_work: int
    first_seen_ns: int

    @property
    def previous_hash(self) -> bytes:
        """Hash of the parent, display order."""
        return previous_hash(self.header)


class ConnectResult(msgspec.Struct, frozen=True):
    """A header was accepted. Both tuples are empty when it only extended a branch with no more work than the tip's."""

    block: Block
    disconnected: tuple[Block, ...]  # tip first
    connected: tuple[Block, ...]  # oldest first


class ChainReject(msgspec.Struct, frozen=True):
    """A header was refused; the chain is as before."""

    code: RejectCode
    detail: str


class _StoredBlock(msgspec.Struct, frozen=True, array_like=True):
    height: int
    header: bytes
    first_seen_ns: int


class _StoredChain(msgspec.Struct, frozen=True):
    """Snapshot form: everything that a header implies is computed again on load, and so checked."""

    network: str
    checkpoint: Checkpoint
    blocks_kept: int
    reorg_blocks_max: int
    root_work: bytes
    tip_hash: bytes
    blocks: tuple[_StoredBlock, ...]  # by height, then hash


class HeaderChain:
    """Known headers above a trusted checkpoint, with the branch of most work selected.

    Keeps the last `blocks_kept` heights: enough for a retarget (2,016 blocks back) from `reorg_blocks_max` below the
    tip.
    A header whose parent lies deeper than that is refused as too deep: such a reorg is a decision of people.
    """

    def __init__(
        self, network: Network, checkpoint: Checkpoint, *, blocks_kept: int = 2_200, reorg_blocks_max: int = 150
    ) -> None:
        """Start at the checkpoint.

        Raises:
            InvariantViolation: the checkpoint is not a header with proof of work, or too few blocks would be kept.
        """
        ensure(NETWORKS.get(network.name) == network, f"unknown network {network.name}")
        ensure(
            blocks_kept >= RETARGET_BLOCKS + reorg_blocks_max + MEDIAN_BLOCKS,
            "blocks_kept must cover a retarget from the deepest reorg",
        )
        ensure(len(checkpoint.header) == HEADER_BYTES, "checkpoint header must have 80 bytes")
        self._network = network
        self._checkpoint = checkpoint
        self._blocks_kept = blocks_kept
        self._reorg_blocks_max = reorg_blocks_max
        seen_ns = header_time_s(checkpoint.header) * NS_PER_S
        root = _make_block(checkpoint.height, checkpoint.header, work_before=0, first_seen_ns=seen_ns)
        root = msgspec.structs.replace(root, cumulative_work=checkpoint.cumulative_work)
        ensure(has_work(root.hash, root.bits, network), "checkpoint header must meet its own target")
        self._blocks: dict[bytes, Block] = {root.hash: root}
        self._main: list[Block] = [root]  # consecutive heights, tip last

    # ---- queries ----

    @property
    def network(self) -> Network:
        """The network whose rules hold."""
        return self._network

    @property
    def tip(self) -> Block:
        """The block with most cumulative work; of equals the one that led first."""
        return self._main[-1]

    @property
    def height_first(self) -> int:
        """Lowest height still kept on the selected branch."""
        return self._main[0].height

    def block(self, block_hash: bytes) -> Block | None:
        """A known block on any branch, None when unknown or forgotten. Cost: O(1)."""
        return self._blocks.get(block_hash)

    def block_at(self, height: int) -> Block | None:
        """The block of the selected branch at a height, None outside the kept range. Cost: O(1)."""
        offset = height - self._main[0].height
        return self._main[offset] if 0 <= offset < len(self._main) else None

    def is_selected(self, block_hash: bytes) -> bool:
        """Whether the block is known and on the selected branch. Cost: O(1)."""
        block = self._blocks.get(block_hash)
        return block is not None and self.block_at(block.height) is block

    def confirmations(self, height: int) -> int:
        """Blocks of the selected branch from this height to the tip, both counted; 0 above the tip. Rule: CHAIN-010."""
        return max(0, self.tip.height - height + 1)

    def next_bits(self) -> int:
        """Compact target that the block after the tip must claim. Cost: O(1), O(2,016) at a retarget."""
        bits = self._expected_bits(self.tip)
        if bits is None:  # cannot be: blocks_kept covers a whole epoch below the tip
            raise InvariantViolation("the tip's next target must be computable")
        return bits

    def median_time_past_s(self, block: Block) -> int:
        """Median time of a block and up to ten known ancestors (fewer just above a checkpoint). Rule: CHAIN-006."""
        times = sorted(self._times_back(block))
        return times[len(times) // 2]

    # ---- commands ----

    def connect(self, header: bytes, first_seen_ns: int) -> ConnectResult | ChainReject:
        """Judge a header and, if it is valid, add it and select the branch with most work.

        Args:
            header: 80 bytes as on the wire.
            first_seen_ns: exchange time at which this header was first seen.

        Returns:
            What was disconnected and connected, or the reason of the refusal (then nothing has changed).

        Cost: O(1), O(2,016) at a retarget, O(depth) for a reorg.    Rules: CHAIN-001..009.
        """
        if len(header) != HEADER_BYTES:
            return ChainReject(RejectCode.MALFORMED_HEADER, f"header has {len(header)} bytes, expected {HEADER_BYTES}")
        block_hash = header_hash(header)
        if block_hash in self._blocks:
            return ChainReject(RejectCode.DUPLICATE_BLOCK, f"block {block_hash.hex()} is known")
        parent = self._blocks.get(previous_hash(header))
        if parent is None:
            return ChainReject(RejectCode.UNKNOWN_PARENT, f"parent {previous_hash(header).hex()} is not known")
        if (reject := self._judge(header, block_hash, parent)) is not None:
            return reject

        block = _make_block(
            parent.height + 1, header, work_before=parent.cumulative_work, first_seen_ns=first_seen_ns
        )
        self._blocks[block.hash] = block
        if block.cumulative_work <= self.tip.cumulative_work:
            return ConnectResult(block, disconnected=(), connected=())
        return self._select(block)

    def _judge(self, header: bytes, block_hash: bytes, parent: Block) -> ChainReject | None:
        if parent.height < self.tip.height - self._reorg_blocks_max:
            return ChainReject(RejectCode.TOO_DEEP, f"forks at height {parent.height}, tip {self.tip.height}")
        expected = self._expected_bits(parent)
        if expected is None:
            return ChainReject(RejectCode.TOO_DEEP, f"epoch before height {parent.height + 1} is forgotten")
        bits = header_bits(header)
        if bits != expected:
            return ChainReject(RejectCode.BAD_BITS, f"claims bits {bits:#010x}, the rules say {expected:#010x}")
        if not has_work(block_hash, bits, self._network):
            return ChainReject(RejectCode.BAD_WORK, f"hash {block_hash.hex()} does not meet {bits:#010x}")
        times = self._times_back(parent)
        # Just above a checkpoint fewer than eleven times are known and their median proves nothing, unless the chain
        # itself is that young.
        if len(times) == MEDIAN_BLOCKS or parent.height + 1 == len(times):
            median_s = sorted(times)[len(times) // 2]
            if header_time_s(header) <= median_s:
                return ChainReject(
                    RejectCode.TIME_TOO_OLD, f"time {header_time_s(header)} is not after the median {median_s}"
                )
        return None

    def _select(self, tip: Block) -> ConnectResult:
        """Make a block with more work than the tip the new tip."""
        connected = [tip]
        while not self.is_selected(connected[-1].previous_hash):
            connected.append(self._blocks[connected[-1].previous_hash])
        connected.reverse()
        keep = connected[0].height - self._main[0].height
        disconnected = tuple(reversed(self._main[keep:]))
        self._main[keep:] = connected
        self._forget()
        return ConnectResult(tip, disconnected, tuple(connected))

    def _forget(self) -> None:
        """Drop heights below the kept range, and branches that no longer reach a kept block."""
        surplus = len(self._main) - self._blocks_kept
        if surplus <= 0:
            return
        del self._main[:surplus]
        kept = {block.hash: block for block in self._main}
        aside = sorted((block for block in self._blocks.values() if block.hash not in kept), key=_by_height)
        for block in aside:
            if block.previous_hash in kept:
                kept[block.hash] = block
        self._blocks = kept

    def _expected_bits(self, parent: Block) -> int | None:
        """Bits that a child of `parent` must claim; None when the epoch's first block is forgotten. Rule: CHAIN-004."""
        height = parent.height + 1
        if not self._network.retargets or height % RETARGET_BLOCKS:
            return parent.bits
        first_height = height - RETARGET_BLOCKS
        if first_height < self._checkpoint.height:
            return retarget_bits(parent.bits, self._checkpoint.epoch_first_time_s, parent.time_s, self._network)
        first = self._ancestor(parent, first_height)
        return None if first is None else retarget_bits(parent.bits, first.time_s, parent.time_s, self._network)

    def _ancestor(self, block: Block, height: int) -> Block | None:
        walker: Block | None = block
        while walker is not None and walker.height > height:
            if self.is_selected(walker.hash):
                return self.block_at(height)
            walker = self._blocks.get(walker.previous_hash)
        return walker

    def _times_back(self, block: Block) -> list[int]:
        """Times of a block and its known ancestors, at most eleven, newest first."""
        times: list[int] = []
        walker: Block | None = block
        while walker is not None and len(times) < MEDIAN_BLOCKS:
            times.append(walker.time_s)
            walker = self._blocks.get(walker.previous_hash)
        return times

    # ---- state ----

    def dump(self) -> bytes:
        """State as msgpack; equal states give equal bytes. Cost: O(blocks)."""
        ordered = sorted(self._blocks.values(), key=_by_height)
        stored = _StoredChain(
            network=self._network.name,
            checkpoint=self._checkpoint,
            blocks_kept=self._blocks_kept,
            reorg_blocks_max=self._reorg_blocks_max,
            root_work=self._main[0].cumulative_work.to_bytes(32, "big"),
            tip_hash=self.tip.hash,
            blocks=tuple(_StoredBlock(block.height, block.header, block.first_seen_ns) for block in ordered),
        )
        return msgspec.msgpack.encode(stored)

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Rebuild a chain from `dump`.

        Raises:
            msgspec.DecodeError: not a dump.
            InvariantViolation: the dump's blocks do not form a chain with work.
        """
        stored = msgspec.msgpack.decode(data, type=_StoredChain)
        chain = cls(
            NETWORKS[stored.network],
            stored.checkpoint,
            blocks_kept=stored.blocks_kept,
            reorg_blocks_max=stored.reorg_blocks_max,
        )
        blocks: dict[bytes, Block] = {}
        for record in stored.blocks:
            parent = blocks.get(previous_hash(record.header))
            work_before = 0 if parent is None else parent.cumulative_work
            block = _make_block(
                record.height, record.header, work_before=work_before, first_seen_ns=record.first_seen_ns
            )
            if parent is None:
                block = msgspec.structs.replace(block, cumulative_work=int.from_bytes(stored.root_work, "big"))
            blocks[block.hash] = block
        main = [blocks[stored.tip_hash]]
        while (parent := blocks.get(main[-1].previous_hash)) is not None:
            main.append(parent)
        chain._blocks = blocks
        chain._main = main[::-1]
        chain.check_invariants()
        return chain

    def check_invariants(self) -> None:
        """Links, work and selection hold for every kept block. Cost: O(blocks).

        Raises:
            InvariantViolation: naming the broken law.
        """
        ensure(len(self._main) <= self._blocks_kept, "no more than blocks_kept heights are selected")
        for parent, child in zip(self._main, self._main[1:], strict=False):
            ensure(child.previous_hash == parent.hash, "selected blocks link to their predecessors")
            ensure(child.height == parent.height + 1, "selected heights are consecutive")
        for block in self._blocks.values():
            ensure(block.hash == header_hash(block.header), "a block is stored under its own hash")
            ensure(has_work(block.hash, block.bits, self._network), "every block meets its target")
            ensure(block.cumulative_work <= self.tip.cumulative_work, "no block has more work than the tip")
            if block is not self._main[0]:
                ensure(block.previous_hash in self._blocks, "every branch reaches the first kept block")
                work = self._blocks[block.previous_hash].cumulative_work + work_of_bits(block.bits)
                ensure(block.cumulative_work == work, "work adds up along every branch")


def _by_height(block: Block) -> tuple[int, bytes]:
    return block.height, block.hash


def _make_block(height: int, header: bytes, *, work_before: int, first_seen_ns: int) -> Block:
    bits = header_bits(header)
    ensure(target_of_bits(bits) is not None, f"bits {bits:#010x} have no target")
    return Block(
        height=height,
        hash=header_hash(header),
        header=header,
        time_s=header_time_s(header),
        bits=bits,
        cumulative_work=work_before + work_of_bits(bits),
        first_seen_ns=first_seen_ns,
    )
