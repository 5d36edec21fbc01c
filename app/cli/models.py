"""`tensorwall models`: the catalogue."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from app.cli.options import table_or_json
from app.cli.output import emit_json, emit_line, note

if TYPE_CHECKING:
    from core.catalogue import Catalogue, ModelInfo
    from core.catalogue.model_info import Kind

__all__ = ("models",)


@click.command()
@click.option("--refresh", is_flag=True, help="Ask the providers for their models first.")
@click.option("--provider", metavar="NAME", help="One provider's alone.")
@click.option("--all", "show_all", is_flag=True, help="Also speech, transcription and guard models.")
@table_or_json
def models(*, refresh: bool, provider: str | None, show_all: bool, form: str) -> int:
    """List the models: state, window, prices in USD per million tokens, replacement.

    Retired models stay listed: asking for one tries it, then moves to its replacement.
    """
    from core.catalogue import load_catalogue
    from core.locations import find_locations

    cache = find_locations().models_file
    catalogue = load_catalogue(cache)
    if provider and not catalogue.models(provider):
        _check_known(provider)
    status = asyncio.run(_refresh(catalogue, provider)) if refresh else 0
    kind: Kind | None = None if show_all else "chat"
    rows = [_row(catalogue, info) for info in catalogue.models(provider, kind=kind)]
    if form == "json":
        emit_json(rows)
    elif rows:
        _emit_rows(rows)
    else:
        note(f"No models of {provider!r} are known; --refresh asks for them." if provider else "No models.")
    return status


def _check_known(provider: str) -> None:
    """Raise InputError where there is no such provider, built in or in the settings."""
    from app.cli.services import unknown_provider
    from app.composition import all_providers
    from core.settings import load_settings

    known = all_providers(load_settings())
    if provider not in known:
        raise unknown_provider(provider, known.values())


async def _refresh(catalogue: Catalogue, provider: str | None) -> int:
    """Ask every provider that can be asked, at once; 1 when one that has a key failed."""
    from app.cli.failures import one_line
    from app.cli.services import open_providers
    from core.errors import CredentialsError, TensorWallError
    from core.locations import find_locations

    failed = 0
    async with open_providers() as providers:
        asked = [known for known in providers if provider in (None, known.name)]
        answers = await asyncio.gather(*(known.models() for known in asked), return_exceptions=True)
    for known, answer in zip(asked, answers, strict=True):
        match answer:
            case list():
                catalogue.merge(known.name, answer)
                note(f"{known.profile.label}: {len(answer)} models")
            case CredentialsError() if provider is None:
                note(f"{known.profile.label}: no key, not asked")
            case TensorWallError() if known.profile.local and provider is None:
                note(f"{known.profile.label}: not running")
            case TensorWallError():
                failed = 1
                note(f"{known.profile.label}: {one_line(str(answer))}")
            case BaseException():
                raise answer
    try:
        catalogue.save_offers(find_locations().models_file)
    except OSError as error:
        note(f"The models cannot be kept for offline use: {error.strerror}.")
    return failed


def _row(catalogue: Catalogue, info: ModelInfo) -> dict[str, object]:
    known = catalogue.price(info.provider, info.id, datetime.now(UTC))
    return {
        "provider": info.provider,
        "id": info.id,
        "label": info.label,
        "kind": info.kind,
        "state": info.state,
        "offered": info.offered,
        "context_window": info.context_window,
        "max_output_tokens": info.max_output_tokens,
        "input_usd_per_million": float(known.input) if known else None,
        "output_usd_per_million": float(known.output) if known else None,
        "cached_input_usd_per_million": (
            float(known.cached_input) if known and known.cached_input is not None else None
        ),
        "price_source": known.source if known else None,
        "capabilities": sorted(info.capabilities),
        "shutdown_date": info.shutdown_date.isoformat() if info.shutdown_date else None,
        "replacement": catalogue.replacement(info.provider, info.id),
    }


def _emit_rows(rows: list[dict[str, object]]) -> None:
    from app.cli.models_table import model_lines
    from app.cli.tables import terminal_width

    for line in model_lines(rows, terminal_width()):
        emit_line(line)
