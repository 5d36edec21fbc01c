"""Sessions: made, found, listed, named, deleted."""

from __future__ import annotations

import pytest

from core.chat import Message
from core.conversations.conversations import Conversations
from core.errors import InputError


def said(text: str) -> Message:
    return Message(role="user", content=text)


async def test_a_session_comes_back_as_it_was_made(conversations: Conversations) -> None:
    made = await conversations.create("Trip", system_prompt="Be brief.", model="openai/gpt-oss-20b")
    assert await conversations.get(made.id) == made
    assert (made.title, made.title_source, made.leaf_id) == ("Trip", "user", None)
    assert len(made.id) == 12


async def test_the_first_question_names_an_unnamed_session(conversations: Conversations) -> None:
    session = await conversations.create()
    first = await conversations.add(session.id, None, said("How do tides work?"))
    await conversations.add(session.id, first.id, said("And on the moon?"))
    assert (await conversations.get(session.id)).title == "How do tides work?"


async def test_an_id_may_be_shortened_while_it_is_unique(conversations: Conversations) -> None:
    one, two = await conversations.create(), await conversations.create()
    common = next(i for i in range(13) if one.id[:i] != two.id[:i])
    assert await conversations.get(one.id[:common].upper()) == one
    with pytest.raises(InputError, match="start of several ids") as caught:
        await conversations.get(one.id[: common - 1])
    assert one.id in caught.value.message
    assert two.id in caught.value.message


@pytest.mark.parametrize("wanted", ["", "  ", "zzz", "%", "_", "x" * 12, "x" * 50, "'; DROP TABLE sessions"])
async def test_an_id_that_names_nothing(conversations: Conversations, wanted: str) -> None:
    await conversations.create()
    with pytest.raises(InputError):
        await conversations.get(wanted)


async def test_the_list_starts_with_what_was_written_to_last(conversations: Conversations) -> None:
    sessions = [await conversations.create(f"n{number}") for number in range(4)]
    await conversations.add(sessions[1].id, None, said("hello"))
    latest = await conversations.latest()
    assert latest is not None
    assert latest.id == sessions[1].id
    listed = await conversations.list()
    assert [summary.title for summary in listed] == ["n1", "n3", "n2", "n0"]
    assert [summary.message_count for summary in listed] == [1, 0, 0, 0]
    assert await conversations.list(limit=2, offset=1) == listed[1:3]


async def test_the_list_is_searched_by_title_and_by_message(conversations: Conversations) -> None:
    tides = await conversations.create("Tides at 100%")
    other = await conversations.create("Other")
    await conversations.add(other.id, None, said("the moon pulls the tide"))
    await conversations.create("Neither")

    async def found(search: str) -> set[str]:
        return {summary.id for summary in await conversations.list(search)}

    assert await found("tide") == {tides.id, other.id}
    assert await found("MOON") == {other.id}
    assert await found("100%") == {tides.id}
    assert await found("_") == set()
    assert len(await found("  ")) == 3


async def test_there_is_no_latest_session_at_first(conversations: Conversations) -> None:
    assert await conversations.latest() is None
    assert await conversations.list() == []


async def test_a_users_title_is_never_replaced_by_a_models(conversations: Conversations) -> None:
    session = await conversations.create()
    assert await conversations.suggest_title(session.id, "By model")
    await conversations.rename(session.id, "  By\n me ")
    assert not await conversations.suggest_title(session.id, "By model again")
    assert (await conversations.get(session.id)).title == "By me"
    with pytest.raises(InputError):
        await conversations.rename(session.id, " ")
    with pytest.raises(InputError):
        await conversations.rename("nobody", "x")


async def test_model_and_system_prompt_are_remembered(conversations: Conversations) -> None:
    session = await conversations.create()
    await conversations.use_model(session.id, "llama-70b")
    await conversations.use_system_prompt(session.id, "Speak Latin.")
    changed = await conversations.get(session.id)
    assert (changed.model, changed.system_prompt) == ("llama-70b", "Speak Latin.")
    assert changed.updated_at == session.updated_at


async def test_a_deleted_session_is_gone_with_all_its_messages(conversations: Conversations) -> None:
    session, kept = await conversations.create(), await conversations.create()
    parent = None
    for number in range(1_200):  # a chain longer than SQLite's limit for cascades
        parent = (await conversations.add(session.id, parent, said(f"word {number}"))).id
    await conversations.add(kept.id, None, said("word kept"))
    await conversations.delete(session.id)
    assert [summary.id for summary in await conversations.list()] == [kept.id]
    assert [hit.session_id for hit in await conversations.search("word")] == [kept.id]
    with pytest.raises(InputError, match="deleted"):
        await conversations.messages(session.id)
    with pytest.raises(InputError):
        await conversations.delete(session.id)
