"""Goal: a node's blocks arrive once, in order, with proved totals, through a real reorganisation.

Method: a real full node (bcoin on regtest), then an honest fake node on loopback for what the real one cannot stage.
"""

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from clearing.headers import header_hash
from runtime.block_feed import ProblemKind
from runtime.node_rpc import NodeRpc
from tests.support.bcoin_node import PAY_TO, NodeNotToBeHad, running_node
from tests.support.fake_node import FakeNode
from tests.support.header_mill import GENESIS_TIME_S
from tests.support.node_watch import SUBSIDY_SAT, Watcher, blocks_on, with_fake

# ---- the real node ----


@pytest.fixture(scope="module")
def bcoin() -> Iterator[NodeRpc]:
    try:
        with running_node() as rpc:
            yield rpc
    except NodeNotToBeHad as reason:
        if os.environ.get("HASHBOOK_REQUIRE_BITCOIN_NODE"):
            raise
        pytest.skip(f"no real Bitcoin node for this test: {reason}")


def test_a_real_node_delivers_five_blocks_and_a_real_reorg(bcoin: NodeRpc) -> None:
    async def session() -> None:
        watcher = Watcher(bcoin, wall_s=time.time)
        assert await watcher.poll() == []

        mined = await bcoin.call("generatetoaddress", 5, PAY_TO)
        first = await watcher.poll()
        assert [block.height for block in first] == [1, 2, 3, 4, 5]
        assert [header_hash(block.header).hex() for block in first] == mined
        assert [block.coinbase_total_sat for block in first] == [SUBSIDY_SAT] * 5
        assert [block.first_seen_ns for block in first] == [1, 2, 3, 4, 5]

        await bcoin.call("invalidateblock", mined[3])  # blocks 4 and 5 are gone
        assert await bcoin.call("getblockcount") == 3
        assert await watcher.poll() == [], "a shorter branch says nothing new"
        assert watcher.source.chain.tip.height == 5, "work once proved is not forgotten because a node forgot it"

        replaced = await bcoin.call("generatetoaddress", 3, PAY_TO)
        assert replaced[0] != mined[3]
        second = await watcher.poll()
        assert [header_hash(block.header).hex() for block in second] == replaced
        assert [block.height for block in second] == [4, 5, 6]
        chain = watcher.source.chain
        assert chain.tip.hash.hex() == replaced[-1]
        assert not chain.is_selected(bytes.fromhex(mined[4]))
        assert await watcher.poll() == []
        assert watcher.problems == []
        chain.check_invariants()

    asyncio.run(asyncio.wait_for(session(), 60))


def test_a_real_node_refuses_a_wrong_password(bcoin: NodeRpc) -> None:
    async def session() -> None:
        stranger = NodeRpc("127.0.0.1", bcoin._port, user="x", password="guess", timeout_s=5)
        watcher = Watcher(stranger)
        assert await watcher.poll() == []
        assert watcher.kinds == [ProblemKind.REFUSED]

    asyncio.run(asyncio.wait_for(session(), 30))


# ---- an honest fake node ----


def test_blocks_arrive_once_in_order_with_their_totals() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        delivered = await watcher.poll()
        assert [block.header for block in delivered] == [block[:80] for block in node.blocks]
        assert [block.coinbase_total_sat for block in delivered] == [SUBSIDY_SAT + index for index in range(5)]
        assert await watcher.poll() == []
        assert watcher.problems == []

    with_fake(run)


def test_a_source_far_behind_catches_up_in_batches() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        sizes = []
        while delivered := await watcher.poll():
            sizes.append(len(delivered))
        assert sizes == [4, 4, 4, 1]
        assert [block.height for block in watcher.blocks] == list(range(1, 14))

    with_fake(run, blocks=13, batch_blocks=4)


def test_blocks_that_the_core_has_are_checked_but_not_delivered_again() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        assert [block.height for block in await watcher.poll()] == [4, 5]
        assert watcher.source.chain.tip.height == 5
        assert node.calls.count("getblock") == 2

    with_fake(run, deliver_above=3)


def test_a_source_without_totals_says_so_and_fetches_no_blocks() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        assert [block.coinbase_total_sat for block in await watcher.poll()] == [None] * 5
        assert "getblock" not in node.calls

    with_fake(run, with_totals=False)


def test_a_reorg_delivers_the_new_branch_only() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        await watcher.poll()
        fork = header_hash(node.blocks[1][:80])
        node.blocks[2:] = blocks_on(fork, 4, first_time_s=GENESIS_TIME_S + 1_900, salt=3)
        assert [block.header for block in await watcher.poll()] == [block[:80] for block in node.blocks[2:]]
        assert watcher.source.chain.tip.height == 6
        assert watcher.problems == []

    with_fake(run)
