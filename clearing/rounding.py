"""Splitting an amount over many receivers without losing or inventing a unit.

Lives here: the largest-remainder split. Single products and quotients are in domain/arithmetic.py.
Does not know: which asset an amount is in, who the receivers are.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.ensure import ensure


def split_largest_remainder(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount in proportion to weights so that the parts sum to the amount exactly.

    Args:
        amount: what is split, in its ledger unit, >= 0.
        weights: one weight per receiver, each >= 0, at least one > 0; list them by account id, ascending, because an
            equal remainder is decided in favour of the lower index.

    Returns:
        One part per weight, same order.

    Raises:
        InvariantViolation: negative amount or weight, or nothing to split over.

    Law: sum(parts) == amount and |part_i - amount * w_i / total| < 1.    Cost: O(n log n).
    Rule: DIV-004.    Source: Balinski & Young, Fair Representation (Hamilton's method).
    """
    total = sum(weights)
    ensure(amount >= 0, "split: amount must not be negative")
    ensure(total > 0 and min(weights) >= 0, "split: weights must be >= 0 with at least one > 0")
    parts: list[int] = []
    remainders: list[int] = []
    for weight in weights:
        part, remainder = divmod(amount * weight, total)
        parts.append(part)
        remainders.append(remainder)
    spare = amount - sum(parts)
    if spare:
        # The sort is stable: equal remainders keep index order, which is the tie rule.
        by_remainder = sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)
        for index in by_remainder[:spare]:
            parts[index] += 1
    ensure(sum(parts) == amount, "split: parts must sum to the amount")
    return parts
