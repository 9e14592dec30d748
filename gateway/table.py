"""The method table: what every method is called, takes, needs, and whom it asks.

Lives here: one entry per method, the call that handlers receive, what they may return.
Does not know: the methods themselves (methods_*.py register theirs), sockets.
"""

import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from domain.ensure import ensure
from domain.events import CommandApplied, OrderState, Trade
from gateway.auth import Principal
from gateway.errors import INVALID_PARAMS, Refusal
from gateway.instrument_view import InstrumentView

if TYPE_CHECKING:
    from gateway.session import Connection
    from gateway.venue import Venue

ANSWER_ORDER: Final = 1  # {order, trades}
ANSWER_CANCELLED: Final = 2  # the order
ANSWER_COUNT: Final = 3  # a number: what a mass cancel counted, or the orders that a run of cancels removed
ANSWER_QUOTES: Final = 4  # a mass quote's collection
ANSWER_OK: Final = 5  # "ok"

TRADE: Final = "trade:read_write"
TRADE_READ: Final = "trade:read"
ACCOUNT_READ: Final = "account:read"
NOBODY: Final = Principal("", "", 0, frozenset())


class Call:
    """One request on its way: who asks, and how to answer."""

    __slots__ = ("chained", "connection", "identity", "principal", "us_in", "websocket")

    def __init__(
        self, connection: "Connection", identity: bytes, us_in: int, principal: Principal | None, *, websocket: bool
    ) -> None:
        self.connection = connection
        self.identity = identity
        self.us_in = us_in
        self.principal = principal or NOBODY
        self.websocket = websocket
        self.chained = False  # a command's answer decides what is sent next: later requests wait for the end


class Part(NamedTuple):
    """What the core said to one record of a command, and the reply made from it."""

    applied: CommandApplied
    trades: list[Trade]
    orders: dict[int, OrderState]
    outcome: bytes | Refusal


class Command(msgspec.Struct, frozen=True):
    """What a handler wants sent to the core, and how its reply is to be made from the events."""

    record: bytes  # one record or a run of them under one request
    request: int
    answer: int  # ANSWER_*
    view: InstrumentView | None = None
    order_id: int = 0  # 0 = the order that this command creates
    parts: int = 0  # records in a run, each answered by a command frame of its own; 0 = it is no run
    collect: Callable[[list[Part]], bytes | Refusal] | None = None  # the reply to a run, instead of a count
    then: Callable[[Part], "Outcome"] | None = None  # what follows from the answer, instead of a reply at once


Outcome = bytes | Refusal | Command  # bytes: the result as JSON
Handler = Callable[["Venue", Call, Any], "Outcome | Coroutine[Any, Any, Outcome]"]


class PublicParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of public parameters: what is not listed is refused by name."""


class PrivateParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of private parameters; `access_token` authenticates a single request."""

    access_token: str = ""


class NoParams(PublicParams, frozen=True):
    """A public method without parameters."""


class MethodSpec:
    """One entry of the table."""

    __slots__ = ("changes_state", "decode", "handler", "name", "params", "pipelined", "scope", "websocket_only")

    def __init__(
        self, name: str, params: type[Any], handler: Handler, scope: str, *, pipelined: bool, websocket_only: bool
    ) -> None:
        self.name = name
        self.params = params
        self.handler = handler
        self.scope = scope  # "" = public
        self.pipelined = pipelined  # only sends a command: need not wait for the commands ahead of it
        self.changes_state = scope == TRADE  # a signature counts once for these
        self.websocket_only = websocket_only
        self.decode = msgspec.json.Decoder(params).decode


METHODS: Final[dict[str, MethodSpec]] = {}


def method(
    name: str, params: type[Any], *, scope: str = "", pipelined: bool = False, websocket_only: bool = False
) -> Callable[[Handler], Handler]:
    """Decorator: enter a handler into the table. Private methods need a scope."""

    def register(handler: Handler) -> Handler:
        ensure(name not in METHODS, "a method is registered once")
        ensure(name.startswith("private/") == bool(scope), "private methods and only they need a scope")
        METHODS[name] = MethodSpec(name, params, handler, scope, pipelined=pipelined, websocket_only=websocket_only)
        return handler

    return register


class _Token(msgspec.Struct, frozen=True):
    access_token: str = ""


_TOKEN: Final = msgspec.json.Decoder(_Token)


def token_in(params: bytes | msgspec.Raw | dict[str, str]) -> str:
    """The access token among parameters that are wrong otherwise; "" when it cannot be read either."""
    if isinstance(params, dict):
        return params.get("access_token", "")
    try:
        return _TOKEN.decode(params).access_token
    except (msgspec.DecodeError, RecursionError):
        return ""


_PATH: Final = re.compile(r"\$\.([A-Za-z_][A-Za-z_0-9]*)")
_FIELD: Final = re.compile(r"field `([^`]+)`")


def params_refusal(error: Exception) -> Refusal:
    """-32602 with the parameter's name out of msgspec's message."""
    text = str(error)
    found = _PATH.search(text) or _FIELD.search(text)
    data = {"reason": text.split(" - at ")[0][:200]}
    if found:
        data["param"] = found.group(1)
    return Refusal(INVALID_PARAMS, data)
