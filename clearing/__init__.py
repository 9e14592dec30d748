"""The house: ledger, positions, margin, chain, hashprice, dividends, identities.

Lives here: what every balance and obligation is and how facts change them.
Does not know: the book, sessions, the wall clock.
"""
