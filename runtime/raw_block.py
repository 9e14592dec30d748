"""The coinbase total of a raw block, proved against its header.

Lives here: just enough of the block format to list transaction ids, rebuild the merkle root, sum coinbase outputs.
Does not know: scripts, signatures, whether the coinbase claims what it may.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from clearing.headers import HEADER_BYTES, merkle_root

COIN_SUPPLY_SAT: Final = 21_000_000 * 100_000_000
NULL_OUTPOINT: Final = bytes(32) + b"\xff\xff\xff\xff"  # what a coinbase spends


class BadBlock(ValueError):
    """The bytes are not a block, or not the block of that header."""


def coinbase_total_sat(raw: bytes, header: bytes) -> int:
    """Sum of the outputs of the block's first transaction, in satoshi.

    Raises:
        BadBlock: truncated or trailing bytes, another header, transactions that do not hash to the header's merkle
            root, or a first transaction that is no coinbase.

    Cost: O(bytes).
    """
    if raw[:HEADER_BYTES] != header:
        raise BadBlock("the block has another header")
    reader = _Reader(raw, HEADER_BYTES)
    count = reader.compact()
    if count == 0:
        raise BadBlock("no transactions")
    txid, total_sat = _read_transaction(reader, coinbase=True)
    txids = [txid]
    for _ in range(count - 1):
        txids.append(_read_transaction(reader, coinbase=False)[0])
    if reader.position != len(raw):
        raise BadBlock("bytes after the last transaction")
    if _root(txids) != merkle_root(header):
        raise BadBlock("transactions do not belong to the header")
    return total_sat


class _Reader:
    """Reads from bytes, never beyond their end."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position

    def take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise BadBlock("block ends inside a transaction")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def compact(self) -> int:
        """A length in Bitcoin's one, three, five or nine byte form."""
        first = self.number(1)
        return first if first < 0xFD else self.number(1 << (first - 0xFC))


def _read_transaction(reader: _Reader, *, coinbase: bool) -> tuple[bytes, int]:
    """Id (witness left out) and sum of outputs of the transaction at the reader's place."""
    version = reader.take(4)
    with_witness = reader.data[reader.position : reader.position + 2] == b"\x00\x01"
    if with_witness:
        reader.take(2)
    start = reader.position
    inputs = reader.compact()
    for index in range(inputs):
        outpoint = reader.take(36)
        if coinbase and (index > 0 or outpoint != NULL_OUTPOINT):
            raise BadBlock("the first transaction is no coinbase")
        reader.take(reader.compact())
        reader.take(4)
    total_sat = 0
    for _ in range(reader.compact()):
        total_sat += reader.number(8)
        reader.take(reader.compact())
    end = reader.position
    if with_witness:
        for _ in range(inputs):
            for _ in range(reader.compact()):
                reader.take(reader.compact())
    lock_time = reader.take(4)
    if coinbase and (inputs != 1 or total_sat > COIN_SUPPLY_SAT):
        raise BadBlock("the first transaction is no coinbase")
    return _double_sha256(version + reader.data[start:end] + lock_time), total_sat


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes.append(hashes[-1])
        hashes = [_double_sha256(left + right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _double_sha256(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()
