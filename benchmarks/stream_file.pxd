"""floor/stream.h as Cython sees it: records of order streams, and the proof of a result."""
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "floor/stream.h" nogil:
    ctypedef struct stream_header_t:
        char magic[4]
        uint32_t symbols
        uint32_t prefill
        uint32_t timed
        uint32_t window_ticks
        uint32_t middle_ticks

    ctypedef struct stream_record_t:
        uint8_t type
        uint8_t side
        uint16_t symbol
        uint32_t id
        uint32_t new_id
        int32_t price_ticks
        uint32_t lots
        uint32_t extra

    ctypedef struct trade_proof_t:
        uint64_t count
        uint64_t lots
        uint64_t notional
        uint64_t hash

    ctypedef struct book_proof_t:
        uint64_t resting
        uint64_t bid_lots
        uint64_t ask_lots
        uint64_t best_bid_sum
        uint64_t best_ask_sum
        uint64_t hash

    enum:
        STREAM_ADD
        STREAM_CANCEL
        STREAM_REPLACE
        STREAM_ICEBERG
        STREAM_STOP
        STREAM_QUOTE
        STREAM_SLIDE
        STREAM_PEG

    void prove_trade(trade_proof_t *proof, uint64_t taker, uint64_t maker, uint64_t price, uint64_t lots)
    void prove_resting(book_proof_t *proof, int side, uint64_t id, uint64_t price, uint64_t lots)
    double monotonic_seconds()
