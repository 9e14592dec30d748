"""Random commands that keep several order books busy near the touch, so that every rule happens often.

Lives here: the books of the differential run and the seeded generator `CommandFlow`.
Does not know: which engine the commands go to; it reads best prices from whichever one it is given.
"""

import random
from dataclasses import dataclass
from typing import Any, Final

from domain.book_rules import PRICE_TICKS_LIMIT, BookRules
from domain.constants import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    SELL,
    STP_CANCEL_BOTH,
    STP_CANCEL_NEWEST,
    STP_CANCEL_OLDEST,
    STP_NONE,
)
from tests.engines import Engine

Command = tuple[str, tuple[int, ...], dict[str, Any]]  # engine method, positional arguments, options

BOOKS: Final[dict[int, BookRules]] = {
    0: BookRules(),
    1: BookRules(price_step_ticks=5, lot_step=10, lots_max=500, band_low_ticks=900, band_high_ticks=1_100,
                 protection_bps=100),
    2: BookRules(band_low_ticks=2, band_high_ticks=40, protection_ticks=3),
    5: BookRules(band_low_ticks=PRICE_TICKS_LIMIT - 600, protection_bps=1),
}  # fmt: skip
ANCHORS: Final = {0: 400, 1: 1_000, 2: 20, 5: PRICE_TICKS_LIMIT - 300}  # where the price starts, ticks
LOTS_TYPICAL: Final = {0: 10, 1: 10, 2: 10, 5: 2**49}  # book 5 reaches the largest legal order
ABSENT_BOOK: Final = 3
OWNERS: Final = (1, 2, 3, 4, 5, 1_000)


@dataclass(frozen=True)
class Profile:
    """The shape of a run."""

    orders_max: int  # size of the order pool
    recent_max: int  # how many ids may be cancelled or amended; older ones must be swept by trades
    spread: int  # passive prices reach this many times further from the centre
    new_share: float  # part of the commands that enter orders


# `touch` trades all the time and fills its small pool now and then; `deep` keeps thousands of orders on many levels.
PROFILES: Final = {
    "touch": Profile(orders_max=100, recent_max=200, spread=1, new_share=0.72),
    "deep": Profile(orders_max=6_000, recent_max=5_000, spread=40, new_share=0.80),
}


# (kind, further word) of everything the events of a long run must contain at least once.
EXPECTED_KINDS: Final = frozenset(
    {("fill", ""), ("rested", ""), ("amended", "")}
    | {("refused", reason) for reason in (
        "price_step", "lot_step", "lots_range", "price_band", "duplicate_id", "post_only_cross", "unknown_order",
        "book_full", "no_book",
    )}
    | {("cancelled", reason) for reason in (
        "user", "ioc", "fok", "no_liquidity", "protection", "stp", "amend_total", "amend_replace",
    )}
)  # fmt: skip


def new_engine(engine_type: type[Engine], profile: Profile) -> Engine:
    """An engine with the books of this flow."""
    engine = engine_type(orders_max=profile.orders_max, books_max=8)
    for book, rules in BOOKS.items():
        engine.add_book(book, rules)
    return engine


