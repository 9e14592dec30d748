"""The dialect's errors: one table of codes, and the translation of the core's refusals into it.

Lives here: the refusal value, named constructors for the common ones, the mapping from RejectCode.
Does not know: sessions, sockets. Codes below 20000 are the dialect's, so that existing clients sort them right;
ours start at 20000. A code that clients retry (10028, 10040, 10041, 10047, 11051, 11094, 13888) is never given to a
command that may have reached the book.
"""

from typing import Any, Final

import msgspec

from domain.events import CommandApplied
from domain.rejects import RejectCode

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602

MESSAGES: Final[dict[int, str]] = {
    PARSE_ERROR: "Parse error",
    INVALID_REQUEST: "Invalid Request",
    METHOD_NOT_FOUND: "Method not found",
    INVALID_PARAMS: "Invalid params",
    10002: "qty_too_low",
    10004: "order_not_found",
    10005: "price_too_low",
    10007: "price_too_high",
    10009: "not_enough_funds",
    10012: "book_closed",
    10020: "invalid_or_unsupported_instrument",
    10021: "invalid_amount",
    10023: "invalid_price",
    10030: "must_be_websocket_request",
    10043: "price_wrong_tick",
    11008: "already_filled",
    11029: "invalid_arguments",
    11030: "other_reject",
    11044: "not_open_order",
    11051: "system_maintenance",
    11054: "post_only_reject",
    11094: "internal_server_error",
    13004: "invalid_credentials",
    13009: "unauthorized",
    13021: "forbidden",
    13888: "timed_out",
    20001: "not_eligible",
    20002: "reduce_only_reject",
    20003: "outcome_unknown",
    20004: "history_behind",
    20005: "capacity",
    20006: "position_limit",
}


class Refusal(msgspec.Struct, frozen=True):
    """A refusal as a value: the dialect's code and what the client needs to repair its request."""

    code: int
    data: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def message(self) -> str:
        """The stable name that goes with the code."""
        return MESSAGES[self.code]


def bad_param(param: str, reason: str, **more: Any) -> Refusal:
    """-32602 naming the parameter."""
    return Refusal(INVALID_PARAMS, {"reason": reason, "param": param, **more})


def bad_field(code: int, param: str, reason: str, **more: Any) -> Refusal:
    """A code of the order path naming the parameter."""
    return Refusal(code, {"reason": reason, "param": param, **more})


UNKNOWN_INSTRUMENT: Final = Refusal(10020, {"reason": "unknown instrument", "param": "instrument_name"})
ORDER_NOT_FOUND: Final = Refusal(10004, {"reason": "no such open order", "param": "order_id"})
MAINTENANCE: Final = Refusal(11051, {"reason": "the core is away, try again"})
OUTCOME_UNKNOWN: Final = Refusal(
    20003, {"reason": "the core went away before it answered: the command may or may not have been applied"}
)
HISTORY_BEHIND: Final = Refusal(20004, {"reason": "the history has not caught up yet, try again"})
INTERNAL: Final = Refusal(11094, {"reason": "internal error, reported to the operator"})
UNAUTHORIZED: Final = Refusal(13009, {"reason": "authenticate first"})

_NAMES: Final[dict[int, str]] = {code.value: code.name.lower() for code in RejectCode}

