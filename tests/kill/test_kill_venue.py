"""Goal: clients that trade over the websocket lose nothing when the core or the gateway is killed with signal 9.

Method: a venue whose processes are started one by one, the SDK as client, the core asked directly.
"""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from domain import reads
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.events import OrderState, decode_events
from hashbook import Client, ConnectionLost, Credentials
from hashbook.session import SessionOptions
from tests.kill.run import run
from tests.kill.venue import CORE, GATEWAY, KillableVenue, is_alive

CANCELLED_WITHIN_S = 1.0  # cancel-on-disconnect after a gateway's death


@pytest.mark.slow
def test_five_kills_of_the_core_lose_and_double_nothing(tmp_path: Path) -> None:
    asyncio.run(run(5, 7, tmp_path / "home"))


def open_prices(venue: KillableVenue, account: int) -> list[int]:
    answer = venue.ask(reads.ReadOpenOrders(account))
    assert isinstance(answer, reads.OrdersAnswer)
    return sorted(event.price_ticks for event in decode_events(answer.frames) if isinstance(event, OrderState))


def test_a_killed_gateway_takes_only_orders_that_asked_for_it(tmp_path: Path) -> None:
    alice = FIRST_CLIENT_ACCOUNT + 1

    async def place(client: Client, price: str) -> None:
        await client.buy("TH1A_BTC", 1, Decimal(price))

    async def story(venue: KillableVenue) -> None:
        key = Credentials(*venue.trader_keys()[0])
        careful = Client(venue.url, key, SessionOptions(cancel_on_disconnect=True))
        steady = Client(venue.url, key, SessionOptions(backoff_max_s=0.2))
        await careful.connect(timeout_s=30)
        await steady.connect(timeout_s=30)
        await place(careful, "0.00000100")
        await place(careful, "0.00000101")
        await place(steady, "0.00000200")
        core = venue.process_id(CORE)
        assert open_prices(venue, alice) == [100, 101, 200]

        await asyncio.to_thread(venue.kill, GATEWAY)
        deadline = time.monotonic() + CANCELLED_WITHIN_S
        while open_prices(venue, alice) != [200]:
            assert time.monotonic() < deadline, f"still open: {open_prices(venue, alice)}"
            await asyncio.sleep(0.01)
        assert is_alive(core), "the core goes on"
        with pytest.raises(ConnectionLost):
            await careful.buy("TH1A_BTC", 1, Decimal("0.00000102"))
        await careful.close()

        await asyncio.to_thread(venue.start, GATEWAY)
        await steady.wait_ready(timeout_s=30)
        assert [order.price for order in await steady.get_open_orders("TH1A_BTC")] == [Decimal("0.00000200")]
        await place(steady, "0.00000201")
        assert open_prices(venue, alice) == [200, 201]
        await steady.close()

    with KillableVenue(tmp_path / "home") as venue:
        asyncio.run(story(venue))
