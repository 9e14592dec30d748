"""The messages of the API as typed structs, and the exact way numbers cross the wire.

Lives here: requests, replies and results that the SDK uses. Fields that it does not use are skipped while decoding, so
a venue may add some at any time.
Does not know: sockets, sessions, strategy.
Numbers: prices and amounts are `Decimal` on our side and JSON numbers in plain decimal notation on the wire; nothing
passes through a float. Timestamps are milliseconds since 1970, by the exchange's clock.
"""

from decimal import Decimal
from typing import Any

import msgspec

BUY = "buy"
SELL = "sell"

Exact = Decimal | int


def json_number(value: Exact) -> msgspec.Raw:
    """A price or an amount as a JSON number without exponent, digit for digit.

    Raises:
        TypeError: a float (it has lost its digits already), or another type.
        ValueError: not a finite number.

    >>> bytes(json_number(Decimal("1E-8")))
    b'0.00000001'
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"a price or an amount is a Decimal or an int, not {type(value).__name__}")
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {value}")
    return msgspec.Raw(format(exact, "f").encode())


def exact_json(value: Any) -> Any:
    """A parameter with every number in it exact, however deep; raises as `json_number`.

    >>> ENCODER.encode(exact_json({"offset": Decimal("-1E-8"), "reference": "mid"}))
    b'{"offset":-0.00000001,"reference":"mid"}'
    """
    if isinstance(value, dict):
        return {name: exact_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact_json(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    return json_number(value)


class ErrorBody(msgspec.Struct, frozen=True):
    """The `error` of a reply."""

    code: int
    message: str
    data: Any = None


class Incoming(msgspec.Struct, frozen=True):
    """Any frame of the venue. A reply has an id, a notification has a method."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorBody | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"")


class Notice(msgspec.Struct, frozen=True):
    """Parameters of a `subscription` notification."""

    channel: str
    data: msgspec.Raw


class Heartbeat(msgspec.Struct, frozen=True):
    """Parameters of a `heartbeat` notification; `test_request` wants an answer."""

    type: str


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What can be traded, and in which steps."""

    instrument_name: str
    kind: str  # spot, future, option, ...
    base_currency: str
    tick_size: Decimal  # quote currency per unit of base
    min_trade_amount: Decimal  # base units; also the step of every amount
    quote_currency: str = ""
    counter_currency: str = ""
    settlement_currency: str | None = None
    contract_size: Decimal = Decimal(1)
    expiration_timestamp: int = 0
    creation_timestamp: int = 0
    settlement_period: str | None = None
    price_index: str | None = None
    is_active: bool = True
    state: str = "open"
    maker_commission: Decimal = Decimal(0)
    taker_commission: Decimal = Decimal(0)
    x_lot: Decimal | None = None  # forwards: PH/s-days in one lot of 1 PH/s, the days of the delivery month


class Ticker(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's prices at one moment; 0 or None stands for "there is none"."""

    instrument_name: str
    timestamp: int
    index_price: Decimal | None = None
    mark_price: Decimal | None = None
    last_price: Decimal | None = None
    best_bid_price: Decimal | None = None
    best_bid_amount: Decimal | None = None
    best_ask_price: Decimal | None = None
    best_ask_amount: Decimal | None = None
    min_price: Decimal | None = None  # lowest price an order may name
    max_price: Decimal | None = None
    open_interest: Decimal | None = None
    state: str = "open"


