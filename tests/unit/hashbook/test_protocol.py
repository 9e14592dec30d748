"""Goal: no digit of a price or an amount is lost on the way. Method: encode and decode awkward numbers."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbook.protocol import AccountSummary, Order, Position, encode_request, exact_json, json_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.00000001"), b"0.00000001"),
        (Decimal("1E+3"), b"1000"),
        (Decimal("0.10"), b"0.10"),
        (31, b"31"),
        (Decimal("12345678901234567890.123456789"), b"12345678901234567890.123456789"),
    ],
)
def test_numbers_leave_in_plain_decimal_notation(value, text):
    assert text == bytes(json_number(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_a_number_that_went_out_and_came_back_is_the_same(value):
    frame = encode_request(1, "m", {"price": json_number(value)})
    back = msgspec.json.decode(frame, type=dict[str, msgspec.Raw])["params"]
    assert value == msgspec.json.decode(back, type=dict[str, Decimal])["price"]


@pytest.mark.parametrize("wrong", [0.1, True, "0.1", None])
def test_what_is_not_exact_is_refused_before_it_is_sent(wrong):
    with pytest.raises(TypeError):
        json_number(wrong)


@pytest.mark.parametrize("wrong", [Decimal("NaN"), Decimal("Infinity")])
def test_what_is_not_finite_is_refused_before_it_is_sent(wrong):
    with pytest.raises(ValueError, match="finite"):
        json_number(wrong)


ORDER = b"""{"order_id":"7","instrument_name":"TH1A_BTC","direction":"buy","order_type":"limit","order_state":"open",
"amount":5,"filled_amount":1.5,"price":%s,"a_field_of_tomorrow":{}}"""


def test_an_order_is_read_exactly_and_unknown_fields_are_skipped():
    order = msgspec.json.decode(ORDER % b"1.4e-3", type=Order)
    assert (Decimal("0.0014"), Decimal("3.5"), True) == (order.price, order.open_amount, order.is_open)


@pytest.mark.parametrize("word", [b'"market_price"', b"null"])
def test_a_price_that_is_no_number_reads_as_none(word):
    assert msgspec.json.decode(ORDER % word, type=Order).price is None


@pytest.mark.parametrize(("direction", "size"), [("sell", "31"), ("sell", "-31")])
def test_a_short_position_is_negative_however_the_venue_signs_it(direction, size):
    position = Position(instrument_name="x", direction=direction, size=Decimal(size))
    assert Decimal(-31) == position.signed_amount


def test_a_result_without_a_required_field_is_an_error():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"currency":"BTC"}', type=AccountSummary)


def test_numbers_inside_a_parameter_are_exact_too():
    peg = {"reference": "mid", "offset": Decimal("-1E-8"), "levels": [1, {"on": True, "none": None}]}
    frame = encode_request(1, "m", {"x_peg": exact_json(peg)})
    assert b'"x_peg":{"reference":"mid","offset":-0.00000001,"levels":[1,{"on":true,"none":null}]}' in frame
    with pytest.raises(TypeError):
        exact_json({"price": [0.1]})
