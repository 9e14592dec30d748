"""What a new order may ask for: one function per shape, each returning the options of `submit`.

Lives here: SHAPES by name; a shape may also change the positional arguments it is given.
Does not know: which shapes a profile likes, cancels, amends and everything else that is no new order.
"""

from collections.abc import Callable
from typing import Any, Final

from domain.constants import (
    BUY,
    FOK,
    GFA,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    STP_DECREMENT,
    STP_NONE,
    TRIGGER_DOWN,
    TRIGGER_UP,
)
from tests.twin.flow_state import UNKNOWN_ID, FlowState, Known
from tests.twin.flow_world import ABSENT_BOOK, Plan

Arguments = list[int]  # book, order id, owner, side, price, lots
Options = dict[str, Any]
OrderShape = Callable[[FlowState, Plan, Arguments], Options]

PRICE, LOTS = 4, 5  # places in Arguments
MAXIMUM: Final = 2**62


def submit(flow: FlowState, shape: OrderShape) -> tuple[str, tuple[Any, ...], Options]:
    """A new order of a shape, rarely with lots or a book that there cannot be."""
    bits = flow.bits
    plan = flow.plan()
    side = bits(1)
    arguments = [plan.number, flow.new_id(), flow.owners[bits(4)], side, flow.price(plan, side), plan.lots[bits(4)]]
    options = shape(flow, plan, arguments)
    odd = bits(8)
    if odd < 3:
        arguments[LOTS] = bad_lots(flow, plan)
    elif odd == 3:
        arguments[0] = ABSENT_BOOK
    elif odd < 10 and "mmp" not in options:
        options["mmp"] = 1 + (odd == 9)
    book, order_id, owner, side, price_ticks, lots = arguments
    plan = flow.plans.get(book, plan)
    flow.sent = Known(order_id, owner, plan, side, price_ticks, lots, options.get("trigger_ticks", 0))
    return "submit", tuple(arguments), options


def bad_lots(flow: FlowState, plan: Plan) -> int:
    """None, less than none, too many, or no multiple of the lot step."""
    rules = plan.rules
    return (0, -rules.lot_step, rules.lots_max + rules.lot_step, plan.lots[0] + 1)[flow.bits(2)]


# ---- orders that act at once -----------------------------------------------------------------------------------


