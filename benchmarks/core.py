"""The sequenced core against the bare-C floor on the same order mix, in one run, on one core.

    python -m benchmarks.core [--reps N] [--group N]

Lives here: the s10k stream turned into command records over 1,000 funded, whitelisted accounts, and the timed loop.
Does not know: how a command is applied.

What is on: validation, eligibility, initial margin and fees of every order, positions and ledger of every fill, events
of everything, stamping of sequence and time. What is left out: journal, sockets, gateway. The records are built
before the clock starts; a replace is two commands, as the stream defines it. The trades must be those of the floor.
"""

import argparse
import struct
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import tools
from benchmarks.matching import TIMED, TINY_TIMED, ensure_stream
from domain import commands, wire
from domain.book_rules import BookRules
from domain.constants import BUY, EVENT_COMMAND, EVENT_TRADE, FIRST_CLIENT_ACCOUNT, STP_NONE
from domain.instruments import DAY_NS, KIND_FORWARD, Instrument
from domain.limits import Limits
from domain.rejects import RejectCode
from exchange.record import stamp_records
from exchange.state_machine import StateMachine

RATE_GOAL = 500_000  # commands a second on one core, at this stage
ACCOUNTS = 1_000
FUNDS_MICRO_USDC = 10**15  # each; margin is computed for every order and never short
FEE_MONEY_MICRO_USDC = 10**8  # pays the fee of one lot, not its margin
START_NS = 1_704_067_200 * 10**9  # 2024-01-01
GROUP_COMMANDS = 256  # about what the sequencer finds waiting under load
POOR, UNKNOWN = FIRST_CLIENT_ACCOUNT + ACCOUNTS, FIRST_CLIENT_ACCOUNT + ACCOUNTS + 1
STREAM_HEADER = struct.Struct("<4s7I")
STREAM_RECORD = struct.Struct("<BBHIIiII")
ADD, CANCEL, REPLACE = 1, 2, 3
HASH_MASK = (1 << 64) - 1


class Workload(NamedTuple):
    """Unstamped records: what sets the venue up, what fills the book, what is timed."""

    setup: list[bytes]
    controls: list[tuple[bytes, RejectCode]]  # orders that must be refused: they prove that the checks are on
    prefill: list[bytes]
    timed: list[bytes]
    stream_id_of_order: dict[int, int]  # order id (= sequence) -> id in the stream


def set_up_commands() -> list[bytes]:
    """One forward on hashprice in USDC, a whitelist rule, and the accounts with identity and money."""
    forward = Instrument(
        instrument_id=0,
        name="HPU_USDC-31JAN24",
        kind=KIND_FORWARD,
        base="HPU",
        quote="USDC",
        tick_price=10**6,
        lot_amount=31 * 10**8,
        tick_value=31 * 10_000,
        lot_units=0,
        rules=BookRules(band_high_ticks=200_000),
        taker_fee_ppm=300,
        maker_fee_ppm=100,
        rule_id=1,
        created_ns=START_NS,
        expiry_ns=START_NS + 30 * DAY_NS,
        delivery_from_ns=START_NS,
        delivery_days=31,
        position_lots_max=1_000_000,
    )
    cold = [
        commands.CreateAsset(name="USDC", scale=10**6, kind="cash"),
        commands.CreateAsset(name="BTC", scale=10**11, kind="cash"),
        commands.SetRule(rule_id=1, name="professional_investor", requires=("professional",)),
        commands.SetScenarios(version=1, rates_ppm={"USDC": 280_000, "BTC": 144_000}),
        commands.ListInstrument(instrument=forward, mark_ticks=100_000, index_ticks=100_000),
    ]
    claim = commands.Claim(topic="professional", expires_ns=START_NS + 365 * DAY_NS)
    for number in range(ACCOUNTS):
        account = FIRST_CLIENT_ACCOUNT + number
        cold += [
            commands.OpenAccount(name=f"trader-{number}"),
            commands.SetIdentity(account=account, country="CH", claims=(claim,)),
            commands.Deposit(account=account, asset="USDC", amount=FUNDS_MICRO_USDC, external_id=f"fund-{number}"),
        ]
    cold += [
        commands.OpenAccount(name="whitelisted, poor"),
        commands.SetIdentity(account=POOR, country="CH", claims=(claim,)),
        commands.Deposit(account=POOR, asset="USDC", amount=FEE_MONEY_MICRO_USDC, external_id="fund-poor"),
        commands.OpenAccount(name="funded, unknown"),
        commands.Deposit(account=UNKNOWN, asset="USDC", amount=FUNDS_MICRO_USDC, external_id="fund-unknown"),
    ]
    return [commands.cold(command) for command in cold]


