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
    10010: "already_closed",
    10012: "book_closed",
    10020: "invalid_or_unsupported_instrument",
    10021: "invalid_amount",
    10023: "invalid_price",
    10024: "invalid_max_show",
    10030: "must_be_websocket_request",
    10034: "trigger_price_too_high",
    10035: "trigger_price_too_low",
    10043: "price_wrong_tick",
    10044: "trigger_price_wrong_tick",
    11008: "already_filled",
    11029: "invalid_arguments",
    11030: "other_reject",
    11035: "no_more_triggers",
    11036: "invalid_trigger_price",
    11047: "unsupported_arg_combination",
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
    20007: "mmp_frozen",
    20008: "mmp_unknown_group",
    20009: "wrong_phase",
    20010: "cancel_on_disconnect_required",
    20011: "no_peg_reference",
    20012: "linked_order_unknown",
    20013: "kill_switch",
    20014: "client_order_id_used",
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

COD_REQUIRED: Final = Refusal(20010, {"reason": "quotes need private/enable_cancel_on_disconnect on this websocket"})


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
    RejectCode.BAD_ORDER: (11047, "fields that do not go together", ""),
    RejectCode.DISPLAY_RANGE: (10024, "the shown amount is not within 1/1000 of the amount and the amount", "max_show"),
    RejectCode.NOTIONAL_MAX: (10021, "price x amount is above the instrument's largest notional", "amount"),
    RejectCode.TRIGGER_PRICE: (11036, "the trigger price is outside the band, or cannot be changed", "trigger_price"),
    RejectCode.WOULD_TRIGGER: (11036, "the trigger condition is met already", "trigger_price"),
    RejectCode.TRAILING_FULL: (11035, "the book has as many trailing orders as it takes", ""),
    RejectCode.PEGS_FULL: (20005, "the book has as many pegged orders as it takes", ""),
    RejectCode.NO_REFERENCE: (20011, "there is no price to peg to", "x_peg"),
    RejectCode.OCO_UNKNOWN: (20012, "the order to link with is gone, or linked already", ""),
    RejectCode.MMP_UNKNOWN: (20008, "set the group with private/set_mmp_config first", "mmp_group"),
    RejectCode.MMP_FROZEN: (20007, "the group is frozen: wait, or private/reset_mmp", "mmp_group"),
    RejectCode.PHASE: (20009, "not in this phase of the book", "instrument_name"),
    RejectCode.ILLEGAL_PHASE: (20009, "the book cannot go from its phase to this one", "instrument_name"),
    RejectCode.BOOK_HALTED: (20009, "the book is halted: only cancels are taken", "instrument_name"),
    RejectCode.KILLED: (20013, "a kill switch is on: only cancels are taken", ""),
    RejectCode.DUPLICATE_CLIENT_ID: (
        20014,
        "used today by an order that is not kept any more",
        "x_client_order_id",
    ),
    RejectCode.CLIENT_IDS_FULL: (20005, "all client order ids of the day are given out", "x_client_order_id"),
    RejectCode.BOOK_CLOSED: (10012, "the book is closed", "instrument_name"),
    RejectCode.HALTED: (11051, "trading is halted", ""),
}


# `detail` of BAD_FIELD, as exchange/order_entry.pyx and amends.pyx number the fields -> the parameter it came from.
_FIELDS: Final[dict[int, str]] = {
    1: "direction", 2: "type", 3: "time_in_force", 5: "reduce_only", 6: "label", 7: "post_only", 8: "trigger",
    9: "trigger", 10: "x_peg", 11: "mmp_group", 12: "quotes", 13: "x_client_order_id", 14: "x_expire_timestamp",
    15: "amount",
}  # fmt: skip


def from_core(applied: CommandApplied) -> Refusal:
    """The dialect's error for a refused command; not_eligible, margin and balance are completed by the caller,
    who knows rule names and assets."""
    code, reason, param = _FROM_CORE.get(applied.code, (11030, "refused by the core", ""))
    name = _NAMES.get(applied.code, str(applied.code))
    data: dict[str, Any] = {"reason": reason, "reject_code": applied.code, "reject": name}
    if applied.code == RejectCode.BAD_FIELD:
        param = _FIELDS.get(applied.detail, "")
    if param:
        data["param"] = param
    if applied.value:
        data["limit"] = applied.value
    return Refusal(code, data)
