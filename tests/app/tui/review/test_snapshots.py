"""What each view of the review looks like, kept as text in ``__snapshots__``.

After a wanted change of a view, or of the catalogue's prices, ``make snapshots`` renews them; read the diff.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.worker import Worker

from app.tui.review.screen import ReviewScreen
from core.catalogue import load_catalogue
from core.chat import Usage
from core.costs.imports.importing import import_usage
from core.settings import BudgetSettings
from core.voice.receipt import Receipt
from tests.app.tui.conftest import User
from tests.app.tui.review.conftest import NOW, SMALL, Past, reviewing
from tests.core.costs.imports.llm_database import LlmDatabase

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
pytestmark = pytest.mark.usefixtures("utc")
SIZES = [(80, 24), (140, 45)]

VIEWS = {
    # what is looked at: (keys that lead there from the view before, what is on screen by then)
    "sessions": ((), "4 sessions"),
    "sessions by cost": (("right",), "↓Cost"),
    "turns": (("enter",), "Why is the sky blue"),
    "calls": (("enter",), "Route"),
    "calls, the last": (("down", "down"), "rescue: it broke off"),
    "a spoken turn": (("escape", "end", "enter", "home"), "from the end of your words"),
    "groups": (("2",), "[Model]"),
    "groups by day": (("left", "left", "left"), "[Day]"),
    "spend per day": (("3",), "spent, by day and model"),
    "cost against speed": (("right",), "tokens a second"),
    "budget of the month": (("right",), "day of the month"),
    "caching": (("c",), "Caching saved"),
    "detours": (("f",), "Detours cost"),
    "another model": (("x",), "Priced again"),
    "dearest": (("d",), "The dearest session"),
    "on track": (("m",), "the month"),
    "budgets": (("5",), "soft limit"),
    "a filter that nothing fits": (("1", "slash", *"model", "colon", *"none"), "No call fits the filter"),
    "a filter that cannot be read": (("home", "x"), "There is no field"),
}


async def everything(past: Past, folder: Path) -> None:
    """Several models over days: a failure, a rescue, a hedge, speech, estimates, unknown prices, imports."""
    sky, bread = await past.session("Physics for a child of seven"), await past.session("Sourdough")
    await past.turn(
        bread, "How long does it rise?", ago=9 * DAY, model=SMALL, usage=Usage(52_000, 9_000, 40_000)
    )
    slow = await past.turn(bread, "And in a cold kitchen?", ago=8 * DAY, outcome="cancelled", usage=None)
    past.call(
        bread,
        slow,
        role="hedge",
        reason="no token in time",
        provider="openai",
        model="gpt-4o-mini",
        ago=8 * DAY,
    )
    past.call(bread, None, feature="title", model="llama-3.1-8b-instant", ago=9 * DAY)
    past.call(None, None, feature="title", model="nobody/knows", ago=3 * DAY)
    first = await past.turn(
        sky, "Why is the sky blue?", outcome="failed", usage=None, error="no room", error_type="RateLimited",
        ago=2 * DAY,
    )  # fmt: skip
    past.call(
        sky, first, role="retry", reason="after a second", outcome="interrupted", usage=None,
        output_chunks=90, prompt_tokens_estimate=900, output_characters=400, ago=2 * DAY - SECOND,
    )  # fmt: skip
    past.call(
        sky, first, role="rescue", reason="it broke off", request_id="req_42", ago=2 * DAY - 2 * SECOND,
        usage=Usage(90_000, 4_000, completion_time=9),
    )  # fmt: skip
    spoken = await past.turn(sky, "And in the evening?", ago=DAY)
    receipt = Receipt(
        2, 0.4, 0.2, 0.3, 0.2, 1.1, speculated=2, discarded=1, speculation_cost=Decimal("0.0001")
    )
    await past.records.voice_turns.add(sky, spoken, receipt)
    logs = LlmDatabase(folder / "logs.db", "0.26")
    logs.converse("c1", "Names for a cat")
    logs.call(
        "r1", conversation="c1", model="gpt-4o-mini", input_tokens=900, output_tokens=200, duration_ms=2_100,
        datetime_utc=(NOW - 5 * DAY).isoformat(),
    )  # fmt: skip
    logs.connection.commit()
    await import_usage(past.records.database, load_catalogue(), logs.path)


def screen_workers(user: User) -> list[Worker[object]]:
    return [worker for worker in user.app.workers if worker.group == "load"]


async def settled(user: User) -> str:
    """What is on screen once the ledger has answered."""
    screen = user.app.screen
    assert isinstance(screen, ReviewScreen)
    await user.until(
        lambda: not any(worker.group == "load" and not worker.is_finished for worker in user.app.workers)
    )
    await user.pilot.pause()
    return user.screen


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
async def test_every_view_looks_as_it_did(
    past: Past, folder: Path, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    await everything(past, folder)
    seen: dict[str, str] = {}
    async with reviewing(folder, size=size) as user:
        user.conversation.services.assistant.budgets = BudgetSettings.model_validate(
            {"session": {"soft": 1}, "day": {"hard": 0.05}, "month": {"soft": 0.01, "hard": 0.05}}
        )
        for name, (keys, shown) in VIEWS.items():
            await user.presses(*keys)
            await user.sees(shown)
            seen[name] = await settled(user)
    for name, screen in seen.items():
        assert screen == snapshot(name=name)


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
async def test_every_view_of_nothing_looks_as_it_did(
    past: Past, folder: Path, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    seen: dict[str, str] = {}
    async with reviewing(folder, size=size) as user:
        for key in "1a23cfxdm5":
            await user.presses(key)
            seen[key] = await settled(user)
    for key, screen in seen.items():
        assert screen == snapshot(name=f"nothing, {key}")
