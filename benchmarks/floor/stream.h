/* Order streams: the file format that the generator writes and the engines under measurement read, and the proof
 * of the result that every engine prints.
 *
 * Lives here: records, loading, the trade hash, the RESULT line.
 * Does not know: any order book.
 *
 * A file is a 32-byte header and then prefill + timed records of 24 bytes, little endian. Prices are ticks,
 * quantities lots. Only the records after the prefill are timed. "OPS1" is a plain stream: adds, cancels, replaces;
 * "OPS2" is a mixed one, which has the other types too, and which the bare book cannot run. */
#ifndef FLOOR_STREAM_H
#define FLOOR_STREAM_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STREAM_ADD = 1, STREAM_CANCEL = 2, STREAM_REPLACE = 3 };
/* Mixed streams only; all are good till cancelled.
 *   ICEBERG  an add that shows `extra` lots
 *   STOP     a limit order that waits until the last price reaches `extra`: at or above it for a buy, below for a sell
 *   QUOTE    cancels `id` if it is there (0 = there is none), and adds `new_id` whether it was or not
 *   SLIDE    an add that takes the best price that does not trade
 *   PEG      follows the best price of its own side at a distance of `price_ticks`, signed; it has no limit */
enum { STREAM_ICEBERG = 4, STREAM_STOP = 5, STREAM_QUOTE = 6, STREAM_SLIDE = 7, STREAM_PEG = 8 };
enum { SIDE_BUY = 0, SIDE_SELL = 1 };

typedef struct {
  char magic[4]; /* "OPS1", "OPS2" */
  uint32_t symbols;
  uint32_t prefill;      /* records that build the book, untimed */
  uint32_t timed;        /* records that are timed */
  uint32_t id_limit;     /* ids are below this */
  uint32_t window_ticks; /* prices lie in [middle - window/2, middle + window/2) */
  uint32_t middle_ticks;
  uint32_t padding;
} stream_header_t;

typedef struct {
  uint8_t type; /* STREAM_ADD: limit order, rest of it stays; STREAM_CANCEL; STREAM_REPLACE: cancel id, add new_id */
  uint8_t side;
  uint16_t symbol;
  uint32_t id;
  uint32_t new_id;
  int32_t price_ticks;
  uint32_t lots;
  uint32_t extra; /* plain records: 0 */
} stream_record_t;

typedef struct {
  stream_header_t header;
  stream_record_t *records;
} stream_t;

/* What the trades of the timed part add up to. The hash depends on every id, price, quantity and on the order. */
typedef struct {
  uint64_t count, lots, notional, hash;
} trade_proof_t;

/* What rests at the end: counts, quantities, sums of best prices over symbols, and a hash over the orders. */
typedef struct {
  uint64_t resting, bid_lots, ask_lots, best_bid_sum, best_ask_sum, hash;
} book_proof_t;

static inline void prove_trade(trade_proof_t *proof, uint64_t taker, uint64_t maker, uint64_t price, uint64_t lots) {
  proof->count++;
  proof->lots += lots;
  proof->notional += price * lots;
  proof->hash = proof->hash * 1099511628211ULL + (taker * 1000003 + maker * 10007 + lots * 101 + price);
}

static inline void prove_resting(book_proof_t *proof, int side, uint64_t id, uint64_t price, uint64_t lots) {
  proof->resting++;
  if (side == SIDE_BUY) proof->bid_lots += lots;
  else proof->ask_lots += lots;
  proof->hash += id * 31 + lots * 7 + price;
}

static void stop(const char *what, const char *which) {
  fprintf(stderr, "%s: %s\n", which, what);
  exit(2);
}

static void *allocate_zeroed(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) stop("out of memory", "allocation");
  return memory;
}

static stream_t load_stream(const char *path) {
  stream_t stream;
  FILE *file = fopen(path, "rb");
  if (file == NULL) stop("cannot be opened", path);
  if (fread(&stream.header, sizeof stream.header, 1, file) != 1) stop("shorter than a header", path);
  if (memcmp(stream.header.magic, "OPS1", 4) != 0) stop("not an OPS1 stream", path);
  size_t count = (size_t)stream.header.prefill + stream.header.timed;
  stream.records = allocate_zeroed(count, sizeof(stream_record_t));
  if (fread(stream.records, sizeof(stream_record_t), count, file) != count) stop("shorter than its header says", path);
  fclose(file);
  return stream;
}

static inline double monotonic_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* Prints the one line by which engines are compared; `seconds` is sorted in place. */
static void print_result(const char *engine, const char *path, double *seconds, uint32_t repetitions, uint32_t timed,
                         const trade_proof_t *trades, const book_proof_t *book) {
  const char *slash = strrchr(path, '/');
  double per_operation = 1e9 / (timed ? timed : 1);
  qsort(seconds, repetitions, sizeof *seconds, ascending);
  printf("RESULT %s %s nops=%u reps=%u min=%.1f med=%.1f ns/op | trades=%llu tqty=%llu notional=%llu thash=%016llx | "
         "rest=%llu bidq=%llu askq=%llu bb=%llu ba=%llu oh=%016llx\n",
         engine, slash ? slash + 1 : path, timed, repetitions, seconds[0] * per_operation,
         seconds[repetitions / 2] * per_operation, (unsigned long long)trades->count, (unsigned long long)trades->lots,
         (unsigned long long)trades->notional, (unsigned long long)trades->hash, (unsigned long long)book->resting,
         (unsigned long long)book->bid_lots, (unsigned long long)book->ask_lots,
         (unsigned long long)book->best_bid_sum, (unsigned long long)book->best_ask_sum,
         (unsigned long long)book->hash);
  fflush(stdout);
}
#endif
