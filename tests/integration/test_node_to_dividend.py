"""Goal: a real node's blocks become pending dividends in a running venue, and a real reorg takes them back.

Method: bcoin on regtest, a core process and a feed process that follows the node; facts are read over a link.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from clearing.headers import header_time_s
from domain import commands, reads
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.limits import Limits
from runtime.config import FeedConfig
from runtime.link_frames import READ_ID, FrameType
from runtime.node_rpc import NodeRpc
from tests.integration.core_harness import Child, LinkUser, small_config, wait_until_listening
from tests.support.bcoin_node import API_KEY, PAY_TO, NodeNotToBeHad, running_node

HOLDER = FIRST_CLIENT_ACCOUNT
PATIENCE_S = 30.0
SUPPLY = 1_000_000  # 1,000 TH/s
POOL_THS = 4_000
REWARD_MSAT = 50 * 10**11
DIVIDEND_MSAT = REWARD_MSAT * 97 * SUPPLY // (100 * POOL_THS * 1_000)


@pytest.fixture(scope="module")
def bcoin() -> Iterator[NodeRpc]:
    try:
        with running_node() as rpc:
            yield rpc
    except NodeNotToBeHad as reason:
        if os.environ.get("HASHBOOK_REQUIRE_BITCOIN_NODE"):
            raise
        pytest.skip(f"no real Bitcoin node for this test: {reason}")


class Desk:
    """Asks and tells a core."""

    def __init__(self, socket_path: Path) -> None:
        self._link = LinkUser(socket_path, "probe")

    def tell(self, *parts: commands.ColdCommand) -> list[int]:
        """Codes of the commands, in order."""
        self._link.send(FrameType.COMMANDS, b"".join(commands.cold(part, request=9) for part in parts))
        codes: list[int] = []
        while len(codes) < len(parts):
            codes += [event.code for event in self._link.receive_applied() if event.request == 9]
        return codes

    def ask(self, request: reads.ReadRequest) -> reads.Answer:
        self._link.send(FrameType.READ, READ_ID.pack(1) + reads.encode(request))
        answer: reads.Answer = reads.decode_answer(self._link.receive_type(FrameType.READ_REPLY)[READ_ID.size :])
        return answer

    def tip(self) -> tuple[int, str]:
        facts = self.ask(reads.ReadFacts())
        assert isinstance(facts, reads.FactsAnswer)
        return facts.tip_height, facts.tip_hash

    def dividends(self) -> list[tuple[str, int, str]]:
        answer = self.ask(reads.ReadDividends(HOLDER, 10))
        assert isinstance(answer, reads.DividendsAnswer)
        return [(view.block_hash, view.amount, view.state) for view in answer.dividends]


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def rpc(node: NodeRpc, *call: object) -> object:
    return asyncio.run(asyncio.wait_for(node.call(*call), PATIENCE_S))  # type: ignore[arg-type]


def test_blocks_of_a_real_node_pay_and_a_real_reorg_takes_back(bcoin: NodeRpc, tmp_path: Path) -> None:
    genesis_hash = str(rpc(bcoin, "getblockhash", 0))
    genesis = str(rpc(bcoin, "getblockheader", genesis_hash, False))
    credentials = tmp_path / "node.credentials"
    credentials.write_text(f"x:{API_KEY}\n")
    config = small_config(
        tmp_path,
        limits=msgspec.structs.replace(Limits(), accounts_max=64, orders_max=1_024, timeline_entries_max=8_192),
        feed=FeedConfig(
            source="node",
            node_url=f"http://127.0.0.1:{bcoin._port}",
            node_credentials_path=str(credentials),
            network="regtest",
            checkpoint_header=genesis,
            checkpoint_epoch_time_s=header_time_s(bytes.fromhex(genesis)),
        ),
    )
    with Child(tmp_path, "runtime.core_process") as core:
        wait_until_listening(core, config)
        desk = Desk(config.core_socket)
        opened = desk.tell(
            commands.CreateAsset("BTC", 10**11, "cash"),
            commands.CreateAsset("TH1A", 10**3, "token"),
            commands.DefineTranche("TH1A", "BTC", 30_000),
            commands.OpenAccount("holder"),
            commands.Deposit(HOLDER, "TH1A", SUPPLY, "mint"),
        )
        assert opened == [0] * 5
        time.sleep(1.1)  # headers count whole seconds: the tokens are there before the blocks' times
        with Child(tmp_path, "runtime.feed_process") as feed:
            wait_for(lambda: desk.tip()[0] == 0)
            mined = rpc(bcoin, "generatetoaddress", 5, PAY_TO)
            assert isinstance(mined, list)
            wait_for(lambda: desk.tip() == (5, mined[4]))
            time.sleep(1.1)  # a record time is over when its second is
            assert desk.tell(commands.PoolReport("TH1A", mined[4], POOL_THS)) == [0]
            assert desk.dividends() == [(mined[4], DIVIDEND_MSAT, "pending")]

            rpc(bcoin, "invalidateblock", mined[3])
            replaced = rpc(bcoin, "generatetoaddress", 3, PAY_TO)
            assert isinstance(replaced, list)
            wait_for(lambda: desk.tip() == (6, replaced[2]))
            assert desk.dividends() == [(mined[4], DIVIDEND_MSAT, "voided")]
            time.sleep(1.1)
            assert desk.tell(commands.PoolReport("TH1A", replaced[2], POOL_THS)) == [0]
            assert desk.dividends()[0] == (replaced[2], DIVIDEND_MSAT, "pending")
            facts = desk.ask(reads.ReadDigest())
            assert isinstance(facts, reads.DigestAnswer)
            assert facts.invariants == "ok"
            assert "refused" not in feed.log_text()


def test_a_node_that_is_away_is_reported_and_the_venue_goes_on(tmp_path: Path) -> None:
    credentials = tmp_path / "node.credentials"
    credentials.write_text("x:y\n")
    genesis = (
        "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81b"
        "c3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000"
    )
    config = small_config(
        tmp_path,
        limits=msgspec.structs.replace(Limits(), accounts_max=64, orders_max=1_024, timeline_entries_max=8_192),
        feed=FeedConfig(
            source="node",
            node_url="http://127.0.0.1:1",  # nobody listens there
            node_credentials_path=str(credentials),
            network="regtest",
            checkpoint_header=genesis,
            checkpoint_epoch_time_s=1_296_688_602,
        ),
    )
    with Child(tmp_path, "runtime.core_process") as core:
        wait_until_listening(core, config)
        desk = Desk(config.core_socket)
        with Child(tmp_path, "runtime.feed_process") as feed:
            wait_for(lambda: "node unavailable" in feed.log_text())
            wait_for(lambda: desk.tip()[0] == 0)
            assert desk.tell(commands.CreateAsset("BTC", 10**11, "cash")) == [0]
