/* The bare book: what a price-time order book costs on this machine when it does nothing but match.
 *
 * Lives here: limit orders, cancels and replaces over one price window per symbol, in as few instructions and cache
 * lines as we know how. Does not know: accounts, order types beyond limit, bands, bad input. It is the floor beside
 * which the real book is measured, never an engine to trade on.
 *
 * Theory: orders are 24-byte records in one slab, linked by index into a queue per price. Prices index straight into
 * an array of levels shared by both sides (a price is never bid and ask at once). A three-step bitmap per side finds
 * the next occupied price in three bit scans (64^3 ticks). Ids lead to slots through a plain array, or, with
 * BOOK_HASHED_IDS, through an open-addressing table with backward-shift deletion, which is what arbitrary 64-bit ids
 * cost. BOOK_ON_REST and BOOK_ON_GONE let the generator keep its list of live orders. */
#ifndef FLOOR_BOOK_H
#define FLOOR_BOOK_H
#include "stream.h"

#ifndef BOOK_ON_REST
#define BOOK_ON_REST(id) ((void)0)
#define BOOK_ON_GONE(id) ((void)0)
#endif

#define NO_SLOT 0u
#define RING_MASK 65535u

typedef struct {
  uint32_t previous, next; /* slots in the level's queue; `next` also chains free slots */
  uint32_t lots;           /* still open */
  uint32_t id;
  int32_t offset; /* price as an offset into the window */
  uint16_t symbol;
  uint8_t side, padding;
} bare_order_t;

typedef struct {
  uint32_t head, tail, lots, orders;
} bare_level_t;

typedef struct {
  int32_t best[2];         /* offsets; -1 for no bid, window for no ask */
  uint32_t padding[14];    /* one cache line per symbol */
} bare_top_t;

typedef struct {
  uint32_t taker, maker, price, lots;
} bare_fill_t;

typedef struct {
  uint32_t symbols, window, free_slot;
  int32_t base_ticks; /* price of offset 0 */
  bare_order_t *orders;
  bare_level_t *levels;                            /* [symbol][offset] */
  uint64_t *bits_leaf, *bits_middle, *bits_root;   /* [symbol][side][word] */
  uint32_t words_leaf, words_middle, words_root;
  bare_top_t *tops;
#ifdef BOOK_HASHED_IDS
  uint64_t *table; /* id << 32 | slot; 0 = empty */
  uint32_t table_mask, table_shift;
#else
  uint32_t *slot_of_id;
#endif
  bare_fill_t *fills; /* ring: events have to be written somewhere */
  uint64_t fill_count;
  trade_proof_t trades;
} bare_book_t;

/* ---------------------------------------------------------------- ids */

#ifdef BOOK_HASHED_IDS
static inline uint32_t home_of(const bare_book_t *book, uint32_t id) {
  return (uint32_t)(((uint64_t)id * 0x9E3779B97F4A7C15ULL) >> book->table_shift);
}

static inline void remember_id(bare_book_t *book, uint32_t id, uint32_t slot) {
  uint32_t at = home_of(book, id);
  while (book->table[at]) at = (at + 1) & book->table_mask;
  book->table[at] = (uint64_t)id << 32 | slot;
}

static inline uint32_t slot_of(const bare_book_t *book, uint32_t id) {
  for (uint32_t at = home_of(book, id);; at = (at + 1) & book->table_mask) {
    uint64_t entry = book->table[at];
    if (entry == 0) return NO_SLOT;
    if ((uint32_t)(entry >> 32) == id) return (uint32_t)entry;
  }
}

static inline void forget_id(bare_book_t *book, uint32_t id) {
  uint32_t hole = home_of(book, id);
  while ((uint32_t)(book->table[hole] >> 32) != id) hole = (hole + 1) & book->table_mask;
  for (uint32_t at = (hole + 1) & book->table_mask; book->table[at]; at = (at + 1) & book->table_mask) {
    /* an entry may move into the hole if its home is not between the hole and itself */
    uint32_t home = home_of(book, (uint32_t)(book->table[at] >> 32));
    if (((at - home) & book->table_mask) >= ((at - hole) & book->table_mask)) {
      book->table[hole] = book->table[at];
      hole = at;
    }
  }
  book->table[hole] = 0;
}
#else
static inline void remember_id(bare_book_t *book, uint32_t id, uint32_t slot) { book->slot_of_id[id] = slot; }
static inline uint32_t slot_of(const bare_book_t *book, uint32_t id) { return book->slot_of_id[id]; }
static inline void forget_id(bare_book_t *book, uint32_t id) { book->slot_of_id[id] = NO_SLOT; }
#endif

