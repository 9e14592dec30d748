"""The desk: commands on their way to the core, and their replies made from the events that come back.

Lives here: numbering of requests, the pending table, the order and trade texts of a reply, completed refusals.
Does not know: sockets, channels. A command is answered exactly once: by its own CommandApplied frame, or as
`outcome_unknown` when the core went away in between. From then on the desk is closed until the new core's image has
been read: that image may cover a command already, whose events, and with them the answer, would never be looked at.
"""

from domain.ensure import ensure
from domain.events import CommandApplied, OrderState, Trade
from domain.instruments import format_scaled
from domain.rejects import RejectCode
from gateway.core_link import CoreAway, CoreLink
from gateway.errors import MAINTENANCE, OUTCOME_UNKNOWN, Refusal, from_core
from gateway.image import Image
from gateway.instrument_view import InstrumentView, raw
from gateway.render import order_json, user_trade_json
from gateway.table import ANSWER_CANCELLED, ANSWER_COUNT, Call, Command


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


class Desk:
    """Pending commands of one gateway."""

    def __init__(self, link: CoreLink, image: Image) -> None:
        self._link = link
        self.image = image
        self.pending: dict[int, tuple[Call, Command]] = {}
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
        self.pending[command.request] = (call, command)
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
                call, _ = self.pending.pop(request)
                call.connection.finish(call, MAINTENANCE)

    def core_went_away(self) -> None:
        """Commands without an answer may or may not have been applied: say exactly that. Take no more."""
        self._closed = True
        pending, self.pending = self.pending, {}
        self._records.clear()
        self._unsent.clear()
        for call, _ in pending.values():
            call.connection.finish(call, OUTCOME_UNKNOWN)

    def core_is_back(self) -> None:
        """The image of the core's present state has been read: take commands again."""
        self._closed = False

    def answer(self, applied: CommandApplied, trades: list[Trade], orders: dict[int, OrderState]) -> None:
        """Reply to the call behind this command; its request is known to be pending."""
        call, command = self.pending.pop(applied.request)
        call.connection.finish(call, self._outcome(call, command, applied, trades, orders))

    def _outcome(
        self,
        call: Call,
        command: Command,
        applied: CommandApplied,
        trades: list[Trade],
        orders: dict[int, OrderState],
    ) -> bytes | Refusal:
        if applied.code:
            return self._refused(call, command, applied)
        if command.answer == ANSWER_COUNT:
            return b"%d" % applied.value
        order_id = command.order_id or applied.sequence
        ensure(order_id in orders, "an accepted order command shows its order")
        order = orders[order_id]
        view = self.image.views[order.instrument]
        scale = self.image.quote_scales[order.instrument]
        text = order_json(view, order, scale)
        if command.answer == ANSWER_CANCELLED:
            return text.encode()
        if not trades:
            return b'{"order":%b,"trades":[]}' % text.encode()
        fills = ",".join(
            user_trade_json(view, trade, applied.time_ns, order, maker=False, quote_scale=scale)
            for trade in trades
            if trade.taker_order_id == order.order_id
        )
        return f'{{"order":{text},"trades":[{fills}]}}'.encode()

    def _refused(self, call: Call, command: Command, applied: CommandApplied) -> Refusal:
        """The dialect's refusal, completed with names the core knows only as numbers."""
        code = applied.code
        if code == RejectCode.NOT_ELIGIBLE and command.view is not None:
            return not_eligible(self.image, command.view, call.principal.account)
        if code in (RejectCode.INSUFFICIENT_BALANCE, RejectCode.INSUFFICIENT_MARGIN):
            rule = "margin" if code == RejectCode.INSUFFICIENT_MARGIN else "balance"
            scale = self.image.asset_scale(applied.detail)
            data = {
                "reason": f"insufficient {rule}",
                "rule": rule,
                "missing": raw(format_scaled(applied.value, scale)),
                "currency": self.image.asset_name(applied.detail),
                "reject_code": code,
            }
            if command.view is not None:
                data["instrument_name"] = command.view.name
            return Refusal(10009, data)
        return from_core(applied)