class CommandFlow:
    """An endless seeded stream of commands. The same seed and the same engine answers give the same commands."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self._random = random.Random(seed)
        self._profile = profile
        self._anchors = dict(ANCHORS)
        self._recent: list[int] = []
        self._next_id = 1

    def next_command(self, engine: Engine) -> Command:
        """Draw one command; `engine` is only asked for best prices and open orders."""
        draw = self._random.random()
        share = self._profile.new_share
        if draw < share:
            return self._submit(engine)
        if draw < share + (1 - share) * 0.43:
            return "cancel", self._known_order(engine), {}
        if draw < 1 - 0.0015 / self._profile.spread:
            return self._amend(engine)
        return "cancel_owner", (self._random.choice((0, *OWNERS)),), {}

    def _submit(self, engine: Engine) -> Command:
        rand = self._random
        book = rand.choice((0, 0, 1, 1, 2, 2, 5))
        side = rand.choice((BUY, SELL))
        order_id = self._next_id
        if self._recent and rand.random() < 0.01:
            order_id = rand.choice(self._recent)  # often still resting, sometimes gone: an id may come back
        else:
            self._next_id += rand.choice((1, 1, 1, 2**33))
            order_id ^= rand.choice((0, 2**62))  # sparse ids beyond 32 bits that do not grow with time
        self._remember(order_id)
        options: dict[str, Any] = {"stp": rand.choice((
            STP_NONE, STP_CANCEL_NEWEST, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST, STP_CANCEL_BOTH
        ))}  # fmt: skip
        options["tif"] = rand.choices((GTC, IOC, FOK), (80, 10, 10))[0]
        if rand.random() < 0.08:
            options["order_type"] = MARKET
        if rand.random() < 0.14:  # together with market it can only be refused, or find nothing to trade with
            options["post_only"] = True
        owner = 0 if rand.random() < 0.1 else rand.choice(OWNERS)
        price_ticks = self._price(engine, book, side)
        if options.get("order_type", LIMIT) == MARKET:
            price_ticks = rand.choice((0, price_ticks))  # a market order's price means nothing
        args = (
            ABSENT_BOOK if rand.random() < 0.002 else book, order_id, owner, side, price_ticks, self._lots(book)
        )  # fmt: skip
        return "submit", args, options

    def _amend(self, engine: Engine) -> Command:
        rand = self._random
        order_id, owner = self._known_order(engine)
        found = engine.order(order_id)
        if found is None:
            return "amend", (order_id, owner, 100, 10), {}
        book, _, side, price_ticks, open_lots, filled_lots = found
        total_lots = filled_lots + open_lots
        draw = rand.random()
        step = BOOKS[book].lot_step
        if draw < 0.35:  # decrease in place
            total_lots = filled_lots + max(step, open_lots // step // 2 * step)
        elif draw < 0.50:  # increase: loses its place
            total_lots += step * rand.randint(0, 3)
        elif draw < 0.60:  # at or below what is filled: cancels
            total_lots = filled_lots - rand.choice((0, 0, step, filled_lots))
        else:
            price_ticks = self._price(engine, book, side)
            total_lots += step * rand.randint(-1, 1)
        if rand.random() < 0.02:
            total_lots = rand.choice((-1, BOOKS[book].lots_max + step, total_lots + 1))
        return "amend", (order_id, owner, price_ticks, total_lots), {}

    def _known_order(self, engine: Engine) -> tuple[int, int]:
        """An id that was entered and mostly still rests, mostly with its true owner."""
        rand = self._random
        if rand.random() < 0.02:
            return 2**63 + rand.randint(0, 9), rand.choice(OWNERS)
        while self._recent:
            place = rand.randrange(len(self._recent))
            order_id = self._recent[place]
            found = engine.order(order_id)
            if found is not None:
                return order_id, rand.choice(OWNERS) if rand.random() < 0.02 else found[1]
            self._recent[place] = self._recent[-1]  # gone: forget it, and mostly look for another
            self._recent.pop()
            if rand.random() < 0.05:
                return order_id, rand.choice(OWNERS)
        return 2**63, OWNERS[0]

    def _price(self, engine: Engine, book: int, side: int) -> int:
        """A price near the touch: mostly a little passive, often exactly at it, sometimes through it or not legal."""
        rand = self._random
        rules = BOOKS[book]
        step = rules.price_step_ticks
        if rand.random() < 0.05:
            self._drift(book)
        if rand.random() < 0.01:
            return rand.choice((rules.band_low_ticks - step, rules.band_high_ticks + step, 0, -step))
        if rand.random() < 0.01:
            return self._anchors[book] + 1
        bid, ask = engine.best(book)
        opposite = ask if side == BUY else bid
        towards = step if side == BUY else -step  # a step that makes the order more aggressive
        if opposite is not None and rand.random() < 0.35:
            price = opposite + towards * rand.choice((-1, 0, 0, 0, 1, 2, 4))
        else:
            reach = rand.randint(1, self._profile.spread)
            price = self._anchors[book] + towards * reach * rand.choice((-9, -6, -4, -3, -3, -2, -2, -1, -1, 0, 1))
        if rand.random() < 0.9:  # stay legal most of the time, also at the edges of the band
            price = min(max(price, rules.band_low_ticks), rules.band_high_ticks)
        return price

    def _drift(self, book: int) -> None:
        """Move the centre of a book; it is pulled back to where it began so that the band's edges stay in reach."""
        step = BOOKS[book].price_step_ticks
        pull = step if self._anchors[book] < ANCHORS[book] else -step
        self._anchors[book] += self._random.choice((-step, step, -step, step, pull))

    def _lots(self, book: int) -> int:
        rand = self._random
        rules = BOOKS[book]
        if rand.random() < 0.02:
            return rand.choice((0, -rules.lot_step, rules.lots_max, rules.lots_max + rules.lot_step, 7))
        factor = rand.choice((1, 1, 2, 3, 5, 8, 13))
        return factor * LOTS_TYPICAL[book]

    def _remember(self, order_id: int) -> None:
        if len(self._recent) < self._profile.recent_max:
            self._recent.append(order_id)
        else:
            self._recent[self._random.randrange(self._profile.recent_max)] = order_id
