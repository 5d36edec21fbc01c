"""A report as text: CSV for spreadsheets, JSON for programs, Markdown for notes. Exact to the last digit."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Literal, get_args

from core.costs.money import all_digits
from core.errors import InputError
from core.review.report import Cell, Report, Row, sums
from core.review.scope import Scope
from core.safe_text import safe_text

__all__ = ("FORMS", "JSON_FORMAT", "JSON_VERSION", "Form", "csv_table", "form_of", "json_object", "render")

Form = Literal["csv", "json", "markdown"]
FORMS: tuple[Form, ...] = get_args(Form)
JSON_FORMAT = "tensorwall.costs"
JSON_VERSION = 1

_SUFFIXES: dict[str, Form] = {".csv": "csv", ".json": "json", ".md": "markdown", ".markdown": "markdown"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell: https://owasp.org/www-community/attacks/CSV_Injection."""
_MARKUP = re.compile(r"([\\`*\[\]<>|]|(?<![^\W_])_|_(?![^\W_]))")
"""Underscores within a word are none."""


def form_of(file: PurePath) -> Form:
    """The form that a file's name asks for.

    Raises:
        InputError: it ends in none of ``.csv``, ``.json``, ``.md``.
    """
    if form := _SUFFIXES.get(file.suffix.lower()):
        return form
    raise InputError(
        f"{file} does not tell what to write.", hint="Name a file that ends in .csv, .json or .md."
    )


def render(report: Report, form: Form) -> str:
    """The report as text with plain newlines; money in US dollars with all its digits.

    CSV has a header and the rows alone; a text that a spreadsheet would take for a formula begins with
    ``'`` there. JSON is one object with ``format`` and ``version`` (raised when a reader of the old one
    would misread it), ``scope``, ``totals`` and ``rows``. Markdown leaves out columns with nothing in them.
    """
    match form:
        case "csv":
            return csv_table(report.columns, report.rows)
        case "json":
            return _json_document(report)
        case "markdown":
            return _markdown(report)


def csv_table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """A header and the rows; what a spreadsheet would take for a formula begins with ``'``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(cell) for cell in row.values()] for row in rows)
    return text.getvalue()


def _csv_cell(cell: Cell) -> str:
    plain = _plain(cell)
    is_text = isinstance(cell, str | tuple)
    return f"'{plain}" if is_text and plain.startswith(_FORMULA) else plain


def _json_document(report: Report) -> str:
    rows = ",".join(f"\n    {json_object(row)}" for row in report.rows)
    members = {
        "format": json.dumps(JSON_FORMAT),
        "version": str(JSON_VERSION),
        "title": json.dumps(report.title),
        "currency": '"USD"',
        "generated_at": json.dumps(report.generated_at.isoformat()),
        "scope": json.dumps(_scope(report.scope), ensure_ascii=False),
        "totals": json_object(sums(report.totals)),
        "count": str(report.count),
        "rows": f"[{rows}\n  ]" if rows else "[]",
    }
    body = ",\n".join(f'  "{name}": {value}' for name, value in members.items())
    return f"{{\n{body}\n}}\n"


def json_object(row: Mapping[str, Cell]) -> str:
    """One line of JSON, in which money is a number with all its digits."""
    return f"{{{', '.join(f'{json.dumps(name)}: {_json(cell)}' for name, cell in row.items())}}}"


def _json(cell: Cell) -> str:
    """Not by ``json`` where it is money: that would go through binary floating point."""
    match cell:
        case Decimal():
            return all_digits(cell)
        case date():
            return f'"{cell.isoformat()}"'
        case _:
            return json.dumps(cell, ensure_ascii=False)


def _markdown(report: Report) -> str:
    # JSON values are YAML values (https://yaml.org/spec/1.2.2/), so nothing in a filter can break out
    front = {
        "title": json.dumps(report.title),
        "period": json.dumps(_period(report.scope)),
        "scope": json.dumps(_scope(report.scope), ensure_ascii=False),
        "totals": json_object(sums(report.totals)),
        "generated_at": json.dumps(report.generated_at.isoformat(timespec="seconds")),
        "currency": "USD",
    }
    lines = ["---", *(f"{name}: {value}" for name, value in front.items()), "---", "", f"# {report.title}"]
    if report.count > len(report.rows):
        lines += ["", f"{len(report.rows)} of {report.count}; the totals count all."]
    lines += ["", "## Totals", "", *_markdown_table([sums(report.totals)])]
    if report.rows:
        lines += ["", "## Rows", "", *_markdown_table(report.rows)]
    return "\n".join(lines) + "\n"


def _markdown_table(rows: Sequence[Row]) -> Iterable[str]:
    shown = [name for name in rows[0] if any(row[name] for row in rows)]
    if not shown:
        yield "Nothing was spent."
        return
    numbers = [all(_is_number(row[name]) for row in rows) for name in shown]
    yield _markdown_row(name.replace("_", " ") for name in shown)
    yield _markdown_row("---:" if is_number else "---" for is_number in numbers)
    for row in rows:
        yield _markdown_row(_markdown_cell(row[name]) for name in shown)


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(cell: Cell) -> str:
    """On one line, and with nothing in it that is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(_plain(cell).split()))


def _is_number(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool))


def _plain(cell: Cell) -> str:
    """A cell as text that acts on no terminal."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return all_digits(cell)
        case date():
            return cell.isoformat()
        case tuple():
            return safe_text(" ".join(cell))
        case _:
            return safe_text(str(cell))


def _period(scope: Scope) -> str:
    since = scope.since.isoformat() if scope.since else "the beginning"
    until = scope.until.isoformat() if scope.until else "now"
    return f"{since} to {until}"


def _scope(scope: Scope) -> dict[str, object]:
    told: dict[str, object] = {
        "since": scope.since.isoformat() if scope.since else None,
        "until": scope.until.isoformat() if scope.until else None,
        "session": scope.session_id,
        "words": scope.filter.words,
        "fields": {name: list(values) for name, values in scope.filter.fields.items()},
    }
    if scope.filter.exact:
        told["exact"] = {name: list(values) for name, values in scope.filter.exact.items()}
    return told
