"""Until when each account satisfies each rule: the slab the order path looks at."""
from libc.stdint cimport int64_t, uint32_t

cdef struct whitelist_t:
    int64_t *until_ns             # [account * rules_max + rule]; 0 = not eligible
    uint32_t accounts_max
    uint32_t rules_max
    int64_t next_lapse_ns         # earliest moment at which some eligibility ends

cdef inline bint eligible(whitelist_t *w, uint32_t account, uint32_t rule, int64_t time_ns) noexcept nogil:
    """Rule 0 asks for nothing."""
    return rule == 0 or time_ns < w.until_ns[<size_t>account * w.rules_max + rule]

cdef class Whitelist:
    cdef whitelist_t c
