"""Conversations as documents."""

from __future__ import annotations

import json

from core.chat import FunctionCall, ImagePart, Message, TextPart, ToolCall
from core.conversations.conversations import Conversations


async def test_json_loses_nothing(conversations: Conversations) -> None:
    session = await conversations.create("All kinds", system_prompt="Be brief.")
    said = [
        Message(role="user", content=[TextPart(text="look"), ImagePart.from_bytes(b"png", "image/png")]),
        Message(role="assistant", tool_calls=[ToolCall(id="1", function=FunctionCall(name="f"))]),
        Message(role="tool", content="", tool_call_id="1"),
        Message(role="assistant", content="é 😀", reasoning="thought"),
    ]
    parent = None
    for message in said:
        parent = (await conversations.add(session.id, parent, message)).id
    first = (await conversations.messages(session.id))[0]
    edited = await conversations.add(session.id, None, Message(role="user", content="edited"))

    document = json.loads(await conversations.export(session.id, "json"))
    assert (document["format"], document["version"]) == ("tensorwall.conversation", 1)
    assert document["session"]["system_prompt"] == "Be brief."
    assert document["session"]["leaf_id"] == edited.id
    read = [Message.model_validate(entry["message"]) for entry in document["messages"]]
    assert read == [*said, edited.message]
    assert [entry["parent_id"] for entry in document["messages"]][:2] == [None, first.id]
    assert document["calls"] == []


async def test_markdown_shows_the_branch_under_front_matter(conversations: Conversations) -> None:
    session = await conversations.create('Say "hi"\nplease: ---')
    old = await conversations.add(session.id, None, Message(role="user", content="old branch"))
    await conversations.add(session.id, old.id, Message(role="assistant", content="old answer"))
    new = await conversations.add(
        session.id,
        None,
        Message(
            role="user", content=[TextPart(text="new branch"), ImagePart.from_bytes(b"12345678", "image/png")]
        ),
    )
    await conversations.add(
        session.id, new.id, Message(role="assistant", content="**answer**", reasoning="thought")
    )
    text = await conversations.export(session.id, "md")
    _, front, body = text.split("---\n", 2)
    matter = {
        key: json.loads(value) for key, _, value in (line.partition(": ") for line in front.splitlines())
    }
    assert matter["title"] == 'Say "hi"\nplease: ---'
    assert matter["session"] == session.id
    assert (matter["messages"], matter["cost_usd"], matter["cost_estimated"]) == (2, "0", False)
    assert "old branch" not in body
    assert "new branch\n\n*(image: image/png, 9 bytes)*" in body
    assert "<details><summary>Reasoning</summary>\n\nthought\n\n</details>\n\n**answer**" in body


async def test_what_was_not_heard_is_marked(conversations: Conversations) -> None:
    session = await conversations.create("Cut off")
    answer = await conversations.add(session.id, None, Message(role="assistant", content="One. Two. Three."))
    await conversations.mark_heard(answer.id, 5)
    text = await conversations.export(session.id, "md")
    assert "One.\n\n> Heard up to here; what follows was interrupted" in text
    assert text.endswith("\n\nTwo. Three.\n")
    (message,) = json.loads(await conversations.export(session.id, "json"))["messages"]
    assert (message["message"]["content"], message["heard"]) == ("One. Two. Three.", 5)
