/* Packed records of commands and events: the C view. The Python view of the same bytes is wire.py;
 * tests/unit/domain/test_wire.py compares every size and offset. All fields little endian, naturally
 * aligned, no padding the compiler could choose; every record is a multiple of 8 bytes long. */
#ifndef HASHBOOK_WIRE_H
#define HASHBOOK_WIRE_H
#include <stdint.h>

typedef struct {              /* starts every command record */
  uint32_t length_bytes;      /* whole record, multiple of 8 */
  uint16_t kind;              /* COMMAND_* */
  uint16_t flags;             /* NewOrder: 1 = order_terms_t follows the record; else 0 */
  uint64_t sequence;          /* stamped by the sequencer, from 1 */
  int64_t  time_ns;           /* stamped by the sequencer, exchange time, non-decreasing */
  uint64_t origin;            /* gateway id << 32 | session; 0 = the venue itself */
  uint64_t request;           /* sender's correlation id, echoed */
} command_header_t;           /* 40 */

typedef struct {
  command_header_t header;
  uint32_t account;
  uint32_t instrument;
  int64_t  price_ticks;       /* limit; 0 for market */
  int64_t  quantity_lots;
  int64_t  valid_until_ns;    /* exchange time; 0 = no bound */
  uint8_t  side, order_type, time_in_force, stp;
  uint8_t  post_only, reduce_only, cancel_on_disconnect, label_bytes;
  /* order_terms_t if header.flags & 1, then label_bytes of label, then client_id_bytes, padded to 8 */
} new_order_t;                /* 80 */

typedef struct {              /* what makes an order more than a plain one; all zero = nothing */
  int64_t  display_lots;      /* iceberg: shown at most; 0 = all */
  int64_t  budget;            /* price x lots that may be spent; 0 = no bound */
  int64_t  trigger_ticks;     /* waits for it, or activates a trailing order; 0 = none */
  int64_t  trail_ticks;       /* trailing by ticks, or */
  int64_t  expire_ns;         /* GTD: gone at this exchange time */
  uint64_t oco;               /* id of the order that this one and it cancel each other */
  uint64_t quote_set;         /* quotes */
  int32_t  peg_offset;
  uint32_t trail_bps;         /* trailing by basis points */
  uint8_t  trigger, reference, peg, mmp;
  uint8_t  quote, client_id_bytes;
  uint16_t key;               /* the sender's number of the API key that asked, for the kill switch; 0 = none */
} order_terms_t;              /* 72 */

typedef struct {
  command_header_t header;
  uint32_t account;
  uint32_t market;            /* instrument id + 1 that the order must be of; 0 = any */
  uint64_t order_id;
} cancel_order_t;             /* 56 */

typedef struct {
  command_header_t header;
  uint32_t account;
  uint32_t market;            /* as in cancel_order_t */
  uint64_t order_id;
  int64_t  price_ticks;
  int64_t  total_lots;        /* filled + wanted open */
  int64_t  valid_until_ns;
  int64_t  trigger_ticks;     /* of an order that waits; 0 = as it was */
  uint8_t  post_only;         /* 0, 1, or 255 = as it was */
  uint8_t  mode;              /* what total_lots counts: 0 = filled + wanted open, 1 = wanted open */
  uint8_t  padding_end[6];
} amend_order_t;              /* 96 */

typedef struct {
  command_header_t header;
  uint32_t account;
  uint32_t instrument;        /* ANY_INSTRUMENT */
  uint16_t asset;             /* quote asset, ANY_ASSET */
  uint8_t  instrument_kind;   /* ANY */
  uint8_t  side;              /* ANY */
  uint8_t  ranged;            /* 1: only limits in price_low_ticks..price_high_ticks, both included */
  uint8_t  label_bytes;       /* 0 = any; else this label, which follows, padded to 8 */
  uint8_t  only_quotes;
  uint8_t  mmp;               /* protection group, 0 = any */
  int64_t  price_low_ticks;
  int64_t  price_high_ticks;
  uint64_t quote_set;
  uint8_t  in_set;            /* 1: only quotes of quote_set */
  uint8_t  padding_end[7];
} cancel_all_t;               /* 88; also CANCEL_SESSION and CANCEL_GATEWAY, whose target is header.origin */

typedef struct {
  uint32_t length_bytes;
  uint16_t kind;              /* EVENT_* */
  uint16_t flags;
} event_header_t;             /* 8 */

