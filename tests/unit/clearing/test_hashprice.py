"""Goal: the index and its fixings equal the published formula to the unit, follow reorganisations, and know when they
are final.

Method: fractions as the plain twin, published checks, a step function integrated second by second, real headers.
"""

from fractions import Fraction
from pathlib import Path

import pytest

from clearing.chain import MAIN, Checkpoint, ConnectResult, HeaderChain, subsidy_sat
from clearing.hashprice import (
    DAY_SECONDS,
    FEE_WINDOW_BLOCKS,
    INDEX_NAME,
    SUBSIDY_INDEX_NAME,
    VALUE_MSAT_MAX,
    Fixing,
    HashpriceIndex,
    Step,
    fee_sat,
    hashprice_msat,
    usd_micro,
    usd_steps,
    value_at,
    weighted_sum,
)
from clearing.headers import header_time_s, target_of_bits
from domain.ensure import InvariantViolation

BITS_840000 = 0x17034219
NS = 10**9


def exact_msat(subsidy: int, bits: int, mean_fee: Fraction) -> Fraction:
    difficulty = Fraction(0xFFFF << 208, target_of_bits(bits))
    return Fraction(86_400 * 10**15, 2**32) / difficulty * (subsidy + mean_fee) * 1_000


# ---- one block ----


@pytest.mark.parametrize(
    ("bits", "subsidy", "per_thousandth_sat_th"),
    [(BITS_840000, 625_000_000, 145_538), (BITS_840000, 312_500_000, 72_769)],
)
def test_the_subsidy_value_equals_the_published_figures(bits: int, subsidy: int, per_thousandth_sat_th: int) -> None:
    value_msat = hashprice_msat(subsidy, bits)  # per PH/s-day; published in sat per TH/s-day to three digits
    assert (value_msat + 500) // 1_000 == per_thousandth_sat_th


@pytest.mark.parametrize("fees", [0, 1, 143, 7_777_777_777])
@pytest.mark.parametrize("blocks", [1, 7, 144])
def test_the_value_is_the_exact_fraction_rounded_once(fees: int, blocks: int) -> None:
    for bits in (0x17117A39, BITS_840000, 0x1704005A):
        exact = exact_msat(625_000_000, bits, Fraction(fees, blocks))
        assert hashprice_msat(625_000_000, bits, fees, blocks) == round(exact)  # Fraction rounds half to even
    assert hashprice_msat(0, BITS_840000) == 0


@pytest.mark.parametrize("bits", [0x1D00FFFF, 0x207FFFFF])
def test_a_chain_without_difficulty_is_held_at_a_bound_that_the_ledger_can_hold(bits: int) -> None:
    assert hashprice_msat(5_000_000_000, bits) == VALUE_MSAT_MAX
    assert VALUE_MSAT_MAX * 86_400 < 2**63


def test_the_usd_value_rounds_half_to_even() -> None:
    assert usd_micro(100_000_000_000, 91_000_000_000) == 91_000_000_000, "a whole BTC"
    assert usd_micro(1, 50_000_000_000) == 0
    assert usd_micro(1, 150_000_000_000) == 2
    assert usd_micro(3, 50_000_000_000) == 2


def test_the_published_usd_hashprice_of_november_2025_is_met_roughly() -> None:
    bits = 0x1701DE5C  # a difficulty near 152 T
    difficulty = Fraction(0xFFFF << 208, target_of_bits(bits))
    assert 140 * 10**12 < difficulty < 160 * 10**12
    dollars = usd_micro(hashprice_msat(312_500_000, bits, 2_000_000), 91_000_000_000) / 10**6
    assert 35 < dollars < 42


def test_fees_are_what_the_coinbase_holds_above_the_subsidy_and_never_negative() -> None:
    assert fee_sat(648_268_040, 830_000) == 23_268_040  # a real block
    assert fee_sat(None, 830_000) is None
    assert fee_sat(0, 501_726) == 0


# ---- the index along a chain ----


def fed(
    index: HashpriceIndex, count: int, *, fee: int | None = 5, start: int = 1, first_s: int = 0, step_s: int = 600
) -> None:
    for number in range(start, start + count):
        index.connect(
            height=number,
            block_hash=number.to_bytes(32, "big"),
            median_time_s=first_s + step_s * (number - start),
            fee_sat=fee,
            next_subsidy_sat=312_500_000,
            next_bits=BITS_840000,
        )


