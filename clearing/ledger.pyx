# cython: language_level=3, boundscheck=False, wraparound=False
"""The double-entry ledger: every change is a transfer between two accounts of one asset, or a hold.

Lives here: balances, transfers, holds, pending credits, and the laws I1, I2, I9 (pending), I15-I18.
Does not know: why money moves, orders, prices.
Theory: per asset the posted balances of all accounts sum to zero; CUSTODY carries the outside world with the opposite
sign. A hold promises part of a posted balance; a sixth hold on a balance for five is refused (HOLD-001, CLR-24).
"""
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from domain.constants import CUSTODY, FIRST_CLIENT_ACCOUNT, VM_CYCLE
from domain.ensure import ensure

SUPPLY_MAX = 2**62      # per asset, so that no sum of balances leaves int64


cdef class Ledger:
    """Balances of `accounts_max` x `assets_max`. All amounts in ledger units of the asset. O(1) per call."""

    def __cinit__(self, uint32_t accounts_max, uint32_t assets_max):
        self.c.accounts_max, self.c.assets_max, self.c.accounts_used = accounts_max, assets_max, FIRST_CLIENT_ACCOUNT
        self.c.balances = <balance_t *>calloc(<size_t>accounts_max * assets_max, sizeof(balance_t))
        if self.c.balances == NULL:
            raise MemoryError("ledger slab")

    def __dealloc__(self):
        free(self.c.balances)

    cdef balance_t *at(self, account, asset) except NULL:
        ensure(0 <= account < self.c.accounts_max and 0 <= asset < self.c.assets_max, "ledger account exists")
        return balance_at(&self.c, account, asset)

    def open_account(self, uint32_t account):
        """Make an account part of sums, dumps and checks."""
        self.at(account, 0)
        self.c.accounts_used = max(self.c.accounts_used, account + 1)

    def posted(self, account, asset):
        """Settled balance."""
        return self.at(account, asset).posted

    def held(self, account, asset):
        """Part of the balance promised to open orders."""
        return self.at(account, asset).held

    def pending(self, account, asset):
        """Credits announced and not yet posted."""
        return self.at(account, asset).pending

    def transfer(self, debit, credit, asset, int64_t amount):
        """Move a positive amount. Raises InvariantViolation if a client would be overdrawn (callers check first)."""
        cdef balance_t *source = self.at(debit, asset)
        self.at(credit, asset)
        ensure(amount >= 0, "a transfer is not negative")
        ensure(debit < FIRST_CLIENT_ACCOUNT or source.posted - source.held >= amount, "a client pays from free cash")
        transfer(&self.c, debit, credit, asset, amount)

    def deposit(self, account, asset, int64_t amount):
        """Credit from outside. Returns False, changing nothing, if the supply would leave its bound."""
        ensure(amount > 0, "a deposit is positive")
        if amount > SUPPLY_MAX + self.at(CUSTODY, asset).posted:     # custody is minus the supply
            return False
        self.at(account, asset)
        transfer(&self.c, CUSTODY, account, asset, amount)
        return True

    def hold(self, account, asset, int64_t amount):
        """Promise `amount` of free cash. False, changing nothing, if it is not there (HOLD-001)."""
        cdef balance_t *balance = self.at(account, asset)
        ensure(amount >= 0, "a hold is not negative")
        if balance.posted - balance.held < amount:
            return False
        balance.held += amount
        return True

    def release(self, account, asset, int64_t amount):
        """Give back a hold or part of it."""
        cdef balance_t *balance = self.at(account, asset)
        ensure(0 <= amount <= balance.held, "a release is within what is held")
        balance.held -= amount

    def post_hold(self, account, credit, asset, int64_t hold, int64_t amount):
        """Turn a hold into a payment of `amount` <= hold; the rest returns to free cash (HOLD-003)."""
        ensure(0 <= amount <= hold, "a posting is within its hold")
        self.release(account, asset, hold)
        transfer(&self.c, account, credit, asset, amount)

    def add_pending(self, account, asset, int64_t amount):
        """Announce (positive) or take back (negative) a pending credit."""
        cdef balance_t *balance = self.at(account, asset)
        ensure(balance.pending + amount >= 0, "pending credits are not negative")
        balance.pending += amount

    def total(self, asset):
        """Sum of all posted balances of an asset; zero by law. O(accounts)."""
        cdef int64_t total = 0
        cdef uint32_t account
        self.at(0, asset)
        for account in range(self.c.accounts_used):
            total += balance_at(&self.c, account, asset).posted
        return total

    def check_invariants(self):
        """I1 sums are zero; I2 clients are not overdrawn, holds within balances; I5 the VM account is empty."""
        cdef uint32_t account, asset
        cdef balance_t *balance
        for asset in range(self.c.assets_max):
            ensure(self.total(asset) == 0, f"asset {asset} sums to zero")
            ensure(self.at(VM_CYCLE, asset).posted == 0, f"variation margin account of asset {asset} is empty")
            for account in range(2, self.c.accounts_used):
                balance = balance_at(&self.c, account, asset)
                ensure(0 <= balance.held <= balance.posted, f"account {account} asset {asset}: 0 <= held <= posted")
                ensure(balance.pending >= 0, f"account {account} asset {asset}: pending >= 0")

    def dump(self):
        """The slab as bytes. O(accounts)."""
        size = <size_t>self.c.accounts_used * self.c.assets_max * sizeof(balance_t)
        return self.c.accounts_used.to_bytes(4, "little") + (<char *>self.c.balances)[:size]

    def load(self, bytes data):
        """Fill a fresh ledger of the same limits from a dump."""
        cdef const char *raw = data
        cdef size_t size
        self.c.accounts_used = int.from_bytes(data[:4], "little")
        size = <size_t>self.c.accounts_used * self.c.assets_max * sizeof(balance_t)
        ensure(self.c.accounts_used <= self.c.accounts_max and <size_t>len(data) == size + 4, "ledger dump fits")
        memcpy(self.c.balances, raw + 4, size)
