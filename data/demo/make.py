"""Writes the synthetic files of the demo market: `python -m data.demo.make [DIRECTORY]`.

Lives here: the formulas. Integers and one fixed generator (splitmix64), so that every machine writes the same bytes.
Does not know: the exchange; only the subsidy rule and the real headers' hashes come from outside.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clearing.headers import HEADER_BYTES, header_hash, subsidy_sat

HERE: Final = Path(__file__).resolve().parent
HEADERS_FILE: Final = HERE.parent / "bitcoin" / "btc_headers_822528_830592.bin"
FIRST_HEIGHT: Final = 822_528
NOTE: Final = "# SYNTHETIC demo data, made by data/demo/make.py; not a record of anything real.\n"

FEE_FLOOR_SAT: Final = 10_000_000
FEE_CEILING_SAT: Final = 150_000_000
PRICE_FIRST_TIME_S: Final = 1_703_030_400  # 2023-12-20 00:00 UTC
PRICE_HOURS: Final = 100 * 24
PRICE_START_MICRO_USDC: Final = 43_000_000_000
PRICE_ANCHOR_MICRO_USDC: Final = 45_000_000_000
POOL_THS: Final = 100_000_000  # 100 EH/s
TRANCHE: Final = "TH1A"


class SplitMix64:
    """Deterministic integers from a seed (Steele, Lea, Flood 2014). Not for secrets."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, bound: int) -> int:
        """A number in [0, bound); the modulo bias below 2^-40 does not matter for a demo."""
        self._state = (self._state + 0x9E3779B97F4A7C15) % 2**64
        mixed = self._state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        return (mixed ^ mixed >> 31) % bound


def coinbase_totals(count: int) -> Iterator[str]:
    """Subsidy by rule, fees around a level that wanders between floor and ceiling."""
    yield NOTE + "height,subsidy_sat,fees_sat,coinbase_total_sat\n"
    random = SplitMix64(822_528)
    level_sat = 80_000_000
    for height in range(FIRST_HEIGHT, FIRST_HEIGHT + count):
        level_sat += (random.below(2_001) - 1_000) * level_sat // 50_000  # at most 2 % per block
        level_sat = min(max(level_sat, FEE_FLOOR_SAT), FEE_CEILING_SAT)
        fees_sat = level_sat * (70 + random.below(61)) // 100 + random.below(100_000)
        subsidy = subsidy_sat(height)
        yield f"{height},{subsidy},{fees_sat},{subsidy + fees_sat}\n"


def prices() -> Iterator[str]:
    """An hourly walk, rounded to a cent."""
    yield NOTE + "time_s,price_micro_usdc\n"
    random = SplitMix64(21_000_000)
    price = PRICE_START_MICRO_USDC
    for hour in range(PRICE_HOURS):
        yield f"{PRICE_FIRST_TIME_S + 3_600 * hour},{price // 10_000 * 10_000}\n"
        step_ppm = random.below(12_001) - 6_000
        price += price * step_ppm // 1_000_000 + (PRICE_ANCHOR_MICRO_USDC - price) // 500


def pool_reports(headers: bytes) -> Iterator[str]:
    """Which blocks the demo tranche's pool is said to have found: the second of the file, then about one in six."""
    yield NOTE + "height,block_hash,tranche,pool_hashrate_ths\n"
    random = SplitMix64(100_000)
    for index in range(1, len(headers) // HEADER_BYTES):
        found = random.below(6) == 0
        pool_ths = POOL_THS + (random.below(4_001) - 2_000) * 1_000  # within 2 %
        if found or index == 1:
            header = headers[index * HEADER_BYTES : (index + 1) * HEADER_BYTES]
            yield f"{FIRST_HEIGHT + index},{header_hash(header).hex()},{TRANCHE},{pool_ths}\n"


def write_all(directory: Path) -> None:
    """Write the three files into a directory."""
    headers = HEADERS_FILE.read_bytes()
    files = {
        "coinbase_totals.csv": coinbase_totals(len(headers) // HEADER_BYTES),
        "btc_usdc_prices.csv": prices(),
        "pool_reports.csv": pool_reports(headers),
    }
    for name, lines in files.items():
        (directory / name).write_text("".join(lines), encoding="ascii")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
