"""Commands on which the two engines once differed, made short: each stands for a fault that was found.

Lives here: REGRESSIONS. Does not know: what the right answer is (docs/rules/MATCH.md; tests/unit has the examples).
The text of a difference found by `tests.twin.run` can be pasted in here.
"""

from typing import Final, NamedTuple

from domain.book_rules import BookRules
from tests.twin.flow_state import Command
from tests.twin.flow_world import OpenBook, Setting


class Regression(NamedTuple):
    """What was wrong, the books, and the commands that showed it."""

    name: str
    setting: Setting
    commands: list[Command]


# fmt: off
REGRESSIONS: Final[tuple[Regression, ...]] = (
    Regression(
        "core: a trailing order that follows the mark was thought to watch last prices",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("submit", (0, 1, 1, 0, 130, 6), {"trigger": 1, "trigger_ticks": 126, "trail_ticks": 3, "reference": 2}),
        ],
    ),
    Regression(
        "core: a parked peg could be named as partner",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("submit", (0, 1, 1, 0, 0, 6), {"peg": 1}),
            ("submit", (0, 2, 1, 0, 100, 6), {"oco": 1}),
        ],
    ),
    Regression(
        "core: a quote was refused for the group of the standing one, not for the one it names",
        Setting((OpenBook(1, BookRules()),)),
        [
            ("set_mmp", (3, 1), {"delta": 4, "window": 10}),
            ("set_greeks", (1, 2, 0), {}),
            ("quote", (3, 0, 1, 1, 1, 100, 2), {}),
            ("quote", (3, 1, 1, 1, 2, 94, 4), {"mmp": 1}),
            ("submit", (1, 3, 2, 0, 0, 4), {"order_type": 2}),
            ("quote", (3, 0, 1, 1, 4, 94, 3), {"mmp": 1}),
        ],
    ),
    Regression(
        "core: new limits ended a freeze that lasts until it is reset",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("set_mmp", (2, 1), {"delta": 3, "window": 10}),
            ("quote", (2, 1, 0, 1, 1, 100, 9), {"mmp": 1}),
            ("submit", (0, 2, 1, 0, 100, 9), {}),
            ("set_mmp", (2, 1), {"window": 10, "frozen": 1}),
            ("quote", (2, 1, 0, 1, 3, 101, 6), {"mmp": 1}),
        ],
    ),
    Regression(
        "core: a trigger price below zero is outside the band, not a bad order",
        Setting((OpenBook(0, BookRules()),)),
        [("submit", (0, 1, 4, 1, 130, 16), {"trigger": 2, "trigger_ticks": -1})],
    ),
    Regression(
        "rule and twin: whether the rest of an amended taker goes in its place among the orders of a group, or last",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("set_mmp", (2, 2), {"vega": 2, "window": 1}),
            ("set_greeks", (0, 1, -1), {}),
            ("submit", (0, 1, 5, 1, 400, 7), {"display_lots": 2}),
            ("submit", (0, 2, 2, 0, 0, 6), {"order_type": 1, "trigger": 2, "trigger_ticks": 401, "reference": 1,
                                            "mmp": 2}),
            ("submit", (0, 3, 2, 1, 407, 5), {"mmp": 2}),
            ("set_price", (0, 1, 401), {}),
        ],
    ),
    Regression(
        "core: a post-only market order into an empty call found nobody and was refused",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("set_phase", (0, 2), {}),
            ("submit", (0, 1, 5, 1, 100, 4), {"order_type": 1, "post_only": 2}),
        ],
    ),
    Regression(
        "core: an amend that ends a waiting order was refused because its new trigger is met",
        Setting((OpenBook(0, BookRules(reject_triggered=True)),)),
        [
            ("set_price", (0, 1, 145), {}),
            ("submit", (0, 1, 0, 0, 143, 100), {"trigger": 1, "trigger_ticks": 148, "reference": 1}),
            ("amend", (1, 0, 144, 0), {"trigger_ticks": 142}),
        ],
    ),
    Regression(
        "core: a fill or kill market order whose makers were taken away was not cancelled as one",
        Setting((OpenBook(2, BookRules()),)),
        [
            ("submit", (2, 1, 4, 1, 1010, 130), {}),
            ("submit", (2, 2, 4, 1, 1005, 20), {"oco": 1}),
            ("submit", (2, 3, 2, 0, 0, 80), {"order_type": 1, "tif": 2}),
        ],
    ),
    Regression(
        "core: what a maker of another book has was rounded to lot steps like the budget",
        Setting((
            OpenBook(0, BookRules()), OpenBook(1, BookRules(lot_step=3)), OpenBook(4, BookRules(), ((0, 1), (1, 1))),
        )),
        [
            ("submit", (1, 1, 2, 0, 4094, 9), {}),
            ("submit", (4, 2, 2, 0, 4497, 3), {}),
            ("submit", (0, 3, 1, 1, 409, 1), {}),
            ("submit", (1, 4, 5, 1, 0, 15), {"budget": 171940, "order_type": 1}),
        ],
    ),
    Regression(
        "core: a budget that was used up bought less than nothing",
        Setting((OpenBook(2, BookRules()),)),
        [
            ("submit", (2, 1, 3, 1, 402, 7), {}),
            ("submit", (2, 2, 1, 0, 0, 8), {"order_type": 1, "budget": 402}),
        ],
    ),
    Regression(
        "core: an order that came in a call did not see a cross at the last price",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("submit", (0, 1, 3, 0, 995, 5), {}),
            ("submit", (0, 2, 1, 1, 995, 15), {}),
            ("submit", (0, 3, 5, 1, 1020, 2), {}),
            ("submit", (0, 4, 0, 1, 995, 1), {}),
            ("set_phase", (0, 2), {}),
            ("submit", (0, 5, 1, 0, 0, 3), {"stp": 2, "order_type": 1}),
            ("submit", (0, 6, 1, 0, 0, 3), {"order_type": 1, "trigger": 1, "trigger_ticks": 985}),
            ("set_phase", (0, 0), {}),
        ],
    ),
    Regression(
        "core: a trailing order whose turn found the book in a call had missed the prices before it",
        Setting((OpenBook(0, BookRules(dynamic_bps=100)),)),
        [
            ("set_price", (0, 0, 1000), {}),
            ("submit", (0, 1, 1, 1, 1005, 2), {}),
            ("submit", (0, 2, 1, 1, 1020, 2), {}),
            ("submit", (0, 3, 2, 0, 0, 4), {"order_type": 1, "trigger": 2, "trigger_ticks": 998}),
            ("submit", (0, 4, 3, 1, 900, 2), {"trail_ticks": 2}),
            ("set_price", (0, 0, 997), {}),
        ],
    ),
    Regression(
        "core: quotes of nobody did not replace each other",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("quote", (0, 1, 0, 1, 1, 4099, 3), {}),
            ("quote", (0, 1, 0, 1, 2, 4098, 6), {}),
        ],
    ),
    Regression(
        "rule and twin: whether the partner of a taker goes that was filled and whose group its maker has frozen",
        Setting((OpenBook(0, BookRules()),)),
        [
            ("set_mmp", (1, 1), {"lots": 10, "window": 10}),
            ("submit", (0, 1, 1, 0, 90, 3), {}),
            ("submit", (0, 2, 1, 1, 100, 15), {"mmp": 1}),
            ("submit", (0, 3, 1, 0, 0, 18), {"order_type": 1, "stp": 0, "oco": 1, "mmp": 1}),
        ],
    ),
    Regression(
        "rule and twin: the notional of an amend to nothing",
        Setting((OpenBook(1, BookRules(notional_max=3612)),)),
        [
            ("submit", (1, 1, 1, 1, 406, 2), {}),
            ("amend", (1, 1, 262147, 0), {}),
        ],
    ),
    Regression(
        "core: of two linked orders that cross each other the ask cancelled the bid whose fill had cancelled it",
        Setting((OpenBook(1, BookRules()),)),
        [
            ("submit", (1, 1, 0, 0, 19, 6), {}),
            ("set_phase", (1, 3), {}),
            ("submit", (1, 2, 0, 1, 18, 4), {"display_lots": 1, "oco": 1}),
            ("set_phase", (1, 0), {}),
        ],
    ),
)
# fmt: on
