"""What an operator may set about one gateway.

Lives here: the values and their defaults. Does not know: where they are read from.
"""

import msgspec


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one gateway process. Sizes in bytes, times in the unit of the name."""

    keys_path: str  # keys.json, mode 0600, read once at start
    host: str = "127.0.0.1"
    port: int = 8765  # 0 = any free port, see Server.port
    message_bytes_max: int = 64 * 1024  # inbound frame or HTTP body
    header_bytes_max: int = 16 * 1024  # HTTP request head
    output_soft_bytes: int = 256 * 1024  # unsent output at which conflatable market data waits
    output_hard_bytes: int = 1024 * 1024  # unsent output at which the connection is dropped
    requests_in_flight_max: int = 512  # per connection: beyond it the gateway stops reading that socket
    connections_max: int = 2_000
    connections_per_ip_max: int = 0  # 0 = no limit; loopback is never limited
    subscriptions_max: int = 2_000  # channels per connection
    first_request_s: int = 5  # a connection without one valid request after this is closed
    idle_ping_s: int = 60  # websocket ping after this silence, close after twice it
    auth_window_ms: int = 60_000  # accepted distance of a signature's timestamp from the wall clock
    access_token_s: int = 900
    refresh_token_s: int = 86_400
    portfolio_tick_ms: int = 50
