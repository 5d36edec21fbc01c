"""The output file: whatever is left of it after a kill, it goes on from the last whole line."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.batch.lines import BatchLine
from core.batch.output import OutputLine, open_output
from core.errors import InputError


def answer(custom_id: str, text: str = "Hi") -> OutputLine:
    return OutputLine(custom_id, 200, "req_1", {"choices": [{"message": {"content": text}}]})


def failure(custom_id: str) -> OutputLine:
    return OutputLine(custom_id, error={"code": "ConnectionFailed", "message": "Nobody answers."})


def ids(path: Path) -> list[str]:
    return [json.loads(line)["custom_id"] for line in path.read_bytes().splitlines()]


def test_lines_have_the_form_of_openais_results(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_output(path) as output:
        output.add(answer("ä"))
        output.add(failure("b"))
        assert output.done == {"ä": False, "b": True}
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first.pop("id").startswith("batch_req_")
    assert first == {
        "custom_id": "ä",
        "response": {
            "status_code": 200,
            "request_id": "req_1",
            "body": {"choices": [{"message": {"content": "Hi"}}]},
        },
        "error": None,
    }
    assert second["response"] is None
    assert second["error"] == {"code": "ConnectionFailed", "message": "Nobody answers."}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True), st.data())
def test_wherever_it_was_cut_the_whole_lines_stay_and_the_rest_is_asked_again(
    tmp_path: Path, names: list[str], data: st.DataObject
) -> None:
    path = tmp_path / "out.jsonl"
    path.unlink(missing_ok=True)
    with open_output(path) as output:
        for name in names:
            output.add(answer(name, name * 5))
    whole = path.read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    kept = data.draw(st.integers(0, len(whole)))
    os.truncate(path, kept)
    with open_output(path) as output:
        done = list(output.done)
        assert done == names[: sum(end <= kept for end in ends)]
        for name in names[len(done) :]:
            output.add(answer(name, name * 5))
    assert ids(path) == names


def test_a_last_line_that_lacks_nothing_but_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(answer("a").encoded().rstrip())
    with open_output(path) as output:
        assert output.done == {"a": False}
        output.add(answer("b"))
    assert ids(path) == ["a", "b"]


@pytest.mark.parametrize("content", [b"My diary\n", b"My diary", b'{"a": 1}\n', b"[]\n", b"\n", b"[" * 9_000])
def test_a_file_that_holds_something_else_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="line 1, is no line"), open_output(path):
        pass
    assert path.read_bytes() == content


def test_the_lines_that_failed_are_forgotten_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_output(path) as output:
        for line in (failure("a"), answer("b"), OutputLine("c", 400, None, {"error": {}}), answer("d")):
            output.add(line)
    path.chmod(0o640)
    with open_output(path) as output:
        assert output.done == {"a": True, "b": False, "c": True, "d": False}
    with open_output(path, forget_failed=True) as output:
        assert output.done == {"b": False, "d": False}
        with pytest.raises(InputError, match="Another run"), open_output(path):
            pass
        output.add(answer("a"))
    assert ids(path) == ["b", "d", "a"]
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("failed", [False, True])
def test_answers_to_other_questions_do_not_count(tmp_path: Path, failed: bool) -> None:
    path = tmp_path / "out.jsonl"
    asked = BatchLine(1, "a", "m", 5, None, 0, "0123456789abcdef")
    with open_output(path) as output:
        output.add(replace(failure("a") if failed else answer("a"), digest=asked.digest))
        output.add(answer("b"))  # as of a version that did not tell
        output.check([asked, replace(asked, custom_id="b"), replace(asked, custom_id="c")])
    with open_output(path) as output:
        output.check([asked])
        with pytest.raises(InputError, match="names of 1 of these lines") as told:
            output.check([replace(asked, digest="f" * 16), replace(asked, custom_id="b")])
    assert ("--retry-failed" in str(told.value)) is failed


def test_one_run_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with open_output(path), pytest.raises(InputError, match="Another run writes"), open_output(path):
        pass


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"), open_output(tmp_path / "no" / "out.jsonl"):
        pass
    with pytest.raises(InputError, match="is no file"), open_output(Path("/dev/null")):
        pass
