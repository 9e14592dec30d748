"""Goal: only who holds a secret speaks for its account, and every wrong attempt looks the same. Method: the
authenticator with times handed in; signatures made here by the scheme's definition."""

import hashlib
import hmac

import msgspec
import pytest

from gateway.auth import Authenticator, AuthParams, Principal
from gateway.errors import Refusal
from gateway.keys import BadKeys, has_scope, parse_keys
from tests.unit.gateway.inprocess import ALICE, SECRET, keys

NOW_MS = 1_800_000_000_000
WINDOW_MS = 60_000


@pytest.fixture
def authenticator() -> Authenticator:
    count = iter(range(1_000_000))
    return Authenticator(
        parse_keys(msgspec.json.encode(keys()), 0o600),
        window_ms=WINDOW_MS,
        access_token_s=900,
        refresh_token_s=86_400,
        random_bytes=lambda size: next(count).to_bytes(size, "big"),
    )


def sign(text: str, secret: str = SECRET + "alice") -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def granted(outcome: object) -> tuple[Principal, dict[str, object]]:
    assert isinstance(outcome, tuple), outcome
    return outcome


def refused(outcome: object) -> Refusal:
    assert isinstance(outcome, Refusal), outcome
    return outcome


def client_signature(
    timestamp: int = NOW_MS, *, signature: str = "", client_id: str = "key-alice", data: str = ""
) -> AuthParams:
    return AuthParams(
        grant_type="client_signature", client_id=client_id, timestamp=timestamp, nonce="n1", data=data,
        signature=signature or sign(f"{timestamp}\nn1\n{data}"),
    )  # fmt: skip


def test_a_client_signature_grants_the_keys_account(authenticator: Authenticator) -> None:
    principal, result = granted(authenticator.grant(client_signature(data="payload"), NOW_MS))
    assert (principal.account, principal.client_id) == (ALICE, "key-alice")
    assert {"access_token", "refresh_token", "expires_in", "scope", "token_type"} <= set(result)
    assert "trade:read_write" in str(result["scope"]).split()


@pytest.mark.parametrize("offset_ms", [-WINDOW_MS - 1, WINDOW_MS + 1, -(10**15)])
def test_a_signature_outside_the_window_is_refused_with_the_servers_time(
    authenticator: Authenticator, offset_ms: int
) -> None:
    refusal = refused(authenticator.grant(client_signature(NOW_MS + offset_ms), NOW_MS))
    assert (refusal.code, refusal.data["server_time_ms"]) == (13004, NOW_MS)


def test_an_unknown_key_and_a_wrong_signature_look_the_same(authenticator: Authenticator) -> None:
    unknown = refused(authenticator.grant(client_signature(client_id="key-nobody"), NOW_MS))
    wrong = refused(authenticator.grant(client_signature(signature="00" * 32), NOW_MS))
    assert unknown == wrong


def test_the_secret_that_unknown_keys_are_checked_with_opens_nothing(authenticator: Authenticator) -> None:
    for client_id in ("", "key-nobody"):
        params = AuthParams(
            grant_type="client_credentials", client_id=client_id, client_secret="no such key: this secret signs nothing"
        )
        assert refused(authenticator.grant(params, NOW_MS)).code == 13004


def test_a_key_signs_for_nobody_else(authenticator: Authenticator) -> None:
    text = f"{NOW_MS}\nn1\n"
    params = client_signature(client_id="key-bob", signature=sign(text))
    assert refused(authenticator.grant(params, NOW_MS)).code == 13004


def test_scopes_can_be_narrowed_but_never_widened(authenticator: Authenticator) -> None:
    asked = "session:mine trade:read account:read wallet:read_write block_trade:read_write"
    params = AuthParams(
        grant_type="client_credentials", client_id="key-alice", client_secret=SECRET + "alice", scope=asked
    )
    principal, result = granted(authenticator.grant(params, NOW_MS))
    assert principal.scopes == {"trade:read", "account:read"}
    assert "session:mine" in str(result["scope"])
    refreshed, _ = granted(
        authenticator.grant(
            AuthParams(
                grant_type="refresh_token", refresh_token=str(result["refresh_token"]), scope="trade:read_write"
            ),
            NOW_MS,
        )
    )
    assert refreshed.scopes == frozenset()


