"""Scenarios of pegs: price, offset, limit, parking, re-pricing, calls.

Lives here: rows. Format: ../README.md.
"""

from tests.cases.scenarios.words import buy, cancel, do, phase, replace, row, says, sell, then

ROWS = [
    row(
        "078", "room for pegs", "Two fit, resting or parked; a third is refused before it looks for a price.",
        buy("a", 1, 10), buy("p", 1, peg="bid"), sell("q", 1, peg="ask"), says(("parked", "q", 1)),
        buy("r", 1, peg="bid"), says(("refused", "r", "pegs_full")), cancel("q"),
        says(("cancelled", "q", 1, "user", 0, -1)), buy("r", 1, peg="bid"), says(("rested", "r", 10, 1, 3)),
        rules={"pegs_max": 2},
    ),
    row(
        "080", "offsets of both signs", "Away from the reference, or towards the other side, up to one tick before it.",
        buy("b", 1, 100), sell("a", 1, 110), buy("p", 1, peg="bid", peg_offset=-3), says(("rested", "p", 97, 1, 1)),
        buy("q", 1, peg="bid", peg_offset=4), says(("rested", "q", 104, 1, 1)), sell("r", 1, peg="bid", peg_offset=4),
        says(("rested", "r", 105, 1, 1)), sell("s", 1, peg="ask", peg_offset=5), says(("rested", "s", 115, 1, 1)),
        buy("t", 1, peg="ask", peg_offset=9), says(("rested", "t", 104, 1, 2)),
    ),
    row(
        "080", "the middle is rounded away from the other side", "Between 100 and 105: a buy at 102, a sell at 103.",
        buy("b", 1, 100), sell("a", 1, 105), buy("p", 1, peg="mid"), says(("rested", "p", 102, 1, 1)),
        sell("q", 1, peg="mid"), says(("rested", "q", 103, 1, 1)), buy("r", 1, peg="mid", peg_limit=101),
        says(("rested", "r", 101, 1, 1)), sell("s", 1, peg="mid", peg_limit=104), says(("rested", "s", 104, 1, 1)),
    ),
    row(
        "080", "a middle without an odd tick", "The second peg would meet the first, so it stays one tick away.",
        buy("b", 1, 100), sell("a", 1, 104), buy("p", 1, peg="mid"), says(("rested", "p", 102, 1, 1)),
        sell("q", 1, peg="mid"), says(("rested", "q", 103, 1, 1)),
    ),
    row(
        "080", "valid prices of a tick table", "Down for a buy, up for a sell.",
        buy("b", 1, 200), sell("a", 1, 215), buy("p", 1, peg="bid", peg_offset=3), says(("rested", "p", 200, 1, 2)),
        sell("q", 1, peg="ask", peg_offset=-3), says(("rested", "q", 215, 1, 2)), buy("r", 1, peg="mid"),
        says(("rested", "r", 205, 1, 1)), sell("s", 1, peg="mid"), says(("rested", "s", 210, 1, 1)),
        rules={"tick_table": [[100, 5]]},
    ),
    row(
        "081", "parked without a reference, back with one", "Its place in the order of entry is kept.",
        sell("p", 3, peg="ask", peg_limit=50), says(("parked", "p", 3)), sell("q", 2, peg="ask"),
        says(("parked", "q", 2)), then(parked=["p", "q"], book={"asks": []}), sell("a", 1, 40),
        says(("rested", "a", 40, 1, 1), ("rested", "p", 50, 3, 3), ("rested", "q", 40, 2, 3)), cancel("a"),
        says(
            ("cancelled", "a", 1, "user", 40, 2), ("cancelled", "p", 3, "peg", 50, 0), ("parked", "p", 3),
            ("cancelled", "q", 2, "peg", 40, 0), ("parked", "q", 2),
        ),
    ),
    row(
        "081", "outside the band there is no price", "A peg that would be is parked, and comes back.",
        buy("b", 1, 272), buy("p", 1, peg="bid", peg_offset=-5), says(("parked", "p", 1)), buy("c", 1, 280),
        says(("rested", "c", 280, 1, 1), ("rested", "p", 275, 1, 1)),
        rules={"band": [270, 330]},
    ),
    row(
        "081", "refused and cancelled instead", "With both peg rules set nothing is ever parked outside a call.",
        buy("p", 1, peg="bid"), says(("refused", "p", "no_reference")), buy("b", 1, 10), buy("p", 1, peg="bid"),
        says(("rested", "p", 10, 1, 2)), cancel("b"),
        says(("cancelled", "b", 1, "user", 10, 1), ("cancelled", "p", 1, "no_reference", 10, 0)), phase("auction"),
        buy("q", 1, peg="bid"), says(("parked", "q", 1)),
        rules={"peg_noref": "reject", "peg_lost": "cancel"},
    ),
    row(
        "082", "behind what is there", "A peg enters at the back of its price.",
        buy("a", 1, 10), buy("b", 2, 10), buy("p", 3, peg="bid"), says(("rested", "p", 10, 3, 6)),
        then(queue={"bids": ["a", "b", "p"]}),
    ),
    row(
        "083", "pegs do not follow each other", "Only orders that are no pegs are a reference.",
        buy("a", 1, 10), buy("p", 1, peg="bid", peg_offset=2), says(("rested", "p", 12, 1, 1)), buy("q", 1, peg="bid"),
        says(("rested", "q", 10, 1, 2)), buy("b", 1, 11),
        says(
            ("rested", "b", 11, 1, 1), ("cancelled", "p", 1, "peg", 12, 0), ("rested", "p", 13, 1, 1),
            ("cancelled", "q", 1, "peg", 10, 1), ("rested", "q", 11, 1, 2),
        ),
    ),
    row(
        "083", "never during a sweep", "The peg trades where it stood, although its reference went first.",
        buy("a", 1, 10), buy("b", 1, 8), buy("p", 2, peg="bid", peg_offset=-1), sell("t", 2, 7),
        says(
            ("fill", "a", "t", 10, 1, 0, 0), ("fill", "p", "t", 9, 1, 1, 1), ("cancelled", "p", 1, "peg", 9, 0),
            ("rested", "p", 7, 1, 1),
        ),
    ),
    row(
        "083", "after all triggers", "The price is found when the cascade is over.",
        buy("a", 1, 10), buy("b", 1, 9), buy("c", 1, 8), buy("p", 1, peg="bid", peg_offset=-3),
        sell("s", 1, stop_price=10), sell("t", 1, 10),
        says(
            ("fill", "a", "t", 10, 1, 0, 0), ("triggered", "s", 10), ("fill", "b", "s", 9, 1, 0, 0),
            ("cancelled", "p", 1, "peg", 7, 0), ("rested", "p", 5, 1, 1),
        ),
    ),
    row(
        "047", "amended peg", "Less keeps the place unless the price moves; no limit is a legal limit.",
        buy("a", 1, 10), buy("p", 5, peg="bid", peg_limit=9), buy("n", 1, 9), replace("p", qty=4),
        says(("amended", "p", 9, 4, 5)), replace("p", qty=6),
        says(("cancelled", "p", 4, "amend_replace", 9, 1), ("rested", "p", 9, 6, 7)), replace("p", price=0, qty=6),
        says(("amended", "p", 9, 6, 7), ("cancelled", "p", 6, "peg", 9, 1), ("rested", "p", 10, 6, 7)),
    ),
    row(
        "084", "a call parks pegs", "On entering it and while it lasts; afterwards they rest by entry number.",
        buy("a", 1, 10), buy("p", 1, peg="bid"), sell("q", 1, peg="bid", peg_offset=5), phase("auction"),
        says(
            ("phase", "book", "volatility"), ("cancelled", "p", 1, "peg", 10, 1), ("parked", "p", 1),
            ("cancelled", "q", 1, "peg", 15, 0), ("parked", "q", 1),
        ),
        buy("r", 1, peg="bid"), says(("parked", "r", 1)), buy("b", 1, 12), says(("rested", "b", 12, 1, 1)),
        then(parked=["p", "q", "r"]), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("rested", "p", 12, 1, 2), ("rested", "q", 17, 1, 1),
            ("rested", "r", 12, 1, 3),
        ),
    ),
    row(
        "084", "the last price alone moves no peg", "A command that did not touch the book's orders changes nothing.",
        buy("a", 1, 10), buy("p", 1, peg="bid"), do("set_last", price=50), says(), then(queue={"bids": ["a", "p"]}),
    ),
]  # fmt: skip
