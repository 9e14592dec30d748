"""What clearing knows of an instrument: units, assets, fees, mark and scan arrays. One slab, indexed by instrument id."""
from libc.stdint cimport int64_t, uint8_t, uint16_t

cdef enum:
    SCENARIOS = 16
    NO_MARGIN = 255

cdef enum:
    KIND_SPOT = 1
    KIND_FORWARD = 2
    KIND_COMBO = 5                # spreads and strips: its terms are its legs'

cdef struct contract_t:
    int64_t tick_value            # ledger units of quote per tick per lot, > 0
    int64_t lot_units             # spot: ledger units of base per lot
    int64_t mark_ticks            # > 0 once listed
    int64_t index_ticks           # 0 = none
    int64_t psr                   # forwards: scan range, quote units per lot, a multiple of 300
    int64_t scan[SCENARIOS]       # loss of one long lot in each scenario, quote units
    int64_t position_lots_max     # forwards, per account and side
    int64_t taker_fee_ppm
    int64_t maker_fee_ppm
    int64_t expiry_ns
    int64_t bias_ticks            # combos: prices in the book are this much higher than people see
    uint16_t base_asset           # spot
    uint16_t quote_asset
    uint16_t rule_id              # eligibility, 0 = none
    uint8_t kind                  # 0 = no instrument here
    uint8_t margin_slot           # forwards: which margin book of the account; NO_MARGIN for spot
    uint8_t open                  # 1 while orders are taken
    uint8_t base_is_token         # spot: base earns dividends, so fills go to the position timeline