def test_tokens_end_and_do_not_stand_in_for_each_other(authenticator: Authenticator) -> None:
    _, result = granted(authenticator.grant(client_signature(), NOW_MS))
    access, refresh = str(result["access_token"]), str(result["refresh_token"])
    assert isinstance(authenticator.from_token(access, NOW_MS + 899_000), Principal)
    assert isinstance(authenticator.from_token(access, NOW_MS + 901_000), Refusal)
    assert isinstance(authenticator.from_token(refresh, NOW_MS), Refusal)
    wrong = AuthParams(grant_type="refresh_token", refresh_token=access)
    assert isinstance(authenticator.grant(wrong, NOW_MS), Refusal)
    granted(authenticator.grant(AuthParams(grant_type="refresh_token", refresh_token=refresh), NOW_MS + 901_000))


@pytest.mark.parametrize("at", [0, 5, -1, -10])
def test_a_token_changed_anywhere_is_worthless(authenticator: Authenticator, at: int) -> None:
    _, result = granted(authenticator.grant(client_signature(), NOW_MS))
    token = list(str(result["access_token"]))
    token[at] = "A" if token[at] != "A" else "B"
    assert isinstance(authenticator.from_token("".join(token), NOW_MS), Refusal)


@pytest.mark.parametrize("token", ["", ".", "x", "é.é", "YQ==.00", "." * 500])
def test_nonsense_is_no_token(authenticator: Authenticator, token: str) -> None:
    assert isinstance(authenticator.from_token(token, NOW_MS), Refusal)


def header(target: str, body: bytes = b"", *, method: str = "GET", timestamp: int = NOW_MS, nonce: str = "n") -> str:
    signature = sign(f"{timestamp}\n{nonce}\n{method}\n{target}\n{body.decode()}\n")
    return f"deri-hmac-sha256 id=key-alice,ts={timestamp},sig={signature},nonce={nonce}"


def check(
    authenticator: Authenticator, text: str, target: str, *, method: str = "GET", body: bytes = b"", state: bool = False
) -> Principal | Refusal:
    targets = (target,) if method == "GET" else (target, "/api/v2")
    return authenticator.from_header(
        text, http_method=method, targets=targets, body=body, changes_state=state, now_ms=NOW_MS
    )


def test_the_signed_header_covers_method_target_and_body(authenticator: Authenticator) -> None:
    target = "/api/v2/private/buy?amount=1"
    good = header(target)
    assert isinstance(check(authenticator, good, target), Principal)
    assert isinstance(check(authenticator, good, target + "0"), Refusal)
    assert isinstance(check(authenticator, good, target, method="POST"), Refusal)
    posted = header("/api/v2", b'{"a":1}', method="POST")
    assert isinstance(check(authenticator, posted, "/api/v2/private/buy", method="POST", body=b'{"a":1}'), Principal)
    assert isinstance(check(authenticator, posted, "/api/v2/private/buy", method="POST", body=b'{"a":2}'), Refusal)


def test_header_fields_may_come_in_any_order_with_spaces(authenticator: Authenticator) -> None:
    scheme, _, rest = header("/x").partition(" ")
    shuffled = ", ".join(reversed(rest.split(",")))
    assert isinstance(check(authenticator, f"{scheme} {shuffled}", "/x"), Principal)


