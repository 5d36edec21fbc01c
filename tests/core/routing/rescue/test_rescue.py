"""An answer that breaks off is gone on with elsewhere, and reads as one; in virtual time."""

from decimal import Decimal

import pytest

from core import errors
from core.chat import (
    Finished,
    JsonObjectFormat,
    Message,
    ReasoningDelta,
    RouteChanged,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    ToolDefinition,
    Usage,
    UsageReported,
)
from core.costs.booked_usage import booked_usage
from core.routing import RouteEndpoint
from core.routing.rescue.continuation import can_be_continued, continuation, last_sentence
from tests.core.routing.scripted import ANSWER, collect, request, text_of

CUT = errors.StreamInterrupted("Cut.")
BEGUN = (TextDelta("It was late. Once upon"), TextDelta(" a"), CUT)
REST = (TextDelta("Once upon a"), TextDelta(" time."), UsageReported(Usage(20, 5)), Finished("stop"))
WHOLE = "It was late. Once upon a time."


async def events_of(answer):
    return [event async for event in answer]


@pytest.mark.parametrize(
    "error",
    [
        CUT,
        errors.ConnectionFailed("Reset."),
        errors.ServerFailed("Broken.", status=500),
        errors.StreamStalled("Silent."),
        errors.UnexpectedResponse("Garbage."),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_another_route_goes_on_and_the_answer_is_whole(bench, error):
    first, second = bench.set_up([(*BEGUN[:2], error)], [REST])
    answer = bench.router.stream(request())
    events = await events_of(answer)
    assert text_of(events) == answer.partial == answer.response.text == WHOLE
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert (change.from_provider, change.to_provider) == ("groq", "openai")
    assert change.reason.endswith("; m at Openai goes on")
    assert [event.continues for event in events if isinstance(event, RouteChosen)] == [False, True]
    assert isinstance(events[-1], Finished)
    assert bench.observed.outcomes == ["interrupted", "answered"]
    assert [call.role for call in answer.decision.calls] == ["first", "rescue"]
    assert (first.open, second.open) == (0, 0)
    assert bench.time.slept == []


async def test_the_new_route_is_shown_what_was_said_and_told_where_to_go_on(bench):
    _, second = bench.set_up([BEGUN], [REST])
    await events_of(bench.router.stream(request(max_completion_tokens=100)))
    (asked,) = [asked for _, asked in second.asked]
    assert [message.role for message in asked.messages] == ["user", "assistant", "user"]
    assert asked.messages[1].text == "It was late. Once upon a"
    assert "\n\nOnce upon a\n\n" in asked.messages[2].text
    assert asked.max_completion_tokens == 94


async def test_usage_and_cost_are_those_of_both_calls(bench):
    groq, openai = bench.set_up([BEGUN], [REST])
    endpoints = [
        RouteEndpoint(provider=groq),
        RouteEndpoint(provider=openai, priority=1, model="gpt-5.4-nano"),
    ]
    bench.router.add_route("fast", endpoints)
    answer = bench.router.stream(request("fast"))
    await events_of(answer)
    first, second = answer.decision.calls
    assert first.usage is None
    assert answer.response.usage == booked_usage(first) + Usage(20, 5)
    assert answer.response.usage.estimated
    models = bench.router._models
    assert answer.response.cost == models.cost(first, booked_usage(first)) + models.cost(second)
    assert answer.response.cost > Decimal(0)


async def test_the_same_weights_go_on_before_the_next_in_rank(bench):
    first, second, third = bench.set_up([BEGUN], [REST], [REST])
    endpoints = [
        RouteEndpoint(provider=first, model="openai/gpt-oss-120b"),
        RouteEndpoint(provider=second, priority=1, model="gpt-5.4-mini"),
        RouteEndpoint(provider=third, priority=2, model="gpt-oss:120b"),
    ]
    bench.router.add_route("m", endpoints)
    assert text_of(await events_of(bench.router.stream(request()))) == WHOLE
    assert (len(second.asked), len(third.asked)) == (0, 1)


async def test_a_route_without_another_goes_on_itself_and_says_so(bench):
    (only,) = bench.set_up([BEGUN, REST])
    events = await events_of(bench.router.stream(request()))
    assert text_of(events) == WHOLE
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert (change.from_provider, change.to_provider) == ("groq", "groq")
    assert len(only.asked) == 2


async def test_a_rescue_that_breaks_off_is_rescued_from_where_it_came_to(bench):
    bench.set_up(
        [BEGUN],
        [(TextDelta(" time"), CUT)],
        [(TextDelta("Once upon a time"), TextDelta(", far."), Finished("stop"))],
    )
    answer = bench.router.stream(request())
    assert text_of(await events_of(answer)) == "It was late. Once upon a time, far."
    assert bench.observed.outcomes == ["interrupted", "interrupted", "answered"]


async def test_a_rescue_that_fails_is_left_for_the_next(bench):
    bench.set_up([BEGUN], [(errors.ServerFailed("Broken."),)], [REST])
    answer = bench.router.stream(request())
    assert text_of(await events_of(answer)) == WHOLE
    assert bench.observed.outcomes == ["interrupted", "failed", "answered"]


async def test_rescues_come_to_an_end(bench):
    (only,) = bench.set_up_always((TextDelta("on and "), CUT))
    answer, seen = bench.router.stream(request()), []
    with pytest.raises(errors.StreamInterrupted) as caught:
        await collect(answer, seen)
    assert caught.value is CUT
    assert answer.partial == text_of(seen)
    assert len(only.asked) <= 4


async def test_another_answer_in_place_of_the_rest_is_refused(bench):
    said = "Here are three reasons why it works. First, it is quick. Second, it is cheap and everyone knows"
    other = "Here are three reasons why it helps. Alas, none of them is known."
    bench.set_up(
        [(TextDelta(said), CUT)],
        [(TextDelta(other), Finished("stop"))],
        [(errors.ConnectionFailed("Down."),)],
    )
    bench.providers[0].always = (errors.ConnectionFailed("Down."),)
    answer = bench.router.stream(request())
    with pytest.raises(errors.StreamInterrupted):
        await events_of(answer)
    assert answer.partial == said
    refused = answer.decision.calls[1]
    assert (refused.outcome, refused.error_type) == ("failed", "UnexpectedResponse")
    assert refused.output_characters == len(other), "what it wrote is billed all the same"


async def test_the_reasoning_about_how_to_go_on_is_not_shown(bench):
    bench.set_up([(ReasoningDelta("Hm"), *BEGUN)], [(ReasoningDelta("Where was I?"), *REST)])
    answer = bench.router.stream(request())
    events = await events_of(answer)
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Hm"
    assert answer.response.reasoning == "Hm"


async def test_a_route_that_is_not_ready_is_not_waited_for_within_an_answer(bench):
    first, second = bench.set_up([ANSWER, BEGUN], [(errors.RateLimited("Full."),)])
    bench.router.health()
    bench.router._health.of(second, "m").busy_until = bench.time.now + 1000
    await events_of(bench.router.stream(request()))
    first.always = (errors.ConnectionFailed("Down."),)
    with pytest.raises(errors.StreamInterrupted):
        await events_of(bench.router.stream(request()))
    assert second.asked == []
    assert bench.time.slept == []


# -- never ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "begun"),
    [
        ({}, (TextDelta("Let me see."), ToolCallDelta(0, "a", "clock"))),
        ({"response_format": JsonObjectFormat()}, (TextDelta('{"a"'),)),
        ({"relayed": {"messages": [], "response_format": {"type": "json_object"}}}, (TextDelta('{"a"'),)),
        ({"relayed": {"messages": [], "logprobs": True}}, (TextDelta("Hi"),)),
    ],
    ids=["tools", "json", "relayed json", "logprobs"],
)
async def test_what_is_more_than_text_fails_clearly(bench, fields, begun):
    _, second = bench.set_up([(*begun, CUT)], [REST])
    answer = bench.router.stream(request(**fields))
    with pytest.raises(errors.StreamInterrupted) as caught:
        await events_of(answer)
    assert caught.value is CUT
    assert answer.partial == text_of(begun)
    assert second.asked == []


@pytest.mark.parametrize(
    "error", [errors.InvalidRequest("No."), errors.ToolCallInvalid("Bad."), errors.OutputInvalid("Bad.")]
)
async def test_what_the_model_wrote_or_was_asked_is_at_fault_everywhere(bench, error):
    _, second = bench.set_up([(*BEGUN[:2], error)], [REST])
    with pytest.raises(type(error)):
        await events_of(bench.router.stream(request()))
    assert second.asked == []


async def test_tools_that_are_only_offered_do_not_stand_in_the_way(bench):
    tool = ToolDefinition.model_validate({"function": {"name": "clock"}})
    bench.set_up([BEGUN], [REST])
    assert text_of(await events_of(bench.router.stream(request(tools=[tool])))) == WHOLE


# -- begun anew -----------------------------------------------------------------------------------

TOOL = (ToolCallDelta(0, "a", "clock", '{"zone"'), CUT)
WHOLE_TOOL = (ToolCallDelta(0, "b", "clock", '{"zone": "UTC"}'), Finished("tool_calls"))
JSON_FIELDS = {"response_format": JsonObjectFormat()}
JSON_CUT = (TextDelta('{"a"'), CUT)
JSON_WHOLE = (TextDelta('{"a": 1}'), UsageReported(Usage(20, 5)), Finished("stop"))


async def test_a_tool_call_that_breaks_off_is_made_anew_elsewhere(bench):
    first, second = bench.set_up([TOOL], [WHOLE_TOOL])
    answer = bench.router.stream(request(), irrevocable="text")
    events = await events_of(answer)
    (tool,) = answer.response.tool_calls
    assert (tool.id, tool.function.arguments) == ("b", '{"zone": "UTC"}')
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert change.reason == "Groq broke off; m at Openai begins anew"
    assert [event.continues for event in events if isinstance(event, RouteChosen)] == [False, False]
    assert events.index(change) > events.index(TOOL[0])
    assert bench.observed.outcomes == ["interrupted", "answered"]
    assert [call.role for call in answer.decision.calls] == ["first", "fallback"]
    assert second.asked == [("m", request())], "the whole call, and no request to go on"
    assert (first.open, second.open) == (0, 0)


async def test_json_that_breaks_off_is_written_anew_and_costs_both_calls(bench):
    groq, openai = bench.set_up([JSON_CUT], [JSON_WHOLE])
    endpoints = [
        RouteEndpoint(provider=groq),
        RouteEndpoint(provider=openai, priority=1, model="gpt-5.4-nano"),
    ]
    bench.router.add_route("fast", endpoints)
    answer = bench.router.stream(request("fast", **JSON_FIELDS), irrevocable="nothing")
    await events_of(answer)
    assert answer.partial == answer.response.text == '{"a": 1}'
    first, second = answer.decision.calls
    assert answer.response.usage == booked_usage(first) + Usage(20, 5)
    models = bench.router._models
    assert answer.response.cost == models.cost(first, booked_usage(first)) + models.cost(second)


async def test_a_route_without_another_is_asked_anew_and_that_is_told(bench):
    (only,) = bench.set_up([TOOL, WHOLE_TOOL])
    answer = bench.router.stream(request(), irrevocable="text")
    events = await events_of(answer)
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert (change.from_provider, change.to_provider) == ("groq", "groq")
    assert change.reason == "Groq broke off; m begins anew"
    assert [call.role for call in answer.decision.calls] == ["first", "retry"]
    assert len(only.asked) == 2


@pytest.mark.parametrize(
    ("irrevocable", "fields", "begun"),
    [
        ("all", {}, TOOL),
        ("all", JSON_FIELDS, JSON_CUT),
        ("text", JSON_FIELDS, JSON_CUT),
        ("text", {}, (TextDelta("Let me see."), *TOOL)),
    ],
)
async def test_what_has_been_shown_for_good_is_never_begun_anew(bench, irrevocable, fields, begun):
    _, second = bench.set_up([begun], [WHOLE_TOOL])
    with pytest.raises(errors.StreamInterrupted):
        await events_of(bench.router.stream(request(**fields), irrevocable=irrevocable))
    assert second.asked == []


async def test_text_before_a_tool_call_is_taken_back_with_it(bench):
    bench.set_up([(TextDelta("Let me see."), *TOOL)], [(TextDelta("A moment."), *WHOLE_TOOL)])
    answer = bench.router.stream(request(), irrevocable="nothing")
    await events_of(answer)
    assert answer.response.text == "A moment."
    assert [tool.id for tool in answer.response.tool_calls] == ["b"]


async def test_a_rescue_that_breaks_off_in_a_tool_call_is_made_anew_as_a_whole(bench):
    bench.set_up([BEGUN], [(TextDelta("Once upon a time."), *TOOL)], [WHOLE_TOOL])
    answer = bench.router.stream(request(max_completion_tokens=100), irrevocable="nothing")
    await events_of(answer)
    assert answer.response.text == ""
    assert [tool.id for tool in answer.response.tool_calls] == ["b"]
    assert bench.providers[2].asked == [("m", request(max_completion_tokens=100))]
    assert [call.role for call in answer.decision.calls] == ["first", "rescue", "fallback"]


async def test_beginning_anew_comes_to_an_end(bench):
    (only,) = bench.set_up_always(TOOL)
    answer = bench.router.stream(request(), irrevocable="nothing")
    with pytest.raises(errors.AllRoutesFailed):
        await events_of(answer)
    assert 1 < len(only.asked) <= 4
    assert {call.outcome for call in bench.observed.ended} == {"interrupted"}


async def test_a_tool_call_that_the_provider_refuses_is_made_anew_once(bench):
    (only,) = bench.set_up([(TOOL[0], errors.ToolCallInvalid("Bad.")), WHOLE_TOOL])
    answer = bench.router.stream(request(), irrevocable="text")
    await events_of(answer)
    assert [tool.id for tool in answer.response.tool_calls] == ["b"]
    assert len(only.asked) == 2


async def test_what_the_caller_mends_itself_is_not_begun_anew(bench):
    (only,) = bench.set_up([(JSON_CUT[0], errors.OutputInvalid("Bad."))])
    mends = (errors.OutputInvalid,)
    with pytest.raises(errors.OutputInvalid):
        await events_of(bench.router.stream(request(**JSON_FIELDS), mends=mends, irrevocable="nothing"))
    assert len(only.asked) == 1


# -- the request ------------------------------------------------------------------------------------


def test_a_relayed_body_goes_on_as_it_came():
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi", "odd": 1}], "seed": 3}
    asked = continuation(request(relayed=body), "Once upon", prefill=False)
    assert asked.relayed["seed"] == 3
    assert asked.relayed["messages"][0] == body["messages"][0]
    assert [message["role"] for message in asked.relayed["messages"]] == ["user", "assistant", "user"]
    assert len(body["messages"]) == 1
    assert can_be_continued(asked)


def test_a_model_that_goes_on_by_itself_needs_no_words():
    asked = continuation(request(), "Once upon", prefill=True)
    assert asked.messages[-1] == Message(role="assistant", content="Once upon")


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("It was late. Once upon a", "Once upon a"),
        ("Once", "Once"),
        ("It was late. He", "It was late. He"),
        ("It was late in the day. ", "It was late in the day. "),
        ("# Title\n\n- the first point\n- the second po", "- the second po"),
        ("if not made.open:\n            re", "if not made.open:\n            re"),
        ("今日は天気がとてもいいです。\n　　明日も", "今日は天気がとてもいいです。\n　　明日も"),
        ("x" * 400 + " " * 150, "x" * 120 + " " * 150),
        ("word " * 200, None),
        ("x" * 1000, "x" * 120),
    ],
)
def test_what_is_said_again_begins_where_the_last_sentence_does(said, again):
    tail = said[last_sentence(said) :]
    if again is None:
        assert tail.startswith("word")
        assert len(tail) <= 120
    else:
        assert tail == again


@pytest.mark.parametrize(
    ("begun", "hint"),
    [
        (TextDelta("on and "), "Ask again, or continue from what arrived."),
        (ToolCallDelta(0, "a", "clock"), "Ask again."),
    ],
    ids=["text", "tools"],
)
async def test_only_half_a_text_is_said_to_be_of_use(bench, begun, hint):
    bench.set_up_always((begun, errors.StreamInterrupted("Cut.", hint="Ask again.")))
    with pytest.raises(errors.StreamInterrupted) as caught:
        await events_of(bench.router.stream(request()))
    assert caught.value.hint == hint
