"""Session methods: authentication, subscriptions, heartbeats, cancel-on-disconnect, small talk.

Lives here: parameters and results. Does not know: how channels work.
"""

from typing import TYPE_CHECKING, Annotated, Literal, cast

import msgspec

from domain import commands
from gateway.auth import AuthParams
from gateway.codec import encode
from gateway.errors import Refusal, bad_param
from gateway.table import (
    ACCOUNT_READ,
    ANSWER_OK,
    TRADE,
    Call,
    Command,
    NoParams,
    Outcome,
    Part,
    PrivateParams,
    PublicParams,
    method,
)
from gateway.venue import Venue

if TYPE_CHECKING:
    from gateway.session import WsSession

VERSION = "2.1.1"  # of the dialect
HEARTBEAT_S_MIN = 10
HEARTBEAT_S_MAX = 3_600
OK = b'"ok"'
ChannelName = Annotated[str, msgspec.Meta(max_length=128)]
Channels = Annotated[list[ChannelName], msgspec.Meta(max_length=2_000)]


class ChannelsParams(PublicParams, frozen=True):
    channels: Channels
    label: str = ""


class PrivateChannelsParams(PrivateParams, frozen=True, kw_only=True):
    channels: Channels
    label: str = ""


class HelloParams(PublicParams, frozen=True):
    client_name: str = ""
    client_version: str = ""


class TestParams(PublicParams, frozen=True):
    expected_result: str = ""


class HeartbeatParams(PublicParams, frozen=True):
    interval: int


class ScopeParams(PrivateParams, frozen=True, kw_only=True):
    scope: Literal["connection", "account"] = "connection"


class LogoutParams(PrivateParams, frozen=True, kw_only=True):
    invalidate_token: bool = True


def _session(call: Call) -> "WsSession":
    """The websocket session of a call to a websocket-only method."""
    return cast("WsSession", call.connection)


