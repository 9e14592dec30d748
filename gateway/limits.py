"""How many connections, and from where.

Lives here: the counters. Does not know: sockets; addresses are texts. Requests in flight are bounded by the session
itself, which stops reading its socket; bytes in and out are bounded by the server.
"""

from gateway.config import GatewayConfig

_LOOPBACK = ("127.", "::1", "localhost")


class ConnectionLimits:
    """Counts open connections of one gateway."""

    def __init__(self, config: GatewayConfig) -> None:
        self._total_max = config.connections_max
        self._per_ip_max = config.connections_per_ip_max
        self.total = 0
        self._by_ip: dict[str, int] = {}

    def admit(self, ip: str) -> bool:
        """Count a new connection unless a limit forbids it; loopback is only bound by the total."""
        count = self._by_ip.get(ip, 0)
        over = self._per_ip_max and not ip.startswith(_LOOPBACK) and count >= self._per_ip_max
        if self.total >= self._total_max or over:
            return False
        self.total += 1
        self._by_ip[ip] = count + 1
        return True

    def release(self, ip: str) -> None:
        """An admitted connection ended."""
        self.total -= 1
        left = self._by_ip[ip] - 1
        if left:
            self._by_ip[ip] = left
        else:
            del self._by_ip[ip]
