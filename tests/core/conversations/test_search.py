"""Finding messages by what they say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.chat import Message
from core.conversations.conversations import Conversations
from core.conversations.search import snippet_around

TEXTS = (
    "The café on the corner serves strong coffee.",
    "東京タワーの高さは三百三十三メートルです。",
    "한국어 문장도 찾을 수 있습니다.",
    "if a != b: raise ValueError('x_y')",
    "Rain in Spain stays mainly in the plain; 100% sure.",
)


@pytest.fixture
async def filled(conversations: Conversations) -> Conversations:
    session = await conversations.create("Mixed")
    for text in TEXTS:
        await conversations.add(session.id, None, Message(role="user", content=text))
    return conversations


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("coffee", {0}),
        ("COFF", {0}),
        ("Café corner", {0}),
        ("coffee plain", set()),
        ("in the", {4}),
        ("offee", set()),
        ("valueerror", {3}),
        ("x", {3}),
        ("100", {4}),
        ('"sure the"', set()),
        ('"on the corner"', {0}),
        ('"the on corner"', set()),
        ("タワー", {1}),
        ("高", {1}),
        ("京タ", {1}),
        ("東タ", set()),
        ("한국", {2}),
        ("찾을", {2}),
        ("!=", {3}),
        ("x_y", {3}),
        ("_", {3}),
        ("100%", {4}),
        ("%", {4}),
        ("", set()),
        ('"', set()),
        ("NOT coffee", set()),
        ("coffee OR rain", set()),
        ("NEAR(coffee)", set()),
    ],
)
async def test_what_is_found(filled: Conversations, query: str, found: set[int]) -> None:
    hits = await filled.search(query)
    everything = {hit.snippet for hit in hits}
    assert everything == {TEXTS[index] for index in found}


async def test_accents_do_not_matter_to_a_full_text_index(filled: Conversations) -> None:
    (hit,) = await filled.search("cafe")
    assert hit.snippet == TEXTS[0]


@given(query=st.text(st.characters(exclude_categories=()), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
async def test_no_query_is_malformed(filled: Conversations, query: str) -> None:
    hits = await filled.search(query)
    assert {hit.session_title for hit in hits} <= {"Mixed"}
    assert len(await filled.list(query)) <= 1


async def test_a_message_of_more_words_than_an_index_takes_is_kept(conversations: Conversations) -> None:
    session = await conversations.create("Long")
    text = " ".join(f"word{number}" for number in range(150_000))
    await conversations.add(session.id, None, Message(role="user", content=text))
    (hit,) = await conversations.search("word9999")
    assert hit.session_title == "Long"


async def test_a_hit_leads_to_its_message(filled: Conversations) -> None:
    (hit,) = await filled.search("coffee")
    branch = await filled.messages(hit.session_id, hit.message_id)
    assert branch[-1].message.text == TEXTS[0]
    assert hit.role == "user"
    assert [hit.snippet[start:end] for start, end in hit.matches] == ["coffee"]


def test_a_snippet_is_one_line_around_the_first_match() -> None:
    text = "word " * 100 + "\n\nthe \x1b[31mneedle\nand the needle " + "tail " * 100
    snippet, matches = snippet_around(text, ["needle"])
    assert snippet.startswith("…")
    assert snippet.endswith("…")
    assert len(snippet) <= 162
    assert "\x1b" not in snippet
    assert [snippet[start:end] for start, end in matches] == ["needle", "needle"]


@given(st.text(max_size=400), st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3))
def test_matches_lie_within_the_snippet(text: str, terms: list[str]) -> None:
    snippet, matches = snippet_around(text, terms)
    assert "\n" not in snippet
    assert all(0 <= start < end <= len(snippet) for start, end in matches)