@method("public/auth", AuthParams)
def auth(venue: Venue, call: Call, params: AuthParams) -> Outcome:
    """Authenticate the connection (websocket) or get a token (HTTP)."""
    granted = venue.auth.grant(params, venue.wall_ns() // 1_000_000)
    if isinstance(granted, Refusal):
        return granted
    principal, result = granted
    if principal.account not in venue.image.accounts:
        return Refusal(13004, {"reason": "the key's account does not exist"})
    if call.websocket:
        _session(call).authenticate(principal)
    return encode(result)


@method("private/logout", LogoutParams, scope=ACCOUNT_READ, websocket_only=True)
def logout(venue: Venue, call: Call, params: LogoutParams) -> Outcome:
    """End the session without cancelling its orders."""
    session = _session(call)
    session.cancel_on_disconnect = False
    session.logged_out = True
    session.close_after_reply = "logout"
    return OK


@method("public/hello", HelloParams)
def hello(venue: Venue, call: Call, params: HelloParams) -> Outcome:
    """Introduce oneself."""
    return b'{"version":"%b"}' % VERSION.encode()


@method("public/test", TestParams)
def test(venue: Venue, call: Call, params: TestParams) -> Outcome:
    """Answer to a heartbeat, or just a probe."""
    if params.expected_result == "exception":
        return Refusal(11030, {"reason": "asked for by expected_result"})
    if call.websocket:
        _session(call).sign_of_life()
    return b'{"version":"%b"}' % VERSION.encode()


@method("public/get_time", NoParams)
def get_time(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """Wall time in ms."""
    return b"%d" % (venue.wall_ns() // 1_000_000)


@method("public/status", NoParams)
def status(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """Whether trading is possible. `locked` is text, as clients compare it."""
    locked = "false" if venue.desk.is_open else "true"
    return b'{"locked":"%b","locked_indices":[],"locked_currencies":[]}' % locked.encode()


@method("public/set_heartbeat", HeartbeatParams, websocket_only=True)
def set_heartbeat(venue: Venue, call: Call, params: HeartbeatParams) -> Outcome:
    """Expect a sign of life every `interval` seconds."""
    if not HEARTBEAT_S_MIN <= params.interval <= HEARTBEAT_S_MAX:
        return bad_param("interval", f"{HEARTBEAT_S_MIN} to {HEARTBEAT_S_MAX} seconds")
    _session(call).set_heartbeat(params.interval)
    return OK


@method("public/disable_heartbeat", NoParams, websocket_only=True)
def disable_heartbeat(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """Stop heartbeats."""
    _session(call).set_heartbeat(0)
    return OK


@method("public/subscribe", ChannelsParams, websocket_only=True)
def subscribe(venue: Venue, call: Call, params: ChannelsParams) -> Outcome:
    """Subscribe to public channels."""
    return encode(_session(call).subscribe(params.channels, private=False))


@method("private/subscribe", PrivateChannelsParams, scope=ACCOUNT_READ, websocket_only=True)
def private_subscribe(venue: Venue, call: Call, params: PrivateChannelsParams) -> Outcome:
    """Subscribe to private and public channels."""
    return encode(_session(call).subscribe(params.channels, private=True))


@method("public/unsubscribe", ChannelsParams, websocket_only=True)
def unsubscribe(venue: Venue, call: Call, params: ChannelsParams) -> Outcome:
    """Leave channels."""
    return encode(_session(call).unsubscribe(params.channels))


@method("private/unsubscribe", PrivateChannelsParams, scope=ACCOUNT_READ, websocket_only=True)
def private_unsubscribe(venue: Venue, call: Call, params: PrivateChannelsParams) -> Outcome:
    """Leave channels."""
    return encode(_session(call).unsubscribe(params.channels))


@method("public/unsubscribe_all", NoParams, websocket_only=True)
def unsubscribe_all(venue: Venue, call: Call, params: NoParams) -> Outcome:
    """Leave all channels."""
    session = _session(call)
    session.unsubscribe(list(session.subscriptions))
    return OK


@method("private/unsubscribe_all", PrivateParams, scope=ACCOUNT_READ, websocket_only=True)
def private_unsubscribe_all(venue: Venue, call: Call, params: PrivateParams) -> Outcome:
    """Leave all channels."""
    session = _session(call)
    session.unsubscribe(list(session.subscriptions))
    return OK


def _switch(venue: Venue, call: Call, params: ScopeParams, on: bool) -> Outcome:
    """For this connection; or for the account, where it stays until it is set otherwise."""
    if params.scope == "connection":
        call.connection.cancel_on_disconnect = on
        return OK
    account = call.principal.account
    request = venue.desk.next_request()
    command = commands.SetCancelOnDisconnect(account, on)

    def done(part: Part) -> bytes | Refusal:
        if not isinstance(part.outcome, Refusal):
            (venue.cancels_on_disconnect.add if on else venue.cancels_on_disconnect.discard)(account)
        return part.outcome

    return Command(
        commands.cold(command, origin=call.connection.origin, request=request), request, ANSWER_OK, then=done
    )


@method("private/enable_cancel_on_disconnect", ScopeParams, scope=TRADE, pipelined=True, websocket_only=True)
def enable_cancel_on_disconnect(venue: Venue, call: Call, params: ScopeParams) -> Outcome:
    """From now on, orders of this connection are cancelled when it ends; or all of the account's, with its last one."""
    return _switch(venue, call, params, True)


@method("private/disable_cancel_on_disconnect", ScopeParams, scope=TRADE, pipelined=True, websocket_only=True)
def disable_cancel_on_disconnect(venue: Venue, call: Call, params: ScopeParams) -> Outcome:
    """Orders outlive the connection, or the account's last one."""
    return _switch(venue, call, params, False)


@method("private/get_cancel_on_disconnect", ScopeParams, scope=ACCOUNT_READ)
def get_cancel_on_disconnect(venue: Venue, call: Call, params: ScopeParams) -> Outcome:
    """Whether cancel-on-disconnect is on."""
    if params.scope == "connection":
        enabled = call.connection.cancel_on_disconnect
    else:
        enabled = call.principal.account in venue.cancels_on_disconnect
    return encode({"enabled": enabled, "scope": params.scope})
