"""Every command that is no new order: cancels, amends, quotes, prices, phases, protection, settings.

Lives here: COMMANDS by name, functions that draw one command.
Does not know: how often a profile wants them.
"""

from collections.abc import Callable
from typing import Any, Final

from tests.twin.flow_orders import bad_lots
from tests.twin.flow_state import UNKNOWN_ID, Command, FlowState, Known
from tests.twin.flow_world import ABSENT_BOOK, Plan

Maker = Callable[[FlowState], Command]

# Where a phase goes, mostly; the last of each row is the rarest.
NEXT_PHASES: Final = {
    0: (2, 2, 3, 3, 3, 4, 2, 5),
    1: (2, 2, 2, 2, 2, 2, 4, 5),
    2: (0, 0, 0, 0, 0, 0, 4, 5),
    3: (0, 0, 0, 0, 0, 0, 4, 5),
    4: (1, 1, 2, 2, 2, 2, 1, 5),
    5: (1, 1, 1, 1, 1, 1, 1, 6),
}
TOTALS: Final = (-1, -1, -1, -2, -3, 0, 0, 0, 1, 1, 2, 3, 5, -5, -8, -1)  # usual lots more or less


# ---- orders that are there ---------------------------------------------------------------------------------------


def cancel(flow: FlowState) -> Command:
    """Mostly one's own."""
    known = flow.pick()
    if known is None or flow.bits(6) == 0:
        return "cancel", (UNKNOWN_ID, 1), {}
    owner = known.owner if flow.bits(6) else flow.owners[flow.bits(4)]
    return "cancel", (known.order_id, owner), {}


