"""How the routes have done lately, by the ledger; these functions run on the storage worker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection, select

from core.chat.delay import Delay, delay_of
from core.costs.ledger_records import LedgerOutcome, Totals
from core.costs.periods import local_midnight
from core.review.groups import group
from core.review.scope import Scope
from core.storage.tables import calls

__all__ = ("RouteRecord", "route_records")

_SPAN = timedelta(days=7)
_MOST = 2_000
"""Calls that are looked at, the latest ones."""
_MOST_OF_ONE = 100
"""Of one route: as many as the router itself remembers."""
_LEAST_ARRIVING = 0.05
"""Seconds; what arrives within fewer was written before, and tells of no speed."""
_FASTEST = 10_000
"""Tokens a second; nobody writes faster, so that such an answer was kept somewhere and came whole."""
_FAILED = ("failed", "interrupted", "crashed")


@dataclass(frozen=True, slots=True)
class _Call:
    """What is read of each call; see ``CallRecord``."""

    provider: str
    model: str
    started_at: datetime
    outcome: LedgerOutcome
    error_type: str | None
    first_token: float | None
    first_content: float | None
    duration: float | None
    queue_time: float | None
    prompt_time: float | None
    completion_time: float | None
    completion_tokens: int


_COLUMNS = tuple(calls.c[field.name] for field in fields(_Call))


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """One model at one provider: its last calls, at most 100 and of a week; times in seconds.

    Attributes:
        failed: those of its calls that failed or broke off.
        first_content: the time to the first piece of the answer that half of them did not exceed.
        slow_first_content: that 95 of 100 did not exceed.
        tokens_per_second: the middle one of the speeds at which they were written, as far as known.
        delay: the middle of each part of the time until they began; of those that the provider tells of.
        last_outcome: of the last call; ``None`` where there was none in that time.
        last_error: its class in ``core.errors``, where it failed.
        today: the sums of all its calls since local midnight.
    """

    provider: str
    model: str
    calls: int = 0
    failed: int = 0
    first_content: float | None = None
    slow_first_content: float | None = None
    tokens_per_second: float | None = None
    delay: Delay | None = None
    last_at: datetime | None = None
    last_outcome: LedgerOutcome | None = None
    last_error: str | None = None
    today: Totals = field(default_factory=Totals)


def route_records(connection: Connection, now: datetime) -> list[RouteRecord]:
    """Every model at every provider that was called in a week, by their names; speech has no routes."""
    recent: dict[tuple[str, str], list[_Call]] = {}
    query = (
        select(*_COLUMNS)
        .where(
            calls.c.started_at >= now - _SPAN,
            calls.c.outcome != "running",
            calls.c.audio_seconds.is_(None),
            calls.c.characters.is_(None),
        )
        .order_by(calls.c.started_at.desc())
        .limit(_MOST)
    )
    for call in (_Call(*row) for row in connection.execute(query)):
        members = recent.setdefault((call.provider, call.model), [])
        if len(members) < _MOST_OF_ONE:
            members.append(call)
    midnight = local_midnight(now.astimezone().date())
    today = {sums.keys: sums.totals for sums in group(connection, ("provider", "model"), Scope(midnight))}
    return [
        _record(provider, model, recent[provider, model], today.get((provider, model), Totals()))
        for provider, model in sorted(recent)
    ]


def _record(provider: str, model: str, latest: Sequence[_Call], today: Totals) -> RouteRecord:
    """The record of calls that are given with the last one first."""
    firsts = sorted(call.first_content for call in latest if call.first_content is not None)
    speeds = [speed for call in latest if (speed := _speed(call))]
    delays = [
        delay_of(call.first_token, call.first_content, call.queue_time, call.prompt_time) for call in latest
    ]
    last = latest[0]
    return RouteRecord(
        provider,
        model,
        calls=len(latest),
        failed=sum(call.outcome in _FAILED for call in latest),
        first_content=_quantile(firsts, 0.5),
        slow_first_content=_quantile(firsts, 0.95),
        tokens_per_second=median(speeds) if speeds else None,
        delay=_middle([delay for delay in delays if delay is not None]),
        last_at=last.started_at,
        last_outcome=last.outcome,
        last_error=last.error_type,
        today=today,
    )


def _speed(call: _Call) -> float | None:
    """Tokens a second, by the provider's word where it tells; unknown of an answer that came whole."""
    seconds = call.completion_time
    if seconds is None and call.duration is not None and call.first_token is not None:
        arriving = call.duration - call.first_token
        seconds = arriving if arriving >= _LEAST_ARRIVING else None
    if not seconds or seconds <= 0:
        return None
    speed = call.completion_tokens / seconds
    return speed if speed <= _FASTEST else None


def _middle(delays: Sequence[Delay]) -> Delay | None:
    """The middle of each part; of the calls whose parts are all told, where there are any."""
    told = [delay for delay in delays if delay.network is not None]
    if told:
        return Delay(
            median(delay.network or 0.0 for delay in told),
            median(delay.queue or 0.0 for delay in told),
            median(delay.prompt or 0.0 for delay in told),
            median(delay.generation for delay in told),
        )
    if not delays:
        return None
    thinking, untold = (delay.generation for delay in delays), (delay.untold for delay in delays)
    return Delay(None, None, None, median(thinking), untold=median(untold))


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value that so large a share does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
