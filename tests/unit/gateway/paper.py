"""A core on paper for the gateway's tests: it takes every command, remembers it, and answers with the frames that the
test has written.

Lives here: PaperLink (gateway.core_link.CoreLink), decoded NewOrder records, and builders of frames.
Does not know: matching, money. An order that nobody wrote an answer for is shown as it was sent, resting.
"""

from collections.abc import Callable
from typing import Any

from domain import wire
from domain.commands import decode_cold
from domain.constants import (
    COMMAND_AMEND_ORDER,
    COMMAND_CANCEL_ALL,
    COMMAND_CANCEL_ORDER,
    COMMAND_COLD,
    COMMAND_NEW_ORDER,
    EVENT_COMMAND,
    EVENT_L3,
    EVENT_MMP,
    EVENT_ORDER,
    EVENT_PHASE,
    ORDER_CANCELLED,
    ORDER_OPEN,
    ORDER_WAITING,
)
from domain.reads import (
    Answer,
    BookImage,
    FactsAnswer,
    ImageAnswer,
    OrdersAnswer,
    ReadFacts,
    ReadImage,
    ReadOpenOrders,
    ReadOrder,
    ReadRequest,
)
from tests.unit.gateway.inprocess import ALICE, BOB, CAROL, NAMES, RULE, START_NS, MemoryHistory, market

Frames = list[bytes]
Answerer = Callable[[dict[str, Any]], tuple[int, Frames]]  # a command -> (code, frames after the command frame)

_HEADER = ("length", "kind", "flags", "sequence", "time_ns", "origin", "request")
_NEW = (
    "account", "instrument", "price_ticks", "quantity_lots", "valid_until_ns", "side", "order_type", "time_in_force",
    "stp", "post_only", "reduce_only", "cancel_on_disconnect", "label_bytes",
)  # fmt: skip
_TERMS = (
    "display_lots", "budget", "trigger_ticks", "trail_ticks", "expire_ns", "oco", "quote_set", "peg_offset",
    "trail_bps", "trigger", "reference", "peg", "mmp", "quote", "client_id_bytes", "key",
)  # fmt: skip
_AMEND = (
    "account", "market", "order_id", "price_ticks", "total_lots", "valid_until_ns", "trigger_ticks", "post_only",
    "mode",
)  # fmt: skip
_CANCEL_ALL = (
    "account", "instrument", "quote_asset", "instrument_kind", "side", "ranged", "label_bytes", "only_quotes", "mmp",
    "price_low_ticks", "price_high_ticks", "quote_set", "in_set",
)  # fmt: skip


def read_record(record: bytes) -> dict[str, Any]:
    """A command record by field name; a cold one as {"cold": command}."""
    kind = wire.COMMAND_HEADER.unpack_from(record)[1]
    if kind == COMMAND_COLD:
        header = dict(zip(_HEADER, wire.COMMAND_HEADER.unpack_from(record), strict=True))
        return header | {"cold": decode_cold(record)}
    if kind == COMMAND_NEW_ORDER:
        fields = dict(zip(_HEADER + _NEW, wire.NEW_ORDER.unpack_from(record), strict=True))
        at = wire.NEW_ORDER.size
        terms = dict.fromkeys(_TERMS, 0)
        if fields["flags"] & wire.HAS_TERMS:
            terms = dict(zip(_TERMS, wire.ORDER_TERMS.unpack_from(record, at), strict=True))
            at += wire.ORDER_TERMS.size
        fields |= terms
        middle = at + fields["label_bytes"]
        return fields | {
            "label": record[at:middle].decode(),
            "client_id": record[middle : middle + terms["client_id_bytes"]].decode(),
        }
    names, layout = {
        COMMAND_AMEND_ORDER: (_AMEND, wire.AMEND_ORDER),
        COMMAND_CANCEL_ORDER: (("account", "market", "order_id"), wire.CANCEL_ORDER),
    }.get(kind, (_CANCEL_ALL, wire.CANCEL_ALL))
    fields = dict(zip(_HEADER + names, layout.unpack_from(record), strict=True))
    if "label_bytes" in fields:
        fields["label"] = record[layout.size : layout.size + fields["label_bytes"]].decode()
    return fields


