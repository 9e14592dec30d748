"""What an order may say: the parameters of private/buy, private/sell and of the entries of otoco_config.

Lives here: their types, words and bounds. Does not know: what goes together (order_params.py).
"""

from decimal import Decimal
from typing import Final, Literal

import msgspec

from domain.constants import (
    DAY,
    FOK,
    GTC,
    IOC,
    PEG_ASK,
    PEG_BID,
    PEG_MID,
    REFERENCE_INDEX,
    REFERENCE_LAST,
    REFERENCE_MARK,
)
from domain.units import NS_PER_MS

LABEL_BYTES_MAX: Final = 64
CLIENT_ID_BYTES_MAX: Final = 36
TIME_MS_MAX: Final = 2**63 // NS_PER_MS - 1
TRAIL_BPS_MAX: Final = 9_999
BUDGET_DIGITS: Final = 16  # of a tick times a lot: 1e-8 of the quote by 1e-8 of the base unit
MMP_GROUP_OF_FLAG: Final = 1  # `mmp: true` names no group

OrderType = Literal[
    "limit", "market", "market_limit", "stop_limit", "stop_market", "take_limit", "take_market", "trailing_stop"
]
Lifetime = Literal["good_til_cancelled", "good_til_day", "immediate_or_cancel", "fill_or_kill"]
Reference = Literal["last_price", "mark_price", "index_price"]
LIFETIMES: Final[dict[str, int]] = {
    "good_til_cancelled": GTC, "good_til_day": DAY, "immediate_or_cancel": IOC, "fill_or_kill": FOK,
}  # fmt: skip
REFERENCES: Final[dict[str, int]] = {
    "last_price": REFERENCE_LAST, "mark_price": REFERENCE_MARK, "index_price": REFERENCE_INDEX,
}  # fmt: skip
PEGS: Final[dict[str, int]] = {"best_bid": PEG_BID, "best_ask": PEG_ASK, "mid": PEG_MID}
_MARKET_KINDS: Final = frozenset({"market", "stop_market", "take_market", "trailing_stop"})


class Peg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`x_peg`: the price follows the book."""

    reference: Literal["best_bid", "best_ask", "mid"]
    limit: Decimal  # never beyond: what the order is good for
    offset: Decimal = Decimal(0)  # signed, in price units


class OrderTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order is, apart from market and side. What this venue does not have is refused by name, never ignored."""

    amount: Decimal | None = None
    contracts: Decimal | None = None
    type: OrderType = "limit"
    price: Decimal | None = None
    label: str = ""
    time_in_force: Lifetime = "good_til_cancelled"
    post_only: bool = False
    reject_post_only: bool = False
    reduce_only: bool = False
    valid_until: int = 0
    max_show: Decimal | None = None
    display_amount: Decimal | None = None
    trigger: Reference | None = None
    trigger_price: Decimal | None = None
    trigger_offset: Decimal | None = None
    mmp: bool = False
    x_trigger_offset_bps: int = 0
    x_expire_timestamp: int = 0
    x_good_for_auction: bool = False
    x_client_order_id: str = ""
    x_peg: Peg | None = None
    x_budget: Decimal | None = None

    @property
    def is_market(self) -> bool:
        """Whether it has no limit of its own."""
        return self.type in _MARKET_KINDS and (self.type != "trailing_stop" or self.price is None)

    @property
    def waits(self) -> bool:
        """Whether it waits for a trigger."""
        return self.type not in ("limit", "market", "market_limit")


class LinkedTerms(OrderTerms, frozen=True, kw_only=True):
    """The other order of a pair: an entry of otoco_config."""

    direction: Literal["buy", "sell"]
    instrument_name: str = ""  # that of the first order


class PlaceParams(OrderTerms, frozen=True, kw_only=True):
    """private/buy and private/sell."""

    access_token: str = ""
    instrument_name: str
    linked_order_type: Literal["one_cancels_other"] | None = None
    trigger_fill_condition: Literal["first_hit"] = "first_hit"  # any fill of one cancels the other at once
    otoco_config: list[LinkedTerms] = []
