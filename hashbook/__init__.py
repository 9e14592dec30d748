"""What a trader imports: a typed asyncio client for the venue's JSON-RPC websocket API.

>>> from decimal import Decimal
>>> from hashbook import Client, Credentials
>>> async def example() -> None:
...     async with Client("ws://127.0.0.1:8765/ws/api/v2", Credentials("id", "secret")) as client:
...         await client.buy("TH1A_BTC", Decimal(5), Decimal("0.00142"), post_only=True)
"""

from hashbook.book import BookGap, LocalBook, watch_book
from hashbook.client import Client
from hashbook.credentials import Credentials, load_credentials
from hashbook.errors import (
    ChannelRefused,
    ConnectionLost,
    HashbookError,
    OutcomeUnknown,
    RequestTimeout,
    SubscriptionLagged,
)
from hashbook.session import Session, SessionState
from hashbook.subscription import Subscription

__all__ = [
    "BookGap",
    "ChannelRefused",
    "Client",
    "ConnectionLost",
    "Credentials",
    "HashbookError",
    "LocalBook",
    "OutcomeUnknown",
    "RequestTimeout",
    "Session",
    "SessionState",
    "Subscription",
    "SubscriptionLagged",
    "load_credentials",
    "watch_book",
]
