"""What is known of a provider's limits, beside the simulator's own account of them."""

import asyncio
import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator.limits import ModelLimits
from app.simulator.options import Limits
from core.catalogue import load_catalogue
from core.chat import RateLimits, ToldLimit
from core.providers.limit_headers import rate_limits
from core.routing.limits.allowance import Allowance
from tests.core.routing.virtual_loop import run_virtually

PLANS = tuple(load_catalogue().find("groq", "openai/gpt-oss-20b").limits.values())
FREE = Limits(requests_per_minute=30, requests_per_day=1_000, tokens_per_minute=8_000, tokens_per_day=200_000)

SLOW = Limits(requests_per_minute=3, tokens_per_minute=8_000)


def headers(remaining: int, *, limit: int = 8_000, requests: int = 999) -> RateLimits:
    return RateLimits(
        limit_requests=1_000,
        remaining_requests=requests,
        reset_requests=(1_000 - requests) * 86.4,
        limit_tokens=limit,
        remaining_tokens=remaining,
        reset_tokens=(limit - remaining) / (limit / 60),
    )


def told(allowance: Allowance) -> dict[str, float]:
    return {level.kind: level.limit for level in allowance.levels(0)}


def test_nothing_known_limits_nothing():
    allowance = Allowance()
    for _ in range(100):
        allowance.reserve(10_000, 0)
    assert allowance.room(1e9, 0).wait == 0
    assert allowance.free(0) == allowance.largest == math.inf


def test_before_the_first_answer_one_call_goes_whatever_it_is_and_others_as_the_least_plan_has_room():
    allowance = Allowance(PLANS)
    assert allowance.room(100_000, 0).wait == 0
    first = allowance.reserve(5_000, 0)
    room = allowance.room(5_000, 0)
    assert room.wait == pytest.approx(15, abs=0.05)
    assert not room.told
    assert allowance.room(2_900, 0).wait == 0
    allowance.reported(first, headers(245_000, limit=250_000), 0.2)
    assert allowance.room(5_000, 0.2).wait == 0


def test_an_answer_that_tells_of_no_limits_ends_the_assumption():
    allowance = Allowance(PLANS)
    allowance.reported(allowance.reserve(5_000, 0), None, 0.2)
    allowance.reserve(7_000, 0.2)
    assert allowance.room(7_000, 0.2).wait == 0


def test_what_headers_do_not_tell_is_known_by_the_plan_they_point_to():
    allowance = Allowance(PLANS)
    allowance.reported(allowance.reserve(100, 0), headers(7_900), 0)
    assert told(allowance) == {
        "tokens_per_minute": 8_000,
        "requests_per_day": 1_000,
        "requests_per_minute": 30,
        "tokens_per_day": 200_000,
    }
    allowance.reported(allowance.reserve(100, 1), headers(249_900, limit=250_000), 1)
    assert told(allowance) == {
        "tokens_per_minute": 250_000,
        "requests_per_day": 1_000,
        "requests_per_minute": 1_000,
    }
    allowance.reported(allowance.reserve(100, 2), headers(11_900, limit=12_000), 2)
    assert told(allowance) == {"tokens_per_minute": 12_000, "requests_per_day": 1_000}


def test_requests_of_a_minute_are_told_from_those_of_a_day_by_when_they_are_whole_again():
    allowance = Allowance()
    openai = RateLimits(500, 499, 0.12, 30_000, 29_000, 2.0)
    allowance.reported(allowance.reserve(1_000, 0), openai, 0)
    assert told(allowance) == {"tokens_per_minute": 30_000, "requests_per_minute": 500}


def test_a_call_under_way_holds_its_room_and_gives_back_what_it_did_not_use():
    allowance = Allowance(PLANS)
    made = allowance.reserve(6_000, 0)
    allowance.reported(made, headers(2_000), 0)
    assert allowance.room(4_000, 0).wait == pytest.approx(15, abs=0.05)
    allowance.settle(made, 600, 1)
    assert allowance.room(4_000, 1).wait == 0
    assert allowance.free(1) == pytest.approx(7_400 + 133, abs=1)


def test_a_call_that_was_not_taken_gives_everything_back_once():
    allowance = Allowance(PLANS)
    allowance.reported(allowance.reserve(100, 0), headers(7_900), 0)
    made = allowance.reserve(6_000, 60)
    assert allowance.free(60) == 2_000
    allowance.release(made, 60)
    allowance.release(made, 60)
    assert allowance.free(60) == 8_000
    assert {level.kind: level.free for level in allowance.levels(60)}["requests_per_minute"] == 30


def test_somebody_else_with_the_same_key_is_noticed():
    allowance = Allowance(PLANS)
    for moment in (0, 60):
        made = allowance.reserve(1_000, moment)
        allowance.reported(made, headers(7_000 if moment == 0 else 2_000), moment + 0.1)
        allowance.settle(made, 1_000, moment + 0.1)
    assert allowance.free(60.1) == pytest.approx(2_000, abs=15)


