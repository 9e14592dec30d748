"""What the stream of commands remembers about the orders it sent, and how it draws prices and ids.

Lives here: `FlowState`: the orders that are probably alive, by what the engine answered, and the draws that every
command needs.
Does not know: which commands there are; an engine: it is told answers, and asks nothing.
"""

import random
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from tests.engines import Event
from tests.twin.flow_world import Plan, Setting, draw_setting

Command = tuple[str, tuple[Any, ...], dict[str, Any]]  # engine method, positional arguments, options
Value = TypeVar("Value")

UNKNOWN_ID: Final = 2**63 + 11
OFFSETS: Final = (-7, -5, -4, -3, -3, -2, -2, -1, -1, -1, 0, 0, 0, 1, 1, 2)  # steps; less than 0 is passive
ID_STEPS: Final = (1, 1, 1, 1, 1, 1, 3, 2**33)
REPLACED: Final = ("amend_replace", "peg")  # reasons of cancels that do not end the order


class Known:
    """An order that is probably alive."""

    __slots__ = ("lots", "order_id", "owner", "plan", "price_ticks", "side", "trigger_ticks")

    def __init__(
        self, order_id: int, owner: int, plan: Plan, side: int, price_ticks: int, lots: int, trigger_ticks: int
    ) -> None:
        self.order_id = order_id
        self.owner = owner
        self.plan = plan
        self.side = side
        self.price_ticks = price_ticks
        self.lots = lots
        self.trigger_ticks = trigger_ticks


def spread(weights: Mapping[Value, int], size: int = 256) -> tuple[Value, ...]:
    """A table of `size` entries in which each value stands by its weight, at least once if that is above 0."""
    total = sum(weights.values())
    out: list[Value] = []
    for value, weight in sorted(weights.items(), key=lambda item: item[1]):
        if weight:
            out += [value] * max(1, weight * size // total)
    heaviest = max(weights, key=lambda value: weights[value])
    return tuple((out + [heaviest] * size)[:size])


class FlowState:
    """The memory of a stream. The same seed and the same answers make the same draws."""

    def __init__(
        self, seed: int, *, recent_max: int, spread_steps: int, owners: tuple[int, ...], prevention: tuple[int, ...],
        **world: Any,
    ) -> None:  # fmt: skip
        self.bits = random.Random(seed).getrandbits
        setting, plans = draw_setting(self.bits, **world)
        self.setting: Setting = setting
        self.plans = {plan.number: plan for plan in plans}
        self.open_plans = list(plans)  # those that are not expired
        self.stopped: list[Plan] = []  # those that are not in continuous trading
        self.book_table = spread({plan.number: 2 if plan.legs else 3 for plan in plans}, 64)
        self.live: dict[int, Known] = {}
        self.ids: list[int] = []
        self.sent: Known | None = None  # by the command whose answer is awaited
        self.changes: tuple[Known, int, int] | None = None  # an amend: order, price, total
        self.recent_max = recent_max
        self.spread_bits = spread_steps
        self.owners = owners
        self.prevention = prevention
        self.last_id = 0
        self.now = 0

    # ---- draws -------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        return self.plans[self.book_table[self.bits(6)]]

    def new_id(self) -> int:
        """Sparse ids beyond 32 bits that do not only grow; rarely one that is in use."""
        bits = self.bits
        draw = bits(8)
        if draw == 0 and self.ids:
            return self.ids[bits(16) % len(self.ids)]
        self.last_id += ID_STEPS[draw & 7]
        return self.last_id ^ 2**61 if draw >= 0xE0 else self.last_id

    def pick(self) -> Known | None:
        """An order that is probably alive."""
        ids, live = self.ids, self.live
        while ids:
            at = self.bits(16) % len(ids)
            found = live.get(ids[at])
            if found is not None:
                return found
            ids[at] = ids[-1]
            ids.pop()
        return None

    def at(self, plan: Plan, offset: int) -> int:
        """The valid price so many valid prices above the centre; at the edges of what there is the last one."""
        place = plan.centre + offset
        return plan.prices[0 if place < 0 else min(place, plan.last)]

    def price(self, plan: Plan, side: int) -> int:
        """Near the centre: mostly a little passive, often tied with others, sometimes through, rarely not legal."""
        bits = self.bits
        draw = bits(8)
        if draw < 10:
            if draw < 3:
                return self.bad_price(plan)
            self.drift(plan)
        offset = OFFSETS[bits(4)]
        if self.spread_bits:
            offset *= 1 + bits(self.spread_bits)
        place = plan.centre + (offset if side == 0 else -offset)
        return plan.prices[0 if place < 0 else min(place, plan.last)]

    def bad_price(self, plan: Plan) -> int:
        """Outside the band, off the step, zero, negative, or larger than any price; at times it is good after all."""
        rules = plan.rules
        bias = rules.price_bias_ticks
        return (
            rules.band_low_ticks - bias - 1, rules.band_high_ticks - bias + 1, 0, -bias, -1, 2**27, 2**40,
            plan.prices[plan.centre] + 1,
        )[self.bits(3)]  # fmt: skip

    def drift(self, plan: Plan) -> None:
        """Move the centre of a book; it is pulled back to where it began."""
        draw = self.bits(3)
        step = 1 if plan.centre < plan.home else -1
        if draw < 3:
            step = 1
        elif draw < 6:
            step = -1
        plan.centre = min(max(plan.centre + step, 0), plan.last)

    # ---- answers -----------------------------------------------------------------------------------------------

    def learn(self, events: list[Event] | None) -> None:
        """Take in the answer to the last command."""
        sent, changes = self.sent, self.changes
        if sent is None and changes is None and not events:
            return
        self.sent = self.changes = None
        if not events or events[0][0] == "refused":
            if changes is not None and events and events[0][2] == "unknown_order":
                self.live.pop(changes[0].order_id, None)
            return
        live = self.live
        if sent is not None:
            self._remember(sent)
        elif changes is not None:
            known = changes[0]
            known.price_ticks, known.lots = changes[1:]
        for event in events:
            kind = event[0]
            if kind == "fill":
                if event[5] == 0:
                    live.pop(event[1], None)
            elif kind == "cancelled":
                if event[3] not in REPLACED:
                    live.pop(event[1], None)
            elif kind == "cross":
                if event[5] == 0:
                    live.pop(event[1], None)
                if event[6] == 0:
                    live.pop(event[2], None)
            elif kind == "phase":
                self._phase_is(self.plans[event[1]], event[2])
        if sent is not None and kind == "fill" and event[2] == sent.order_id:
            live.pop(sent.order_id, None)  # used up, or what was left would be told

    def _remember(self, sent: Known) -> None:
        ids = self.ids
        if sent.order_id not in self.live:
            if len(ids) < self.recent_max:
                ids.append(sent.order_id)
            else:
                place = self.bits(16) % len(ids)
                self.live.pop(ids[place], None)
                ids[place] = sent.order_id
        self.live[sent.order_id] = sent

    def _phase_is(self, plan: Plan, phase: int) -> None:
        if plan in self.stopped:
            self.stopped.remove(plan)
        plan.phase = phase
        if phase == 6:
            self.open_plans.remove(plan)
            table = {other.number: 2 if other.legs else 3 for other in self.open_plans}
            self.book_table = spread(table, 64)
        elif phase != 0:
            self.stopped.append(plan)
