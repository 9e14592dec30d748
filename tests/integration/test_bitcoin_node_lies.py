"""Goal: a node that lies, stalls, refuses or is away is reported and never believed, and followed again afterwards.

Method: a fake node on loopback, one lie at a time; after each the truth must still come through whole.
"""

import asyncio
import time
from collections.abc import Callable

import pytest

from clearing.headers import header_hash, header_time_s
from domain.rejects import RejectCode
from runtime.block_feed import ProblemKind
from runtime.node_rpc import NodeRpc
from tests.support.fake_node import FakeNode
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine, raw_block
from tests.support.node_watch import GENESIS_HASH, SUBSIDY_SAT, WALL_S, Watcher, blocks_on, with_fake


def never_believed(lie: Callable[[FakeNode], None], kind: ProblemKind, code: int = 0, **settings: object) -> None:
    """The lie yields its problem and no block; the truth afterwards yields all blocks."""

    async def run(node: FakeNode, watcher: Watcher) -> None:
        truth = list(node.blocks)
        before = watcher.source.chain.dump()
        lie(node)
        assert await watcher.poll() == []
        assert watcher.kinds == [kind]
        assert watcher.problems[0].reject_code == code
        assert watcher.source.chain.dump() == before
        node.lie.clear()
        node.raw_answer = None
        node.delay_s = 0.0
        node.blocks[:] = truth
        assert [block.header for block in await watcher.poll()] == [block[:80] for block in truth]

    with_fake(run, **settings)  # type: ignore[arg-type]


def test_a_header_that_is_not_the_one_asked_for_is_not_believed() -> None:
    def lie(node: FakeNode) -> None:
        node.lie["getblockheader"] = lambda params, result: GENESIS_HEADER.hex()

    never_believed(lie, ProblemKind.WRONG_HASH)


def test_a_short_header_is_not_believed() -> None:
    def lie(node: FakeNode) -> None:
        node.lie["getblockheader"] = lambda params, result: str(result)[:-2]

    never_believed(lie, ProblemKind.WRONG_HASH)


def test_a_header_without_work_is_not_believed() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = [mine(GENESIS_HASH, GENESIS_TIME_S + 600, work=False)]

    never_believed(lie, ProblemKind.BAD_HEADER, RejectCode.BAD_WORK)


def test_a_header_with_another_difficulty_is_not_believed() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = [mine(GENESIS_HASH, GENESIS_TIME_S + 600, bits=0x207FFFFE)]

    never_believed(lie, ProblemKind.BAD_HEADER, RejectCode.BAD_BITS, with_totals=False)


def test_a_header_from_before_the_median_is_not_believed() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = [raw_block(GENESIS_HASH, GENESIS_TIME_S, [1])]

    never_believed(lie, ProblemKind.BAD_HEADER, RejectCode.TIME_TOO_OLD)


def test_a_header_from_the_future_waits_until_the_clock_is_near() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = [raw_block(GENESIS_HASH, int(WALL_S) + 7_201, [1])]

    never_believed(lie, ProblemKind.FROM_FUTURE)


def test_a_branch_that_never_links_is_given_up() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = blocks_on(bytes([7]) * 32, 12, first_time_s=GENESIS_TIME_S + 600)
        node.lie["getblockcount"] = lambda params, result: 1

    never_believed(lie, ProblemKind.TOO_DEEP, batch_blocks=6, walk_back_blocks=4)


def test_a_branch_whose_root_the_node_does_not_have_is_an_error_of_the_node() -> None:
    def lie(node: FakeNode) -> None:
        node.blocks[:] = blocks_on(bytes([7]) * 32, 2, first_time_s=GENESIS_TIME_S + 600)

    never_believed(lie, ProblemKind.RPC_ERROR)


Forge = Callable[[list[object], object], object]


def raised_coinbase(params: list[object], result: object) -> object:
    return str(result).replace(SUBSIDY_SAT.to_bytes(8, "little").hex(), (SUBSIDY_SAT + 1).to_bytes(8, "little").hex())