/* ---------------------------------------------------------------- occupied prices */

static inline void mark_occupied(bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t offset) {
  size_t half = (size_t)symbol * 2 + side;
  book->bits_leaf[half * book->words_leaf + (offset >> 6)] |= 1ULL << (offset & 63);
  book->bits_middle[half * book->words_middle + (offset >> 12)] |= 1ULL << (offset >> 6 & 63);
  book->bits_root[half * book->words_root] |= 1ULL << (offset >> 12);
}

static inline void mark_empty(bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t offset) {
  size_t half = (size_t)symbol * 2 + side;
  uint64_t *leaf = &book->bits_leaf[half * book->words_leaf + (offset >> 6)];
  if ((*leaf &= ~(1ULL << (offset & 63))) != 0) return;
  uint64_t *middle = &book->bits_middle[half * book->words_middle + (offset >> 12)];
  if ((*middle &= ~(1ULL << (offset >> 6 & 63))) != 0) return;
  book->bits_root[half * book->words_root] &= ~(1ULL << (offset >> 12));
}

static inline int32_t lowest(uint64_t word) { return __builtin_ctzll(word); }
static inline int32_t highest(uint64_t word) { return 63 - __builtin_clzll(word); }

/* The next ask above `offset`; the window when there is none. */
static inline int32_t next_ask(const bare_book_t *book, uint32_t symbol, uint32_t offset) {
  size_t half = (size_t)symbol * 2 + SIDE_SELL;
  const uint64_t *leaf = book->bits_leaf + half * book->words_leaf;
  const uint64_t *middle = book->bits_middle + half * book->words_middle;
  uint64_t above = leaf[offset >> 6] & (~1ULL << (offset & 63));
  if (above) return (int32_t)(offset & ~63u) | lowest(above);
  uint32_t word = offset >> 6;
  above = middle[word >> 6] & (~1ULL << (word & 63));
  if (above) {
    word = (word & ~63u) | (uint32_t)lowest(above);
    return (int32_t)word * 64 + lowest(leaf[word]);
  }
  above = book->bits_root[half * book->words_root] & (~1ULL << (offset >> 12));
  if (!above) return (int32_t)book->window;
  uint32_t group = (uint32_t)lowest(above);
  word = group * 64 + (uint32_t)lowest(middle[group]);
  return (int32_t)word * 64 + lowest(leaf[word]);
}

/* The next bid below `offset`; -1 when there is none. */
static inline int32_t next_bid(const bare_book_t *book, uint32_t symbol, uint32_t offset) {
  size_t half = (size_t)symbol * 2 + SIDE_BUY;
  const uint64_t *leaf = book->bits_leaf + half * book->words_leaf;
  const uint64_t *middle = book->bits_middle + half * book->words_middle;
  uint64_t below = leaf[offset >> 6] & ((1ULL << (offset & 63)) - 1);
  if (below) return (int32_t)(offset & ~63u) | highest(below);
  uint32_t word = offset >> 6;
  below = middle[word >> 6] & ((1ULL << (word & 63)) - 1);
  if (below) {
    word = (word & ~63u) | (uint32_t)highest(below);
    return (int32_t)word * 64 + highest(leaf[word]);
  }
  below = book->bits_root[half * book->words_root] & ((1ULL << (offset >> 12)) - 1);
  if (!below) return -1;
  uint32_t group = (uint32_t)highest(below);
  word = group * 64 + (uint32_t)highest(middle[group]);
  return (int32_t)word * 64 + highest(leaf[word]);
}

static inline int32_t next_best(const bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t offset) {
  return side == SIDE_SELL ? next_ask(book, symbol, offset) : next_bid(book, symbol, offset);
}

