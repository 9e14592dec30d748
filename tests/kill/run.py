"""kill -9 of the core at random moments while clients trade over websockets; then an audit of every acknowledgement.

    python -m tests.kill.run [--kills 50] [--seed S]

Lives here: the traders, the kills, the audit. Does not know: how a venue is started (venue.py).
What is proved: each acknowledged order stands once in the journal, none twice; resting ones are in the book, ended ones
(a sample) in the history as told; the live state's digest equals that of a full replay; every law holds, so sums are
zero.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from domain import reads, wire
from domain.constants import COMMAND_NEW_ORDER, FIRST_CLIENT_ACCOUNT
from domain.events import OrderState, decode_events
from exchange.state_machine import StateMachine
from hashbook import Client, ConnectionLost, Credentials, HashbookError, OutcomeUnknown, RequestTimeout
from hashbook.session import SessionOptions
from runtime.disk import Disk
from runtime.engine import decode_genesis
from runtime.journal_reader import JournalCursor, read_genesis
from tests.kill.venue import CORE, KillableVenue

LEAST_RATE = 2_000  # acknowledged orders per second when the kill comes
IN_FLIGHT = 24  # requests per session
RESTING_SHARE = 0.03
ASKED_IN_HISTORY = 100  # ended orders, asked one by one
INSTRUMENT_ID = 0  # TH1A_BTC
BACK_WITHIN_S = 30.0
LABEL_OFFSET = wire.NEW_ORDER.size


class Book:
    """What clients were told."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.acknowledged: dict[str, tuple[int, str, int]] = {}  # label -> (order id, state, client)
        self.unknown = 0
        self.asked = 0

    async def trade(self, client: Client, number: int, stop: asyncio.Event) -> None:
        """One order after the other until told to stop; every answer is remembered."""
        while not stop.is_set():
            self.asked += 1
            label = f"c{number}-{self.asked}"
            resting = self.choose.random() < RESTING_SHARE
            try:
                done = await client.buy(
                    "TH1A_BTC",
                    1,
                    Decimal("0.00000100"),
                    label=label,
                    time_in_force="good_til_cancelled" if resting else "immediate_or_cancel",
                )
            except (OutcomeUnknown, ConnectionLost, RequestTimeout):
                self.unknown += 1
                await asyncio.sleep(0.02)
            except HashbookError as refused:
                if refused.code != 11051:  # the core is away: told to come again
                    raise
                await asyncio.sleep(0.02)
            else:
                order_id = int(done.order.order_id.rpartition("-")[2])
                self.acknowledged[label] = (order_id, done.order.order_state, number)


async def one_life(venue: KillableVenue, clients: list[Client], book: Book) -> float:
    """Trade, kill at a random moment under load, start again. Returns acknowledged orders per second at the kill."""
    stop = asyncio.Event()
    traders = [
        asyncio.create_task(book.trade(client, number, stop))
        for number, client in enumerate(clients)
        for _ in range(IN_FLIGHT)
    ]
    await asyncio.sleep(0.3)
    before, started = len(book.acknowledged), time.monotonic()
    await asyncio.sleep(0.3 + book.choose.random())
    rate = (len(book.acknowledged) - before) / (time.monotonic() - started)
    await asyncio.to_thread(venue.kill, CORE)
    await asyncio.to_thread(venue.start, CORE)
    stop.set()
    await asyncio.gather(*traders)
    for client in clients:
        await until_answered(client)
    return rate


async def until_answered(client: Client) -> None:
    """Until the venue answers this client again, at most half a minute."""
    deadline = time.monotonic() + BACK_WITHIN_S
    while True:
        try:
            await client.wait_ready(timeout_s=BACK_WITHIN_S)
            await client.get_open_orders("TH1A_BTC")
            return
        except (HashbookError, ConnectionLost, RequestTimeout):
            assert time.monotonic() < deadline, "the venue did not come back"
            await asyncio.sleep(0.02)