def amend(flow: FlowState) -> Command:
    """Less or more, at the same price or another; what waits also gets another trigger."""
    bits = flow.bits
    known = flow.pick()
    if known is None or bits(7) == 0:
        return "amend", (UNKNOWN_ID, 1, 100, 10), {}
    plan = known.plan
    total_lots = known.lots + plan.lots[0] * TOTALS[bits(4)]
    price_ticks = known.price_ticks
    draw = bits(4)
    if draw >= 9:
        price_ticks = flow.price(plan, known.side) if draw < 15 or bits(2) else 0  # 0: a peg without limit
    elif draw == 8:
        total_lots = (0, known.lots // 2 // plan.rules.lot_step * plan.rules.lot_step)[bits(1)]
    if bits(5) == 0:
        total_lots = (-1, 0, plan.rules.lots_max + plan.rules.lot_step, known.lots + 1)[bits(2)]
    options: dict[str, Any] = {}
    if known.trigger_ticks or bits(6) == 0:
        draw = bits(4)
        if draw >= 6:
            options["trigger_ticks"] = flow.at(plan, bits(3) - 4) if draw < 15 else flow.bad_price(plan)
    owner = known.owner if bits(7) else flow.owners[bits(4)]
    flow.changes = known, price_ticks, total_lots
    return "amend", (known.order_id, owner, price_ticks, total_lots), options


def mass_cancel(flow: FlowState) -> Command:
    """Mostly with filters that leave something."""
    bits = flow.bits
    plan = flow.plan()
    options: dict[str, Any] = {}
    draw = bits(4)
    if draw & 1:
        options["side"] = bits(1)
    if draw & 6:
        options["low"] = flow.at(plan, bits(4) - 8)
    if draw & 12:
        options["high"] = flow.at(plan, bits(4) - 8)
    if bits(1):
        if bits(2):
            options["book"] = plan.number
        return "cancel_owner", (flow.owners[bits(4)],), options
    return "cancel_book", (plan.number if bits(6) else ABSENT_BOOK,), options


# ---- market makers -------------------------------------------------------------------------------------------------


def quote(flow: FlowState) -> Command:
    """One side of a quote; often the same again, fewer, or none."""
    bits = flow.bits
    plan = flow.plan()
    side = bits(1)
    draw = bits(5)
    lots = plan.lots[bits(4)]
    if draw < 4:
        lots = 0
    elif draw == 4:
        lots = bad_lots(flow, plan)
    options: dict[str, Any] = {"stp": flow.prevention[bits(3)]}
    if draw & 1:
        options["mmp"] = 1 + (draw == 31)
    if draw >= 29:
        options["post_only"] = 1 + bits(1)
    owner = (1, 1, 2, 3)[bits(2)] if bits(6) else flow.owners[bits(4)]
    order_id = flow.new_id()
    price_ticks = flow.at(plan, bits(2) - 4 if side == 0 else 4 - bits(2)) if draw < 16 else flow.price(plan, side)
    book = plan.number if bits(8) else ABSENT_BOOK
    if lots > 0 and book != ABSENT_BOOK:
        flow.sent = Known(order_id, owner, plan, side, price_ticks, lots, 0)
    return "quote", (owner, bits(1), book, side, order_id, price_ticks, lots), options


def protection(flow: FlowState) -> Command:
    """Set a group's limits anew, or thaw it."""
    bits = flow.bits
    owner, group = 1 + (bits(2) and bits(1)) + bits(1), 1 + (bits(2) == 0)
    if bits(1):
        return "reset_mmp", (owner, group), {}
    return set_protection(flow, owner, group)


def set_protection(flow: FlowState, owner: int, group: int) -> Command:
    """Limits that a few fills pass, or so high that the memory of the window is filled first."""
    bits = flow.bits
    lots = flow.plan().lots[0]
    limits = (
        {"lots": lots * (3 + bits(4))}, {"delta": lots * (2 + bits(3))}, {"vega": lots * (1 + bits(3))},
        {"lots": lots * (8 + bits(5)), "delta": lots * (4 + bits(3))}, {"lots": lots * 300}, {"lots": lots * 500},
        {"delta": lots * 60}, {"lots": lots * 400, "vega": lots * 40},
    )[bits(3)]  # fmt: skip
    options = {**limits, "window": (1, 10, 200, 2_000)[bits(2)], "frozen": (0, 1, 3, 10)[bits(2)]}
    return "set_mmp", (owner, group), options


def time(flow: FlowState) -> Command:
    flow.now += flow.bits(2)
    return "set_now", (flow.now,), {}


def setting(flow: FlowState) -> Command:
    """Groups of owners, greeks of a book, the reference of an auction."""
    bits = flow.bits
    draw = bits(3)
    if draw == 0:
        return "set_group", (1 + bits(2), bits(1) + bits(1)), {}
    plan = flow.plan()
    if draw < 3:
        return "set_greeks", (plan.number, bits(2) - 1, bits(2) - 1), {}
    reference = flow.at(plan, bits(3) - 4) + (bits(2) == 0)  # need not be a multiple of the step
    if bits(3) == 0:
        reference = plan.rules.band_high_ticks + 1 - plan.rules.price_bias_ticks
    return "set_auction_reference", (plan.number, reference if bits(1) else 0), {}


# ---- prices and phases ---------------------------------------------------------------------------------------------


def price(flow: FlowState) -> Command:
    """Last price, mark or index, near the centre, inside the band; not always a multiple of the step."""
    bits = flow.bits
    plan = flow.plan()
    highest = plan.rules.band_high_ticks - plan.rules.price_bias_ticks
    price_ticks = min(flow.at(plan, bits(3) - 4) + (bits(3) == 0), highest)
    return "set_price", (plan.number, (0, 0, 1, 2)[bits(2)], price_ticks), {}


def phase(flow: FlowState) -> Command:
    """Any book into a phase that mostly may follow; rarely into any."""
    bits = flow.bits
    if bits(6) == 0:
        book = ABSENT_BOOK if bits(2) == 0 else flow.plan().number
        return "set_phase", (book, bits(3) % 7), {}
    return phase_of(flow, flow.plan())


def phase_of(flow: FlowState, plan: Plan) -> Command:
    bits = flow.bits
    if plan.phase == 6:
        return "set_phase", (plan.number, bits(3) % 7), {}
    target = NEXT_PHASES[plan.phase][bits(3)]
    if target == 5 and bits(1):
        target = NEXT_PHASES[plan.phase][0]
    if target == 6 and (len(flow.open_plans) < 4 or bits(1)):
        target = 1
    options = {"force": True} if plan.phase == 3 and bits(1) else {}
    return "set_phase", (plan.number, target), options


COMMANDS: Final[dict[str, Maker]] = {
    "cancel": cancel, "amend": amend, "mass_cancel": mass_cancel, "quote": quote, "protection": protection,
    "time": time, "setting": setting, "price": price, "phase": phase,
}  # fmt: skip
