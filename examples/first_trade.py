"""Two accounts trade one hashrate token: `python -m examples.first_trade [KEYS] [URL]` while `make run` is running."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from hashbook import Client, Credentials, HashbookError
from hashbook.credentials import load_keys

TOKEN = "TH1A_BTC"


async def first_trade(keys_path: Path, url: str) -> None:
    """Sell from one account to the other, inside the market maker's spread."""
    traders = [key for key in load_keys(keys_path) if key.whitelisted and key.name != "market-maker"]
    seller_key, buyer_key = (Credentials(key.client_id, key.client_secret) for key in traders[:2])

    async with Client(url, seller_key) as seller, Client(url, buyer_key) as buyer:
        instrument = await buyer.get_instrument(TOKEN)
        ticker = await buyer.ticker(TOKEN)
        print(f"{TOKEN}: bid {ticker.best_bid_price}, ask {ticker.best_ask_price}, mark {ticker.mark_price}")

        # Prices are Decimals on a tick. In the middle of the spread nobody stands before us.
        bid, ask = ticker.best_bid_price or Decimal(0), ticker.best_ask_price or Decimal(0)
        middle = (bid + ask) / 2 if bid and ask else ticker.mark_price or Decimal("0.001")
        price = (middle // instrument.tick_size) * instrument.tick_size

        fills = await buyer.subscribe_user_trades()
        offer = await seller.sell(TOKEN, Decimal(5), price, post_only=True)
        print(f"offered: order {offer.order.order_id}, {offer.order.order_state}")

        bought = await buyer.buy(TOKEN, Decimal(5), price)
        print(f"bought {bought.order.filled_amount} TH/s at {bought.order.average_price} BTC per TH/s")

        async for _, trades in fills:  # the same fill, as a notification
            print(f"fee: {trades[0].fee} {trades[0].fee_currency}")
            break

        for summary in await buyer.get_account_summaries():
            if summary.balance:
                print(f"balance: {summary.balance} {summary.currency}")

        try:
            await buyer.buy(TOKEN, Decimal("0.5"), price)
        except HashbookError as refusal:
            print(f"half a token is refused: {refusal}")


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv))
    keys_path = Path(arguments.get(1, "var/demo-keys.json"))
    asyncio.run(first_trade(keys_path, arguments.get(2, "ws://127.0.0.1:8765/ws/api/v2")))
