"""Declared capacities of one venue: fixed at genesis, part of the journal, so that every replay refuses alike.

Lives here: the numbers. Does not know: how the memory is laid out.
"""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """How many of each thing a venue can hold; slabs are allocated once for these and never move."""

    accounts_max: int = 4_096
    assets_max: int = 16
    instruments_max: int = 256
    orders_max: int = 262_144  # resting at one time
    orders_per_account_max: int = 10_000
    positions_max: int = 262_144  # (account, forward) pairs that ever traded
    pages_max: int = 131_072  # 64-tick pages of price levels, 2 KiB each
    rules_max: int = 16  # eligibility rules
    timeline_entries_max: int = 4_194_304  # token movements kept for entitlement
    timeline_retention_ns: int = 7 * 86_400 * 10**9  # late pool reports (products.md 5): seven days
    trailing_max: int = 1_000  # trailing orders of one book
    pegs_max: int = 250  # pegs of one book
    mmp_groups_max: int = 4_096  # protection groups of all accounts, 2 KiB each
    combo_legs_max: int = 1_024  # legs of all combos
    client_ids_max: int = 1_000_000  # client order ids of one UTC day
    closed_orders_max: int = 65_536  # ended orders whose final state is remembered
    trades_kept_max: int = 65_536  # recent trades that can be busted or corrected
