"""The questions an order book asks about one number: is this quantity or price acceptable, does it trade there.

Lives here: pure functions over `BookRules`, one per rule.
Does not know: orders, queues, engines.
"""

from domain.book_rules import BookRules
from domain.constants import BUY


def refuse_lots(rules: BookRules, lots: int) -> str | None:
    """Reason why a quantity is not acceptable, None if it is. Rules MATCH-020, MATCH-021."""
    if not 0 < lots <= rules.lots_max:
        return "lots_range"
    if lots % rules.lot_step != 0:
        return "lot_step"
    return None


def refuse_price(rules: BookRules, price_ticks: int) -> str | None:
    """Reason why a limit is not acceptable, None if it is. Rules MATCH-022, MATCH-023."""
    if price_ticks % rules.price_step_ticks != 0:
        return "price_step"
    if not rules.band_low_ticks <= price_ticks <= rules.band_high_ticks:
        return "price_band"
    return None


def protection_limit(rules: BookRules, side: int, best_ticks: int) -> int:
    """Worst price a market order may trade at, 0 for no bound. Rules MATCH-025..027."""
    if rules.protection_ticks > 0:
        limit = best_ticks + (rules.protection_ticks if side == BUY else -rules.protection_ticks)
    elif rules.protection_bps > 0 and side == BUY:
        limit = best_ticks * (10_000 + rules.protection_bps) // 10_000
    elif rules.protection_bps > 0:
        limit = -(-best_ticks * (10_000 - rules.protection_bps) // 10_000)  # rounded up: towards the best price
    else:
        return 0
    return min(max(limit, 1, rules.band_low_ticks), rules.band_high_ticks)


def accepts(side: int, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order of this side and limit (0 = unbounded) trades at a price. Equality crosses. MATCH-004."""
    if limit_ticks == 0:
        return True
    return price_ticks <= limit_ticks if side == BUY else price_ticks >= limit_ticks
