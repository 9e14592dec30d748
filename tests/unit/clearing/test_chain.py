"""Goal: only headers that consensus accepts count, and the branch with most work wins.

Method: eight thousand real headers with four retargets, all real retargets since 2009, real stale blocks, and mined
regtest headers for every refusal and for reorganisations.
"""

import csv
import random
from itertools import pairwise
from pathlib import Path

import pytest

from clearing.chain import MAIN, ChainReject, Checkpoint, ConnectResult, HeaderChain, difficulty, subsidy_sat
from clearing.headers import (
    bits_of_target,
    has_work,
    header_bits,
    header_hash,
    header_time_s,
    previous_hash,
    retarget_bits,
    target_of_bits,
    work_of_bits,
)
from domain.ensure import InvariantViolation
from domain.rejects import RejectCode
from tests.support.header_mill import GENESIS_HEADER, GENESIS_TIME_S, mine, mine_branch, regtest_chain

DATA = Path(__file__).parents[3] / "data" / "bitcoin"
FIRST_HEIGHT = 822_528
RAW = (DATA / "btc_headers_822528_830592.bin").read_bytes()
HEADERS = [RAW[i : i + 80] for i in range(0, len(RAW), 80)]
GENESIS_HASH = header_hash(GENESIS_HEADER)


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open() as file:
        return list(csv.DictReader(file))


def main_chain(upto: int = 1, **settings: int) -> HeaderChain:
    chain = HeaderChain(MAIN, Checkpoint(FIRST_HEIGHT, HEADERS[0], header_time_s(HEADERS[0])), **settings)
    for header in HEADERS[1:upto]:
        assert isinstance(chain.connect(header, 0), ConnectResult)
    return chain


def refused(chain: HeaderChain, header: bytes) -> RejectCode:
    before = chain.dump()
    result = chain.connect(header, 1)
    assert isinstance(result, ChainReject)
    assert chain.dump() == before, "a refusal changes nothing"
    return result.code


@pytest.fixture(scope="module")
def real() -> HeaderChain:
    return main_chain(len(HEADERS))


def test_all_real_headers_connect_one_after_another(real: HeaderChain) -> None:
    assert real.tip.height == 830_592
    assert real.tip.hash.hex() == header_hash(HEADERS[-1]).hex()
    assert real.confirmations(830_592) == 1
    assert real.confirmations(830_493) == 100
    assert real.confirmations(830_593) == 0
    real.check_invariants()


def test_only_the_last_blocks_are_kept(real: HeaderChain) -> None:
    assert real.height_first == 830_592 - 2_200 + 1
    assert real.block_at(real.height_first - 1) is None
    assert real.block_at(830_000).time_s == 1_707_675_457
    assert real.block(header_hash(HEADERS[0])) is None


def test_a_dump_brings_back_the_same_chain(real: HeaderChain) -> None:
    copy = HeaderChain.load(real.dump())
    assert copy.dump() == real.dump()
    assert copy.tip == real.tip
    assert copy.next_bits() == real.next_bits()


def test_a_dump_with_a_broken_link_is_not_loaded(real: HeaderChain) -> None:
    data = bytearray(real.dump())
    position = data.index(HEADERS[-5]) + 40  # inside the merkle root: the hash changes, the work is gone
    data[position] ^= 1
    with pytest.raises(InvariantViolation):
        HeaderChain.load(bytes(data))


def test_every_real_retarget_since_2009_follows_from_first_and_last_time() -> None:
    table = [row for row in rows("btc_retargets_0_436.csv") if row["first_time"]]
    checked = 0
    for row, following in pairwise(table):
        if not row["last_time"]:
            continue
        bits = retarget_bits(int(row["bits"], 16), int(row["first_time"]), int(row["last_time"]), MAIN)
        assert bits == int(following["bits"], 16), f"epoch {following['epoch']}"
        checked += 1
    assert checked == 413


