from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.identifiers import new_id
from core.records import Records, open_records

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"

Book = Callable[..., UpstreamCall]


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    records = await open_records(tmp_path / "tensorwall.db", load_catalogue())
    yield records
    await records.aclose()


@pytest.fixture
def book(records: Records) -> Book:
    """Book a call as the router does: its start, then its end."""

    def book(
        session: str | None,
        usage: Usage | None,
        *,
        message: str | None = None,
        feature: str = "chat",
        minutes: float = 0,
        ends: bool = True,
        **values: Any,
    ) -> UpstreamCall:
        made = UpstreamCall(
            call_id=new_id(),
            route="*",
            provider=values.pop("provider", "groq"),
            model=values.pop("model", BIG),
            reason="first",
            started_at=NOW + timedelta(minutes=minutes),
            role=values.pop("role", "first"),
        )
        observer = records.ledger.observer(session, message, feature)
        observer.call_started(made)
        made.outcome, made.usage, made.duration = "answered", usage, 1.5
        made.first_token, made.first_content = 0.1, 0.2
        for name, value in values.items():
            setattr(made, name, value)
        if ends:
            observer.call_ended(made)
        return made

    return book
