"""Small closed sets of values as they stand in the packed records (C twins: wire.h).

Lives here: sides, order types, lifetimes, self-trade modes, order states, frame kinds.
Does not know: rules about them.
"""

from typing import Final

BUY: Final = 0
SELL: Final = 1

LIMIT: Final = 0
MARKET: Final = 1
MARKET_TO_LIMIT: Final = 2

GTC: Final = 0
IOC: Final = 1
FOK: Final = 2
GFA: Final = 3  # good for auction
DAY: Final = 4  # to the next 00:00 UTC of exchange time; GTC for the book
GTD: Final = 5  # to a given exchange time; GTC for the book

POST_ONLY_NO: Final = 0
POST_ONLY_REJECT: Final = 1
POST_ONLY_SLIDE: Final = 2

TRIGGER_NONE: Final = 0
TRIGGER_UP: Final = 1  # when the reference is at or above the trigger price
TRIGGER_DOWN: Final = 2

REFERENCE_LAST: Final = 0
REFERENCE_MARK: Final = 1
REFERENCE_INDEX: Final = 2

PEG_NONE: Final = 0
PEG_BID: Final = 1
PEG_ASK: Final = 2
PEG_MID: Final = 3

PHASE_CONTINUOUS: Final = 0
PHASE_PRE_OPEN: Final = 1
PHASE_OPENING: Final = 2
PHASE_VOLATILITY: Final = 3
PHASE_HALT: Final = 4
PHASE_CLOSED: Final = 5
PHASE_EXPIRED: Final = 6

STP_NONE: Final = 0
STP_CANCEL_NEWEST: Final = 1
STP_CANCEL_OLDEST: Final = 2
STP_CANCEL_BOTH: Final = 3
STP_DECREMENT: Final = 4

# Order states in order frames.
ORDER_OPEN: Final = 1
ORDER_FILLED: Final = 2
ORDER_CANCELLED: Final = 3
ORDER_REJECTED: Final = 4
ORDER_WAITING: Final = 5  # for its trigger
ORDER_PARKED: Final = 6  # a peg without a price

# Why an order ended or changed (order frame `reason`).
REASON_NONE: Final = 0
REASON_USER: Final = 1
REASON_IOC: Final = 2
REASON_FOK: Final = 3
REASON_NO_LIQUIDITY: Final = 4
REASON_PROTECTION: Final = 5
REASON_STP: Final = 6
REASON_AMEND_TOTAL: Final = 7
REASON_AMEND_REPLACE: Final = 8
REASON_DISCONNECT: Final = 9
REASON_ELIGIBILITY: Final = 10
REASON_MARGIN: Final = 11
REASON_EXPIRY: Final = 12
REASON_BUDGET: Final = 13
REASON_BAND: Final = 14
REASON_AUCTION_END: Final = 15
REASON_OCO: Final = 16
REASON_MMP: Final = 17
REASON_PEG: Final = 18  # re-priced: not the end of the order
REASON_NO_REFERENCE: Final = 19
REASON_MASS: Final = 20
REASON_REDUCE_ONLY: Final = 21
REASON_KILL_SWITCH: Final = 22
REASON_POST_ONLY: Final = 23  # triggered orders that fail a check on entering
REASON_BOOK_FULL: Final = 24
REASON_PHASE: Final = 25
REASON_EXPIRED: Final = 26  # its own day or good-till date, not the instrument's
REASON_FUNDS: Final = 27  # triggered orders that their account cannot carry
REASON_POSITION_LIMIT: Final = 28

REASON_TEXTS: Final = (
    "", "user", "ioc", "fok", "no_liquidity", "protection", "stp", "amend_total", "amend_replace",
    "disconnect", "eligibility", "margin", "expiry", "budget", "band", "auction_end", "oco", "mmp", "peg",
    "no_reference", "mass", "reduce_only", "kill_switch", "post_only", "book_full", "phase",
    "expired", "funds", "position_limit",
)  # fmt: skip

# Command record kinds. Hot kinds (below COMMAND_COLD) run without the interpreter.
COMMAND_NEW_ORDER: Final = 1
COMMAND_CANCEL_ORDER: Final = 2
COMMAND_AMEND_ORDER: Final = 3
COMMAND_CANCEL_ALL: Final = 4
COMMAND_CANCEL_SESSION: Final = 5
COMMAND_CANCEL_GATEWAY: Final = 6
COMMAND_COLD: Final = 32  # payload: msgpack of a domain.commands struct

# Event frame kinds.
EVENT_COMMAND: Final = 1  # first frame of every command's events
EVENT_ORDER: Final = 2
EVENT_TRADE: Final = 3
EVENT_DEPTH: Final = 4
EVENT_MARK: Final = 5
EVENT_L3: Final = 6
EVENT_PHASE: Final = 7
EVENT_MMP: Final = 8
EVENT_COLD: Final = 32  # payload: msgpack of a domain.events struct

# Kinds of L3 frames.
L3_ADDED: Final = 1  # at the back of its price
L3_CHANGED: Final = 2  # in its place
L3_REMOVED: Final = 3
L3_EXECUTED: Final = 4

# Flags of trade frames.
TRADE_AUCTION: Final = 1  # both orders rested; the newer one stands as taker
TRADE_IMPLIED: Final = 2  # between an outright and a combo book
TRADE_COMBO: Final = 4  # of a combo, whose legs follow: it moves nothing itself
TRADE_COMBO_LEG: Final = 8
TRADE_BUST: Final = 16  # reverses an earlier trade

ANY_INSTRUMENT: Final = 0xFFFFFFFF
ANY: Final = 0xFF
ANY_ASSET: Final = 0xFFFF

# Ledger accounts of the house; clients start at FIRST_CLIENT_ACCOUNT. Slot 0 is nobody.
NOBODY: Final = 0
CUSTODY: Final = 1  # the outside world: negative of everything that was deposited or minted
FEES: Final = 2
SITG: Final = 3  # the exchange's own money, first loss after a defaulter's
VM_CYCLE: Final = 4  # zero outside a variation margin cycle
DIVIDEND_SOURCE: Final = 5  # pool rewards waiting to be posted
SUSPENSE: Final = 6  # dividends without a holder who may receive them
FIRST_CLIENT_ACCOUNT: Final = 16
