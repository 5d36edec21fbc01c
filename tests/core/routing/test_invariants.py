"""Whatever the providers do, every request ends well: any order of faults, strategies and pauses."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from core import errors
from core.catalogue import load_catalogue
from core.chat import Finished, ReasoningDelta, RouteChanged, RouteChosen, TextDelta, Waiting
from core.routing import LLMRouter, LoadBalanceStrategy, RetryPolicy, RouteEndpoint
from tests.core.routing.scripted import (
    ANSWER,
    Observed,
    ScriptedProvider,
    VirtualTime,
    collect,
    rate_limited,
    request,
    text_of,
)

CATALOGUE = load_catalogue()  # once: reading it takes longer than an example
KINDS = [
    errors.AccessDenied,
    errors.AuthenticationFailed,
    errors.CapacityExceeded,
    errors.ConnectionFailed,
    errors.CredentialsError,
    errors.InvalidRequest,
    errors.ModelUnavailable,
    errors.OutputInvalid,
    errors.ProviderError,
    errors.QuotaExhausted,
    errors.RequestTooLarge,
    errors.ServerFailed,
    errors.StreamInterrupted,
    errors.StreamStalled,
    errors.ToolCallInvalid,
    errors.UnexpectedResponse,
    errors.Unprocessable,
]
FAILURE = st.one_of(
    st.sampled_from(KINDS).map(lambda kind: kind("It failed.")),
    st.one_of(st.none(), st.sampled_from([0.0, 0.01, 4.8, 70.0, 1e9])).map(rate_limited),
)
SCRIPT = st.one_of(
    st.just(ANSWER),
    FAILURE.map(lambda error: (0.05, error)),
    FAILURE.map(lambda error: (ReasoningDelta("Hm"), error)),
    FAILURE.map(lambda error: (TextDelta("Hello"), error)),
    st.just(()),
    st.just((TextDelta("Hello"),)),
)
BEHAVIOUR = st.tuples(st.lists(SCRIPT, max_size=4), SCRIPT)
REQUEST = st.fixed_dictionaries(
    {"model": st.sampled_from(["llama-70b", "gemma2-9b-it", "m"])},
    optional={"service_tier": st.just("flex"), "max_completion_tokens": st.integers(1, 9000)},
)


@settings(max_examples=400, deadline=None)
@given(
    behaviours=st.lists(BEHAVIOUR, min_size=1, max_size=3),
    strategy=st.sampled_from(LoadBalanceStrategy),
    tiers=st.lists(st.integers(0, 1), min_size=3, max_size=3),
    requests=st.lists(st.tuples(REQUEST, st.floats(0, 100), st.booleans()), min_size=1, max_size=5),
    retries=st.integers(0, 3),
    seed=st.integers(0, 100),
)
def test_every_request_ends_in_an_answer_or_one_clear_error(
    behaviours, strategy, tiers, requests, retries, seed
):
    time, observed = VirtualTime(), Observed()
    providers = [
        ScriptedProvider(name, time, scripts, always=always)
        for name, (scripts, always) in zip(("groq", "openai", "ollama"), behaviours, strict=False)
    ]
    policy = RetryPolicy(retries=retries)
    router = LLMRouter(
        strategy=strategy,
        catalogue=CATALOGUE,
        clock=time.clock,
        sleep=time.sleep,
        random=Random(seed),
        observer=observed,
        retry=policy,
    )
    router.add_route(
        "*",
        [
            RouteEndpoint(provider=provider, priority=tier)
            for provider, tier in zip(providers, tiers, strict=False)
        ],
    )

    async def play():
        for fields, pause, streamed in requests:
            time.now += pause
            if streamed:
                await _stream(router, fields, policy, providers)
            else:
                await _chat(router, fields, policy, providers)

    asyncio.run(play())
    assert observed.started == observed.ended, "each call ended, in order"
    assert len(observed.ended) == sum(len(provider.asked) for provider in providers)
    assert all(provider.open == 0 for provider in providers)


async def _stream(router, fields, policy, providers):
    answer, seen, raised = router.stream(request(**fields)), [], None
    try:
        await collect(answer, seen)
    except errors.TensorWallError as error:
        raised = error
    decision = answer.decision
    assert (raised is None) == isinstance(seen[-1], Finished)
    assert (raised is None) == (answer.response is not None)
    assert sum(isinstance(event, Finished) for event in seen) == (raised is None)
    chosen = [event for event in seen if isinstance(event, RouteChosen)]
    assert [event.call_id for event in chosen] == [call.call_id for call in decision.calls]
    assert text_of(seen) == answer.partial, "no text of a route that was left is passed on"
    for event, after in zip(seen, [*seen[1:], None], strict=True):
        if isinstance(event, RouteChanged):
            assert (after.provider, after.model) == (event.to_provider, event.to_model)
    outcomes = [call.outcome for call in decision.calls]
    assert set(outcomes[:-1]) <= {"failed", "interrupted"}
    begun = outcomes.index("interrupted") if "interrupted" in outcomes else len(outcomes)
    assert [event.continues for event in chosen] == [place > begun for place in range(len(chosen))]
    assert all(call.role == "rescue" for call in decision.calls[begun + 1 :])
    if raised is None:
        assert outcomes[-1] == "answered"
        assert answer.response.text == text_of(seen)
    elif text_of(seen):
        assert type(raised).__name__ == decision.calls[begun].error_type
    waits = [event.seconds for event in seen if isinstance(event, Waiting)]
    _check(raised, decision, policy, providers, interrupted=bool(text_of(seen)))
    assert sum(waits) <= policy.longest_wait + 1e-6


async def _chat(router, fields, policy, providers):
    try:
        response = await router.chat(request(**fields))
    except errors.TensorWallError as error:
        decision = error.decision if isinstance(error, errors.AllRoutesFailed) else None
        if decision is not None:
            _check(error, decision, policy, providers)
        return
    assert response.decision.calls[-1].outcome == "answered"
    _check(None, response.decision, policy, providers)


def _check(raised, decision, policy, providers, *, interrupted=False):
    assert decision.waited <= policy.longest_wait + 1e-6
    most = policy.retries + 1 + 3 + 3  # one repeat, one other tier, one smaller request, three rescues
    assert len(decision.calls) <= len(providers) * 2 * most, "two models at most a provider"
    tried = {(call.provider, call.model) for call in decision.calls}
    assert not tried & {(skipped.provider, skipped.model) for skipped in decision.skipped}
    if raised is None or interrupted:
        return
    failed = [call.error for call in decision.calls]
    if isinstance(raised, errors.AllRoutesFailed):
        assert [cause.message for cause in raised.causes] == failed
        assert raised.message
        assert {call.provider for call in decision.calls} == {provider.name for provider in providers} or any(
            isinstance(cause, errors.InvalidRequest) for cause in raised.causes
        ), "no route is left untried"
    else:
        assert isinstance(raised, errors.InvalidRequest)
        assert len(failed) == 1
