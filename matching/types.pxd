"""The structs of the book. Slots are 1-based indices into slabs; 0 means none. Slabs never move after create.

Memory: 32 bytes an order, 8 for its owner's list, 128 for the terms of orders that are more than a plain limit; 2 KiB a
page of 64 prices (taken when one of them is used, returned when the last one empties), 4 bytes of directory per page a
book could have. Prices are in [1, 2**27). What a plain limit order touches is kept small: `order_t`, `level_t`, one
line of `book_t`; everything else stands in `terms_t` and `book_more_t`.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    NO_BID = 0                    # best bid of an empty side
    NO_ASK = 2147483647           # best ask of an empty side
    PAGE_BITS = 6                 # 64 prices a page
    SUMMARY_DEPTH_MAX = 4         # 64**4 pages are more than 2**27 ticks need
    MODE_SHIFT = 27               # order_t.place: level below, mode above
    MODE_DEFAULT = 1              # cancel newest, not post-only
    EVENTS_PAUSE = 4096           # a sweep pauses here so that its events can be taken
    TICK_ROWS = 8
    MMP_GROUPS = 17               # 1..16
    MMP_FILLS = 64                # fills a window remembers one by one (MATCH-104)
    LEGS_MAX = 12
    TRIGGER_BOOKS = 3             # last, mark, index

cdef enum:                        # book_event_t.kind
    BOOK_FILL = 1
    BOOK_RESTED = 2
    BOOK_AMENDED = 3
    BOOK_CANCELLED = 4
    BOOK_REDUCED = 5              # lots less by prevention; level_lots -1 = the taker
    BOOK_REFRESHED = 6            # lots = the new shown part
    BOOK_PENDING = 7              # price_ticks = trigger
    BOOK_TRIGGERED = 8            # price_ticks = the price seen
    BOOK_PARKED = 9
    BOOK_MMP = 10                 # owner; lots = group, open_lots = frozen until
    BOOK_IMPLIED = 11             # taker; taker_id = the combo's book
    BOOK_PHASE = 12               # lots = phase
    BOOK_AUCTION = 13             # price, lots = volume
    BOOK_CROSS = 14               # two in a row: the bid's (side 0), then the ask's; taker_id = the other
    BOOK_EXTENDED = 15
    BOOK_REFUSED = 16             # batches only: lots = RejectCode

cdef enum:                        # book_command_t.kind
    COMMAND_LIMIT = 1             # good till cancelled
    COMMAND_CANCEL = 2            # order_id
    COMMAND_REPLACE = 3           # cancel order_id, then enter new_id; nothing if order_id is gone

cdef enum:                        # book_t.watch
    WATCH_CLOSED = 1              # no book here
    WATCH_PHASE = 2               # not continuous
    WATCH_TRIGGERS = 4            # somebody waits for a last price
    WATCH_BAND = 8                # dynamic band
    WATCH_PEGS = 16
    WATCH_IMPLIED = 32            # a combo, or the leg of one
    WATCH_COMBO = 64              # a combo
    WATCH_MINDED = 24             # pegs or band: the command's end and begin matter
    WATCH_SLOW = 99               # those that a resting plain order has to mind: closed, phase, implied, combo

cdef enum:                        # terms_t.state
    STATE_RESTING = 0             # in a level of its book
    STATE_WAITING = 1             # in a level of a trigger book, or in the trailing list
    STATE_QUEUED = 2              # triggered, its turn not yet come
    STATE_PARKED = 3              # a peg without price
    STATE_TAKING = 4              # amended or triggered, just now taking

cdef enum:                        # terms_t.special: looked at when it trades
    SPECIAL_DISPLAY = 1           # has or had a reserve
    SPECIAL_OCO = 2
    SPECIAL_MMP = 4
    SPECIAL_GATE = 8              # the caller is asked before it trades (reduce-only)
    SPECIAL_PEG = 16
    SPECIAL_QUOTE = 32
    SPECIAL_MARKET = 64           # a market order in a call
    SPECIAL_GFA = 128

cdef struct order_t:              # 32 bytes
    uint64_t order_id             # never reused
    int64_t shown_lots            # > 0 while in a level of its book
    uint32_t next_slot            # FIFO inside the level; in the free list: next free slot
    uint32_t prev_slot
    uint32_t place                # bit 31: terms are valid; bits 27..30: post_only * 5 + stp; below: its level
    uint32_t owner                # opaque; 0 = nobody, never self-trades

cdef struct link_t:               # the owner's orders in order of entry
    uint32_t next
    uint32_t prev

cdef struct owner_t:
    uint32_t head
    uint32_t tail
    uint32_t count
    uint32_t group                # prevention group, 0 = none

cdef struct terms_t:              # valid while bit 31 of `place` is set; all zero means: plain
    int64_t filled_lots
    int64_t reserve_lots          # open but not shown
    int64_t display_lots          # 0 = shows all
    int64_t limit_ticks           # own limit of waiting orders and pegs, 0 = none
    int64_t trigger_ticks
    int64_t extreme_ticks         # trailing: 0 = none yet
    int64_t trail_ticks
    int64_t budget
    int64_t open_lots             # of waiting and parked orders
    uint64_t entry                # entry number (MATCH-072)
    uint64_t quote_set
    int32_t peg_offset
    uint32_t trail_bps
    uint32_t partner              # slot of the linked order
    uint32_t list_next            # of its book: pegs, trailing orders or orders good for auction
    uint32_t list_prev
    uint32_t book                 # of waiting and parked orders
    uint8_t side
    uint8_t state
    uint8_t special
    uint8_t order_type
    uint8_t time_in_force
    uint8_t trigger
    uint8_t reference
    uint8_t active                # trailing
    uint8_t peg
    uint8_t mmp                   # group
    uint8_t reduce_only           # the caller's: gates its trades
    uint8_t padding
    int32_t seen_ticks            # the price that triggered it

cdef struct level_t:
    uint32_t head
    uint32_t tail
    int64_t lots                  # sum of shown_lots

cdef struct page_t:
    uint64_t occupied[2]          # bit per price, by side
    uint32_t number               # price >> 6
    uint32_t next_free
    uint32_t book
    uint32_t padding

cdef struct book_t:               # 64 bytes: what every order of the book touches
    int32_t best[2]               # NO_BID / NO_ASK when empty
    uint32_t watch                # WATCH_*; 0 = plain continuous trading
    uint32_t checks               # 1: steps, tick table or notional to be checked
    uint32_t *directory           # page index by price >> 6, 0 = none
    int64_t lots_max
    int64_t band_low_ticks
    int64_t band_span_ticks       # high - low
    int32_t last_ticks            # 0 = never traded
    uint32_t pages                # length of the directory; 0 = no book here
    uint32_t id
    uint32_t padding

cdef struct leg_t:
    uint32_t book
    int32_t ratio

cdef struct book_more_t:
    uint64_t *summary[8]          # [side * 4 + k]: bit per page (k = 0), then bit per word below
    int64_t price_step_ticks
    int64_t lot_step
    int64_t notional_max
    int64_t protection_bps
    int64_t protection_ticks
    int64_t dynamic_bps
    int64_t bias_ticks            # combos
    int64_t seen_ticks[3]         # mark and index; [0] unused, last stands in book_t
    int64_t auction_ticks         # reference of the auction, 0 = last trade
    int64_t delta
    int64_t vega
    int32_t summary_depth
    int32_t table_rows
    int32_t table_from[8]
    int32_t table_step[8]
    uint32_t waiting[3]           # orders per trigger book
    uint32_t pegs_head
    uint32_t pegs_tail
    uint32_t pegs
    uint32_t trailing_head
    uint32_t trailing_tail
    uint32_t trailing
    uint32_t gfa_head
    uint32_t gfa_tail
    uint32_t gfa
    uint32_t legs                 # combos
    leg_t leg[12]
    uint32_t combos_head          # index into engine_t.uses: combos this book is a leg of
    uint8_t phase
    uint8_t reject_triggered
    uint8_t peg_cancel
    uint8_t opened
    uint8_t touched
    uint8_t uncrossing            # 1: leaving a call, not yet done; 2: some have crossed
    uint8_t pegs_asked            # a peg came or was amended, or the phase changed, since the last pass
    uint8_t padding[1]
    int32_t pegs_saw[4]           # references (NO_BID, NO_ASK = none) and best prices as the last pass left them
    int32_t before_ticks          # last price when the book was first touched in this command
    int32_t uncross_ticks         # the auction price while uncrossing, 0 = to be found

cdef struct combo_use_t:          # one leg of one combo, chained per leg's book by rising combo book
    uint32_t combo
    int32_t ratio
    uint32_t next

cdef struct mmp_t:                # protection of one owner's group
    int64_t limit[3]              # lots, delta, vega; 0 = none
    int64_t window
    int64_t frozen
    int64_t frozen_until          # while is_frozen; 0 = until reset
    int64_t sum[3]
    int64_t time[64]
    int64_t part[64][3]
    uint32_t first                # ring
    uint32_t count
    uint8_t set
    uint8_t is_frozen
    uint8_t padding[6]

cdef struct incoming_t:
    uint64_t order_id
    int64_t price_ticks           # limit; of market orders set by prepare
    int64_t lots                  # wanted now
    int64_t filled_lots           # carried by an amend
    int64_t display_lots
    int64_t budget
    int64_t trigger_ticks
    int64_t trail_ticks
    int64_t bound_ticks           # set by prepare: where trading stops: the limit, or the dynamic band inside it
    int64_t near_ticks            # and where the dynamic band begins on the near side; 0 = nowhere
    uint64_t oco                  # id of the order to be linked with
    uint64_t quote_set
    int32_t peg_offset
    uint32_t trail_bps
    uint32_t owner
    uint32_t book
    uint32_t slot                 # amended and triggered orders: their slot, else 0
    uint8_t side
    uint8_t order_type
    uint8_t time_in_force
    uint8_t stp
    uint8_t post_only
    uint8_t trigger
    uint8_t reference
    uint8_t peg
    uint8_t mmp
    uint8_t quote                 # 1: known by quote_set
    uint8_t reduce_only           # the caller is asked before it trades as maker
    uint8_t kill_reason           # set by prepare: it will be cancelled whole, without a trade
    uint8_t unbounded             # set by prepare: market order without protection
    uint8_t stopped               # set while matching: REASON_* that ends it
    uint8_t waits                 # set by prepare: it does not enter now
    uint8_t market_to_limit       # set by prepare

cdef struct book_command_t:       # 48 bytes: a plain command of a batch
    uint8_t kind                  # COMMAND_*
    uint8_t side
    uint8_t stp
    uint8_t post_only
    uint32_t book
    uint64_t order_id
    uint64_t new_id
    int64_t price_ticks
    int64_t lots
    uint32_t owner
    uint32_t padding

cdef struct book_event_t:         # 64 bytes
    uint8_t kind                  # BOOK_*
    uint8_t rested                # cancels: 1 if it was in the book, waiting or parked
    uint8_t reason                # REASON_* for cancels
    uint8_t side                  # of order_id
    uint32_t book
    uint64_t order_id             # the maker of a fill, else the order itself
    uint64_t taker_id             # fills, crosses, implied; else not set
    int64_t lots                  # filled, rested, amended to, cancelled
    int64_t open_lots             # of order_id after the event, reserve included
    int64_t level_lots            # shown at (side, price) after the event, crosses: at (side, level_ticks); -1 = in no level
    int32_t price_ticks           # fills: the maker's price
    int32_t level_ticks           # crosses; else not set
    uint32_t owner                # of order_id
    uint32_t slot                 # of order_id; side slabs of the caller may be read until it is given out again

cdef struct due_t:
    uint64_t entry
    uint32_t slot
    uint32_t padding

cdef struct engine_t:
    order_t *orders
    level_t *levels               # page << 7 | side << 6 | price & 63
    page_t *pages
    book_t *books                 # [0 .. books_max), then three trigger books each: books_max + 3 * book + reference
    uint64_t *index               # id table: top 32 hash bits << 32 | slot; 0 = free
    book_event_t *events
    link_t *links
    owner_t *owners
    terms_t *terms
    book_more_t *more
    mmp_t *mmp                    # of protection groups given out
    uint32_t *mmp_of              # owner * 17 + group -> index into mmp, 0 = not set
    combo_use_t *uses
    due_t *due                    # scratch: orders triggered by one price
    uint64_t *quotes              # table: slot of the quote of (owner, set, book, side)
    uint64_t hash_key             # odd; never shows in any answer
    uint64_t entries              # entry numbers given
    int64_t now                   # the caller's number, MMP windows only
    uint32_t index_mask
    uint32_t index_shift          # of the 32-bit tag
    uint32_t quotes_mask
    uint32_t orders_max
    uint32_t pages_max
    uint32_t books_max
    uint32_t owners_max
    uint32_t trailing_max
    uint32_t pegs_max
    uint32_t mmp_max
    uint32_t mmp_used
    uint32_t uses_max
    uint32_t uses_used
    uint32_t free_slot
    uint32_t free_page
    uint32_t free_pages
    uint32_t slots_used           # high-water marks, for dumps
    uint32_t pages_used
    uint32_t event_count
    uint32_t line_head            # triggered orders whose turn has not come
    uint32_t line_tail
    uint32_t gate_slot            # the maker that a paused sweep stands before
    uint32_t gate_passed          # the caller's word: this one may trade
    uint32_t groups_used          # 1: some owner is in a prevention group
    uint32_t taker_partner        # slot linked with the order that is taking
    uint32_t touched_count        # books with pegs in which something happened in this command
    uint32_t *touched
    int paused                    # plain.book_limit: status of `paused_order`, for book_resume
    incoming_t paused_order
