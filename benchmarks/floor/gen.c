/* Writes one order stream: gen OUT SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED]
 *
 * The stream is a random market that knows its own book: about half adds near the middle, four tenths cancels of a
 * random live order, one in twenty replaces, one in twenty adds that cross. TARGET is how many orders the flow keeps
 * resting; DISTANCE is the mean distance in ticks of a passive order from the touch. Everything follows from the
 * seed by splitmix64, in the order of draws written below, so that equal arguments give equal bytes on any machine. */
#include "stream.h"

static void on_rest(uint32_t id);
static void on_gone(uint32_t id);
#define BOOK_ON_REST(id) on_rest(id)
#define BOOK_ON_GONE(id) on_gone(id)
#include "book.h"

#define DEFAULT_SEED 20261120ULL

static bare_book_t book;
static uint32_t *live, *place_of, live_count; /* resting ids in no order, and where each stands in that list */
static int32_t *middles;                      /* drifting middle price of each symbol */
static uint32_t distance;
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

/* A price that does not cross: geometric distance from the middle or the opposite touch, whichever binds. */
static int32_t passive_price(uint32_t symbol, uint32_t side) {
  int32_t away = 0, price;
  while (draw(distance) != 0) away++;
  int32_t bid = book.tops[symbol].best[SIDE_BUY], ask = book.tops[symbol].best[SIDE_SELL];
  if (side == SIDE_BUY) {
    price = middles[symbol] - 1;
    if (ask < (int32_t)book.window && book.base_ticks + ask - 1 < price) price = book.base_ticks + ask - 1;
    price -= away;
  } else {
    price = middles[symbol] + 1;
    if (bid >= 0 && book.base_ticks + bid + 1 > price) price = book.base_ticks + bid + 1;
    price += away;
  }
  int32_t low = book.base_ticks + 1, high = book.base_ticks + (int32_t)book.window - 2;
  return price < low ? low : price > high ? high : price;
}

/* Fills a crossing add; 0 when the opposite side is empty. */
static int draw_aggressive(stream_record_t *record, uint32_t symbols, uint32_t *next_id) {
  uint32_t symbol = draw(symbols), side = draw(2);
  int32_t opposite = book.tops[symbol].best[side ^ 1];
  if (opposite < 0 || opposite >= (int32_t)book.window) return 0;
  int32_t through = (int32_t)draw(4);
  record->type = STREAM_ADD;
  record->symbol = (uint16_t)symbol;
  record->side = (uint8_t)side;
  record->id = (*next_id)++;
  record->price_ticks = book.base_ticks + opposite + (side == SIDE_BUY ? through : -through);
  record->lots = 1 + draw(300);
  return 1;
}

static void draw_replace(stream_record_t *record, uint32_t *next_id) {
  uint32_t id = live[draw(live_count)];
  const bare_order_t *order = &book.orders[slot_of(&book, id)];
  record->type = STREAM_REPLACE;
  record->symbol = order->symbol;
  record->side = order->side;
  record->id = id;
  record->new_id = (*next_id)++;
  record->price_ticks = passive_price(order->symbol, order->side);
  record->lots = 1 + draw(100);
}

static void draw_passive(stream_record_t *record, uint32_t symbols, uint32_t *next_id) {
  record->type = STREAM_ADD;
  record->symbol = (uint16_t)draw(symbols);
  record->side = (uint8_t)draw(2);
  record->id = (*next_id)++;
  record->price_ticks = passive_price(record->symbol, record->side);
  record->lots = 1 + draw(100);
}

static void draw_cancel(stream_record_t *record) {
  record->type = STREAM_CANCEL;
  record->id = live[draw(live_count)];
  const bare_order_t *order = &book.orders[slot_of(&book, record->id)];
  record->symbol = order->symbol;
  record->side = order->side;
}

/* Whether the flow adds (1) or cancels (0) next: leans towards the target number of resting orders. */
static int draw_add_or_cancel(uint32_t target) {
  uint32_t chance = draw(100);
  return chance < (live_count < target ? 60u : live_count > target ? 40u : 50u);
}

enum { ADDED, CANCELLED, REPLACED, CROSSED, KINDS };

/* The draws of one record, in this order. Returns what it is. */
static int draw_record(stream_record_t *record, int prefilling, uint32_t symbols, uint32_t target, uint32_t *next_id) {
  uint32_t chance = prefilling ? 99 : draw(100);
  if (chance < 5) {
    if (draw_aggressive(record, symbols, next_id)) return CROSSED;
  } else if (chance < 10 && live_count) {
    draw_replace(record, next_id);
    return REPLACED;
  }
  if (prefilling || live_count == 0 || draw_add_or_cancel(target)) {
    draw_passive(record, symbols, next_id);
    return ADDED;
  }
  draw_cancel(record);
  return CANCELLED;
}

static void write_stream(const char *path, const stream_header_t *header, const stream_record_t *records) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) stop("cannot be written", path);
  size_t count = (size_t)header->prefill + header->timed;
  if (fwrite(header, sizeof *header, 1, file) != 1 || fwrite(records, sizeof *records, count, file) != count ||
      fclose(file) != 0)
    stop("was not written completely", path);
}

int main(int argument_count, char **arguments) {
  if (argument_count < 7) stop("usage: gen OUT SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED]", arguments[0]);
  uint32_t symbols = (uint32_t)strtoul(arguments[2], NULL, 10), target = (uint32_t)strtoul(arguments[3], NULL, 10);
  uint32_t timed = (uint32_t)strtoul(arguments[5], NULL, 10), window = (uint32_t)strtoul(arguments[6], NULL, 10);
  distance = (uint32_t)strtoul(arguments[4], NULL, 10);
  random_state = argument_count > 7 ? strtoull(arguments[7], NULL, 10) : DEFAULT_SEED;
  if (!symbols || symbols > 65535 || !target || !distance || !window) stop("a size is zero or too large", arguments[0]);

  stream_header_t header = {{'O', 'P', 'S', '1'}, symbols, target, timed, target + 2 * timed + 4, window, 100000, 0};
  open_book(&book, &header, target * 2 + 100000);
  live = allocate_zeroed(header.id_limit + 2, sizeof *live);
  place_of = allocate_zeroed(header.id_limit + 2, sizeof *place_of);
  middles = allocate_zeroed(symbols, sizeof *middles);
  for (uint32_t symbol = 0; symbol < symbols; symbol++) middles[symbol] = (int32_t)header.middle_ticks;

  stream_record_t *records = allocate_zeroed((size_t)target + timed, sizeof *records);
  uint32_t next_id = 1, counts[KINDS] = {0};
  for (uint32_t i = 0; i < target + timed; i++) {
    if (i == target) memset(counts, 0, sizeof counts);
    counts[draw_record(&records[i], i < target, symbols, target, &next_id)]++;
    apply_record(&book, &records[i]);
    if (draw(64) == 0) middles[records[i].symbol] += draw(2) ? 1 : -1;
  }
  header.id_limit = next_id;
  write_stream(arguments[1], &header, records);
  fprintf(stderr, "%s: %u adds, %u cancels, %u replaces, %u crossing, %u resting at the end\n", arguments[1],
          counts[ADDED], counts[CANCELLED], counts[REPLACED], counts[CROSSED], live_count);
  return 0;
}