class Order(msgspec.Struct, frozen=True, kw_only=True, rename={"raw_price": "price"}):
    """One order as the venue sees it."""

    order_id: str
    instrument_name: str
    direction: str  # buy, sell
    order_type: str
    order_state: str  # open, filled, cancelled, rejected, untriggered
    amount: Decimal  # total, filled part included
    filled_amount: Decimal = Decimal(0)
    average_price: Decimal | None = None
    raw_price: msgspec.Raw = msgspec.Raw(b"null")
    label: str = ""
    time_in_force: str = "good_til_cancelled"
    post_only: bool = False
    reduce_only: bool = False
    creation_timestamp: int = 0
    last_update_timestamp: int = 0
    cancel_reason: str | None = None
    reject_post_only: bool = False
    trigger: str | None = None  # last_price, mark_price, index_price
    trigger_price: Decimal | None = None
    trigger_offset: Decimal | None = None  # trailing: price units
    triggered: bool | None = None
    max_show: Decimal | None = None  # an iceberg's shown part, else the whole amount
    mmp: bool = False
    mmp_group: str | None = None
    quote: bool = False
    quote_set_id: str | None = None
    oco_ref: str | None = None  # the order that is cancelled when this one trades
    x_client_order_id: str | None = None
    x_seq: int | None = None

    @property
    def price(self) -> Decimal | None:
        """The limit; None for an order without one (a market order's price is a word on the wire)."""
        text = bytes(self.raw_price)
        return None if text[:1] in (b'"', b"n") else Decimal(text.decode())

    @property
    def open_amount(self) -> Decimal:
        """What is still to be filled."""
        return self.amount - self.filled_amount

    @property
    def is_open(self) -> bool:
        """Still in the book (or waiting for its trigger)."""
        return self.order_state in ("open", "untriggered")


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, public or our own; the fields of our own are None on a public one."""

    trade_id: str
    instrument_name: str
    direction: str
    price: Decimal
    amount: Decimal
    timestamp: int
    trade_seq: int = 0
    index_price: Decimal | None = None
    mark_price: Decimal | None = None
    order_id: str | None = None
    label: str | None = None
    fee: Decimal | None = None
    fee_currency: str | None = None
    liquidity: str | None = None  # M maker, T taker
    x_seq: int | None = None


class OrderResult(msgspec.Struct, frozen=True):
    """Answer to buy, sell and edit: the order afterwards, and the fills it made at once."""

    order: Order
    trades: list[Trade] = []


class QuoteError(msgspec.Struct, frozen=True):
    """One side of a mass quote that was refused."""

    instrument_name: str
    side: str  # bid, ask
    error: ErrorBody


class MassQuoteResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `private/mass_quote`: the orders that carry the quotes, their fills, and what was refused."""

    orders: list[Order] = []
    trades: list[Trade] = []
    errors: list[QuoteError] = []
    errors_count: int = 0


class Auction(msgspec.Struct, frozen=True, kw_only=True):
    """Phase of a book; in a call with what would trade now."""

    instrument_name: str
    phase: str
    timestamp: int
    indicative_price: Decimal | None = None
    indicative_amount: Decimal | None = None
    imbalance: Decimal | None = None
    until_timestamp: int | None = None


class Trades(msgspec.Struct, frozen=True):
    """One page of trades."""

    trades: list[Trade]
    has_more: bool = False


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One forward's position."""

    instrument_name: str
    direction: str  # buy, sell, zero
    size: Decimal
    average_price: Decimal | None = None
    mark_price: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    floating_profit_loss: Decimal | None = None
    realized_profit_loss: Decimal | None = None

    @property
    def signed_amount(self) -> Decimal:
        """Base units, positive when long, whichever way the venue signs `size`."""
        return -abs(self.size) if self.direction == SELL else abs(self.size)


class AccountSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One currency of the account."""

    currency: str
    balance: Decimal
    equity: Decimal
    available_funds: Decimal
    margin_balance: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None


class AccountSummaries(msgspec.Struct, frozen=True):
    """Answer to `private/get_account_summaries`."""

    summaries: list[AccountSummary]


class Dividend(msgspec.Struct, frozen=True, kw_only=True):
    """One mining reward's share for one token holding; pending until the block is deep enough, voided by a reorg."""

    token: str
    block_height: int
    block_hash: str
    record_timestamp: int
    seen_timestamp: int
    quantity: Decimal
    amount: Decimal
    currency: str
    state: str  # pending, posted, voided


class Login(msgspec.Struct, frozen=True):
    """Answer to `public/auth`."""

    access_token: str
    expires_in: int  # seconds
    scope: str = ""


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to `public/get_order_book`: levels best first, each (price, amount)."""

    instrument_name: str
    timestamp: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]
    change_id: int = 0
    state: str = "open"


class BookUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a `book.*` channel: (new | change | delete, price, amount). A snapshot names no predecessor."""

    instrument_name: str
    timestamp: int
    change_id: int
    bids: list[tuple[str, Decimal, Decimal]]
    asks: list[tuple[str, Decimal, Decimal]]
    prev_change_id: int | None = None
    x_checksum: int | None = None


ENCODER = msgspec.json.Encoder()
INCOMING = msgspec.json.Decoder(Incoming)
NOTICE = msgspec.json.Decoder(Notice)
HEARTBEAT = msgspec.json.Decoder(Heartbeat)
ANYTHING = msgspec.json.Decoder(float_hook=Decimal)  # untyped results keep their digits too


def encode_request(request_id: int, method: str, params: dict[str, Any]) -> bytes:
    """One request frame."""
    return ENCODER.encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