def test_the_fee_is_the_mean_of_the_last_144_blocks() -> None:
    index = HashpriceIndex()
    fed(index, 1, fee=1_000_000_000)
    assert index.latest().value_msat == hashprice_msat(312_500_000, BITS_840000, 1_000_000_000, 1)
    fed(index, 143, fee=0, start=2)
    assert index.latest().value_msat == hashprice_msat(312_500_000, BITS_840000, 1_000_000_000, FEE_WINDOW_BLOCKS)
    fed(index, 1, fee=0, start=145)
    assert index.latest().value_msat == hashprice_msat(312_500_000, BITS_840000), "the large fee left the window"


def test_a_feed_without_fees_publishes_the_subsidy_index_under_its_own_name() -> None:
    index = HashpriceIndex()
    fed(index, 3, fee=9_000_000)
    assert index.latest().name == INDEX_NAME
    fed(index, 1, fee=None, start=4)
    assert index.latest().name == SUBSIDY_INDEX_NAME
    assert index.latest().value_msat is None
    assert index.latest().published_msat == hashprice_msat(312_500_000, BITS_840000)
    fed(index, 143, fee=0, start=5)
    assert index.latest().name == SUBSIDY_INDEX_NAME
    fed(index, 1, fee=0, start=148)
    assert index.latest().name == INDEX_NAME, "the unknown fee left the window"


def test_a_disconnected_block_takes_its_fee_with_it() -> None:
    index = HashpriceIndex()
    fed(index, 5, fee=1_000)
    before = index.dump()
    fed(index, 1, fee=10**9, start=6)
    index.disconnect((6).to_bytes(32, "big"))
    assert index.dump() == before
    with pytest.raises(InvariantViolation):
        index.disconnect((3).to_bytes(32, "big"))


def test_heights_must_follow_and_fees_are_never_negative() -> None:
    index = HashpriceIndex()
    fed(index, 2)
    with pytest.raises(InvariantViolation):
        fed(index, 1, start=4)
    with pytest.raises(InvariantViolation):
        fed(index, 1, start=3, fee=-1)


def test_a_median_that_would_go_back_near_a_checkpoint_is_held() -> None:
    index = HashpriceIndex()
    fed(index, 1, first_s=1_000)
    fed(index, 1, start=2, first_s=900)
    assert [point.time_s for point in index.points] == [1_000, 1_000]
    index.check_invariants()


def test_only_the_last_points_are_kept_and_a_dump_brings_them_back() -> None:
    index = HashpriceIndex(points_kept=150)
    fed(index, 400)
    assert len(index.points) == 150
    assert HashpriceIndex.load(index.dump()).dump() == index.dump()


# ---- step functions ----


def test_a_weighted_sum_equals_the_sum_over_every_second() -> None:
    steps = [Step(-5, 3), Step(10, 7), Step(10, 8), Step(25, 0), Step(40, 11)]
    for start, end in ((0, 50), (10, 11), (12, 24), (24, 26), (45, 60), (9, 10)):
        assert weighted_sum(steps, start, end) == sum(value_at(steps, second) for second in range(start, end))
    assert weighted_sum(steps, -6, 3) is None
    assert weighted_sum([], 0, 1) is None


def test_the_usd_index_steps_whenever_block_or_price_moves() -> None:
    unit = 100_000_000_000  # one BTC in msat: the product is the price itself
    index = [Step(0, unit), Step(100, 2 * unit)]
    prices = [Step(50, 10), Step(100, 20), Step(150, 30)]
    assert usd_steps(index, prices) == [Step(50, 10), Step(100, 40), Step(150, 60)]


# ---- fixings ----


def test_a_fixing_is_the_time_weighted_mean_of_its_day() -> None:
    index = HashpriceIndex()
    day_s = DAY_SECONDS
    blocks = [(day_s - 100, 0), (day_s + 21_600, 10**8), (2 * day_s - 1, 0), (2 * day_s, 0)]
    for height, (time_s, fee) in enumerate(blocks):
        index.connect(
            height=height,
            block_hash=bytes([height]) * 32,
            median_time_s=time_s,
            fee_sat=fee,
            next_subsidy_sat=312_500_000,
            next_bits=BITS_840000,
        )
    values = [point.value_msat for point in index.points]
    fixing = index.fixing(1, 0)
    assert fixing.weighted_sum == values[0] * 21_600 + values[1] * (86_400 - 21_600 - 1) + values[2]
    assert fixing.rounded() == round(Fraction(fixing.weighted_sum, 86_400))
    assert fixing.rounded(1_000) == round(Fraction(fixing.weighted_sum, 86_400_000)), "whole satoshis, rounded once"


def test_fixings_round_half_to_even_and_only_once() -> None:
    assert Fixing(0, INDEX_NAME, 86_400 * 1_500, final=True).rounded(1_000) == 2
    assert Fixing(0, INDEX_NAME, 86_400 * 2_500, final=True).rounded(1_000) == 2
    assert Fixing(0, INDEX_NAME, 86_400 * 2_500 + 1, final=True).rounded(1_000) == 3
    assert Fixing(0, INDEX_NAME, 86_400 * 1_499 + 43_200, final=True).rounded(1_000) == 1, "1499.5 is not 1500 first"


