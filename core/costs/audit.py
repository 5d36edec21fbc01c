"""Audits the ledger: is what it says what the provider says?

Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import BigInteger, ColumnElement, Connection, case, func, or_, select, type_coerce

from core.costs.audit_comparison import LedgerUsage, compare, ledger_name
from core.costs.audit_report import AuditReport, Figures
from core.costs.usage_export import UsageExport, read_usage_export
from core.errors import InputError
from core.storage import Database
from core.storage.tables import call_kinds, calls

__all__ = ("audit",)

_DAY = 86_400_000_000
"""Microseconds, in which the ledger keeps times."""
_FIRST_DAY = date(1970, 1, 1)
_UTC_DAY = type_coerce(calls.c.started_at, BigInteger) // _DAY
# What failed before anything was used is in no bill.
_USED = or_(
    calls.c.prompt_tokens + calls.c.completion_tokens > 0,
    type_coerce(calls.c.cost, BigInteger) > 0,
    calls.c.audio_seconds.is_not(None),
    calls.c.characters.is_not(None),
)
_NO_PRICE = calls.c.cost.is_(None)


async def audit(
    database: Database, path: Path, *, provider: str | None = None, content: IO[bytes] | None = None
) -> AuditReport:
    """Compare the ledger with a provider's usage export, over the UTC days that the export covers.

    Compared are calls one by one where both sides have request ids in common, or else the sums of each day
    and model. What the export does not tell is not compared. Costs may differ by half of the last digit
    that the export gives.

    Args:
        database: holds the ledger.
        path: the export; see ``core.costs.usage_export`` for what it may look like.
        provider: whose it is; by default the one whose models in the ledger it names.
        content: of an export that is in no file, such as stdin; it can be rewound, and is closed.

    Raises:
        InputError: the export cannot be read, or more than one provider or none might have made it.
        StorageError: or one of its kin: the ledger cannot be read.
    """
    export = await asyncio.wrap_future(database.offload(lambda: read_usage_export(path, content)))
    return await database.read(_audit, path, export, provider)


def _audit(connection: Connection, path: Path, export: UsageExport, provider: str | None) -> AuditReport:
    models = _models(connection)
    if provider is None:
        provider = _provider_of(path, export, models)
    elif provider not in models:
        raise InputError(
            f"There are no calls of {provider} in the ledger.",
            hint=f"Name one of those that it has: {_listed(models)}.",
        )
    ids = {row.request_id for row in export.rows if row.request_id}
    by_call = bool(ids) and _shares(connection, provider, export, ids)
    usage = (
        _single_calls(connection, provider, export, ids) if by_call else _days(connection, provider, export)
    )
    return compare(provider, export, usage, by_call=by_call)


def _provider_of(path: Path, export: UsageExport, models: Mapping[str, Sequence[str]]) -> str:
    named = {row.model for row in export.rows if row.model}
    fitting = [
        provider
        for provider, known in models.items()
        if not named or any(ledger_name(model, known) for model in named)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(
            f"{path} may be the export of more than one provider: {_listed(fitting)}.",
            hint="Say whose it is with --provider.",
        )
    raise InputError(
        f"The ledger has no calls of the models in {path} ({_listed(sorted(named)[:5])}).",
        hint=f"If it is the export of one of these, say so with --provider: {_listed(models)}."
        if models
        else "There is nothing in the ledger to compare it with.",
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _models(connection: Connection) -> dict[str, list[str]]:
    """The models of each provider in the ledger."""
    models: dict[str, list[str]] = {}
    for row in connection.execute(select(call_kinds.c.provider, call_kinds.c.model).distinct()):
        models.setdefault(row.provider, []).append(row.model)
    return dict(sorted(models.items()))


def _covered(provider: str, export: UsageExport) -> Sequence[ColumnElement[bool]]:
    since = datetime.combine(export.since, datetime.min.time(), UTC)
    until = datetime.combine(export.until + timedelta(days=1), datetime.min.time(), UTC)
    return (
        calls.c.provider == provider,
        calls.c.started_at >= since,
        calls.c.started_at < until,
        calls.c.outcome != "running",
    )


def _shares(connection: Connection, provider: str, export: UsageExport, ids: set[str]) -> bool:
    """Whether a call of the ledger has one of these ids."""
    query = select(calls.c.request_id).where(*_covered(provider, export), calls.c.request_id.is_not(None))
    return any(request_id in ids for request_id in connection.scalars(query))


def _single_calls(
    connection: Connection, provider: str, export: UsageExport, ids: set[str]
) -> list[LedgerUsage]:
    query = select(calls, _USED.label("used")).where(*_covered(provider, export))
    return [
        LedgerUsage(
            day=row.started_at.date(),
            model=row.model,
            request_id=row.request_id or "",
            figures=Figures(1, row.prompt_tokens, row.completion_tokens, row.cached_tokens, row.cost),
            estimated_calls=int(row.estimated),
            unknown_price_calls=int(row.cost is None),
        )
        for row in connection.execute(query)
        if row.used or row.request_id in ids
    ]


def _days(connection: Connection, provider: str, export: UsageExport) -> list[LedgerUsage]:
    query = (
        select(
            _UTC_DAY.label("day"),
            calls.c.model,
            func.count().label("calls"),
            func.sum(calls.c.prompt_tokens).label("prompt_tokens"),
            func.sum(calls.c.completion_tokens).label("completion_tokens"),
            func.sum(calls.c.cached_tokens).label("cached_tokens"),
            func.sum(calls.c.cost).label("cost"),
            func.sum(case((calls.c.estimated, 1), else_=0)).label("estimated_calls"),
            func.sum(case((_NO_PRICE, 1), else_=0)).label("unknown_price_calls"),
        )
        .where(*_covered(provider, export), _USED)
        .group_by("day", calls.c.model)
    )
    return [
        LedgerUsage(
            day=_FIRST_DAY + timedelta(days=int(row.day)),
            model=row.model,
            figures=Figures(
                calls=int(row.calls),
                prompt_tokens=int(row.prompt_tokens),
                completion_tokens=int(row.completion_tokens),
                cached_tokens=int(row.cached_tokens),
                cost=row.cost,
            ),
            estimated_calls=int(row.estimated_calls),
            unknown_price_calls=int(row.unknown_price_calls),
        )
        for row in connection.execute(query)
    ]
