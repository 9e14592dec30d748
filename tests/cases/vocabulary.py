"""The words of the case format, and what they are called in the engines' door.

Lives here: tables only: operations and their fields, rules, expectations, sides, kinds, lifetimes, phases, reasons.
Does not know: how a word is carried out (player.py) or whether a case uses it rightly (features.py).
"""

from typing import Final

from domain.constants import (
    BUY,
    FOK,
    GFA,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    PEG_ASK,
    PEG_BID,
    PEG_MID,
    REFERENCE_INDEX,
    REFERENCE_LAST,
    REFERENCE_MARK,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_DECREMENT,
    STP_NONE,
    TRIGGER_DOWN,
    TRIGGER_UP,
)

CASE_FIELDS: Final = {"id", "tags", "title", "source", "commands", "expect", "rules", "note"}

# ---- fields of operations; those after the first line of each are our own extension (README.md) ---------------------

OPERATIONS: Final[dict[str, set[str]]] = {
    "new": {
        "id", "side", "qty", "type", "price", "tif", "account", "stp", "post_only", "protection", "stop_price",
        "trigger_kind", "trigger_direction", "trail_bps", "display_qty", "min_display_qty", "budget", "quote_qty",
        "peg", "peg_limit", "expire_at", "oco_group", "stp_group", "instrument",
        "trail_ticks", "reference", "peg_offset", "oco", "mmp",
    },
    "cancel": {"id", "account"},
    "replace": {"id", "qty", "dq", "price", "account", "newid", "side", "stop_price"},
    "check": {"expect"},
    "mass_cancel": {"account", "side", "lo", "hi", "instrument"},
    "set_last": {"price", "instrument"},
    "time": {"now"},
    "day_end": set(),
    "phase": {"phase", "instrument", "force"},
    "halt": {"instrument"},
    "resume": {"auction", "instrument"},
    "set_mark": {"price", "instrument"},
    "set_index": {"price", "instrument"},
    "auction_reference": {"price", "instrument"},
    "quote": {"account", "set", "side", "id", "price", "qty", "instrument", "mmp", "post_only", "stp"},
    "mass_quote": {"account", "set", "quotes", "mmp"},
    "greeks": {"delta", "vega", "instrument"},
    "set_mmp": {"account", "group", "qty", "delta", "vega", "window", "frozen"},
    "reset_mmp": {"account", "group"},
}  # fmt: skip
NEEDED_FIELDS: Final[dict[str, set[str]]] = {
    "new": {"id", "side", "qty"}, "cancel": {"id"}, "replace": {"id"}, "check": {"expect"}, "set_last": {"price"},
    "set_mark": {"price"}, "set_index": {"price"}, "auction_reference": {"price"}, "time": {"now"},
    "phase": {"phase"}, "quote": {"account", "set", "side", "id", "qty"}, "mass_quote": {"account", "set", "quotes"},
    "greeks": {"delta", "vega"}, "set_mmp": {"account", "group", "window"}, "reset_mmp": {"account", "group"},
}  # fmt: skip

EXPECTATIONS: Final = {
    "trades", "trades_merged", "book", "queue", "rejects", "cancels", "filled", "leaves", "last", "order_counts",
    "prices", "trade_count", "total_volume", "visible_volume", "displayed", "triggered", "pending_stops", "auction",
    "implied",
    "events", "books", "phase", "parked",
}  # fmt: skip

# ---- rules of a case ------------------------------------------------------------------------------------------------