def control_orders() -> list[tuple[bytes, RejectCode]]:
    """Orders that eligibility and margin must refuse."""
    return [
        (commands.new_order(account=account, instrument=0, side=BUY, price_ticks=100_000, quantity_lots=1), code)
        for account, code in ((POOR, RejectCode.INSUFFICIENT_MARGIN), (UNKNOWN, RejectCode.NOT_ELIGIBLE))
    ]


def account_of(stream_id: int) -> int:
    """The account an order belongs to: spread evenly and without order."""
    return FIRST_CLIENT_ACCOUNT + (stream_id * 2_654_435_761 >> 7) % ACCOUNTS


def build_workload(stream: bytes) -> Workload:
    """Turn a stream into records. An order's id is the sequence its record will get, so cancels can name it."""
    setup, controls = set_up_commands(), control_orders()
    prefill_count = STREAM_HEADER.unpack_from(stream)[2]
    order_of: dict[int, tuple[int, int]] = {}  # stream id -> (order id, account)
    stream_id_of_order: dict[int, int] = {}
    prefill: list[bytes] = []
    timed: list[bytes] = []
    sequence = len(setup) + len(controls)
    for index, (kind, side, _, stream_id, new_id, price, lots, _) in enumerate(
        STREAM_RECORD.iter_unpack(memoryview(stream)[STREAM_HEADER.size :])
    ):
        target = prefill if index < prefill_count else timed
        if kind != ADD:
            order_id, account = order_of[stream_id]
            target.append(commands.cancel_order(account=account, order_id=order_id, request=index))
            sequence += 1
        if kind != CANCEL:
            added = stream_id if kind == ADD else new_id
            account = account_of(added)
            sequence += 1
            order_of[added] = (sequence, account)
            stream_id_of_order[sequence] = added
            target.append(
                commands.new_order(
                    account=account,
                    instrument=0,
                    side=side,
                    price_ticks=price,
                    quantity_lots=lots,
                    stp=STP_NONE,
                    request=index,
                )
            )
    return Workload(setup, controls, prefill, timed, stream_id_of_order)


def batches(records: list[bytes], group: int) -> list[bytearray]:
    """Records joined into groups, as the links deliver them."""
    return [bytearray(b"".join(records[at : at + group])) for at in range(0, len(records), group)]


class Run(NamedTuple):
    """One pass over the workload."""

    seconds: float
    machine: StateMachine
    events: list[bytes]


def run_once(workload: Workload, group: int, *, keep_events: bool = False) -> Run:
    """Set a venue up, fill its book, then stamp and apply the timed groups against the clock."""
    machine = StateMachine.create(Limits())
    sequence, now_ns = 1, START_NS
    for batch in batches(workload.setup, group):
        sequence += stamp_records(batch, sequence, now_ns)
        check_applied(machine.apply(batch))
    for record, code in workload.controls:
        batch = bytearray(record)
        sequence += stamp_records(batch, sequence, now_ns)
        check_applied(machine.apply(batch), expected=code)
    for batch in batches(workload.prefill, group):
        sequence += stamp_records(batch, sequence, now_ns)
        check_applied(machine.apply(batch))
    timed = batches(workload.timed, group)
    events: list[bytes] = []
    start = time.perf_counter()
    for batch in timed:
        now_ns += 100_000
        sequence += stamp_records(batch, sequence, now_ns)
        out = machine.apply(batch)
        if keep_events:
            events.append(out)
    return Run(time.perf_counter() - start, machine, events)


