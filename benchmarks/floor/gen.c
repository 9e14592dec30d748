/* Writes one plain order stream: gen OUT SYMBOLS TARGET DISTANCE TIMED WINDOW [SEED]
 *
 * The stream is a random market that knows its own book: about half adds near the middle, four tenths cancels of a
 * random live order, one in twenty replaces, one in twenty adds that cross. TARGET is how many orders the flow keeps
 * resting; DISTANCE is the mean distance in ticks of a passive order from the touch. flow.h holds the draws. */
#include "flow.h"

static void draw_cancel(stream_record_t *record) { cancel_live(record, live[draw(live_count)]); }

int main(int argument_count, char **arguments) {
  flow_t flow;
  stream_header_t header = read_arguments(argument_count, arguments, &flow, "OPS1");
  open_flow(&header, header.prefill * 2 + 100000);
  uint32_t count = header.prefill + header.timed, counts[PLAIN_KINDS] = {0};
  stream_record_t *records = allocate_zeroed(count, sizeof *records);
  for (uint32_t i = 0; i < count; i++) {
    if (i == header.prefill) memset(counts, 0, sizeof counts);
    counts[draw_plain(&records[i], i < header.prefill, &flow)]++;
    apply_record(&book, &records[i]);
    drift(records[i].symbol);
  }
  header.id_limit = flow.next_id;
  write_stream(arguments[1], &header, records);
  fprintf(stderr, "%s: %u adds, %u cancels, %u replaces, %u crossing, %u resting at the end\n", arguments[1],
          counts[ADDED], counts[CANCELLED], counts[REPLACED], counts[CROSSED], live_count);
  return 0;
}
