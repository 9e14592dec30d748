"""Bytes of the journal: segment headers and groups.

Lives here: the layout, its checksums, and the digest chain. Everything little endian, everything a multiple of 8 bytes.
Does not know: files, threads, what a command record means.

Theory of operation. A journal is a chain of groups, cut into segment files of fixed, zero-filled length. A group is the
unit that is written and synced at once: header, then whole command records. Its digest covers the previous group's
digest, the header and the payload, so one digest names the whole past. Zeros after the last group are its natural end.
Two checksums, because they answer two questions: `header_crc` tells "a group was begun here" even when its payload was
torn, `payload_crc` tells "it is complete". Both are seeded with the digest that opens the segment, which no client
knows, so no payload can be shaped to look like a group.
A group without records is a seal: written at a clean stop, it proves that the group before it was complete.

segment header: magic 8s, version u32, header bytes u32, epoch u64, number u64, first sequence u64, previous digest 32s,
    genesis length u32, crc u32; then, in the first segment only, the genesis bytes, padded to 8
group header:   magic u32, payload bytes u32, first sequence u64, commands u32, flags u32, time_ns i64, payload crc u32,
    header crc u32, digest 32s; then the payload
"""

import hashlib
import struct
import zlib
from typing import Final, NamedTuple

SEGMENT_MAGIC: Final = b"HBJOURN\n"
FORMAT_VERSION: Final = 1
GROUP_MAGIC: Final = 0x31_50_52_47  # "GRP1"
DIGEST_BYTES: Final = 32
FLAG_SEAL: Final = 1

SEGMENT_HEADER: Final = struct.Struct("<8sIIQQQ32sII")
GROUP_HEADER: Final = struct.Struct("<IIQIIqII32s")
_MAGIC: Final = struct.Struct("<I")
_HEADER_CRC_OFFSET: Final = 36
_DIGESTED_BYTES: Final = 36  # of the group header: everything before the header crc
PAYLOAD_BYTES_MAX: Final = 1 << 30


class SegmentHead(NamedTuple):
    """What a segment says about itself."""

    epoch: int  # raised when another writer takes over
    number: int  # 0, 1, 2, ...
    first_sequence: int
    previous_digest: bytes
    genesis: bytes  # first segment only
    header_bytes: int


class GroupHead(NamedTuple):
    """Header of a group whose checksum holds."""

    payload_bytes: int
    first_sequence: int
    commands: int
    flags: int
    time_ns: int
    payload_crc: int
    digest: bytes


def genesis_digest(genesis: bytes) -> bytes:
    """Digest that starts the chain of a venue."""
    return hashlib.blake2b(genesis, digest_size=DIGEST_BYTES, person=b"hashbook-genesis").digest()


def encode_segment_head(
    *, epoch: int, number: int, first_sequence: int, previous_digest: bytes, genesis: bytes = b""
) -> bytes:
    """The bytes that open a segment file."""
    header_bytes = _padded(SEGMENT_HEADER.size + len(genesis))
    fields = (SEGMENT_MAGIC, FORMAT_VERSION, header_bytes, epoch, number, first_sequence, previous_digest, len(genesis))
    body = genesis.ljust(header_bytes - SEGMENT_HEADER.size, b"\0")
    crc = zlib.crc32(SEGMENT_HEADER.pack(*fields, 0) + body)
    return SEGMENT_HEADER.pack(*fields, crc) + body


def decode_segment_head(data: memoryview) -> SegmentHead | str:
    """The segment's header, or in words what is wrong with it."""
    if len(data) < SEGMENT_HEADER.size:
        return f"file of {len(data)} bytes is shorter than a segment header"
    magic, version, header_bytes, epoch, number, first_sequence, previous, genesis_bytes, crc = (
        SEGMENT_HEADER.unpack_from(data)
    )
    if magic != SEGMENT_MAGIC:
        return "no segment magic"
    if header_bytes != _padded(SEGMENT_HEADER.size + genesis_bytes) or header_bytes > len(data):
        return f"bad header length {header_bytes}"
    body = bytes(data[SEGMENT_HEADER.size : header_bytes])
    bare = SEGMENT_HEADER.pack(
        magic, version, header_bytes, epoch, number, first_sequence, previous, genesis_bytes, 0
    )
    if zlib.crc32(bare + body) != crc:
        return "segment header checksum does not hold"
    if version != FORMAT_VERSION:
        return f"format version {version}, this program reads {FORMAT_VERSION}"
    return SegmentHead(epoch, number, first_sequence, previous, body[:genesis_bytes], header_bytes)


