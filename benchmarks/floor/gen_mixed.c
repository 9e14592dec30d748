/* Writes one mixed order stream: gen_mixed OUT SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED] [three]
 *
 * The plain flow of gen.c with the orders of people who want more mixed in; the prefill is plain. Of 100 timed records
 *    5 icebergs   60..199 lots, 10..29 of them shown, near the touch (mean distance 7 ticks)
 *    3 stops      limit orders behind a trigger beyond the last price by 1 tick and more (mean 15), limit 0..3 further
 *   10 quotes     one of 64 standing quotes of market makers moves near the touch (mean distance 3) under a new id
 *    2 slides     post-only orders priced 0..3 ticks through the opposite touch
 *    1 pegs       to the best price of their side, 0..7 ticks behind it; when 16 are alive, the oldest is cancelled
 *   79 plain      as gen.c draws them; a cancel names a waiting stop as often as any other order
 * With the word `three` at the end there are no slides and pegs: 82 are plain.
 * The generator's own book is the bare one: it knows triggers, but takes an iceberg for an ordinary order of its full
 * size and does not see pegs. So a few cancels name orders that a real book has already filled: they do nothing, as in
 * life, and every engine must agree which. One symbol only. */
#include "flow.h"

enum { PEGS_MAX = 16, QUOTES = 64 };
enum { ICEBERGS = PLAIN_KINDS, STOPS, QUOTED, SLID, PEGGED, KINDS };

typedef struct {
  uint32_t id, lots;
  int32_t trigger_ticks, limit_ticks;
  uint32_t side;
} waiting_t;

static waiting_t *waiting, *line; /* stops in order of entry; triggered ones whose turn has not come */
static uint32_t waiting_count, line_count;
static uint64_t fills_seen; /* trades whose price has been looked at */
static uint32_t quotes[QUOTES];
static uint32_t pegs[PEGS_MAX], pegs_alive; /* oldest first */

static void remove_waiting(uint32_t at) {
  waiting_count--;
  memmove(&waiting[at], &waiting[at + 1], (waiting_count - at) * sizeof *waiting);
}

static void draw_cancel(stream_record_t *record) {
  uint32_t choice = draw(live_count + waiting_count);
  if (choice < live_count) {
    cancel_live(record, live[choice]);
    return;
  }
  const waiting_t *order = &waiting[choice - live_count];
  record->type = STREAM_CANCEL;
  record->id = order->id;
  record->side = (uint8_t)order->side;
}

static void draw_iceberg(stream_record_t *record, flow_t *flow) {
  record->type = STREAM_ICEBERG;
  record->side = (uint8_t)draw(2);
  record->id = flow->next_id++;
  record->price_ticks = passive_price(0, record->side, 8);
  record->lots = 60 + draw(140);
  record->extra = 10 + draw(20);
}

static void draw_stop(stream_record_t *record, flow_t *flow) {
  int32_t last = book.fill_count ? (int32_t)book.fills[(book.fill_count - 1) & RING_MASK].price : middles[0];
  record->type = STREAM_STOP;
  record->side = (uint8_t)draw(2);
  record->id = flow->next_id++;
  int32_t sign = record->side == SIDE_BUY ? 1 : -1;
  int32_t trigger_ticks = inside_window(last + sign * (1 + draw_distance(16)));
  record->extra = (uint32_t)trigger_ticks;
  record->price_ticks = inside_window(trigger_ticks + sign * (int32_t)draw(4));
  record->lots = 1 + draw(100);
}

static void draw_quote(stream_record_t *record, flow_t *flow) {
  uint32_t which = draw(QUOTES);
  record->type = STREAM_QUOTE;
  record->side = (uint8_t)(which & 1);
  record->id = quotes[which];
  record->new_id = quotes[which] = flow->next_id++;
  record->price_ticks = passive_price(0, record->side, 4);
  record->lots = 1 + draw(100);
}

static void draw_slide(stream_record_t *record, flow_t *flow) {
  record->type = STREAM_SLIDE;
  record->side = (uint8_t)draw(2);
  record->id = flow->next_id++;
  int32_t sign = record->side == SIDE_BUY ? 1 : -1, through = (int32_t)draw(4);
  int32_t from = has_best(0, record->side ^ 1u) ? best_price(0, record->side ^ 1u) : middles[0];
  record->price_ticks = inside_window(from + sign * through);
  record->lots = 1 + draw(100);
}

static void draw_peg(stream_record_t *record, flow_t *flow) {
  if (pegs_alive == PEGS_MAX) {
    record->type = STREAM_CANCEL;
    record->id = pegs[0];
    pegs_alive--;
    memmove(pegs, pegs + 1, pegs_alive * sizeof *pegs);
    return;
  }
  record->type = STREAM_PEG;
  record->side = (uint8_t)draw(2);
  record->id = pegs[pegs_alive++] = flow->next_id++;
  record->price_ticks = (record->side == SIDE_BUY ? -1 : 1) * (int32_t)draw(8);
  record->lots = 1 + draw(100);
}

