"""Phases of a book as clients see them, and what an auction would trade now.

Lives here: the words and the texts. Does not know: rules of auctions (MATCH-090..098), subscribers.
"""

from typing import Final

from domain.constants import (
    PHASE_CLOSED,
    PHASE_CONTINUOUS,
    PHASE_EXPIRED,
    PHASE_HALT,
    PHASE_OPENING,
    PHASE_PRE_OPEN,
    PHASE_VOLATILITY,
)
from domain.events import Phase
from domain.units import NS_PER_MS
from gateway.instrument_view import PHASE_WORDS, InstrumentView

CALLS: Final = frozenset({PHASE_PRE_OPEN, PHASE_OPENING, PHASE_VOLATILITY})
# What instrument.state says when a book comes into a phase; calls are told by x_phase.
STATE_WORDS: Final = {
    PHASE_CONTINUOUS: "started",
    PHASE_HALT: "halted",
    PHASE_CLOSED: "closed",
    PHASE_EXPIRED: "deactivated",
}


def auction_json(view: InstrumentView, phase: Phase | None, now_ns: int) -> str:
    """Phase of one book with the indicative price, volume and imbalance of a call (null where nothing would trade)."""
    number = PHASE_CONTINUOUS if phase is None else phase.phase
    price = volume = imbalance = until = "null"
    if phase is not None and number in CALLS:
        if phase.volume_lots:
            price, volume = view.price(phase.price_ticks), view.amount(phase.volume_lots)
            imbalance = view.amount(phase.surplus_lots)
        else:
            volume = imbalance = "0"
        until = str(phase.until_ns // NS_PER_MS) if phase.until_ns else "null"
    return (
        f'{{"instrument_name":"{view.name}","timestamp":{now_ns // NS_PER_MS},"phase":"{PHASE_WORDS[number]}",'
        f'"indicative_price":{price},"indicative_amount":{volume},"imbalance":{imbalance},"until_timestamp":{until}}}'
    )


def state_json(view: InstrumentView, state: str, time_ns: int) -> str:
    """One message of instrument.state."""
    return (
        f'{{"instrument_name":"{view.name}","state":"{state}","timestamp":{time_ns // NS_PER_MS},'
        f'"x_phase":"{PHASE_WORDS[view.phase]}"}}'
    )
