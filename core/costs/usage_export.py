"""A provider's usage export, CSV or JSON, whatever its columns are called.

Names are compared without regard to case and separators (``Input Tokens`` is ``input_tokens``); of several
that mean the same the one that stands first here counts. What is nested in a JSON record is a column, too,
by its own name or by both (``amount.value`` is ``amount_value``).

=================  ====================================================================================
what               may be called
=================  ====================================================================================
a time or UTC day  start_time, started_at, timestamp, time, datetime, created_at, created, date, day,
                   usage_date, usage_start_time, aggregation_timestamp, start_time_iso, date_utc
its end            end_time, ended_at, usage_end_time, end_time_iso
model              model, model_id, model_name, model_slug, snapshot_id, snapshot, line_item
request id         request_id, x_request_id, generation_id, completion_id
calls              requests, num_requests, n_requests, num_model_requests, request_count, api_requests,
                   total_requests, number_of_requests, calls
input tokens       input_tokens, prompt_tokens, tokens_prompt, n_context_tokens_total, context_tokens,
                   total_input_tokens, total_prompt_tokens, input_token_count, tokens_in
output tokens      output_tokens, completion_tokens, tokens_completion, n_generated_tokens_total,
                   generated_tokens, total_output_tokens, total_completion_tokens, output_token_count,
                   tokens_out
cached tokens      input_cached_tokens, cached_input_tokens, cached_tokens, prompt_cached_tokens,
                   cached_prompt_tokens, tokens_cached, n_cached_context_tokens_total,
                   cache_read_input_tokens
US dollars         cost, cost_usd, usd, amount_value, amount, amount_usd, spend, total_cost, cost_total,
                   total_spend, total_amount
currency           currency, amount_currency, currency_code
=================  ====================================================================================

Needed are a time and one of calls, tokens and dollars. Times are ISO 8601, or seconds or milliseconds since
1970; in UTC where they name no zone. A row is a call, or what a model was used within one UTC day.
Amounts are US dollars and may have thousands separators and a ``$``; what is negative was refunded. What
OpenAI's usage and costs APIs answer is read as it is: buckets of time with ``results``
(https://platform.openai.com/docs/api-reference/usage).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal, TypeVar

from core.costs.audit_report import MEASURES, Figures, Measure
from core.costs.fields import dollars_or_refund, moment, whole_number
from core.costs.record_file import RecordFile
from core.errors import InputError

__all__ = ("COLUMNS", "UsageExport", "UsageRow", "read_usage_export")

T = TypeVar("T")
Column = Literal["time", "end", "model", "request_id", "currency"] | Measure

COLUMNS: Mapping[Column, str] = {
    "time": "start_time started_at timestamp time datetime created_at created date day usage_date "
    "usage_start_time aggregation_timestamp start_time_iso date_utc",
    "end": "end_time ended_at usage_end_time end_time_iso",
    "model": "model model_id model_name model_slug snapshot_id snapshot line_item",
    "request_id": "request_id x_request_id generation_id completion_id",
    "calls": "requests num_requests n_requests num_model_requests request_count api_requests total_requests "
    "number_of_requests calls",
    "prompt_tokens": "input_tokens prompt_tokens tokens_prompt n_context_tokens_total context_tokens "
    "total_input_tokens total_prompt_tokens input_token_count tokens_in",
    "completion_tokens": "output_tokens completion_tokens tokens_completion n_generated_tokens_total "
    "generated_tokens total_output_tokens total_completion_tokens output_token_count tokens_out",
    "cached_tokens": "input_cached_tokens cached_input_tokens cached_tokens prompt_cached_tokens "
    "cached_prompt_tokens tokens_cached n_cached_context_tokens_total cache_read_input_tokens",
    "cost": "cost cost_usd usd amount_value amount amount_usd spend total_cost cost_total total_spend "
    "total_amount",
    "currency": "currency amount_currency currency_code",
}
"""What each may be called, the first that has a value counting; also in the table above."""

_LISTS = frozenset({"buckets", "data", "items", "records", "rows", "usage"})
_NESTED = ("data", "results")
_LONGEST_CALL = timedelta(hours=1)
"""What takes longer is a bucket of time."""
_COARSEST_STEP = Decimal("0.01")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What a provider says of a call, or of the calls of one UTC day and model.

    Attributes:
        model: ``None`` where it is not told.
        request_id: of a call; ``None`` where that is not told, or where it is several.
    """

    day: date
    model: str | None
    request_id: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class UsageExport:
    """An export as it was read.

    Attributes:
        since: the first UTC day it covers.
        until: the last one.
        measures: what it tells.
        cost_step: the finest decimal place that its costs are given to, in US dollars.
        ignored_columns: those that are none of `COLUMNS`, as they are written there.
    """

    rows: Sequence[UsageRow]
    since: date
    until: date
    measures: tuple[Measure, ...]
    cost_step: Decimal
    ignored_columns: tuple[str, ...]


