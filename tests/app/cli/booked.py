"""A ledger with something of everything in it, and how to read what is told of it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.costs.ledger_records import Totals
from core.identifiers import new_id
from core.locations import find_locations
from core.records import Records, open_records

__all__ = ("BIG", "NOW", "SMALL", "Ledger", "book", "exact", "rows_of")

BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
NOW = datetime.now(UTC)


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def book(records: Records, session: str | None, usage: Usage | None, **values: Any) -> None:
    feature, ends = values.pop("feature", "chat"), values.pop("ends", True)
    made = UpstreamCall(
        call_id=new_id(),
        route="*",
        provider=values.pop("provider", "groq"),
        model=values.pop("model", BIG),
        reason=values.pop("reason", "first"),
        role=values.pop("role", "first"),
        started_at=NOW - timedelta(days=values.pop("days", 0)),
    )
    observer = records.ledger.observer(session, values.pop("message", None), feature)
    observer.call_started(made)
    made.outcome, made.usage, made.duration, made.first_token, made.first_content = (
        "answered",
        usage,
        2,
        0.1,
        0.2,
    )
    for name, value in values.items():
        setattr(made, name, value)
    if ends:
        observer.call_ended(made)


class Ledger:
    """What was booked: the ids of its sessions, and the sums by the ledger's own word."""

    def __init__(self) -> None:
        self.file = Path(find_locations().database("", demo=False))
        self.rivers = self.deleted = ""
        self.totals = self.rivers_totals = Totals()

    async def fill(self) -> None:
        records = await open_records(self.file, load_catalogue())
        conversations = records.conversations
        self.rivers = (await conversations.create(title='=HYPERLINK("evil") \x1b[31m rivers')).id
        self.deleted = (await conversations.create(title="Gone")).id
        book(records, self.deleted, Usage(300, 30), message="d1", days=40, model=SMALL)
        book(
            records,
            self.rivers,
            None,
            message="r1",
            outcome="failed",
            error="busy\n\x1b[2J",
            error_type="ServerFailed",
        )
        book(records, self.rivers, Usage(9_000, 200, 400, 50), message="r1", role="fallback")
        book(records, self.rivers, None, message="r2", outcome="interrupted", output_characters=500, days=1)
        book(records, self.rivers, Usage(70, 7), message="r3", provider="nowhere", model="unheard-of")
        book(records, None, Usage(9, 9), feature="voice")
        await conversations.delete(self.deleted)
        self.totals = await records.ledger.totals()
        self.rivers_totals = await records.ledger.totals(self.rivers)
        await records.aclose()
