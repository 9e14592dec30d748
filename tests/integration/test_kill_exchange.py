"""Goal: with the real exchange, kill -9 of core and follower under load loses and doubles nothing, and live state,
replay and snapshots agree. Method: real processes, a small market, a client that trades against itself over two
accounts and remembers every acknowledgement; then an audit of the journal by a replay of its own."""

import random
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain import commands, reads
from domain.constants import BUY, COMMAND_NEW_ORDER, SELL
from domain.events import CommandApplied, decode_events
from domain.limits import Limits
from runtime.audit import verify_lines
from runtime.config import Config, SnapshotConfig
from runtime.disk import Disk
from runtime.engine import decode_genesis, exchange_engine
from runtime.exits import EXIT_CLEAN
from runtime.history_queries import HistoryQueries
from runtime.journal_reader import JournalCursor, read_genesis
from runtime.link_frames import READ_ID, FrameType
from tests.integration.core_harness import PATIENCE_S, Child, LinkUser, small_config, wait_until_listening
from tests.support.venue import BTC, CENT, TOKEN, USDC, forward, token_spot

CORE, FOLLOWER = "runtime.core_process", "runtime.follower_process"
ALICE, BOB = 16, 17
BATCH = 10
WINDOW = 10  # batches under way
LEAST_RATE = 2_000  # acknowledged orders per second at the moment of the kill
LIMITS = Limits(
    accounts_max=64, instruments_max=8, orders_max=8_192, orders_per_account_max=4_000, positions_max=256,
    pages_max=4_096, timeline_entries_max=65_536,
)  # fmt: skip


def opening() -> bytes:
    """A market in one token and one forward, two funded members."""
    told: list[commands.ColdCommand] = [
        commands.CreateAsset("BTC", BTC, "cash"),
        commands.CreateAsset("USDC", USDC, "cash"),
        commands.CreateAsset("TH1A", TOKEN, "token"),
        commands.SetRule(1, "hashrate_investor", ("kyc",), ()),
        commands.SetScenarios(1, {"USDC": 280_000, "BTC": 144_000}, 0),
        commands.ListInstrument(token_spot(0, rule_id=1, taker_ppm=500), 1_000),
        commands.ListInstrument(forward(1, "HPU_USDC-31JAN24", rule_id=1, taker_ppm=200), 5_000, 5_000),
    ]
    for account, name in ((ALICE, "alice"), (BOB, "bob")):
        told += [
            commands.OpenAccount(name),
            commands.SetIdentity(account, "CH", (commands.Claim("kyc", 2**62),)),
            commands.Deposit(account, "BTC", 1_000 * BTC, f"{name}-btc"),
            commands.Deposit(account, "USDC", 10**8 * 100 * CENT, f"{name}-usdc"),
            commands.Deposit(account, "TH1A", 10**6 * TOKEN, f"{name}-th"),
        ]
    return b"".join(commands.cold(command, request=number + 1) for number, command in enumerate(told))


def some_order(choose: random.Random, request: int) -> bytes:
    """Orders that trade, rest, are cancelled, and sometimes are refused."""
    kind = choose.random()
    account = choose.choice((ALICE, BOB))
    if kind < 0.02:
        return commands.cancel_all(account=account, request=request)
    if kind < 0.2:
        return commands.cancel_order(account=account, order_id=choose.randrange(1, 50_000), request=request)
    instrument = choose.randrange(2)
    return commands.new_order(
        account=account,
        instrument=instrument,
        side=choose.choice((BUY, SELL)),
        price_ticks=(1_000, 5_000)[instrument] + choose.randrange(-8, 9),
        quantity_lots=choose.randrange(1, 9),
        time_in_force=choose.choice((0, 0, 1)),
        label=b"kill test",
        request=request,
    )


