"""The desk: commands on their way to the core, and their replies made from the events that come back.

Lives here: numbering of requests, the pending table, the order and trade texts of a reply, completed refusals.
Does not know: sockets, channels. A command is answered exactly once: by its own CommandApplied frame, or as
`outcome_unknown` when the core went away in between. From then on the desk is closed until the new core's image has
been read: that image may cover a command already, whose events, and with them the answer, would never be looked at.
"""

from typing import cast

from domain.constants import COMMAND_CANCEL_ALL
from domain.ensure import ensure
from domain.events import CommandApplied, OrderState, Trade
from domain.instruments import format_scaled
from domain.rejects import RejectCode
from gateway.core_link import CoreAway, CoreLink
from gateway.errors import MAINTENANCE, OUTCOME_UNKNOWN, Refusal, from_core
from gateway.image import Image
from gateway.instrument_view import InstrumentView, raw
from gateway.render import cancel_word, order_json, user_trade_json
from gateway.table import ANSWER_CANCELLED, ANSWER_COUNT, ANSWER_OK, Call, Command, Outcome, Part


def not_eligible(image: Image, view: InstrumentView, account: int) -> Refusal:
    """20001 naming the rule, what it asks for and why the account fails it."""
    rule_id = view.instrument.rule_id
    name, requires = image.rules.get(rule_id, (str(rule_id), ()))
    return Refusal(
        20001,
        {
            "rule": name,
            "requires": list(requires),
            "reason": image.reasons.get(account, {}).get(rule_id, "not_registered"),
            "instrument_name": view.name,
        },
    )


def order_text(image: Image, order: OrderState) -> str:
    """An order as JSON."""
    return order_json(image.views[order.instrument], order, image.quote_scales[order.instrument])


def taken_texts(image: Image, applied: CommandApplied, trades: list[Trade], order: OrderState) -> list[str]:
    """The trades of a command in which this order took."""
    return [
        user_trade_json(
            image.views[trade.instrument], trade, applied.time_ns, order, maker=False,
            quote_scale=image.quote_scales[trade.instrument],  # a combo's order trades in its legs
        )
        for trade in trades
        if trade.taker_order_id == order.order_id
    ]  # fmt: skip


def shown_order(command: Command, applied: CommandApplied, orders: dict[int, OrderState]) -> OrderState:
    """The order that an accepted command is about: the one it names, the one it made, or, for a repeated client order
    id, the one that was made the first time."""
    order = orders.get(command.order_id or applied.sequence) or orders.get(applied.value)
    ensure(order is not None, "an accepted order command shows its order")
    return cast(OrderState, order)


def _counted(parts: list[Part]) -> bytes | Refusal:
    """The sum over a run of cancels: a mass cancel counts its orders, a single one is one; refused ones were gone."""
    count = 0
    for part in parts:
        if not part.applied.code:
            count += part.applied.value if part.applied.command_kind == COMMAND_CANCEL_ALL else 1
    return b"%d" % count


def already_ended(view: InstrumentView, order_id: int, applied: CommandApplied) -> Refusal:
    """An edit or a cancel of an own order that is gone: with its final state."""
    filled = applied.code == RejectCode.ORDER_ALREADY_FILLED
    data = {
        "reason": "the order has ended",
        "param": "order_id",
        "order_id": view.order_id(order_id),
        "order_state": "filled" if filled else "cancelled",
        "filled_amount": raw(view.amount(applied.value)),
        "reject_code": applied.code,
        "reject": RejectCode(applied.code).name.lower(),
    }
    if not filled:
        data["cancel_reason"] = cancel_word(applied.detail)
    return Refusal(11008 if filled else 10010, data)


def refused(image: Image, call: Call, view: InstrumentView | None, order_id: int, applied: CommandApplied) -> Refusal:
    """The dialect's refusal, completed with names the core knows only as numbers."""
    code = applied.code
    if code in (RejectCode.ORDER_ALREADY_FILLED, RejectCode.ORDER_ALREADY_CLOSED) and view is not None:
        return already_ended(view, order_id, applied)
    if code == RejectCode.NOT_ELIGIBLE and view is not None:
        return not_eligible(image, view, call.principal.account)
    if code in (RejectCode.INSUFFICIENT_BALANCE, RejectCode.INSUFFICIENT_MARGIN):
        rule = "margin" if code == RejectCode.INSUFFICIENT_MARGIN else "balance"
        data = {
            "reason": f"insufficient {rule}",
            "rule": rule,
            "missing": raw(format_scaled(applied.value, image.asset_scale(applied.detail))),
            "currency": image.asset_name(applied.detail),
            "reject_code": code,
        }
        if view is not None:
            data["instrument_name"] = view.name
        return Refusal(10009, data)
    return from_core(applied)


