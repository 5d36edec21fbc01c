from __future__ import annotations

from pathlib import Path

from core.locations import find_locations
from tests.app.tui.conftest import opened
from tests.simulated import Simulated

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


async def test_enter_sends_and_three_ways_break_the_line(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.types("a")
        await user.presses("shift+enter")
        await user.types("b")
        await user.presses("ctrl+j")
        await user.types("c\\")
        await user.presses("enter")
        await user.types("d")
        assert user.chat.composer.text == "a\nb\nc\nd"
        await user.presses("enter")
        await user.settles(2)
        assert user.conversation.branch[0].message.text == "a\nb\nc\nd"


async def test_keys_typed_faster_than_they_are_handled_stay_in_order(folder: Path, keyed: Simulated) -> None:
    from textual import events

    async with opened(folder) as user:
        for char in "one":
            user.app.post_message(events.Key(char, char))
        user.app.post_message(events.Key("enter", "\r"))
        for char in "two":
            user.app.post_message(events.Key(char, char))
        await user.settles(2)
        assert user.conversation.branch[0].message.text == "one"
        assert user.chat.composer.text == "two"


async def test_a_large_paste_becomes_a_token_that_is_whole_again_when_sent(
    folder: Path, keyed: Simulated
) -> None:
    text = "\n".join(f"line {n}" for n in range(312))
    async with opened(folder) as user:
        await user.types("look: ")
        await user.pastes(text)
        await user.sees("[pasted 312 lines]")
        await user.presses("enter")
        await user.settles(2)
        assert user.conversation.branch[0].message.text == f"look: {text}"


async def test_backspace_takes_a_folded_paste_away_whole(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.pastes("x\n" * 50)
        await user.sees("[pasted 51 lines]")
        await user.presses("backspace")
        assert user.chat.composer.text == ""


async def test_ten_megabytes_and_binary_are_refused_with_their_size(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.types("keep me")
        await user.pastes("a" * 10_000_000)
        await user.told("10.0 MB")
        await user.pastes("\0\1\2" * 500)
        await user.told("1.5 kB) is binary")
        assert user.chat.composer.text == "keep me"


async def test_at_completes_a_file_and_its_text_goes_along(folder: Path, keyed: Simulated) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "parser.py").write_text("def parse(): ...\n", "utf-8")
    (folder / "notes.md").write_text("# Notes\n", "utf-8")
    async with opened(folder) as user:
        await user.types("explain @pars")
        await user.until(lambda: user.chat.popup.is_open)
        await user.sees("src/parser.py")
        await user.presses("tab")
        assert user.chat.composer.text == "explain @src/parser.py "
        await user.presses("enter")
        await user.settles(2)
        sent = keyed.questions()[-1]["body"]["messages"][-1]["content"]
        assert "def parse(): ..." in sent
        assert "`src/parser.py`" in sent


async def test_an_image_goes_along_as_an_image(folder: Path, keyed: Simulated) -> None:
    (folder / "photo.png").write_bytes(PNG)
    async with opened(folder) as user:
        await user.sends("what is this @photo.png")
        await user.sees("does not see images")
        assert user.chat.composer.text == "what is this @photo.png"
        await user.conversation.use_model("qwen/qwen3.8-27b")
        await user.presses("enter")
        await user.until(lambda: keyed.questions())
        sent = keyed.questions()[-1]["body"]["messages"][-1]["content"]
        assert any(part["type"] == "image_url" for part in sent)


async def test_a_binary_file_is_refused_and_the_prompt_comes_back(folder: Path, keyed: Simulated) -> None:
    (folder / "blob.bin").write_bytes(b"\0\1\2\3" * 10)
    async with opened(folder) as user:
        await user.sends("read @blob.bin please")
        await user.told("neither text nor an image")
        assert user.chat.composer.text == "read @blob.bin please"
        assert keyed.questions() == []


async def test_history_is_walked_at_the_edges_and_outlives_the_app(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.asks("the first")
        await user.asks("the second")
    async with opened(folder) as user:
        await user.until(lambda: user.chat.composer.prompt_history._entries)
        await user.types("draft")
        await user.presses("up", "up")
        assert user.chat.composer.text == "the first"
        await user.presses("down", "down")
        assert user.chat.composer.text == "draft"


async def test_drafts_are_kept_per_session(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.asks("hello")
        await user.types("for the old session")
        await user.presses("ctrl+n")
        await user.until(lambda: user.chat.composer.text == "")
        await user.types("for a new one")
    assert find_locations().data_dir.joinpath("drafts.json").is_file()
    async with opened(folder) as user:
        await user.until(lambda: user.chat.composer.text == "for a new one")
    async with opened(folder, session="latest") as user:
        await user.until(lambda: user.chat.composer.text == "for the old session")


async def test_ctrl_c_clears_then_quits_when_pressed_twice(folder: Path, keyed: Simulated) -> None:
    async with opened(folder) as user:
        await user.types("never mind")
        await user.presses("ctrl+c")
        await user.until(lambda: user.chat.composer.text == "")
        await user.presses("ctrl+c")
        await user.told("again to quit")
        await user.presses("ctrl+c")
        await user.until(lambda: user.app._exit)
