"""The ledger in dicts: balances by account and asset, named holds.

Lives here: what the compiled slab does, with each hold kept on its own. Rules: docs/rules/HOLD.md.
Does not know: who is a client, why money moves.
"""

from collections import defaultdict


class PlainLedger:
    """Every change is a transfer, so each asset sums to zero; CUSTODY (1) is the outside world."""

    def __init__(self) -> None:
        self.posted: dict[tuple[int, int], int] = defaultdict(int)
        self.holds: dict[int, tuple[int, int, int]] = {}  # id -> account, asset, amount
        self._holds_made = 0

    def transfer(self, debit: int, credit: int, asset: int, amount: int) -> None:
        """Both sides or none."""
        if amount < 0:
            raise ArithmeticError("a transfer is not negative")
        self.posted[debit, asset] -= amount
        self.posted[credit, asset] += amount

    def deposit(self, account: int, asset: int, amount: int) -> None:
        """Credit from outside."""
        self.transfer(1, account, asset, amount)

    def held(self, account: int, asset: int) -> int:
        """Sum of the open holds."""
        return sum(amount for who, what, amount in self.holds.values() if (who, what) == (account, asset))

    def free(self, account: int, asset: int) -> int:
        """What a new hold can use."""
        return self.posted[account, asset] - self.held(account, asset)

    def hold(self, account: int, asset: int, amount: int) -> int | None:
        """Promise an amount; the hold's id, or None when it is not there (HOLD-001)."""
        if self.free(account, asset) < amount:
            return None
        self._holds_made += 1
        self.holds[self._holds_made] = (account, asset, amount)
        return self._holds_made

    def void(self, hold_id: int) -> None:
        """Give a hold back."""
        del self.holds[hold_id]

    def post(self, hold_id: int, credit: int, amount: int) -> None:
        """Pay part of a hold; the rest returns (HOLD-003)."""
        account, asset, held = self.holds.pop(hold_id)
        if not 0 <= amount <= held:
            raise ArithmeticError("a posting is within its hold")
        self.transfer(account, credit, asset, amount)
