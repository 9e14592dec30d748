# cython: language_level=3, boundscheck=False, wraparound=False
"""The slabs of matching and clearing under one roof, and the doors through which Python reaches them.

Lives here: creation, the hot run, frames of cold commands, contracts, account states, dump and load of the slabs.
Does not know: what cold commands decide (administration.py, chain_events.py, vm_cycle.py).
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy

import msgspec

from clearing.contracts cimport KIND_COMBO, KIND_SPOT, NO_MARGIN, SCENARIOS, contract_t
from clearing.ledger cimport Ledger
from clearing.margin cimport MARGIN_SLOTS, Margin
from clearing.positions cimport Positions
from clearing.timeline cimport Timeline
from clearing.whitelist cimport Whitelist
from domain.wire cimport command_header_t
from exchange.emit cimport begin_command, end_command, frame_new
from exchange.memory cimport client_ids_rebuild, closed_find, due_rebuild, emit_closed
from exchange.order_entry cimport run_hot
from exchange.phases cimport find_due
from exchange.reports cimport emit_live
from matching.book_state cimport depth_of, dump_engine, load_engine
from matching.engine cimport MatchingEngine
from matching.order_pool cimport book_of, id_find, is_live, open_of, side_of
from matching.price_levels cimport is_price, level_at, next_worse
from matching.slabs cimport engine_add_book, engine_add_combo
from matching.types cimport book_t

from clearing.registry import Registry
from clearing.scenarios import losses_of_long_lot
from domain.constants import FIRST_CLIENT_ACCOUNT
from domain.ensure import ensure
from domain.units import NS_PER_S

OUT_BYTES_START = 1 << 20
NEVER = 2**63 - 1


cdef list slabs_of(core_t *c, uint32_t assets_max):
    """(where its pointer stands, bytes) of every slab, in one list, so that none is forgotten."""
    cdef size_t slots = <size_t>c.engine.orders_max + 1 if c.engine != NULL else 0
    cdef size_t instruments = c.instruments_max
    return [
        (<size_t>&c.contracts, instruments * sizeof(contract_t)),
        (<size_t>&c.tapes, instruments * sizeof(tape_t)),
        (<size_t>&c.clocks, instruments * sizeof(phase_clock_t)),
        (<size_t>&c.calls, instruments * sizeof(uint32_t)),
        (<size_t>&c.killed_instruments, instruments),
        (<size_t>&c.killed_keys, <size_t>KEYS_MAX),
        (<size_t>&c.account_state, <size_t>c.accounts_max),
        (<size_t>&c.account_flags, <size_t>c.accounts_max),
        (<size_t>&c.margin_slot_of_asset, <size_t>assets_max),
        (<size_t>&c.infos, slots * sizeof(order_info_t)),
        (<size_t>&c.mores, slots * sizeof(order_more_t)),
        (<size_t>&c.heap, (slots + 1) * sizeof(due_order_t)),
        (<size_t>&c.heap_at, slots * sizeof(uint32_t)),
        (<size_t>&c.closed, <size_t>c.closed_max * sizeof(closed_t)),
        (<size_t>&c.closed_mores, <size_t>c.closed_max * sizeof(order_more_t)),
        (<size_t>&c.kept, <size_t>c.trades_max * sizeof(trade_record_t)),
        (<size_t>&c.client_ids, (<size_t>c.client_ids_max + 1) * sizeof(client_id_t)),
        (<size_t>&c.client_index, (<size_t>c.client_mask + 1) * sizeof(uint32_t)),
    ]


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
        self.c.closed_max, self.c.trades_max = limits.closed_orders_max, limits.trades_kept_max
        self.c.client_ids_max, self.c.client_day = limits.client_ids_max, -1
        self.c.due_ns = NEVER
        self.c.client_mask = 15
        while self.c.client_mask < 2 * <uint64_t>limits.client_ids_max:
            self.c.client_mask = 2 * self.c.client_mask + 1
        slabs = slabs_of(&self.c, limits.assets_max)
        for place, size in slabs:
            (<void **><size_t>place)[0] = calloc(1, size)
            if (<void **><size_t>place)[0] == NULL:
                raise MemoryError("core slabs")
        self.c.out = <char *>malloc(OUT_BYTES_START)
        self.c.out_capacity = OUT_BYTES_START
        if self.c.out == NULL:
            raise MemoryError("core slabs")
        for asset in range(limits.assets_max):
            self.c.margin_slot_of_asset[asset] = NO_MARGIN

    def __dealloc__(self):
        for place, _ in slabs_of(&self.c, 0):
            free((<void **><size_t>place)[0])
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

    def is_due(self, int64_t time_ns):
        """True when something is to happen by itself at or before `time_ns`."""
        return time_ns >= self.c.due_ns

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
        self.c.time_ns = self.c.engine.now = header.time_ns
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

    def open_book(self, instrument):
        """Open the book of a new instrument (also before a load)."""
        if instrument.legs:
            engine_add_combo(self.c.engine, instrument.instrument_id, instrument.rules, instrument.legs)
        else:
            engine_add_book(self.c.engine, instrument.instrument_id, instrument.rules)

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
        contract.bias_ticks = instrument.rules.price_bias_ticks
        self.c.clocks[<uint32_t>instrument.instrument_id].auction_ns = instrument.auction_ns
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

    def phase(self, uint32_t instrument):
        """(PHASE_*, planned end or 0)."""
        return self.c.engine.more[instrument].phase, self.c.clocks[instrument].until_ns

    def indicative(self, uint32_t instrument):
        """(price, volume, surplus) as last told; a volume of 0 means that nothing would trade."""
        cdef phase_clock_t *clock = &self.c.clocks[instrument]
        return clock.price_ticks, clock.volume_lots, clock.surplus_lots

    def queue(self, uint32_t instrument, int side):
        """[(order id, price, shown lots)] of a side, best first, in queue order."""
        cdef book_t *book = &self.c.engine.books[instrument]
        cdef int32_t price = book.best[side]
        cdef uint32_t slot
        cdef list out = []
        while is_price(side, price):
            slot = level_at(self.c.engine, book, side, price).head
            while slot != 0:
                order = &self.c.engine.orders[slot]
                out.append((order.order_id, price - self.c.contracts[instrument].bias_ticks, order.shown_lots))
                slot = order.next_slot
            price = next_worse(self.c.engine, book, side, price)
        return out

    def l3_seq(self, uint32_t instrument):
        """Number of the last change of the instrument's queues."""
        return self.c.tapes[instrument].l3_seq

    def best(self, uint32_t instrument):
        """(best bid, best ask) in ticks, None for an empty side."""
        return self.engine.best(instrument)

    def depth(self, uint32_t instrument, uint32_t levels):
        """((price, lots) bids, asks)."""
        return depth_of(self.c.engine, instrument, 0, levels), depth_of(self.c.engine, instrument, 1, levels)

    cdef write_open_order(self, uint32_t slot):
        emit_live(&self.c, slot)

    def open_order_frames(self, uint32_t account):
        """Order frames of an account's resting orders, oldest first. Not to be called inside a command."""
        ensure(self.c.out_used == 0, "reads are served between groups")
        cdef uint32_t slot = self.c.engine.owners[account].head if account < self.c.accounts_max else 0
        while slot != 0:
            self.write_open_order(slot)
            slot = self.c.engine.links[slot].next
        return self.take_events()

    def open_order_frame(self, uint32_t account, uint64_t order_id):
        """Order frame of one live order of the account; empty if there is none."""
        ensure(self.c.out_used == 0, "reads are served between groups")
        cdef uint32_t slot = id_find(self.c.engine, order_id)
        if slot == 0 or account == 0 or self.c.engine.orders[slot].owner != account:
            return b""
        self.write_open_order(slot)
        return self.take_events()

    def closed_order_frame(self, uint32_t account, uint64_t order_id):
        """Order frame of an order of the account that ended and is remembered; empty if there is none."""
        ensure(self.c.out_used == 0, "reads are served between groups")
        cdef closed_t *closed = closed_find(&self.c, order_id, account)
        if closed == NULL:
            return b""
        emit_closed(&self.c, closed)
        return self.take_events()

    def holds(self):
        """{(account, instrument, side): promised units of the hold asset} recomputed from the resting orders."""
        cdef uint32_t slot
        cdef dict out = {}
        for slot in range(1, self.c.engine.slots_used + 1):
            if self.c.infos[slot].holding and is_live(self.c.engine, slot):
                key = (self.c.engine.orders[slot].owner, book_of(self.c.engine, slot), side_of(self.c.engine, slot))
                out[key] = out.get(key, 0) + open_of(self.c.engine, slot) * self.c.infos[slot].hold_per_lot
        return out

    # ---------------------------------------------------------------------------------------------- dump and load

    def dump(self):
        """Every slab up to its high-water mark; equal histories give equal bytes."""
        accounts = self.c.ledger.accounts_used
        return msgspec.msgpack.encode([
            [self.c.sequence, self.c.time_ns, self.c.trades, self.c.heap_count, self.c.client_ids_used,
             self.c.client_day, self.c.kills, self.c.venue_killed],
            dump_engine(self.c.engine), self.ledger.dump(), self.positions.dump(), self.margin.dump(accounts),
            self.timeline.dump(), self.registry.dump(),
            [(<char *><size_t>place)[:size] for place, size in self.dumped_slabs()],
            self.closed_orders(),
        ])

    cdef list closed_orders(self):
        cdef uint32_t number
        return [(number, (<char *>&self.c.closed[number])[:sizeof(closed_t)],
                 (<char *>&self.c.closed_mores[number])[:sizeof(order_more_t)])
                for number in range(self.c.closed_max) if self.c.closed[number].order_id]

    def dumped_slabs(self):
        """(address, bytes) of what goes into a dump as it stands, in one order for dump and load."""
        cdef size_t slots = <size_t>self.c.engine.slots_used + 1, instruments = self.c.instruments_max
        kept = min(self.c.trades + 1, <uint64_t>self.c.trades_max)
        return [
            (<size_t>self.c.contracts, instruments * sizeof(contract_t)),
            (<size_t>self.c.tapes, instruments * sizeof(tape_t)),
            (<size_t>self.c.clocks, instruments * sizeof(phase_clock_t)),
            (<size_t>self.c.killed_instruments, instruments),
            (<size_t>self.c.killed_keys, <size_t>KEYS_MAX if self.c.kills else 0),
            (<size_t>self.c.account_state, <size_t>self.c.accounts_max),
            (<size_t>self.c.account_flags, <size_t>self.c.accounts_max),
            (<size_t>self.c.margin_slot_of_asset, <size_t>self.limits.assets_max),
            (<size_t>self.c.infos, slots * sizeof(order_info_t)),
            (<size_t>self.c.mores, slots * sizeof(order_more_t)),
            (<size_t>self.c.heap, (<size_t>self.c.heap_count + 1) * sizeof(due_order_t)),
            (<size_t>self.c.kept, kept * sizeof(trade_record_t)),
            (<size_t>self.c.client_ids, (<size_t>self.c.client_ids_used + 1) * sizeof(client_id_t)),
        ]

    def load(self, bytes data):
        """Fill a fresh core, whose books are opened, from a dump."""
        numbers, engine, ledger, positions, margin, timeline, registry, slabs, closed = msgspec.msgpack.decode(data)
        (self.c.sequence, self.c.time_ns, self.c.trades, heap_count, client_ids_used, self.c.client_day, self.c.kills,
         self.c.venue_killed) = numbers
        ensure(heap_count <= self.c.engine.orders_max and client_ids_used <= self.c.client_ids_max, "dump of the limits")
        self.c.heap_count, self.c.client_ids_used = heap_count, client_ids_used
        load_engine(self.c.engine, engine)
        self.ledger.load(ledger)
        self.positions.load(positions)
        self.margin.load(margin)
        self.timeline.load(timeline)
        self.registry.load(registry, self.c.time_ns)
        places = self.dumped_slabs()
        ensure(len(places) == len(slabs), "every slab is in the dump")
        for (place, size), slab in zip(places, slabs):
            copy_slab(<char *><size_t>place, slab, size)
        for number, order, more in closed:
            ensure(number < self.c.closed_max, "dump of the limits")
            copy_slab(<char *>&self.c.closed[<uint32_t>number], order, sizeof(closed_t))
            copy_slab(<char *>&self.c.closed_mores[<uint32_t>number], more, sizeof(order_more_t))
        due_rebuild(&self.c)
        client_ids_rebuild(&self.c)
        find_due(&self.c)


cdef int copy_slab(char *target, bytes data, size_t size) except -1:
    ensure(<size_t>len(data) == size, "slab dump has its full length")
    memcpy(target, <const char *>data, size)
    return 0