def test_a_signature_places_an_order_once_but_may_read_twice(authenticator: Authenticator) -> None:
    text = header("/x")
    assert isinstance(check(authenticator, text, "/x"), Principal)
    assert isinstance(check(authenticator, text, "/x"), Principal)
    assert isinstance(check(authenticator, text, "/x", state=True), Principal)
    replay = refused(check(authenticator, text, "/x", state=True))
    assert (replay.code, replay.data["reason"]) == (13004, "signature used before")
    assert isinstance(check(authenticator, text.replace("sig=", "sig= "), "/x", state=True), Refusal)
    assert isinstance(
        check(
            authenticator,
            text.upper()
            .replace("DERI-HMAC-SHA256 ID=KEY-ALICE,TS", "deri-hmac-sha256 id=key-alice,ts")
            .replace("SIG", "sig")
            .replace("NONCE=N", "nonce=n"),
            "/x",
            state=True,
        ),
        Refusal,
    )


@pytest.mark.parametrize(
    "text",
    ["", "x", "deri-hmac-sha256", "deri-hmac-sha256 ", "deri-hmac-sha256 id=key-alice", "Basic !!!", "Basic", "Bearer",
     "deri-hmac-sha256 id=key-alice,ts=²,sig=,nonce=",
     "deri-hmac-sha256 id=key-alice,ts=" + "9" * 50 + ",sig=x,nonce=n"],
)  # fmt: skip
def test_malformed_headers_are_refused(authenticator: Authenticator, text: str) -> None:
    assert isinstance(check(authenticator, text, "/x"), Refusal)


def test_basic_and_bearer_work_too(authenticator: Authenticator) -> None:
    import base64

    pair = base64.b64encode(f"key-alice:{SECRET}alice".encode()).decode()
    assert isinstance(check(authenticator, f"Basic {pair}", "/x"), Principal)
    _, result = granted(authenticator.grant(client_signature(), NOW_MS))
    assert isinstance(check(authenticator, f"Bearer {result['access_token']}", "/x"), Principal)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"client_secret": "short"}, "shorter"),
        ({"scopes": ["root"]}, "unknown scopes"),
        ({"account": 0}, "no account"),
        ({"surprise": 1}, "not a list of keys"),
        ({"client_id": "key-bob"}, "twice"),
    ],
)
def test_a_bad_key_file_says_why_and_shows_no_secret(change: dict[str, object], text: str) -> None:
    entries = keys()
    entries[0] |= change
    with pytest.raises(BadKeys, match=text) as caught:
        parse_keys(msgspec.json.encode(entries), 0o600)
    assert SECRET not in str(caught.value)


def test_a_key_file_that_others_can_read_is_refused() -> None:
    with pytest.raises(BadKeys, match="readable by others"):
        parse_keys(msgspec.json.encode(keys()), 0o640)


def test_a_key_hides_its_secret_when_shown() -> None:
    ring = parse_keys(msgspec.json.encode(keys()), 0o600)
    assert SECRET not in repr(ring.by_client_id["key-alice"])


def test_read_write_covers_read_and_nothing_covers_write_but_itself() -> None:
    assert has_scope(frozenset({"trade:read_write"}), "trade:read")
    assert not has_scope(frozenset({"trade:read"}), "trade:read_write")
    assert not has_scope(frozenset({"account:read_write"}), "trade:read")


def test_keys_that_share_an_account_have_numbers_and_the_only_key_of_one_has_none() -> None:
    second = keys()[0] | {"client_id": "key-alice-2"}
    ring = parse_keys(msgspec.json.encode([*keys(), second]), 0o600)
    authenticator = Authenticator(
        ring, window_ms=WINDOW_MS, access_token_s=900, refresh_token_s=86_400, random_bytes=lambda size: b"x" * size
    )

    def number(client_id: str, name: str) -> int:
        params = AuthParams(grant_type="client_credentials", client_id=client_id, client_secret=SECRET + name)
        principal, result = granted(authenticator.grant(params, NOW_MS))
        by_token = authenticator.from_token(str(result["access_token"]), NOW_MS)
        assert principal == by_token
        return principal.key_number

    assert (1, 4) == (number("key-alice", "alice"), number("key-alice-2", "alice"))
    assert 0 == number("key-bob", "bob"), "its orders need no more room in the record"
