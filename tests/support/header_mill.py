"""Headers and blocks with real proof of work at regtest's difficulty: about two hashes each.

Lives here: building and mining; raw blocks with a coinbase that pays what a test wants.
Does not know: what is tested with them.
"""

from hashlib import sha256

from clearing.chain import REGTEST, Checkpoint, HeaderChain
from clearing.headers import has_work, header_hash

REGTEST_BITS = 0x207FFFFF
GENESIS_TIME_S = 1_296_688_602
GENESIS_HEADER = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f61"
    "7fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000"
)


def mine(
    previous_hash: bytes,
    time_s: int,
    *,
    bits: int = REGTEST_BITS,
    root: bytes = bytes(32),
    salt: int = 0,
    work: bool = True,
) -> bytes:
    """A header on a parent that meets its target (or just misses it with work=False); salt makes siblings differ."""
    head = (0x20000000 + salt).to_bytes(4, "little") + previous_hash[::-1] + root
    head += time_s.to_bytes(4, "little") + bits.to_bytes(4, "little")
    for nonce in range(1 << 20):
        header = head + nonce.to_bytes(4, "little")
        if has_work(header_hash(header), bits, REGTEST) == work:
            return header
    raise AssertionError("no nonce found")


def mine_branch(parent: bytes, first_time_s: int, count: int, *, salt: int = 0, step_s: int = 600) -> list[bytes]:
    """Headers one after another on the block with this hash."""
    headers: list[bytes] = []
    for index in range(count):
        headers.append(mine(parent, first_time_s + index * step_s, salt=salt))
        parent = header_hash(headers[-1])
    return headers


def regtest_chain(**settings: int) -> HeaderChain:
    """A chain that starts at regtest's genesis block."""
    return HeaderChain(REGTEST, Checkpoint(0, GENESIS_HEADER, GENESIS_TIME_S), **settings)


def raw_block(previous_hash: bytes, time_s: int, outputs_sat: list[int], *, payments: int = 0, salt: int = 0) -> bytes:
    """A block with a witness coinbase paying these outputs, and as many plain transactions as asked for."""
    coinbase = transaction(b"\0" * 32 + b"\xff" * 4, outputs_sat, witness=True)
    others = [transaction(bytes([index + 1]) * 36, [index, 7], witness=bool(index % 2)) for index in range(payments)]
    transactions = [coinbase, *others]
    ids = [txid for txid, _ in transactions]
    while len(ids) > 1:
        ids += ids[-1:] * (len(ids) % 2)
        ids = [_hash(ids[i] + ids[i + 1]) for i in range(0, len(ids), 2)]
    header = mine(previous_hash, time_s, root=ids[0], salt=salt)
    return header + bytes([len(transactions)]) + b"".join(raw for _, raw in transactions)


def transaction(outpoint: bytes, outputs_sat: list[int], *, witness: bool) -> tuple[bytes, bytes]:
    """(id, bytes) of a transaction with one input."""
    outputs = b"".join(amount.to_bytes(8, "little") + b"\x01\x51" for amount in outputs_sat)
    core = b"\x01" + outpoint + b"\x02\x51\x51" + b"\xff" * 4 + bytes([len(outputs_sat)]) + outputs
    version, lock_time = b"\x02\0\0\0", b"\0" * 4
    if not witness:
        return _hash(version + core + lock_time), version + core + lock_time
    return _hash(version + core + lock_time), version + b"\0\x01" + core + b"\x01\x20" + b"\0" * 32 + lock_time


def _hash(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()
