"""What one Bitcoin block header says and proves: consensus rules as pure functions of bytes and integers.

Lives here: fields of the 80 bytes, double SHA-256, compact targets, proof of work, retarget, subsidy, difficulty.
Does not know: other blocks, branches, state. A hash is 32 bytes in display order (most significant byte first), so that
`hash.hex()` is what explorers show and `int.from_bytes(hash, "big")` is the number compared with the target.
"""

from __future__ import annotations

import hashlib
from math import gcd
from typing import Final

import msgspec

from domain.ensure import InvariantViolation

HEADER_BYTES: Final = 80
RETARGET_BLOCKS: Final = 2_016  # blocks per difficulty epoch; Bitcoin Core, chainparams
RETARGET_SECONDS: Final = 1_209_600  # two weeks
RETARGET_CLAMP: Final = 4  # an epoch counts as at least a quarter and at most four times two weeks
HALVING_BLOCKS: Final = 210_000  # blocks per subsidy era
SUBSIDY_START_SAT: Final = 50 * 100_000_000
DIFFICULTY_1_TARGET: Final = 0xFFFF << 208  # the target whose difficulty is 1


class Network(msgspec.Struct, frozen=True):
    """What differs between Bitcoin networks, as data."""

    name: str
    pow_limit_bits: int  # easiest compact target
    retargets: bool  # False: every block keeps its parent's bits


MAIN: Final = Network(name="main", pow_limit_bits=0x1D00FFFF, retargets=True)
REGTEST: Final = Network(name="regtest", pow_limit_bits=0x207FFFFF, retargets=False)
NETWORKS: Final = {network.name: network for network in (MAIN, REGTEST)}


def header_hash(header: bytes) -> bytes:
    """Double SHA-256 of a header, display order. Rule: CHAIN-001."""
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()[::-1]


def previous_hash(header: bytes) -> bytes:
    """The parent's hash that a header names, display order."""
    return header[4:36][::-1]


def merkle_root(header: bytes) -> bytes:
    """The root over the block's transactions, in wire order."""
    return header[36:68]


def header_time_s(header: bytes) -> int:
    """The miner's time stamp, Unix seconds."""
    return int.from_bytes(header[68:72], "little")


def header_bits(header: bytes) -> int:
    """The claimed target in compact form."""
    return int.from_bytes(header[72:76], "little")


def target_of_bits(bits: int) -> int | None:
    """Target of a compact form, None for a negative, zero or overflowing one. Rule: CHAIN-002."""
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    if bits & 0x800000:
        return None
    target = mantissa >> 8 * (3 - size) if size <= 3 else mantissa << 8 * (size - 3)
    return target if 0 < target < 1 << 256 else None


def bits_of_target(target: int) -> int:
    """Compact form of a target, truncating its low bytes as consensus does. Rule: CHAIN-002."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:  # the top bit is a sign: make room for it
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def has_work(block_hash: bytes, bits: int, network: Network) -> bool:
    """Whether a hash meets a compact target that is no easier than the network's limit. Rule: CHAIN-003."""
    target = target_of_bits(bits)
    if target is None or target > _target(network.pow_limit_bits):
        return False
    return int.from_bytes(block_hash, "big") <= target


def work_of_bits(bits: int) -> int:
    """Expected hashes to meet a target: floor(2^256 / (target + 1)). Rule: CHAIN-007."""
    return (1 << 256) // (_target(bits) + 1)


def retarget_bits(bits: int, first_time_s: int, last_time_s: int, network: Network) -> int:
    """Bits of the next epoch from the first and last block of the one that ends.

    The interval spans 2,015 gaps, not 2,016: the well-known off-by-one is consensus. Rule: CHAIN-005.
    """
    actual_s = last_time_s - first_time_s
    clamped_s = min(max(actual_s, RETARGET_SECONDS // RETARGET_CLAMP), RETARGET_SECONDS * RETARGET_CLAMP)
    return bits_of_target(min(_target(bits) * clamped_s // RETARGET_SECONDS, _target(network.pow_limit_bits)))


def subsidy_sat(height: int) -> int:
    """New coins of the block at a height, in satoshi. Rule: CHAIN-008."""
    return SUBSIDY_START_SAT >> min(height // HALVING_BLOCKS, 64)


def difficulty(bits: int) -> tuple[int, int]:
    """Difficulty as an exact fraction in lowest terms (numerator, denominator). Rule: CHAIN-009."""
    target = _target(bits)
    common = gcd(DIFFICULTY_1_TARGET, target)
    return DIFFICULTY_1_TARGET // common, target // common


def _target(bits: int) -> int:
    """Target of bits that were judged before."""
    target = target_of_bits(bits)
    if target is None:
        raise InvariantViolation(f"bits {bits:#010x} have no target")
    return target