def frames(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Kind and bytes of each event frame."""
    for frame in wire.split_records(data):
        yield wire.EVENT_HEADER.unpack_from(frame)[1], frame


def check_applied(events: bytes, expected: int = RejectCode.DONE) -> None:
    """Every command ended with this code; exits with the first that did not."""
    for kind, frame in frames(events):
        if kind == EVENT_COMMAND:
            _, _, _, sequence, _, _, _, _, command_kind, _, code, detail, value = wire.COMMAND_EVENT.unpack_from(frame)
            if code != expected:
                sys.exit(
                    f"error: command {sequence} of kind {command_kind} ended with code {code} "
                    f"({detail}, {value}) instead of {expected}"
                )


def prove(run: Run, workload: Workload) -> tuple[str, int]:
    """The trades of a run as the floor prints them, with the stream's own ids, and the bytes of all events."""
    count = lots_sum = notional = digest = event_bytes = 0
    ids = workload.stream_id_of_order
    for data in run.events:
        event_bytes += len(data)
        check_applied(data)
        for kind, frame in frames(data):
            if kind == EVENT_TRADE:
                fields = wire.TRADE_EVENT.unpack_from(frame)
                maker, taker, price, lots = ids[fields[9]], ids[fields[10]], fields[13], fields[14]
                count, lots_sum, notional = count + 1, lots_sum + lots, notional + price * lots
                digest = (digest * 1099511628211 + taker * 1000003 + maker * 10007 + lots * 101 + price) & HASH_MASK
    return f"trades={count} tqty={lots_sum} notional={notional} thash={digest:016x}", event_bytes


def main() -> int:
    """Print CORE and floor lines; 0 if the trades are the floor's and every run ends in one digest, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.core", description=__doc__)
    parser.add_argument("--reps", type=int, default=1 if tools.TINY else 5)
    parser.add_argument("--group", type=int, default=GROUP_COMMANDS, help="commands applied together")
    arguments = parser.parse_args()
    if arguments.reps < 1 or arguments.group < 1:
        parser.error("--reps and --group must be at least 1")

    print(f"== core: sequenced commands on the s10k mix, {ACCOUNTS:,} accounts, {tools.pin_to_one_core()}")
    print(tools.describe_machine())
    path = ensure_stream("s10k", TINY_TIMED if tools.TINY else TIMED)
    workload = build_workload(path.read_bytes())
    first = run_once(workload, arguments.group, keep_events=True)
    proof, event_bytes = prove(first, workload)
    first.machine.check_invariants()
    digest = first.machine.digest()
    del first

    count = len(workload.timed)
    seconds, floors, wrong = [], [], []
    for _ in range(arguments.reps):
        floors.append(tools.parse_result(tools.run_program("floor_hashed", str(path), "3")))
        run = run_once(workload, arguments.group)
        seconds.append(run.seconds)
        if run.machine.digest() != digest:
            wrong.append("two runs over the same records end in different states")
    seconds.sort()
    best_ns, median_ns = seconds[0] * 1e9 / count, seconds[len(seconds) // 2] * 1e9 / count
    floor_ns = min(floor.min_ns for floor in floors)
    print(
        f"CORE   {path.stem} commands={count} group={arguments.group} reps={arguments.reps} min={best_ns:.1f} "
        f"med={median_ns:.1f} ns/command rate={1e9 / best_ns:,.0f} commands/s events={event_bytes / count:.0f} "
        f"bytes/command digest={digest} | {proof}"
    )
    print(f"FLOOR  {floors[0].engine} {path.stem} min={floor_ns:.1f} ns/op rate={1e9 / floor_ns:,.0f} ops/s")
    print(f"RATIO  core / hashed floor = {best_ns / floor_ns:.1f} (a replace is one op there and two commands here)")
    if tools.TINY:
        print("tiny run: it shows that everything works, not how fast it is")
    else:
        verdict = "met" if 1e9 / best_ns >= RATE_GOAL else "MISSED"
        print(f"GOAL   core >= {RATE_GOAL:,} commands/s on one core: {verdict} ({1e9 / best_ns:,.0f})")
    if not floors[0].proof.startswith(proof + " "):
        wrong.append(f"the trades are not the floor's: {proof} instead of {floors[0].proof}")
    for fault in wrong:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
