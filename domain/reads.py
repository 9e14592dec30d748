"""Questions to the core that are not journaled, and their answers.

Lives here: request and reply structs. Served between groups, stamped with the sequence they are true at.
Does not know: how the core finds the answer.
Units: money in ledger units of its asset, prices in ticks, quantities in lots.
"""

from typing import Final

import msgspec

from domain.instruments import Instrument


class Read(msgspec.Struct, frozen=True, tag_field="t", forbid_unknown_fields=True):
    """Base of the requests."""


class ReadOpenOrders(Read, frozen=True, tag=True):
    account: int


class ReadOrder(Read, frozen=True, tag=True):
    account: int
    order_id: int


class ReadPositions(Read, frozen=True, tag=True):
    account: int


class ReadBalances(Read, frozen=True, tag=True):
    account: int


class ReadDividends(Read, frozen=True, tag=True):
    account: int
    count: int


class ReadEligibility(Read, frozen=True, tag=True):
    account: int


class ReadImage(Read, frozen=True, tag=True):
    """Everything public a gateway needs to start: instruments, books, marks, registry."""


class ReadDigest(Read, frozen=True, tag=True):
    """Digest of the whole state and the result of the invariants; costs O(state)."""


class ReadFacts(Read, frozen=True, tag=True):
    """What the feeds need to go on where the venue was."""


ReadRequest = (
    ReadOpenOrders | ReadOrder | ReadPositions | ReadBalances | ReadDividends | ReadEligibility | ReadImage | ReadDigest
    | ReadFacts
)  # fmt: skip


class Stamped(msgspec.Struct, frozen=True, tag_field="t"):
    """Base of the answers: true after the command with this sequence."""

    sequence: int
    time_ns: int


class OrdersAnswer(Stamped, frozen=True, tag=True):
    frames: bytes  # concatenated order frames (domain.events.decode_events), oldest first; empty = unknown order


class PositionView(msgspec.Struct, frozen=True):
    instrument: int
    lots: int
    buy_lots: int  # open orders
    sell_lots: int
    average_price_ticks_e6: int  # entry price in 1e-6 ticks
    mark_ticks: int
    unsettled: int  # since the last variation margin cycle
    realized: int  # paid by cycles, plus fees negative, since the position was last flat
    initial_margin: int
    maintenance_margin: int


class PositionsAnswer(Stamped, frozen=True, tag=True):
    positions: tuple[PositionView, ...]


class BalanceView(msgspec.Struct, frozen=True):
    asset: str
    posted: int  # settled
    held: int  # of it, in open spot orders
    pending: int  # dividends not yet posted
    unsettled: int  # variation margin since the last cycle
    equity: int  # posted - held + unsettled
    initial_margin: int
    maintenance_margin: int
    available: int  # what a new order may use


class BalancesAnswer(Stamped, frozen=True, tag=True):
    balances: tuple[BalanceView, ...]


class DividendView(msgspec.Struct, frozen=True):
    token: str
    block_height: int
    block_hash: str
    record_time_ns: int
    seen_time_ns: int
    quantity: int  # ledger units of the token
    amount: int  # ledger units of the currency
    currency: str
    state: str


class DividendsAnswer(Stamped, frozen=True, tag=True):
    dividends: tuple[DividendView, ...]


class EligibilityView(msgspec.Struct, frozen=True):
    rule_id: int
    rule: str
    requires: tuple[str, ...]
    eligible: bool
    until_ns: int
    reason: str
    instruments: tuple[str, ...]


class EligibilityAnswer(Stamped, frozen=True, tag=True):
    account: int
    name: str
    country: str
    rules: tuple[EligibilityView, ...]


class BookImage(msgspec.Struct, frozen=True):
    instrument: Instrument
    open: bool
    bids: tuple[tuple[int, int], ...]  # price, lots; best first
    asks: tuple[tuple[int, int], ...]
    mark_ticks: int
    index_ticks: int
    last_ticks: int  # 0 = never traded
    trade_seq: int
    open_interest_lots: int
    phase: int = 0
    until_ns: int = 0  # planned end of the phase, 0 = none
    indicative: tuple[int, int, int] = (0, 0, 0)  # price, volume, surplus of a call
    l3_seq: int = 0
    bid_orders: tuple[tuple[int, int, int], ...] = ()  # order id, price, shown lots; best first, in queue order
    ask_orders: tuple[tuple[int, int, int], ...] = ()


class ImageAnswer(Stamped, frozen=True, tag=True):
    assets: tuple[tuple[str, int, str], ...]  # name, scale, kind
    books: tuple[BookImage, ...]
    accounts: tuple[tuple[int, str], ...]
    rules: tuple[tuple[int, str, tuple[str, ...]], ...]
    eligible_until_ns: tuple[tuple[int, dict[int, int], dict[int, str]], ...]
    index_msat: int
    index_micro_usdc: int
    btc_micro_usdc: int


class DigestAnswer(Stamped, frozen=True, tag=True):
    digest: str
    invariants: str  # "ok" or the first violation


class FactsAnswer(Stamped, frozen=True, tag=True):
    tip_height: int  # -1 before the chain was started
    tip_hash: str
    cycle_id: int
    scenarios_version: int
    price_micro_usdc: int


Answer = (
    OrdersAnswer | PositionsAnswer | BalancesAnswer | DividendsAnswer | EligibilityAnswer | ImageAnswer | DigestAnswer
    | FactsAnswer
)  # fmt: skip

encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = msgspec.msgpack.Decoder(ReadRequest).decode
decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode
