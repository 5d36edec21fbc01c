"""Pickers, settings that take effect at once, and the first download."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tui.screens.voice_pickers import DeviceScreen
from core.download import DownloadProgress
from core.errors import DownloadFailed
from core.locations import find_locations
from core.settings import load_settings
from core.voice.engine.devices import Devices
from core.voice.events import StateChanged
from core.voice.transcription.models import KnownModel, known_model
from tests.app.tui.voice.conftest import talking
from tests.simulated import Simulated


@pytest.fixture
def _devices(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listed() -> Devices:
        return Devices(("Built-in", "USB headset"), ("Built-in",), "Built-in", "Built-in")

    monkeypatch.setattr("core.voice.engine.devices.list_devices", listed)


@pytest.mark.usefixtures("_devices")
async def test_a_microphone_is_chosen_by_name_remembered_and_used(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.sends("/microphone")
        await user.sees("The system's default", "USB headset")
        await user.types("usb")
        picker = user.app.screen
        assert isinstance(picker, DeviceScreen)
        await user.until(lambda: [row.value for row in picker.shown] == ["USB headset"])
        await user.presses("enter")
        await user.until(lambda: user.script.voice.applied)
        assert user.script.voice.applied[-1].microphone == "USB headset"
    assert load_settings(find_locations().settings_file).voice.microphone == "USB headset"


async def test_a_voice_is_chosen_from_those_there_are(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.sends("/voicename")
        await user.told("/voice opens it")
        await user.opens_voice()
        await user.sends("/voicename")
        await user.sees("German")
        await user.presses("down", "enter")
        await user.until(lambda: user.script.voice.applied)
        assert user.script.voice.applied[-1].voice == "de"


async def test_the_language_is_shown_once_it_is_chosen(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        await user.sends("/language xx")
        await user.told("does not know the language xx")
        await user.sends("/language de")
        await user.until(lambda: user.script.voice.applied)
        assert user.script.voice.applied[-1].language == "de"
        await user.sends("/language")
        await user.sees("Language you speak", "German")
        await user.presses("escape")


async def test_voice_can_be_switched_off(folder: Path, keyed: Simulated) -> None:
    file = find_locations().settings_file
    file.write_text('[voice]\nmode = "off"\n', "utf-8")
    async with talking(folder) as user:
        await user.presses("f9", "space")
        assert user.chat.composer.text == " "
        await user.presses("backspace")
        await user.sends("/voice on")
        await user.told("Voice is switched off")
        assert user.script.voices == []


class Hub:
    """Fetches a model as the test says."""

    def __init__(self) -> None:
        self.progress: Callable[[DownloadProgress], None] = lambda _: None
        self.begun = 0
        self.ended: asyncio.Future[Path] = asyncio.get_running_loop().create_future()

    async def fetch(
        self, model: KnownModel, models_dir: Path, progress: Callable[[DownloadProgress], None]
    ) -> Path:
        self.begun += 1
        self.progress = progress
        return await self.ended


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    model = known_model("base")
    there: list[bool] = []
    monkeypatch.setattr("app.tui.voice.first_use.missing_model", lambda *_: None if there else model)
    monkeypatch.setattr(
        "app.tui.screens.speech_download.SpeechDownloadScreen.__init__.__defaults__", (hub.fetch,)
    )
    return hub


async def test_the_first_use_offers_the_download_shows_it_and_goes_on(
    folder: Path, keyed: Simulated, hub: Hub
) -> None:
    async with talking(folder) as user:
        await user.presses("f9")
        await user.sees("Talking needs a speech model", "Whisper base", "Download")
        assert hub.begun == 0
        await user.presses("enter")
        await user.until(lambda: hub.begun == 1)
        hub.progress(DownloadProgress(36_000_000, 145_000_000, 5_000_000))
        await user.sees("36.0 MB of 145.0 MB", "5.0 MB/s", "21.8 s left")
        hub.ended.set_result(Path())
        await user.until(lambda: user.script.voices)
        await user.sees("Microphone open")


async def test_a_download_that_fails_says_how_to_go_on(folder: Path, keyed: Simulated, hub: Hub) -> None:
    async with talking(folder) as user:
        await user.presses("f9")
        await user.sees("Talking needs a speech model")
        await user.presses("enter")
        await user.until(lambda: hub.begun == 1)
        hub.ended.set_exception(DownloadFailed("The download stalled.", hint="Run it again."))
        await user.sees("The download stalled. Run it again.", "Go on")
        hub.ended = asyncio.get_running_loop().create_future()
        await user.until(lambda: not user.app.screen.query(".-active"))  # the button is up again
        await user.presses("enter")
        await user.until(lambda: hub.begun == 2)
        await user.presses("escape")
        await user.until(lambda: hub.ended.cancelled())
        await user.until(lambda: user.app.screen is user.chat)


async def test_the_language_is_shown_once_it_is_detected(folder: Path, keyed: Simulated) -> None:
    async with talking(folder) as user:
        await user.opens_voice()
        user.script.loop.language = "fr"
        user.script.loop.tells(StateChanged("thinking"))
        await user.until(lambda: user.chat.voice_bar.status and user.chat.voice_bar.status.language == "fr")
