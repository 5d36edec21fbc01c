"""What stays in the conversation of the tools that were called: replayed, exported and named."""

from __future__ import annotations

import json

from tests.core.tool_turns.desk import ADD, Desk, read


async def test_the_conversation_goes_on_with_what_the_tools_gave(desk: Desk) -> None:
    desk.calls([ADD])
    first = desk.ask("Go.")
    await read(first)
    await read(desk.ask("And then?", first.session_id))
    assert [message["role"] for message in desk.sent()[-1]["messages"]][:4] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]

    again = desk.ask(None, first.session_id)  # beside the last answer, and all that it took
    await read(again)
    assert [message["role"] for message in desk.sent()[-1]["messages"]][-1] == "tool"
    records = await desk.records()
    exported = json.loads(await records.conversations.export(first.session_id, "json"))
    assert sum(message["message"].get("role") == "tool" for message in exported["messages"]) == 3
    markdown = await records.conversations.export(first.session_id, "md")
    assert "Called `add`:" in markdown
    assert "## Tool" in markdown


async def test_the_title_is_made_of_the_question_and_the_text_that_answers_it(desk: Desk) -> None:
    desk.calls([ADD])
    turn = desk.ask("Add two and three.")
    await read(turn)
    desk.simulator.configure(reasoning="", text="Adding numbers")
    assert await desk.assistant.suggest_title(turn.session_id) == "Adding numbers"
    assert "Done." in desk.sent()[-1]["messages"][-1]["content"]
