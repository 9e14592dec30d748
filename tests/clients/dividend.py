"""Step 4: a dividend goes to the holder of record at the block's time, although the tokens were sold before the block
was seen.

Lives here: which block comes next and when (from the bundled chain and the synthetic pool reports), the sale in
between, what both accounts must be told, and a second writing of the dividend formula.
Does not know: the venue's code. The constants are the demo market's.
"""

import asyncio
import csv
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients.checks import StepFailed, check, equal, ok
from tests.clients.exact import units
from tests.clients.trader import Trader, meet

DATA = Path(__file__).resolve().parents[2] / "data"
HEADERS = DATA / "bitcoin" / "btc_headers_822528_830592.bin"
FIRST_HEIGHT = 822_528
HEADER_BYTES = 80
SEEN_DELAY_S = 300
EARLY_MS = 30_000  # exchange time between now and the header's time, at least
MSAT_PER_SAT = 1_000
DEMO_TOKENS = 105_000 * 1_000  # issued: 100,000 TH/s to the market maker and 1,000 to each of five accounts, in units
FEE_PPM = 30_000  # what the pool keeps
PPM = 10**6
SOLD_LOTS = 13
TOKEN = "TH1A/BTC"
WAIT_S = 600.0


class Block(NamedTuple):
    """A block of the tranche's pool on the bundled chain."""

    height: int
    hash: str
    header_s: int
    seen_s: int
    reward_sat: int
    pool_ths: int


async def run(seller: Trader, buyer: Trader) -> None:
    """Wait for the next reported block, sell between its header time and the moment it is seen, then look."""
    blocks = reported_blocks()
    for _ in range(3):
        block = next_block(blocks, await seller.exchange_ms())
        held = {trader.name: (await trader.balances())["TH1A"] for trader in (seller, buyer)}
        announced = {trader.name: await pending(trader) for trader in (seller, buyer)}
        ok("next block of the pool", f"{block.height}, header time {block.header_s}, seen at {block.seen_s}")
        await reach(seller, block.header_s * 1_000)
        trade = await meet(seller, buyer, TOKEN, "sell", SOLD_LOTS)
        if block.header_s * 1_000 < trade["timestamp"] < block.seen_s * 1_000:
            break
    else:
        raise StepFailed("no sale fell between a header's time and the block's arrival")
    gap_s = (trade["timestamp"] - block.header_s * 1_000) / 1_000
    ok("sold before the block was seen", f"{SOLD_LOTS} tokens, {gap_s:.0f} exchange seconds after the header time")
    total = 0
    for trader in (seller, buyer):
        total += await look(trader, block, held[trader.name], announced[trader.name])
    moved = (await seller.balances())["TH1A"] - held[seller.name]
    equal(-SOLD_LOTS * 1_000, moved, "tokens that left the seller")
    ok("holder of record", f"{seller.name} is paid for the tokens sold, {total} msat to both")


async def look(trader: Trader, block: Block, held_units: int, announced_before: Counter[str]) -> int:
    """The dividend in the trader's list: times, quantity, amount, state; its amount in msat."""
    row = await wait_for_row(trader, block)
    equal("pending", row["state"], "state of a dividend with one confirmation")
    equal((block.height, block.header_s * 1_000), (row["block_height"], row["record_timestamp"]), "height, record time")
    equal(block.seen_s * 1_000, row["seen_timestamp"], "time when the block was seen")
    equal(held_units, units(row["quantity"], "TH1A"), f"units that {trader.name} held at the record time")
    amount = units(row["amount"], "BTC")
    pot = pot_msat(block)
    share, rest = divmod(pot * held_units, DEMO_TOKENS)
    check(amount - share in (0, bool(rest)), f"share of {trader.name}: {amount}, not {share} or one more")
    announced = await pending(trader)
    new = {d["block_hash"] for d in await trader.dividends() if d["block_hash"] not in announced_before}
    check(block.hash in new, "the dividend is new")
    summaries = (await trader.ex.fetch_balance())["info"]["summaries"]
    shown = {entry["currency"]: units(entry["x_pending"], entry["currency"]) for entry in summaries}
    equal(sum(announced.values()), shown["BTC"], f"announced BTC of {trader.name} in the balance and in the list")
    ok(f"x/get_dividends {trader.name}", f"{row['quantity']} TH/s at {row['record_timestamp']}: {amount} msat pending")
    return amount


async def pending(trader: Trader) -> Counter[str]:
    """Announced amounts in msat by block hash."""
    rows = await trader.dividends()
    return Counter({row["block_hash"]: units(row["amount"], "BTC") for row in rows if row["state"] == "pending"})


async def wait_for_row(trader: Trader, block: Block) -> dict[str, Any]:
    """The block's dividend, once it is announced."""
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        for row in await trader.dividends():
            if row["block_hash"] == block.hash:
                return row
        check(asyncio.get_running_loop().time() < deadline, f"no dividend of block {block.height} for {trader.name}")
        await asyncio.sleep(0.2)


async def reach(trader: Trader, time_ms: int) -> None:
    """Wait until something has happened on the exchange after a moment."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while await trader.exchange_ms() <= time_ms:
        check(asyncio.get_running_loop().time() < deadline, f"exchange time does not reach {time_ms}")
        await asyncio.sleep(0.1)


def pot_msat(block: Block) -> int:
    """The tranche's part of a block."""
    return block.reward_sat * MSAT_PER_SAT * DEMO_TOKENS * (PPM - FEE_PPM) // (block.pool_ths * 1_000 * PPM)


def next_block(blocks: list[Block], now_ms: int) -> Block:
    """The first block whose header time is still to come."""
    for block in blocks:
        if block.header_s * 1_000 > now_ms + EARLY_MS:
            return block
    raise StepFailed("the bundled chain has no further block of the pool")


def reported_blocks() -> list[Block]:
    """Blocks of the pool whose header time is later than all before it, by height."""
    data = HEADERS.read_bytes()
    with (DATA / "demo" / "coinbase_totals.csv").open(encoding="ascii", newline="") as file:
        rewards = {int(r["height"]): int(r["coinbase_total_sat"]) for r in _rows(file)}
    with (DATA / "demo" / "pool_reports.csv").open(encoding="ascii", newline="") as file:
        reports = {r["block_hash"]: int(r["pool_hashrate_ths"]) for r in _rows(file) if r["tranche"] == "TH1A"}
    found: list[Block] = []
    latest_s = seen_s = 0
    for index in range(len(data) // HEADER_BYTES):
        header = data[index * HEADER_BYTES : (index + 1) * HEADER_BYTES]
        height = FIRST_HEIGHT + index
        time_s = int.from_bytes(header[68:72], "little")
        block_hash = hashlib.sha256(hashlib.sha256(header).digest()).digest()[::-1].hex()
        seen_s = max(seen_s, time_s + SEEN_DELAY_S)
        if block_hash in reports and time_s > latest_s:
            found.append(Block(height, block_hash, time_s, seen_s, rewards[height], reports[block_hash]))
        latest_s = max(latest_s, time_s)
    return found


def _rows(file: Any) -> Any:
    return csv.DictReader(line for line in file if not line.startswith("#"))