def test_a_prompt_estimated_too_high_is_put_right_by_the_headers_and_given_back_once():
    allowance = Allowance(PLANS)
    first = allowance.reserve(100, 0)
    allowance.reported(first, headers(7_900), 0)
    allowance.settle(first, 100, 0)
    made = allowance.reserve(5_000, 60, doubt=1_000)
    allowance.reported(made, headers(3_600), 60)  # it took 4400 tokens
    assert allowance.free(60) == pytest.approx(3_600)
    allowance.settle(made, 400, 60)
    assert allowance.free(60) <= 7_600 + 1


def test_a_refusal_teaches_the_limit_it_names():
    allowance = Allowance(PLANS)
    allowance.reported(allowance.reserve(100, 0), headers(7_900), 0)
    allowance.refused(ToldLimit("tokens_per_day", 100_000, 97_050, 3_619), 60)
    room = allowance.room(3_619, 60)
    assert room.wait == pytest.approx(578.016, abs=0.05)
    assert (room.kind, room.told) == ("tokens_per_day", True)


def test_those_who_wait_are_served_in_their_order():
    allowance, news = Allowance(PLANS), []
    made = allowance.reserve(8_000, 0)
    allowance.reported(made, headers(0), 0)
    allowance.join(1, 2_000, lambda: news.append(1))
    assert allowance.room(1_000, 0, turn=0).wait == pytest.approx(7.5, abs=0.05)
    assert allowance.room(2_000, 0, turn=1).wait == pytest.approx(15, abs=0.05)
    assert allowance.room(1_000, 0, turn=2).wait == pytest.approx(22.5, abs=0.05)
    assert allowance.room(1_000, 0).wait == pytest.approx(22.5, abs=0.05)
    allowance.settle(made, 5_000, 0)
    assert news == [1]


def test_the_first_in_the_queue_has_the_room_that_is_left():
    allowance = Allowance(PLANS)
    allowance.reported(allowance.reserve(100, 0), headers(7_900), 0)
    allowance.join(1, 7_900, print)
    assert allowance.room(7_900, 60, turn=1).wait == 0
    assert allowance.room(1_000, 60, turn=2).wait > 0
    allowance.leave(1, print)
    assert allowance.room(1_000, 60, turn=2).wait == 0


CALLS = st.lists(
    st.tuples(
        st.floats(0, 100),  # seconds before it is asked for
        st.integers(1, 4_000),  # prompt
        st.integers(1, 4_000),  # output cap
        st.floats(0, 1),  # how much of the cap is written
        st.floats(0.005, 0.3),  # seconds on the way, each way
        st.floats(0.0, 5.0),  # seconds from the headers to the end
        st.floats(0.8, 1.0),  # the prompt, as part of what was estimated at most
    ),
    min_size=1,
    max_size=40,
)


class Faithful:
    """A client that keeps to its own count, and the simulator's limits, which judge it."""

    def __init__(self, limits: Limits, lanes: int) -> None:
        self.clock = asyncio.get_running_loop().time
        self.server = ModelLimits(limits, self.clock, organization="org", model="m")
        self.allowance = Allowance([limits])
        self.lanes = asyncio.Semaphore(lanes)

    async def ask(self, turn, pause, prompt, cap, written, network, seconds, share):
        await asyncio.sleep(pause)
        async with self.lanes:
            made = await self.admitted(turn, prompt + cap, doubt=prompt / 4)
            await asyncio.sleep(network)
            true_prompt = math.ceil(prompt * share)
            reservation = self.server.admit(true_prompt + cap)
            headers = self.server.headers()
            await asyncio.sleep(network)
            self.allowance.reported(made, rate_limits(headers), self.clock())
            await asyncio.sleep(seconds)
            used = true_prompt + int(written * cap)
            self.server.settle(reservation, used)
            await asyncio.sleep(network)
            self.allowance.settle(made, used, self.clock())

    async def admitted(self, turn, tokens, doubt):
        news = asyncio.Event()
        while (wait := self.allowance.room(tokens, self.clock(), turn).wait) > 0:
            news.clear()
            self.allowance.join(turn, tokens, news.set)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await news.wait()
            self.allowance.leave(turn, news.set)
        return self.allowance.reserve(tokens, self.clock(), doubt=doubt)


@settings(max_examples=200, deadline=None)
@given(
    CALLS, st.sampled_from([FREE, Limits(requests_per_minute=3, tokens_per_minute=8_000)]), st.integers(1, 4)
)
def test_a_provider_as_strict_as_groq_never_refuses_what_is_said_to_fit(calls, limits, lanes):
    async def play():
        client = Faithful(limits, lanes)
        async with asyncio.TaskGroup() as group:
            for turn, call in enumerate(calls):
                group.create_task(client.ask(turn, *call))
        used = client.server._tokens_per_minute.used
        now = client.clock()
        assert client.allowance._count.buckets["tokens_per_minute"].used(now) >= used - 1

    run_virtually(play())
