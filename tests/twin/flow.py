"""Random commands over everything the books can do: a seeded stream per session, in shapes that make rules meet.

Lives here: the profiles, what a long run must have reached, and `CommandFlow`.
Does not know: engines. It is told their answers (`learn`), so that most cancels and amends find somebody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from domain.constants import (
    BUY,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_DECREMENT,
    STP_NONE,
)
from tests.engines import Event
from tests.twin.flow_market import COMMANDS, phase_of, set_protection
from tests.twin.flow_orders import SHAPES, submit
from tests.twin.flow_state import Command, FlowState, spread
from tests.twin.flow_world import Plan

ORDERS: Final = {
    "plain": 90, "immediate": 10, "fill_or_kill": 12, "post_only": 12, "market": 14, "market_to_limit": 8, "budget": 8,
    "iceberg": 14, "good_for_auction": 4, "stop": 16, "trailing": 6, "peg": 8, "linked": 8, "protected": 8,
    "anything": 8,
}  # fmt: skip
OTHERS: Final = {
    "cancel": 30, "amend": 32, "mass_cancel": 1, "quote": 10, "protection": 2, "time": 4, "setting": 1, "price": 6,
    "phase": 1,
}  # fmt: skip


OWNERS: Final = (0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5)
PREVENTION: Final = (
    STP_CANCEL_NEWEST, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST, STP_CANCEL_BOTH, STP_DECREMENT, STP_DECREMENT, STP_NONE,
    STP_NONE,
)  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """The shape of a session."""

    orders: dict[str, int] = field(default_factory=lambda: ORDERS)  # weights of flow_orders.SHAPES
    others: dict[str, int] = field(default_factory=lambda: OTHERS)  # weights of flow_market.COMMANDS
    orders_share: int = 140  # of 256 commands
    commands: int = 4_000  # of a session; the books of the next one have other rules
    state_every: int = 128  # commands between comparisons of the whole state
    sizes: tuple[int, int, int] = (48, 4, 5)  # orders_max, trailing_max, pegs_max
    book_count: int = 3
    combos: bool = False
    tables: bool = False
    bands: bool = False
    spread_steps: int = 0  # bits: orders are drawn up to so many times further away
    patience_bits: int = 4  # a book that does not trade is brought on once in so many commands
    owners: tuple[int, ...] = OWNERS  # sixteen
    prevention: tuple[int, ...] = PREVENTION  # eight
    begins_in_call: bool = False  # some books: orders come before there is any price

    @property
    def world(self) -> dict[str, Any]:
        """What `draw_setting` is told."""
        reach = 24 << self.spread_steps
        return {
            "book_count": self.book_count, "combos": self.combos, "tables": self.tables, "bands": self.bands,
            "reach": reach, "sizes": self.sizes,
        }  # fmt: skip


TOUCH: Final = Profile()

PROFILES: Final = {
    "touch": TOUCH,
    "deep": replace(
        TOUCH, orders={**ORDERS, "peaks": 1, "sweep": 1}, sizes=(6_000, 100, 50), spread_steps=5, commands=40_000,
        state_every=4_000, orders_share=190,
    ),
    "auctions": replace(
        TOUCH, orders={**ORDERS, "good_for_auction": 30, "market": 24}, others={**OTHERS, "phase": 12, "setting": 4},
        patience_bits=6, bands=True, begins_in_call=True,
    ),
    "combos": replace(TOUCH, combos=True, book_count=4, sizes=(64, 4, 5)),
    "quotes": replace(
        TOUCH, orders={**ORDERS, "protected": 40}, others={**OTHERS, "quote": 90, "protection": 8, "time": 20},
        orders_share=100,
    ),
    "triggers": replace(
        TOUCH, orders={**ORDERS, "stop": 60, "trailing": 25, "linked": 25}, others={**OTHERS, "price": 20},
        sizes=(64, 6, 5),
    ),
    "pegs": replace(TOUCH, orders={**ORDERS, "peg": 50}, sizes=(48, 4, 8)),
    "icebergs": replace(TOUCH, orders={**ORDERS, "iceberg": 80}, others={**OTHERS, "amend": 60}),
    "prices": replace(
        TOUCH, orders={**ORDERS, "post_only": 30, "market": 30}, tables=True, bands=True, patience_bits=3,
    ),
    "tangles": replace(  # one owner's orders, linked and of a group, trade with each other
        TOUCH, orders={**ORDERS, "linked": 70, "protected": 70, "iceberg": 30, "good_for_auction": 10},
        others={**OTHERS, "phase": 8, "protection": 8, "time": 12}, owners=(*[1] * 9, *[2] * 4, 3, 3, 0),
        prevention=(*[STP_NONE] * 5, STP_DECREMENT, STP_CANCEL_OLDEST, STP_CANCEL_NEWEST),
        combos=True, sizes=(64, 4, 5),
    ),
    "everything": replace(
        TOUCH, orders={**ORDERS, "anything": 24, "stop": 30, "peg": 16}, others={**OTHERS, "phase": 3}, combos=True,
        tables=True, bands=True, sizes=(64, 6, 6),
    ),
}  # fmt: skip

# Everything that the events of a long run over all profiles must contain: kinds, and reasons of refusals and cancels.
EXPECTED_KINDS: Final = frozenset(
    (
        "fill", "rested", "amended", "reduced", "refreshed", "pending", "triggered", "parked", "mmp", "implied",
        "phase", "auction", "cross", "extended",
    )
) | frozenset(
    f"refused {reason}" for reason in (
        "no_book", "closed", "halted", "phase", "duplicate_id", "bad_order", "lots_range", "lot_step", "display_range",
        "price_step", "price_band", "notional", "trigger_price", "oco_unknown", "mmp_unknown", "mmp_frozen",
        "would_trigger", "trailing_full", "book_full", "pegs_full", "no_reference", "post_only_cross", "unknown_order",
        "illegal_phase",
    )
) | frozenset(
    f"cancelled {reason}" for reason in (
        "user", "ioc", "fok", "no_liquidity", "protection", "stp", "amend_total", "amend_replace", "expiry", "budget",
        "band", "auction_end", "oco", "mmp", "peg", "no_reference", "mass", "post_only",
    )
)  # fmt: skip


class CommandFlow:
    """The seeded stream of one session. The same seed and the same answers give the same commands."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self.state = FlowState(
            seed, recent_max=2 * profile.sizes[0], spread_steps=profile.spread_steps, owners=profile.owners,
            prevention=profile.prevention, **profile.world,
        )  # fmt: skip
        orders = spread(profile.orders)
        self._bits = self.state.bits
        self._makers: tuple[Callable[[], Command], ...] = self._table(profile, orders)
        self._patience_bits = profile.patience_bits
        self._first = self._beginning(profile)

    def _table(self, profile: Profile, orders: tuple[str, ...]) -> tuple[Callable[[], Command], ...]:
        """1,024 makers of commands by weight."""
        share = profile.orders_share * 4
        makers: list[Callable[[], Command]] = [
            partial(submit, self.state, SHAPES[orders[place % 256]]) for place in range(share)
        ]
        makers += [partial(COMMANDS[name], self.state) for name in spread(profile.others, 1_024 - share)]
        return tuple(makers)

    def _beginning(self, profile: Profile) -> list[Command]:
        """Groups of owners, protection and first phases, drawn; the last is sent first."""
        bits, state = self._bits, self.state
        out: list[Command] = [set_protection(state, owner, 1) for owner in (1, 2, 3, 4) if bits(2)]
        out += [set_protection(state, owner, 2) for owner in (1, 2) if bits(1)]
        out += [("set_group", (owner, 1), {}) for owner in (1, 2, 3) if bits(1)]
        if profile.begins_in_call:
            for plan in state.plans.values():
                if bits(1):
                    out += self._call(plan) if bits(1) else [("set_phase", (plan.number, 2), {})]
        return out

    def _call(self, plan: Plan) -> list[Command]:
        """A call with market orders alone, from its end to its beginning."""
        orders: list[Command] = [
            ("submit", (plan.number, self.state.new_id(), 1 + side, side, 0, plan.lots[0]), {"order_type": MARKET})
            for side in (BUY, SELL)
        ]
        return [("set_phase", (plan.number, 0), {}), *orders, ("set_phase", (plan.number, 2), {})]

    def next_command(self) -> Command:
        """Draw one command."""
        if self._first:
            return self._first.pop()
        bits, stopped = self._bits, self.state.stopped
        if stopped and bits(self._patience_bits) == 0:
            return phase_of(self.state, stopped[bits(8) % len(stopped)])
        return self._makers[bits(10)]()

    def learn(self, events: list[Event] | None) -> None:
        """Take in the answer to the last command."""
        self.state.learn(events)
