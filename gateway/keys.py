"""Keys of clients: who may speak for which account with which scopes.

Lives here: the parsed key file and scope arithmetic.
Does not know: files (bytes come in), signatures, sessions. Secrets never appear in `repr`.
"""

from collections import Counter
from typing import Final

import msgspec

SCOPES: Final = frozenset(
    {
        "account:read", "account:read_write", "trade:read", "trade:read_write", "wallet:read", "wallet:read_write",
        "x_lending:read", "x_lending:read_write",
    }
)  # fmt: skip
SECRET_BYTES_MIN: Final = 16
GROUP_AND_OTHERS: Final = 0o077


class BadKeys(ValueError):
    """The key file cannot be used; the text says why and names no secret."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of keys.json."""

    name: str
    client_id: str
    client_secret: str
    account: int
    scopes: tuple[str, ...] = ("account:read_write", "trade:read_write", "wallet:read")
    whitelisted: bool = True  # for people; eligibility is the core's registry

    def __repr__(self) -> str:
        return f"Key(name={self.name!r}, client_id={self.client_id!r}, account={self.account})"


class KeyRing:
    """All keys of one gateway, by client id."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        """Raises BadKeys on doubles, short secrets or unknown scopes."""
        self.by_client_id: dict[str, Key] = {}
        self.numbers: dict[str, int] = {}  # keys that share an account: their place in the file, from 1
        shared = Counter(key.account for key in keys)
        for place, key in enumerate(keys, 1):
            if shared[key.account] > 1:
                self.numbers[key.client_id] = place
            if key.client_id in self.by_client_id:
                raise BadKeys(f"client_id of key {key.name!r} occurs twice")
            if len(key.client_secret.encode()) < SECRET_BYTES_MIN:
                raise BadKeys(f"client_secret of key {key.name!r} is shorter than {SECRET_BYTES_MIN} bytes")
            unknown = [scope for scope in key.scopes if scope not in SCOPES]
            if unknown:
                raise BadKeys(f"key {key.name!r} has unknown scopes {unknown}")
            if key.account <= 0:
                raise BadKeys(f"key {key.name!r} has no account")
            self.by_client_id[key.client_id] = key


def parse_keys(data: bytes, mode: int) -> KeyRing:
    """The ring of a key file with these permission bits. Raises BadKeys."""
    if mode & GROUP_AND_OTHERS:
        raise BadKeys(f"key file is readable by others (mode {mode & 0o777:03o}): use 600")
    try:
        return KeyRing(msgspec.json.decode(data, type=tuple[Key, ...]))
    except msgspec.DecodeError as error:
        raise BadKeys(f"key file is not a list of keys: {error}") from error


def has_scope(scopes: frozenset[str], needed: str) -> bool:
    """Whether the scopes cover the needed one; `x:read_write` covers `x:read`."""
    return needed in scopes or (needed.endswith(":read") and f"{needed}_write" in scopes)
