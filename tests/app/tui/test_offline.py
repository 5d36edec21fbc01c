"""The screen while the network is gone, and when it is back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.locations import find_locations
from core.settings import save_setting
from tests.app.tui.conftest import opened
from tests.network import Network
from tests.simulated import Simulated


@pytest.fixture
def fetched(chat_model: Path) -> None:
    """The model, where the program keeps it, asked for a few words only."""
    models = find_locations().chat_models_dir
    models.mkdir(parents=True)
    (models / "smollm2-135m").symlink_to(chat_model.parent)
    save_setting(None, "chat.max_completion_tokens", 4)
    save_setting(None, "offline.window", 512)


@pytest.fixture
async def network(keyed: Simulated, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    """Gone, to begin with."""
    network = Network(keyed)
    monkeypatch.setenv("GROQ_API_URL", await network.open())
    await network.close()
    yield network
    await network.close()


async def test_this_machine_takes_over_hands_back_and_takes_over_again_in_one_session(
    folder: Path, keyed: Simulated, network: Network, fetched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed.configure(text="From Groq.", reasoning="")
    async with opened(folder) as user:
        await user.asks("one")
        await user.sees("OFFLINE", "smollm2-135m via embedded", "may be wrong")
        await user.sees("embedded  smollm2-135m: offline, Groq did not answer; small model, may be wrong")
        assert keyed.questions() == []

        await network.open()
        monkeypatch.setattr(user.chat, "_warmed_at", float("-inf"))  # half a minute has passed
        await user.types("two")  # which opens a connection, and thereby ends the wait for the network
        assert user.app.services is not None
        router, model = user.app.services.router, user.conversation.model
        await user.until(lambda: all(at.ready_in < 0.1 for at in router.health(model) if at.model == model))
        await user.presses("enter")
        await user.settles(4)
        await user.sees("From Groq.", "back online: Groq answers again", "via groq")
        assert "OFFLINE" not in user.screen
        (question,) = keyed.questions()
        told = [message["content"] for message in question["body"]["messages"]]
        assert "one" in told, "what was said offline is part of the conversation"

        await network.close()
        await user.asks("three")
        await user.sees("OFFLINE", "smollm2-135m via embedded")
        session = user.conversation.session_id
        said = [stored.provider for stored in user.conversation.branch if stored.message.role == "assistant"]
        assert said == ["embedded", "groq", "embedded"]
        records = await user.app.services.records()
        rows = [row for row in await records.ledger.rows(session) if row.outcome == "answered"]
        assert [row.provider for row in rows if row.feature == "chat"] == said
