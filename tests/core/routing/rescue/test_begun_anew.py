"""Answers that break off, of text, JSON and tool calls, for readers that can take back all or none of it."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from core import errors
from core.catalogue import load_catalogue
from core.chat import (
    Finished,
    JsonObjectFormat,
    ReasoningDelta,
    RouteChanged,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from core.costs.booked_usage import booked_usage
from core.routing import LLMRouter, RouteEndpoint
from tests.core.routing.scripted import Observed, ScriptedProvider, VirtualTime, collect, request, text_of

CATALOGUE = load_catalogue()  # once: reading it takes longer than an example
TEXT, THOUGHT = TextDelta("It was late. Once upon a time."), ReasoningDelta("Hm")
TOOL = ToolCallDelta(0, "a", "clock", '{"zone": "UTC"}')
BEGINNING = st.lists(st.sampled_from([TEXT, THOUGHT, TOOL]), max_size=3, unique_by=type).map(tuple)
BREAK = st.sampled_from(
    [
        errors.StreamInterrupted,
        errors.StreamStalled,
        errors.ServerFailed,
        errors.ToolCallInvalid,
        errors.OutputInvalid,
        errors.InvalidRequest,
    ]
).map(lambda kind: kind("It failed."))
END = (UsageReported(Usage(7, 3)), Finished("stop"))
SCRIPT = st.one_of(
    BEGINNING.map(lambda begun: (*begun, *END)),
    st.tuples(BEGINNING, BREAK).map(lambda parts: (*parts[0], parts[1])),
    BEGINNING,
)


@settings(max_examples=400, deadline=None)
@given(
    behaviours=st.lists(st.lists(SCRIPT, max_size=4), min_size=1, max_size=3),
    irrevocable=st.sampled_from(["all", "text", "nothing"]),
    json=st.booleans(),
    seed=st.integers(0, 100),
)
def test_what_has_been_shown_for_good_stands_and_the_rest_is_one_whole_answer(
    behaviours, irrevocable, json, seed
):
    time, observed = VirtualTime(), Observed()
    providers = [
        ScriptedProvider(name, time, scripts, always=(TEXT, *END))
        for name, scripts in zip(("groq", "openai", "ollama"), behaviours, strict=False)
    ]
    router = LLMRouter(
        catalogue=CATALOGUE, clock=time.clock, sleep=time.sleep, random=Random(seed), observer=observed
    )
    router.add_route("m", [RouteEndpoint(provider=provider) for provider in providers])
    fields = {"response_format": JsonObjectFormat()} if json else {}
    answer, seen, raised = router.stream(request(**fields), irrevocable=irrevocable), [], None

    async def play():
        nonlocal raised
        try:
            await collect(answer, seen)
        except errors.TensorWallError as error:
            raised = error

    asyncio.run(play())
    assert observed.started == observed.ended == answer.decision.calls
    assert all(provider.open == 0 for provider in providers)
    assert (raised is None) == (answer.response is not None)

    asked = [sent for provider in providers for _, sent in provider.asked]
    rescues = sum(call.role == "rescue" for call in observed.ended)
    assert sum(len(sent.messages) > 1 for sent in asked) == rescues, "only these are asked to go on"

    chosen_at = [place for place, event in enumerate(seen) if isinstance(event, RouteChosen)]
    begun_at = [place for place in chosen_at if not seen[place].continues]
    for place in begun_at:
        before = seen[:place]
        if irrevocable != "nothing":
            assert text_of(before) == "", "text stands"
        if irrevocable == "all":
            assert not any(isinstance(event, ToolCallDelta) for event in before), "all of it stands"
        call_before = max((at for at in chosen_at if at < place), default=0)
        if any(isinstance(event, TextDelta | ToolCallDelta) for event in seen[call_before:place]):
            change = seen[place - 1]
            assert isinstance(change, RouteChanged), "what was shown is not replaced without a word"
            assert change.reason.endswith("begins anew")
    if answer.response is None:
        return
    last = seen[begun_at[-1] :]
    assert answer.response.text == answer.partial == text_of(last)
    assert bool(answer.response.tool_calls) == any(isinstance(event, ToolCallDelta) for event in last)
    assert all(call.function.arguments == TOOL.arguments for call in answer.response.tool_calls)
    booked = [
        booked_usage(call)
        for call in observed.ended
        if call.first_content is not None or call.role == "rescue" or call.outcome == "answered"
    ]
    assert answer.response.usage.completion_tokens == sum(usage.completion_tokens for usage in booked)
    assert answer.response.usage.prompt_tokens == sum(usage.prompt_tokens for usage in booked)
