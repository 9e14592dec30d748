"""Sent, acknowledged, missing: what happened to each request of a load run, and whether that is a pass.

Lives here: the counts and the verdict. Does not know: locust, sockets, time.
An acknowledgement is a reply under the request's own id: a result or a refusal. A refusal passes only when trading
itself produces it (see EXPECTED_REFUSALS).
"""

from collections import Counter

ORDER_METHODS = frozenset({"private/buy", "private/sell"})
REFUSED_SHARE_MAX = 0.05

# method -> codes that a correct venue gives a correct trader
EXPECTED_REFUSALS: dict[str, frozenset[int]] = {
    "private/buy": frozenset({10009}),  # funds are all in other orders
    "private/sell": frozenset({10009}),
    "private/cancel": frozenset({10004, 11008, 11044}),  # filled or cancelled before the cancel arrived
}


class Counting:
    """Counts of one process."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.refused: Counter[tuple[str, int]] = Counter()
        self.unexpected: list[str] = []

    def note_sent(self, method: str) -> None:
        """A request left."""
        self.sent[method] += 1

    def note_reply(self, method: str, error_code: int | None, text: str = "") -> bool:
        """Its reply came; True when that is as it should be."""
        self.acknowledged[method] += 1
        if error_code is None:
            return True
        self.refused[method, error_code] += 1
        expected = error_code in EXPECTED_REFUSALS.get(method, ())
        if not expected:
            self.note_unexpected(f"{method}: {error_code} {text}")
        return expected

    def note_unexpected(self, what: str) -> None:
        """Something that no request asked for, or that should not happen."""
        self.unexpected.append(what)

    @property
    def missing(self) -> int:
        """Requests without an acknowledgement."""
        return self.sent.total() - self.acknowledged.total()

    def faults(self) -> list[str]:
        """Why this run is no pass; empty when it is one."""
        faults = []
        if self.missing:
            per_method = self.sent - self.acknowledged
            faults.append(f"{self.missing} acknowledgements missing: {dict(per_method)}")
        if self.unexpected:
            shown = Counter(self.unexpected).most_common(5)
            faults.append(f"{len(self.unexpected)} unexpected: {shown}")
        orders = sum(self.acknowledged[method] for method in ORDER_METHODS)
        refused = sum(count for (method, _), count in self.refused.items() if method in ORDER_METHODS)
        if orders == refused:
            faults.append("no order was accepted")
        elif refused > REFUSED_SHARE_MAX * orders:
            faults.append(f"{refused} of {orders} orders refused")
        return faults

    def summary(self) -> str:
        """One line of numbers and, after it, the faults."""
        refused = ", ".join(f"{method} {code}: {count}" for (method, code), count in sorted(self.refused.items()))
        lines = [
            f"load: sent {self.sent.total()}, acknowledged {self.acknowledged.total()}, missing {self.missing}, "
            f"unexpected {len(self.unexpected)}, refused: {refused or 'none'}"
        ]
        return "\n".join(lines + [f"load: FAULT: {fault}" for fault in self.faults()])
