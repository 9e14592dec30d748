"""Scenarios of orders that wait and of linked ones: triggers, cascades, trailing, amends, one cancels other.

Lives here: rows. Format: ../README.md.
"""

from tests.cases.scenarios.words import buy, cancel, do, phase, replace, row, says, sell, then

ROWS = [
    row(
        "047", "amended waiting order", "Limit, total and trigger may change; the entry number stays.",
        buy("p", 5, 12, stop_price=20), buy("q", 5, 12, stop_price=20), replace("p", price=13, qty=4, stop_price=21),
        says(("pending", "p", 21, 4)), replace("p", stop_price=20), says(("pending", "p", 20, 4)),
        then(pending_stops=["p", "q"], leaves={"p": 4}, prices={"p": 13}), do("set_last", price=20),
        says(("triggered", "p", 20), ("rested", "p", 13, 4, 4), ("triggered", "q", 20), ("rested", "q", 12, 5, 5)),
    ),
    row(
        "047", "new trigger already met", "It triggers at once, without pending; a total of nothing cancels.",
        do("set_last", price=20), buy("p", 5, 12, stop_price=30), replace("p", stop_price=20),
        says(("triggered", "p", 20), ("rested", "p", 12, 5, 5)), buy("q", 5, 12, stop_price=30), replace("q", qty=0),
        says(("cancelled", "q", 5, "amend_total", 12, -1)),
    ),
    row(
        "047", "trigger that would be met is refused", "With reject_triggered the amend changes nothing.",
        do("set_last", price=20), buy("p", 5, 12, stop_price=30), replace("p", stop_price=19),
        says(("refused", "p", "would_trigger")), then(pending_stops=["p"]), buy("q", 1, 12, stop_price=20),
        says(("refused", "q", "would_trigger")),
        rules={"reject_triggered": True},
    ),
    row(
        "047", "activation price of a trailing order", "It may change until it is reached, never after.",
        do("set_last", price=20), sell("p", 5, 12, stop_price=30, trigger_direction="up", trail_ticks=3),
        replace("p", stop_price=25), says(("pending", "p", 25, 5)), do("set_last", price=25), says(),
        replace("p", stop_price=30), says(("refused", "p", "trigger_price")), replace("p", qty=4),
        says(("pending", "p", 25, 4)), do("set_last", price=22),
        says(("triggered", "p", 22), ("rested", "p", 12, 4, 4)),
    ),
    row(
        "070", "each order watches the price it names", "Mark and index trigger their own; equality is enough.",
        buy("l", 1, 5, stop_price=20), buy("m", 1, 5, stop_price=20, reference="mark"),
        sell("i", 1, 50, stop_price=20, reference="index"), do("set_mark", price=19), says(), do("set_mark", price=20),
        says(("triggered", "m", 20), ("rested", "m", 5, 1, 1)), do("set_index", price=21), says(),
        do("set_index", price=20), says(("triggered", "i", 20), ("rested", "i", 50, 1, 1)),
        then(pending_stops=["l"], last=None),
    ),
    row(
        "070", "take-profits go the other way", "A sell waits for a rise, a buy for a fall.",
        do("set_last", price=20), sell("s", 1, 25, stop_price=25, trigger_kind="tp"), says(("pending", "s", 25, 1)),
        buy("b", 1, 15, stop_price=15, trigger_kind="tp"), says(("pending", "b", 15, 1)), do("set_last", price=25),
        says(("triggered", "s", 25), ("rested", "s", 25, 1, 1)), do("set_last", price=15),
        says(("triggered", "b", 15), ("rested", "b", 15, 1, 1)),
    ),
    row(
        "072", "the taker is done before anything triggers", "All its fills, then its rest, then the earlier price.",
        sell("a", 1, 10), sell("b", 1, 11), buy("q", 1, 9, stop_price=11), buy("p", 1, 9, stop_price=10),
        buy("t", 3, 11),
        says(
            ("fill", "a", "t", 10, 1, 0, 0), ("fill", "b", "t", 11, 1, 0, 0), ("rested", "t", 11, 1, 1),
            ("triggered", "p", 10), ("rested", "p", 9, 1, 1), ("triggered", "q", 11), ("rested", "q", 9, 1, 2),
        ),
    ),
    row(
        "073", "cascade down to the end", "Each stop sells into the next one's trigger; nothing is left behind.",
        *(buy(f"b{price}", 1, price) for price in (10, 9, 8, 7)),
        *(sell(f"s{price}", 1, stop_price=price) for price in (8, 9, 10)), sell("t", 1, 10),
        says(
            ("fill", "b10", "t", 10, 1, 0, 0),
            ("triggered", "s10", 10), ("fill", "b9", "s10", 9, 1, 0, 0),
            ("triggered", "s9", 9), ("fill", "b8", "s9", 8, 1, 0, 0),
            ("triggered", "s8", 8), ("fill", "b7", "s8", 7, 1, 0, 0),
        ),
        then(pending_stops=[], triggered=["s10", "s9", "s8"], last=7),
    ),
    row(
        "074", "a leg that cannot enter still ends its sibling", "Triggered, link, then the check that fails.",
        do("set_last", price=20), sell("x", 1, 40, account="A", oco_group="g"),
        buy("y", 2, 30, stop_price=25, post_only=True, account="A", oco_group="g"), sell("a", 1, 28),
        do("set_last", price=25),
        says(("triggered", "y", 25), ("cancelled", "x", 1, "oco", 40, 0), ("cancelled", "y", 2, "post_only", 30, -1)),
    ),
    row(
        "075", "trailing follows again and again", "Every new high counts, a fall does not lower the level.",
        do("set_last", price=100), sell("p", 1, 50, trail_ticks=10), do("set_last", price=120), says(),
        do("set_last", price=111), says(), do("set_last", price=150), says(), do("set_last", price=141), says(),
        do("set_last", price=145), says(), do("set_last", price=140),
        says(("triggered", "p", 140), ("rested", "p", 50, 1, 1)),
    ),
    row(
        "075", "trades move the extreme too", "The price a taker trades at is a seen price.",
        buy("b", 1, 100), sell("s", 1, 100), sell("p", 1, 50, trail_ticks=10), says(("pending", "p", 0, 1)),
        buy("b2", 1, 130), sell("s2", 1, 130), says(("fill", "b2", "s2", 130, 1, 0, 0)),
        buy("b3", 1, 121), sell("s3", 1, 121), says(("fill", "b3", "s3", 121, 1, 0, 0)), buy("b4", 1, 120),
        sell("s4", 1, 120),
        says(("fill", "b4", "s4", 120, 1, 0, 0), ("triggered", "p", 120), ("rested", "p", 50, 1, 1)),
    ),
    row(
        "075", "basis points are not rounded", "5% above a low of 39 is 40.95: 40 is not enough, 41 is.",
        do("set_last", price=50), buy("p", 1, 60, trail_bps=500), do("set_last", price=39), says(),
        do("set_last", price=40), says(), do("set_last", price=41),
        says(("triggered", "p", 41), ("rested", "p", 60, 1, 1)),
    ),
    row(
        "076", "no trigger at the activation price", "The first price at or beyond it is the first extreme.",
        do("set_last", price=50), sell("p", 1, 10, stop_price=60, trigger_direction="up", trail_bps=0, trail_ticks=5),
        do("set_last", price=59), says(), do("set_last", price=40), says(), do("set_last", price=64), says(),
        do("set_last", price=60), says(), do("set_last", price=59),
        says(("triggered", "p", 59), ("rested", "p", 10, 1, 1)),
    ),
    row(
        "077", "extremes first, then triggers, by entry number", "A stop and two trailing orders at one price.",
        do("set_last", price=50), sell("p", 1, 90, trail_ticks=5), sell("q", 1, 91, stop_price=45),
        sell("r", 1, 92, trail_ticks=4), do("set_last", price=45),
        says(
            ("triggered", "p", 45), ("rested", "p", 90, 1, 1), ("triggered", "q", 45), ("rested", "q", 91, 1, 1),
            ("triggered", "r", 45), ("rested", "r", 92, 1, 1),
        ),
    ),
    row(
        "078", "room for trailing orders", "Two fit; a cancel makes room again, plain stops need none.",
        sell("a", 1, 90, trail_ticks=5), sell("b", 1, 90, trail_bps=5), sell("c", 1, 90, trail_ticks=5),
        says(("refused", "c", "trailing_full")), sell("d", 1, 90, stop_price=5), says(("pending", "d", 5, 1)),
        cancel("a"), says(("cancelled", "a", 1, "user", 90, -1)), sell("c", 1, 90, trail_ticks=5),
        says(("pending", "c", 0, 1)),
        rules={"trailing_max": 2},
    ),
    row(
        "079", "any fill ends the sibling", "A partial one too, before the taker trades on.",
        sell("x", 5, 10, account="A", oco_group="g"), sell("y", 5, 11, account="A", oco_group="g"), sell("n", 5, 11),
        buy("t", 7, 11),
        says(
            ("fill", "x", "t", 10, 5, 0, 0), ("cancelled", "y", 5, "oco", 11, 5), ("fill", "n", "t", 11, 2, 3, 3),
        ),
        buy("b", 2, 9, account="A"), sell("p", 1, 20, account="A", oco_group="h"),
        sell("q", 9, 30, account="A", oco_group="h"), buy("u", 1, 30, tif="ioc"), sell("v", 1, 9),
        says(("fill", "b", "v", 9, 1, 1, 1)),
    ),
    row(
        "079", "second leg that trades as it comes", "Its first fill takes the first leg away.",
        buy("b", 2, 10), sell("x", 5, 20, account="A"), sell("y", 5, 10, account="A", oco="x"),
        says(("fill", "b", "y", 10, 2, 0, 0), ("cancelled", "x", 5, "oco", 20, 0), ("rested", "y", 10, 3, 3)),
        sell("z", 1, 30, account="A", oco="y"), says(("rested", "z", 30, 1, 1)),  # y stands alone again
    ),
    row(
        "079", "who may be named", "Not a stranger's order, one that is gone, or one that has a partner.",
        sell("x", 5, 20, account="A"), sell("s", 5, 30, account="B", oco="x"), says(("refused", "s", "oco_unknown")),
        sell("g", 5, 30, account="A", oco="gone"), says(("refused", "g", "oco_unknown")),
        sell("y", 5, 30, account="A", oco="x"), says(("rested", "y", 30, 5, 5)),
        sell("z", 5, 30, account="A", oco="x"), says(("refused", "z", "oco_unknown")), cancel("y"),
        says(("cancelled", "y", 5, "user", 30, 0)), sell("z", 5, 30, account="A", oco="x"),
        says(("rested", "z", 30, 5, 5)),
    ),
    row(
        "079", "take-profit and stop of one position", "The stop's trigger takes the resting profit order away.",
        do("set_last", price=20), sell("profit", 5, 25, account="A", oco_group="g"),
        sell("stop", 5, stop_price=15, account="A", oco_group="g"), buy("b", 9, 14), do("set_last", price=15),
        says(("triggered", "stop", 15), ("cancelled", "profit", 5, "oco", 25, 0), ("fill", "b", "stop", 14, 5, 4, 4)),
        then(pending_stops=[], queue={"asks": []}),
    ),
    row(
        "091", "nothing triggers in a call", "What was seen there is looked at when the call is left.",
        do("set_last", price=20), phase("auction"), buy("p", 1, 5, stop_price=20), says(("pending", "p", 20, 1)),
        do("set_last", price=25), says(), then(triggered=[]), phase("continuous"),
        says(("phase", "book", "continuous"), ("triggered", "p", 25), ("rested", "p", 5, 1, 1)),
    ),
]  # fmt: skip
