"""Trades that were wrong: busts and corrections, by compensating transfers at a new sequence (ORD-070..073).

Lives here: the two cold commands. Does not know: how the transfers are made (reversals.pyx), who decides.
What happened stays in the journal; only what follows from it is made up for.
"""

from domain.book_rules import PRICE_TICKS_LIMIT
from domain.commands import BustTrade, CorrectTrade
from domain.events import AccountsChanged, TradeBusted, TradeCorrected
from domain.rejects import RejectCode
from exchange.reversals import bust, correct, kept_trade, missing_for_bust, missing_for_change
from exchange.state import Refusal, State

Kept = tuple[int, int, int, int, int, bool]


def bust_trade(state: State, command: BustTrade) -> Refusal | None:
    """Undo a recent trade, unless a party no longer has what it got (ORD-071)."""
    found = find(state, command.trade_id)
    if isinstance(found, Refusal):
        return found
    instrument, buyer, seller, price_ticks, lots, _ = found
    if short := missing_for_bust(state.core, command.trade_id):
        return Refusal(RejectCode.INSUFFICIENT_BALANCE, short[1], short[2])
    bust(state.core, command.trade_id)
    state.emit(TradeBusted(command.trade_id, instrument, buyer, seller, price_ticks, lots))
    state.emit(AccountsChanged(tuple(sorted({buyer, seller}))))
    return None


def correct_trade(state: State, command: CorrectTrade) -> Refusal | None:
    """Give a recent trade another price (ORD-072)."""
    found = find(state, command.trade_id)
    if isinstance(found, Refusal):
        return found
    instrument, buyer, seller, price_ticks, lots, _ = found
    rules = state.instruments[instrument].rules
    if not max(1, rules.band_low_ticks) <= command.price_ticks <= min(rules.band_high_ticks, PRICE_TICKS_LIMIT - 1):
        return Refusal(RejectCode.PRICE_BAND)
    if short := missing_for_change(state.core, command.trade_id, command.price_ticks):
        return Refusal(RejectCode.INSUFFICIENT_BALANCE, short[1], short[2])
    correct(state.core, command.trade_id, command.price_ticks)
    state.emit(TradeCorrected(command.trade_id, instrument, buyer, seller, price_ticks, command.price_ticks, lots))
    state.emit(AccountsChanged(tuple(sorted({buyer, seller}))))
    return None


def find(state: State, trade_id: int) -> Kept | Refusal:
    """The trade, if it is remembered and stands."""
    if trade_id <= 0 or (kept := kept_trade(state.core, trade_id)) is None:
        return Refusal(RejectCode.UNKNOWN_TRADE)
    if kept[5]:
        return Refusal(RejectCode.TRADE_ALREADY_BUSTED)
    if kept[0] in state.settled:  # its money was paid for good; lots that came back would never be settled (ORD-074)
        return Refusal(RejectCode.INSTRUMENT_CLOSED)
    found: Kept = kept
    return found
