"""Scenarios of phases and auctions: transitions, what a call takes, price, uncross, prevention, extension.

Lives here: rows. Format: ../README.md.
"""

from tests.cases.scenarios.words import buy, cancel, do, phase, replace, row, says, sell, then

BAND = {"dynamic_bps": 500}
LEGAL = [
    "0>2", "0>3", "0>4", "0>5", "1>2", "1>4", "1>5", "2>0", "2>4", "2>5", "3>0", "3>4", "3>5", "4>1", "4>2", "4>5",
    "5>1", "5>6",
]  # fmt: skip
WORDS = ("continuous", "pre_open", "opening", "volatility", "halt", "closed", "expired")
WAY_TO = {0: [], 1: [4, 1], 2: [2], 3: [3], 4: [4], 5: [5], 6: [5, 6]}


def _transitions(start: int) -> list[dict[str, object]]:
    """From one phase everything that is not legal is tried first, then everything that is, one by one from there."""
    steps = [phase(WORDS[n], force=True) for n in WAY_TO[start]] + [then(phase=WORDS[start])]
    for end in range(7):
        if f"{start}>{end}" not in LEGAL and (start, end) != (0, 0):  # the format's continuous is idempotent
            steps += [phase(WORDS[end]), says(("refused", "book", "illegal_phase"))]
    return [*steps, then(phase=WORDS[start])]


