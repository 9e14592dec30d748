"""One cancels other: two orders of one account in one market, placed one after the other and linked by the core.

Lives here: the chain of commands: the first order; if it rests or waits, the second one naming it; if that is refused,
the first is cancelled again, because nobody asked for half of a pair.
Does not know: how a link works (the core's business), parameters (order_params.py).
"""

from collections.abc import Callable

from domain import commands
from domain.constants import ORDER_OPEN, ORDER_PARKED, ORDER_WAITING
from domain.events import OrderState
from domain.rejects import RejectCode
from gateway.desk import order_text, shown_order, taken_texts
from gateway.errors import Refusal
from gateway.instrument_view import InstrumentView
from gateway.table import ANSWER_CANCELLED, ANSWER_ORDER, Call, Command, Outcome, Part
from gateway.venue import Venue

ALIVE = frozenset({ORDER_OPEN, ORDER_WAITING, ORDER_PARKED})
MakeRecord = Callable[[int, int], bytes]  # request, order to link with -> the second order's record


def with_partner(venue: Venue, call: Call, first: Command, view: InstrumentView, second: MakeRecord) -> Command:
    """The first order's command, continued by its partner's."""

    def link(part: Part) -> Outcome:
        if isinstance(part.outcome, Refusal):
            return part.outcome
        order = shown_order(first, part.applied, part.orders)
        if order.state not in ALIVE:
            return part.outcome
        request = venue.desk.next_request()
        record = second(request, order.order_id)
        return Command(record, request, ANSWER_ORDER, view, then=lambda answer: linked(part, order, answer))

    def linked(one: Part, order: OrderState, other: Part) -> Outcome:
        if isinstance(other.outcome, Refusal):
            if other.applied.code == RejectCode.OCO_UNKNOWN:
                return one.outcome  # it was filled or cancelled in between: no partner is needed
            return _undo(venue, call, view, order, other.outcome)
        partner = other.orders[other.applied.sequence]
        latest = other.orders.get(order.order_id, order)
        return _pair(venue, one, latest, other, partner)

    return Command(first.record, first.request, first.answer, view, then=link)


def _pair(venue: Venue, one: Part, order: OrderState, other: Part, partner: OrderState) -> bytes:
    image = venue.image
    trades = ",".join(taken_texts(image, one.applied, one.trades, order))
    partner_trades = ",".join(taken_texts(image, other.applied, other.trades, partner))
    return (
        f'{{"order":{order_text(image, order)},"trades":[{trades}],'
        f'"x_linked":{{"order":{order_text(image, partner)},"trades":[{partner_trades}]}}}}'
    ).encode()


def _undo(venue: Venue, call: Call, view: InstrumentView, order: OrderState, refusal: Refusal) -> Command:
    """Cancel the first order; the answer stays the refusal of the second, which names what was wrong with it."""
    told = Refusal(
        refusal.code, refusal.data | {"x_order": "second", "x_first_order_id": view.order_id(order.order_id)}
    )
    request = venue.desk.next_request()
    record = commands.cancel_order(
        account=call.principal.account,
        order_id=order.order_id,
        instrument=view.instrument_id,
        origin=call.connection.origin,
        request=request,
    )
    return Command(record, request, ANSWER_CANCELLED, view, order.order_id, then=lambda part: told)
