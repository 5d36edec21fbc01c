"""The catalogue as lines for people: all of it where there is room, else what one chooses a model by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from rich.cells import cell_len

from app.cells import column, one_line
from app.cli.output import DIM, paint
from app.cli.tables import render_table
from app.figures import count, price

__all__ = ("model_lines",)

Row = Mapping[str, object]
"""A model as ``tensorwall models --format json`` tells it."""

_PRICES = ("in $/M", "out $/M")
_ID = 1
"""The column that is never cut: an id is there to be copied."""
_GAP = 2
_BRANCH = "└ replaced by "


def model_lines(rows: Sequence[Row], width: int | None) -> list[str]:
    """A head and a line or more a model; none wider than ``width`` cells, where that is given.

    Where the whole table has no room, counts are short, the longest output is left out, and successors stand
    below their models; so do the figures of a model whose id is too long to stand beside them.
    """
    whole = _whole(rows)
    is_narrow = width is not None and max(map(cell_len, whole)) > width
    head, *lines = _narrow(rows, width) if width is not None and is_narrow else whole
    return [paint(head, DIM, sys.stdout), *lines]


def _whole(rows: Sequence[Row]) -> list[str]:
    cells = [
        (
            *_names(row),
            _state(row),
            _figure(row["context_window"], "{:,}".format),
            _figure(row["max_output_tokens"], "{:,}".format),
            *_prices(row),
            str(row["replacement"] or ""),
        )
        for row in rows
    ]
    heads = ("provider", "model", "state", "window", "output", *_PRICES, "replaced by")
    return render_table(heads, cells, right=frozenset({3, 4, 5, 6}))


def _narrow(rows: Sequence[Row], width: int) -> list[str]:
    heads = ("provider", "model", "state", "window", *_PRICES)
    names = [_names(row) for row in rows]
    figures = [(_short_state(row), _figure(row["context_window"], count), *_prices(row)) for row in rows]
    room = width - _taken(
        heads, [(provider, "", *own) for (provider, _), own in zip(names, figures, strict=True)]
    )
    fits = [cell_len(model) <= max(room, len(heads[_ID])) for _, model in names]
    cells = [
        (*(name if beside else ("", "")), *own)
        for name, own, beside in zip(names, figures, fits, strict=True)
    ]
    indent = " " * (max(cell_len(provider) for provider in (heads[0], *(own for own, _ in names))) + _GAP)
    head, *lines = render_table(heads, cells, right=frozenset({3, 4, 5}))
    told = [head]
    for row, (provider, model), beside, line in zip(rows, names, fits, lines, strict=True):
        told += [line] if beside else [f"{column(provider, len(indent))}{model}", line]
        if row["replacement"]:
            told.append(f"{indent}{_BRANCH}{one_line(str(row['replacement']))}")
    return [column(line, width).rstrip() for line in told]


def _taken(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Cells that all columns but the id's take, with the gaps."""
    widths = [max(map(cell_len, own)) for own in zip(heads, *cells, strict=True)]
    return sum(widths) - widths[_ID] + _GAP * (len(heads) - 1)


def _names(row: Row) -> tuple[str, str]:
    return one_line(str(row["provider"])), one_line(str(row["id"]))


def _state(row: Row) -> str:
    return f"{row['state']}, not offered" if _is_withheld(row) else str(row["state"])


def _short_state(row: Row) -> str:
    return "not offered" if _is_withheld(row) else str(row["state"])


def _is_withheld(row: Row) -> bool:
    return row["offered"] is False and row["state"] != "retired"


def _figure(number: object, shown: Callable[[int], str]) -> str:
    return shown(number) if isinstance(number, int) else "?"


def _prices(row: Row) -> tuple[str, str]:
    return _price(row["input_usd_per_million"]), _price(row["output_usd_per_million"])


def _price(per_million: object) -> str:
    return price(Decimal(str(per_million)) if isinstance(per_million, float) else None)