def test_there_is_no_fixing_for_a_day_whose_beginning_is_not_covered() -> None:
    index = HashpriceIndex()
    assert index.fixing(0, 0) is None
    fed(index, 10, first_s=1)
    assert index.fixing(0, 0) is None
    assert index.fixing(1, 0) is None, "the day has not begun on the chain's axis"
    fed(index, 200, start=11, first_s=6_001)
    assert index.fixing(1, 0) is not None


def test_a_fixing_is_final_with_six_confirmations_and_not_before_two_in_the_morning() -> None:
    two_ns = (2 * DAY_SECONDS + 7_200) * NS
    index = HashpriceIndex()
    fed(index, 3, first_s=DAY_SECONDS - 600, step_s=600)  # last one at 00:10 of day 1
    last_of_day = 3
    for extra in range(5):
        assert index.fixing(1, two_ns).final is False, f"{extra + 1} confirmations"
        fed(index, 1, start=last_of_day + 1 + extra, first_s=2 * DAY_SECONDS + extra)
    assert index.fixing(1, two_ns).final is True
    assert index.fixing(1, two_ns - 1).final is False
    assert index.fixing(2, 10 * two_ns).final is False, "no later day's block: held, never final"


def test_a_day_with_one_unknown_fee_is_fixed_on_the_subsidy_and_its_neighbours_are_not() -> None:
    index = HashpriceIndex()
    blocks_per_day = 144
    fed(index, 2 * blocks_per_day, first_s=0)
    fed(index, 1, start=289, first_s=2 * DAY_SECONDS + 60, fee=None)
    fed(index, 300, start=290, first_s=2 * DAY_SECONDS + 660)
    assert index.fixing(1, 0).name == INDEX_NAME
    fixing = index.fixing(2, 0)
    assert fixing.name == SUBSIDY_INDEX_NAME
    assert fixing.rounded() == hashprice_msat(312_500_000, BITS_840000)
    assert index.fixing(3, 0).name == SUBSIDY_INDEX_NAME, "the window still holds the unknown fee at its beginning"


def test_the_usd_fixing_is_the_mean_of_products_not_the_product_of_means() -> None:
    index = HashpriceIndex()
    fed(index, 1, first_s=DAY_SECONDS, fee=0)
    fed(index, 1, start=2, first_s=DAY_SECONDS + 43_200, fee=10**9)
    fed(index, 1, start=3, first_s=2 * DAY_SECONDS, fee=0)
    low, high = (point.value_msat for point in index.points[:2])
    prices = [Step(DAY_SECONDS, 40_000_000_000), Step(DAY_SECONDS + 43_200, 60_000_000_000)]
    fixing = index.usd_fixing(1, 0, prices)
    assert fixing.weighted_sum == 43_200 * (usd_micro(low, prices[0].value) + usd_micro(high, prices[1].value))
    mean_product = usd_micro((low + high) // 2, 50_000_000_000)
    assert fixing.rounded() > mean_product
    assert index.usd_fixing(1, 0, prices[1:]) is None, "no price at the beginning of the day"


def test_real_headers_give_a_final_fixing_for_every_day_of_january_2024() -> None:
    raw = (Path(__file__).parents[3] / "data/bitcoin/btc_headers_822528_830592.bin").read_bytes()
    chain = HeaderChain(MAIN, Checkpoint(822_528, raw[:80], header_time_s(raw[:80])))
    index = HashpriceIndex()
    fixings: dict[int, Fixing] = {}
    for start in range(80, len(raw), 80):
        result = chain.connect(raw[start : start + 80], 0)
        assert isinstance(result, ConnectResult)
        block = result.block
        point = index.connect(
            height=block.height,
            block_hash=block.hash,
            median_time_s=chain.median_time_past_s(block),
            fee_sat=0,
            next_subsidy_sat=subsidy_sat(block.height + 1),
            next_bits=chain.next_bits(),
        )
        day = point.time_s // DAY_SECONDS - 1
        if day not in fixings:
            fixing = index.fixing(day, (point.time_s + DAY_SECONDS) * NS)
            if fixing is not None and fixing.final:
                fixings[day] = fixing
    january = range(19_723, 19_754)  # 2024-01-01 is day 19,723
    assert all(day in fixings for day in january)
    # Two retargets fell into January; the fixing moves only on their days, between whole-epoch values.
    values = {fixings[day].rounded() for day in january}
    assert min(values) < max(values)
    assert 140_000_000 < min(values) < max(values) < 180_000_000
