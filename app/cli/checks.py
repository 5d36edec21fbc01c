"""The doctor's checks of settings, storage and providers; each failure has its own sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.cli.failures import one_line
from app.cli.finding import Finding, State
from app.cli.services import open_providers, with_conversations
from core.errors import (
    AuthenticationFailed,
    ConfigurationError,
    CredentialsError,
    OfflineUnavailable,
    TensorWallError,
)

if TYPE_CHECKING:
    from core.conversations import Conversations
    from core.providers import Provider

__all__ = ("check_database", "check_offline", "check_providers", "check_settings")

_OTHER_DATABASE = "Unset TENSORWALL_DATABASE_URL and storage.url to use the one in the data folder."


def check_settings() -> list[Finding]:
    """Whether ``config.toml`` can be used."""
    from core.locations import find_locations
    from core.settings import load_settings

    place = find_locations().settings_file
    try:
        load_settings()
    except ConfigurationError as error:
        return [Finding("settings", "broken", *_told(error))]
    if not place.exists():
        return [Finding("settings", "ok", f"no {place}: every setting has its default")]
    return [Finding("settings", "ok", str(place))]


def check_database() -> list[Finding]:
    """Whether conversations can be stored and read."""

    async def look(conversations: Conversations) -> str:
        await conversations.list(limit=1)
        return conversations.database.place

    try:
        return [Finding("database", "ok", with_conversations(look))]
    except TensorWallError as error:
        finding, mend = _told(error)
        return [Finding("database", "broken", finding, mend or _OTHER_DATABASE)]


async def check_providers() -> list[Finding]:
    """Whether each provider can be reached with its key, all asked at once; one has to answer."""
    async with open_providers() as providers:
        async with asyncio.TaskGroup() as group:
            checks = [group.create_task(_check_provider(provider)) for provider in providers]
        findings = [check.result() for check in checks]
    if not any(finding.state == "ok" for finding in findings):
        findings.append(
            Finding(
                "answers",
                "broken",
                "no provider can answer.",
                "Run `tensorwall login` for a Groq key, start a local server, or try `tensorwall --demo`.",
            )
        )
    return findings


def check_offline() -> list[Finding]:
    """Whether this machine can answer by itself; nothing is loaded for that."""
    from app.composition import embedded_provider
    from core.locations import find_locations
    from core.settings import load_settings

    settings = load_settings()
    provider = embedded_provider(settings, find_locations())
    try:
        found = provider.find()
    except OfflineUnavailable as error:
        return [Finding("offline", "note", *_told(error))]
    use = "answers while the network is gone" if settings.offline.takes_over else "is there, and switched off"
    return [Finding("offline", "ok", f"{provider.label} {use}: {found.path}")]


async def _check_provider(provider: Provider) -> Finding:
    profile = provider.profile
    try:
        source = await asyncio.to_thread(_key_source, provider)
        count = len(await provider.check())
    except CredentialsError as error:
        if profile.name == "groq":
            return Finding(profile.name, "broken", *_told(error))
        return Finding(profile.name, "note", one_line(error.message))
    except TensorWallError as error:
        if profile.local:
            return Finding(profile.name, "note", f"{profile.label} is not running on this machine.")
        wrong_key = isinstance(error, AuthenticationFailed)
        state: State = "broken" if wrong_key or profile.name == "groq" or not profile.key_required else "note"
        return Finding(profile.name, state, *_told(error))
    key = f", key from {source}" if source else ""
    return Finding(profile.name, "ok", f"{profile.label} answers: {count} models{key}")


def _key_source(provider: Provider) -> str:
    from core.credentials import find_api_key

    found = find_api_key(provider.name, provider.profile.key_variable)
    return str(found.where) if found else ""


def _told(error: TensorWallError) -> tuple[str, str]:
    whole = str(error)
    return one_line(whole.removesuffix(error.hint)), one_line(error.hint)
