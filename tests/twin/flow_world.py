"""The books of one session: drawn anew each time, so that every rule of a book meets every other.

Lives here: `Plan` (a book and where its orders are drawn), `Setting` (what both engines are made with), `draw_setting`.
Does not know: commands, engines, which profile wants what.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from domain.book_rules import PRICE_TICKS_LIMIT, BookRules

Bits = Callable[[int], int]  # random.Random.getrandbits
Legs = tuple[tuple[int, int], ...]

TOP: Final = PRICE_TICKS_LIMIT - 1
ABSENT_BOOK: Final = 15
COMBO_CENTRE: Final = 500  # inside price at which a combo's orders are drawn, at least


class OpenBook(NamedTuple):
    """A book as both engines open it; without legs it is no combo."""

    number: int
    rules: BookRules
    legs: Legs = ()


class Setting(NamedTuple):
    """What both engines of a session are made with."""

    books: tuple[OpenBook, ...]
    orders_max: int = 48
    trailing_max: int = 4
    pegs_max: int = 5
    books_max: int = 16


@dataclass
class Plan:
    """A book, the valid prices around its centre (outside prices, rising), and the lots that are usual there."""

    number: int
    rules: BookRules
    legs: Legs
    prices: list[int]
    lots: tuple[int, ...]  # sixteen
    centre: int = field(init=False)  # place in `prices` that orders are drawn around
    home: int = field(init=False)
    last: int = field(init=False)
    inside_centre: int = field(init=False)
    phase: int = 0

    def __post_init__(self) -> None:
        self.last = len(self.prices) - 1
        self.centre = self.home = len(self.prices) // 2
        self.inside_centre = self.prices[self.home] + self.rules.price_bias_ticks


class Shape(NamedTuple):
    """Where a book trades and what its lots are."""

    centre: int
    step: int
    low: int
    high: int
    lot_step: int
    lots_max: int
    lots: int


SHAPES: Final = (
    Shape(400, 1, 1, TOP, 1, 2**53, 1),
    Shape(1_000, 5, 900, 1_100, 10, 500, 10),
    Shape(20, 1, 2, 40, 1, 1_000, 1),
    Shape(TOP - 300, 1, TOP - 600, TOP, 1, 2**53, 2**49),  # the largest prices and orders
    Shape(128, 1, 1, 4_095, 1, 2**53, 1),  # at the edge of a page of levels
    Shape(4_096, 1, 3, 9_000, 3, 2**20, 3),  # at the edge of a word of pages
    Shape(100, 2, 60, 140, 1, 100, 1),
    Shape(262_144, 1, 1, TOP, 1, 2**53, 100),  # at the edge of a word of words
)  # fmt: skip
LOTS_FACTORS: Final = (1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 6, 8, 13)


def draw_setting(
    bits: Bits, *, book_count: int, combos: bool, tables: bool, bands: bool, reach: int, sizes: tuple[int, int, int]
) -> tuple[Setting, list[Plan]]:
    """Draw the books of a session.

    Args:
        combos: add a spread, another one over the same books and a strip.
        tables, bands: most books have a tick table, a dynamic band, instead of few.
        reach: how many valid prices to each side of the centre are drawn.
        sizes: orders_max, trailing_max, pegs_max.
    """
    plans = [_draw_plan(bits, number, combos=combos, tables=tables, bands=bands, reach=reach)
             for number in range(book_count)]  # fmt: skip
    if combos:
        front, back, third = (plan.number for plan in plans[:3])
        number = 1 + max(plan.number for plan in plans)
        legs_of: list[Legs] = [((front, 1), (back, -1)), ((front, 1), (back, 1)), ((front, 1), (third, -1))]
        if bits(1):
            legs_of.append(((front, 1), (back, -1)) if bits(1) else ((back, 1), (front, -1)))
        if bits(1):
            legs_of.append(((third, 1), (back, 1), (front, 1 if bits(1) else -1)))
        elif bits(1):
            legs_of.append(tuple((plan.number, (1, 1, -1, 1)[bits(2)]) for plan in plans))
        for legs in legs_of:
            plans.append(_draw_combo(bits, number, legs, plans, reach))
            number += 1
    books = tuple(OpenBook(plan.number, plan.rules, plan.legs) for plan in plans)
    return Setting(books, *sizes), plans


def _draw_plan(bits: Bits, number: int, *, combos: bool, tables: bool, bands: bool, reach: int) -> Plan:
    shape = SHAPES[bits(3)]
    if combos and shape.lots > 100:
        shape = SHAPES[0]  # sums of the highest prices are in no band
    protection = bits(3)
    rules = BookRules(
        price_step_ticks=shape.step,
        lot_step=shape.lot_step,
        lots_max=shape.lots_max,
        band_low_ticks=shape.low,
        band_high_ticks=shape.high,
        protection_bps=(0, 0, 1, 100, 150, 900, 100, 0)[protection],
        protection_ticks=(0, 0, 0, 0, 0, 0, 2, 1 + 3 * shape.step)[protection],
        notional_max=min(shape.centre * shape.lots * 9 + bits(4), 2**62) if bits(2) == 0 else 0,
        tick_table=_draw_table(bits, shape) if bits(3) < (6 if tables else 1) else (),
        dynamic_bps=_draw_band(bits, shape) if bits(3) < (6 if bands else 1) else 0,
        reject_triggered=bits(2) == 0,
        peg_cancel=bits(2) == 0,
    )
    prices = valid_prices(rules, shape.centre, reach)
    return Plan(number, rules, (), prices, tuple(shape.lots * factor for factor in LOTS_FACTORS))


def _draw_table(bits: Bits, shape: Shape) -> tuple[tuple[int, int], ...]:
    """Rows around the centre, often beginning where no multiple of their step is, rarely as many as there may be."""
    start = max(shape.centre - 4 * shape.step - bits(3), 2)
    rows = []
    for _ in range(8 if bits(3) == 0 else 1 + bits(1)):
        rows.append((start, (2, 5, 3, 10)[bits(2)]))
        start += 1 + bits(4)
    return tuple(rows)


def _draw_band(bits: Bits, shape: Shape) -> int:
    """A few steps wide, or far."""
    steps = 1 + bits(3)
    return max(1, min(9_999, (steps * shape.step * 10_000 + bits(8)) // shape.centre))


def _draw_combo(bits: Bits, number: int, legs: Legs, plans: list[Plan], reach: int) -> Plan:
    """Its orders are drawn where its legs' prices put it; prices below zero get a bias."""
    outside = sum(ratio * plans[leg].prices[plans[leg].home] for leg, ratio in legs)
    bias = max(COMBO_CENTRE + bits(6) - outside, 0)
    centre = outside + bias
    dynamic_bps = 0 if bits(2) else max(1, min(9_999, (40_000 + bits(14)) // centre))
    rules = BookRules(
        price_step_ticks=(1, 1, 1, 2)[bits(2)],
        band_low_ticks=max(1, centre - 20 - bits(8)),
        band_high_ticks=centre + 20 + bits(8),
        tick_table=((centre - bits(3), 2),) if bits(3) == 0 else (),
        dynamic_bps=dynamic_bps,
        reject_triggered=bits(2) == 0,
        price_bias_ticks=bias,
    )
    lots = max(plans[leg].lots[0] for leg, _ in legs)
    prices = [price - bias for price in valid_prices(rules, centre, reach)]
    return Plan(number, rules, legs, prices, tuple(lots * factor for factor in LOTS_FACTORS))


def valid_prices(rules: BookRules, centre: int, reach: int) -> list[int]:
    """Up to `reach` valid inside prices on each side of a centre, rising."""
    below: list[int] = []
    price = centre
    while price >= rules.band_low_ticks and len(below) < reach:
        if price % step_at(rules, price) == 0:
            below.append(price)
        price -= 1
    above: list[int] = []
    price = centre + 1
    while price <= rules.band_high_ticks and len(above) < reach:
        if price % step_at(rules, price) == 0:
            above.append(price)
        price += 1
    return below[::-1] + above


def step_at(rules: BookRules, price_ticks: int) -> int:
    """What a price of this height is a multiple of. Rule MATCH-037."""
    step = rules.price_step_ticks
    for from_ticks, row_step in rules.tick_table:
        if price_ticks >= from_ticks:
            step = row_step
    return step
