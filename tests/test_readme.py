"""The README keeps its promises: it names every key, command, setting and price, and its code runs.

``python -m tests.test_readme`` prints the tables of keys and settings as they have to stand there.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
import pytest
from textual.binding import Binding

from app.cli.root import tensorwall
from app.tui.application import TensorWallApp
from app.tui.commands import COMMANDS
from app.tui.key_names import key_names
from app.tui.review.keys import bindings_of_the_review
from app.tui.routes.keys import bindings_of_the_routes
from app.tui.screens.chat import ChatScreen
from app.tui.screens.reading import ReadingScreen
from app.tui.widgets.composer import Composer
from app.tui.widgets.find_bar import FindBar
from app.tui.widgets.transcript import Transcript
from core.catalogue import load_catalogue
from core.settings import describe_settings

README = Path(__file__).parents[1] / "README.md"
OWNERS_MODELS = {
    "llama-3.3-70b-versatile": ("0.59", "0.79"),
    "llama-3.1-70b-versatile": ("0.59", "0.79"),
    "llama-3.1-8b-instant": ("0.05", "0.08"),
    "llama3-70b-8192": ("0.59", "0.79"),
    "llama3-8b-8192": ("0.05", "0.08"),
    "mixtral-8x7b-32768": ("0.24", "0.24"),
    "gemma2-9b-it": ("0.20", "0.20"),
}


def other_bindings() -> Iterator[Binding]:
    """What the widgets of the chat screen bind besides the commands."""
    seen = {command.id for command in COMMANDS}
    owners = (TensorWallApp, ChatScreen, ReadingScreen, Composer, Transcript, FindBar)
    declared = [binding for owner in owners for binding in owner.BINDINGS]
    for binding in [*declared, *bindings_of_the_review(), *bindings_of_the_routes()]:
        assert isinstance(binding, Binding)
        if binding.id and binding.id not in seen:
            seen.add(binding.id)
            yield binding


def keys_table() -> list[str]:
    """A row a command and binding: keys, slash command, what it does, id."""
    rows = ["| keys | command | does | id |", "|---|---|---|---|"]
    for command in COMMANDS:
        slash = f"/{command.slash} {command.argument}".rstrip().replace("|", "\\|")
        slash = f"`{slash}`" if command.slash else ""
        rows.append(f"| {key_names(command.keys)} | {slash} | {command.title} | `{command.id}` |")
    rows += [f"| {key_names(b.key)} | | {b.description} | `{b.id}` |" for b in other_bindings()]
    return rows


def settings_table() -> list[str]:
    """A row a setting: key, what it does, what is allowed, the default."""
    rows = ["| setting | does | allowed | default |", "|---|---|---|---|"]
    for info in describe_settings():
        default = "" if info.default in (None, "", [], {}) else f"`{info.default}`"
        rows.append(f"| `{info.key}` | {info.description} | {info.allowed} | {default} |")
    return rows


@pytest.mark.parametrize("table", [keys_table, settings_table])
def test_every_key_and_setting_stands_in_the_readme(table):
    lines = README.read_text(encoding="utf-8").splitlines()
    missing = [row for row in table() if row not in lines]
    assert not missing, "renew the table: python -m tests.test_readme\n" + "\n".join(missing)


def test_every_command_stands_in_the_readme():
    text = README.read_text(encoding="utf-8")
    context = click.Context(tensorwall)
    assert [
        name
        for name in tensorwall.list_commands(context)
        if not re.search(rf"`(?:tensorwall )?{name}\b", text)
    ] == []


@pytest.mark.parametrize(("model", "prices"), OWNERS_MODELS.items())
def test_the_price_table_is_what_is_charged(model, prices):
    lines = README.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith(f"| `{model}`"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert tuple(cells[1:3]) == prices
    catalogue = load_catalogue()
    info = catalogue.find("groq", model)
    assert info is not None
    assert info.shutdown_date is not None
    assert str(info.shutdown_date) in cells[3]
    assert cells[4].strip("`") == catalogue.replacement("groq", model)
    price = catalogue.price("groq", model, datetime.now(UTC))
    assert price is not None
    assert (price.input, price.output) == tuple(map(Decimal, prices))


async def test_the_library_example_runs(simulator, monkeypatch, capsys):
    monkeypatch.setenv("GROQ_API_URL", simulator.base_url)
    monkeypatch.setenv("GROQ_API_KEY", simulator.api_key)
    simulator.configure(text="Hello to you.", reasoning="")
    before = simulator.state()["connections_open"]
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    await asyncio.to_thread(exec, compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.count("Hello to you.") == 2
    assert "Decision(requested='llama-70b'" in printed
    limit = time.monotonic() + 10
    while simulator.state()["connections_open"] > before:  # the simulator may not have noticed yet
        assert time.monotonic() < limit, "the example leaves a connection open"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*keys_table(), "", *settings_table(), ""]))