/* ---------------------------------------------------------------- orders */

static inline void free_order(bare_book_t *book, uint32_t slot) {
  book->orders[slot].next = book->free_slot;
  book->free_slot = slot;
}

static inline int cancel_order(bare_book_t *book, uint32_t id) {
  uint32_t slot = slot_of(book, id);
  if (slot == NO_SLOT) return 0;
  BOOK_ON_GONE(id);
  forget_id(book, id);
  bare_order_t *order = &book->orders[slot];
  uint32_t symbol = order->symbol, side = order->side, offset = (uint32_t)order->offset;
  bare_level_t *level = &book->levels[(size_t)symbol * book->window + offset];
  if (order->previous) book->orders[order->previous].next = order->next;
  else level->head = order->next;
  if (order->next) book->orders[order->next].previous = order->previous;
  else level->tail = order->previous;
  level->lots -= order->lots;
  if (--level->orders == 0) {
    mark_empty(book, symbol, side, offset);
    int32_t *best = &book->tops[symbol].best[side];
    if (*best == (int32_t)offset) *best = next_best(book, symbol, side, offset);
  }
  free_order(book, slot);
  return 1;
}

static inline void rest_order(bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t id, int32_t offset,
                              uint32_t lots) {
  uint32_t slot = book->free_slot;
  bare_order_t *order = &book->orders[slot];
  bare_level_t *level = &book->levels[(size_t)symbol * book->window + (uint32_t)offset];
  book->free_slot = order->next;
  order->previous = level->tail;
  order->next = NO_SLOT;
  order->lots = lots;
  order->id = id;
  order->offset = offset;
  order->symbol = (uint16_t)symbol;
  order->side = (uint8_t)side;
  if (level->tail) book->orders[level->tail].next = slot;
  else {
    level->head = slot;
    mark_occupied(book, symbol, side, (uint32_t)offset);
    int32_t *best = &book->tops[symbol].best[side];
    if (side == SIDE_BUY ? offset > *best : offset < *best) *best = offset;
  }
  level->tail = slot;
  level->lots += lots;
  level->orders++;
  remember_id(book, id, slot);
  BOOK_ON_REST(id);
}

/* Takes what crosses from the opposite side, best price and oldest order first; returns what is left. */
static inline uint32_t match_order(bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t id, int32_t offset,
                                   uint32_t lots) {
  int32_t *opposite = &book->tops[symbol].best[side ^ 1];
  while (side == SIDE_BUY ? *opposite <= offset : *opposite >= offset) {
    int32_t at = *opposite;
    if (at < 0 || at >= (int32_t)book->window) break;
    bare_level_t *level = &book->levels[(size_t)symbol * book->window + (uint32_t)at];
    uint32_t price = (uint32_t)(at + book->base_ticks);
    uint32_t slot = level->head;
    while (lots != 0) {
      bare_order_t *maker = &book->orders[slot];
      uint32_t traded = maker->lots < lots ? maker->lots : lots;
      book->fills[book->fill_count++ & RING_MASK] = (bare_fill_t){id, maker->id, price, traded};
      prove_trade(&book->trades, id, maker->id, price, traded);
      lots -= traded;
      level->lots -= traded;
      if (traded < maker->lots) {
        maker->lots -= traded;
        return 0;
      }
      uint32_t next = maker->next;
      BOOK_ON_GONE(maker->id);
      forget_id(book, maker->id);
      free_order(book, slot);
      level->head = slot = next;
      if (--level->orders == 0) {
        level->tail = NO_SLOT;
        mark_empty(book, symbol, side ^ 1, (uint32_t)at);
        *opposite = next_best(book, symbol, side ^ 1, (uint32_t)at);
        break;
      }
      book->orders[next].previous = NO_SLOT;
    }
    if (lots == 0) return 0;
  }
  return lots;
}

static inline void add_order(bare_book_t *book, uint32_t symbol, uint32_t side, uint32_t id, int32_t price_ticks,
                             uint32_t lots) {
  int32_t offset = price_ticks - book->base_ticks;
  lots = match_order(book, symbol, side, id, offset, lots);
  if (lots) rest_order(book, symbol, side, id, offset, lots);
}

