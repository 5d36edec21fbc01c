"""The talk key, the composer and the bar, with a scripted loop behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import AudioDeviceFailed, VoiceUnavailable
from core.voice.events import (
    Discarded,
    FinalText,
    LevelChanged,
    Noticed,
    PartialText,
    StateChanged,
)
from tests.app.tui.voice.conftest import talking
from tests.simulated import Simulated


async def test_holding_space_talks_from_the_first_moment(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("space", repeats=3)
        assert user.script.loop.commands == ["started"]
        user.script.loop.tells(StateChanged("recording"), LevelChanged(0.2, 0.9))
        await user.sees("● Recording 0:00", "━", "let go when done")
        await user.pilot.pause(0.3)
        await user.keyboard.up("space")
        await user.until(lambda: user.script.loop.commands == ["started", "ended held"])
        assert user.chat.composer.text == ""


async def test_a_tap_types_its_space(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("space")
        await user.keyboard.up("space")
        await user.until(lambda: user.chat.composer.text == " ")
        assert user.script.loop.commands == ["started", "cancelled"]


async def test_space_within_a_prompt_is_a_space(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.types("hold it")
        assert user.chat.composer.text == "hold it"
        assert user.script.loop.commands == []


async def test_another_key_talks_within_a_prompt_and_nothing_is_sent_with_it(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.types("draft")
        await user.keyboard.down("f9")
        user.script.loop.tells(StateChanged("recording"), PartialText(1, "and", "more"))
        await user.until(lambda: user.chat.composer.text == "draft and more")
        await user.pilot.pause(0.3)
        await user.keyboard.up("f9")
        await user.until(lambda: user.script.loop.commands == ["started", "ended"])
        user.script.loop.tells(FinalText(1, "and more.", sent=False), StateChanged("ready"))
        await user.until(lambda: user.chat.composer.text == "draft and more.")


async def test_taps_start_and_stop_where_releases_are_not_told(folder: Path, keyed: Simulated) -> None:
    async with talking(folder, releases=False) as user:
        await user.opens_voice()
        await user.sees("Space starts and stops")
        await user.presses("space")
        assert user.script.loop.commands == ["started"]
        user.script.loop.tells(StateChanged("recording"))
        await user.pilot.pause(0.8)
        await user.presses("space")
        await user.until(lambda: user.script.loop.commands == ["started", "ended"])


async def test_what_is_understood_lands_in_the_composer_and_goes_when_it_is_sent(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.tells(StateChanged("recording"), PartialText(1, "What is", "the"))
        await user.until(lambda: user.chat.composer.text == "What is the")
        user.script.loop.tells(PartialText(1, "What is the time", ""))
        await user.until(lambda: user.chat.composer.text == "What is the time")
        user.script.loop.tells(FinalText(1, "What is the time?", sent=True), StateChanged("thinking"))
        await user.until(lambda: user.chat.composer.text == "")
        await user.sees("◌ Thinking", "Esc stops")


async def test_typing_into_what_is_said_keeps_it_unsent(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.tells(StateChanged("recording"), PartialText(1, "one", "too"))
        await user.until(lambda: user.chat.composer.text == "one too")
        await user.presses("backspace", "backspace")
        assert user.chat.composer.text == "one t"
        assert user.script.loop.commands == ["cancelled"]
        user.script.loop.tells(Discarded(1, ""), StateChanged("ready"))
        await user.types("wo")
        await user.until(lambda: user.chat.composer.text == "one two")


async def test_enter_ends_the_turn_and_sends_it(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.tells(StateChanged("recording"), StateChanged("closing", 1.5))
        await user.sees("Done in 1.", "Enter sends")
        await user.presses("enter")
        assert user.script.loop.commands == ["commit"]


async def test_escape_discards_what_is_said_then_stops_what_is_answered(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("f9")
        user.script.loop.tells(StateChanged("recording"), PartialText(1, "never", "mind"))
        await user.until(lambda: user.chat.composer.text == "never mind")
        await user.presses("escape")
        await user.until(lambda: user.script.loop.commands == ["started", "cancelled"])
        assert user.chat.composer.text == ""
        await user.keyboard.up("f9")
        user.script.loop.tells(StateChanged("ready"), StateChanged("speaking"))
        await user.sees("Speaking")
        await user.presses("escape")
        await user.until(lambda: user.script.loop.commands == ["started", "cancelled", "stop"])


async def test_losing_the_focus_ends_a_hold(folder: Path, keyed: Simulated) -> None:
    from textual.events import AppBlur

    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("f9")
        user.script.loop.tells(StateChanged("recording"))
        await user.pilot.pause(0.3)
        user.app.post_message(AppBlur())
        await user.until(lambda: user.script.loop.commands == ["started", "ended"])


async def test_a_recording_that_ended_by_itself_needs_no_release(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("f9")
        user.script.loop.tells(StateChanged("recording"), StateChanged("transcribing"))
        await user.until(lambda: not user.chat.voice.keys.talk.active)
        await user.pilot.pause(0.3)
        await user.keyboard.up("f9")
        assert user.script.loop.commands == ["started"]


async def test_a_key_released_under_another_screen_is_up(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("f9")
        user.script.loop.tells(StateChanged("recording"))
        await user.presses("f1")
        await user.sees("Keys and commands")
        await user.pilot.pause(0.3)
        await user.keyboard.up("f9")
        await user.until(lambda: user.script.loop.commands == ["started", "ended held"])


async def test_the_key_works_while_reading(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.asks("hello")
        await user.presses("alt+up")
        await user.keyboard.down("f9")
        await user.until(lambda: user.script.loop.commands == ["started"])


async def test_the_first_press_opens_the_microphone_and_talks_once_it_is_open(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.keyboard.down("space")
        await user.until(lambda: user.script.voices)
        await user.until(lambda: user.script.loop.commands == ["started"])


async def test_what_is_missing_is_said_with_the_command_and_chat_goes_on(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        user.script.refusal = VoiceUnavailable(
            "The package sounddevice is missing.", hint="Install it: pip install 'tensorwall[voice]'"
        )
        await user.presses("f9")
        await user.sees("sounddevice is missing", "pip install 'tensorwall[voice]'")
        assert not user.chat.voice.is_open
        await user.asks("hello")


async def test_space_only_types_where_the_extra_is_missing(
    folder: Path, keyed: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tui.voice.keys.is_installed", lambda: False)
    async with talking(folder) as user:
        await user.presses("space")
        assert user.chat.composer.text == " "
        assert user.script.voices == []


async def test_a_device_that_fails_closes_voice_with_a_line(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        user.script.failure = AudioDeviceFailed("The microphone is busy.", hint="Close what records.")
        await user.sends("/voice on")
        await user.sees("The microphone is busy.", "Close what records.")
        await user.until(lambda: not user.chat.voice.is_open)
        assert user.script.voice.closed
        assert user.chat.voice_bar.status is None


async def test_the_window_tells_of_the_microphone_whatever_is_on_screen(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        assert user.app.title == "TensorWall - New session"
        await user.opens_voice()
        assert user.app.title == "○ TensorWall - New session"
        user.script.loop.tells(StateChanged("recording"))
        await user.until(lambda: user.app.title.startswith("●"))
        await user.sends("/voice off")
        await user.until(lambda: user.app.title == "TensorWall - New session")
        assert user.script.voice.closed


async def test_hands_free_mute_and_wait_are_a_key_away(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.presses("f6")
        await user.sees("Listening", "hands-free")
        await user.presses("f7")
        await user.sees("Muted")
        await user.presses("f7")
        await user.presses("f4")
        await user.until(lambda: user.script.loop.commands == ["hold open"])
        await user.presses("f6")
        await user.sees("Microphone open")


async def test_notices_are_told(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.tells(Noticed("The microphone is USB now."), Discarded(1, "nothing was said"))
        await user.told("The microphone is USB now.")
        await user.told("Nothing was said.")


async def test_markup_and_control_characters_in_speech_do_nothing(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.tells(StateChanged("recording"), PartialText(1, "[red]a\x1b[31m\u202eb", "[/]\n"))
        await user.until(lambda: "[red]a" in user.chat.composer.text)
        assert "\x1b" not in user.chat.composer.text
        assert "\u202e" not in user.chat.composer.text


async def test_quitting_closes_the_microphone(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        script = user.script
    assert script.voice.closed


@pytest.mark.parametrize("command", ["/help", "/settings", "/sessions", "/model"])
async def test_no_panel_covers_what_the_microphone_does(folder: Path, keyed: Simulated, command: str) -> None:
    async with talking(folder, size=(80, 24)) as user:
        await user.opens_voice()
        await user.sends(command)
        await user.until(lambda: user.app.screen is not user.chat)
        await user.pilot.pause()
        panel = user.app.screen.query_one("#panel").region
        assert panel.bottom <= user.chat.voice_bar.region.y
        assert "Microphone open" in user.screen


async def test_the_bar_names_the_key_that_talks_as_the_prompt_is_typed_and_cleared(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.types("x")
        await user.until(lambda: "F9" in user.bar)
        await user.presses("backspace")
        await user.until(lambda: "Space" in user.bar)


async def test_a_muted_or_missing_microphone_is_told_with_what_mends_it(
    folder: Path, keyed: Simulated
) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.sends("/mute")
        await user.sees("Muted", "F7 unmutes")
        await user.sends("/mute")
        user.script.loop.microphone_name = None
        user.script.loop.tells(Noticed("The microphone is gone: it was unplugged"))
        await user.sees("⊘ No microphone")


async def test_a_space_typed_soon_after_a_tap_is_only_a_space(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.keyboard.down("space")
        await user.keyboard.up("space")
        await user.until(lambda: user.chat.composer.text == " ")
        await user.types("a")
        await user.keyboard.down("space")
        await user.keyboard.up("space")
        await user.until(lambda: user.chat.composer.text == " a ")
        assert user.script.loop.commands == ["started", "cancelled"]
