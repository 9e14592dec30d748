"""JSON-RPC envelopes: bytes to a request, results and refusals to bytes.

Lives here: the bounded decoder (depth, duplicate keys, types of the envelope) and the reply templates.
Does not know: methods, sessions. `params` stay raw bytes until the method is known: an unknown method can still be
answered with its id, and a wrong parameter with its name.
"""

import json
from typing import Any, Final

import msgspec

from gateway.errors import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, Refusal

DEPTH_MAX: Final = 32
KEYS_MAX: Final = 64
ID_BYTES_MAX: Final = 256
NULL_ID: Final = b"null"
EMPTY_PARAMS: Final = b"{}"


class Envelope(msgspec.Struct, frozen=True):
    """Outer object of a request. Unknown members are ignored, as the dialect does."""

    method: msgspec.Raw = msgspec.Raw()
    params: msgspec.Raw = msgspec.Raw()
    id: msgspec.Raw = msgspec.Raw()
    jsonrpc: msgspec.Raw = msgspec.Raw()


class Request(msgspec.Struct, frozen=True):
    """One decoded request. `identity` is the id's own bytes, echoed unchanged; params of a query string are texts."""

    method: str
    params: bytes | msgspec.Raw | dict[str, str]
    identity: bytes


class BadRequest(msgspec.Struct, frozen=True):
    """Bytes that are no request, with as much of an id as could be read."""

    identity: bytes
    refusal: Refusal


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_KEYS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING: Final = msgspec.json.Decoder(str)
encode: Final = msgspec.json.Encoder().encode
text_json: Final = json.dumps  # of one string, as str

_VERSION: Final = b'"2.0"'


class _Duplicate(ValueError):
    """A key that occurs twice in one object."""


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """object_pairs_hook that refuses the second occurrence of a key."""
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _Duplicate(key)
        seen[key] = value
    if len(seen) > KEYS_MAX:
        raise ValueError("too many members in one object")
    return seen


def _depth(data: bytes) -> int:
    """Greatest nesting outside strings, in one pass. Only called when the brackets could exceed the cap."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _careful_scan(data: bytes) -> Refusal | None:
    """Exact search for duplicate keys; the fast path proves their absence by counting instead."""
    try:
        json.loads(data, object_pairs_hook=_unique_pairs)
    except _Duplicate as duplicate:
        return Refusal(INVALID_PARAMS, {"reason": "duplicate key", "param": str(duplicate)})
    except (ValueError, RecursionError) as error:
        return Refusal(PARSE_ERROR, {"reason": str(error)[:200]})
    return None


def _identity(raw: msgspec.Raw) -> bytes | None:
    """The id's bytes when it is an integer, a string or null; None otherwise. Absent counts as null."""
    identity = bytes(raw)
    if not identity:
        return NULL_ID
    if len(identity) > ID_BYTES_MAX:
        return None
    if identity.isdigit() or identity[:1] == b'"' or identity == NULL_ID:
        return identity
    if identity[:1] == b"-" and identity[1:].isdigit():
        return identity
    return None


def decode_request(data: bytes) -> Request | BadRequest:
    """Read one request. Cost: two passes of msgspec over the bytes; strings with colons cost a pass of `json`.

    Duplicate keys: every key is followed by a colon, so when the bytes hold exactly as many colons as there are
    distinct keys in the envelope and in flat params, no key can occur twice. Any other count is scanned exactly.
    """
    if data.count(b"[") + data.count(b"{") > DEPTH_MAX and _depth(data) > DEPTH_MAX:
        return BadRequest(NULL_ID, Refusal(PARSE_ERROR, {"reason": f"nested deeper than {DEPTH_MAX}"}))
    try:
        envelope = _ENVELOPE.decode(data)
    except msgspec.ValidationError as error:
        return BadRequest(NULL_ID, Refusal(INVALID_REQUEST, {"reason": str(error)[:200]}))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadRequest(NULL_ID, Refusal(PARSE_ERROR, {"reason": str(error)[:200]}))
    identity = _identity(envelope.id)
    if identity is None:
        reason = Refusal(INVALID_REQUEST, {"reason": "an integer or a short string is needed", "param": "id"})
        return BadRequest(NULL_ID, reason)
    if bytes(envelope.jsonrpc) != _VERSION:
        return BadRequest(identity, Refusal(INVALID_REQUEST, {"reason": 'must be "2.0"', "param": "jsonrpc"}))
    try:
        method = _STRING.decode(envelope.method)
    except msgspec.DecodeError:
        return BadRequest(identity, Refusal(INVALID_REQUEST, {"reason": "a string is needed", "param": "method"}))
    keys = 2 + (1 if bytes(envelope.id) else 0)
    params: bytes | msgspec.Raw = envelope.params
    first = bytes(memoryview(params)[:1])
    if first == b"{":
        try:
            keys += 1 + len(_KEYS.decode(params))
        except (msgspec.DecodeError, RecursionError) as error:
            return BadRequest(identity, Refusal(PARSE_ERROR, {"reason": str(error)[:200]}))
    elif first in (b"", b"n"):
        params = EMPTY_PARAMS
        keys += 1 if first else 0
    else:
        return BadRequest(identity, Refusal(INVALID_REQUEST, {"reason": "an object is needed", "param": "params"}))
    if data.count(b":") != keys:
        refusal = _careful_scan(data)
        if refusal is not None:
            return BadRequest(identity, refusal)
    return Request(method, params, identity)


def result_bytes(identity: bytes, result: bytes, us_in: int, us_out: int) -> bytes:
    """A successful reply; `result` is JSON already."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b,"usIn":%d,"usOut":%d,"usDiff":%d,"testnet":false}' % (
        identity, result, us_in, us_out, us_out - us_in,
    )  # fmt: skip


def error_bytes(identity: bytes, refusal: Refusal, us_in: int, us_out: int) -> bytes:
    """An error reply."""
    body = encode({"code": refusal.code, "message": refusal.message, "data": refusal.data})
    return b'{"jsonrpc":"2.0","id":%b,"error":%b,"usIn":%d,"usOut":%d,"usDiff":%d,"testnet":false}' % (
        identity, body, us_in, us_out, us_out - us_in,
    )  # fmt: skip


def notification_bytes(channel: str, data: bytes) -> bytes:
    """A subscription notification; `data` is JSON already, `channel` one of ours and therefore plain ASCII."""
    return b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"%b","data":%b}}' % (channel.encode(), data)