def read_usage_export(path: Path, content: IO[bytes] | None = None) -> UsageExport:
    """Read a provider's export; for ``content`` see ``core.costs.record_file``.

    Raises:
        InputError: it cannot be read, has no column of use, or a value in it cannot be understood: names the
            record and the column.
    """
    reading = _Reading(path)
    with RecordFile(path, _LISTS, content) as file:
        for record in file:
            if record.problem:
                raise reading.error(record.place, record.problem)
            for fields in _expanded(record.fields):
                reading.add(record.place, fields)
    return reading.export()


def _expanded(record: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The records in a bucket of time, or the record itself; an empty bucket covers its day all the same."""
    for name in _NESTED:
        inner = record.get(name)
        if isinstance(inner, list):
            shared = {key: value for key, value in record.items() if key != name}
            for each in inner or [{}]:
                yield from _expanded({**shared, **each} if isinstance(each, dict) else shared)
            return
    yield record


@dataclass(frozen=True, slots=True)
class _Cell:
    column: str
    value: object


class _Reading:
    """An export, read so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[UsageRow] = []
        self._days: set[date] = set()
        self._seen: dict[str, Column | None] = {}
        self._meanings: dict[str, tuple[Column, int]] = {
            _plain(name): (column, rank)
            for column, names in COLUMNS.items()
            for rank, name in enumerate(names.split())
        }
        self._measures: set[Measure] = set()
        self._step = Decimal(1)

    def add(self, place: str, fields: Mapping[str, object]) -> None:
        """Take in a record."""
        cells = self._cells(fields)
        if "time" not in cells:
            if self._days:
                raise self.error(place, "there is no time or day")
            raise self._useless("a time or day", ("time",))
        started_at = self._value(place, cells, "time", moment)
        assert started_at is not None
        self._check_end(place, cells, started_at)
        self._days.add(started_at.date())
        figures = self._figures(place, cells)
        if figures == Figures():  # a bucket in which nothing was used
            return
        self._measures |= {measure for measure in MEASURES if getattr(figures, measure) is not None}
        self._rows.append(UsageRow(started_at.date(), _model(cells), _text(cells, "request_id"), figures))

    def export(self) -> UsageExport:
        """All of it."""
        if not self._days:
            raise InputError(f"{self._path} has no rows.", hint="Choose a period with usage to export.")
        if not self._measures and not set(MEASURES) & set(self._seen.values()):
            raise self._useless("calls, tokens or cost", MEASURES)
        return UsageExport(
            rows=tuple(self._rows),
            since=min(self._days),
            until=max(self._days),
            measures=tuple(measure for measure in MEASURES if measure in self._measures),
            cost_step=min(self._step, _COARSEST_STEP),
            ignored_columns=tuple(name for name, column in self._seen.items() if column is None),
        )

    def error(self, place: str, problem: str) -> InputError:
        """What is wrong with a record."""
        return InputError(
            f"{self._path}, {place}: {problem}.",
            hint="Export it again, or mend that: nothing was compared.",
        )

    def _cells(self, fields: Mapping[str, object]) -> dict[Column, _Cell]:
        """The value of each column that has one."""
        found: dict[Column, tuple[int, _Cell]] = {}
        for names, value in _flat(fields):
            meanings = [self._meanings[name] for name in map(_plain, names) if name in self._meanings]
            self._seen[names[-1]] = self._seen.get(names[-1]) or (meanings[0][0] if meanings else None)
            if value is None or value == "":
                continue
            for column, rank in meanings[:1]:
                if column not in found or rank < found[column][0]:
                    found[column] = (rank, _Cell(names[-1], value))
        return {column: cell for column, (_, cell) in found.items()}

    def _figures(self, place: str, cells: Mapping[Column, _Cell]) -> Figures:
        currency = _text(cells, "currency")
        if currency and currency.lower() not in {"usd", "us$", "$"}:
            raise self._wrong(place, cells["currency"], "not US dollars")
        cost = self._value(place, cells, "cost", dollars_or_refund)
        if cost:
            exponent = cost.as_tuple().exponent
            assert isinstance(exponent, int)  # it is finite
            self._step = min(self._step, Decimal(1).scaleb(exponent))
        requests = self._value(place, cells, "calls", whole_number)
        return Figures(
            calls=1 if requests is None and "request_id" in cells else requests,
            prompt_tokens=self._value(place, cells, "prompt_tokens", whole_number),
            completion_tokens=self._value(place, cells, "completion_tokens", whole_number),
            cached_tokens=self._value(place, cells, "cached_tokens", whole_number),
            cost=cost,
        )

    def _check_end(self, place: str, cells: Mapping[Column, _Cell], started_at: datetime) -> None:
        """Raise an error where a row is about more than one UTC day."""
        ended_at = self._value(place, cells, "end", moment)
        if ended_at is None or ended_at - started_at < _LONGEST_CALL:
            return
        midnight = datetime.combine(started_at.date() + timedelta(days=1), datetime.min.time(), UTC)
        if ended_at > midnight:
            raise self._wrong(place, cells["end"], "in another UTC day than its start: export it by UTC day")

    def _value(
        self, place: str, cells: Mapping[Column, _Cell], column: Column, read: Callable[[object], T]
    ) -> T | None:
        cell = cells.get(column)
        if cell is None:
            return None
        try:
            return read(cell.value)
        except ValueError as error:
            raise self._wrong(place, cell, str(error)) from None

    def _wrong(self, place: str, cell: _Cell, problem: str) -> InputError:
        shown = str(cell.value)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
        return self.error(place, f"column {cell.column}: {shown!r} is {problem}")

    def _useless(self, what: str, columns: Sequence[Column]) -> InputError:
        wanted = ", ".join(COLUMNS[column].split()[0] for column in columns)
        there = ", ".join(sorted(self._seen)) or "no columns"
        return InputError(
            f"{self._path} has no column that tells {what}; it has {there[:200]}.",
            hint=f"Name a column {wanted} (others are understood, too), or choose another form of export.",
        )


def _flat(fields: Mapping[str, object], *outer: str) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each value with what it may be called: its own name, and last its whole path, by which it is shown."""
    for name, value in fields.items():
        path = (*outer, name)
        if isinstance(value, dict):
            yield from _flat(value, *path)
        else:
            yield ((name,) if not outer else ("_".join(path), name, ".".join(path))), value


@lru_cache(maxsize=1_024)
def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _text(cells: Mapping[Column, _Cell], column: Column) -> str | None:
    cell = cells.get(column)
    return None if cell is None else str(cell.value).strip() or None


def _model(cells: Mapping[Column, _Cell]) -> str | None:
    """OpenAI's line items are a model and what of it was used: ``gpt-4o-mini, input``."""
    model = _text(cells, "model")
    return model.partition(", ")[0] if model and _plain(cells["model"].column) == "lineitem" else model
