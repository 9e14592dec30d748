"""Scenarios in which several rules meet: links, protection, icebergs, bands, combos and triggers in one command.

Lives here: rows, each under the code of the rule that decides. Format: ../README.md.
"""

from typing import Any

from tests.cases.scenarios.words import buy, cancel, do, phase, quote, replace, row, says, sell, then

MAKER: dict[str, Any] = {"mmp": {"account": "M", "group": 1, "window": 10, "qty": 4}}
SPREAD: dict[str, Any] = {"instruments": {"U": {}, "V": {}, "U-V": {}}}
Fields = dict[str, Any]
U, V, UV = (Fields(instrument=name) for name in ("U", "V", "U-V"))

ROWS = [
    row(
        "013", "what was counted on is taken away", "A link takes the second maker away, so the rest is killed.",
        sell("x", 2, 10, account="A"), sell("y", 2, 11, account="A", oco="x"), buy("t", 4, 11, tif="fok"),
        says(("fill", "x", "t", 10, 2, 0, 0), ("cancelled", "y", 2, "oco", 11, 0),
            ("cancelled", "t", 2, "fok", 11, -1)),
    ),
    row(
        "013", "reserves count, own orders do not",
        "Six of seven can be had: the reserve of the stranger, not the own.",
        sell("i", 6, 10, display_qty=1, account="B"), sell("o", 5, 10, account="A"),
        buy("t", 7, 10, tif="fok", account="A", stp="cancel_oldest"), says(("cancelled", "t", 7, "fok", 10, -1)),
        then(queue={"asks": ["i", "o"]}), buy("u", 6, 10, tif="fok", account="A", stp="cancel_oldest"),
        then(filled={"u": 6, "i": 6}, cancels=[{"id": "t", "qty": 7}, {"id": "o", "qty": 5}]),
    ),
    row(
        "015", "prevented lots cost nothing", "Decrement takes three off both, the amount is still there for the next.",
        sell("o", 3, 10, account="A"), sell("n", 9, 10, account="B"),
        buy("t", 8, quote_qty=50, account="A", stp="decrement"),
        says(
            ("cancelled", "o", 3, "stp", 10, 9), ("reduced", "t", 3, 5, 0, -1), ("fill", "n", "t", 10, 5, 4, 4),
        ),
    ),
    row(
        "035", "cancel newest is stopped before the reserve", "Behind the own order nothing counts, reserves neither.",
        sell("i", 6, 10, display_qty=2, account="B"), sell("o", 1, 10, account="A"),
        buy("t", 3, 10, tif="fok", account="A", stp="cancel_newest"), says(("cancelled", "t", 3, "fok", 10, -1)),
        buy("u", 2, 10, tif="fok", account="A", stp="cancel_newest"),
        says(("fill", "i", "u", 10, 2, 4, 1), ("refreshed", "i", 10, 2, 3)),
    ),
    row(
        "038", "auction, extension, end",
        "The sweep opens it, the price outside keeps it, a seller inside lets it end.",
        do("set_last", price=100), sell("a", 1, 104), sell("b", 2, 106), buy("t", 3, 107),
        says(("fill", "a", "t", 104, 1, 0, 0), ("rested", "t", 107, 2, 2), ("phase", "book", "volatility")),
        buy("i", 1, 100, tif="ioc"), says(("refused", "i", "phase")), phase("continuous", force=False),
        says(("phase", "book", "continuous"), ("auction", "book", 106, 2), ("cross", "t", "b", 106, 2, 0, 0, 0, 0)),
        then(last=106), sell("c", 1, 113), buy("u", 1, 120),
        says(("rested", "u", 120, 1, 1), ("phase", "book", "volatility")), phase("continuous", force=False),
        says(("extended", "book", 113)), sell("d", 1, 111), phase("continuous", force=False),
        says(("phase", "book", "continuous"), ("auction", "book", 111, 1), ("cross", "u", "d", 111, 1, 0, 0, 0, 0)),
        rules={"dynamic_bps": 500},
    ),
    row(
        "038", "a triggered order opens it too", "The stop enters, takes to the bound, and what triggers later waits.",
        do("set_last", price=100), sell("a", 1, 101), sell("b", 1, 104), sell("c", 1, 108),
        buy("p", 2, 110, stop_price=101), buy("q", 1, 90, stop_price=104), buy("t", 1, 101),
        says(
            ("fill", "a", "t", 101, 1, 0, 0), ("triggered", "p", 101), ("fill", "b", "p", 104, 1, 0, 0),
            ("rested", "p", 110, 1, 1), ("phase", "book", "volatility"),
        ),
        then(pending_stops=["q"]), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 108, 1), ("cross", "p", "c", 108, 1, 0, 0, 0, 0),
            ("triggered", "q", 108), ("rested", "q", 90, 1, 1),
        ),
        rules={"dynamic_bps": 500},
    ),
    row(
        "066", "an iceberg that triggers", "It waits whole, trades whole, and shows its part once it rests.",
        do("set_last", price=20), sell("i", 9, 15, stop_price=18, display_qty=2), buy("b", 3, 15),
        do("set_last", price=18),
        says(("triggered", "i", 18), ("fill", "b", "i", 15, 3, 0, 0), ("rested", "i", 15, 6, 2)),
        then(displayed={"i": 2}, leaves={"i": 6}),
    ),
    row(
        "067", "decrement as an iceberg taker", "Both are whole quantities; what is left shows its part.",
        buy("o", 4, 10, account="A"), sell("i", 9, 10, account="A", stp="decrement", display_qty=2),
        says(("cancelled", "o", 4, "stp", 10, 0), ("reduced", "i", 4, 5, 10, -1), ("rested", "i", 10, 5, 2)),
    ),
    row(
        "074", "a triggered order cancelled by its sibling's fill", "Gone when its turn comes, it is passed over.",
        sell("a", 1, 10), sell("x", 1, 11, account="A"), buy("y", 1, 12, stop_price=11, account="A", oco="x"),
        buy("t", 2, 11), says(
            ("fill", "a", "t", 10, 1, 0, 0), ("fill", "x", "t", 11, 1, 0, 0), ("cancelled", "y", 1, "oco", 12, -1),
        ),
        then(triggered=[], pending_stops=[]),
    ),
    row(
        "079", "amended leg keeps its link", "In place or as a fresh order, the pair stays a pair.",
        sell("x", 5, 20, account="A"), sell("y", 5, 30, account="A", oco="x"), replace("x", price=21),
        says(("cancelled", "x", 5, "amend_replace", 20, 0), ("rested", "x", 21, 5, 5)), replace("y", qty=3),
        buy("t", 1, 21), says(("fill", "x", "t", 21, 1, 4, 4), ("cancelled", "y", 3, "oco", 30, 0)),
    ),
    row(
        "079", "prevention is no fill", "A leg that decrement makes smaller leaves the other alone.",
        sell("x", 5, 20, account="A"), sell("y", 5, 30, account="A", oco="x"),
        buy("t", 2, 20, account="A", stp="decrement"),
        says(("reduced", "x", 2, 3, 20, 3), ("cancelled", "t", 2, "stp", 20, -1)), then(leaves={"x": 3, "y": 5}),
    ),
    row(
        "083", "a peg behind a sweep that opens an auction", "It is parked by the phase, not re-priced by the command.",
        do("set_last", price=100), buy("b", 1, 95), sell("a", 1, 106), buy("p", 1, peg="bid"), buy("t", 1, 110),
        says(
            ("rested", "t", 110, 1, 1), ("phase", "book", "volatility"), ("cancelled", "p", 1, "peg", 95, 1),
            ("parked", "p", 1),
        ),
        rules={"dynamic_bps": 500},
    ),
    row(
        "094", "uncross, triggers, pegs", "In this order, each with the price that the one before has made.",
        phase("auction"), buy("a", 2, 12), sell("b", 2, 12), buy("c", 1, 11), buy("p", 1, peg="bid"),
        sell("s", 1, stop_price=12), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 12, 2), ("cross", "a", "b", 12, 2, 0, 0, 0, 0),
            ("triggered", "s", 12), ("fill", "c", "s", 11, 1, 0, 0),
        ),
        then(parked=["p"]), buy("d", 1, 10), says(("rested", "d", 10, 1, 1), ("rested", "p", 10, 1, 2)),
    ),
    row(
        "102", "link first, then protection", "The fill ends the sibling, then the group, before the taker goes on.",
        sell("x", 5, 10, account="M", mmp=1), sell("y", 5, 11, account="M", oco="x"), quote("q", "sell", 3, 11, mmp=1),
        sell("n", 3, 11), buy("t", 7, 11),
        says(
            ("fill", "x", "t", 10, 5, 0, 0), ("cancelled", "y", 5, "oco", 11, 6), ("mmp", "M", 1, 0),
            ("cancelled", "q", 3, "mmp", 11, 3), ("fill", "n", "t", 11, 2, 1, 1),
        ),
        rules=MAKER,
    ),
    row(
        "102", "protection in an auction", "Cross by cross; the rest of the maker is gone for the next buyer.",
        phase("auction"), quote("q", "sell", 9, 10, mmp=1), buy("a", 5, 10), buy("b", 4, 10), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 10, 9), ("cross", "a", "q", 10, 5, 0, 4, 4, 4),
            ("mmp", "M", 1, 0), ("cancelled", "q", 4, "mmp", 10, 0),
        ),
        then(queue={"bids": ["b"], "asks": []}),
        rules=MAKER,
    ),
    row(
        "114", "a link of a leg", "All parts trade, then the leg's sibling goes.",
        buy("x", 5, 100, account="A", **U), buy("y", 5, 90, account="A", oco="x", **U), sell("va", 5, 130, **V),
        sell("t", 1, -30, **UV),
        says(
            ("implied", "t", "U-V", -30, 1, 0), ("fill", "x", "t", 100, 1, 4, 4), ("fill", "va", "t", 130, 1, 4, 4),
            ("cancelled", "y", 5, "oco", 90, 0),
        ),
        rules=SPREAD,
    ),
    row(
        "114", "protection waits for all parts", "One owner and group in both legs: all parts, then the rest goes.",
        do("set_mmp", account="A", group=1, qty=1, window=100), buy("x", 5, 100, account="A", mmp=1, **U),
        sell("va", 5, 130, account="A", mmp=1, **V), sell("t", 3, -30, **UV),
        says(
            ("implied", "t", "U-V", -30, 3, 0), ("fill", "x", "t", 100, 3, 2, 2), ("fill", "va", "t", 130, 3, 2, 2),
            ("mmp", "A", 1, 0), ("cancelled", "x", 2, "mmp", 100, 0), ("cancelled", "va", 2, "mmp", 130, 0),
        ),
        rules=SPREAD,
    ),
    row(
        "114", "a peg of the leg's book follows", "The leg lost its best bid, so its peg moves at the end.",
        buy("a", 1, 100, **U), buy("b", 1, 99, **U), buy("p", 1, peg="bid", peg_offset=-1, **U),
        sell("va", 5, 130, **V),
        sell("t", 1, -30, **UV),
        says(
            ("implied", "t", "U-V", -30, 1, 0), ("fill", "a", "t", 100, 1, 0, 0), ("fill", "va", "t", 130, 1, 4, 4),
            ("cancelled", "p", 1, "peg", 99, 1), ("rested", "p", 98, 1, 1),
        ),
        rules=SPREAD,
    ),
    row(
        "053", "mass cancel of one book of several", "The others keep their orders, an owner's cancel reaches all.",
        buy("u", 1, 10, account="A", **U), buy("v", 1, 10, account="A", **V), buy("w", 1, -5, account="A", **UV),
        do("mass_cancel", **V), says(("cancelled", "v", 1, "mass", 10, 0)), do("mass_cancel", account="A"),
        says(("cancelled", "u", 1, "user", 10, 0), ("cancelled", "w", 1, "user", -5, 0)), cancel("u"),
        says(("refused", "u", "unknown_order")),
        rules=SPREAD,
    ),
]  # fmt: skip
