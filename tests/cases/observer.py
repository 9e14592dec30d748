"""Keeps what somebody outside saw of one case: what traded, what triggered, what ended and why, what auctions brought.

Lives here: `Observer`, which reads events. Queues are followed, and events judged, by tests/reference/auditor.py.
Does not know: engines, the case format.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.engines import Event

NOT_AN_END: Final = ("peg",)  # a cancel of this reason is one half of a re-pricing


@dataclass(frozen=True)
class Combo:
    """Stands for the maker when orders of several books together were the other side."""

    book: int


@dataclass(frozen=True)
class Trade:
    """One match between two engine orders; in an auction nobody is the taker."""

    maker: int | Combo
    taker: int
    lots: int
    price: int
    auction: bool = False


@dataclass(frozen=True)
class End:
    """A refusal, or a cancel. `untouched`: that command traded nothing for this order."""

    number: int
    reason: str
    lots: int
    untouched: bool


@dataclass
class Observer:
    """Everything seen since the start of a case; counts are per engine order number."""

    book_of: dict[int, int] = field(default_factory=dict)  # order -> book, stated by whoever enters orders
    trades: list[Trade] = field(default_factory=list)
    filled: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    triggered: list[int] = field(default_factory=list)
    auctions: dict[int, tuple[int, int]] = field(default_factory=dict)  # book -> last price, volume of the last uncross

    def observe(self, events: Iterable[Event]) -> list[End]:
        """Follow the events of one engine call; returns its refusals and cancels."""
        ends, traded = [], set()
        for event in events:
            kind, number = event[0], event[1]
            if kind in ("fill", "cross"):
                self._trade(Trade(number, event[2], event[4], event[3], auction=kind == "cross"))
                traded |= {number, event[2]}
            elif kind == "implied":
                self._trade(Trade(Combo(event[2]), number, event[4], event[3]))
                traded.add(number)
            elif kind == "refused":
                ends.append(End(number, event[2], 0, untouched=True))
            elif kind == "cancelled" and event[3] not in NOT_AN_END:
                ends.append(End(number, event[3], event[2], number not in traded))
            elif kind == "triggered":
                self.triggered.append(number)
            elif kind == "auction":
                self.auctions[number] = (event[2], self.auctions.get(number, (0, 0))[1] + event[3])
        return ends

    def _trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        if isinstance(trade.maker, Combo):
            self.filled[trade.taker] += trade.lots
            return
        self.filled[trade.maker] += trade.lots
        if self.book_of[trade.maker] == self.book_of[trade.taker]:  # the legs of an implied trade do not fill the taker
            self.filled[trade.taker] += trade.lots
