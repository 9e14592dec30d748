/* What the generators of order streams share: the random numbers, the book that a flow knows, and its plain draws.
 *
 * Lives here: splitmix64, the list of live orders, the draws of the plain flow, writing the file.
 * Does not know: how many records there are, which kinds beyond the plain ones.
 *
 * Everything follows from the seed in the order of draws written below, so that equal arguments give equal bytes on
 * any machine: a draw added in the middle makes another stream. */
#ifndef FLOOR_FLOW_H
#define FLOOR_FLOW_H
#include "stream.h"

static void on_rest(uint32_t id);
static void on_gone(uint32_t id);
static void draw_cancel(stream_record_t *record); /* each generator's own: which live order is cancelled */
#define BOOK_ON_REST(id) on_rest(id)
#define BOOK_ON_GONE(id) on_gone(id)
#include "book.h"

#define DEFAULT_SEED 20261120ULL

enum { ADDED, CANCELLED, REPLACED, CROSSED, PLAIN_KINDS };

typedef struct {
  uint32_t symbols, target, distance, next_id;
} flow_t;

static bare_book_t book;
static uint32_t *live, *place_of, live_count; /* resting ids in no order, and where each stands in that list */
static int32_t *middles;                      /* drifting middle price of each symbol */
static uint64_t random_state;

static void on_rest(uint32_t id) {
  place_of[id] = live_count;
  live[live_count++] = id;
}

static void on_gone(uint32_t id) {
  uint32_t last = live[--live_count];
  live[place_of[id]] = last;
  place_of[last] = place_of[id];
}

/* Uniform in [0, limit), from the upper bits of splitmix64. */
static uint32_t draw(uint32_t limit) {
  random_state += 0x9E3779B97F4A7C15ULL;
  uint64_t z = random_state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return (uint32_t)(((z ^ (z >> 31)) >> 33) % limit);
}

/* Geometric, of this mean. */
static int32_t draw_distance(uint32_t mean) {
  int32_t away = 0;
  while (draw(mean) != 0) away++;
  return away;
}

static int has_best(uint32_t symbol, uint32_t side) {
  int32_t best = book.tops[symbol].best[side];
  return best >= 0 && best < (int32_t)book.window;
}

static int32_t best_price(uint32_t symbol, uint32_t side) { return book.base_ticks + book.tops[symbol].best[side]; }

static int32_t inside_window(int32_t price) {
  int32_t low = book.base_ticks + 1, high = book.base_ticks + (int32_t)book.window - 2;
  return price < low ? low : price > high ? high : price;
}

/* A price that does not cross: geometric distance from the middle or the opposite touch, whichever binds. */
static int32_t passive_price(uint32_t symbol, uint32_t side, uint32_t distance) {
  int32_t away = draw_distance(distance), price;
  if (side == SIDE_BUY) {
    price = middles[symbol] - 1;
    if (has_best(symbol, SIDE_SELL) && price >= best_price(symbol, SIDE_SELL))
      price = best_price(symbol, SIDE_SELL) - 1;
    price -= away;
  } else {
    price = middles[symbol] + 1;
    if (has_best(symbol, SIDE_BUY) && price <= best_price(symbol, SIDE_BUY))
      price = best_price(symbol, SIDE_BUY) + 1;
    price += away;
  }
  return inside_window(price);
}

/* Fills a crossing add; 0 when the opposite side is empty. */
static int draw_aggressive(stream_record_t *record, flow_t *flow) {
  uint32_t symbol = draw(flow->symbols), side = draw(2);
  if (!has_best(symbol, side ^ 1)) return 0;
  int32_t through = (int32_t)draw(4);
  record->type = STREAM_ADD;
  record->symbol = (uint16_t)symbol;
  record->side = (uint8_t)side;
  record->id = flow->next_id++;
  record->price_ticks = best_price(symbol, side ^ 1) + (side == SIDE_BUY ? through : -through);
  record->lots = 1 + draw(300);
  return 1;
}

