"""`tensorwall chat --json` and `--schema`: what goes to stdout, to stderr and on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
BAD, GOOD = '{"age": "old"}', '{"age":1.0e1, "n": [{}, {"x": [null]}]}'
AGE = "/age (line 1, column 9): 'old' is not of type 'integer'"


@pytest.fixture
def schema(tmp_path: Path) -> str:
    file = tmp_path / "a person.json"
    file.write_text(json.dumps(SCHEMA))
    return str(file)


def sent(simulator: Simulated) -> list[dict[str, Any]]:
    return [question["body"] for question in simulator.questions()]


def test_json_mode(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text='{"a": 1}')
    ran = tensorwall("chat", "one pair", "--json")
    assert (ran.status, ran.out, ran.err) == (0, '{"a": 1}\n', "")
    (body,) = sent(simulator)
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in json.dumps(body["messages"])
    (session,) = tensorwall("sessions", "list", "--format", "json").json
    shown = tensorwall("sessions", "show", session["id"], "--format", "json").json
    assert shown["session"]["system_prompt"] is None, "the instruction is no wish of the user's"


def test_a_schema_goes_on_the_wire(tensorwall: Run, simulator: Simulated, schema: str) -> None:
    ran = tensorwall("chat", "who?", "--schema", schema)
    assert ran.status == 0, ran.err
    assert isinstance(json.loads(ran.out)["age"], int)
    (body,) = sent(simulator)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "a_person", "schema": SCHEMA},
    }


def test_an_answer_that_is_piped_is_left_as_it_came(
    tensorwall: Run, simulator: Simulated, schema: str
) -> None:
    simulator.configure(text=GOOD)
    ran = tensorwall("chat", "who?", "--schema", schema, "--stats")
    assert (ran.status, ran.out) == (0, GOOD + "\n")


def test_a_broken_answer_is_mended(tensorwall: Run, simulator: Simulated, schema: str) -> None:
    simulator.configure(texts=[BAD, GOOD], reasoning="")
    ran = tensorwall("chat", "who?", "--schema", schema)
    assert (ran.status, ran.out) == (0, GOOD + "\n")
    assert ran.err == f"The answer does not fit the schema: {AGE}. Asking for a better one.\n"
    ran = tensorwall("costs", "--by", "role", "--format", "json")
    assert "repair" in ran.out


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "--output", "json")])
def test_an_answer_that_breaks_off_is_written_anew_and_only_once(
    tensorwall: Run, simulator: Simulated, arguments: tuple[str, ...]
) -> None:
    whole = '{"a": 1, "b": 2}'
    fault = {"kind": "cut", "after_tokens": 3, "times": 1}
    simulator.configure(texts=[whole, whole], reasoning="", faults=[fault])
    ran = tensorwall("chat", "JSON please", *arguments)
    assert ran.status == 0, ran.err
    assert (ran.json["text"] if "--output" in arguments else ran.out.rstrip("\n")) == whole
    model = "openai/gpt-oss-120b"
    assert f"asking {model} (groq) again: Groq broke off; {model} begins anew" in ran.err
    booked = tensorwall("costs", "--by", "role", "--format", "json")
    assert '"first"' in booked.out
    assert '"retry"' in booked.out
    (session,) = tensorwall("sessions", "list", "--format", "json").json
    shown = tensorwall("sessions", "show", session["id"], "--format", "json").json
    assert [row["message"]["content"] for row in shown["messages"]] == ["JSON please", whole]


def test_what_cannot_be_mended_is_kept_and_said(tensorwall: Run, simulator: Simulated) -> None:
    simulator.configure(text='{"a": 1,\n oops}')
    ran = tensorwall("chat", "JSON please", "--json")
    assert (ran.status, ran.out) == (1, '{"a": 1,\n oops}\n')
    assert "tensorwall: The answer is not valid JSON: line 2, column 2: " in ran.err
    assert "Ask again" in ran.err.splitlines()[-1]


def test_an_object_about_the_answer_has_the_violations(
    tensorwall: Run, simulator: Simulated, schema: str
) -> None:
    simulator.configure(text=BAD)
    ran = tensorwall("chat", "who?", "--schema", schema, "--output", "json")
    assert ran.status == 1
    assert ran.json["text"] == BAD
    assert ran.json["violations"] == [
        {"message": "'old' is not of type 'integer'", "line": 1, "column": 9, "pointer": "/age"}
    ]
    assert AGE in ran.json["error"]
    simulator.configure(text=GOOD)
    fits = tensorwall("chat", "who?", "--schema", schema, "--output", "json").json
    assert (fits["error"], fits["violations"], fits["text"]) == (None, [], GOOD)


def test_what_the_provider_refused_is_kept(tensorwall: Run, simulator: Simulated, schema: str) -> None:
    simulator.fail("json_validate_failed", failed_generation=BAD)
    ran = tensorwall("chat", "who?", "--schema", schema)
    assert (ran.status, ran.out) == (1, BAD + "\n")
    assert AGE in ran.err.splitlines()[-2]


def test_a_terminal_shows_it_set_out_in_colours(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated, schema: str
) -> None:
    simulator.configure(text='{"age":10,"who":"A\\u0042\u202e","ok":[true]}')
    terminal = on_terminal("chat", "who?", "--schema", schema)
    terminal.expect(r'\{\n  "age": 10,\n  "who": "A\\u0042",\n  "ok": \[\n    true\n  \]\n\}\n')
    assert terminal.wait() == 0
    assert b'\x1b[34;1m"age"\x1b[0m: \x1b[33m10\x1b[0m' in terminal.raw
    assert b'\x1b[32m"A' in terminal.raw
    assert b"\x1b[36mtrue" in terminal.raw


def test_a_terminal_shows_a_broken_answer_as_it_came(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated
) -> None:
    simulator.configure(text='{"a":\x1b[31m')
    terminal = on_terminal("chat", "who?", "--json")
    terminal.expect(r'\n\{"a":\u241b\[31m\n')
    terminal.expect("not valid JSON")


def test_half_of_a_json_answer_is_not_written(tensorwall: Run, simulator: Simulated) -> None:
    cut = {"kind": "cut", "after_tokens": 3}
    simulator.configure(text='{"a": [1, 2, 3, 4, 5, 6]}', reasoning="", faults=[cut])
    ran = tensorwall("chat", "JSON please", "--json")
    assert (ran.status, ran.out) == (1, "")
    assert "Ask again." in ran.err
    assert "continue" not in ran.err