# RejectCode -> (dialect code, reason, parameter)
_FROM_CORE: Final[dict[int, tuple[int, str, str]]] = {
    RejectCode.UNKNOWN_INSTRUMENT: (10020, "unknown instrument", "instrument_name"),
    RejectCode.UNKNOWN_ACCOUNT: (13004, "the key's account does not exist", ""),
    RejectCode.INSTRUMENT_CLOSED: (10012, "the instrument is closed", "instrument_name"),
    RejectCode.LOTS_RANGE: (10021, "amount out of range", "amount"),
    RejectCode.LOT_STEP: (10021, "amount is not a multiple of the lot", "amount"),
    RejectCode.PRICE_STEP: (10043, "price is not on a tick", "price"),
    RejectCode.PRICE_BAND: (10023, "price outside the band", "price"),
    RejectCode.BAD_FIELD: (11029, "a field is outside its set", ""),
    RejectCode.VALID_UNTIL_PASSED: (13888, "valid_until has passed", "valid_until"),
    RejectCode.NOTIONAL_RANGE: (10021, "price x amount is too large", "amount"),
    RejectCode.ACCOUNT_REDUCE_ONLY: (20002, "the account may only reduce its positions", ""),
    RejectCode.REDUCE_ONLY_INCREASES: (20002, "a reduce-only order may not increase the position", "reduce_only"),
    RejectCode.POSITION_LIMIT: (20006, "the position limit in lots would be exceeded", "amount"),
    RejectCode.CAPACITY: (20005, "a capacity of the venue is exhausted", ""),
    RejectCode.UNKNOWN_ORDER: (10004, "no such open order", "order_id"),
    RejectCode.POST_ONLY_CROSS: (11054, "the order would trade at once", "post_only"),
    RejectCode.BOOK_FULL: (20005, "the book is full", ""),
    RejectCode.OPEN_ORDERS_MAX: (20005, "too many open orders on this account", ""),
    RejectCode.DUPLICATE_ID: (11029, "duplicate order id", ""),
    RejectCode.KILLED: (11030, "a kill switch is on", ""),
    RejectCode.BAD_ORDER: (11029, "fields of the order do not go together", ""),
    RejectCode.DISPLAY_RANGE: (11029, "the shown amount is out of range", "max_show"),
    RejectCode.NOTIONAL_MAX: (10021, "price x amount is above the largest of one order", "amount"),
    RejectCode.TRIGGER_PRICE: (10023, "trigger price outside the band, or not to be changed", "trigger_price"),
    RejectCode.WOULD_TRIGGER: (11030, "the order would trigger at once", "trigger_price"),
    RejectCode.TRAILING_FULL: (20005, "too many trailing orders in this book", ""),
    RejectCode.PEGS_FULL: (20005, "too many pegged orders in this book", ""),
    RejectCode.NO_REFERENCE: (11030, "there is no reference price", ""),
    RejectCode.OCO_UNKNOWN: (10004, "no such order to be linked with", "oco_ref"),
    RejectCode.MMP_UNKNOWN: (11029, "the protection group is not set", "mmp"),
    RejectCode.MMP_FROZEN: (11030, "market-maker protection is frozen", "mmp"),
    RejectCode.PHASE: (11030, "not in this phase of the book", ""),
    RejectCode.BOOK_HALTED: (11030, "trading is halted", "instrument_name"),
    RejectCode.BOOK_CLOSED: (10012, "the book is closed", "instrument_name"),
    RejectCode.DUPLICATE_CLIENT_ID: (11029, "the client order id was used today", "client_order_id"),
    RejectCode.CLIENT_IDS_FULL: (20005, "no more client order ids today", "client_order_id"),
    RejectCode.ORDER_ALREADY_FILLED: (11008, "the order is filled", "order_id"),
    RejectCode.ORDER_ALREADY_CLOSED: (11044, "the order is closed", "order_id"),
    RejectCode.HALTED: (11051, "trading is halted", ""),
}


def from_core(applied: CommandApplied) -> Refusal:
    """The dialect's error for a refused command; not_eligible, margin and balance are completed by the caller,
    who knows rule names and assets."""
    code, reason, param = _FROM_CORE.get(applied.code, (11030, "refused by the core", ""))
    name = _NAMES.get(applied.code, str(applied.code))
    data: dict[str, Any] = {"reason": reason, "reject_code": applied.code, "reject": name}
    if param:
        data["param"] = param
    if applied.value:
        data["limit"] = applied.value
    return Refusal(code, data)
