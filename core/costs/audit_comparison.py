"""Compares what the ledger says with what a provider says; pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.costs.audit_report import (
    AuditReport,
    AuditRow,
    DifferenceKind,
    Figures,
    Measure,
    total,
)
from core.costs.usage_export import UsageExport, UsageRow

__all__ = ("LedgerUsage", "compare", "ledger_name")

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_LEDGER_ROUNDING = Decimal("5e-13")
"""US dollars a call, see ``core.storage.types.Money``."""
_NOTHING = Decimal(0)
_TOKENS: tuple[Measure, ...] = ("prompt_tokens", "completion_tokens", "cached_tokens")

Key = tuple[date | None, str, str]


@dataclass(frozen=True, slots=True)
class LedgerUsage:
    """What the ledger says of a call, or of the calls of one UTC day and model.

    Attributes:
        request_id: the provider's; empty where it is not known, or where it is several calls.
        estimated_calls: those whose tokens are an estimate.
        unknown_price_calls: those whose cost is not known; the others' is in ``figures``.
    """

    day: date
    model: str
    figures: Figures
    request_id: str = ""
    estimated_calls: int = 0
    unknown_price_calls: int = 0


def ledger_name(model: str, known: Collection[str]) -> str | None:
    """What the ledger calls a provider's model; ``None`` where it has none of that name.

    Providers name snapshots (``gpt-4o-2024-08-06``) of what is asked for by a shorter name, and some write
    their own name before it.
    """
    names = {name.lower(): name for name in known}
    written = model.lower()
    candidates = (written, _SNAPSHOT.sub("", written))
    for name in (*candidates, *(candidate.partition("/")[2] for candidate in candidates)):
        if name in names:
            return names[name]
    return None


def compare(
    provider: str, export: UsageExport, ledger: Sequence[LedgerUsage], *, by_call: bool
) -> AuditReport:
    """Set the two side by side.

    Args:
        provider: whose export it is.
        export: what it says.
        ledger: that provider's calls on the days the export covers; one by one where ``by_call``.
        by_call: match calls by their request ids, and those without one by the sums of a day and model, where
            the export has such rows; otherwise all of them by those sums.
    """
    matching = _Matching(by_call, {usage.model for usage in ledger}, any(row.model for row in export.rows))
    theirs: dict[Key, list[UsageRow]] = defaultdict(list)
    for row in export.rows:
        theirs[matching.of_export(row)].append(row)
    ours: dict[Key, list[LedgerUsage]] = defaultdict(list)
    alone: list[LedgerUsage] = []
    for usage in ledger:
        key = matching.of_ledger(usage)
        if by_call and not usage.request_id and key not in theirs:
            alone.append(usage)
        else:
            ours[key].append(usage)
    found = [
        _row(matching, export, ours.get(key, ()), theirs.get(key, ())) for key in ours.keys() | theirs.keys()
    ]
    found += [_row(matching, export, [usage], ()) for usage in alone]
    rows = sorted(
        (row for row in found if row is not None),
        key=lambda row: (row.day, row.model or "", row.request_id or ""),
    )
    return AuditReport(
        provider=provider,
        since=export.since,
        until=export.until,
        by_call=by_call,
        compared=export.measures,
        rows=tuple(rows),
        ours=total(row.ours for row in rows if row.ours),
        theirs=total(row.theirs for row in rows if row.theirs),
        ignored_columns=export.ignored_columns,
    )


@dataclass(frozen=True, slots=True)
class _Matching:
    """What makes a row of the export and one of the ledger the same."""

    by_call: bool
    models: Collection[str]
    tells_models: bool

    def of_export(self, row: UsageRow) -> Key:
        model = (row.model and ledger_name(row.model, self.models)) or row.model or ""
        if self.by_call and row.request_id:
            return None, model, row.request_id
        return row.day, model, ""

    def of_ledger(self, usage: LedgerUsage) -> Key:
        model = usage.model if self.tells_models else ""
        if self.by_call and usage.request_id:
            return None, model, usage.request_id
        return usage.day, model, ""


def _row(
    matching: _Matching, export: UsageExport, ours: Sequence[LedgerUsage], theirs: Sequence[UsageRow]
) -> AuditRow | None:
    """The row of what belongs together; ``None`` where the export but says that there is nothing."""
    here = total(usage.figures for usage in ours) if ours else None
    there = total(row.figures for row in theirs) if theirs else None
    if there is not None and here is None and _is_nothing(there):
        return None
    first = ours[0] if ours else theirs[0]
    tells_model = matching.tells_models or matching.by_call
    tolerance = max(
        len(theirs) * export.cost_step / 2, (here.calls or 0) * _LEDGER_ROUNDING if here else _NOTHING
    )
    return AuditRow(
        day=first.day,
        model=first.model if tells_model else None,
        request_id=first.request_id or None if matching.by_call else None,
        ours=here,
        theirs=there,
        kinds=_differences(here, there, export.measures, tolerance),
        estimated_calls=sum(usage.estimated_calls for usage in ours),
        unknown_price_calls=sum(usage.unknown_price_calls for usage in ours),
    )


def _is_nothing(figures: Figures) -> bool:
    return figures == Figures() or not any(
        (
            figures.calls,
            figures.prompt_tokens,
            figures.completion_tokens,
            figures.cached_tokens,
            figures.cost,
        )
    )


def _differences(
    ours: Figures | None, theirs: Figures | None, measures: Iterable[Measure], tolerance: Decimal
) -> tuple[DifferenceKind, ...]:
    """What an export leaves out here and tells elsewhere is none."""
    if theirs is None:
        return ("only here",)
    if ours is None:
        return ("only there",)
    told = set(measures)
    kinds: list[DifferenceKind] = []
    if "calls" in told and theirs.calls is not None and (ours.calls or 0) != theirs.calls:
        kinds.append("calls differ")
    if any((getattr(ours, name) or 0) != (getattr(theirs, name) or 0) for name in _TOKENS if name in told):
        kinds.append("tokens differ")
    if "cost" in told and abs((ours.cost or _NOTHING) - (theirs.cost or _NOTHING)) > tolerance:
        kinds.append("cost differs")
    return tuple(kinds)
