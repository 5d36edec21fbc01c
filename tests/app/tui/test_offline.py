"""The screen while the network is gone, and when it is back."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.locations import find_locations
from core.settings import save_setting
from tests.app.tui.conftest import opened
from tests.simulated import Simulated


@pytest.fixture
def fetched(chat_model: Path) -> None:
    """The model, where the program keeps it, asked for a few words only."""
    models = find_locations().chat_models_dir
    models.mkdir(parents=True)
    (models / "smollm2-135m").symlink_to(chat_model.parent)
    save_setting(None, "chat.max_completion_tokens", 4)
    save_setting(None, "offline.window", 512)


async def test_this_machine_takes_over_and_hands_back(
    folder: Path, keyed: Simulated, fetched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed.configure(text="From Groq.", reasoning="")
    monkeypatch.setenv("GROQ_API_URL", "http://127.0.0.1:9/openai/v1")
    async with opened(folder) as user:
        await user.asks("one")
        await user.sees("OFFLINE", "smollm2-135m via embedded", "may be wrong")
        await user.sees("embedded  smollm2-135m: offline, Groq did not answer; small model, may be wrong")

        monkeypatch.setenv("GROQ_API_URL", keyed.base_url)
        assert user.app.services is not None
        assert await user.app.services.router.warm()  # as typing does, now and then
        await user.asks("two")
        await user.sees("From Groq.", "back online: Groq answers again", "via groq")
        assert "OFFLINE" not in user.screen
