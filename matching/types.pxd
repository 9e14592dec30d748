"""The structs of the book. Slots are 1-based indices into slabs; 0 means none. Slabs never move after create.

Memory: 64 bytes an order, 1 KiB a page of 64 price levels (taken when a level of it is used, returned when the last
one empties), 4 bytes of directory per page a book could have. Prices are in [1, 2**27).
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    NO_BID = 0                    # best bid of an empty side
    NO_ASK = 2147483647           # best ask of an empty side
    PAGE_BITS = 6                 # 64 price levels a page
    SUMMARY_DEPTH_MAX = 4         # 64**4 pages are more than 2**27 ticks need

cdef enum:
    BOOK_FILL = 1
    BOOK_RESTED = 2
    BOOK_AMENDED = 3
    BOOK_CANCELLED = 4

cdef struct order_t:
    uint64_t order_id             # never reused
    int64_t open_lots             # > 0 while resting
    int64_t filled_lots
    int32_t price_ticks
    uint32_t level                # index of its level in `levels`
    uint32_t next_slot            # FIFO inside the level; in the free list: next free slot
    uint32_t prev_slot
    uint32_t owner                # opaque; 0 = nobody, never self-trades
    uint32_t owner_next           # the owner's orders in entry order
    uint32_t owner_prev
    uint16_t book
    uint8_t side                  # 0 buy, 1 sell
    uint8_t stp                   # its mode when it becomes a taker again by an amend
    uint8_t post_only
    uint8_t padding[3]

cdef struct level_t:
    uint32_t head
    uint32_t tail
    int64_t lots                  # sum of open_lots

cdef struct page_t:
    uint64_t occupied[2]          # bit per level, by side
    uint32_t number               # price >> 6
    uint32_t next_free
    uint32_t book
    uint32_t padding

cdef struct book_rules_t:
    int64_t price_step_ticks
    int64_t lot_step
    int64_t lots_max
    int64_t band_low_ticks
    int64_t band_high_ticks
    int64_t protection_bps
    int64_t protection_ticks

cdef struct book_t:
    int32_t best[2]               # NO_BID / NO_ASK when empty
    int32_t last_ticks            # 0 = never traded
    int32_t summary_depth         # words of summary[side][summary_depth - 1]: one
    uint32_t *directory           # page index by price >> 6, 0 = none
    uint64_t *summary[8]          # [side * 4 + k]: bit per page (k = 0), then bit per word below
    book_rules_t rules
    uint32_t pages                # length of the directory; 0 = no book here
    uint32_t orders

cdef struct incoming_t:
    uint64_t order_id
    int64_t price_ticks           # limit; for market orders set by prepare to the protection limit
    int64_t lots                  # wanted now
    int64_t filled_lots           # carried by an amend
    uint32_t owner
    uint16_t book
    uint8_t side
    uint8_t order_type
    uint8_t time_in_force
    uint8_t stp
    uint8_t post_only
    uint8_t kill_reason           # set by prepare: the order will be cancelled whole, without a trade
    uint8_t unbounded             # set by prepare: market order without protection
    uint32_t slot                 # amends: its slot, else 0

cdef struct book_event_t:         # 64 bytes
    uint8_t kind                  # BOOK_*
    uint8_t side                  # of order_id
    uint8_t reason                # REASON_* for cancels
    uint8_t rested                # cancels: 1 if the order was in the book
    uint32_t book
    uint64_t order_id             # the maker of a fill, else the order itself
    uint64_t taker_id             # fills
    int64_t price_ticks           # fills: the maker's price
    int64_t lots                  # filled, rested, amended to, cancelled
    int64_t open_lots             # of order_id after the event
    int64_t level_lots            # at (side, price) after the event; -1 if it never rested
    uint32_t owner                # of order_id
    uint32_t slot                 # of order_id; side slabs of the caller may be read until it is given out again

cdef struct engine_t:
    order_t *orders
    level_t *levels               # page index * 64 + (price & 63)
    page_t *pages
    book_t *books
    uint64_t *index               # id table: top 32 hash bits << 32 | slot; 0 = free
    uint32_t *owner_head
    uint32_t *owner_tail
    uint32_t *owner_count
    book_event_t *events
    uint32_t index_mask
    uint32_t index_shift          # of the 32-bit tag
    uint32_t orders_max
    uint32_t pages_max
    uint32_t books_max
    uint32_t owners_max
    uint32_t free_slot
    uint32_t free_page
    uint32_t free_pages
    uint32_t slots_used           # high-water marks, for dumps
    uint32_t pages_used
    uint32_t event_count
