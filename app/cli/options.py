"""Options that several commands have."""

from __future__ import annotations

import click

__all__ = ("table_or_json",)

table_or_json = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    help="For people, or for programs.",
)