def test_the_interval_has_2015_gaps_not_2016() -> None:
    height = 826_560
    first, last = HEADERS[height - 2016 - FIRST_HEIGHT], HEADERS[height - 1 - FIRST_HEIGHT]
    assert retarget_bits(header_bits(first), header_time_s(first), header_time_s(last), MAIN) == 0x1704005A
    before_first = HEADERS[height - 2017 - FIRST_HEIGHT]
    assert retarget_bits(header_bits(first), header_time_s(before_first), header_time_s(last), MAIN) == 0x1704009C


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1, 302_400), (302_400, 302_400), (302_401, 302_401), (4_838_401, 4_838_400), (-5, 302_400)],
)
def test_an_epoch_counts_as_a_quarter_to_four_times_two_weeks(seconds: int, expected: int) -> None:
    bits = 0x1704005A
    target = target_of_bits(bits)
    assert retarget_bits(bits, 1_000_000, 1_000_000 + seconds, MAIN) == bits_of_target(target * expected // 1_209_600)


def test_a_target_is_never_easier_than_the_limit() -> None:
    assert retarget_bits(0x1D00FFFF, 0, 4_838_400, MAIN) == 0x1D00FFFF


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0x1D00FFFF, 0xFFFF << 208),
        (0x05009234, 0x92340000),
        (0x01120000, 0x12),
        (0x04923456, None),  # sign bit
        (0x00000000, None),
        (0xFF123456, None),  # beyond 256 bits
    ],
)
def test_compact_targets_decode_as_in_bitcoin_core(bits: int, target: int | None) -> None:
    assert target_of_bits(bits) == target


def test_compact_targets_round_trip_for_all_real_epochs() -> None:
    for row in rows("btc_retargets_0_436.csv"):
        bits = int(row["bits"], 16)
        assert bits_of_target(target_of_bits(bits)) == bits


def test_difficulty_is_exact() -> None:
    numerator, denominator = difficulty(0x1D00FFFF)
    assert (numerator, denominator) == (1, 1)
    for row in rows("btc_retargets_0_436.csv"):
        numerator, denominator = difficulty(int(row["bits"], 16))
        listed = int(row["difficulty"].replace(".", ""))  # 1e-8 units, written from a double
        assert abs(numerator * 10**8 - listed * denominator) * 10**15 <= listed * denominator + 10**15 * denominator


def test_the_published_difficulty_of_a_swap_is_met() -> None:
    row = next(row for row in rows("btc_retargets_0_436.csv") if row["first_height"] == "568512")
    numerator, denominator = difficulty(int(row["bits"], 16))
    assert numerator // denominator == 6_379_265_451_411


@pytest.mark.parametrize(
    ("height", "sat"),
    [
        (0, 5_000_000_000),
        (209_999, 5_000_000_000),
        (210_000, 2_500_000_000),
        (822_528, 625_000_000),
        (840_000, 312_500_000),
        (2_100_000, 4_882_812),  # floor, not exact halves
        (6_930_000, 0),
        (64 * 210_000, 0),
        (200 * 210_000, 0),
    ],
)
def test_the_subsidy_halves_every_210000_blocks(height: int, sat: int) -> None:
    assert subsidy_sat(height) == sat


def test_halving_headers_have_the_known_hashes() -> None:
    for row in rows("btc_halving_headers.csv"):
        header = bytes.fromhex(row["header_hex"])
        assert header_hash(header).hex() == row["hash"]
        assert has_work(header_hash(header), header_bits(header), MAIN)
        assert subsidy_sat(int(row["height"])) == int(row["subsidy_sat"])


def test_real_stale_blocks_are_stored_without_moving_the_tip() -> None:
    stale = [row for row in rows("btc_stale_headers.csv") if row["branch"] == "stale"]
    inside = {int(row["height"]): bytes.fromhex(row["header_hex"]) for row in stale if int(row["height"]) < 823_300}
    assert sorted(inside) == [822_941, 823_226]
    chain = main_chain(823_300 - FIRST_HEIGHT)
    for height, header in inside.items():
        tip = chain.tip
        if height < tip.height - 150:
            assert refused(chain, header) is RejectCode.TOO_DEEP
            continue
        result = chain.connect(header, 5)
        assert isinstance(result, ConnectResult)
        assert (result.disconnected, result.connected) == ((), ())
        assert chain.tip is tip
        assert not chain.is_selected(header_hash(header))


def test_a_real_stale_block_seen_first_is_replaced_when_its_sibling_is_extended() -> None:
    row = next(r for r in rows("btc_stale_headers.csv") if r["branch"] == "stale" and r["height"] == "822941")
    stale = bytes.fromhex(row["header_hex"])
    offset = 822_941 - FIRST_HEIGHT
    chain = main_chain(offset)
    assert chain.connect(stale, 1).connected[0].hash.hex() == row["hash"]
    sibling = chain.connect(HEADERS[offset], 2)
    assert (sibling.connected, sibling.disconnected) == ((), ()), "equal work keeps the first"
    reorg = chain.connect(HEADERS[offset + 1], 3)
    assert [block.hash for block in reorg.disconnected] == [header_hash(stale)]
    assert [block.height for block in reorg.connected] == [822_941, 822_942]
    chain.check_invariants()


