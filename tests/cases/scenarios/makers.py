"""Scenarios of market makers: quotes, mass quotes, protection.

Lives here: rows; the maker is account "M", its protection group 1. Format: ../README.md.
"""

from typing import Any

from tests.cases.scenarios.words import buy, cancel, do, quote, row, says, sell, then


def protected(**limits: Any) -> dict[str, Any]:
    """Rules with a protection of the maker's group 1 over 10 units of time; orders are tagged one by one."""
    return {"mmp": {"account": "M", "group": 1, "window": 10} | limits}


ROWS = [
    row(
        "100", "a quote is replaced under its first id", "Unchanged, smaller, larger, elsewhere, withdrawn.",
        sell("n", 1, 20), quote("q1", "sell", 5, 20), sell("o", 1, 20), quote("q2", "sell", 5, 20),
        says(("amended", "q1", 20, 5, 7)), quote("q3", "sell", 3, 20), says(("amended", "q1", 20, 3, 5)),
        then(queue={"asks": ["n", "q1", "o"]}), quote("q4", "sell", 4, 20),
        says(("cancelled", "q1", 3, "amend_replace", 20, 2), ("rested", "q1", 20, 4, 6)),
        then(queue={"asks": ["n", "o", "q1"]}), quote("q5", "sell", 4, 19),
        says(("cancelled", "q1", 4, "amend_replace", 20, 2), ("rested", "q1", 19, 4, 4)), quote("q6", "sell", 0),
        says(("cancelled", "q1", 4, "user", 19, 0)), quote("q7", "sell", 1, 20), says(("rested", "q7", 20, 1, 3)),
    ),
    row(
        "100", "open lots are what is compared", "After a fill the same size again is an increase.",
        quote("q", "sell", 5, 20), sell("n", 1, 20), buy("t", 2, 20), quote("r", "sell", 3, 20),
        says(("amended", "q", 20, 3, 4)), quote("r", "sell", 5, 20),
        says(("cancelled", "q", 3, "amend_replace", 20, 1), ("rested", "q", 20, 5, 6)), then(filled={"q": 2}),
    ),
    row(
        "100", "sets and sides are quotes of their own", "Two sets on one side stand beside each other.",
        quote("a", "buy", 1, 10), quote("b", "buy", 1, 10, set=2), quote("c", "sell", 1, 20),
        quote("d", "buy", 2, 9, set=2), then(queue={"bids": ["a", "b"], "asks": ["c"]}, prices={"a": 10, "b": 9}),
    ),
    row(
        "100", "a refused quote leaves the old one", "Off the step and across a post-only: place and size stay.",
        quote("a", "sell", 4, 20, post_only=True), sell("n", 4, 20), buy("b", 1, 10), quote("x", "sell", 4, 21),
        says(("refused", "x", "price_step")), quote("y", "sell", 2, 10, post_only=True),
        says(("refused", "y", "post_only_cross")), then(queue={"asks": ["a", "n"]}, leaves={"a": 4}),
        rules={"tick": 2},
    ),
    row(
        "101", "mass quote keeps places and refuses one by one", "Unchanged sides stay first, the bad one is alone.",
        do("mass_quote", account="M", set=1, quotes=[
            {"id": "b", "side": "buy", "qty": 5, "price": 10}, {"id": "a", "side": "sell", "qty": 5, "price": 20},
        ]),
        says(("rested", "b", 10, 5, 5), ("rested", "a", 20, 5, 5)), buy("n", 1, 10),
        do("mass_quote", account="M", set=1, quotes=[
            {"id": "b2", "side": "buy", "qty": 5, "price": 10}, {"id": "bad", "side": "sell", "qty": 5, "price": 7_000},
            {"id": "a2", "side": "sell", "qty": 4, "price": 21},
        ]),
        says(
            ("amended", "b", 10, 5, 6), ("refused", "bad", "price_band"), ("cancelled", "a", 5, "amend_replace", 20, 0),
            ("rested", "a", 21, 4, 4),
        ),
        then(queue={"bids": ["b", "n"]}),
        rules={"band": [1, 100]},
    ),
    row(
        "101", "quotes after a trigger are refused", "The rest of the message meets a frozen group.",
        buy("n", 5, 10),
        do("mass_quote", account="M", set=1, mmp=1, quotes=[
            {"id": "s", "side": "sell", "qty": 9, "price": 10}, {"id": "b", "side": "buy", "qty": 5, "price": 9},
        ]),
        says(
            ("fill", "n", "s", 10, 5, 0, 0), ("mmp", "M", 1, 0), ("cancelled", "s", 4, "mmp", 10, -1),
            ("refused", "b", "mmp_frozen"),
        ),
        rules=protected(qty=4),
    ),
    row(
        "102", "above the limit, not at it", "Ten are allowed, the eleventh lot pulls everything that is tagged.",
        quote("a", "sell", 20, 10, mmp=1), quote("b", "buy", 20, 5, mmp=1), sell("u", 1, 30, account="M"),
        buy("w", 1, 8, stop_price=50, account="M", mmp=1), buy("t", 10, 10),
        says(("fill", "a", "t", 10, 10, 10, 10)), buy("v", 1, 10),
        says(
            ("fill", "a", "v", 10, 1, 9, 9), ("mmp", "M", 1, 0), ("cancelled", "a", 9, "mmp", 10, 0),
            ("cancelled", "b", 20, "mmp", 5, 0), ("cancelled", "w", 1, "mmp", 8, -1),
        ),
        then(queue={"asks": ["u"], "bids": []}),
        rules=protected(qty=10),
    ),
    row(
        "102", "one sweep overshoots once", "Eleven of twenty trade; the taker goes on behind the maker's next order.",
        quote("a", "sell", 11, 10, mmp=1), quote("b", "sell", 9, 11, mmp=1, set=2), sell("n", 5, 11), buy("t", 14, 11),
        says(
            ("fill", "a", "t", 10, 11, 0, 0), ("mmp", "M", 1, 0), ("cancelled", "b", 9, "mmp", 11, 5),
            ("fill", "n", "t", 11, 3, 2, 2),
        ),
        rules=protected(qty=10),
    ),
    row(
        "102", "delta nets", "Buying and selling cancel out; 5 lots of delta 3 one way are above 12.",
        do("greeks", delta=3, vega=0), quote("a", "sell", 50, 10, mmp=1), quote("b", "buy", 50, 5, mmp=1),
        buy("t", 4, 10), sell("u", 4, 5), buy("v", 4, 10), sell("w", 4, 5), says(("fill", "b", "w", 5, 4, 42, 42)),
        buy("x", 5, 10),
        says(
            ("fill", "a", "x", 10, 5, 37, 37), ("mmp", "M", 1, 0), ("cancelled", "a", 37, "mmp", 10, 0),
            ("cancelled", "b", 42, "mmp", 5, 0),
        ),
        rules=protected(delta=12),
    ),
    row(
        "102", "vega counts by itself", "Delta is not limited, 3 lots of vega -7 are above 20.",
        do("greeks", delta=1, vega=-7), quote("a", "sell", 50, 10, mmp=1), buy("t", 2, 10), buy("v", 1, 10),
        says(("fill", "a", "v", 10, 1, 47, 47), ("mmp", "M", 1, 0), ("cancelled", "a", 47, "mmp", 10, 0)),
        rules=protected(vega=20),
    ),
    row(
        "102", "boundary of the window", "A fill at 100 counts until 109; at 110 it is as old as the window.",
        do("time", now=100), quote("a", "sell", 50, 10, mmp=1), buy("t", 8, 10), do("time", now=110), buy("u", 8, 10),
        says(("fill", "a", "u", 10, 8, 34, 34)), do("time", now=119), buy("v", 3, 10),
        says(("fill", "a", "v", 10, 3, 31, 31), ("mmp", "M", 1, 0), ("cancelled", "a", 31, "mmp", 10, 0)),
        rules=protected(qty=10),
    ),
    row(
        "102", "untagged orders neither count nor go", "The same account trades past the limit with plain orders.",
        sell("p", 50, 10, account="M"), quote("a", "sell", 5, 11, mmp=1), buy("t", 40, 10), then(cancels=[]),
        buy("u", 12, 11), says(("fill", "p", "u", 10, 10, 0, 0), ("fill", "a", "u", 11, 2, 3, 3)),
        rules=protected(qty=10),
    ),
    row(
        "103", "frozen for a time", "Refused until the time has come; then the sums start at nothing.",
        do("time", now=100), quote("a", "sell", 50, 10, mmp=1), buy("t", 11, 10),
        says(("fill", "a", "t", 10, 11, 39, 39), ("mmp", "M", 1, 105), ("cancelled", "a", 39, "mmp", 10, 0)),
        do("time", now=104), quote("b", "sell", 50, 10, mmp=1), says(("refused", "b", "mmp_frozen")),
        sell("c", 1, 30, account="M", mmp=1), says(("refused", "c", "mmp_frozen")), sell("d", 1, 30, account="M"),
        says(("rested", "d", 30, 1, 1)), do("time", now=105), quote("b", "sell", 50, 10, mmp=1),
        says(("rested", "b", 10, 50, 50)), buy("u", 10, 10), says(("fill", "b", "u", 10, 10, 40, 40)),
        rules=protected(qty=10, frozen=5),
    ),
    row(
        "103", "frozen until reset", "No time is enough, a reset is.",
        do("time", now=100), quote("a", "sell", 50, 10, mmp=1), buy("t", 11, 10), do("time", now=1_000_000),
        quote("b", "sell", 50, 10, mmp=1), says(("refused", "b", "mmp_frozen")), do("reset_mmp", account="M", group=1),
        quote("b", "sell", 50, 10, mmp=1), says(("rested", "b", 10, 50, 50)),
        quote("c", "sell", 1, 11, mmp=2, set=2), says(("refused", "c", "mmp_unknown")),
        rules=protected(qty=10),
    ),
    row(
        "103", "a frozen quote can be withdrawn", "Lots 0 of nothing and of something.",
        quote("a", "sell", 5, 10, mmp=1), quote("k", "sell", 5, 12, set=2), buy("t", 5, 10),
        says(("fill", "a", "t", 10, 5, 0, 0), ("mmp", "M", 1, 0)), quote("k2", "sell", 0, set=2),
        says(("cancelled", "k", 5, "user", 12, 0)),
        rules=protected(qty=4),
    ),
    row(
        "103", "new limits keep the sums",
        "Nine lots traded under a limit of ten; under eight the next one is too many.",
        quote("a", "sell", 50, 10, mmp=1), buy("t", 9, 10), do("set_mmp", account="M", group=1, qty=8, window=10),
        then(cancels=[]), buy("u", 1, 10),
        says(("fill", "a", "u", 10, 1, 40, 40), ("mmp", "M", 1, 0), ("cancelled", "a", 40, "mmp", 10, 0)),
        rules=protected(qty=10),
    ),
    row(
        "104", "the 65th fill",
        "Two fills of different times count as one of the later: the window forgets late, never early.",
        do("time", now=1), quote("a", "sell", 500, 10, mmp=1), buy("t0", 1, 10), do("time", now=5),
        *(buy(f"t{n}", 1, 10) for n in range(1, 65)), do("time", now=11), then(cancels=[]), buy("t65", 1, 10),
        says(("fill", "a", "t65", 10, 1, 434, 434), ("mmp", "M", 1, 0), ("cancelled", "a", 434, "mmp", 10, 0)),
        rules=protected(qty=65),
    ),
    row(
        "102", "protection as a taker", "A tagged taker stops in the middle of its own sweep.",
        sell("x", 3, 10), sell("y", 3, 11), buy("t", 6, 11, account="M", mmp=1),
        says(
            ("fill", "x", "t", 10, 3, 0, 0), ("mmp", "M", 1, 0), ("cancelled", "t", 3, "mmp", 11, -1)
        ),
        then(queue={"asks": ["y"], "bids": []}), cancel("y"),
        rules=protected(qty=2),
    ),
]  # fmt: skip
