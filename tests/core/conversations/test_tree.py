"""The tree of messages against a model of it, in any order of adding, editing and switching."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core.chat import FunctionCall, ImagePart, Message, TextPart, ToolCall
from core.conversations.conversations import Conversations
from core.errors import InputError
from core.storage import open_database
from tests.databases import NewDatabase


class Tree(RuleBasedStateMachine):
    """Nothing that was said is ever lost, and every branch reads as it was written."""

    messages = Bundle("messages")

    def __init__(self, new_database: NewDatabase) -> None:
        super().__init__()
        self.new_database = new_database

    @initialize()
    def open(self) -> None:
        self.database = self.new_database()
        self.location = self.database.__enter__()
        self.runner = asyncio.Runner()
        self._reopen()
        self.session = self.runner.run(self.conversations.create())
        self.parents: dict[str, str | None] = {}
        self.texts: dict[str, str] = {}
        self.leaf: str | None = None

    def _reopen(self) -> None:
        database = self.runner.run(open_database(self.location))
        self.conversations = Conversations(database)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.conversations.database.aclose())
            self.runner.close()
            self.database.__exit__(None, None, None)

    def _add(self, parent: str | None, text: str) -> str:
        message = Message(role="user", content=text)
        stored = self.runner.run(self.conversations.add(self.session.id, parent, message))
        self.parents[stored.id], self.texts[stored.id], self.leaf = parent, text, stored.id
        family = self._family(parent)
        assert (stored.sibling_index, stored.sibling_count) == (len(family) - 1, len(family))
        return stored.id

    def _family(self, parent: str | None) -> list[str]:
        return [message for message, above in self.parents.items() if above == parent]

    def _path(self, leaf: str | None) -> list[str]:
        path: list[str] = []
        while leaf is not None:
            path.append(leaf)
            leaf = self.parents[leaf]
        return path[::-1]

    @rule(target=messages, text=st.text(max_size=20))
    def say(self, text: str) -> str:
        return self._add(self.leaf, text)

    @rule(target=messages, message=messages, text=st.text(max_size=20))
    def edit(self, message: str, text: str) -> str:
        return self._add(self.parents[message], text)

    @rule(message=messages)
    def go_back_to(self, message: str) -> None:
        self.runner.run(self.conversations.set_leaf(self.session.id, message))
        self.leaf = message

    @rule()
    def start_again(self) -> None:
        self.runner.run(self.conversations.set_leaf(self.session.id, None))
        self.leaf = None

    @rule(message=messages)
    def switch_to(self, message: str) -> None:
        self.leaf = self.runner.run(self.conversations.switch_to(self.session.id, message))
        below = [other for other in self.parents if message in self._path(other)]
        assert self.leaf == below[-1]

    @rule(message=messages)
    def look_at_siblings(self, message: str) -> None:
        found = self.runner.run(self.conversations.siblings(message))
        assert found == self._family(self.parents[message])

    @rule()
    def close_and_open(self) -> None:
        self.runner.run(self.conversations.database.aclose())
        self._reopen()

    @invariant()
    def the_branch_is_as_said(self) -> None:
        if not hasattr(self, "runner"):
            return
        branch = self.runner.run(self.conversations.messages(self.session.id))
        assert [stored.id for stored in branch] == self._path(self.leaf)
        for stored in branch:
            family = self._family(stored.parent_id)
            assert stored.parent_id == self.parents[stored.id]
            assert stored.message.text == self.texts[stored.id].replace("\0", "␀")
            assert (stored.sibling_index, stored.sibling_count) == (family.index(stored.id), len(family))

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "runner"):
            everything = self.runner.run(self.conversations.all_messages(self.session.id))
            assert [stored.id for stored in everything] == list(self.parents)


def test_the_tree(new_database: NewDatabase) -> None:
    limits = settings(max_examples=25, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Tree(new_database), settings=limits)


@pytest.mark.parametrize(
    "message",
    [
        Message(role="user", content="plain"),
        Message(role="user", content=""),
        Message(
            role="user", content=[TextPart(text="what is it?"), ImagePart.from_bytes(b"xy", "image/png")]
        ),
        Message(role="assistant", content="yes", reasoning="because"),
        Message(
            role="assistant",
            tool_calls=[ToolCall(id="c1", function=FunctionCall(name="add", arguments='{"a": "\\ud83d"}'))],
        ),
        Message(role="tool", content="4", tool_call_id="c1", name="add"),
    ],
    ids=lambda message: message.role,
)
async def test_every_kind_of_message_comes_back(conversations: Conversations, message: Message) -> None:
    session = await conversations.create()
    await conversations.add(session.id, None, message)
    (stored,) = await conversations.messages(session.id)
    assert stored.message == message
    assert stored.state == "complete"


async def test_messages_of_other_sessions_are_no_parents(conversations: Conversations) -> None:
    one, two = await conversations.create(), await conversations.create()
    message = Message(role="user", content="x")
    elsewhere = await conversations.add(two.id, None, message)
    for parent in (elsewhere.id, "nosuchparent"):
        with pytest.raises(InputError):
            await conversations.add(one.id, parent, message)
        with pytest.raises(InputError):
            await conversations.set_leaf(one.id, parent)
        with pytest.raises(InputError):
            await conversations.switch_to(one.id, parent)
    with pytest.raises(InputError):
        await conversations.siblings("nosuchparent")
    with pytest.raises(InputError):
        await conversations.messages("nosuchsessio")
    assert await conversations.messages(one.id) == []


async def test_how_much_was_heard_is_kept_and_can_be_taken_back(conversations: Conversations) -> None:
    session = await conversations.create()
    answer = await conversations.add(session.id, None, Message(role="assistant", content="One. Two."))
    await conversations.mark_heard(answer.id, 4)
    assert [stored.heard for stored in await conversations.messages(session.id)] == [4]
    await conversations.mark_heard(answer.id, None)
    assert [stored.heard for stored in await conversations.messages(session.id)] == [None]
    with pytest.raises(InputError):
        await conversations.mark_heard("nothing", 4)
