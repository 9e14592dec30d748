"""Goal: bytes become a request exactly when they are one, and every other byte string is answered. Method: examples
of each way to be wrong, and a comparison with a plain JSON parser on generated objects."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.codec import DEPTH_MAX, BadRequest, Request, decode_request


def refused(data: bytes) -> tuple[int, bytes, dict[str, object]]:
    request = decode_request(data)
    assert isinstance(request, BadRequest), request
    return request.refusal.code, request.identity, request.refusal.data


@pytest.mark.parametrize("identity", ["1", "0", "-7", '"101"', '"auth_6e1b"', "null", '"\\u00e9"'])
def test_an_id_is_echoed_byte_for_byte(identity: str) -> None:
    request = decode_request(b'{"jsonrpc":"2.0","id":%b,"method":"m","params":{}}' % identity.encode())
    assert isinstance(request, Request)
    assert request.identity == identity.encode()


@pytest.mark.parametrize("identity", ["1.5", "1e3", "true", "{}", "[1]", '"' + "x" * 300 + '"'])
def test_an_id_of_another_kind_is_no_request(identity: str) -> None:
    code, echoed, data = refused(b'{"jsonrpc":"2.0","id":%b,"method":"m"}' % identity.encode())
    assert (code, echoed, data["param"]) == (-32600, b"null", "id")


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{", b'{"a":}', b"nonsense", b'{"jsonrpc":"2.0","id":1,"method":"m",}', b"\xff", b"\xef\xbb\xbf{}",
     b'{"id":1} {"id":2}', b'{"jsonrpc":"2.0","method":"\\ud800"}', b'{"id":NaN}', b"[" * 100_000, b'{"a":' * 50_000],
)  # fmt: skip
def test_what_is_no_json_is_a_parse_error(data: bytes) -> None:
    assert refused(data)[0] == -32700


@pytest.mark.parametrize("data", [b"1", b'"x"', b"null", b"[]", b"[{}]"])
def test_what_is_no_object_is_no_request(data: bytes) -> None:
    assert refused(data)[0] == -32600


@pytest.mark.parametrize(
    ("data", "param"),
    [
        (b'{"id":1,"method":"m"}', "jsonrpc"),
        (b'{"jsonrpc":"1.0","id":1,"method":"m"}', "jsonrpc"),
        (b'{"jsonrpc":2.0,"id":1,"method":"m"}', "jsonrpc"),
        (b'{"jsonrpc":"2.0","id":1}', "method"),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', "method"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}', "params"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":"x"}', "params"),
    ],
)
def test_a_wrong_envelope_names_its_member_and_keeps_the_id(data: bytes, param: str) -> None:
    code, identity, details = refused(data)
    assert (code, identity, details["param"]) == (-32600, b"1", param)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"a":2}}', "a"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a" :1,"a" :2}}', "a"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"\\u0061":2}}', "a"),
        (b'{"jsonrpc":"2.0","id":1,"id":1,"method":"m","params":{}}', "id"),
        (b'{"jsonrpc":"2.0","method":"n","method":"m"}', "method"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":{"b":1,"b":2}}}', "b"),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","extra":{"c":1,"c":1},"params":{}}', "c"),
    ],
)
def test_a_key_that_occurs_twice_is_refused_by_name(data: bytes, key: str) -> None:
    code, _, details = refused(data)
    assert (code, details["reason"], details["param"]) == (-32602, "duplicate key", key)


def test_colons_inside_strings_are_no_keys() -> None:
    request = decode_request(b'{"jsonrpc":"2.0","id":"a:b","method":"m","params":{"label":"x:y:z","q":"\\":"}}')
    assert isinstance(request, Request)


def test_depth_is_counted_outside_strings_only() -> None:
    brackets = b"[" * 100
    request = decode_request(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"label":"%b"}}' % brackets)
    assert isinstance(request, Request)
    deep = b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX
    assert refused(b'{"jsonrpc":"2.0","id":1,"method":"m","params":%b}' % deep)[0] == -32700


def test_params_may_be_absent_or_null() -> None:
    for params in (b"", b',"params":null', b',"params":{}'):
        request = decode_request(b'{"jsonrpc":"2.0","id":1,"method":"m"%b}' % params)
        assert isinstance(request, Request), params


def has_duplicate(text: str) -> bool:
    found = False

    def look(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal found
        found = found or len({key for key, _ in pairs}) != len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return found


KEYS = st.sampled_from(["a", "b", "jsonrpc", "method", "id", "params", "x:y", 'q"'])
VALUES = st.recursive(
    st.one_of(st.integers(-5, 5), st.sampled_from(["", ":", '":', "a:b", "{", "\\"])),
    lambda inner: st.lists(st.tuples(KEYS, inner), max_size=3),
    max_leaves=6,
)


def dump(value: object, space: str) -> str:
    """JSON text of nested pair lists, which unlike dictionaries can hold a key twice."""
    if isinstance(value, list):
        members = (f"{json.dumps(key)}{space}:{dump(inner, space)}" for key, inner in value)
        return "{" + ",".join(members) + "}"
    return json.dumps(value)


@given(pairs=st.lists(st.tuples(KEYS, VALUES), max_size=4), space=st.sampled_from(["", " "]))
def test_duplicates_are_found_exactly_when_a_plain_parser_finds_them(
    pairs: list[tuple[str, object]], space: str
) -> None:
    text = f'{{"jsonrpc":"2.0","id":1,"method":"m","params":{dump(pairs, space)}}}'
    request = decode_request(text.encode())
    if has_duplicate(text):
        assert isinstance(request, BadRequest)
        assert request.refusal.data["reason"] == "duplicate key"
    else:
        assert isinstance(request, Request)
        assert msgspec.json.decode(request.params) == json.loads(dump(pairs, space))


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(decode_request(data), Request | BadRequest)
