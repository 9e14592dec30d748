"""Goal: a load run passes only when every request was acknowledged as it should be.
Method: the verdict on counts by hand; real locust runs of two seconds against the fake venue, honest and faulty."""

import asyncio
import json
import os
import sys
from itertools import count

import pytest

from loadtests.counting import Counting
from tests.unit.hashbook.fake_venue import CLIENT_ID, CLIENT_SECRET, Refuse, Silence, run


def good_run():
    counting = Counting()
    for _ in range(100):
        counting.note_sent("private/buy")
        counting.note_reply("private/buy", None)
    return counting


def test_a_run_with_every_request_acknowledged_passes():
    assert good_run().faults() == []


def test_one_missing_acknowledgement_is_a_fault():
    counting = good_run()
    counting.note_sent("private/cancel")
    assert counting.missing == 1
    assert counting.faults() == ["1 acknowledgements missing: {'private/cancel': 1}"]


def test_cancelling_what_is_filled_already_is_no_fault_but_another_refusal_is():
    counting = good_run()
    counting.note_sent("private/cancel")
    assert counting.note_reply("private/cancel", 11044)
    assert counting.faults() == []
    counting.note_sent("private/cancel")
    assert not counting.note_reply("private/cancel", 11094, "internal_server_error")
    assert len(counting.faults()) == 1


def test_a_run_in_which_most_orders_are_refused_is_no_pass():
    counting = good_run()
    for _ in range(6):
        counting.note_sent("private/sell")
        counting.note_reply("private/sell", 10009)
    assert counting.faults() == ["6 of 106 orders refused"]


def test_a_run_without_any_order_is_no_pass():
    assert Counting().faults() == ["no order was accepted"]


def lose_the_fifth(venue):
    numbers = count(1)

    def buy(params):
        if next(numbers) == 5:
            raise Silence
        return {"order": dict(venue._new_order("buy", params)), "trades": []}

    venue.answers["private/buy"] = buy


def fail_the_fifth(venue):
    numbers = count(1)

    def buy(params):
        if next(numbers) == 5:
            raise Refuse(11094, "internal_server_error")
        return {"order": dict(venue._new_order("buy", params)), "trades": []}

    venue.answers["private/buy"] = buy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "exit_code", "said"),
    [
        (lambda venue: None, 0, b"missing 0, unexpected 0"),
        (lose_the_fifth, 1, b"1 acknowledgements missing: {'private/buy': 1}"),
        (fail_the_fifth, 1, b"private/buy: 11094 internal_server_error"),
    ],
    ids=["honest venue", "one reply lost", "one reply is an internal error"],
)
def test_locust_ends_with_the_verdict(tmp_path, prepare, exit_code, said):
    async def scenario(venue):
        prepare(venue)
        keys = tmp_path / "keys.json"
        row = {"name": "ann", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "whitelisted": True}
        refused = {"name": "eve", "client_id": "e", "client_secret": "e", "whitelisted": False}
        keys.write_text(json.dumps([refused, row]))
        command = "-m locust -f loadtests/locustfile.py --headless --only-summary -u 2 -r 2 -t 2s --stop-timeout 20"
        options = f"--host {venue.url} --keys {keys} --rate 40 --drain-s 1"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command.split(),
            *options.split(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == exit_code, output.decode()
        assert said in output
        assert venue.methods().count("private/cancel") > 3
        assert venue.open_orders() == []

    run(scenario)
