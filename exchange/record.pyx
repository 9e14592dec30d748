# cython: language_level=3, boundscheck=False, wraparound=False
"""Framing of command records: checked once where they enter, stamped in place.

Lives here: `stamp_records` and `split_records`. Does not know: what a command means.
After a batch passed here every length, kind and trailing label is inside its record, so the core reads without checks.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t

from domain.wire cimport (amend_order_t, cancel_all_t, cancel_order_t, command_header_t, new_order_t, order_terms_t)

import msgspec

from domain.commands import OWN_SCOPES, ClientCommand, SetKillSwitch, decode_cold
from domain.wire import split_records  # noqa: F401  (re-exported for readers of the journal)

cdef enum:
    HAS_TERMS = 1
    CANCEL_SESSION = 5
    COLD = 32
    COLD_PREFIX_BYTES = 48
    RECORD_BYTES_MAX = 1048576


cdef uint32_t shortest(const command_header_t *header) noexcept nogil:
    """Least length of a record of this kind; 0 for an unknown kind."""
    if header.kind == 1:
        return sizeof(new_order_t)
    if header.kind == 2:
        return sizeof(cancel_order_t)
    if header.kind == 3:
        return sizeof(amend_order_t)
    if 4 <= header.kind <= 6:
        return sizeof(cancel_all_t)
    return COLD_PREFIX_BYTES if header.kind == COLD else 0


cdef bint well_formed(const char *at, size_t left) noexcept nogil:
    cdef const command_header_t *header = <const command_header_t *>at
    cdef uint32_t least
    if left < sizeof(command_header_t):
        return False
    least = shortest(header)
    if (least == 0 or header.length_bytes < least or header.length_bytes > left or header.length_bytes % 8 != 0
            or header.length_bytes > RECORD_BYTES_MAX):
        return False
    if header.kind == 1:
        return well_formed_order(<const new_order_t *>at)
    if 4 <= header.kind <= 6:
        return (<const cancel_all_t *>at).label_bytes <= header.length_bytes - sizeof(cancel_all_t)
    if header.kind == COLD:
        return (<const uint32_t *>(at + sizeof(command_header_t)))[0] <= header.length_bytes - COLD_PREFIX_BYTES
    return True


cdef bint well_formed_order(const new_order_t *order) noexcept nogil:
    """Are terms, label and client id inside the record?"""
    cdef size_t needed = sizeof(new_order_t) + order.label_bytes
    if order.header.flags & HAS_TERMS:
        needed += sizeof(order_terms_t)
        if needed > order.header.length_bytes:
            return False
        needed += (<const order_terms_t *>(<const char *>order + sizeof(new_order_t))).client_id_bytes
    return needed <= order.header.length_bytes


def count_records(const unsigned char[::1] data):
    """Number of records in a batch. Raises ValueError with the offset of the first malformed one. O(records)."""
    cdef size_t at = 0, length = data.shape[0]
    cdef uint32_t count = 0
    while at < length:
        if not well_formed(<const char *>&data[at], length - at):
            raise ValueError(f"malformed command record at byte {at}")
        at += (<const command_header_t *>&data[at]).length_bytes
        count += 1
    return count


def stamp_records(unsigned char[::1] data, uint64_t first_sequence, int64_t time_ns):
    """Write sequence and time into every record of a batch; returns how many. Nothing is written if one is malformed."""
    cdef uint32_t count = count_records(data)
    cdef size_t at = 0, length = data.shape[0]
    cdef command_header_t *header
    cdef uint64_t sequence = first_sequence
    while at < length:
        header = <command_header_t *>&data[at]
        header.sequence = sequence
        header.time_ns = time_ns
        sequence += 1
        at += header.length_bytes
    return count


def from_clients_of(const unsigned char[::1] data, uint64_t gateway):
    """True if every record of a well-formed batch is what a gateway may send: a client's command of its own sessions.

    Those are the hot ones and domain.commands.ClientCommand. All other cold commands and the cancelling of other
    gateways' sessions are the venue's own. O(records).
    """
    cdef size_t at = 0, length = data.shape[0]
    cdef const command_header_t *header
    while at < length:
        if not well_formed(<const char *>&data[at], length - at):
            return False
        header = <const command_header_t *>&data[at]
        if header.origin >> 32 != gateway and header.origin != 0:
            return False
        if header.kind > CANCEL_SESSION and not (
            header.kind == COLD and is_client_command(bytes(data[at : at + header.length_bytes]))
        ):
            return False
        at += header.length_bytes
    return True


def is_client_command(bytes record):
    """Is this cold record one that clients may send through their gateway?"""
    try:
        command = decode_cold(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(command, ClientCommand) or (isinstance(command, SetKillSwitch) and command.scope in OWN_SCOPES)
