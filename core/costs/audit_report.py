"""What an audit finds: the ledger beside a provider's export, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

__all__ = ("MEASURES", "AuditReport", "AuditRow", "DifferenceKind", "Figures", "Measure", "total")

T = TypeVar("T", int, Decimal)

Measure = Literal["calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost"]
DifferenceKind = Literal["only here", "only there", "calls differ", "tokens differ", "cost differs"]

MEASURES: tuple[Measure, ...] = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost")


@dataclass(frozen=True, slots=True)
class Figures:
    """What calls used, and what that cost in US dollars; ``None`` where it is not told or not known."""

    calls: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One call, or the calls of one UTC day and model, on both sides.

    Attributes:
        model: ``None`` where the export does not tell models apart. From outside: untrusted text.
        request_id: of a call; ``None`` where days are compared.
        ours: by the ledger; ``None``: the export alone has it.
        theirs: by the export; ``None``: the ledger alone has it.
        kinds: how they differ; empty where they agree.
        estimated_calls: of ours, those whose tokens are an estimate.
        unknown_price_calls: of ours, those whose cost is not known.
    """

    day: date
    model: str | None
    request_id: str | None
    ours: Figures | None
    theirs: Figures | None
    kinds: tuple[DifferenceKind, ...]
    estimated_calls: int = 0
    unknown_price_calls: int = 0

    @property
    def expected(self) -> bool:
        """Whether our estimates and unknown prices may be all that it differs by."""
        explained: set[DifferenceKind] = set()
        if self.estimated_calls:  # a call that was cut off may have been counted, or not
            explained |= {"calls differ", "tokens differ", "cost differs"}
        if self.unknown_price_calls:
            explained |= {"cost differs"}
        if self.ours is not None and self.ours.calls == self.estimated_calls:
            explained |= {"only here"}
        return bool(self.kinds) and explained.issuperset(self.kinds)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The ledger beside a provider's export.

    Attributes:
        since: the first UTC day that the export covers.
        until: the last one.
        by_call: call by call, by the provider's request ids; otherwise by UTC day and model.
        compared: what the export tells; nothing else is compared.
        rows: by day and model.
        ours: the sums of the ledger's side.
        theirs: those of the export's.
        ignored_columns: of the export, those that say nothing here. Untrusted text.
    """

    provider: str
    since: date
    until: date
    by_call: bool
    compared: tuple[Measure, ...]
    rows: tuple[AuditRow, ...]
    ours: Figures
    theirs: Figures
    ignored_columns: tuple[str, ...] = ()

    @property
    def differences(self) -> tuple[AuditRow, ...]:
        """The rows that differ."""
        return tuple(row for row in self.rows if row.kinds)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def total(figures: Iterable[Figures]) -> Figures:
    """The sums of what is told and known."""
    several = list(figures)
    return Figures(
        calls=_sum(one.calls for one in several),
        prompt_tokens=_sum(one.prompt_tokens for one in several),
        completion_tokens=_sum(one.completion_tokens for one in several),
        cached_tokens=_sum(one.cached_tokens for one in several),
        cost=_sum(one.cost for one in several),
    )


def _sum(amounts: Iterable[T | None]) -> T | None:
    result: T | None = None
    for amount in amounts:
        if amount is not None:
            result = amount if result is None else result + amount
    return result
