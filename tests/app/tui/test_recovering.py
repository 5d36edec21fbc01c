"""What the user keeps when something goes wrong, and what the screen still says truly."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from app.figures import money
from app.tui.mentions import attach, without_files
from app.tui.screens.models import ModelScreen
from core.locations import find_locations
from tests.app.tui.conftest import opened, says
from tests.simulated import Simulated


async def test_an_answer_that_cannot_be_stored_is_on_screen(folder: Path, keyed: Simulated) -> None:
    database = find_locations().data_dir / "tensorwall.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_bytes(b"not a database at all " * 1000)
    says(keyed, "Read me all the same.")
    async with opened(folder) as user:
        await user.sends("hello")
        await user.told("is damaged")
        await user.until(lambda: not user.conversation.busy)
        await user.sees("hello", "Read me all the same.")
        assert not user.chat.has_class("-empty")


async def test_an_answer_that_could_not_be_replaced_comes_back(folder: Path, keyed: Simulated) -> None:
    says(keyed, "The first answer.")
    async with opened(folder) as user:
        await user.asks("the question")
        keyed.configure(faults=[{"kind": "unauthorized"}])
        await user.presses("ctrl+r")
        await user.sees("refuses the API key", "The first answer.")
        says(keyed, "The next answer.")
        await user.asks("and then?")
        said = [stored.message.text for stored in user.conversation.branch]
        assert said == ["the question", "The first answer.", "and then?", "The next answer."]


async def test_the_strip_names_the_model_that_answered(folder: Path, keyed: Simulated) -> None:
    says(keyed, "From the successor.")
    async with opened(folder) as user:
        await user.conversation.use_model("llama3-70b-8192")
        await user.asks("hello")
        answered = user.conversation.branch[-1].model
        assert answered != "llama3-70b-8192"
        await user.until(lambda: user.chat.strip.status.model == answered)
        await user.conversation.use_model("openai/gpt-oss-20b")
        assert (user.chat.strip.status.model, user.chat.strip.status.provider) == ("openai/gpt-oss-20b", "")


async def test_a_system_prompt_stays_with_its_session(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Yes.")
    async with opened(folder) as user:
        await user.asks("first")
        first = user.conversation.session_id
        assert first is not None
        await user.presses("ctrl+n")
        await user.conversation.use_system_prompt("Speak like a pirate.")
        await user.asks("second")
        await user.conversation.open(first)
        await user.asks("third")
        body = keyed.questions()[-1]["body"]
        assert all("pirate" not in str(message["content"]) for message in body["messages"])


async def test_a_code_block_asked_for_by_nonsense_is_refused(folder: Path, keyed: Simulated) -> None:
    says(keyed, "```py\nx = 1\n```")
    async with opened(folder) as user:
        await user.asks("code please")
        await user.sends("/code 9x")
        await user.told("1 code blocks")


async def test_editing_a_question_with_a_file_does_not_type_the_file(folder: Path, keyed: Simulated) -> None:
    (folder / "notes.txt").write_text("a secret ingredient\n", "utf-8")
    says(keyed, "Salt.")
    async with opened(folder) as user:
        user.chat.composer.put("what is in @notes.txt, please?")
        await user.presses("enter")
        await user.settles(2)
        session = user.conversation.session_id
        assert session is not None
        await user.conversation.open(session)
        assert user.chat.transcript.entries[0].text == "what is in @notes.txt, please?"
        await user.presses("ctrl+up")
        assert user.chat.composer.prompt == "what is in @notes.txt, please?"


def test_only_what_a_mention_brought_is_left_out(folder: Path) -> None:
    (folder / "a b.py").write_text("```\ncode\n```\n", "utf-8")
    typed = 'see @"a b.py" and\n\n`other.py`:\n```\nmine\n```'
    content = attach(typed, folder)
    assert isinstance(content, str)
    assert "code" in content
    assert without_files(content) == typed
    assert without_files(typed) == typed


def test_a_bound_is_not_marked_as_an_estimate() -> None:
    assert money(Decimal("0.0000001"), estimated=True) == "<$0.000001"


async def test_a_narrow_list_leaves_the_details_out(folder: Path, keyed: Simulated) -> None:
    async with opened(folder, size=(40, 14)) as user:
        await user.presses("f2")
        await user.until(lambda: isinstance(user.app.screen, ModelScreen))
        await user.sees("gpt-oss-120b")


async def test_a_long_title_stops_before_the_hint(folder: Path, keyed: Simulated) -> None:
    says(keyed, "Yes.")
    async with opened(folder, size=(80, 24)) as user:
        await user.asks("a question of many words")
        await user.conversation.rename("word " * 30)
        await user.sees("…  F1 help")


async def test_quitting_mid_answer_is_no_error(folder: Path, keyed: Simulated) -> None:
    keyed.configure(tokens_per_second=20, tokens=2000)
    async with opened(folder) as user:
        await user.sends("a long story")
        await user.until(lambda: user.conversation.busy)
        await user.presses("ctrl+q")
    user.chat.changed()  # as the turn does when it is cancelled last of all
    assert user.app.return_code == 0


async def test_escape_from_reading_gives_the_keys_back_to_the_composer(
    folder: Path, keyed: Simulated
) -> None:
    says(keyed, "Yes.")
    async with opened(folder) as user:
        await user.asks("hello")
        await user.presses("alt+up", "escape")
        await user.until(lambda: user.chat.composer.has_focus)
