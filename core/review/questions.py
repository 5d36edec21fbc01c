"""What people ask of their spend; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, case, func, literal, select

from core.catalogue import Price
from core.chat import Usage
from core.costs.periods import local_midnight, month_start
from core.costs.sums import sum_of
from core.review.forecast import LOOKED_BACK, Forecast, forecast
from core.review.groups import Group, group
from core.review.scope import Scope, conditions
from core.storage.tables import call_kinds, calls, spend

__all__ = ("Detour", "DetourKind", "Repriced", "detours", "month_forecast", "repriced")

DetourKind = Literal["retry", "fallback", "hedge", "rescue", "speculation", "stopped", "broken"]
_SPOKEN = ("transcription", "speech")
_ROLES: dict[str, DetourKind] = {
    "retry": "retry",
    "fallback": "fallback",
    "hedge": "hedge",
    "rescue": "rescue",
}
_BROKEN: dict[str, DetourKind] = {"cancelled": "stopped", "interrupted": "broken", "crashed": "broken"}


@dataclass(frozen=True, slots=True)
class Detour:
    """Calls beside the straight way from question to answer.

    Attributes:
        kind: ``speculation``: asked early, thrown away; ``retry``, ``fallback``, ``hedge``, ``rescue``: the
            call's role; ``stopped`` by the user; ``broken`` off. A call counts once, as the first of these.
    """

    kind: DetourKind
    calls: int
    cost: Decimal
    estimated_cost: Decimal


@dataclass(frozen=True, slots=True)
class Repriced:
    """What calls would have cost at another price.

    Attributes:
        price: today's, of the other model.
        calls: that were priced again.
        left_out: calls that have no tokens to price: they failed, or are speech.
        actual: what those that were priced again did cost.
        instead: what they would have cost.
        unknown_price_calls: left out, too, since their own price is unknown.
        estimated_calls: of those that were priced again, whose tokens are an estimate, so that both sums are.
    """

    price: Price
    calls: int
    left_out: int
    actual: Decimal
    instead: Decimal
    unknown_price_calls: int
    estimated_calls: int = 0


def detours(connection: Connection, scope: Scope) -> list[Detour]:
    """The detours that were made, and what each kind cost."""
    found: dict[DetourKind, Detour] = {}
    for part in group(connection, ("feature", "role", "outcome"), scope):
        kind = _kind(part)
        if kind is None:
            continue
        before = found.get(kind, Detour(kind, 0, Decimal(0), Decimal(0)))
        sums = part.totals
        found[kind] = Detour(
            kind,
            before.calls + sums.calls,
            before.cost + sums.cost,
            before.estimated_cost + sums.estimated_cost,
        )
    return list(found.values())


def repriced(connection: Connection, scope: Scope, price: Price) -> Repriced:
    """What the calls in the scope would have cost at this price, from the tokens that were recorded.

    Where every token has the same price, sums of tokens cost what the calls would have cost one by one.
    """
    parts = _calls(connection, scope) if price.long_prompt else _sums(connection, scope)
    counted = left_out = unknown = estimated = 0
    actual = instead = Decimal(0)
    for row in parts:
        usage = Usage(int(row.prompt_tokens), int(row.completion_tokens), int(row.cached_tokens))
        if row.feature in _SPOKEN or not usage.total_tokens:
            left_out += int(row.calls)
            continue
        if row.unknown:  # there is nothing to compare them with
            unknown += int(row.calls)
            continue
        counted += int(row.calls)
        estimated += int(row.estimated)
        actual += row.cost or Decimal(0)
        instead += price.cost(usage)
    return Repriced(price, counted, left_out, actual, instead, unknown, estimated)


def month_forecast(connection: Connection, now: datetime) -> Forecast:
    """Where this month's spend is heading."""
    today = now.astimezone().date()
    looked_back = local_midnight(month_start(today, -1))
    groups = group(connection, ("day",), Scope(since=min(looked_back, _days_ago(now))))
    days = {part.keys[0]: part.totals for part in groups if not isinstance(part.keys[0], str)}
    return forecast(
        {day: totals.cost for day, totals in days.items()},
        today,
        {day for day, totals in days.items() if totals.estimated_cost},
    )


def _days_ago(now: datetime) -> datetime:
    return datetime.fromtimestamp(now.timestamp() - LOOKED_BACK * 86_400, UTC)


def _kind(part: Group) -> DetourKind | None:
    feature, role, outcome = map(str, part.keys)
    return "speculation" if feature == "speculation" else _ROLES.get(role) or _BROKEN.get(outcome)


def _sums(connection: Connection, scope: Scope) -> Iterable[Any]:
    """By kind, which has calls without tokens apart from those with some, so that they can be counted."""
    unknown = spend.c.unknown_price_calls > 0
    parts = (
        select(
            spend.c.kind_id,
            sum_of(spend.c.calls).label("calls"),
            sum_of(spend.c.unknown_price_calls).label("unknown"),
            sum_of(spend.c.estimated_calls).label("estimated"),
            sum_of(spend.c.prompt_tokens).label("prompt_tokens"),
            sum_of(spend.c.completion_tokens).label("completion_tokens"),
            # Of a call that tells of more cached tokens than its prompt has, those of its prompt count.
            sum_of(spend.c.prompt_tokens - spend.c.uncached_tokens).label("cached_tokens"),
            func.sum(spend.c.cost).label("cost"),
        )
        .where(*conditions(connection, scope))
        .group_by(spend.c.kind_id, unknown)
        .subquery()
    )
    query = select(call_kinds.c.feature, parts).join_from(
        parts, call_kinds, call_kinds.c.id == parts.c.kind_id
    )
    return connection.execute(query)


def _calls(connection: Connection, scope: Scope) -> Iterable[Any]:
    """One by one, for a price that depends on how long each prompt was."""
    query = select(
        calls.c.feature,
        literal(1).label("calls"),
        case((calls.c.cost.is_(None), 1), else_=0).label("unknown"),
        case((calls.c.estimated, 1), else_=0).label("estimated"),
        calls.c.prompt_tokens,
        calls.c.completion_tokens,
        calls.c.cached_tokens,
        calls.c.cost,
    ).where(calls.c.outcome != "running", *conditions(connection, scope, calls))
    return connection.execute(query)