# Rules that do not change what is compared: they say how a source reports a kill (see FLAVOUR_RULES), or name a source
# whose rule differs only in cases that are not in that source's own file.
INERT_RULES: Final = {
    "mo_price", "iceberg", "amend_iceberg", "auction", "fok", "ioc_zero", "market_noliq", "market_residual",
}  # fmt: skip
FLAVOUR_RULES: Final = {"fok": "fok", "ioc_zero": "ioc", "market_noliq": "no_liquidity"}  # rule -> engine's reason
PEG_RULES: Final = {"peg_noref": {"reject": True, "park": False}, "peg_lost": {"cancel": True, "park": False}}
STP_RULES: Final = {
    "none": "none", "cn": "cancel_newest", "co": "cancel_oldest", "cb": "cancel_both", "dc": "decrement",
}  # fmt: skip
# rule of a case -> field of domain.book_rules.BookRules, a number above 0
NUMBER_RULES: Final = {
    "lot": "lot_step", "tick": "price_step_ticks", "max_qty": "lots_max", "max_notional": "notional_max",
    "dynamic_bps": "dynamic_bps", "protection_bps": "protection_bps", "protection_ticks": "protection_ticks",
}  # fmt: skip
NUMBER_RULES_MAX: Final = {
    "tick": 2**27 - 1,
    "dynamic_bps": 9_999,
    "protection_bps": 9_999,
    "protection_ticks": 2**27 - 1,
}
MMP_GROUPS: Final = 16
SIZE_RULES: Final = ("orders_max", "trailing_max", "pegs_max")  # of the engine
FLAG_RULES: Final = ("qty_is_total", "reject_triggered")
MMP_FIELDS: Final = {"account", "group", "qty", "delta", "vega", "window", "frozen"}

# ---- values ---------------------------------------------------------------------------------------------------------

SIDES: Final = {"buy": BUY, "sell": SELL, "B": BUY, "S": SELL}
SIDE_OF_QUEUE: Final = {"bids": BUY, "asks": SELL}
KINDS: Final = {"limit": LIMIT, "market": MARKET, "pegged": LIMIT, "market_to_limit": MARKET_TO_LIMIT}
LIFETIMES: Final = {"gtc": GTC, "day": GTC, "gtd": GTC, "ioc": IOC, "fok": FOK, "gfa": GFA}
STP_MODES: Final = {
    "none": STP_NONE, "cancel_newest": STP_CANCEL_NEWEST, "cancel_oldest": STP_CANCEL_OLDEST,
    "cancel_both": STP_CANCEL_BOTH, "decrement": STP_DECREMENT,
}  # fmt: skip
POST_ONLY: Final = {"reject": 1, "slide": 2}
DIRECTIONS: Final = {"up": TRIGGER_UP, "down": TRIGGER_DOWN}
TRIGGER_KINDS: Final = ("sl", "stop", "tp")
REFERENCES: Final = {"last": REFERENCE_LAST, "mark": REFERENCE_MARK, "index": REFERENCE_INDEX}
PEGS: Final = {"bid": PEG_BID, "ask": PEG_ASK, "mid": PEG_MID}
PHASES: Final = ("continuous", "pre_open", "opening", "volatility", "halt", "closed", "expired")  # the engine's numbers
CALLS: Final = ("pre_open", "opening", "volatility")
PHASE_WORDS: Final = (*PHASES, "auction")

# Words of the case files for reasons, and which reasons of the engine mean the same. The engine's own words are too.
OWN_REASONS: Final = (
    "no_book", "closed", "phase", "bad_order", "lots_range", "lot_step", "display_range", "price_step", "notional",
    "trigger_price", "oco_unknown", "mmp_unknown", "mmp_frozen", "would_trigger", "trailing_full", "book_full",
    "pegs_full", "no_reference", "post_only_cross", "illegal_phase", "fok", "ioc", "protection", "budget", "band",
)  # fmt: skip
REJECT_REASONS: Final[dict[str, set[str]]] = {
    **{word: {word} for word in OWN_REASONS},
    "price_band": {"price_band"},
    "bad_price": {"price_band", "price_step"},
    "bad_tick": {"price_step"},
    "bad_lot": {"lot_step", "lots_range"},
    "bad_qty": {"lots_range", "lot_step"},
    "bad_peak": {"display_range"},
    "too_large": {"lots_range", "notional"},
    "unknown_order": {"unknown_order"},
    "duplicate_id": {"duplicate_id"},
    "post_only_would_cross": {"post_only_cross"},
    "fok_unfilled": {"fok", "no_liquidity"},
    "ioc_unfilled": {"ioc", "no_liquidity"},
    "no_liquidity": {"no_liquidity", "ioc", "protection"},
    "halted": {"halted"},
    "expired": {"valid_until_passed"},
}
