"""What of a history is sent again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.chat import FunctionCall, Message, ToolCall
from core.conversations.replay import as_heard, fit, replayable


def said(role: str, text: str = "", **values) -> Message:
    return Message(role=role, content=text, **values)


def call(identifier: str) -> ToolCall:
    return ToolCall(id=identifier, function=FunctionCall(name="f"))


def size(message: Message) -> int:
    return len(message.text)


def test_reasoning_and_empty_answers_are_not_sent_back() -> None:
    history = [
        said("user", "a"),
        said("assistant", "  "),
        said("user", "b"),
        said("assistant", "c", reasoning="long"),
    ]
    assert replayable(history) == [said("user", "a"), said("user", "b"), said("assistant", "c")]


def test_tool_calls_go_with_all_their_results_or_not_at_all() -> None:
    whole = [
        said("user", "a"),
        Message(role="assistant", tool_calls=[call("1"), call("2")]),
        said("tool", "x", tool_call_id="1"),
        said("tool", "y", tool_call_id="2"),
        said("assistant", "done"),
    ]
    assert replayable(whole) == whole
    assert replayable([*whole[:3], whole[4]]) == [whole[0], whole[4]]
    half = [whole[0], said("assistant", "let me see", tool_calls=[call("9")]), said("user", "well?")]
    assert replayable(half) == [half[0], said("assistant", "let me see"), half[2]]


def test_what_fits_is_sent_whole() -> None:
    history = [said("user", "x" * 100), said("assistant", "y" * 100)]
    assert fit(history, None, size).messages == history
    assert fit(history, 200, size).messages == history
    assert fit(history, 10_000, size).left_out == 0


histories = st.lists(
    st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.integers(0, 60)), max_size=30
).map(
    lambda parts: [
        said("user", "q"),
        *(said(role, "x" * length) for role, length in parts),
        said("user", "?"),
    ]
)


@given(histories, st.integers(0, 800))
def test_a_cut_keeps_the_last_question_and_whole_exchanges(history: list[Message], room: int) -> None:
    fitted = fit(history, room, size)
    assert fitted.messages == history[fitted.left_out :]
    assert fitted.messages[-1] == history[-1]
    if fitted.left_out:
        assert fitted.messages[0].role == "user"
        last_question = len(fitted.messages) == 1
        assert last_question or sum(map(size, fitted.messages)) <= room


def test_the_cut_stays_at_one_place_for_many_turns() -> None:
    history: list[Message] = []
    starts = []
    for turn in range(200):
        history += [said("user", f"{turn:050}"), said("assistant", f"{turn:050}")]
        starts.append(fit([*history, said("user", "?" * 50)], 4_000, size).left_out)
    moves = sum(before != after for before, after in pairwise(starts))
    assert 0 < moves < 20


def test_an_answer_heard_in_part_is_sent_as_far_as_it_was_heard() -> None:
    answer = said("assistant", "One. Two. Three.")
    assert as_heard(answer, None) is answer
    assert as_heard(answer, 16) is answer
    assert as_heard(answer, 5).text == "One.… [the user interrupted here and did not hear more]"
    assert as_heard(answer, 0).text == "… [the user interrupted here and did not hear more]"


def test_code_that_was_cut_in_two_is_closed() -> None:
    answer = said("assistant", "See:\n```py\na = 1\nb = 2\n```\nDone.")
    assert as_heard(answer, 17).text.startswith("See:\n```py\na = 1\n```\n…")


@given(text=st.text(alphabet="ab `\n", max_size=40), heard=st.integers(0, 50))
def test_nothing_unheard_is_ever_sent(text: str, heard: int) -> None:
    sent = as_heard(said("assistant", text + "unheard"), min(heard, len(text))).text
    assert "unheard" not in sent
