"""The review notices when another process has written, on both databases."""

from __future__ import annotations

from pathlib import Path

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.records import open_records
from tests.core.review.conftest import NOW


async def test_the_version_changes_when_another_has_written_and_not_otherwise(location: str | Path) -> None:
    catalogue = load_catalogue()
    records, other = await open_records(location, catalogue), await open_records(location, catalogue)
    try:
        before = await records.review.version()
        assert await records.review.version() == before
        call = UpstreamCall("c", "r", "groq", "m", "first", NOW)
        call.outcome, call.usage = "answered", Usage(1, 1)
        other.ledger.observer("s").call_ended(call)
        assert (await other.review.totals()).calls == 1  # so it was written
        assert await records.review.version() != before
    finally:
        await records.aclose()
        await other.aclose()