static inline void apply_record(bare_book_t *book, const stream_record_t *record) {
  switch (record->type) {
  case STREAM_ADD:
    add_order(book, record->symbol, record->side, record->id, record->price_ticks, record->lots);
    break;
  case STREAM_CANCEL:
    cancel_order(book, record->id);
    break;
  case STREAM_REPLACE: /* a replace of an order that is gone does nothing */
    if (cancel_order(book, record->id))
      add_order(book, record->symbol, record->side, record->new_id, record->price_ticks, record->lots);
    break;
  }
}

/* ---------------------------------------------------------------- life */

static void open_book(bare_book_t *book, const stream_header_t *header, uint32_t orders_max) {
  memset(book, 0, sizeof *book);
  size_t halves = (size_t)header->symbols * 2;
  book->symbols = header->symbols;
  book->window = header->window_ticks;
  book->base_ticks = (int32_t)header->middle_ticks - (int32_t)header->window_ticks / 2;
  book->words_leaf = header->window_ticks / 64;
  book->words_middle = (book->words_leaf + 63) / 64;
  book->words_root = (book->words_middle + 63) / 64;
  if (book->words_root != 1 || header->window_ticks % 64) stop("window must be a multiple of 64 up to 262144", "stream");
  book->orders = allocate_zeroed((size_t)orders_max + 1, sizeof *book->orders);
  book->levels = allocate_zeroed((size_t)header->symbols * header->window_ticks, sizeof *book->levels);
  book->bits_leaf = allocate_zeroed(halves * book->words_leaf, 8);
  book->bits_middle = allocate_zeroed(halves * book->words_middle, 8);
  book->bits_root = allocate_zeroed(halves * book->words_root, 8);
  book->fills = allocate_zeroed(RING_MASK + 1, sizeof *book->fills);
  book->tops = aligned_alloc(64, header->symbols * sizeof *book->tops);
  if (book->tops == NULL) stop("out of memory", "allocation");
  for (uint32_t symbol = 0; symbol < header->symbols; symbol++) {
    book->tops[symbol].best[SIDE_BUY] = -1;
    book->tops[symbol].best[SIDE_SELL] = (int32_t)header->window_ticks;
  }
  for (uint32_t slot = 1; slot < orders_max; slot++) book->orders[slot].next = slot + 1;
  book->free_slot = 1;
#ifdef BOOK_HASHED_IDS
  uint32_t size = 1, bits = 0;
  while (size < orders_max * 2) size <<= 1, bits++;
  book->table = allocate_zeroed(size, 8);
  book->table_mask = size - 1;
  book->table_shift = 64 - bits;
#else
  book->slot_of_id = allocate_zeroed((size_t)header->id_limit + 2, 4);
#endif
}

static void close_book(bare_book_t *book) {
  free(book->orders), free(book->levels), free(book->tops), free(book->fills);
  free(book->bits_leaf), free(book->bits_middle), free(book->bits_root);
#ifdef BOOK_HASHED_IDS
  free(book->table);
#else
  free(book->slot_of_id);
#endif
}

static book_proof_t prove_book(const bare_book_t *book) {
  book_proof_t proof = {0};
  for (uint32_t symbol = 0; symbol < book->symbols; symbol++) {
    int32_t bid = book->tops[symbol].best[SIDE_BUY], ask = book->tops[symbol].best[SIDE_SELL];
    if (bid >= 0) proof.best_bid_sum += (uint64_t)(bid + book->base_ticks);
    if (ask < (int32_t)book->window) proof.best_ask_sum += (uint64_t)(ask + book->base_ticks);
    for (uint32_t offset = 0; offset < book->window; offset++) {
      const bare_level_t *level = &book->levels[(size_t)symbol * book->window + offset];
      for (uint32_t slot = level->orders ? level->head : NO_SLOT; slot; slot = book->orders[slot].next) {
        const bare_order_t *order = &book->orders[slot];
        prove_resting(&proof, order->side, order->id, (uint64_t)(order->offset + book->base_ticks), order->lots);
      }
    }
  }
  return proof;
}
#endif