# ---- refusals ----


def test_a_header_of_wrong_length_is_malformed() -> None:
    chain = regtest_chain()
    assert refused(chain, GENESIS_HEADER + b"\0") is RejectCode.MALFORMED_HEADER
    assert refused(chain, b"") is RejectCode.MALFORMED_HEADER


def test_a_known_header_is_a_duplicate() -> None:
    assert refused(regtest_chain(), GENESIS_HEADER) is RejectCode.DUPLICATE_BLOCK
    assert refused(main_chain(10), HEADERS[4]) is RejectCode.DUPLICATE_BLOCK


def test_a_header_without_known_parent_is_refused() -> None:
    assert refused(main_chain(), HEADERS[2]) is RejectCode.UNKNOWN_PARENT


def test_a_header_without_work_is_refused() -> None:
    chain = regtest_chain()
    assert refused(chain, mine(GENESIS_HASH, GENESIS_TIME_S + 600, work=False)) is RejectCode.BAD_WORK
    real = main_chain()
    for position in (0, 40, 68, 76):  # version, merkle root, time, nonce: any flipped bit loses the work
        forged = bytearray(HEADERS[1])
        forged[position] ^= 1
        assert refused(real, bytes(forged)) is RejectCode.BAD_WORK


def test_a_header_that_claims_another_difficulty_is_refused() -> None:
    chain = regtest_chain()
    easier_than_limit = mine(GENESIS_HASH, GENESIS_TIME_S + 600, bits=0x207FFFFE)
    assert refused(chain, easier_than_limit) is RejectCode.BAD_BITS
    forged = HEADERS[1][:72] + (0x1D00FFFF).to_bytes(4, "little") + HEADERS[1][76:]
    assert refused(main_chain(), forged) is RejectCode.BAD_BITS


def test_old_bits_after_a_retarget_are_refused() -> None:
    offset = 824_544 - FIRST_HEIGHT
    chain = main_chain(offset)
    kept_bits = HEADERS[offset][:72] + HEADERS[offset - 1][72:76] + HEADERS[offset][76:]
    assert refused(chain, kept_bits) is RejectCode.BAD_BITS
    assert isinstance(chain.connect(HEADERS[offset], 0), ConnectResult)


def test_a_wrong_epoch_start_in_the_checkpoint_refuses_the_first_retarget() -> None:
    start = 100  # a checkpoint inside the epoch: its first time has to be told
    wrong, right = (
        HeaderChain(MAIN, Checkpoint(FIRST_HEIGHT + start, HEADERS[start], header_time_s(HEADERS[0]) + shift))
        for shift in (86_400, 0)
    )
    for header in HEADERS[start + 1 : 2016]:
        wrong.connect(header, 0)
        right.connect(header, 0)
    assert refused(wrong, HEADERS[2016]) is RejectCode.BAD_BITS
    assert isinstance(right.connect(HEADERS[2016], 0), ConnectResult)


def test_a_header_not_later_than_the_median_of_eleven_is_refused() -> None:
    chain = regtest_chain()
    for header in mine_branch(GENESIS_HASH, GENESIS_TIME_S + 600, 11):
        chain.connect(header, 0)
    median_s = chain.median_time_past_s(chain.tip)
    assert median_s == GENESIS_TIME_S + 600 * 6
    assert refused(chain, mine(chain.tip.hash, median_s)) is RejectCode.TIME_TOO_OLD
    backward = mine(chain.tip.hash, median_s + 1)
    assert header_time_s(backward) < chain.tip.time_s, "going back in time is legal above the median"
    assert isinstance(chain.connect(backward, 0), ConnectResult)


def test_the_whole_young_chain_counts_for_the_median() -> None:
    assert refused(regtest_chain(), mine(GENESIS_HASH, GENESIS_TIME_S)) is RejectCode.TIME_TOO_OLD


def test_the_median_of_real_windows_is_reproduced(real: HeaderChain) -> None:
    compared = 0
    for row in rows("btc_headers_nonmonotone_windows.csv"):
        parent = real.block(previous_hash(bytes.fromhex(row["header_hex"])))
        if parent is not None and parent.height >= real.height_first + 10:
            assert real.median_time_past_s(parent) == int(row["mtp11_prev"])
            compared += 1
    assert compared >= 19