def checksum_seed(segment_previous_digest: bytes) -> int:
    """Seed of the checksums of all groups in a segment."""
    return int.from_bytes(segment_previous_digest[:4], "little")


def encode_group_head(
    payload: bytes | bytearray | memoryview,
    *,
    first_sequence: int,
    commands: int,
    time_ns: int,
    previous_digest: bytes,
    seed: int,
) -> tuple[bytes, bytes]:
    """Header bytes of a group, and its digest, which is the next group's previous digest."""
    return _encode(payload, first_sequence, commands, 0, time_ns, previous_digest, seed)


def encode_seal(*, next_sequence: int, time_ns: int, digest: bytes, seed: int) -> bytes:
    """A seal: repeats the chain's present digest and does not extend it."""
    return _pack_head(0, next_sequence, 0, FLAG_SEAL, time_ns, zlib.crc32(b"", seed), digest, seed)


def decode_group_head(data: memoryview, offset_bytes: int, seed: int) -> GroupHead | None:
    """The group begun at `offset_bytes`, or None if none with a sound header begins there."""
    if len(data) - offset_bytes < GROUP_HEADER.size:
        return None
    magic, payload_bytes, first_sequence, commands, flags, time_ns, payload_crc, header_crc, digest = (
        GROUP_HEADER.unpack_from(data, offset_bytes)
    )
    if magic != GROUP_MAGIC:
        return None
    bare = GROUP_HEADER.pack(
        magic, payload_bytes, first_sequence, commands, flags, time_ns, payload_crc, 0, digest
    )
    if zlib.crc32(bare, seed) != header_crc:
        return None
    return GroupHead(payload_bytes, first_sequence, commands, flags, time_ns, payload_crc, digest)


def group_digest(previous_digest: bytes, head_bytes: bytes | memoryview, payload: bytes | memoryview) -> bytes:
    """Digest of a group from its header (at least its first 36 bytes), its payload and the chain before it."""
    chain = hashlib.blake2b(previous_digest, digest_size=DIGEST_BYTES, person=b"hashbook-journal")
    chain.update(head_bytes[:_DIGESTED_BYTES])
    chain.update(payload)
    return chain.digest()


def next_event_digest(previous_digest: bytes, events: bytes | memoryview) -> bytes:
    """Digest over all events ever, group by group; core and follower must agree on it."""
    chain = hashlib.blake2b(previous_digest, digest_size=DIGEST_BYTES, person=b"hashbook-events")
    chain.update(events)
    return chain.digest()


def find_group_head(data: memoryview, start_bytes: int, seed: int) -> int | None:
    """Offset of the first sound group header at or after `start_bytes`."""
    magic = _MAGIC.pack(GROUP_MAGIC)
    raw = bytes(data[start_bytes:])
    at = raw.find(magic)
    while at >= 0:
        offset_bytes = start_bytes + at
        if offset_bytes % 8 == 0 and decode_group_head(data, offset_bytes, seed) is not None:
            return offset_bytes
        at = raw.find(magic, at + 1)
    return None


def _encode(
    payload: bytes | bytearray | memoryview,
    first_sequence: int,
    commands: int,
    flags: int,
    time_ns: int,
    previous_digest: bytes,
    seed: int,
) -> tuple[bytes, bytes]:
    payload_crc = zlib.crc32(payload, seed)
    bare = GROUP_HEADER.pack(
        GROUP_MAGIC, len(payload), first_sequence, commands, flags, time_ns, payload_crc, 0, bytes(DIGEST_BYTES)
    )
    digest = group_digest(previous_digest, bare, memoryview(payload))
    return _pack_head(len(payload), first_sequence, commands, flags, time_ns, payload_crc, digest, seed), digest


def _pack_head(
    payload_bytes: int,
    first_sequence: int,
    commands: int,
    flags: int,
    time_ns: int,
    payload_crc: int,
    digest: bytes,
    seed: int,
) -> bytes:
    fields = (GROUP_MAGIC, payload_bytes, first_sequence, commands, flags, time_ns, payload_crc)
    bare = GROUP_HEADER.pack(*fields, 0, digest)
    return GROUP_HEADER.pack(*fields, zlib.crc32(bare, seed), digest)


def _padded(length_bytes: int) -> int:
    return (length_bytes + 7) & ~7
