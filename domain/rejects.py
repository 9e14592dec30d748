"""Every refusal of the core, with its stable code.

Lives here: codes and their names. 1xxx session, 2xxx validation and eligibility, 3xxx margin and balance, 4xxx book,
5xxx chain, 9xxx halted. The gateway maps them to the dialect's error codes.
Does not know: texts for people in other languages, HTTP, JSON.
"""

from enum import IntEnum


class RejectCode(IntEnum):
    """Value of `code` in a command frame; 0 means done. A refused command changed nothing."""

    DONE = 0
    # 2xxx validation and eligibility
    UNKNOWN_INSTRUMENT = 2001
    UNKNOWN_ACCOUNT = 2002
    INSTRUMENT_CLOSED = 2003
    LOTS_RANGE = 2004
    LOT_STEP = 2005
    PRICE_STEP = 2006
    PRICE_BAND = 2007
    BAD_FIELD = 2008  # an enumeration outside its set; detail = field id
    VALID_UNTIL_PASSED = 2009
    NOTIONAL_RANGE = 2010  # price x quantity does not fit the ledger
    NOT_ELIGIBLE = 2020  # detail = rule id
    ACCOUNT_REDUCE_ONLY = 2021
    REDUCE_ONLY_INCREASES = 2022
    POSITION_LIMIT = 2023  # value = the limit in lots
    KILLED = 2024  # a kill switch is on; detail = its scope
    # cold commands
    ALREADY_EXISTS = 2040
    UNKNOWN_ASSET = 2041
    BAD_COMMAND = 2042
    CAPACITY = 2043
    # 3xxx margin and balance
    INSUFFICIENT_BALANCE = 3001  # value = what is missing, ledger units of the asset in detail
    INSUFFICIENT_MARGIN = 3002  # value = what is missing, ledger units of the settlement asset in detail
    # 4xxx book
    UNKNOWN_ORDER = 4001  # unknown and foreign look the same
    POST_ONLY_CROSS = 4002
    BOOK_FULL = 4003
    OPEN_ORDERS_MAX = 4004
    DUPLICATE_ID = 4005
    BAD_ORDER = 4006  # fields that do not go together
    DISPLAY_RANGE = 4007
    NOTIONAL_MAX = 4008
    TRIGGER_PRICE = 4009
    WOULD_TRIGGER = 4010
    TRAILING_FULL = 4011
    PEGS_FULL = 4012
    NO_REFERENCE = 4013
    OCO_UNKNOWN = 4014
    MMP_UNKNOWN = 4015
    MMP_FROZEN = 4016
    PHASE = 4017  # not in this phase of the book
    ILLEGAL_PHASE = 4018  # a transition that is not in the table
    BOOK_HALTED = 4019
    BOOK_CLOSED = 4020
    DUPLICATE_CLIENT_ID = 4021  # used today by an order that is not remembered any more; value = its id
    CLIENT_IDS_FULL = 4022  # all client order ids of the day are given out
    ORDER_ALREADY_FILLED = 4023  # one's own; value = filled lots
    ORDER_ALREADY_CLOSED = 4024  # one's own; detail = reason of its end, value = filled lots
    UNKNOWN_TRADE = 4025
    TRADE_ALREADY_BUSTED = 4026
    # 5xxx chain
    UNKNOWN_PARENT = 5001
    BAD_WORK = 5002
    BAD_BITS = 5003
    TIME_TOO_OLD = 5004
    DUPLICATE_BLOCK = 5005
    MALFORMED_HEADER = 5006
    TOO_DEEP = 5007
    # 9xxx
    HALTED = 9001


BOOK_REASON_TEXTS: dict[int, str] = {
    RejectCode.UNKNOWN_INSTRUMENT: "no_book",
    RejectCode.DUPLICATE_ID: "duplicate_id",
    RejectCode.LOTS_RANGE: "lots_range",
    RejectCode.LOT_STEP: "lot_step",
    RejectCode.PRICE_STEP: "price_step",
    RejectCode.PRICE_BAND: "price_band",
    RejectCode.POST_ONLY_CROSS: "post_only_cross",
    RejectCode.BOOK_FULL: "book_full",
    RejectCode.UNKNOWN_ORDER: "unknown_order",
    RejectCode.BAD_ORDER: "bad_order",
    RejectCode.DISPLAY_RANGE: "display_range",
    RejectCode.NOTIONAL_MAX: "notional",
    RejectCode.TRIGGER_PRICE: "trigger_price",
    RejectCode.WOULD_TRIGGER: "would_trigger",
    RejectCode.TRAILING_FULL: "trailing_full",
    RejectCode.PEGS_FULL: "pegs_full",
    RejectCode.NO_REFERENCE: "no_reference",
    RejectCode.OCO_UNKNOWN: "oco_unknown",
    RejectCode.MMP_UNKNOWN: "mmp_unknown",
    RejectCode.MMP_FROZEN: "mmp_frozen",
    RejectCode.PHASE: "phase",
    RejectCode.ILLEGAL_PHASE: "illegal_phase",
    RejectCode.BOOK_HALTED: "halted",
    RejectCode.BOOK_CLOSED: "closed",
}
