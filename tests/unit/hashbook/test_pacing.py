"""Goal: a bot is never a burst and leaves alone what refuses. Method: time requests; back-off by given times."""

import asyncio

from hashbook.bots.pacing import Backoff, Pacer


def test_requests_are_spaced_and_bounded_in_flight():
    async def scenario():
        pacer = Pacer(requests_per_s=100, in_flight=3)
        busy, busiest, starts = 0, 0, []

        async def one():
            nonlocal busy, busiest
            async with pacer:
                busy += 1
                busiest = max(busiest, busy)
                starts.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.05)
                busy -= 1

        await asyncio.gather(*(one() for _ in range(12)))
        return busiest, starts[-1] - starts[0]

    busiest, took_s = asyncio.run(scenario())
    assert busiest <= 3
    assert took_s >= 0.11 - 0.005  # eleven gaps of 10 ms, less the timer's grain


def test_a_hold_delays_the_next_request():
    async def scenario():
        pacer = Pacer(requests_per_s=1000, in_flight=3)
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        pacer.hold(0.1)
        async with pacer:
            return loop.time() - start_s

    assert asyncio.run(scenario()) >= 0.095


def test_refusals_double_the_pause_up_to_its_limit_and_one_kind_is_news_once():
    backoff = Backoff(first_s=5, max_s=15)
    assert backoff.refused(10009, now_s=0)
    assert (backoff.active(4.9), backoff.active(5)) == (True, False)
    assert not backoff.refused(10009, now_s=10)
    assert (backoff.active(19.9), backoff.active(20)) == (True, False)
    assert not backoff.refused(10009, now_s=30)
    assert (backoff.active(44.9), backoff.active(45)) == (True, False)


def test_refusals_of_one_burst_count_once():
    backoff = Backoff(first_s=5, max_s=60)
    backoff.refused(10009, now_s=0)
    assert not backoff.refused(10009, now_s=1)
    assert not backoff.active(5)


def test_a_success_ends_the_pause_and_the_next_refusal_is_news_again():
    backoff = Backoff(first_s=5, max_s=60)
    backoff.refused(10009, now_s=0)
    backoff.succeeded()
    assert not backoff.active(1)
    assert backoff.refused(10009, now_s=2)
