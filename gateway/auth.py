"""Who is speaking: signatures, credentials and tokens.

Lives here: the checks and the tokens, as pure functions of a key ring and the wall time handed in.
Does not know: sockets, methods beyond "changes state". Unknown key and wrong signature are one error, and both cost one
HMAC. Tokens are signed with the key's own secret, so every gateway of the venue accepts them and a restart loses none.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gateway.errors import Refusal, bad_param
from gateway.keys import Key, KeyRing, has_scope

_NOBODY: Final = Key("", "", "no such key: this secret signs nothing", 0, ())
SIGNATURES_MAX: Final = 262_144
HEADER_SCHEME: Final = "deri-hmac-sha256"
SESSION_NAME_MAX: Final = 128
_SCOPE: Final = re.compile("[a-z_]+:(read|read_write|none)")
_LIFE: Final = re.compile("[1-9][0-9]{0,8}")


class Principal(msgspec.Struct, frozen=True):
    """An authenticated key with the scopes granted to this connection or request."""

    client_id: str
    name: str
    account: int
    scopes: frozenset[str]
    key_number: int = 0  # what its orders carry so that a kill switch finds them; 0 = the account has no other key

    def may(self, needed: str) -> bool:
        """Whether the scopes cover the needed one."""
        return has_scope(self.scopes, needed)


class AuthParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of public/auth."""

    grant_type: str
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    timestamp: int = 0
    signature: str = ""
    nonce: str = ""
    data: str = ""
    scope: str = ""
    state: str = ""
    device_id: str = ""