def plain(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    return {"stp": flow.prevention[flow.bits(3)]}


def immediate(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    return {"stp": flow.prevention[flow.bits(3)], "tif": IOC}


def fill_or_kill(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    return {"stp": flow.prevention[flow.bits(3)], "tif": FOK}


def post_only(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    bits = flow.bits
    return {"stp": flow.prevention[bits(3)], "post_only": 1 + bits(1)}


def market(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    bits = flow.bits
    draw = bits(4)
    if draw < 12:
        arguments[PRICE] = 0
    options: Options = {"stp": flow.prevention[bits(3)], "order_type": MARKET}
    if draw & 3 == 0:
        options["tif"] = 1 + bits(1)
    if draw == 15:
        options["post_only"] = 1 + bits(1)
    return options


def market_to_limit(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    bits = flow.bits
    draw = bits(4)
    arguments[PRICE] = 0
    options: Options = {"stp": flow.prevention[bits(3)], "order_type": MARKET_TO_LIMIT}
    if draw < 3:
        options["tif"] = 1 + bits(1)
    if draw == 15:
        options["post_only"] = 1 + bits(1)
    return options


def budget(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """About what so many lots cost; exactly that at times."""
    bits = flow.bits
    draw = bits(4)
    price_ticks = max(flow.at(plan, bits(2) - 2), 1)
    amount = price_ticks * (plan.lots[bits(4)] + (bits(3) - 4 if draw < 6 else 0)) + (bits(5) - 8 if draw & 1 else 0)
    options: Options = {"stp": flow.prevention[bits(3)], "budget": max(1, min(amount, MAXIMUM))}
    if draw & 4:
        options["tif"] = FOK
    if draw & 10:
        options["order_type"] = MARKET
        arguments[PRICE] = 0
    return options


def iceberg(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Shows a part, sometimes all, rarely too much or too little."""
    bits = flow.bits
    draw = bits(5)
    options: Options = {"stp": flow.prevention[bits(3)], "display_lots": plan.lots[0] * (1 + bits(1))}
    arguments[LOTS] += plan.lots[bits(4)]
    if draw == 0:
        options["display_lots"] = (arguments[LOTS] + plan.lots[0], 1, plan.lots[0] + 1, arguments[LOTS])[bits(2)]
    elif draw == 1:
        arguments[LOTS] = min(arguments[LOTS] * 1_001, MAXIMUM)
    elif draw < 6:
        options["post_only"] = 1 + bits(1)
    elif draw == 6:
        options["tif"] = bits(2)
    return options


def peaks(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """An iceberg of a thousand parts; what meets a few of them has more events than a buffer holds."""
    lots = plan.lots[0]
    arguments[LOTS] = lots * 1_000
    return {"stp": flow.prevention[flow.bits(3)], "display_lots": lots}


def sweep(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Rarely an order that takes all there is, at once or when it is triggered; else a plain one."""
    bits = flow.bits
    if bits(5):
        return plain(flow, plan, arguments)
    arguments[LOTS] = plan.lots[0] * 10_000
    if bits(1):
        return {"stp": STP_NONE, "order_type": MARKET}
    options = stop(flow, plan, arguments)
    options["stp"] = STP_DECREMENT
    return options


def good_for_auction(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    bits = flow.bits
    options: Options = {"stp": flow.prevention[bits(3)], "tif": GFA}
    draw = bits(4)
    if draw < 4:
        options["order_type"] = MARKET
        arguments[PRICE] = 0
    elif draw < 6:
        options["display_lots"] = plan.lots[0]
    elif draw == 6:
        options["post_only"] = 1 + bits(1)
    return options


# ---- orders that wait, follow or are linked ----------------------------------------------------------------------

ENTERS_AS: Final[tuple[Options, ...]] = (
    {}, {}, {}, {"order_type": MARKET}, {"order_type": MARKET}, {"order_type": MARKET}, {"tif": IOC}, {"tif": FOK},
    {"order_type": MARKET, "tif": IOC}, {"order_type": MARKET, "tif": FOK}, {"order_type": MARKET_TO_LIMIT},
    {"order_type": MARKET_TO_LIMIT, "tif": IOC}, {"post_only": 1}, {"post_only": 2}, {"display_lots": 0},
    {"order_type": MARKET, "budget": 0},
)  # fmt: skip


def _enters_as(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """What a waiting order is once it is triggered."""
    options = ENTERS_AS[flow.bits(4)].copy()
    options["stp"] = flow.prevention[flow.bits(3)]
    if "order_type" in options:
        arguments[PRICE] = 0
    if "display_lots" in options:
        options["display_lots"] = plan.lots[0]
        arguments[LOTS] += plan.lots[2]
    if "budget" in options:
        options["budget"] = max(1, min(flow.at(plan, 0) * plan.lots[flow.bits(4)], MAXIMUM))
    return options


def stop(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """A stop or take-profit a few steps away, at times met already, rarely with a trigger that there cannot be."""
    bits = flow.bits
    options = _enters_as(flow, plan, arguments)
    draw = bits(5)
    up = draw & 1
    distance = 1 + bits(2) if draw < 28 else -bits(1)
    options["trigger"] = TRIGGER_UP if up else TRIGGER_DOWN
    options["trigger_ticks"] = flow.at(plan, distance if up else -distance)
    if draw >= 20:
        options["reference"] = 1 + bits(1)
    if bits(6) == 0:
        options["trigger_ticks"] = flow.bad_price(plan)
    return options


def trailing(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Follows by ticks or basis points, half of them from an activation price on."""
    bits = flow.bits
    draw = bits(5)
    options = _enters_as(flow, plan, arguments) if draw < 28 else stop(flow, plan, arguments)
    if draw & 1:
        options["trail_ticks"] = (1 + bits(2)) * plan.rules.price_step_ticks
    else:
        options["trail_bps"] = max(1, (1 + bits(2)) * 10_000 // plan.inside_centre + bits(4))
    if draw & 2:
        options["trigger"] = 1 + bits(1)
        options["trigger_ticks"] = flow.at(plan, bits(3) - 4)
    if draw & 12 == 12:
        options["reference"] = 1 + bits(1)
    if draw == 27:
        options["trail_bps"] = (10_000, 9_999, 0, -1)[bits(2)]
    return options


def peg(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Follows bid, ask or middle with an offset, without or with a limit."""
    bits = flow.bits
    draw = bits(5)
    passive = -1 if arguments[3] == BUY else 1
    offset = passive * (0, 0, 0, 1, 1, 2, 3, -1)[bits(3)] * plan.rules.price_step_ticks
    options: Options = {"stp": flow.prevention[bits(3)], "peg": (1, 2, 3, 3)[draw & 3], "peg_offset": offset}
    if draw < 20:
        arguments[PRICE] = 0
    if draw == 31:
        options.update(({"post_only": 1}, {"display_lots": 1}, {"tif": IOC}, {"oco": UNKNOWN_ID})[bits(2)])
    elif draw == 30:
        options["peg_offset"] = (-plan.inside_centre, plan.inside_centre, 2**20, -(2**20))[bits(2)]
    return options


def linked(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Names a partner: mostly one that can be."""
    bits = flow.bits
    partner = flow.pick()
    draw = bits(4)
    options = stop(flow, plan, arguments) if draw < 5 else PLAINER[draw](flow, plan, arguments)
    if partner is None:
        options["oco"] = UNKNOWN_ID
        return options
    if bits(4):
        side = partner.side ^ (bits(2) == 0)
        arguments[0], arguments[2], arguments[3] = partner.plan.number, partner.owner, side
        if partner.plan is not plan:
            arguments[PRICE] = flow.price(partner.plan, side) if arguments[PRICE] else 0
            arguments[LOTS] = partner.plan.lots[bits(4)]
            if "trigger_ticks" in options:
                options["trigger_ticks"] = flow.at(partner.plan, bits(3) - 4)
            options.pop("display_lots", None)
    options["oco"] = partner.order_id
    return options


def protected(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Of a protection group."""
    bits = flow.bits
    options = PLAINER[bits(4)](flow, plan, arguments)
    options["mmp"] = 1 + bits(1)
    if bits(6) == 0:
        options["mmp"] = 3 + bits(3)
    return options


# ---- anything -----------------------------------------------------------------------------------------------------


def anything(flow: FlowState, plan: Plan, arguments: Arguments) -> Options:
    """Fields that need not go together: each is left out, usual or impossible."""
    bits = flow.bits
    options: Options = {"stp": flow.prevention[bits(3)]}
    draw = bits(30)
    if draw & 3 == 0:
        options["order_type"] = (LIMIT, MARKET, MARKET_TO_LIMIT, MARKET)[bits(2)]
    if draw & 12 == 0:
        options["tif"] = (GTC, IOC, FOK, GFA)[bits(2)]
    if draw & 0x30 == 0:
        options["post_only"] = bits(1) + bits(1)
    if draw & 0xC0 == 0:
        options["display_lots"] = (plan.lots[0], -1, arguments[LOTS], 1)[bits(2)]
    if draw & 0x300 == 0:
        options["budget"] = (1, -1, 10**6, 2**40)[bits(2)]
    if draw & 0xC00 == 0:
        options["trigger"] = 1 + bits(1)
    if draw & 0x5000 == 0:
        options["trigger_ticks"] = flow.bad_price(plan) if draw & 0x8000 else flow.at(plan, bits(3) - 4)
    if draw & 0x70000 == 0:
        options["trail_ticks"] = (1, 2, -1, 2**40)[bits(2)]
    if draw & 0x380000 == 0:
        options["trail_bps"] = (100, 10_000, -1, 9_999)[bits(2)]
    if draw & 0x1C00000 == 0:
        options["peg"] = bits(2)
    if draw & 0xE000000 == 0:
        options["reference"] = bits(1) + bits(1)
    if draw & 0x30000000 == 0:
        options["oco"] = UNKNOWN_ID if bits(1) or not flow.ids else flow.ids[bits(16) % len(flow.ids)]
    return options


PLAINER: Final[tuple[OrderShape, ...]] = (
    plain, plain, plain, plain, plain, plain, plain, plain, iceberg, iceberg, stop, stop, post_only, immediate, market,
    peg,
)  # fmt: skip

SHAPES: Final[dict[str, OrderShape]] = {
    "plain": plain, "immediate": immediate, "fill_or_kill": fill_or_kill, "post_only": post_only, "market": market,
    "market_to_limit": market_to_limit, "budget": budget, "iceberg": iceberg, "good_for_auction": good_for_auction,
    "stop": stop, "trailing": trailing, "peg": peg, "linked": linked, "protected": protected, "anything": anything,
    "peaks": peaks, "sweep": sweep,
}  # fmt: skip
