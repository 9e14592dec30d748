"""Goal: a command is answered exactly once also while the gateway reads the new state of a core that restarted.
Method: collect the gateway's own coroutines, so that the reading can be held up while clients go on sending.
"""

from tests.unit.gateway.harness import Bench

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
