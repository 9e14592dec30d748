"""Goal: the demo's synthetic files are what their generator says, fit the real headers, and cannot pass for real data.

Method: generate again and compare bytes; read every row and check it against the headers and the rules.
"""

import csv
from itertools import pairwise
from pathlib import Path

from clearing.dividends import dividend_msat
from clearing.headers import header_hash, subsidy_sat
from data.demo.make import FIRST_HEIGHT, HEADERS_FILE, HERE, write_all

FILES = ("coinbase_totals.csv", "btc_usdc_prices.csv", "pool_reports.csv")


def rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_the_committed_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    write_all(tmp_path)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes(), name


def test_every_file_says_in_its_first_line_that_it_is_synthetic() -> None:
    for name in FILES:
        assert (HERE / name).read_text().startswith("# SYNTHETIC"), name


def test_totals_cover_every_header_with_the_real_subsidy() -> None:
    totals = rows("coinbase_totals.csv")
    assert len(totals) == HEADERS_FILE.stat().st_size // 80
    for index, row in enumerate(totals):
        assert int(row["height"]) == FIRST_HEIGHT + index
        assert int(row["subsidy_sat"]) == subsidy_sat(FIRST_HEIGHT + index)
        assert int(row["coinbase_total_sat"]) == int(row["subsidy_sat"]) + int(row["fees_sat"])
        assert 5_000_000 < int(row["fees_sat"]) < 200_000_000


def test_prices_are_hourly_from_before_the_demo_and_reach_beyond_the_headers() -> None:
    prices = rows("btc_usdc_prices.csv")
    times = [int(row["time_s"]) for row in prices]
    assert times == list(range(1_703_030_400, 1_703_030_400 + 3_600 * 2_400, 3_600))
    values = [int(row["price_micro_usdc"]) for row in prices]
    assert values[0] == 43_000_000_000
    assert all(30_000_000_000 < value < 60_000_000_000 and value % 10_000 == 0 for value in values)
    assert all(abs(b - a) * 100 <= a for a, b in pairwise(values)), "no hour moves more than 1 %"


def test_pool_reports_name_real_blocks_about_one_in_six() -> None:
    headers = HEADERS_FILE.read_bytes()
    reports = rows("pool_reports.csv")
    assert reports[0]["height"] == str(FIRST_HEIGHT + 1), "demo users see a dividend soon"
    for row in reports:
        start = (int(row["height"]) - FIRST_HEIGHT) * 80
        assert header_hash(headers[start : start + 80]).hex() == row["block_hash"]
        assert row["tranche"] == "TH1A"
        assert 98_000_000 <= int(row["pool_hashrate_ths"]) <= 102_000_000
    share = len(headers) // 80 / len(reports)
    assert 5.5 < share < 6.5


def test_a_thousand_demo_tokens_earn_a_few_thousand_satoshi_per_block_found() -> None:
    report, total = rows("pool_reports.csv")[0], rows("coinbase_totals.csv")[1]
    amount_msat = dividend_msat(
        reward_msat=int(total["coinbase_total_sat"]) * 1_000,
        supply_units=1_000 * 1_000,
        pool_units=int(report["pool_hashrate_ths"]) * 1_000,
        fee_ppm=30_000,
    )
    assert 5_000_000 < amount_msat < 8_000_000