def order_frame(**given: Any) -> bytes:
    """An order frame; what is not named is 0."""
    label, client_id = str(given.pop("label", "")).encode(), str(given.pop("client_id", "")).encode()
    order = (
        "order_id", "origin", "account", "instrument", "price_ticks", "total_lots", "filled_lots", "notional_ticks",
        "fee", "created_ns", "updated_ns", "side", "order_type", "time_in_force", "stp", "post_only", "reduce_only",
        "cancel_on_disconnect", "state", "reason", "label_bytes", "amended", "peg_offset", "display_lots",
        "shown_lots", "trigger_ticks", "trail_ticks", "expire_ns", "prevented_lots", "oco", "quote_set", "trail_bps",
        "trigger", "reference", "peg", "mmp", "quote", "client_id_bytes",
    )  # fmt: skip
    values = {"state": ORDER_OPEN, "total_lots": 1} | given
    values |= {"label_bytes": len(label), "client_id_bytes": len(client_id)}
    unknown = set(values) - set(order)
    assert not unknown, unknown
    length = wire.padded(wire.ORDER_EVENT.size + len(label) + len(client_id))
    head = wire.ORDER_EVENT.pack(length, EVENT_ORDER, 0, *(values.get(name, 0) for name in order))
    return (head + label + client_id).ljust(length, b"\0")


def l3_frame(
    instrument: int, side: int, kind: int, order_id: int, price_ticks: int, shown_lots: int, seq: int
) -> bytes:
    """A queue change."""
    return wire.L3_EVENT.pack(
        wire.L3_EVENT.size, EVENT_L3, 0, instrument, side, kind, 0, order_id, price_ticks, shown_lots, seq
    )


def phase_frame(
    instrument: int, phase: int, until_ns: int = 0, price: int = 0, volume: int = 0, surplus: int = 0
) -> bytes:
    """A phase, with what a call would trade."""
    return wire.PHASE_EVENT.pack(
        wire.PHASE_EVENT.size, EVENT_PHASE, 0, instrument, phase, until_ns, price, volume, surplus
    )


def mmp_frame(account: int, group: int, frozen_until_ns: int) -> bytes:
    """A protection group reached a limit."""
    return wire.MMP_EVENT.pack(wire.MMP_EVENT.size, EVENT_MMP, 0, account, group, frozen_until_ns)


