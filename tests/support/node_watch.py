"""A node source under observation, fed by a fake node.

Lives here: the watcher that keeps all a source said, blocks to feed, and the session that joins both.
Does not know: which lies are told.
"""

import asyncio
from collections.abc import Awaitable, Callable

from clearing.chain import HeaderChain
from clearing.headers import header_hash
from runtime.bitcoin_node import NodeBlockSource
from runtime.block_feed import FeedBlock, FeedProblem, ProblemKind
from runtime.node_rpc import NodeRpc
from tests.support.fake_node import FakeNode
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, raw_block, regtest_chain

GENESIS_HASH = header_hash(GENESIS_HEADER)
SUBSIDY_SAT = 5_000_000_000  # regtest pays 50 coins at first
WALL_S = GENESIS_TIME_S + 100_000.0


class Watcher:
    """A source with everything it said."""

    def __init__(self, rpc: NodeRpc, chain: HeaderChain | None = None, **settings: object) -> None:
        self.blocks: list[FeedBlock] = []
        self.problems: list[FeedProblem] = []
        self.now_ns = 0
        options: dict[str, object] = {"poll_interval_s": 0.01, "retry_s_max": 0.05, "wall_s": lambda: WALL_S} | settings
        self.source = NodeBlockSource(
            rpc,
            chain or regtest_chain(),
            self.blocks.append,
            self.problems.append,
            now_ns=self._tick,
            **options,  # type: ignore[arg-type]
        )

    def _tick(self) -> int:
        self.now_ns += 1
        return self.now_ns

    async def poll(self) -> list[FeedBlock]:
        """What one poll delivered."""
        before = len(self.blocks)
        await self.source.poll()
        return self.blocks[before:]

    @property
    def kinds(self) -> list[ProblemKind]:
        """Problems so far."""
        return [problem.kind for problem in self.problems]


def blocks_on(parent_hash: bytes, count: int, *, first_time_s: int, salt: int = 0) -> list[bytes]:
    """Raw blocks one after another, the i-th paying i satoshi of fees."""
    blocks = []
    for index in range(count):
        payments = (index * 3) % 5  # odd and even numbers of transactions, with and without witness
        outputs = [SUBSIDY_SAT, index, 0]
        blocks.append(raw_block(parent_hash, first_time_s + 600 * index, outputs, payments=payments, salt=salt))
        parent_hash = header_hash(blocks[-1][:80])
    return blocks


def with_fake(
    test: Callable[[FakeNode, Watcher], Awaitable[None]],
    *,
    blocks: int = 5,
    password: str = "pass",
    rpc_settings: dict[str, float] | None = None,
    **settings: object,
) -> None:
    """Run a test against a fake node with some honest blocks, bounded in time."""

    async def session() -> None:
        node = FakeNode(GENESIS_HEADER, blocks_on(GENESIS_HASH, blocks, first_time_s=GENESIS_TIME_S + 600))
        async with node.listening():
            rpc = NodeRpc("127.0.0.1", node.port, user="user", password=password, **(rpc_settings or {}))  # type: ignore[arg-type]
            await test(node, Watcher(rpc, **settings))

    asyncio.run(asyncio.wait_for(session(), 30))
