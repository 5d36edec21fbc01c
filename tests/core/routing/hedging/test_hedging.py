"""A second route beside one that is slow to begin: when, how often, and what becomes of the loser."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.chat import (
    Finished,
    RateLimits,
    ReasoningDelta,
    RouteChanged,
    RouteChosen,
    TextDelta,
    Usage,
    UsageReported,
)
from core.routing import HedgePolicy
from core.routing.hedging.policy import Hedging
from core.routing.recent_times import RecentTimes
from tests.core.routing.queue_times import QUEUE_TIMES
from tests.core.routing.queueing import Session, first_content_times, percentile
from tests.core.routing.scripted import HANG, Observed, request, text_of
from tests.virtual_time import run_in_virtual_time

QUICK = (0.2, TextDelta("Quick"), Finished("stop"))
EAGER = HedgePolicy(share=1.0)
EXTRA = 0.05
COUNT = 2000


def times_of(*seconds, at=0.0):
    times = RecentTimes()
    for each in seconds:
        times.observe(each, at)
    return times


# -- when -------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 60), min_size=1, max_size=100), st.floats(0.01, 1))
def test_fresh_times_have_the_quantiles_of_their_ranks(seconds, share):
    found = times_of(*seconds).quantile(share, 0.0)
    assert found in seconds
    assert sum(each <= found for each in seconds) >= share * len(seconds) - 1e-6
    assert sum(each < found for each in seconds) < share * len(seconds) + 1e-6


def test_old_times_weigh_less_than_new_ones():
    times = RecentTimes()
    for _ in range(20):
        times.observe(5.0, 0.0)
    for _ in range(20):
        times.observe(0.2, 6 * 3600.0)
    assert times.quantile(0.95, 6 * 3600.0) == 0.2


def test_a_route_has_its_usual_time_and_never_less_than_the_floor():
    hedging = Hedging(EAGER)
    hedging.asked()
    assert hedging.delay(times_of(*[0.1] * 20), 0.0) == 0.3
    assert hedging.delay(times_of(*[0.5] * 18, 2.0, 3.0), 0.0) == 2.0


def test_too_little_known_makes_no_hedge():
    hedging = Hedging(EAGER)
    hedging.asked()
    assert hedging.delay(times_of(*[0.5] * 9), 0.0) is None
    assert hedging.delay(times_of(*[0.5] * 20), 5 * 3600.0) is None


def test_a_rival_that_is_slow_itself_is_not_asked():
    hedging = Hedging(EAGER)
    assert hedging.is_worth_it(1.0, times_of(), 0.0)
    assert hedging.is_worth_it(1.0, times_of(0.2, 0.2, 0.2, 3.0, 0.2), 0.0)
    assert not hedging.is_worth_it(1.0, times_of(0.2, 0.2, 0.2, 0.2, 3.0, 3.0), 0.0)
    assert not hedging.is_worth_it(1.0, times_of(2.0, 2.0, 0.1), 0.0)


@given(st.lists(st.booleans(), max_size=400), st.floats(0, 0.2), st.floats(1, 8))
def test_hedges_never_exceed_their_share(wanted, share, saved):
    hedging, times = Hedging(HedgePolicy(share=share, saved=saved)), times_of(*[0.5] * 20)
    made = 0
    for place, want in enumerate(wanted, 1):
        hedging.asked()
        if want and hedging.delay(times, 0.0) is not None:
            hedging.take()
            made += 1
        assert made <= share * place + 1e-6


# -- the race ---------------------------------------------------------------------------------------


async def warmed_up():
    """A session whose first route is known to begin after 0.2 seconds."""
    session = Session(EAGER, observed=Observed())
    session.first.always = QUICK
    for _ in range(12):
        await session.ask()
    session.observed.started.clear()
    session.observed.ended.clear()
    session.first.asked.clear()
    return session


async def events_of(session, **fields):
    answer = session.router.stream(request(**fields))
    events = [event async for event in answer]
    assert session.first.open == session.second.open == 0
    assert len(asyncio.all_tasks()) == 1, "no task is left"
    return answer, events


def test_the_hedge_wins_when_it_begins_first_and_that_is_told():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.1, ReasoningDelta("Hm"), 9.0, TextDelta("Late"), Finished("stop"))]
        session.second.scripts = [
            (0.1, ReasoningDelta("So"), 0.1, TextDelta("Here"), UsageReported(Usage(3, 4)), Finished("stop"))
        ]
        answer, events = await events_of(session)
        assert text_of(events) == answer.response.text == "Here"
        left, won = [RouteChosen, ReasoningDelta], [RouteChosen, ReasoningDelta, TextDelta, UsageReported]
        assert [type(event) for event in events] == [*left, RouteChanged, *won, Finished]
        assert events[2].reason == "Groq was slow to begin; using m at Openai"
        assert (answer.response.provider, answer.response.reasoning) == ("openai", "So")
        calls = answer.decision.calls
        assert [(call.role, call.outcome) for call in calls] == [
            ("first", "cancelled"),
            ("hedge", "answered"),
        ]
        assert calls[0].output_characters == 2
        assert calls[0].duration == pytest.approx(0.5), "closed as soon as the other began"
        assert answer.decision.answering is calls[1]
        assert session.observed.outcomes == ["cancelled", "answered"]

    run_in_virtual_time(play())


def test_the_hedge_that_loses_is_closed_and_booked_and_nothing_is_told():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.4, ReasoningDelta("Hm"), 0.1, TextDelta("Here"), 0.1, Finished("stop"))]
        session.second.scripts = [(HANG,)]
        answer, events = await events_of(session)
        assert [type(event) for event in events] == [RouteChosen, ReasoningDelta, TextDelta, Finished]
        first, hedge = answer.decision.calls
        assert (first.role, first.outcome) == ("first", "answered")
        assert (hedge.role, hedge.outcome) == ("hedge", "cancelled")
        assert hedge.duration == pytest.approx(0.2)
        assert answer.decision.answering is first
        assert session.observed.outcomes == ["cancelled", "answered"], "it is over before the answer goes on"

    run_in_virtual_time(play())


def test_an_answer_in_its_usual_time_is_not_hedged():
    async def play():
        session = await warmed_up()
        await events_of(session)
        assert session.second.asked == []

    run_in_virtual_time(play())


def test_where_the_first_fails_the_hedge_that_is_out_takes_over():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.5, errors.ServerFailed("Broken."))]
        session.second.scripts = [(1.0, TextDelta("Here"), Finished("stop"))]
        _, events = await events_of(session)
        assert text_of(events) == "Here"
        assert session.observed.outcomes == ["failed", "answered"]
        assert len(session.second.asked) == 1

    run_in_virtual_time(play())


def test_a_hedge_that_fails_changes_nothing():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(1.0, TextDelta("Here"), Finished("stop"))]
        session.second.scripts = [(0.1, errors.ServerFailed("Broken."))]
        answer, events = await events_of(session)
        assert text_of(events) == "Here"
        assert [call.outcome for call in answer.decision.calls] == ["answered", "failed"]
        assert not any(isinstance(event, RouteChanged) for event in events)

    run_in_virtual_time(play())


def test_where_both_fail_the_error_tells_of_both():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.5, errors.UnexpectedResponse("Nonsense."))]
        session.second.scripts = [(1.0, errors.UnexpectedResponse("Rubbish."))]
        with pytest.raises(errors.AllRoutesFailed) as caught:
            await events_of(session)
        assert caught.value.message == "No route answered. Groq: Nonsense. Openai: Rubbish."

    run_in_virtual_time(play())


def test_a_winner_that_breaks_off_is_gone_on_with():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(9.0,), (TextDelta("Once upon a time."), Finished("stop"))]
        session.second.scripts = [(0.1, TextDelta("Once upon"), errors.StreamInterrupted("Cut."))]
        answer, events = await events_of(session)
        assert text_of(events) == answer.response.text == "Once upon a time."
        assert [call.role for call in answer.decision.calls] == ["first", "hedge", "rescue"]

    run_in_virtual_time(play())


@pytest.mark.parametrize("stop_after", [0.1, 0.35, 0.6])
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_stopping_closes_both_and_books_them(stop_after, how):
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.05, ReasoningDelta("Hm"), HANG)]
        session.second.scripts = [(HANG,)]
        answer = session.router.stream(request())

        async def consume():
            async for _ in answer:
                pass

        if how == "cancel":
            task = asyncio.create_task(consume())
            await asyncio.sleep(stop_after)
            task.cancel()
            await asyncio.wait([task])
        else:
            await anext(answer)
            await anext(answer)
            await asyncio.sleep(stop_after)
            await answer.aclose()
        hedged = stop_after > 0.3
        assert session.observed.outcomes == ["cancelled"] * (1 + hedged)
        assert session.first.open == session.second.open == 0
        assert len(asyncio.all_tasks()) == 1

    run_in_virtual_time(play())


def test_a_defect_in_a_provider_is_raised_and_not_waited_for():
    async def play():
        session = await warmed_up()
        session.first.scripts = [(0.5, ZeroDivisionError("oops"))]
        session.second.scripts = [(HANG,)]
        with pytest.raises(ZeroDivisionError):
            await events_of(session)
        assert sorted(session.observed.outcomes) == ["cancelled", "failed"]

    run_in_virtual_time(play())


# -- whether ----------------------------------------------------------------------------------------


def test_no_hedge_without_money_for_it():
    class Gate:
        async def admit(self, call, request, output_cap):
            if call.role == "hedge":
                raise errors.BudgetExceeded("No money.", scope="day")
            return output_cap

    async def play():
        session = await warmed_up()
        session.first.scripts = [(1.0, TextDelta("Here"), Finished("stop"))]
        answer = session.router.stream(request(), gate=Gate())
        assert text_of([event async for event in answer]) == "Here"
        assert [call.role for call in answer.decision.calls] == ["first"]
        assert session.second.asked == []

    run_in_virtual_time(play())


def test_no_hedge_while_a_limit_is_low():
    async def play():
        session = await warmed_up()
        health = session.router._health.of(session.second, "m")
        made = health.allowance.reserve(100, session.time.clock())
        limits = RateLimits(limit_tokens=8000, remaining_tokens=900, reset_tokens=53.0)
        health.allowance.reported(made, limits, session.time.clock())
        session.first.scripts = [(1.0, TextDelta("Here"), Finished("stop"))]
        await events_of(session)
        assert session.second.asked == []

    run_in_virtual_time(play())


def test_no_hedge_at_a_route_that_is_not_ready():
    async def play():
        session = await warmed_up()
        session.router._health.of(session.second, "m").busy_until = session.time.clock() + 60
        session.first.scripts = [(1.0, TextDelta("Here"), Finished("stop"))]
        await events_of(session)
        assert session.second.asked == []

    run_in_virtual_time(play())


def test_hedges_can_be_switched_off():
    async def play():
        session = Session(HedgePolicy(share=0), observed=Observed())
        session.first.always = QUICK
        for _ in range(40):
            await session.ask()
        session.first.scripts = [(9.0, TextDelta("Late"), Finished("stop"))]
        await events_of(session)
        assert session.second.asked == []

    run_in_virtual_time(play())


# -- what it is worth -------------------------------------------------------------------------------


def test_the_distribution_has_the_recorded_figures():
    assert (min(QUEUE_TIMES), max(QUEUE_TIMES)) == (pytest.approx(0.005), pytest.approx(5.6))
    assert percentile(list(QUEUE_TIMES), 0.5) == pytest.approx(0.10)


def test_hedging_halves_the_slowest_hundredth_with_a_twentieth_more_calls():
    plain, _ = run_in_virtual_time(first_content_times(COUNT, 1, HedgePolicy(share=0)))
    hedged, calls = run_in_virtual_time(first_content_times(COUNT, 1, HedgePolicy()))
    assert percentile(hedged, 0.99) <= 0.5 * percentile(plain, 0.99)
    assert calls <= (1 + EXTRA) * len(hedged)
