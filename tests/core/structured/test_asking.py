"""How JSON is asked for, by what models can."""

from __future__ import annotations

import pytest

from core.chat import JsonObjectFormat, JsonSchema, JsonSchemaFormat, ResponseFormat
from core.structured import Violation, asked_of, repair_messages

OBJECT = JsonObjectFormat()
PERSON = JsonSchemaFormat(json_schema=JsonSchema(schema={"type": "object", "required": ["näme"]}))
LIST = JsonSchemaFormat(json_schema=JsonSchema(schema={"type": "array"}))


@pytest.mark.parametrize(
    ("wanted", "capabilities", "sent", "told"),
    [
        (OBJECT, None, OBJECT, "Be brief.\n\nAnswer with one JSON object alone."),
        (OBJECT, {"json_object"}, OBJECT, "Be brief.\n\nAnswer with one JSON object alone."),
        (OBJECT, {"tools"}, None, "Be brief.\n\nAnswer with one JSON object alone."),
        (PERSON, None, PERSON, "Be brief."),
        (PERSON, {"json_object", "json_schema"}, PERSON, "Be brief."),
        (PERSON, {"json_object"}, OBJECT, '"näme"'),
        (PERSON, set(), None, '"näme"'),
        (LIST, {"json_object"}, None, '"array"'),
    ],
)
def test_a_model_is_asked_by_what_it_can(
    wanted: ResponseFormat, capabilities: set[str] | None, sent: ResponseFormat | None, told: str
) -> None:
    form, prompt = asked_of(wanted, capabilities, "Be brief.")
    assert form == sent
    assert prompt.startswith("Be brief.")
    assert told in prompt
    assert (form != OBJECT) or "JSON" in prompt


def test_instructions_that_name_json_are_left_alone() -> None:
    assert asked_of(OBJECT, None, "Reply in json.") == (OBJECT, "Reply in json.")
    assert asked_of(OBJECT, None, "")[1] == "Answer with one JSON object alone."


def test_a_repair_shows_the_answer_and_what_is_wrong_with_it() -> None:
    answer, complaint = repair_messages("{oops", [Violation("bad", 1, 2), Violation("worse", 3, 4, "/a")])
    assert (answer.role, answer.text) == ("assistant", "{oops")
    assert complaint.role == "user"
    assert "- line 1, column 2: bad\n- /a (line 3, column 4): worse\n" in complaint.text


def test_nothing_is_no_answer_to_hand_back() -> None:
    (complaint,) = repair_messages(" \n", [Violation("Expecting value", 1, 1)])
    assert complaint.role == "user"
