"""`tensorwall login` and `logout`: a provider's API key, checked and kept, or forgotten."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from app.cli.output import note
from app.cli.services import open_providers, unknown_provider
from app.cli.terminal import is_terminal

if TYPE_CHECKING:
    from core.providers import Provider

__all__ = ("login", "logout")


def _complete_provider(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    from core.providers.profiles import BUILT_IN

    names = [profile.name for profile in BUILT_IN if profile.key_required]
    return [CompletionItem(name) for name in names if name.startswith(typed)]


provider_argument = click.argument("provider", default="groq", shell_complete=_complete_provider)


@click.command()
@provider_argument
@click.option("--no-check", is_flag=True, help="Store the key without asking the provider about it.")
def login(*, provider: str, no_check: bool) -> None:
    """Check and store the API key of PROVIDER (groq unless named).

    The key is asked for without showing it, or read from stdin. It goes to the system's keyring, or
    to a file that you alone can read where there is none.
    """
    from core.credentials import clean_api_key, find_api_key, store_api_key

    chosen = asyncio.run(_find(provider))
    key = clean_api_key(_ask(chosen))
    if not no_check:
        count = asyncio.run(_check(chosen, key))
        note(f"The key works: {count} models.")
    note(f"Stored in {store_api_key(provider, key)}.")
    variable = chosen.profile.key_variable
    found = find_api_key(provider, variable)
    if found and found.where.kind == "environment" and found.key != key:
        note(f"{variable} is set to another key and goes first.")


@click.command()
@provider_argument
def logout(*, provider: str) -> None:
    """Forget the stored API key of PROVIDER (groq unless named)."""
    from core.credentials import find_api_key, forget_api_key

    chosen = asyncio.run(_find(provider))
    where = forget_api_key(provider)
    note(f"Removed from {where}." if where else f"No key of {chosen.profile.label} is stored.")
    if find_api_key(provider, chosen.profile.key_variable):
        note(f"{chosen.profile.key_variable} in the environment is still in use.")


async def _find(name: str) -> Provider:
    async with open_providers() as providers:
        for provider in providers:
            if provider.name == name:
                return provider
    raise unknown_provider(name, providers)


async def _check(provider: Provider, key: str) -> int:
    trial = provider.with_overrides(key, None)
    try:
        return len(await trial.check())
    finally:
        await trial.aclose()


def _ask(provider: Provider) -> str:
    if not is_terminal(sys.stdin):
        return sys.stdin.read(10_000) if sys.stdin else ""
    if provider.profile.keys_page:
        note(f"Get a key at {provider.profile.keys_page}")
    answer: str = click.prompt(f"API key of {provider.profile.label}", hide_input=True, err=True)
    return answer
