"""Goal: a command is answered exactly once also while the gateway reads the new state of a core that restarted.
Method: collect the gateway's own coroutines, so that the reading can be held up while clients go on sending.
"""

import base64

from gateway.http import HttpConnection
from tests.unit.gateway.harness import Bench
from tests.unit.gateway.inprocess import SECRET

ORDER = {"instrument_name": "TH1A_USDC", "amount": 1, "price": 19}


def restart_core(bench: Bench) -> None:
    """The link is lost and is there again; the gateway has not read anything yet."""
    bench.link.away = True
    bench.venue.on_away()
    bench.link.away = False
    bench.venue.on_back()


def let_it_read(bench: Bench) -> None:
    """Run what was held up: the reading of the image, then what follows from it."""
    for _ in range(2):
        bench.run_later()


def test_an_order_between_the_cores_return_and_its_new_image_is_refused_and_not_left_without_an_answer() -> None:
    bench = Bench(later=True)
    bench.run_later()
    alice = bench.client("alice")
    restart_core(bench)
    sent = len(bench.link.sent)
    assert alice.error("private/buy", ORDER)["code"] == 11051
    assert alice.result("public/status")["locked"] == "true"
    let_it_read(bench)
    assert len(bench.link.sent) == sent
    assert bench.client("alice").place("buy", "TH1A_USDC", 1, 19)["order"]["order_state"] == "open"


def test_a_core_that_goes_away_again_before_it_was_read_opens_the_desk_only_when_it_is_really_back() -> None:
    bench = Bench(later=True)
    bench.run_later()
    restart_core(bench)
    bench.link.away = True
    bench.venue.on_away()
    bench.run_later()
    assert bench.client("alice").error("private/buy", ORDER)["code"] == 11051
    bench.link.away = False
    bench.venue.on_back()
    let_it_read(bench)
    assert bench.client("alice").place("buy", "TH1A_USDC", 1, 19)["order"]["order_state"] == "open"


def test_an_http_connection_that_outlives_the_core_is_answered_under_the_gateways_new_number() -> None:
    bench = Bench()
    answers: list[bytes] = []
    session_id = bench.next_session()
    connection = HttpConnection(bench.venue, session_id, write=answers.append, close=lambda: None)
    password = base64.b64encode(f"key-alice:{SECRET}alice".encode()).decode()
    order = "/api/v2/private/buy?instrument_name=TH1A_USDC&amount=1&price=19"
    request = f"GET {order} HTTP/1.1\r\nHost: venue\r\nAuthorization: Basic {password}\r\n\r\n".encode()
    for gateway_id in (bench.link.gateway_id, bench.link.gateway_id + 1):
        bench.link.gateway_id = gateway_id
        answers.clear()
        connection.receive(request, bench.now_ns // 1_000)
        bench.settle()
        assert len(answers) == 1, f"one answer to the gateway with number {gateway_id}"
        assert answers[0].startswith(b"HTTP/1.1 200 ")
        restart_core(bench)


def test_a_websocket_cancels_under_the_number_its_orders_were_placed_with() -> None:
    bench = Bench()
    alice = bench.client("alice")
    alice.result("private/enable_cancel_on_disconnect")
    alice.place("buy", "TH1A_USDC", 1, 19)
    bench.link.gateway_id += 1
    restart_core(bench)
    alice.session.lost()
    bench.settle()
    assert bench.client("alice").result("private/get_open_orders") == []