class Trader:
    """Keeps a window of orders under way and remembers what was acknowledged."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.sent = 1_000
        self.acknowledged: dict[int, CommandApplied] = {}

    def trade_until_killed(self, config: Config, core: Child, kill_after_s: float) -> int:
        """Orders acknowledged in this life of the core."""
        link = LinkUser(config.core_socket, "probe")
        killer = threading.Timer(kill_after_s, core.process.kill)
        first, seen = self.sent, 0
        killer.start()
        try:
            while True:
                while self.sent - first - seen < BATCH * WINDOW:
                    orders = [some_order(self.choose, self.sent + number) for number in range(BATCH)]
                    link.send(FrameType.COMMANDS, b"".join(orders))
                    self.sent += BATCH
                for event in link.receive_applied():
                    if event.request >= first:
                        self.acknowledged[event.request] = event
                        seen += 1
        except ConnectionError:
            return seen
        finally:
            killer.join()
            core.process.wait(PATIENCE_S)
            link.close()


def live_digest(config: Config) -> reads.DigestAnswer:
    link = LinkUser(config.core_socket, "probe")
    link.send(FrameType.READ, READ_ID.pack(1) + reads.encode(reads.ReadDigest()))
    answer = reads.decode_answer(link.receive_type(FrameType.READ_REPLY)[READ_ID.size :])
    link.close()
    assert isinstance(answer, reads.DigestAnswer)
    return answer


def audit(config: Config, trader: Trader, live: reads.DigestAnswer) -> None:
    """Replay from the first command: same state as live, every acknowledgement once and with the same outcome."""
    genesis = decode_genesis(read_genesis(config.journal_folder, Disk()))
    machine = exchange_engine().create(genesis.limits)
    found: dict[int, CommandApplied] = {}
    fills = orders = 0
    for group in JournalCursor(config.journal_folder, Disk()).groups():
        for event in decode_events(machine.apply(group.records)):
            if isinstance(event, CommandApplied) and event.request >= 1_000:
                assert event.request not in found, f"request {event.request} was applied twice"
                found[event.request] = event
                orders += event.command_kind == COMMAND_NEW_ORDER and event.code == 0
            fills += type(event).__name__ == "Trade"
    lost = {request for request, event in trader.acknowledged.items() if found.get(request) != event}
    assert not lost, f"{len(lost)} acknowledged commands are missing or different: {sorted(lost)[:5]}"
    assert (live.sequence, live.digest) == (machine.sequence, machine.digest())
    machine.check_invariants()
    print(f"{len(trader.acknowledged)} acknowledged, {orders} orders accepted, {fills} trades")
    assert fills > 100


def run_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    config = small_config(tmp_path, limits=LIMITS, snapshots=SnapshotConfig(every_commands=3_000, every_s=3_600))
    trader = Trader(seed)
    with ExitStack() as stack:
        core = stack.enter_context(Child(tmp_path, CORE))
        wait_until_listening(core, config)
        link = LinkUser(config.core_socket, "probe")
        link.send(FrameType.COMMANDS, opening())
        applied = link.receive_applied()
        assert {0} == {event.code for event in applied}, applied
        link.close()
        follower = stack.enter_context(Child(tmp_path, FOLLOWER))
        for number in range(rounds):
            kill_after_s = trader.choose.uniform(0.1, 0.5)
            seen = trader.trade_until_killed(config, core, kill_after_s)
            rate = seen / kill_after_s
            print(f"round {number}: killed after {kill_after_s:.3f} s at {rate:.0f} acknowledged/s")
            assert rate >= LEAST_RATE, f"no load at the kill (seed {seed})"
            if trader.choose.random() < 0.3:
                follower.kill()
                follower = stack.enter_context(Child(tmp_path, FOLLOWER))
            core = stack.enter_context(Child(tmp_path, CORE))
            wait_until_listening(core, config)
        live = live_digest(config)
        assert live.invariants == "ok"
        deadline = time.monotonic() + PATIENCE_S
        while HistoryQueries(config.history_path).progress() < live.sequence:
            assert follower.process.poll() is None, follower.log_text()
            assert time.monotonic() < deadline, follower.log_text()
            time.sleep(0.05)
        assert EXIT_CLEAN == follower.stop(), follower.log_text()
        assert EXIT_CLEAN == core.stop(), core.log_text()
    audit(config, trader, live)
    lines = list(verify_lines(config, exchange_engine()))
    assert any(line.startswith("ok snapshot") for line in lines), lines


def test_kills_of_the_real_exchange_lose_and_double_nothing(tmp_path: Path) -> None:
    run_rounds(tmp_path, rounds=5, seed=time.time_ns() % 100_000)


@pytest.mark.slow
def test_fifty_kills_of_the_real_exchange_lose_and_double_nothing(tmp_path: Path) -> None:
    run_rounds(tmp_path, rounds=50, seed=time.time_ns() % 100_000)
