"""Scenarios of combo books: implied prices in and out, atomic trades, strips, prevention, post-only.

Lives here: rows. U and V are outright books, U-V is their spread, X is a strip of three. Format: ../README.md.
"""

from typing import Any

from tests.cases.scenarios.words import buy, cancel, phase, row, says, sell, then

SPREAD: dict[str, Any] = {"instruments": {"U": {}, "V": {}, "U-V": {}}}
STRIP: dict[str, Any] = {
    "instruments": {"A": {}, "B": {}, "C": {}, "X": {"legs": [["A", 1], ["B", 1], ["C", 1]]}}
}  # fmt: skip
Fields = dict[str, Any]
U, V, UV = (Fields(instrument=name) for name in ("U", "V", "U-V"))
A, B, C, X = (Fields(instrument=name) for name in ("A", "B", "C", "X"))


def implied(name: str, side: str, price: int, qty: int) -> dict[str, Any]:
    return {"instrument": name, "side": side, "price": price, "qty": qty}


ROWS = [
    row(
        "110", "prices below zero", "A spread rests and trades at a negative price; market orders are not for combos.",
        buy("a", 5, -1_350, **UV), says(("rested", "a", -1_350, 5, 5)), sell("t", 2, -1_400, **UV),
        says(("fill", "a", "t", -1_350, 2, 3, 3)), then(books={"U-V": {"bids": [[-1_350, 3]], "asks": []}}),
        buy("m", 1, **UV), says(("refused", "m", "bad_order")),
        rules=SPREAD,
    ),
    row(
        "111", "implied in, both ways", "Buying the spread is buying the front and selling the back.",
        buy("ub", 15, 100, **U), sell("va", 10, 130, **V), sell("ua", 7, 105, **U), buy("vb", 9, 120, **V),
        then(implied=[implied("U-V", "buy", -30, 10), implied("U-V", "sell", -15, 7)]), buy("t", 8, -10, **UV),
        says(
            ("implied", "t", "U-V", -15, 7, 1), ("fill", "ua", "t", 105, 7, 0, 0), ("fill", "vb", "t", 120, 7, 2, 2),
            ("rested", "t", -10, 1, 1),
        ),
        then(filled={"t": 7, "ua": 7, "vb": 7}, trade_count=3),
        rules=SPREAD,
    ),
    row(
        "112", "implied out, four prices",
        "Each pair of an outright and a spread order makes a price in the other leg.",
        buy("ub", 5, 100, **U), sell("sa", 4, -20, **UV),
        then(implied=[implied("V", "buy", 120, 4)]), cancel("ub"), sell("va", 3, 130, **V),
        then(implied=[implied("U", "sell", 110, 3)]), cancel("va"), cancel("sa"), buy("sb", 6, -30, **UV),
        sell("ua", 5, 104, **U), then(implied=[implied("V", "sell", 134, 5)]), cancel("ua"), buy("vb", 2, 125, **V),
        then(implied=[implied("U", "buy", 95, 2)]),
        rules=SPREAD,
    ),
    row(
        "112", "implied out trades every part", "The combo order first, then the other leg, the taker in each.",
        buy("ub", 15, 100, **U), sell("sa", 10, -20, **UV), sell("t", 4, 110, **V),
        says(("implied", "t", "U-V", 120, 4, 0), ("fill", "sa", "t", -20, 4, 6, 6),
            ("fill", "ub", "t", 100, 4, 11, 11)),
        then(filled={"t": 4, "sa": 4, "ub": 4}),
        rules=SPREAD,
    ),
    row(
        "113", "only while every book is continuous", "A call or a halt of one leg ends all of it, and it comes back.",
        buy("ub", 5, 100, **U), sell("va", 4, 130, **V), then(implied=[implied("U-V", "buy", -30, 4)]),
        phase("halt", **V), then(implied=[]), sell("t", 1, -50, **UV), says(("rested", "t", -50, 1, 1)), cancel("t"),
        phase("opening", **V), then(implied=[]), phase("continuous", **V),
        then(implied=[implied("U-V", "buy", -30, 4)]),
        rules=SPREAD,
    ),
    row(
        "113", "outside the band it does not exist", "The front's best bid would make -30, one tick below the band.",
        buy("ub", 5, 100, **U), sell("va", 4, 130, **V), then(implied=[]), sell("vc", 1, 129, **V),
        then(implied=[implied("U-V", "buy", -29, 1)]),
        rules={"instruments": {"U": {}, "V": {}, "U-V": {"band": [-29, 500]}}},
    ),
    row(
        "113", "implied never meets implied", "Two outright spreads that cross through a third book do not trade.",
        buy("ub", 5, 100, **U), sell("sa", 5, -20, **UV), sell("va", 5, 119, **V),
        says(("implied", "va", "U-V", 120, 5, 0), ("fill", "sa", "va", -20, 5, 0, 0),
            ("fill", "ub", "va", 100, 5, 0, 0)),
        rules=SPREAD,
    ),
    row(
        "114", "direct first at the same price",
        "The implied price is worth as much, the direct order is older by rule.",
        buy("ub", 5, 100, **U), sell("sa", 5, -20, **UV), buy("vb", 2, 120, **V), buy("vc", 2, 119, **V),
        sell("t", 8, 119, **V),
        says(
            ("fill", "vb", "t", 120, 2, 0, 0), ("implied", "t", "U-V", 120, 5, 1), ("fill", "sa", "t", -20, 5, 0, 0),
            ("fill", "ub", "t", 100, 5, 0, 0), ("fill", "vc", "t", 119, 1, 1, 1),
        ),
        rules=SPREAD,
    ),
    row(
        "114", "all parts or none", "The shown lots of the smallest part bound each step; a leg that is gone ends it.",
        buy("ub", 3, 100, display_qty=2, **U), sell("va", 9, 130, **V), sell("t", 5, -30, tif="ioc", **UV),
        says(
            ("implied", "t", "U-V", -30, 2, 3), ("fill", "ub", "t", 100, 2, 1, 0), ("refreshed", "ub", 100, 1, 1),
            ("fill", "va", "t", 130, 2, 7, 7), ("implied", "t", "U-V", -30, 1, 2), ("fill", "ub", "t", 100, 1, 0, 0),
            ("fill", "va", "t", 130, 1, 6, 6), ("cancelled", "t", 2, "ioc", -30, -1),
        ),
        then(filled={"ub": 3, "va": 3, "t": 3}),
        rules=SPREAD,
    ),
    row(
        "114", "fill or kill does not count it", "What only several books together offer does not fill it.",
        buy("ub", 5, 100, **U), sell("va", 5, 130, **V), sell("t", 5, -30, tif="fok", **UV),
        says(("cancelled", "t", 5, "fok", -30, -1)),
        rules=SPREAD,
    ),
    row(
        "114", "the book sees the implied price",
        "A stop of the taker's book triggers on it, then one of the leg on the leg's price.",
        buy("ub", 5, 100, **U), sell("va", 5, 130, **V), sell("w", 1, -40, stop_price=-30, **UV),
        sell("x", 1, 300, stop_price=100, **U), sell("t", 1, -30, **UV),
        says(
            ("implied", "t", "U-V", -30, 1, 0), ("fill", "ub", "t", 100, 1, 4, 4), ("fill", "va", "t", 130, 1, 4, 4),
            ("triggered", "w", -30), ("implied", "w", "U-V", -30, 1, 0), ("fill", "ub", "w", 100, 1, 3, 3),
            ("fill", "va", "w", 130, 1, 3, 3), ("triggered", "x", 100), ("rested", "x", 300, 1, 1),
        ),
        rules=SPREAD,
    ),
    row(
        "112", "a strip of three",
        "The strip's ask is the sum of the legs'; a strip bid and two asks bid for the third.",
        sell("a", 4, 10, **A), sell("b", 3, 20, **B), sell("c", 5, 30, **C),
        then(implied=[implied("X", "sell", 60, 3)]), buy("t", 2, 61, **X),
        says(
            ("implied", "t", "X", 60, 2, 0), ("fill", "a", "t", 10, 2, 2, 2), ("fill", "b", "t", 20, 2, 1, 1),
            ("fill", "c", "t", 30, 2, 3, 3),
        ),
        cancel("c"), buy("x", 9, 55, **X), then(implied=[implied("C", "buy", 25, 1)]), sell("u", 1, 25, **C),
        says(
            ("implied", "u", "X", 25, 1, 0), ("fill", "x", "u", 55, 1, 8, 8), ("fill", "a", "u", 10, 1, 1, 1),
            ("fill", "b", "u", 20, 1, 0, 0),
        ),
        rules=STRIP,
    ),
    row(
        "115", "nobody meets himself", "A leg of the taker's own: the combo offers him nothing, others it does.",
        buy("ub", 5, 100, account="P", **U), sell("vq", 5, 130, account="Q", **V),
        then(implied=[implied("U-V", "buy", -30, 5)]),
        sell("u", 1, -30, account="Q", **UV), says(("rested", "u", -30, 1, 1)), cancel("u"),
        sell("v", 1, -30, account="R", **UV),
        says(("implied", "v", "U-V", -30, 1, 0), ("fill", "ub", "v", 100, 1, 4, 4), ("fill", "vq", "v", 130, 1, 4, 4)),
        rules=SPREAD,
    ),
    row(
        "115", "groups count like owners", "Two accounts of one firm are the same.",
        buy("ub", 5, 100, account="P", stp_group=7, **U), sell("va", 5, 130, account="R", **V),
        sell("t", 1, -30, account="Q", stp_group=7, **UV), says(("rested", "t", -30, 1, 1)),
        rules=SPREAD,
    ),
    row(
        "115", "a maker in both legs", "One owner quotes front and back: the spread trades with both of his orders.",
        buy("ub", 5, 100, account="P", **U), sell("va", 5, 130, account="P", **V), sell("t", 2, -30, **UV),
        says(("implied", "t", "U-V", -30, 2, 0), ("fill", "ub", "t", 100, 2, 3, 3), ("fill", "va", "t", 130, 2, 3, 3)),
        rules=SPREAD,
    ),
    row(
        "115", "the combo's order and a leg of one owner", "They would trade with each other: no implied out.",
        buy("ub", 5, 100, account="P", **U), sell("uv", 5, -30, account="P", **UV), then(implied=[]),
        rules=SPREAD,
    ),
    row(
        "116", "post-only looks at implied prices", "Refused at the implied price, slid to one tick before it.",
        buy("ub", 5, 100, **U), sell("va", 5, 130, **V), sell("t", 1, -30, post_only=True, **UV),
        says(("refused", "t", "post_only_cross")), sell("u", 1, -35, post_only="slide", **UV),
        says(("rested", "u", -29, 1, 1)),
        rules=SPREAD,
    ),
]  # fmt: skip
