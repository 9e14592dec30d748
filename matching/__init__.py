"""The order book: price-time priority over flat C structs.

Lives here: books, their price levels and orders, and what a match is.
Does not know: money, margin, accounts beyond an opaque owner, time, sockets.
"""
