"""Keys and how a login is signed.

Lives here: reading a key file, the HMAC over a login. Does not know: sockets, what a key may do.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Any

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """One API key. Its text form never shows the secret."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r})"

    def signed_login(self, *, timestamp_ms: int, nonce: str, data: str = "") -> dict[str, Any]:
        """Parameters of `public/auth` by signature: the secret itself stays here."""
        signature = sign(self.client_secret, timestamp_ms=timestamp_ms, nonce=nonce, data=data)
        return {
            "grant_type": "client_signature",
            "client_id": self.client_id,
            "timestamp": timestamp_ms,
            "nonce": nonce,
            "data": data,
            "signature": signature,
        }

    def plain_login(self) -> dict[str, Any]:
        """Parameters of `public/auth` by id and secret: for encrypted or local connections only."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }


def sign(client_secret: str, *, timestamp_ms: int, nonce: str, data: str) -> str:
    r"""Hex of HMAC-SHA256 over `timestamp \n nonce \n data`, keyed by the secret."""
    text = f"{timestamp_ms}\n{nonce}\n{data}"
    return hmac.new(client_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class NamedKey(msgspec.Struct, frozen=True):
    """One row of a key file; fields other than these are ignored."""

    name: str
    client_id: str
    client_secret: str
    whitelisted: bool = True


def load_keys(path: Path) -> list[NamedKey]:
    """Rows of a key file, in file order.

    Raises:
        OSError: the file cannot be read.
        msgspec.DecodeError: it is not a list of keys.
    """
    return msgspec.json.decode(path.read_bytes(), type=list[NamedKey])


def load_credentials(path: Path, name: str) -> Credentials:
    """The key called `name` in a key file.

    Raises:
        KeyError: no such name; the message lists those present.
        OSError, msgspec.DecodeError: as `load_keys`.
    """
    keys = load_keys(path)
    for key in keys:
        if key.name == name:
            return Credentials(key.client_id, key.client_secret)
    raise KeyError(f"no key named {name!r} in {path}; there are: {', '.join(key.name for key in keys)}")