def audit_journal(venue: KillableVenue, book: Book, live: reads.DigestAnswer) -> str:
    """Replay everything from the first command; the digest at the live answer's sequence."""
    disk = Disk()
    genesis = decode_genesis(read_genesis(venue.config.journal_folder, disk))
    machine, digest = StateMachine.create(genesis.limits), ""
    labels: dict[str, list[int]] = {}
    for group in JournalCursor(venue.config.journal_folder, disk).groups():
        for record in wire.split_records(group.records):
            if wire.EVENT_HEADER.unpack_from(record)[1] == COMMAND_NEW_ORDER:
                fields = wire.NEW_ORDER.unpack_from(record)
                label = bytes(record[LABEL_OFFSET : LABEL_OFFSET + fields[-1]]).decode()
                labels.setdefault(label, []).append(fields[3])
        machine.apply(group.records)
        if machine.sequence == live.sequence:
            digest = machine.digest()
    machine.check_invariants()
    for label, (order_id, _, _) in book.acknowledged.items():
        assert labels.get(label) == [order_id], f"{label}: acknowledged as {order_id}, journaled as {labels.get(label)}"
    assert all(len(sequences) == 1 for sequences in labels.values()), "no order stands in the journal twice"
    return digest


def resting_ids(venue: KillableVenue, accounts: int) -> set[int]:
    """Order ids in the book."""
    found: set[int] = set()
    for offset in range(accounts):
        answer = venue.ask(reads.ReadOpenOrders(FIRST_CLIENT_ACCOUNT + 1 + offset))
        assert isinstance(answer, reads.OrdersAnswer)
        found |= {event.order_id for event in decode_events(answer.frames) if isinstance(event, OrderState)}
    return found


async def run(kills: int, seed: int, home: Path) -> None:
    """All lives, then the audit. Raises AssertionError at the first thing that is not as promised."""
    book = Book(seed)
    with KillableVenue(home) as venue:
        options = SessionOptions(backoff_max_s=0.5)
        clients = [Client(venue.url, Credentials(*key), options) for key in venue.trader_keys()]
        for client in clients:
            await client.connect(timeout_s=30)
        least = float("inf")
        for number in range(1, kills + 1):
            rate = await one_life(venue, clients, book)
            least = min(least, rate)
            print(f"kill {number}: {rate:,.0f} acknowledged orders/s, {len(book.acknowledged):,} so far", flush=True)
        in_book = await asyncio.to_thread(resting_ids, venue, len(clients))
        told_open = {order_id for order_id, state, _ in book.acknowledged.values() if state == "open"}
        told_ended = {order_id for order_id, state, _ in book.acknowledged.values() if state != "open"}
        assert told_open <= in_book, f"{len(told_open - in_book)} resting orders are gone"
        assert not told_ended & in_book, "an order that was told ended rests"
        ended = sorted(row for row in book.acknowledged.values() if row[1] != "open")
        for order_id, told, number in book.choose.sample(ended, min(ASKED_IN_HISTORY, len(ended))):
            state = (await clients[number].get_order_state(f"{INSTRUMENT_ID}-{order_id}")).order_state
            assert state == told, f"order {order_id} was {told}, history says {state}"
        for client in clients:
            await client.close()
        live = await asyncio.to_thread(venue.ask, reads.ReadDigest())
        assert isinstance(live, reads.DigestAnswer)
        assert live.invariants == "ok", live.invariants
        digest = await asyncio.to_thread(audit_journal, venue, book, live)
    assert digest == live.digest, f"replay {digest}, live {live.digest}"
    print(
        f"{kills} kills at no less than {least:,.0f} acknowledged orders/s: {len(book.acknowledged):,} acknowledged,"
        f" all there once; {book.unknown} of unknown outcome; {len(told_open):,} resting;"
        f" digest {digest} live and replayed; every law holds"
    )
    assert least >= LEAST_RATE, f"the load was below {LEAST_RATE}/s at some kill"


def main() -> int:
    """Exit code 0 when everything held."""
    parser = argparse.ArgumentParser(prog="tests.kill.run", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hashbook-kill-") as folder:
        try:
            asyncio.run(run(options.kills, options.seed, Path(folder) / "home"))
        except AssertionError as problem:
            print(f"FAILED (seed {options.seed}): {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
