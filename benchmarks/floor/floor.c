/* Times the bare book on a stream: floor STREAM [REPETITIONS [TIMED_RECORDS]]
 *
 * Each repetition builds a fresh book from the prefill, then times the rest in one piece. TIMED_RECORDS below the
 * stream's own takes a prefix; 0 leaves only the prefill, for instruction counts of the timed part by difference. */
#include "book.h"

#ifdef BOOK_HASHED_IDS
#define ENGINE_NAME "floor-hashed"
#else
#define ENGINE_NAME "floor-dense"
#endif
#define REPETITIONS_MAX 1000u

int main(int argument_count, char **arguments) {
  if (argument_count < 2) stop("usage: floor STREAM [REPETITIONS [TIMED_RECORDS]]", arguments[0]);
  stream_t stream = load_stream(arguments[1]);
  uint32_t repetitions = argument_count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 10) : 11;
  uint32_t timed = argument_count > 3 ? (uint32_t)strtoul(arguments[3], NULL, 10) : stream.header.timed;
  if (repetitions < 1 || repetitions > REPETITIONS_MAX) stop("repetitions out of range", arguments[0]);
  if (timed > stream.header.timed) stop("the stream has fewer records", arguments[0]);

  double seconds[REPETITIONS_MAX];
  trade_proof_t trades;
  book_proof_t proof;
  for (uint32_t repetition = 0; repetition < repetitions; repetition++) {
    bare_book_t book;
    open_book(&book, &stream.header, stream.header.prefill * 2 + 20000);
    for (uint32_t i = 0; i < stream.header.prefill; i++) apply_record(&book, &stream.records[i]);
    memset(&book.trades, 0, sizeof book.trades);

    const stream_record_t *records = stream.records + stream.header.prefill;
    double start = monotonic_seconds();
    for (uint32_t i = 0; i < timed; i++) apply_record(&book, &records[i]);
    seconds[repetition] = monotonic_seconds() - start;

    trades = book.trades;
    proof = prove_book(&book);
    close_book(&book);
  }
  print_result(ENGINE_NAME, arguments[1], seconds, repetitions, timed, &trades, &proof);
  return 0;
}