typedef struct {              /* first frame of the events of every command */
  event_header_t header;
  uint64_t sequence;
  int64_t  time_ns;
  uint64_t origin;
  uint64_t request;
  uint32_t account;
  uint16_t command_kind;
  uint16_t events;            /* frames that follow; 65535 = at least that many */
  int32_t  code;              /* RejectCode, 0 = done */
  uint32_t detail;            /* field or rule id, see rejects.py */
  int64_t  value;             /* number that goes with the code (limit, shortfall, count cancelled) */
} command_event_t;            /* 64 */

typedef struct {              /* full state of one order after the command */
  event_header_t header;
  uint64_t order_id;          /* = sequence of the NewOrder record */
  uint64_t origin;            /* session that placed it */
  uint32_t account;
  uint32_t instrument;
  int64_t  price_ticks;
  int64_t  total_lots;
  int64_t  filled_lots;
  int64_t  notional_ticks;    /* sum of price x lots of its fills */
  int64_t  fee;               /* paid so far, ledger units of the quote asset */
  int64_t  created_ns;
  int64_t  updated_ns;
  uint8_t  side, order_type, time_in_force, stp;
  uint8_t  post_only, reduce_only, cancel_on_disconnect, state;
  uint16_t reason;
  uint8_t  label_bytes;
  uint8_t  amended;           /* 1 after an amend */
  int32_t  peg_offset;
  int64_t  display_lots;
  int64_t  shown_lots;        /* in its level now */
  int64_t  trigger_ticks;
  int64_t  trail_ticks;
  int64_t  expire_ns;         /* 0 = none */
  int64_t  prevented_lots;    /* taken by self-trade prevention, no more part of total_lots */
  uint64_t oco;
  uint64_t quote_set;
  uint32_t trail_bps;
  uint8_t  trigger, reference, peg, mmp;
  uint8_t  quote, client_id_bytes;
  uint8_t  padding_end[6];
} order_event_t;              /* 184 + label + client id */

typedef struct {
  event_header_t header;
  uint64_t trade_id;          /* rising over the venue */
  uint64_t trade_seq;         /* gap free per instrument, from 1 */
  uint32_t instrument;
  uint8_t  taker_side;
  uint8_t  tick_direction;    /* 0 plus, 1 zero-plus, 2 minus, 3 zero-minus */
  uint16_t trade_flags;       /* TRADE_* */
  uint64_t maker_order_id;
  uint64_t taker_order_id;
  uint32_t maker_account;
  uint32_t taker_account;
  int64_t  price_ticks;
  int64_t  quantity_lots;
  int64_t  maker_fee;         /* ledger units of the quote asset */
  int64_t  taker_fee;
  int64_t  mark_ticks;
  int64_t  index_ticks;
} trade_event_t;              /* 104 */

typedef struct {
  event_header_t header;
  uint32_t instrument;
  uint8_t  side;
  uint8_t  padding[3];
  int64_t  price_ticks;
  int64_t  quantity_lots;     /* total at the level after the command; 0 = level gone */
} depth_event_t;              /* 32 */

typedef struct {
  event_header_t header;
  uint32_t instrument;
  uint32_t padding;
  int64_t  mark_ticks;
  int64_t  index_ticks;
} mark_event_t;               /* 32 */

typedef struct {              /* one change of what a level shows, in queue order */
  event_header_t header;
  uint32_t instrument;
  uint8_t  side;
  uint8_t  kind;              /* L3_*: added at the back, changed in its place, removed, executed */
  uint16_t padding;
  uint64_t order_id;
  int64_t  price_ticks;
  int64_t  shown_lots;        /* of the order after it; 0 = it is in no level any more */
  uint64_t l3_seq;            /* gap free per instrument, from 1 */
} l3_event_t;                 /* 48 */

typedef struct {
  event_header_t header;
  uint32_t instrument;
  uint8_t  phase;             /* PHASE_* */
  uint8_t  padding[3];
  int64_t  until_ns;          /* when the venue ends it; 0 = open end */
  int64_t  price_ticks;       /* indicative price of a call; 0 lots = nothing would trade */
  int64_t  volume_lots;
  int64_t  surplus_lots;      /* bid less offered at that price */
} phase_event_t;              /* 48 */

typedef struct {
  event_header_t header;
  uint32_t account;
  uint32_t group;
  int64_t  frozen_until_ns;   /* 0 = until it is reset */
} mmp_event_t;                /* 24 */

#endif
