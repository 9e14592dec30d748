# cython: language_level=3, boundscheck=False, wraparound=False
"""The slabs of matching and clearing under one roof, and the doors through which Python reaches them.

Lives here: creation, the hot run, frames of cold commands, contracts, account states, dump and load of the slabs.
Does not know: what cold commands decide (administration.py, chain_events.py, vm_cycle.py).
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

import msgspec

from clearing.contracts cimport KIND_SPOT, NO_MARGIN, SCENARIOS, contract_t
from clearing.ledger cimport Ledger
from clearing.margin cimport MARGIN_SLOTS, Margin
from clearing.positions cimport Positions
from clearing.timeline cimport Timeline
from clearing.whitelist cimport Whitelist
from domain.wire cimport command_header_t
from exchange.emit cimport begin_command, emit_order, end_command, frame_new
from exchange.order_entry cimport run_hot
from matching.book_state cimport depth_of, dump_engine, load_engine
from matching.engine cimport MatchingEngine
from matching.order_pool cimport book_of, filled_of, id_find, is_live, open_of, price_of, side_of
from matching.slabs cimport engine_add_book

from clearing.registry import Registry
from clearing.scenarios import losses_of_long_lot
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.ensure import ensure
from domain.units import NS_PER_S

OUT_BYTES_START = 1 << 20


cdef class Core:
    """All slabs of one venue. Methods are for cold commands, reads and tests; orders go through `run`."""

    def __cinit__(self, limits):
        self.limits = limits
        self.engine = MatchingEngine(orders_max=limits.orders_max, books_max=limits.instruments_max,
                                     pages_max=limits.pages_max, owners_max=limits.accounts_max,
                                     trailing_max=limits.trailing_max, pegs_max=limits.pegs_max,
                                     mmp_max=limits.mmp_groups_max, uses_max=limits.combo_legs_max)
        self.ledger = Ledger(limits.accounts_max, limits.assets_max)
        self.positions = Positions(limits.positions_max)
        self.margin = Margin(limits.accounts_max)
        self.timeline = Timeline(limits.timeline_entries_max, grain_ns=NS_PER_S, accounts_max=limits.accounts_max,
                                 assets_max=limits.assets_max)
        self.registry = Registry(limits.accounts_max, limits.rules_max)
        ensure(limits.timeline_entries_max >= 4 * limits.orders_max, "a sweep's movements fit into the timeline")
        self.c.engine = (<MatchingEngine>self.engine).c
        self.c.ledger = &(<Ledger>self.ledger).c
        self.c.positions = &(<Positions>self.positions).c
        self.c.margin = &(<Margin>self.margin).c
        self.c.timeline = &(<Timeline>self.timeline).c
        self.c.whitelist = &(<Whitelist>self.registry.whitelist).c
        self.c.accounts_max, self.c.instruments_max = limits.accounts_max, limits.instruments_max
        self.c.orders_per_account_max = limits.orders_per_account_max
        self.c.contracts = <contract_t *>calloc(limits.instruments_max, sizeof(contract_t))
        self.c.infos = <order_info_t *>calloc(<size_t>limits.orders_max + 1, sizeof(order_info_t))
        self.c.tapes = <tape_t *>calloc(limits.instruments_max, sizeof(tape_t))
        self.c.account_state = <uint8_t *>calloc(limits.accounts_max, 1)
        self.c.margin_slot_of_asset = <uint8_t *>calloc(limits.assets_max, 1)
        self.c.out = <char *>malloc(OUT_BYTES_START)
        self.c.out_capacity = OUT_BYTES_START
        if (self.c.contracts == NULL or self.c.infos == NULL or self.c.tapes == NULL or self.c.account_state == NULL
                or self.c.margin_slot_of_asset == NULL or self.c.out == NULL):
            raise MemoryError("core slabs")
        for asset in range(limits.assets_max):
            self.c.margin_slot_of_asset[asset] = NO_MARGIN

    def __dealloc__(self):
        free(self.c.contracts)
        free(self.c.infos)
        free(self.c.tapes)
        free(self.c.account_state)
        free(self.c.margin_slot_of_asset)
        free(self.c.out)

    # ---------------------------------------------------------------------------------------------- the hot run

    @property
    def sequence(self):
        """Sequence of the last applied command."""
        return self.c.sequence

    @property
    def time_ns(self):
        """Exchange time of the last applied command."""
        return self.c.time_ns

    def run(self, const unsigned char[::1] data, size_t at):
        """Apply stamped hot records from offset `at`; returns the offset of the first record that needs Python."""
        cdef size_t length = data.shape[0]
        if at >= length:
            return at
        with nogil:
            at += run_hot(&self.c, <const char *>&data[at], length - at)
        if self.c.out_failed:
            raise MemoryError("event buffer")
        return at

    def lapses_at(self, int64_t time_ns):
        """True when some eligibility ends at or before `time_ns`."""
        return time_ns >= self.c.whitelist.next_lapse_ns

    def take_events(self):
        """The frames written since the last call."""
        out = self.c.out[:self.c.out_used]
        self.c.out_used = 0
        return out

    # ---------------------------------------------------------------------------------------------- cold frames

    def begin_cold(self, const unsigned char[::1] record, uint32_t account):
        """First frame of a cold command; sequence and time become its own."""
        cdef const command_header_t *header = <const command_header_t *>&record[0]
        self.c.sequence = header.sequence
        self.c.time_ns = header.time_ns
        begin_command(&self.c, header, account)

    def end_cold(self, int code, uint32_t detail, int64_t value):
        """Complete the first frame."""
        end_command(&self.c, code, detail, value)

    def emit(self, bytes frame):
        """Append a frame made in Python."""
        cdef char *place = frame_new(&self.c, len(frame))
        if self.c.out_failed:
            raise MemoryError("event buffer")
        memcpy(place, <const char *>frame, len(frame))

    # ---------------------------------------------------------------------------------------------- contracts, accounts

    def open_account(self, uint32_t account):
        """A client account exists from now on."""
        ensure(FIRST_CLIENT_ACCOUNT <= account < self.c.accounts_max, "client account within limits")
        self.ledger.open_account(account)
        self.c.account_state[account] = ACCOUNT_ACTIVE

    def account_state(self, uint32_t account):
        """0 none, 1 active, 2 reduce-only."""
        return self.c.account_state[account] if account < self.c.accounts_max else 0

    def set_account_state(self, uint32_t account, uint8_t state):
        """Change an existing account's state."""
        ensure(self.account_state(account) != ACCOUNT_NONE, "account exists")
        self.c.account_state[account] = state

    def set_margin_slot(self, uint32_t asset, uint8_t slot):
        """Contracts settled in `asset` use margin book `slot`."""
        ensure(slot < MARGIN_SLOTS, "margin slot exists")
        self.c.margin_slot_of_asset[asset] = slot

    def margin_slot(self, uint32_t asset):
        """Margin book of a settlement asset, None if nothing margined settles in it."""
        return None if self.c.margin_slot_of_asset[asset] == NO_MARGIN else self.c.margin_slot_of_asset[asset]

    def open_book(self, uint32_t instrument, rules):
        """Open the book of a new instrument (also before a load)."""
        engine_add_book(self.c.engine, instrument, rules)

    def list_contract(self, instrument, uint32_t base_asset, uint32_t quote_asset, bint base_is_token, int64_t psr,
                      int64_t mark_ticks, int64_t index_ticks):
        """Terms of a new instrument (domain.instruments.Instrument) for clearing."""
        cdef contract_t *contract = &self.c.contracts[<uint32_t>instrument.instrument_id]
        contract.kind = instrument.kind
        contract.tick_value, contract.lot_units = instrument.tick_value, instrument.lot_units
        contract.base_asset, contract.quote_asset = <unsigned short>base_asset, <unsigned short>quote_asset
        contract.base_is_token = base_is_token
        contract.rule_id = instrument.rule_id
        contract.taker_fee_ppm, contract.maker_fee_ppm = instrument.taker_fee_ppm, instrument.maker_fee_ppm
        contract.position_lots_max = instrument.position_lots_max
        contract.expiry_ns = instrument.expiry_ns
        contract.mark_ticks, contract.index_ticks = mark_ticks, index_ticks
        contract.margin_slot = NO_MARGIN if contract.kind == KIND_SPOT else self.c.margin_slot_of_asset[quote_asset]
        self.set_scan(instrument.instrument_id, psr)
        contract.open = 1

    cdef set_scan(self, uint32_t instrument, int64_t psr):
        cdef int s
        losses = losses_of_long_lot(psr)
        self.c.contracts[instrument].psr = psr
        for s in range(SCENARIOS):
            self.c.contracts[instrument].scan[s] = losses[s]

    def close_contract(self, uint32_t instrument):
        """No more orders are taken."""
        self.c.contracts[instrument].open = 0

    def is_open(self, uint32_t instrument):
        """True while orders are taken."""
        return self.c.contracts[instrument].open == 1

    def mark(self, uint32_t instrument):
        """(mark, index) in ticks."""
        return self.c.contracts[instrument].mark_ticks, self.c.contracts[instrument].index_ticks

    def psr(self, uint32_t instrument):
        """Scan range of a forward, quote units per lot."""
        return self.c.contracts[instrument].psr

    def tape(self, uint32_t instrument):
        """(trade_seq, last trade price in ticks or 0)."""
        return self.c.tapes[instrument].trade_seq, self.c.tapes[instrument].last_ticks

    # ---------------------------------------------------------------------------------------------- looking

    def best(self, uint32_t instrument):
        """(best bid, best ask) in ticks, None for an empty side."""
        return self.engine.best(instrument)

    def depth(self, uint32_t instrument, uint32_t levels):
        """((price, lots) bids, asks)."""
        return depth_of(self.c.engine, instrument, 0, levels), depth_of(self.c.engine, instrument, 1, levels)

    cdef write_open_order(self, uint32_t slot):
        emit_order(&self.c, self.c.engine.orders[slot].order_id, self.c.engine.orders[slot].owner,
                   book_of(self.c.engine, slot), side_of(self.c.engine, slot), price_of(self.c.engine, slot),
                   filled_of(self.c.engine, slot), 1, 0, &self.c.infos[slot])

    def open_order_frames(self, uint32_t account):
        """Order frames of an account's resting orders, oldest first. Not to be called inside a command."""
        ensure(self.c.out_used == 0, "reads are served between groups")
        cdef uint32_t slot = self.c.engine.owners[account].head if account < self.c.accounts_max else 0
        while slot != 0:
            self.write_open_order(slot)
            slot = self.c.engine.links[slot].next
        return self.take_events()

    def open_order_frame(self, uint32_t account, uint64_t order_id):
        """Order frame of one resting order of the account; empty if there is none."""
        ensure(self.c.out_used == 0, "reads are served between groups")
        cdef uint32_t slot = id_find(self.c.engine, order_id)
        if slot == 0 or account == 0 or self.c.engine.orders[slot].owner != account:
            return b""
        self.write_open_order(slot)
        return self.take_events()

    def holds(self):
        """{(account, instrument, side): promised units of the hold asset} recomputed from the resting orders."""
        cdef uint32_t slot
        cdef dict out = {}
        for slot in range(1, self.c.engine.slots_used + 1):
            if is_live(self.c.engine, slot):
                key = (self.c.engine.orders[slot].owner, book_of(self.c.engine, slot), side_of(self.c.engine, slot))
                out[key] = out.get(key, 0) + open_of(self.c.engine, slot) * self.c.infos[slot].hold_per_lot
        return out

    # ---------------------------------------------------------------------------------------------- dump and load

    def dump(self):
        """Every slab up to its high-water mark; equal histories give equal bytes."""
        accounts = self.c.ledger.accounts_used
        return msgspec.msgpack.encode([
            self.c.sequence, self.c.time_ns, self.c.trades,
            dump_engine(self.c.engine), self.ledger.dump(), self.positions.dump(), self.margin.dump(accounts),
            self.timeline.dump(), self.registry.dump(),
            (<char *>self.c.contracts)[:self.c.instruments_max * sizeof(contract_t)],
            (<char *>self.c.infos)[:(<size_t>self.c.engine.slots_used + 1) * sizeof(order_info_t)],
            (<char *>self.c.tapes)[:self.c.instruments_max * sizeof(tape_t)],
            (<char *>self.c.account_state)[:self.c.accounts_max],
            (<char *>self.c.margin_slot_of_asset)[:<size_t>self.limits.assets_max],
        ])

    def load(self, bytes data):
        """Fill a fresh core, whose books are opened, from a dump."""
        (self.c.sequence, self.c.time_ns, self.c.trades, engine, ledger, positions, margin, timeline, registry,
         contracts, infos, tapes, states, slots) = msgspec.msgpack.decode(data)
        load_engine(self.c.engine, engine)
        self.ledger.load(ledger)
        self.positions.load(positions)
        self.margin.load(margin)
        self.timeline.load(timeline)
        self.registry.load(registry, self.c.time_ns)
        copy_slab(<char *>self.c.contracts, contracts, self.c.instruments_max * sizeof(contract_t))
        copy_slab(<char *>self.c.infos, infos, (<size_t>self.c.engine.slots_used + 1) * sizeof(order_info_t))
        copy_slab(<char *>self.c.tapes, tapes, self.c.instruments_max * sizeof(tape_t))
        copy_slab(<char *>self.c.account_state, states, self.c.accounts_max)
        copy_slab(<char *>self.c.margin_slot_of_asset, slots, self.limits.assets_max)


cdef int copy_slab(char *target, bytes data, size_t size) except -1:
    ensure(<size_t>len(data) == size, "slab dump has its full length")
    memcpy(target, <const char *>data, size)
    return 0
