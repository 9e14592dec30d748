"""Balances: one slab of (account, asset), moved only by transfers and holds."""
from libc.stdint cimport int64_t, uint32_t

cdef struct balance_t:
    int64_t posted                # settled; negative only for CUSTODY (the outside world)
    int64_t held                  # of it, promised to open orders; 0 <= held <= posted for clients
    int64_t pending               # credits that may still be voided; never usable
    int64_t reserved

cdef struct ledger_t:
    balance_t *balances
    uint32_t accounts_max
    uint32_t assets_max
    uint32_t accounts_used        # accounts below this may have balances

cdef inline balance_t *balance_at(ledger_t *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    return &ledger.balances[<size_t>account * ledger.assets_max + asset]

cdef inline void transfer(ledger_t *ledger, uint32_t debit, uint32_t credit, uint32_t asset,
                          int64_t amount) noexcept nogil:
    """Move `amount` >= 0 from `debit` to `credit`. Both sides or none: two additions that cannot fail, because every
    account is bounded by the supply that Deposit checked."""
    balance_at(ledger, debit, asset).posted -= amount
    balance_at(ledger, credit, asset).posted += amount

cdef inline int64_t free_cash(ledger_t *ledger, uint32_t account, uint32_t asset) noexcept nogil:
    cdef balance_t *balance = balance_at(ledger, account, asset)
    return balance.posted - balance.held

cdef class Ledger:
    cdef ledger_t c
    cdef balance_t *at(self, account, asset) except NULL