ROWS = [
    *(
        row("090", f"illegal from {WORDS[start]}", "Every transition that is not in the table is refused.",
            *_transitions(start))
        for start in range(7)
    ),
    *(
        row("090", f"legal {WORDS[int(pair[0])]} to {WORDS[int(pair[2])]}", "A transition of the table happens.",
            *(phase(WORDS[n], force=True) for n in WAY_TO[int(pair[0])]), phase(WORDS[int(pair[2])]),
            says(("phase", "book", WORDS[int(pair[2])])), then(phase=WORDS[int(pair[2])]))
        for pair in LEGAL
    ),
    row(
        "090", "a halt takes cancels only", "New orders and amends are refused, a resting order can leave.",
        buy("a", 5, 10), do("halt"), buy("b", 1, 10), says(("refused", "b", "halted")), replace("a", qty=3),
        says(("refused", "a", "halted")), cancel("a"), says(("cancelled", "a", 5, "user", 10, 0)),
        phase("closed"), buy("c", 1, 10), says(("refused", "c", "closed")),
    ),
    row(
        "091", "queue of a call", "The book may be crossed; a market order stands at the edge of the band.",
        phase("auction"), sell("a", 5, 90), buy("b", 5, 110), buy("m", 2), says(("rested", "m", 200, 2, 2)),
        sell("n", 1), says(("rested", "n", 50, 1, 1)), replace("b", price=112),
        says(("cancelled", "b", 5, "amend_replace", 110, 0), ("rested", "b", 112, 5, 5)),
        replace("m", qty=1), says(("amended", "m", 200, 1, 1)),
        then(trades=[], auction={"price": 101, "volume": 6, "surplus": 0}),
        rules={"band": [50, 200]},
    ),
    row(
        "092", "step 1: the largest volume", "At 11 fifteen lots trade, more than at 10 or 12.",
        phase("auction"), buy("a", 10, 12), buy("b", 10, 11), sell("c", 8, 10), sell("d", 7, 11),
        then(auction={"price": 11, "volume": 15, "surplus": 5}),
    ),
    row(
        "092", "step 2: the smallest surplus", "Ten trade at 10, 11 and 12; the least is left at 12, later at 11.",
        phase("auction"), buy("a", 10, 12), buy("b", 2, 11), buy("c", 5, 10), sell("d", 10, 10), sell("e", 9, 13),
        then(auction={"price": 12, "volume": 10, "surplus": 0}), sell("f", 1, 12),
        then(auction={"price": 12, "volume": 10, "surplus": -1}), sell("g", 2, 12),
        then(auction={"price": 11, "volume": 10, "surplus": 2}),
    ),
    row(
        "092", "step 3: buyers press", "All tied prices have more wanted than offered: the highest.",
        phase("auction"), buy("a", 9, 14), sell("b", 5, 10), sell("c", 7, 20),
        then(auction={"price": 14, "volume": 5, "surplus": 4}),
    ),
    row(
        "092", "step 3: sellers press", "All tied prices have more offered than wanted: the lowest.",
        phase("auction"), buy("a", 5, 14), sell("b", 9, 10), buy("c", 7, 3),
        then(auction={"price": 10, "volume": 5, "surplus": -4}),
    ),
    row(
        "092", "step 4: the reference inside", "It need not be anybody's limit; a set one goes before the last price.",
        do("set_last", price=13), phase("auction"), buy("a", 5, 14), sell("b", 5, 10),
        then(auction={"price": 13, "volume": 5, "surplus": 0}), do("auction_reference", price=11),
        then(auction={"price": 11, "volume": 5, "surplus": 0}), do("auction_reference", price=0),
        then(auction={"price": 13, "volume": 5, "surplus": 0}),
    ),
    row(
        "092", "step 4: the end nearest to the reference", "Below and above the tied prices.",
        phase("auction"), buy("a", 5, 14), sell("b", 5, 10), do("auction_reference", price=7),
        then(auction={"price": 10, "volume": 5}), do("auction_reference", price=17),
        then(auction={"price": 14, "volume": 5}),
    ),
    row(
        "092", "step 4: the middle without a reference", "Between 10 and 15 it is 12, with steps of 5 it is 10.",
        phase("auction"), buy("a", 5, 15), sell("b", 5, 10), then(auction={"price": 12, "volume": 5}),
    ),
    row(
        "092", "step 4: the middle is a valid price", "Between 110 and 125 the middle 117 is no price of the table.",
        phase("auction"), buy("a", 5, 125), sell("b", 5, 110), then(auction={"price": 115, "volume": 5}),
        rules={"tick_table": [[100, 5]]},
    ),
    row(
        "092", "reserves count whole", "An iceberg's volume is what it has, not what it shows.",
        phase("auction"), buy("i", 50, 12, display_qty=1), sell("b", 30, 10), sell("c", 30, 11),
        then(auction={"price": 11, "volume": 50, "surplus": -10}, visible_volume={"bids": 1, "asks": 60}),
    ),
    row(
        "092", "market orders only", "Without a reference there is no price, with one it is that.",
        phase("auction"), buy("a", 5), sell("b", 3), then(auction=None), do("auction_reference", price=70),
        then(auction={"price": 70, "volume": 3, "surplus": 2}), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 70, 3), ("cross", "a", "b", 70, 3, 2, 0, 2, 0),
            ("cancelled", "a", 2, "auction_end", 134_217_727, 0),
        ),
    ),
    row(
        "093", "indicative follows every command", "None, then a volume, then none again.",
        phase("auction"), buy("a", 5, 10), then(auction=None), sell("b", 3, 10),
        then(auction={"price": 10, "volume": 3, "surplus": 2}), cancel("a"), then(auction=None), phase("continuous"),
        says(("phase", "book", "continuous")), then(auction=None, trades=[]),
    ),
    row(
        "094", "one price for all, best first", "Bids and asks in queue order; the rest stands as before.",
        phase("auction"), buy("a", 4, 12), buy("b", 4, 13), sell("c", 5, 10), sell("d", 2, 11), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 12, 7), ("cross", "b", "c", 12, 4, 0, 1, 0, 1),
            ("cross", "a", "c", 12, 1, 3, 0, 3, 0), ("cross", "a", "d", 12, 2, 1, 0, 1, 0),
        ),
        then(queue={"bids": ["a"], "asks": []}, last=12, auction={"price": 12, "volume": 7}),
    ),
    row(
        "094", "icebergs show their part before and after", "Peaks go to the back inside the auction as well.",
        phase("auction"), sell("i", 5, 10, display_qty=2), says(("rested", "i", 10, 5, 2)), sell("n", 3, 10),
        buy("t", 6, 10), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 10, 6), ("cross", "t", "i", 10, 2, 4, 3, 4, 3),
            ("refreshed", "i", 10, 2, 5), ("cross", "t", "n", 10, 3, 1, 0, 1, 2),
            ("cross", "t", "i", 10, 1, 0, 2, 0, 1),
        ),
        then(displayed={"i": 1}, leaves={"i": 2}),
    ),
    row(
        "094", "a pair that meets in the auction", "The fill of one leg takes the other away before more trades.",
        phase("auction"), sell("x", 2, 10, account="A"), sell("y", 2, 11, account="A", oco="x"), buy("t", 4, 11),
        phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 11, 4), ("cross", "t", "x", 11, 2, 2, 0, 2, 0),
            ("cancelled", "y", 2, "oco", 11, 0),
        ),
        then(queue={"bids": ["t"], "asks": []}),
    ),
    row(
        "095", "the buy's mode decides", "Newest cancels the buy, and the next buy trades.",
        phase("auction"), buy("a", 5, 12, account="A", stp="cancel_newest"), buy("b", 2, 11),
        sell("s", 4, 10, account="A", stp="cancel_oldest"), phase("continuous"),
        says(
            ("phase", "book", "continuous"), ("auction", "book", 12, 4), ("cancelled", "a", 5, "stp", 12, 0),
            ("auction", "book", 10, 2), ("cross", "b", "s", 10, 2, 0, 2, 0, 2),
        ),
    ),
    row(
        "095", "both go", "Cancel both takes the buy and the sell; the order of the events is other, then taker.",
        phase("auction"), buy("a", 5, 12, account="A", stp="cancel_both"), sell("s", 4, 10, account="A"),
        phase("continuous"),
        then(cancels=[{"id": "a", "qty": 5}, {"id": "s", "qty": 4}], trades=[], book={"bids": [], "asks": []}),
    ),
    row(
        "095", "no mode on either side", "The same account trades with itself.",
        phase("auction"), buy("a", 5, 12, account="A", stp="none"), sell("s", 5, 12, account="A", stp="none"),
        phase("continuous"), then(trades=[{"maker": "a", "taker": "s", "qty": 5, "price": 12}]),
    ),
    row(
        "096", "extension until the price is inside",
        "The call stays, and an order that brings the price back ends it.",
        do("auction_reference", price=100), phase("auction"), buy("a", 5, 106), sell("b", 5, 106),
        phase("continuous", force=False), says(("extended", "book", 106)), then(phase="volatility", trades=[]),
        cancel("b"), sell("c", 5, 105), phase("continuous", force=False),
        then(phase="continuous", auction={"price": 105, "volume": 5}),
        rules=BAND,
    ),
    row(
        "096", "only a volatility auction is extended", "Force ends it, a halt too, and an opening is not held up.",
        do("auction_reference", price=100), phase("opening"), buy("a", 1, 120), sell("b", 1, 120),
        phase("continuous", force=False), then(phase="continuous", last=120), phase("volatility"),
        do("auction_reference", price=100), buy("c", 1, 130), sell("d", 1, 130), phase("halt"),
        says(("phase", "book", "halt")), phase("opening"), phase("continuous"), then(phase="continuous", last=130),
        rules=BAND,
    ),
    row(
        "097", "expired", "Everything goes: bids, asks, then what waits; what comes is refused.",
        sell("s", 1, 20), buy("a", 1, 10), buy("b", 1, 11), buy("w", 1, 9, stop_price=50), phase("closed"),
        phase("expired"),
        says(
            ("phase", "book", "expired"), ("cancelled", "b", 1, "expiry", 11, 0),
            ("cancelled", "a", 1, "expiry", 10, 0),
            ("cancelled", "s", 1, "expiry", 20, 0), ("cancelled", "w", 1, "expiry", 9, -1),
        ),
        buy("c", 1, 10), says(("refused", "c", "closed")),
    ),
    row(
        "098", "from a call into a halt",
        "Nothing crosses, only what was good for that auction goes, market orders too.",
        phase("auction"), buy("a", 1, 12), buy("g", 1, 12, tif="gfa"), sell("m", 1), sell("s", 1, 10), phase("halt"),
        says(
            ("phase", "book", "halt"), ("cancelled", "g", 1, "auction_end", 12, 1),
            ("cancelled", "m", 1, "auction_end", 1, 0)
        ),
        then(trades=[], book={"bids": [[12, 1]], "asks": [[10, 1]]}),
    ),
]  # fmt: skip