class Authenticator:
    """Checks of one gateway. `random_bytes` is only used to make tokens unguessable from each other."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        window_ms: int,
        access_token_s: int,
        refresh_token_s: int,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._window_ms = window_ms
        self._access_token_s = access_token_s
        self._refresh_token_s = refresh_token_s
        self._random_bytes = random_bytes
        self._seen: OrderedDict[bytes, int] = OrderedDict()  # signature -> ms after which it is out of the window

    # -- public/auth ------------------------------------------------------------------------------------------

    def grant(self, params: AuthParams, now_ms: int) -> tuple[Principal, dict[str, Any]] | Refusal:
        """Decide public/auth: the principal and the result to send, or a refusal."""
        allowed: frozenset[str] | None = None
        if params.grant_type == "client_credentials":
            key = self._key(params.client_id)
            good = _equal(key.client_secret, params.client_secret)
        elif params.grant_type == "client_signature":
            key = self._key(params.client_id)
            if abs(now_ms - params.timestamp) > self._window_ms:
                return self._invalid(now_ms, "timestamp outside the window")
            text = f"{params.timestamp}\n{params.nonce}\n{params.data}"
            good = _equal(_sign(key, text.encode()), params.signature.lower())
        elif params.grant_type == "refresh_token":
            found = self._token_principal(params.refresh_token, "refresh", now_ms)
            key, good = (self._key(found.client_id), True) if found is not None else (_NOBODY, False)
            allowed = found.scopes if found is not None else frozenset()
        else:
            return bad_param("grant_type", "unknown grant type")
        if not good or key is _NOBODY:
            return self._invalid(now_ms)
        asked = _asked(params.scope)
        if isinstance(asked, Refusal):
            return asked
        narrowed, session, expires_s = asked
        access_token_s = min(self._access_token_s, expires_s or self._access_token_s)
        owned = frozenset(key.scopes) if allowed is None else allowed
        scopes = frozenset(scope for scope in narrowed if has_scope(owned, scope)) if narrowed else owned
        principal = self._principal(key, scopes)
        scope_text = " ".join([*sorted(scopes), "mainaccount", session])
        result: dict[str, Any] = {
            "access_token": self._token(key, "access", scopes, now_ms + 1000 * access_token_s),
            "expires_in": access_token_s,
            "refresh_token": self._token(key, "refresh", scopes, now_ms + 1000 * self._refresh_token_s),
            "scope": scope_text,
            "token_type": "bearer",
            "enabled_features": [],
        }
        if params.state:
            result["state"] = params.state
        return principal, result

    # -- HTTP -------------------------------------------------------------------------------------------------

    def from_header(
        self, header: str, *, http_method: str, targets: tuple[str, ...], body: bytes, changes_state: bool, now_ms: int
    ) -> Principal | Refusal:
        """Decide an Authorization header. `targets`: texts the client may have signed as its URI."""
        scheme, _, rest = header.strip().partition(" ")
        if scheme == HEADER_SCHEME:
            return self._signed(rest, http_method, targets, body, changes_state, now_ms)
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return self._invalid(now_ms)
            key = self._key(client_id)
            return (
                self._principal(key)
                if _equal(key.client_secret, secret) and key is not _NOBODY
                else self._invalid(now_ms)
            )
        if scheme.lower() == "bearer":
            return self.from_token(rest.strip(), now_ms)
        return self._invalid(now_ms, "unknown authorization scheme")

    def from_token(self, token: str, now_ms: int) -> Principal | Refusal:
        """Decide an access token."""
        principal = self._token_principal(token, "access", now_ms)
        return principal if principal is not None else Refusal(13009, {"reason": "invalid_token"})

    def _signed(
        self, rest: str, http_method: str, targets: tuple[str, ...], body: bytes, changes_state: bool, now_ms: int
    ) -> Principal | Refusal:
        fields: dict[str, str] = {}
        for part in rest.split(","):
            name, _, value = part.strip().partition("=")
            fields[name] = value
        timestamp, nonce, given = fields.get("ts", ""), fields.get("nonce", ""), fields.get("sig", "").lower()
        key = self._key(fields.get("id", ""))
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20):
            return self._invalid(now_ms)
        if abs(now_ms - int(timestamp)) > self._window_ms:
            return self._invalid(now_ms, "timestamp outside the window")
        good = False
        for target in targets:
            text = f"{timestamp}\n{nonce}\n{http_method}\n{target}\n".encode() + body + b"\n"
            good = _equal(_sign(key, text), given) or good
        if not good or key is _NOBODY:
            return self._invalid(now_ms)
        if changes_state and not self._first_use(given.encode(), now_ms):
            return self._invalid(now_ms, "signature used before")
        return self._principal(key)

    def _first_use(self, signature: bytes, now_ms: int) -> bool:
        """Remember a signature for as long as its timestamp may be accepted. Only for methods that change state:
        existing clients use the millisecond clock as nonce and may repeat themselves within one millisecond."""
        seen = self._seen
        while seen:
            oldest, until_ms = next(iter(seen.items()))
            if until_ms >= now_ms and len(seen) < SIGNATURES_MAX:
                break
            del seen[oldest]
        if signature in seen:
            return False
        seen[signature] = now_ms + 2 * self._window_ms
        return True

    # -- tokens -----------------------------------------------------------------------------------------------

    def _token(self, key: Key, kind: str, scopes: frozenset[str], expiry_ms: int) -> str:
        payload = f"{kind}\n{expiry_ms}\n{self._random_bytes(12).hex()}\n{' '.join(sorted(scopes))}\n{key.client_id}"
        return f"{base64.urlsafe_b64encode(payload.encode()).decode()}.{_sign(key, payload.encode())}"

    def _token_principal(self, token: str, kind: str, now_ms: int) -> Principal | None:
        encoded, _, signature = token.rpartition(".")
        try:
            payload = base64.urlsafe_b64decode(encoded.encode("ascii"))
            token_kind, expiry_ms, _, scopes, client_id = payload.decode().split("\n")
            expired = int(expiry_ms) < now_ms
        except (ValueError, UnicodeError):
            return None
        key = self._key(client_id)
        good = _equal(_sign(key, payload), signature)
        if not good or expired or token_kind != kind or key is _NOBODY:
            return None
        return self._principal(key, frozenset(scopes.split()))

    # -- helpers ----------------------------------------------------------------------------------------------

    def _principal(self, key: Key, scopes: frozenset[str] | None = None) -> Principal:
        granted = frozenset(key.scopes) if scopes is None else scopes
        return Principal(key.client_id, key.name, key.account, granted, self._keys.numbers.get(key.client_id, 0))

    def _key(self, client_id: str) -> Key:
        return self._keys.by_client_id.get(client_id, _NOBODY)

    def _invalid(self, now_ms: int, reason: str = "invalid credentials") -> Refusal:
        return Refusal(13004, {"reason": reason, "server_time_ms": now_ms})


def _asked(scope: str) -> tuple[list[str], str, int] | Refusal:
    """The words of a scope: what narrows the grant, the session's name, the token's life in s (0 = not named). A word
    that cannot be honoured is refused: it may be a limit that the caller relies on."""
    narrowed: list[str] = []
    session, expires_s = "connection", 0
    for word in scope.split():
        family, _, level = word.partition(":")
        if family == "session" and 0 < len(level) <= SESSION_NAME_MAX:
            session = word
        elif family == "expires" and _LIFE.fullmatch(level):
            expires_s = int(level)
        elif _SCOPE.fullmatch(word):
            narrowed.append(word)
        elif word not in ("connection", "mainaccount") and family != "name":
            return bad_param("scope", f"cannot be granted: {word[:100]}")
    return narrowed, session, expires_s


def _sign(key: Key, text: bytes) -> str:
    return hmac.new(key.client_secret.encode(), text, hashlib.sha256).hexdigest()


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
