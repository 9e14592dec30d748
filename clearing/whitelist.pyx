# cython: language_level=3, boundscheck=False, wraparound=False
"""Eligibility as the order path reads it: one time per (account, rule).

Lives here: the slab and its next lapse. Does not know: identities and claims (registry.py), orders.
"""
from libc.stdint cimport INT64_MAX, int64_t, uint32_t
from libc.stdlib cimport calloc, free

from domain.ensure import ensure


cdef class Whitelist:
    """`accounts_max` x `rules_max` moments. Rebuilt from the registry after a load, so it is not dumped."""

    def __cinit__(self, uint32_t accounts_max, uint32_t rules_max):
        self.c.accounts_max, self.c.rules_max, self.c.next_lapse_ns = accounts_max, rules_max, INT64_MAX
        self.c.until_ns = <int64_t *>calloc(<size_t>accounts_max * rules_max, sizeof(int64_t))
        if self.c.until_ns == NULL:
            raise MemoryError("whitelist slab")

    def __dealloc__(self):
        free(self.c.until_ns)

    def set_until(self, uint32_t account, uint32_t rule, int64_t until_ns):
        """Eligible strictly before `until_ns`; 0 = not."""
        ensure(account < self.c.accounts_max and 0 < rule < self.c.rules_max, "whitelist entry exists")
        self.c.until_ns[<size_t>account * self.c.rules_max + rule] = until_ns
        if 0 < until_ns < self.c.next_lapse_ns:
            self.c.next_lapse_ns = until_ns

    def eligible(self, uint32_t account, uint32_t rule, int64_t time_ns):
        """True if the account satisfies the rule at `time_ns`."""
        ensure(account < self.c.accounts_max and rule < self.c.rules_max, "whitelist entry exists")
        return eligible(&self.c, account, rule, time_ns)

    def lapse(self, int64_t time_ns):
        """[(account, rule)] whose eligibility has ended by `time_ns`; they are closed and the next lapse is found.

        O(accounts x rules), only at a lapse.
        """
        cdef size_t i
        cdef list lapsed = []
        cdef int64_t until
        self.c.next_lapse_ns = INT64_MAX
        for i in range(<size_t>self.c.accounts_max * self.c.rules_max):
            until = self.c.until_ns[i]
            if until == 0:
                continue
            if until <= time_ns:
                self.c.until_ns[i] = 0
                lapsed.append((i // self.c.rules_max, i % self.c.rules_max))
            elif until < self.c.next_lapse_ns:
                self.c.next_lapse_ns = until
        return lapsed
