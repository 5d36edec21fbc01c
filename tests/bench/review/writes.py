"""A call's own row: inserted when it starts and settled when it ends, alone and under budgets."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from core.catalogue import load_catalogue
from core.chat import ChatRequest, Message, UpstreamCall, Usage
from core.costs.booking import Priced, book_start, booked_usage, priced, settle
from core.identifiers import new_id
from core.records import Records
from tests.bench.review.questions import BUDGETS

__all__ = ("COUNT", "write")

COUNT = 300
_MODEL = "openai/gpt-oss-120b"
_CATALOGUE = load_catalogue()


async def write(records: Records, session_id: str) -> dict[str, list[float]]:
    """Seconds that each step took, until its transaction was over: by step, ``COUNT`` times."""
    place = {"session_id": session_id, "message_id": new_id(), "feature": "chat"}
    request = ChatRequest(model=_MODEL, messages=[Message(role="user", content="How does a trigger work?")])
    gate = records.ledger.gate(BUDGETS, session_id, place["message_id"])
    took: dict[str, list[float]] = {
        "insert": [],
        "settle": [],
        "reserve under four budgets": [],
        "settle that": [],
    }
    database = records.database
    for _ in range(COUNT):
        call = _call()
        took["insert"].append(await _seconds(database.run(book_start, call, place, database.instance)))
        took["settle"].append(await _seconds(database.run(settle, _ended(call), place)))
        call = _call()
        took["reserve under four budgets"].append(await _seconds(gate.admit(call, request, 1_000)))
        took["settle that"].append(await _seconds(database.run(settle, _ended(call), place)))
    return took


async def _seconds(work: Awaitable[Any]) -> float:
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


def _call() -> UpstreamCall:
    return UpstreamCall(
        call_id=new_id(),
        route="smart",
        provider="groq",
        model=_MODEL,
        reason="first",
        started_at=datetime.now(UTC),
        prompt_tokens_estimate=500,
    )


def _ended(call: UpstreamCall) -> Future[Priced[UpstreamCall]]:
    call.outcome, call.duration, call.usage = "answered", 1.0, Usage(500, 200, 300)
    pricing: Future[Priced[UpstreamCall]] = Future()
    pricing.set_result(priced(_CATALOGUE, call, booked_usage(call)))
    return pricing