def test_a_fork_deeper_than_allowed_is_refused() -> None:
    chain = regtest_chain(blocks_kept=2_050, reorg_blocks_max=3)
    for header in mine_branch(GENESIS_HASH, GENESIS_TIME_S + 600, 5):
        chain.connect(header, 0)
    fork = chain.block_at(1)
    assert refused(chain, mine(fork.hash, fork.time_s + 60, salt=9)) is RejectCode.TOO_DEEP
    fork = chain.block_at(2)
    assert isinstance(chain.connect(mine(fork.hash, fork.time_s + 60, salt=9), 0), ConnectResult)


def test_a_checkpoint_without_work_is_not_accepted() -> None:
    with pytest.raises(InvariantViolation):
        HeaderChain(MAIN, Checkpoint(5, GENESIS_HEADER, GENESIS_TIME_S))


# ---- reorganisations ----


def test_a_reorg_of_depth_100_lists_both_sides_in_order() -> None:
    chain = regtest_chain()
    old = mine_branch(GENESIS_HASH, GENESIS_TIME_S + 600, 100, salt=1)
    new = mine_branch(GENESIS_HASH, GENESIS_TIME_S + 601, 101, salt=2)
    for header in old:
        chain.connect(header, 0)
    for header in new[:-1]:
        assert chain.connect(header, 0).connected == ()
    result = chain.connect(new[-1], 7)
    assert [block.height for block in result.disconnected] == list(range(100, 0, -1))
    assert [block.height for block in result.connected] == list(range(1, 102))
    assert [block.header for block in result.connected] == new
    assert result.block.first_seen_ns == 7
    chain.check_invariants()


def test_work_decides_not_length() -> None:
    bits = 0x1B0404CB
    assert work_of_bits(0x1D00FFFF) == 4_295_032_833, "2^256 / (target + 1), not difficulty times 2^32"
    assert work_of_bits(bits) > 16_000 * work_of_bits(0x1D00FFFF)


@pytest.mark.parametrize("seed", range(20))
def test_random_trees_end_at_the_same_tip_as_a_plain_search_in_any_order(seed: int) -> None:
    choose = random.Random(seed)
    known = [(GENESIS_HASH, 0, GENESIS_TIME_S)]
    tree: list[tuple[bytes, int]] = []
    for salt in range(40):
        parent, height, time_s = known[max(0, len(known) - 1 - choose.randrange(6))]
        header = mine(parent, time_s + 600 + choose.randrange(-300, 300), salt=salt)
        known.append((header_hash(header), height + 1, header_time_s(header)))
        tree.append((header, height + 1))
    longest = max(height for _, height in tree)

    chain = regtest_chain()
    active = [GENESIS_HASH]
    waiting = list(tree)
    choose.shuffle(waiting)
    while waiting:  # a later pass connects what had no parent yet
        left = []
        for header, height in waiting:
            result = chain.connect(header, 0)
            if isinstance(result, ChainReject):
                assert result.code is RejectCode.UNKNOWN_PARENT
                left.append((header, height))
                continue
            for block in result.disconnected:
                assert active.pop() == block.hash
            for block in result.connected:
                assert previous_hash(block.header) == active[-1]
                active.append(block.hash)
            assert chain.tip.hash == active[-1]
        assert len(left) < len(waiting)
        waiting = left
    assert chain.tip.height == longest == len(active) - 1
    chain.check_invariants()
    assert HeaderChain.load(chain.dump()).dump() == chain.dump()


def test_forgotten_heights_take_dead_branches_with_them() -> None:
    chain = regtest_chain(blocks_kept=2_030, reorg_blocks_max=3)
    headers = mine_branch(GENESIS_HASH, GENESIS_TIME_S + 600, 2_040)
    for header in headers[:5]:
        chain.connect(header, 0)
    side = mine(chain.block_at(4).hash, chain.block_at(4).time_s + 60, salt=5)
    assert isinstance(chain.connect(side, 0), ConnectResult)
    for header in headers[5:]:
        chain.connect(header, 0)
    assert chain.height_first == 2_040 - 2_030 + 1
    assert chain.block(header_hash(side)) is None
    chain.check_invariants()
    assert HeaderChain.load(chain.dump()).dump() == chain.dump()
