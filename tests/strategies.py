"""One shared set of Hypothesis strategies.

Lives here: strategies for matching commands. They aim at collisions: few prices, few owners, small quantities, so that
orders meet, tie and belong to the same owner often, and examples shrink to something readable.
Does not know: engines, or what the right answer to a command is.
"""

from typing import Any, Final

from hypothesis import strategies as st

from domain.book_rules import BookRules
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

Command = tuple[str, tuple[int, ...], dict[str, Any]]  # engine method, positional arguments, options

BOOK: Final = 0
OWNERS: Final = (0, 1, 2, 3)  # 0 is nobody
PRICE_TICKS_MAX: Final = 14
IDS_MAX: Final = 40

sides = st.sampled_from((BUY, SELL))
owners = st.sampled_from(OWNERS)
price_ticks = st.integers(0, PRICE_TICKS_MAX)  # 0 and the highest are outside the bands drawn below
lots = st.integers(0, 12)


@st.composite
def book_rules(draw: st.DrawFn) -> BookRules:
    """Rules of one book: sometimes everything goes, sometimes steps, bounds and a protection."""
    return BookRules(
        price_step_ticks=draw(st.sampled_from((1, 1, 2))),
        lot_step=draw(st.sampled_from((1, 1, 3))),
        lots_max=draw(st.sampled_from((2**53, 11))),
        band_low_ticks=draw(st.sampled_from((1, 2))),
        band_high_ticks=draw(st.sampled_from((2**27 - 1, 13))),
        protection_bps=draw(st.sampled_from((0, 0, 1_500))),
        protection_ticks=draw(st.sampled_from((0, 0, 2))),
    )


@st.composite
def submits(draw: st.DrawFn) -> Command:
    """A new order of any kind; ids repeat now and then."""
    options = {
        "order_type": draw(st.sampled_from((LIMIT, LIMIT, LIMIT, LIMIT, MARKET))),
        "tif": draw(st.sampled_from((GTC, GTC, GTC, IOC, FOK))),
        "post_only": draw(st.sampled_from((False, False, False, True))),
        "stp": draw(st.sampled_from((STP_NONE, STP_CANCEL_NEWEST, STP_CANCEL_OLDEST, STP_CANCEL_BOTH))),
    }
    order_id = draw(st.integers(1, IDS_MAX))
    return "submit", (BOOK, order_id, draw(owners), draw(sides), draw(price_ticks), draw(lots)), options


@st.composite
def changes(draw: st.DrawFn) -> Command:
    """A cancel or an amend of an id that may rest, may be gone, may be somebody else's."""
    order_id, owner = draw(st.integers(1, IDS_MAX)), draw(owners)
    if draw(st.booleans()):
        return "cancel", (order_id, owner), {}
    return "amend", (order_id, owner, draw(price_ticks), draw(st.integers(-1, 20))), {}


cancel_owners: st.SearchStrategy[Command] = st.sampled_from(OWNERS[1:]).map(lambda o: ("cancel_owner", (o,), {}))

# Mostly orders, a fair part of changes, rarely everything of one owner.
command_lists = st.lists(
    st.one_of(submits(), submits(), submits(), submits(), changes(), changes(), changes(), cancel_owners),
    min_size=1,
    max_size=60,
)