class Pending:
    """A command on its way, with the parts of its answer that have come."""

    __slots__ = ("call", "command", "parts")

    def __init__(self, call: Call, command: Command) -> None:
        self.call = call
        self.command = command
        self.parts: list[Part] = []


class Desk:
    """Pending commands of one gateway."""

    def __init__(self, link: CoreLink, image: Image) -> None:
        self._link = link
        self.image = image
        self.pending: dict[int, Pending] = {}
        self._records: list[bytes] = []
        self._unsent: list[int] = []
        self._last_request = 0
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return not (self._closed or self._link.away)

    def next_request(self) -> int:
        """A correlation id, never 0."""
        self._last_request += 1
        return self._last_request

    def submit(self, call: Call, command: Command) -> Refusal | None:
        """Queue a command for the next flush. A refusal means that it was not and will not be sent."""
        if not self.is_open:
            return MAINTENANCE
        self.pending[command.request] = Pending(call, command)
        self._records.append(command.record)
        self._unsent.append(command.request)
        return None

    def post(self, record: bytes) -> None:
        """Queue a command that nobody waits for."""
        if not self._link.away:
            self._records.append(record)

    def flush(self) -> None:
        """Send what is queued in one piece; calls whose commands could not be sent are refused."""
        if not self._records:
            return
        records, self._records = self._records, []
        unsent, self._unsent = self._unsent, []
        try:
            self._link.send_commands(b"".join(records))
        except CoreAway:
            for request in unsent:
                call = self.pending.pop(request).call
                call.connection.finish(call, MAINTENANCE)

    def core_went_away(self) -> None:
        """Commands without an answer may or may not have been applied: say exactly that. Take no more."""
        self._closed = True
        pending, self.pending = self.pending, {}
        self._records.clear()
        self._unsent.clear()
        for waiting in pending.values():
            waiting.call.connection.finish(waiting.call, OUTCOME_UNKNOWN)

    def core_is_back(self) -> None:
        """The image of the core's present state has been read: take commands again."""
        self._closed = False

    def answer(self, applied: CommandApplied, trades: list[Trade], orders: dict[int, OrderState]) -> None:
        """Reply to the call behind this command once all its parts are answered; its request is known to be pending."""
        pending = self.pending[applied.request]
        call, command = pending.call, pending.command
        outcome: Outcome
        if not command.parts:
            outcome = self._outcome(call, command, applied, trades, orders)
            if command.then is not None:
                outcome = command.then(Part(applied, trades, orders, outcome))
        else:
            pending.parts.append(Part(applied, trades, orders, b""))
            if len(pending.parts) < command.parts:
                return
            outcome = _counted(pending.parts) if command.collect is None else command.collect(pending.parts)
        del self.pending[applied.request]
        if isinstance(outcome, Command):
            outcome = self.submit(call, outcome) or b""
            if not outcome:
                return  # the chain goes on; the connection waits for its end
        call.connection.finish(call, outcome)

    def _outcome(
        self,
        call: Call,
        command: Command,
        applied: CommandApplied,
        trades: list[Trade],
        orders: dict[int, OrderState],
    ) -> bytes | Refusal:
        if applied.code:
            return refused(self.image, call, command.view, command.order_id, applied)
        if command.answer == ANSWER_COUNT:
            return b"%d" % applied.value
        if command.answer == ANSWER_OK:
            return b'"ok"'
        order = shown_order(command, applied, orders)
        text = order_text(self.image, order)
        if command.answer == ANSWER_CANCELLED:
            return text.encode()
        if not trades:
            return b'{"order":%b,"trades":[]}' % text.encode()
        return f'{{"order":{text},"trades":[{",".join(taken_texts(self.image, applied, trades, order))}]}}'.encode()