class PaperLink:
    """gateway.core_link.CoreLink without a core behind it."""

    def __init__(self) -> None:
        self.gateway_id = 7
        self.away = False
        self.history = MemoryHistory()
        self.exchange_time_ns = START_NS
        self.on_events: Callable[[bytes], None] = lambda data: None
        self.on_away: Callable[[], None] = lambda: None
        self.on_back: Callable[[], None] = lambda: None
        self.sequence = 100
        self.taken: list[dict[str, Any]] = []
        self.answers: list[Answerer] = []  # used up one by one; then every order rests as it was sent
        self.bids: dict[int, tuple[tuple[int, int, int], ...]] = {}  # instrument -> single orders of the image
        self.phases: dict[int, int] = {}
        self.open: list[bytes] = []  # order frames that reads of open orders answer
        self.sent: list[bytes] = []
        self._undelivered: list[bytes] = []

    def send_commands(self, records: bytes) -> None:
        self.sent.append(records)
        for record in wire.split_records(records):
            self._take(bytes(record))

    def _take(self, record: bytes) -> None:
        command = read_record(record)
        self.sequence += 1
        self.exchange_time_ns += 1_000_000
        self.taken.append(command)
        code, frames = (self.answers.pop(0) if self.answers else self.rests)(command)
        value = command.pop("value", 0)
        self.tell(frames, command, code=code, detail=command.pop("detail", 0), value=value)

    def tell(
        self, frames: Frames, command: dict[str, Any] | None = None, *, code: int = 0, detail: int = 0, value: int = 0
    ) -> None:
        """Events of one command, to be delivered; without a command, of somebody else's."""
        if command is None:
            self.sequence += 1
            command = {}
        head = wire.COMMAND_EVENT.pack(
            wire.COMMAND_EVENT.size, EVENT_COMMAND, 0, self.sequence, self.exchange_time_ns,
            command.get("origin", 0), command.get("request", 0), command.get("account", ALICE),
            command.get("kind", COMMAND_COLD), len(frames), code, detail, value,
        )  # fmt: skip
        self._undelivered.append(head + b"".join(frames))

    def rests(self, command: dict[str, Any]) -> tuple[int, Frames]:
        """The answer to a command that does what it says."""
        kind = command["kind"]
        if kind == COMMAND_NEW_ORDER:
            if command["quote"]:
                command["value"] = self.sequence
            return 0, [self.order_of(command)]
        if kind == COMMAND_AMEND_ORDER:
            names = ("account", "order_id", "price_ticks", "total_lots")
            instrument = command["market"] - 1
            return 0, [order_frame(instrument=instrument, amended=1, **{name: command[name] for name in names})]
        if kind == COMMAND_CANCEL_ORDER:
            frame = order_frame(
                order_id=command["order_id"], account=command["account"], instrument=command["market"] - 1,
                state=ORDER_CANCELLED, reason=1,
            )  # fmt: skip
            return 0, [frame]
        if kind == COMMAND_CANCEL_ALL:
            command["value"] = 1
        return 0, []

    def order_of(self, command: dict[str, Any], **more: Any) -> bytes:
        """The order frame of a NewOrder, as it was sent."""
        same = (
            "origin", "account", "instrument", "price_ticks", "side", "order_type", "time_in_force", "stp",
            "post_only", "reduce_only", "cancel_on_disconnect", "label", "client_id", "display_lots", "trigger_ticks",
            "trail_ticks", "trail_bps", "expire_ns", "oco", "quote_set", "peg_offset", "trigger", "reference", "peg",
            "mmp", "quote",
        )  # fmt: skip
        waits = command["trigger"] or command["trail_ticks"] or command["trail_bps"]
        fields = {name: command[name] for name in same} | {
            "order_id": self.sequence,
            "total_lots": command["quantity_lots"],
            "shown_lots": 0 if waits else command["display_lots"] or command["quantity_lots"],
            "state": ORDER_WAITING if waits else ORDER_OPEN,
            "created_ns": self.exchange_time_ns,
            "updated_ns": self.exchange_time_ns,
        }
        return order_frame(**(fields | more))

    def deliver(self) -> None:
        """Hand the waiting events to the gateway."""
        while self._undelivered:  # an answer may be followed by another command
            waiting, self._undelivered = self._undelivered, []
            for events in waiting:
                self.on_events(events)

    async def read(self, request: ReadRequest) -> Answer:
        if isinstance(request, ReadImage):
            return self.image()
        if isinstance(request, ReadFacts):
            return FactsAnswer(self.sequence, self.exchange_time_ns, -1, "", 0, 0, 0)
        if isinstance(request, ReadOpenOrders):
            return OrdersAnswer(self.sequence, self.exchange_time_ns, b"".join(self.open))
        assert isinstance(request, ReadOrder)
        return OrdersAnswer(self.sequence, self.exchange_time_ns, b"")

    def image(self) -> ImageAnswer:
        """Empty books of the small market; Alice and Bob may trade everything."""
        until = {RULE: 2 * START_NS}
        return ImageAnswer(
            self.sequence,
            self.exchange_time_ns,
            assets=(("BTC", 10**11, "cash"), ("USDC", 10**6, "cash"), ("TH1A", 10**3, "token")),
            books=tuple(
                BookImage(
                    instrument=instrument, open=True,
                    bids=levels_of(self.bids.get(instrument.instrument_id, ())), asks=(),
                    mark_ticks=5_000, index_ticks=5_000, last_ticks=0, trade_seq=0, open_interest_lots=0,
                    phase=self.phases.get(instrument.instrument_id, 0), l3_seq=40 if self.bids else 0,
                    bid_orders=self.bids.get(instrument.instrument_id, ()),
                )
                for instrument in market()
            ),
            accounts=tuple(NAMES.items()),
            rules=((RULE, "professional_investor", ("kyc", "professional")),),
            eligible_until_ns=((ALICE, until, {}), (BOB, until, {}), (CAROL, {}, {RULE: "not_registered"})),
            index_msat=0,
            index_micro_usdc=0,
            btc_micro_usdc=0,
        )  # fmt: skip


def levels_of(orders: tuple[tuple[int, int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Totals per price of single orders, best bid first."""
    totals: dict[int, int] = {}
    for _, price, lots in orders:
        totals[price] = totals.get(price, 0) + lots
    return tuple(sorted(totals.items(), reverse=True))