static void draw_replace(stream_record_t *record, flow_t *flow) {
  uint32_t id = live[draw(live_count)];
  const bare_order_t *order = &book.orders[slot_of(&book, id)];
  record->type = STREAM_REPLACE;
  record->symbol = order->symbol;
  record->side = order->side;
  record->id = id;
  record->new_id = flow->next_id++;
  record->price_ticks = passive_price(order->symbol, order->side, flow->distance);
  record->lots = 1 + draw(100);
}

static void draw_passive(stream_record_t *record, flow_t *flow) {
  record->type = STREAM_ADD;
  record->symbol = (uint16_t)draw(flow->symbols);
  record->side = (uint8_t)draw(2);
  record->id = flow->next_id++;
  record->price_ticks = passive_price(record->symbol, record->side, flow->distance);
  record->lots = 1 + draw(100);
}

static void cancel_live(stream_record_t *record, uint32_t id) {
  const bare_order_t *order = &book.orders[slot_of(&book, id)];
  record->type = STREAM_CANCEL;
  record->id = id;
  record->symbol = order->symbol;
  record->side = order->side;
}

/* Whether the flow adds (1) or cancels (0) next: leans towards the target number of resting orders. */
static int draw_add_or_cancel(uint32_t target) {
  uint32_t chance = draw(100);
  return chance < (live_count < target ? 60u : live_count > target ? 40u : 50u);
}

/* The draws of one plain record, in this order. Returns what it is. */
static int draw_plain(stream_record_t *record, int prefilling, flow_t *flow) {
  uint32_t chance = prefilling ? 99 : draw(100);
  if (chance < 5) {
    if (draw_aggressive(record, flow)) return CROSSED;
  } else if (chance < 10 && live_count) {
    draw_replace(record, flow);
    return REPLACED;
  }
  if (prefilling || live_count == 0 || draw_add_or_cancel(flow->target)) {
    draw_passive(record, flow);
    return ADDED;
  }
  draw_cancel(record);
  return CANCELLED;
}

/* Reads SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED] into the flow, the header and the random state. */
static stream_header_t read_arguments(int count, char **arguments, flow_t *flow, const char *magic) {
  if (count < 7) stop("usage: OUT SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED]", arguments[0]);
  uint32_t numbers[5];
  for (int i = 0; i < 5; i++) numbers[i] = (uint32_t)strtoul(arguments[i + 2], NULL, 10);
  *flow = (flow_t){numbers[0], numbers[1], numbers[2], 1};
  uint32_t timed = numbers[3], window = numbers[4];
  if (!flow->symbols || flow->symbols > 65535 || !flow->target || !flow->distance || !window)
    stop("a size is zero or too large", arguments[0]);
  random_state = count > 7 ? strtoull(arguments[7], NULL, 10) : DEFAULT_SEED;
  uint32_t id_limit = flow->target + 2 * timed + 4;
  stream_header_t header = {{0}, flow->symbols, flow->target, timed, id_limit, window, 100000, 0};
  memcpy(header.magic, magic, sizeof header.magic);
  return header;
}

static void open_flow(const stream_header_t *header, uint32_t orders_max) {
  open_book(&book, header, orders_max);
  live = allocate_zeroed(header->id_limit + 2, sizeof *live);
  place_of = allocate_zeroed(header->id_limit + 2, sizeof *place_of);
  middles = allocate_zeroed(header->symbols, sizeof *middles);
  for (uint32_t symbol = 0; symbol < header->symbols; symbol++) middles[symbol] = (int32_t)header->middle_ticks;
}

/* One step of the middle's walk, after each record. */
static void drift(uint32_t symbol) {
  if (draw(64) == 0) middles[symbol] += draw(2) ? 1 : -1;
}

static void write_stream(const char *path, const stream_header_t *header, const stream_record_t *records) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) stop("cannot be written", path);
  size_t count = (size_t)header->prefill + header->timed;
  if (fwrite(header, sizeof *header, 1, file) != 1 || fwrite(records, sizeof *records, count, file) != count ||
      fclose(file) != 0)
    stop("was not written completely", path);
}
#endif