@pytest.mark.parametrize(
    "forge",
    [
        raised_coinbase,
        lambda params, result: str(result)[:-2],
        lambda params, result: str(result) + "00",
        lambda params, result: str(result)[:160],
        lambda params, result: GENESIS_HEADER.hex() + str(result)[160:],
        lambda params, result: str(result)[:160] + "ff" * 9,
    ],
    ids=["a larger coinbase", "a byte less", "a byte more", "header only", "another header", "an absurd count"],
)
def test_a_block_that_does_not_hash_to_its_header_is_not_believed(forge: Forge) -> None:
    def lie(node: FakeNode) -> None:
        node.lie["getblock"] = forge

    never_believed(lie, ProblemKind.BAD_BLOCK)


@pytest.mark.parametrize(
    "result", [None, 7, "", "zz", "00" * 31, {"hash": 1}, ["a"], True], ids=lambda result: repr(result)[:12]
)
def test_a_result_of_another_type_is_malformed(result: object) -> None:
    def lie(node: FakeNode) -> None:
        node.lie["getbestblockhash"] = lambda params, truth: result

    never_believed(lie, ProblemKind.MALFORMED)


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{{{{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"result":"\xff\xfe"}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + b"[" * 500_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n" + b"[" * 1_100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n{"result":"00","id":"another"}',
    ],
    ids=["no http", "no json", "cut off", "no id", "no utf-8", "deep", "too long", "bad chunk", "another id"],
)
def test_an_answer_that_is_no_answer_is_malformed(raw: bytes) -> None:
    def lie(node: FakeNode) -> None:
        node.raw_answer = raw

    never_believed(lie, ProblemKind.MALFORMED, rpc_settings={"body_bytes_max": 1_000_000})


def test_a_closed_connection_is_unavailable() -> None:
    def lie(node: FakeNode) -> None:
        node.raw_answer = b""

    never_believed(lie, ProblemKind.UNAVAILABLE)


def test_a_slow_node_is_given_up_in_time() -> None:
    def lie(node: FakeNode) -> None:
        node.delay_s = 1.0

    begin = time.monotonic()
    never_believed(lie, ProblemKind.SLOW, rpc_settings={"timeout_s": 0.2})
    assert time.monotonic() - begin < 5


def test_wrong_credentials_are_refused() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        assert await watcher.poll() == []
        assert watcher.kinds == [ProblemKind.REFUSED]

    with_fake(run, password="wrong")


def test_a_failed_total_in_the_middle_keeps_what_was_proved_before_it() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        third = header_hash(node.blocks[2][:80]).hex()
        node.lie["getblock"] = lambda params, result: "00" if params[0] == third else result
        assert [block.height for block in await watcher.poll()] == [1, 2]
        assert watcher.kinds == [ProblemKind.BAD_BLOCK]
        node.lie.clear()
        assert [block.height for block in await watcher.poll()] == [3, 4, 5]

    with_fake(run)


def test_pauses_double_up_to_their_bound_and_end_with_the_first_success() -> None:
    async def run(node: FakeNode, watcher: Watcher) -> None:
        node.raw_answer = b""
        pauses = [await watcher.source.poll() for _ in range(5)]
        assert pauses == [0.02, 0.04, 0.05, 0.05, 0.05]
        assert [problem.retry_in_s for problem in watcher.problems] == pauses
        assert [problem.failures for problem in watcher.problems] == [1, 2, 3, 4, 5]
        node.raw_answer = None
        assert await watcher.source.poll() == 0.01
        node.raw_answer = b""
        assert await watcher.source.poll() == 0.02

    with_fake(run)


def test_a_node_that_is_away_and_returns_is_followed_again_until_stopped() -> None:
    async def session() -> None:
        node = FakeNode(GENESIS_HEADER, blocks_on(GENESIS_HASH, 3, first_time_s=GENESIS_TIME_S + 600))
        async with node.listening():
            port = node.port
        watcher = Watcher(NodeRpc("127.0.0.1", port, user="user", password="pass"))
        stop = asyncio.Event()
        following = asyncio.create_task(watcher.source.run(stop))
        while len(watcher.problems) < 3:
            await asyncio.sleep(0.01)
        assert set(watcher.kinds) == {ProblemKind.UNAVAILABLE}
        async with node.listening(port):
            while len(watcher.blocks) < 3:
                await asyncio.sleep(0.01)
            stop.set()
            await following
        assert [header_time_s(block.header) for block in watcher.blocks] == [
            GENESIS_TIME_S + 600 * index for index in (1, 2, 3)
        ]

    asyncio.run(asyncio.wait_for(session(), 20))
