"""What `tensorwall costs --sort` takes: by what, and from which end."""

from __future__ import annotations

from dataclasses import dataclass

import click

__all__ = ("USUAL", "Sort", "SortType")

_DIRECTIONS = {"asc": False, "desc": True}


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of rows.

    Attributes:
        key: what they are sorted by; empty: as they usually are.
        descending: the greatest first; ``None``: as is usual for the key.
    """

    key: str = ""
    descending: bool | None = None

    def is_descending(self, *, usually: bool) -> bool:
        """Whether the greatest comes first."""
        return usually if self.descending is None else self.descending


USUAL = Sort()


class SortType(click.ParamType):  # type: ignore[type-arg]  # click 8.3 takes none
    """A key, and after a colon the direction where it is not the usual one."""

    name = "KEY"

    def convert(self, value: str | Sort, param: click.Parameter | None, ctx: click.Context | None) -> Sort:
        """The key is looked at by what is sorted, which alone knows its keys."""
        if isinstance(value, Sort):
            return value
        key, colon, direction = (part.strip().lower() for part in value.partition(":"))
        if colon and direction not in _DIRECTIONS:
            self.fail(f"there is no {direction!r}; there are {' and '.join(_DIRECTIONS)}.", param, ctx)
        return Sort(key, _DIRECTIONS.get(direction))
