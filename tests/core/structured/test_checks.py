"""Whether a whole answer is what was wanted, and what is said where it is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat import ChatResponse, Decision, FinishReason, JsonObjectFormat, JsonSchema, JsonSchemaFormat
from core.errors import AllRoutesFailed, ConnectionFailed, OutputInvalid, ServerFailed
from core.structured import Violation
from core.structured.checks import check_answer, check_refusal, refused_output, verdict

OBJECT = JsonObjectFormat()
NUMBERS = JsonSchemaFormat(
    json_schema=JsonSchema(schema={"type": "object", "additionalProperties": {"type": "number"}})
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def answer(text: str, finish_reason: FinishReason = "stop") -> ChatResponse:
    return ChatResponse(text, "groq", "m", finish_reason)


@given(JSON)
def test_one_json_object_is_well_and_nothing_else_is(value: object) -> None:
    violations = check_answer(answer(json.dumps(value)), OBJECT)
    assert bool(violations) is not isinstance(value, dict)
    assert all(violation.pointer == "" for violation in violations)


@settings(deadline=None)  # the first imports jsonschema
@given(st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=12))
def test_what_breaks_the_schema_is_named_and_counted(value: dict[str, object]) -> None:
    text = json.dumps(value, indent=1)
    violations = check_answer(answer(text), NUMBERS)
    wrong = [name for name, each in value.items() if isinstance(each, str)]
    assert len(violations) == min(len(wrong), 8)
    if violations:
        said = verdict(violations, NUMBERS)
        assert said.startswith("The answer does not fit the schema: ")
        assert ("; and " in said.rpartition(" is not of type 'number'")[2]) is (len(violations) > 3)
        assert said.endswith(".")


@given(st.text(max_size=40), st.text(max_size=40))
def test_an_answer_that_was_cut_off_is_said_to_be_at_its_end(first: str, last: str) -> None:
    text = f'{{"a": "{json.dumps(first)[1:-1]}\n{json.dumps(last)[1:-1]}'
    (violation,) = check_answer(answer(text, "length"), OBJECT)
    column = len(text.split("\n")[-1]) + 1
    assert violation == Violation("it was cut off at the longest length allowed", 2, column)


def test_an_answer_that_was_cut_off_behind_its_end_is_whole() -> None:
    assert check_answer(answer('{"a": 1}', "length"), OBJECT) == ()


@pytest.mark.parametrize("reason", ["tool_calls", "content_filter"])
def test_what_is_no_answer_yet_is_not_checked(reason: FinishReason) -> None:
    assert check_answer(answer("", reason), OBJECT) == ()


def test_a_refused_text_is_told_with_its_own_fault_or_with_the_refusal() -> None:
    assert check_refusal("", OBJECT, "No JSON was made.") == (Violation("No JSON was made.", 1, 1),)
    assert check_refusal('{"a": 1}', OBJECT, "Refused.") == (Violation("Refused.", 1, 9),)
    (wrong,) = check_refusal('{"a": "x"}', NUMBERS, "Refused.")
    assert wrong.pointer == "/a"
    broken, refused = check_refusal('{"a": \n', OBJECT, "Refused.")
    assert broken.message == "Expecting value"
    assert refused == Violation("Refused.", 2, 1)


def test_the_last_refusal_of_what_a_model_wrote_is_found_among_the_causes() -> None:
    first, last = OutputInvalid("one"), OutputInvalid("two")
    decision = Decision("m", "random")
    failed = AllRoutesFailed("none", causes=[first, last, ServerFailed("down")], decision=decision)
    assert refused_output(failed) is last
    assert refused_output(first) is first
    assert refused_output(AllRoutesFailed("none", causes=[ConnectionFailed("no")], decision=decision)) is None


@pytest.mark.parametrize(
    ("violations", "wanted", "said"),
    [
        ((Violation("Expecting value.", 1, 1),), NUMBERS, "The answer is not valid JSON: line 1, column 1: "),
        ((Violation("an array", 1, 1, ""),), OBJECT, "The answer is not one JSON object: "),
        ((Violation("not a number", 1, 6, "/a"),), NUMBERS, "The answer does not fit the schema: /a (line 1"),
    ],
)
def test_the_verdict_says_what_kind_of_wrong_it_is(
    violations: tuple[Violation, ...], wanted: JsonObjectFormat | JsonSchemaFormat, said: str
) -> None:
    told = verdict(violations, wanted)
    assert told.startswith(said)
    assert told.endswith(violations[0].message.rstrip(".") + ".")
