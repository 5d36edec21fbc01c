"""What a small model is sent of a long conversation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.chat import ChatRequest, Message
from core.chat.messages import ImagePart, TextPart
from core.chat.request import FunctionTool, ToolDefinition
from core.offline.fitting import fitted

WINDOW = 1024


def ask(*messages: Message, **fields: object) -> ChatRequest:
    return fitted(ChatRequest(model="m", messages=list(messages), **fields), WINDOW)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def test_the_oldest_go_and_instructions_and_question_stay() -> None:
    rules, question = Message(role="system", content="Be brief."), user("And now?")
    old = [message for n in range(20) for message in (user(f"{n} " * 60), assistant("Yes. " * 30))]
    sent = ask(rules, *old, question).messages
    assert sent[0] == rules
    assert sent[-1] == question
    assert 2 < len(sent) < 42
    assert sent[1].role == "user"  # no answer without its question


def test_a_short_conversation_is_sent_whole() -> None:
    messages = [user("Hi"), assistant("Hello!"), user("Bye")]
    assert ask(*messages).messages == messages


def test_a_system_prompt_stands_where_there_is_none() -> None:
    asked = ChatRequest(model="m", messages=[user("Hi")])
    assert fitted(asked, WINDOW, "Be kind.").messages[0] == Message(role="system", content="Be kind.")
    own = ChatRequest(model="m", messages=[Message(role="system", content="Be brief."), user("Hi")])
    assert fitted(own, WINDOW, "Be kind.").messages == own.messages


def test_pictures_and_tools_are_left_out() -> None:
    picture = ImagePart(image_url={"url": "data:image/png;base64,AAAA"})
    tool = ToolDefinition(function=FunctionTool(name="add"))
    sent = ask(
        Message(role="user", content=[TextPart(text="What is it?"), picture]),
        tools=[tool],
        tool_choice="auto",
        parallel_tool_calls=False,
    )
    assert not sent.messages[0].images
    assert "What is it?" in sent.messages[0].text
    assert (sent.tools, sent.tool_choice, sent.parallel_tool_calls) == (None, None, None)


def test_an_answer_takes_a_fourth_of_the_window_at_most() -> None:
    assert ask(user("Hi")).max_completion_tokens == 256
    assert ask(user("Hi"), max_completion_tokens=9999).max_completion_tokens == 256
    assert ask(user("Hi"), max_completion_tokens=10).max_completion_tokens == 10


@given(st.lists(st.text(max_size=300), min_size=1, max_size=12))
def test_whatever_is_said_the_last_question_stays_whole(texts: list[str]) -> None:
    messages = [(user if n % 2 == len(texts) % 2 else assistant)(text) for n, text in enumerate(texts, 1)]
    sent = ask(*messages).messages
    assert sent == messages[len(messages) - len(sent) :]
    assert sent[-1] == messages[-1]
