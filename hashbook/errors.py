"""What can go wrong between a trader and the venue, one class per thing a caller can do about it.

Lives here: the exceptions of the SDK. Does not know: how a message travels, what a method does.
"""

from collections.abc import Sequence
from typing import Any


class HashbookError(Exception):
    """The venue answered and said no. Nothing changed there (but see OutcomeUnknown).

    Attributes:
        code: the stable error code of the API; 20000 and above are the venue's own.
        message: its short name, for instance `not_eligible`.
        data: what the venue adds: the rule, the offending field, the nearest legal amounts.
    """

    def __init__(self, code: int, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data: dict[str, Any] = data or {}

    def __str__(self) -> str:
        details = "".join(f" {name}={value}" for name, value in self.data.items())
        return f"{self.code} {self.message}{details}"


class OutcomeUnknown(HashbookError):
    """20003: the venue's core went away between the command and its answer; it may have been done or not."""

    CODE = 20003


class ConnectionLost(Exception):
    """The connection is not there, or went away before the answer.

    Attributes:
        sent: True when the request may have reached the venue, so that its outcome is unknown: look for its
            label among the open orders and fills before sending it again. False when it never left.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class RequestTimeout(Exception):
    """No answer in time. The request was sent and its outcome is unknown, as after `ConnectionLost(sent=True)`."""


class ProtocolViolation(Exception):
    """The other side sent something that is not this API; the connection is closed because of it."""


class ChannelRefused(Exception):
    """The venue accepted fewer channels than were asked for: unknown names, or not permitted."""

    def __init__(self, channels: Sequence[str]) -> None:
        super().__init__(", ".join(channels))
        self.channels = tuple(channels)


class SubscriptionLagged(Exception):
    """The reader of a subscription was slower than its stream and the buffer is full: messages were dropped."""
