"""What is asked of the ledger, and how the bare table of calls would answer the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

from sqlalchemy import Connection, text

from core.catalogue import load_catalogue
from core.costs.periods import period
from core.records import Records
from core.review import DIMENSIONS, Dimension, Scope, SessionOrder, parse_filter
from core.settings import BudgetSettings
from core.storage.types import UtcTime
from tests.bench.review.history import WORDS

__all__ = ("BUDGETS", "Question", "questions")

BUDGETS = BudgetSettings.model_validate(
    {scope: {"soft": 500_000, "hard": 1_000_000} for scope in ("session", "day", "week", "month")}
)
_ROWS = 40
"""That the screen asks for at first."""
_GROUPS = 1_000
"""The dearest, and the sums over all: more than a screen shows, where there are as many."""
_PAIRS: tuple[tuple[Dimension, ...], ...] = (
    ("day", "model"), ("month", "model"), ("provider", "model"), ("feature", "role", "outcome"),
    ("session", "model"),
)  # fmt: skip
_BARE_SUMS = (
    "count(*), sum(CASE WHEN feature = 'chat' AND role = 'first' THEN 1 ELSE 0 END), sum(prompt_tokens), "
    "sum(completion_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(cost), "
    "sum(CASE WHEN estimated THEN cost ELSE 0 END), sum(CASE WHEN cost IS NULL THEN 1 ELSE 0 END), "
    "sum(CASE WHEN estimated THEN 1 ELSE 0 END), sum(cache_saving), sum(completion_time), "
    "sum(audio_seconds), sum(characters)"
)
_BARE_KEYS: Mapping[Dimension, str] = {
    **{dimension: dimension for dimension in DIMENSIONS},  # type: ignore[dict-item]
    "key": "key_id",
    "session": "session_id",
    "day": "started_at / 86400000000",
    "week": "started_at / 604800000000",
    "month": "started_at / 2592000000000",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the table; ``bare`` asks the same of ``calls`` alone, ``budget`` is in milliseconds."""

    name: str
    budget: float
    ask: Callable[[], Awaitable[object]]
    bare: Callable[[], Awaitable[object]] | None = None


async def questions(records: Records) -> list[Question]:
    """All of them, over all time and over this month."""
    now = datetime.now(UTC)
    asked = [*_screen(records, now)]
    for name, scope in (("all", Scope()), ("month", Scope(since=period("month", now).since))):
        asked += [
            *_groups(records, name, scope),
            *_sessions(records, name, scope),
            *_others(records, name, scope),
        ]
    most = (await records.review.sessions(order="calls", limit=2)).sessions
    busiest = next(session for session in most if session.id)  # not the calls outside of any
    review, ledger = records.review, records.ledger
    return [
        *asked,
        Question("turns of the busiest session", 300, lambda: review.turns(busiest.id)),
        Question("forecast of the month", 300, review.month_forecast),
        Question("standings of four budgets", 300, lambda: ledger.standings(BUDGETS, busiest.id)),
    ]


def _screen(records: Records, now: datetime) -> list[Question]:
    review = records.review

    async def first(scope: Scope) -> None:
        await review.sessions(scope, limit=_ROWS)
        await review.totals(scope)

    month = Scope(since=period("month", now).since)
    return [
        Question("what the screen opens with, month", 300, lambda: first(month)),
        Question("what the screen opens with, all", 300, lambda: first(Scope())),
    ]


def _groups(records: Records, name: str, scope: Scope) -> list[Question]:
    def question(by: tuple[Dimension, ...]) -> Question:
        keys = ", ".join(_BARE_KEYS[dimension] for dimension in by)
        return Question(
            f"{' and '.join(by)}, {name}",
            500,
            lambda: records.review.group_page(by, scope, order="cost", descending=True, limit=_GROUPS),
            _bare(records, f"SELECT {keys}, {_BARE_SUMS} FROM calls WHERE {{}} GROUP BY {keys}", scope),
        )

    total = Question(
        f"totals, {name}",
        500,
        lambda: records.review.totals(scope),
        _bare(records, f"SELECT {_BARE_SUMS} FROM calls WHERE {{}}", scope),
    )
    return [total, *(question(by) for by in (*((dimension,) for dimension in DIMENSIONS), *_PAIRS))]


def _sessions(records: Records, name: str, scope: Scope) -> list[Question]:
    def question(order: SessionOrder) -> Question:
        return Question(
            f"sessions by {order}, {name}", 300, lambda: records.review.sessions(scope, order=order)
        )

    return [question(order) for order in get_args(SessionOrder)]


def _others(records: Records, name: str, scope: Scope) -> list[Question]:
    def filtered(typed: str, what: str) -> list[Question]:
        looked_at = replace(scope, filter=parse_filter(typed))
        return [
            Question(f"sessions {what}, {name}", 500, lambda: records.review.sessions(looked_at)),
            Question(f"models {what}, {name}", 500, lambda: records.review.groups(("model",), looked_at)),
        ]

    price = load_catalogue().price("groq", "openai/gpt-oss-120b", datetime.now(UTC))
    assert price is not None
    return [
        *filtered("model:gpt-oss", "of a model"),
        *filtered(WORDS[2_000], "with a rare word"),
        *filtered(WORDS[40], "with a common word"),
        *filtered("openai provider:openai", "with no such word"),
        Question(f"detours, {name}", 500, lambda: records.review.detours(scope)),
        Question(f"on another model, {name}", 500, lambda: records.review.repriced(price, scope)),
    ]


def _bare(records: Records, query: str, scope: Scope) -> Callable[[], Awaitable[object]]:
    ended = "outcome <> 'running'"
    since = (
        "" if scope.since is None else f" AND started_at >= {UtcTime().process_bind_param(scope.since, None)}"
    )  # type: ignore[arg-type]
    statement = text(query.format(ended + since))

    def fetch(connection: Connection) -> list[Any]:
        return [*connection.execute(statement)]

    return lambda: records.database.read(fetch)
