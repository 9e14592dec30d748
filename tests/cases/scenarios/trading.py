"""Scenarios of trading itself: kinds, checks, bands, prevention, amends, cancels, icebergs.

Lives here: rows. Format: ../README.md.
"""

from tests.cases.scenarios.words import buy, cancel, do, phase, replace, row, says, sell, then

TABLE = {"tick_table": [[100, 5], [1_000, 50]]}
BAND = {"dynamic_bps": 500}

ROWS = [
    row(
        "014", "market-to-limit takes one price only", "Its limit is the best price it meets; the rest waits there.",
        sell("a", 2, 10), sell("b", 5, 11), buy("t", 3, type="market_to_limit"),
        says(("fill", "a", "t", 10, 2, 0, 0), ("rested", "t", 10, 1, 1)),
        buy("u", 3, type="market_to_limit", tif="ioc"),
        says(("fill", "b", "u", 11, 3, 2, 2)),
    ),
    row(
        "015", "budget left over that buys nothing", "Each fill is what the rest of the amount pays for, whole lots.",
        sell("a", 2, 110), sell("b", 10, 120), buy("t", 10, quote_qty=500),
        says(("fill", "a", "t", 110, 2, 0, 0), ("fill", "b", "t", 120, 2, 8, 8),
            ("cancelled", "t", 6, "budget", 0, -1)),
    ),
    row(
        "015", "killed by cost, by proceeds",
        "One too few on the buy, one too many asked on the sell: both are killed.",
        sell("a", 2, 10), sell("b", 2, 11), buy("t", 3, 20, budget=30),
        says(("cancelled", "t", 3, "fok", 20, -1)), buy("u", 3, 20, budget=31),
        says(("fill", "a", "u", 10, 2, 0, 0), ("fill", "b", "u", 11, 1, 1, 1)),
        buy("c", 2, 9), buy("d", 2, 8), sell("v", 3, 1, budget=27), says(("cancelled", "v", 3, "fok", 1, -1)),
        sell("w", 3, 1, budget=26), says(("fill", "c", "w", 9, 2, 0, 0), ("fill", "d", "w", 8, 1, 1, 1)),
    ),
    row(
        "017", "slides across a row of the tick table", "The best valid price that does not trade, in either row.",
        sell("a", 1, 100), buy("p", 1, 120, post_only="slide"), says(("rested", "p", 99, 1, 1)), cancel("a"),
        buy("b", 1, 995), sell("q", 1, 105, post_only="slide"), says(("rested", "q", 1_000, 1, 1)),
        rules=TABLE,
    ),
    row(
        "018", "good for auction outside a call", "It is refused, and so is an immediate order inside.",
        buy("a", 1, 10, tif="gfa"), says(("refused", "a", "phase")), phase("auction"),
        buy("b", 1, 10, tif="ioc"), says(("refused", "b", "phase")), buy("c", 1, 10, tif="fok"),
        says(("refused", "c", "phase")), buy("d", 1, 10, tif="gfa"), says(("rested", "d", 10, 1, 1)),
    ),
    row(
        "037", "boundaries of the rows", "A row holds from its first price on.",
        buy("a", 1, 99), says(("rested", "a", 99, 1, 1)), buy("b", 1, 101), says(("refused", "b", "price_step")),
        buy("c", 1, 100), says(("rested", "c", 100, 1, 1)), sell("d", 1, 995), says(("rested", "d", 995, 1, 1)),
        sell("e", 1, 998), says(("refused", "e", "price_step")), sell("f", 1, 1_005),
        says(("refused", "f", "price_step")), sell("g", 1, 1_050), says(("rested", "g", 1_050, 1, 1)),
        replace("g", price=1_040), says(("refused", "g", "price_step")),
        rules=TABLE,
    ),
    row(
        "038", "limit order opens the auction",
        "It trades to the bound, rests at its own limit, the book is in a call.",
        do("auction_reference", price=100), sell("a", 1, 104), sell("b", 1, 105), sell("c", 1, 106),
        buy("t", 4, 110, account="T"),
        says(
            ("fill", "a", "t", 104, 1, 0, 0), ("fill", "b", "t", 105, 1, 0, 0), ("rested", "t", 110, 2, 2),
            ("phase", "book", "volatility"),
        ),
        then(phase="volatility", last=105, auction={"price": 110, "volume": 1}),
        rules=BAND,
    ),
    row(
        "038", "immediate order is cut off", "The rest is cancelled with band, then the auction begins.",
        do("set_last", price=100), sell("a", 1, 105), sell("c", 1, 106), buy("t", 4, 110, tif="ioc"),
        says(
            ("fill", "a", "t", 105, 1, 0, 0), ("cancelled", "t", 3, "band", 110, -1), ("phase", "book", "volatility"),
        ),
        rules=BAND,
    ),
    row(
        "038", "the last price before the command counts", "Trades of the sweep do not carry the bound with them.",
        do("set_last", price=100), sell("a", 1, 105), sell("b", 1, 106), buy("t", 2, 105),
        says(("fill", "a", "t", 105, 1, 0, 0), ("rested", "t", 105, 1, 1)),
        buy("u", 1, 110), says(("fill", "b", "u", 106, 1, 0, 0)),  # last is 105 now: up to 110
        rules=BAND,
    ),
    row(
        "038", "fill or kill never opens an auction", "What lies beyond the bound does not count, and it is killed.",
        do("set_last", price=100), sell("a", 1, 105), sell("c", 1, 106), buy("t", 2, 110, tif="fok"),
        says(("cancelled", "t", 2, "fok", 110, -1)), then(phase="continuous"), buy("u", 1, 110, tif="fok"),
        says(("fill", "a", "u", 105, 1, 0, 0)),
        rules=BAND,
    ),
    row(
        "039", "decrement against an iceberg",
        "The maker keeps its place and its shown part as long as its reserve lasts.",
        sell("i", 10, 10, display_qty=4, account="A"), sell("n", 3, 10, account="B"),
        buy("t", 7, 10, account="A", stp="decrement"),
        says(("reduced", "i", 7, 3, 10, 6), ("cancelled", "t", 7, "stp", 10, -1)),
        then(queue={"asks": ["i", "n"]}, displayed={"i": 3}, leaves={"i": 3}, filled={"i": 0, "t": 0}),
    ),
    row(
        "040", "total sent while fills are on their way",
        "Three amends to the same total leave the same open quantity.",
        buy("a", 100, 10), sell("s", 20, 10), replace("a", qty=150),
        says(("cancelled", "a", 80, "amend_replace", 10, 0), ("rested", "a", 10, 130, 130)), sell("r", 30, 10),
        replace("a", qty=150), says(("amended", "a", 10, 100, 100)), replace("a", qty=50),
        says(("cancelled", "a", 100, "amend_total", 10, 0)), replace("a", qty=200),
        says(("refused", "a", "unknown_order")),
        rules={"qty_is_total": True},
    ),
    row(
        "042", "amend through the book",
        "A better price trades at once and what is left rests at the back of its limit.",
        sell("a", 3, 12), buy("b", 1, 12, post_only=True), says(("refused", "b", "post_only_cross")),
        buy("c", 5, 10), buy("d", 1, 11), replace("c", price=12),
        says(("cancelled", "c", 5, "amend_replace", 10, 0), ("fill", "a", "c", 12, 3, 0, 0), ("rested", "c", 12, 2, 2)),
        then(filled={"c": 3}, queue={"bids": ["c", "d"]}),
    ),
    row(
        "043", "total of nothing", "It cancels an order that never traded.",
        buy("a", 5, 10), replace("a", qty=0), says(("cancelled", "a", 5, "amend_total", 10, 0)),
        rules={"qty_is_total": True},
    ),
    row(
        "050", "cancel inside a queue", "The others keep their order, and what comes later is last.",
        *(buy(f"b{n}", 1, 10) for n in range(6)), cancel("b1"), says(("cancelled", "b1", 1, "user", 10, 5)),
        cancel("b3"), buy("b6", 1, 10), then(queue={"bids": ["b0", "b2", "b4", "b5", "b6"]}), sell("t", 4, 10),
        then(trades=[{"maker": f"b{n}", "taker": "t"} for n in (0, 2, 4, 5)], queue={"bids": ["b6"]}),
    ),
    row(
        "050", "a level that has become empty", "The best price is the next one; nothing trades where nobody is left.",
        sell("a", 1, 10), sell("b", 1, 12), cancel("a"), buy("t", 1, 11), says(("rested", "t", 11, 1, 1)),
        then(book={"bids": [[11, 1]], "asks": [[12, 1]]}), buy("u", 1, 12), says(("fill", "b", "u", 12, 1, 0, 0)),
        then(book={"bids": [[11, 1]], "asks": []}), replace("b", qty=5), says(("refused", "b", "unknown_order")),
    ),
    row(
        "050", "dates and days end orders of every state", "At the boundary, also in a call; waiting orders too.",
        do("time", now=10), buy("a", 1, 10, expire_at=20, tif="gtd"), buy("w", 1, 12, stop_price=30, expire_at=20),
        buy("d", 1, 9, tif="day"), buy("g", 1, 8), phase("auction"), buy("e", 1, 11, expire_at=20),
        do("time", now=19), says(), do("time", now=20),
        says(
            ("cancelled", "a", 1, "user", 10, 0), ("cancelled", "w", 1, "user", 12, -1),
            ("cancelled", "e", 1, "user", 11, 0)
        ),
        do("day_end"), says(("cancelled", "d", 1, "user", 9, 0)), then(queue={"bids": ["g"]}, pending_stops=[]),
        buy("z", 1, 10, expire_at=20), then(rejects=[{"id": "z", "reason": "expired"}]),
    ),
    row(
        "052", "mass cancel with filters", "Order of entry, an amend does not change it; market orders pass no range.",
        buy("a", 1, 10, account="A"), sell("b", 1, 20, account="A"), buy("c", 1, 11, account="A"),
        buy("n", 1, 10), sell("w", 1, stop_price=5, account="A"), replace("a", price=9, qty=2),
        do("mass_cancel", account="A", lo=9, hi=11),
        says(("cancelled", "a", 2, "user", 9, 0), ("cancelled", "c", 1, "user", 11, 0)),
        do("mass_cancel", account="A"),
        says(("cancelled", "b", 1, "user", 20, 0), ("cancelled", "w", 1, "user", 0, -1)),
        then(queue={"bids": ["n"]}),
    ),
    row(
        "053", "all of one side of a book", "Best first, then what waits on that side by entry number.",
        buy("v", 1, 7, stop_price=30), buy("a", 1, 10), buy("b", 1, 11), buy("c", 1, 11), sell("s", 1, 20),
        buy("w", 1, 8, stop_price=25), do("mass_cancel", side="B"),
        says(
            ("cancelled", "b", 1, "mass", 11, 1), ("cancelled", "c", 1, "mass", 11, 0),
            ("cancelled", "a", 1, "mass", 10, 0),
            ("cancelled", "v", 1, "mass", 7, -1), ("cancelled", "w", 1, "mass", 8, -1),
        ),
        then(queue={"asks": ["s"]}),
    ),
    row(
        "064", "sweep through more than one buffer of orders", "5,100 fills come, in pieces or not, and none is lost.",
        *(sell(f"s{n}", 2, 10 + n % 3) for n in range(5_100)), buy("t", 10_199, 12),
        then(trade_count=5_100, filled={"t": 10_199, "s5099": 1, "s5098": 2}, leaves={"s5099": 1}, last=12),
    ),
    row(
        "064", "an iceberg of a thousand peaks", "One taker uses up every peak; the last lot stays.",
        sell("i", 1_000, 10, display_qty=1), buy("t", 999, 10),
        then(trade_count=999, leaves={"i": 1}, displayed={"i": 1}, book={"asks": [[10, 1]], "bids": []}),
    ),
    row(
        "065", "smallest display", "At least a thousandth of the order is shown, at most all of it.",
        sell("a", 2_001, 10, display_qty=2), says(("refused", "a", "display_range")),
        sell("b", 2_000, 10, display_qty=2), says(("rested", "b", 10, 2_000, 2)),
        sell("c", 5, 10, display_qty=6), says(("refused", "c", "display_range")),
        sell("d", 5, 10, display_qty=5), says(("rested", "d", 10, 5, 7)),
        sell("e", 5, 10, display_qty=5, tif="ioc"), says(("refused", "e", "bad_order")),
    ),
    row(
        "066", "two icebergs take turns", "Peak by peak, and the last peaks are what is left.",
        sell("i", 5, 10, display_qty=2), sell("j", 3, 10, display_qty=2), buy("t", 7, 10),
        says(
            ("fill", "i", "t", 10, 2, 3, 2), ("refreshed", "i", 10, 2, 4), ("fill", "j", "t", 10, 2, 1, 2),
            ("refreshed", "j", 10, 1, 3), ("fill", "i", "t", 10, 2, 1, 1), ("refreshed", "i", 10, 1, 2),
            ("fill", "j", "t", 10, 1, 0, 1),
        ),
        then(leaves={"i": 1, "j": 0}),
    ),
    row(
        "067", "reserve first, then the shown part", "Less keeps the place; more goes to the back.",
        sell("i", 10, 10, display_qty=4), sell("n", 1, 10), replace("i", qty=6), says(("amended", "i", 10, 6, 5)),
        replace("i", qty=3), says(("amended", "i", 10, 3, 4)), then(displayed={"i": 3}, queue={"asks": ["i", "n"]}),
        replace("i", qty=8), says(("cancelled", "i", 3, "amend_replace", 10, 1), ("rested", "i", 10, 8, 5)),
        then(displayed={"i": 4}, queue={"asks": ["n", "i"]}),
    ),
]  # fmt: skip
