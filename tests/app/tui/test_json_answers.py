"""Asking for JSON, and reading it: set out, folded by key, what is wrong with it told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.app.tui.conftest import User, opened
from tests.simulated import Simulated

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
NESTED = '{"age":36,"who":{"name":"Ada","tags":["a","b",{"x":1}]},"none":[],"last":[1.50]}'
SHOWN = """\
▾ {
    "age": 36,
▾   "who": {
      "name": "Ada",
▾     "tags": [
        "a",
        "b",
▾       {
          "x": 1
        }
      ]
    },
    "none": [],
▾   "last": [
      1.50
    ]
  }"""


def shown(user: User) -> list[str]:
    """The rows on screen without the block cursor's bar and the page's margin."""
    return [line[2:].rstrip() for line in user.screen.splitlines()]


def rows(text: str) -> list[str]:
    return text.splitlines()


def has(user: User, text: str) -> bool:
    return "\n".join(rows(text)) in "\n".join(shown(user))


async def test_a_key_and_a_command_ask_for_json_and_the_strip_says_so(folder: Path, keyed: Simulated) -> None:
    (folder / "person.json").write_text(json.dumps(SCHEMA))
    async with opened(folder) as user:
        await user.presses("alt+j")
        await user.until(lambda: "JSON" in user.screen.splitlines()[-2])
        await user.presses("alt+j")
        await user.until(lambda: "JSON" not in user.screen.splitlines()[-2])
        await user.sends("/json schema person.json")
        await user.until(lambda: "JSON person" in user.screen.splitlines()[-2])
        await user.asks("Who?")
        assert keyed.questions()[0]["body"]["response_format"]["json_schema"]["schema"] == SCHEMA
        await user.sends("/json off")
        await user.asks("And?")
        assert "response_format" not in keyed.questions()[-1]["body"]


async def test_a_schema_that_cannot_be_used_is_told_with_its_place(folder: Path, keyed: Simulated) -> None:
    (folder / "bad.json").write_text('{"type":\n "person"}')
    async with opened(folder) as user:
        await user.sends("/json schema bad.json")
        await user.told("bad.json:2:2: /type: 'person' is not one of [")
        await user.sends("/json none.json")
        await user.told("cannot be read")
        assert user.conversation.response_format is None


async def test_json_is_set_out_and_folds_by_key(folder: Path, keyed: Simulated) -> None:
    keyed.configure(text=NESTED, reasoning="")
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.asks("Who?")
        await user.until(lambda: has(user, SHOWN))
        await user.presses("alt+up")  # to the last array
        await user.presses("enter")
        await user.until(lambda: has(user, '    "none": [],\n▸   "last": [ … 1 ]\n  }'))
        await user.presses("alt+up", "alt+up", "alt+up", "f")
        await user.until(lambda: has(user, '    "age": 36,\n▸   "who": { … 2 },\n    "none": [],'))
        await user.presses("F")
        await user.until(lambda: has(user, SHOWN))
        await user.presses("F")
        await user.until(lambda: has(user, '{\n    "age": 36,\n▸   "who": { … 2 },'))
        await user.presses("alt+up", "alt+up", "enter")
        assert user.chat.transcript.selected_block is not None


async def test_json_that_breaks_off_stays_above_the_one_that_is_written_anew(
    folder: Path, keyed: Simulated
) -> None:
    whole = '{"broken": false, "n": 7}'
    fault = {"kind": "cut", "after_tokens": 3, "times": 1}
    keyed.configure(texts=[whole, whole], reasoning="", faults=[fault])
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.asks("Who?")
        await user.sees("begins anew", '"n": 7')
        assert [stored.message.text for stored in user.conversation.branch] == ["Who?", whole]
        entries = [entry for entry in user.chat.transcript.entries if entry.kind == "answer"]
        assert [entry.state for entry in entries] == ["interrupted", "complete"]


async def test_a_folded_part_is_copied_and_found_whole(folder: Path, keyed: Simulated) -> None:
    keyed.configure(text=NESTED, reasoning="")
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.asks("Who?")
        transcript = user.chat.transcript
        await user.presses(*["alt+up"] * 4)
        assert transcript.selected_block == '{\n  "name": "Ada",\n  "tags": [\n    "a",\n    "b",\n' + (
            '    {\n      "x": 1\n    }\n  ]\n}'
        )
        await user.presses("enter")
        await user.until(lambda: has(user, '▸   "who": { … 2 },'))
        assert transcript.selected_block.startswith('{\n  "name": "Ada"')
        await user.presses("ctrl+f")
        await user.pastes("Ada")
        await user.sees("1 of 1")


async def test_a_session_that_is_opened_again_shows_its_json(folder: Path, keyed: Simulated) -> None:
    keyed.configure(text=NESTED, reasoning="")
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.asks("Who?")
        session = user.conversation.session_id
    async with opened(folder, session=session) as user:
        await user.until(lambda: has(user, SHOWN))


async def test_a_broken_answer_stays_above_the_better_one(folder: Path, keyed: Simulated) -> None:
    (folder / "person.json").write_text(json.dumps(SCHEMA))
    keyed.configure(texts=['{"age":"old"}', '{"age":36}'], reasoning="")
    async with opened(folder) as user:
        await user.sends("/json person.json")
        await user.asks("Who?")
        await user.sees('"age": "old"', "fit the schema: /age (line 1, column 8): 'old' is", '"age": 36')
        assert user.conversation.branch[-1].message.text == '{"age":36}'
        await user.until(lambda: user.screen.count("to first token ·") == 1)  # below the better one


async def test_what_cannot_be_mended_is_shown_raw_with_what_is_wrong(folder: Path, keyed: Simulated) -> None:
    keyed.configure(text='{"a": 1,\n  *oops* }', reasoning="")
    async with opened(folder, size=(120, 40)) as user:
        await user.sends("/json on")
        await user.sends("Who?")
        await user.sees("Failed", '{"a": 1,', "*oops* }", "The answer is not valid JSON: line 2, column 3")
        await user.settles(2)
        session = user.conversation.session_id
    async with opened(folder, session=session) as user:
        await user.sees("*oops* }", "The answer is not valid JSON: line 2, column 3")


async def test_json_that_streams_is_set_out_as_it_comes(folder: Path, keyed: Simulated) -> None:
    pieces = ['{"list', '":[', *(f"{number}," for number in range(40)), "40", "]", "}"]
    keyed.configure(text=pieces, reasoning="", faults=[{"kind": "stall", "after_tokens": 12}])
    async with opened(folder) as user:
        await user.sends("/json on")
        await user.sends("Count")
        await user.until(lambda: has(user, '  {\n    "list": [\n      0,\n      1,\n      2,'))
        await user.presses("escape")
        await user.sees("Stopped")
