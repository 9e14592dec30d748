"""Plain twin of the dividend rules: fractions, full history, no state kept between questions.

Lives here: the largest-remainder split done one unit at a time, and who has been paid what after a history of blocks,
reports and tip movements, worked out from the beginning each time.
Does not know: clearing/ (it is written from the rules alone).
"""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Hamilton's method, literally: everybody gets the floor, then the largest remainder gets one, and so on."""
    total = sum(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    parts = [floor(share) for share in exact]
    remainders = [share - part for share, part in zip(exact, parts, strict=True)]
    while sum(parts) < amount:
        best = max(range(len(weights)), key=lambda index: (remainders[index], -index))
        parts[best] += 1
        remainders[best] = Fraction(-1)
    return parts


def amount(reward_msat: int, supply_units: int, pool_units: int, fee: Fraction) -> int:
    """The tranche's part, rounded down once."""
    return floor(Fraction(reward_msat) * supply_units * (1 - fee) / pool_units)


class Movement(NamedTuple):
    """Tokens of one account changed by so much."""

    time_ns: int
    account: int
    change_units: int


def holdings(movements: Sequence[Movement], as_of_ns: int) -> dict[int, int]:
    """Who holds what, counting every movement at or before a time."""
    held: dict[int, int] = {}
    for movement in movements:
        if movement.time_ns <= as_of_ns:
            held[movement.account] = held.get(movement.account, 0) + movement.change_units
    return {account: units for account, units in sorted(held.items()) if units}


class Found(NamedTuple):
    """A block that the tranche's pool found."""

    block: str
    height: int
    record_time_ns: int
    reward_msat: int


def paid(
    tips: Sequence[tuple[int, Sequence[str]]],
    found: Sequence[Found],
    movements: Sequence[Movement],
    *,
    pool_units: int,
    fee: Fraction,
) -> dict[str, dict[int, int]]:
    """Final payments per block: a block pays once, at the first moment it is 100 deep on the selected branch.

    `tips` is the history of the selected branch: (tip height, blocks on it by name), one entry per change.
    """
    result: dict[str, dict[int, int]] = {}
    for tip_height, selected in tips:
        for block in found:
            if block.block in selected and tip_height >= block.height + 99 and block.block not in result:
                result[block.block] = legs(block, movements, pool_units=pool_units, fee=fee)
    return result


def legs(block: Found, movements: Sequence[Movement], *, pool_units: int, fee: Fraction) -> dict[int, int]:
    """What each holder of record gets for one block."""
    held = holdings(movements, block.record_time_ns)
    total = amount(block.reward_msat, sum(held.values()), pool_units, fee)
    return dict(zip(held, split(total, list(held.values())), strict=True)) if held else {}
