"""`tensorwall costs --import` and `--audit`: usage that others kept."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from app.cells import one_line
from app.cli.costs_output import emit_objects
from app.cli.costs_tables import Column, number_of, table
from app.cli.costs_unpriced import unpriced_lines
from app.cli.failures import FAILED
from app.cli.output import emit_line, note
from app.cli.progress_line import ProgressLine
from app.cli.services import Stored
from app.cli.tables import terminal_width
from app.figures import money
from core.errors import InputError

if TYPE_CHECKING:
    from core.costs.audit_report import AuditReport, AuditRow, Figures
    from core.costs.imports import ImportReport
    from core.review.report import Cell

__all__ = ("UsageFile", "compare", "opened", "take_in")


@dataclass(frozen=True, slots=True)
class UsageFile:
    """What was named to be read; ``content`` is what came on stdin, where that was named."""

    path: Path
    content: IO[bytes] | None = None


@contextmanager
def opened(path: Path) -> Iterator[UsageFile]:
    """The file to read; ``-`` is stdin, kept aside until it ends since it is looked at more than once.

    Raises:
        InputError: stdin cannot be read or kept.
    """
    if str(path) != "-":
        yield UsageFile(path)
        return
    with TemporaryFile() as content:
        try:
            shutil.copyfileobj(sys.stdin.buffer, content)
        except OSError as error:
            raise InputError(f"stdin cannot be read: {error.strerror or error}.") from error
        yield UsageFile(Path("stdin"), content)


async def take_in(stored: Stored, file: UsageFile, form: str | None) -> int:
    """Import usage and write what became of it; the exit status."""
    from core.costs.imports import import_usage

    with ProgressLine() as line:
        report = await import_usage(
            stored.records.database,
            stored.catalogue,
            file.path,
            content=file.content,
            progress=lambda read, whole: line.show(f"{read:,} of {whole:,} calls read"),
        )
    if form == "json":
        emit_objects([_imported(report)], alone=True)
        return 0
    for text in _import_lines(report):
        emit_line(text)
    return 0


async def compare(stored: Stored, file: UsageFile, provider: str | None, form: str | None) -> int:
    """Write where the ledger and a provider's export differ; 1 where they do."""
    from core.costs.audit import audit

    report = await audit(stored.records.database, file.path, provider=provider, content=file.content)
    if form == "json":
        emit_objects([_audit_row(row) for row in report.differences])
    else:
        for line in _audit_lines(report):
            emit_line(line)
    if report.ignored_columns:
        note(f"Not compared: {one_line(', '.join(report.ignored_columns))}.")
    return 0 if report.agrees else FAILED


def _imported(report: ImportReport) -> dict[str, Cell]:
    return {
        "kind": report.kind,
        "read": report.read,
        "new": report.new,
        "known": report.known,
        "skipped": report.skipped,
        "sessions": report.sessions,
        "unknown_price_calls": report.unknown_prices,
    }


def _import_lines(report: ImportReport) -> list[str]:
    new, in_sessions = number_of(report.new, "new call"), number_of(report.sessions, "new session")
    lines = [f"{new} of {report.read:,} read, in {in_sessions}."]
    if report.known:
        lines.append(f"{number_of(report.known, 'was', 'were')} here already.")
    if report.unknown_prices:
        lines.append(
            f"{report.unknown_prices:,} of the new ones at an unknown price: not in the sums of money."
        )
        lines += unpriced_lines(report.unpriced)
    if report.skipped:
        lines.append(f"{report.skipped:,} skipped:")
        lines += [f"  {number:,}: {one_line(reason)}" for reason, number in report.reasons.items()]
        lines += [f"  {one_line(f'{row.place}: {row.reason}')}" for row in report.first_skipped]
    return lines


def _audit_lines(report: AuditReport) -> list[str]:
    span = f"{one_line(report.provider)}, {report.since} to {report.until} (UTC)"
    compared = ", ".join(report.compared).replace("_", " ")
    if report.agrees:
        return [f"{span}: all of {compared} agree."]
    rows = report.differences
    expected = sum(row.expected for row in rows)
    differ = number_of(len(rows), "difference")
    lines = [f"{span}: {differ} in {number_of(len(report.rows), 'row')}, by {compared}.", ""]
    lines += table(
        [
            Column("day", [str(row.day) for row in rows], right=False),
            Column("model", [one_line(row.model or "all") for row in rows], right=False),
            Column("calls", [_both(row, "calls") for row in rows]),
            Column("prompt", [_both(row, "prompt_tokens") for row in rows]),
            Column("output", [_both(row, "completion_tokens") for row in rows]),
            Column("cost", [_both(row, "cost") for row in rows]),
            Column("what", [_what(row) for row in rows], right=False),
        ],
        terminal_width(),
    )
    lines += ["", "Figures are ours / theirs."]
    if expected:
        are = number_of(expected, "is", "are")
        lines.append(f"{are} to be expected: calls by estimate, or at an unknown price.")
    return lines


def _both(row: AuditRow, name: str) -> str:
    """Ours and theirs where they differ, else the one figure."""
    ours, theirs = _figure(row.ours, name), _figure(row.theirs, name)
    return ours if ours == theirs else f"{ours} / {theirs}"


def _figure(figures: Figures | None, name: str) -> str:
    value = None if figures is None else getattr(figures, name)
    if value is None:
        return "-"
    return money(value) if isinstance(value, Decimal) else f"{value:,}"


def _what(row: AuditRow) -> str:
    words = ", ".join(row.kinds)
    call = f" (call {one_line(row.request_id)})" if row.request_id else ""
    return f"{words}{call}{', expected' if row.expected else ''}"


def _audit_row(row: AuditRow) -> dict[str, Cell]:
    cells: dict[str, Cell] = {
        "day": row.day,
        "model": row.model,
        "request_id": row.request_id,
        "kinds": row.kinds,
        "expected": row.expected,
    }
    for side, figures in (("ours", row.ours), ("theirs", row.theirs)):
        for name in ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "cost"):
            label = f"{side}_{name}{'_usd' * (name == 'cost')}"
            cells[label] = None if figures is None else getattr(figures, name)
    return cells