static int only_three; /* icebergs, stops and quotes alone */

/* The draws of one record, in this order. Returns what it is. */
static int draw_mixed(stream_record_t *record, int prefilling, flow_t *flow) {
  uint32_t chance = prefilling ? 99 : draw(100);
  if (chance < 5) return draw_iceberg(record, flow), ICEBERGS;
  if (chance < 8) return draw_stop(record, flow), STOPS;
  if (chance < 18) return draw_quote(record, flow), QUOTED;
  if (only_three) return draw_plain(record, prefilling, flow);
  if (chance < 20) return draw_slide(record, flow), SLID;
  if (chance < 21) return draw_peg(record, flow), PEGGED;
  return draw_plain(record, prefilling, flow);
}

/* Lets the stops in that the trades since the last call triggered, one by one, and those that these trigger. */
static void let_triggered_in(void) {
  for (;;) {
    for (; fills_seen < book.fill_count; fills_seen++) {
      int32_t price = (int32_t)book.fills[fills_seen & RING_MASK].price;
      for (uint32_t at = 0; at < waiting_count;) {
        const waiting_t *order = &waiting[at];
        if (order->side == SIDE_BUY ? price < order->trigger_ticks : price > order->trigger_ticks) {
          at++;
          continue;
        }
        line[line_count++] = *order;
        remove_waiting(at);
      }
    }
    if (line_count == 0) return;
    waiting_t first = line[0];
    memmove(line, line + 1, --line_count * sizeof *line);
    add_order(&book, 0, first.side, first.id, first.limit_ticks, first.lots);
  }
}

/* What the generator's book makes of a record. */
static void apply_mixed(const stream_record_t *record) {
  stream_record_t plain = *record;
  switch (record->type) {
  case STREAM_STOP:
    waiting[waiting_count++] = (waiting_t){record->id, record->lots, (int32_t)record->extra, record->price_ticks,
                                           record->side};
    return;
  case STREAM_PEG: return;
  case STREAM_QUOTE:
    if (record->id) cancel_order(&book, record->id);
    plain.id = record->new_id;
    break;
  case STREAM_SLIDE:
    if (record->side == SIDE_BUY && has_best(0, SIDE_SELL) && plain.price_ticks >= best_price(0, SIDE_SELL))
      plain.price_ticks = best_price(0, SIDE_SELL) - 1;
    if (record->side == SIDE_SELL && has_best(0, SIDE_BUY) && plain.price_ticks <= best_price(0, SIDE_BUY))
      plain.price_ticks = best_price(0, SIDE_BUY) + 1;
    break;
  case STREAM_CANCEL:
    for (uint32_t at = 0; at < waiting_count; at++)
      if (waiting[at].id == record->id) return remove_waiting(at);
    break;
  }
  if (record->type > STREAM_REPLACE) plain.type = STREAM_ADD;
  apply_record(&book, &plain);
  let_triggered_in();
}

int main(int argument_count, char **arguments) {
  flow_t flow;
  if (argument_count > 1 && strcmp(arguments[argument_count - 1], "three") == 0) only_three = 1, argument_count--;
  stream_header_t header = read_arguments(argument_count, arguments, &flow, "OPS2");
  if (flow.symbols != 1) stop("a mixed stream has one symbol", arguments[0]);
  uint32_t count = header.prefill + header.timed, counts[KINDS] = {0};
  open_flow(&header, count + 1);
  waiting = allocate_zeroed(count + 1, sizeof *waiting);
  line = allocate_zeroed(count + 1, sizeof *line);
  stream_record_t *records = allocate_zeroed(count, sizeof *records);
  for (uint32_t i = 0; i < count; i++) {
    if (i == header.prefill) memset(counts, 0, sizeof counts);
    counts[draw_mixed(&records[i], i < header.prefill, &flow)]++;
    apply_mixed(&records[i]);
    drift(0);
  }
  header.id_limit = flow.next_id;
  write_stream(arguments[1], &header, records);
  fprintf(stderr,
          "%s: %u adds, %u cancels, %u replaces, %u crossing, %u icebergs, %u stops, %u quotes, %u slides, %u pegs; "
          "%llu trades, %u resting and %u waiting at the end\n",
          arguments[1], counts[ADDED], counts[CANCELLED], counts[REPLACED], counts[CROSSED], counts[ICEBERGS],
          counts[STOPS], counts[QUOTED], counts[SLID], counts[PEGGED], (unsigned long long)book.fill_count, live_count,
          waiting_count);
  return 0;
}
