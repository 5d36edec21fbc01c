"""What a sub-command needs opened: no more than it uses, closed when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from core.errors import InputError

if TYPE_CHECKING:
    from app.composition import Services
    from core.catalogue import Catalogue
    from core.conversations import Conversations
    from core.providers import Provider
    from core.records import Records
    from core.routing.retry import RetryPolicy
    from core.settings import Settings

__all__ = (
    "Stored",
    "open_providers",
    "open_services",
    "open_stored",
    "unknown_provider",
    "with_conversations",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a command works on that asks no model."""

    settings: Settings
    catalogue: Catalogue
    records: Records


@asynccontextmanager
async def open_services(
    *,
    demo: bool = False,
    offline: bool = False,
    patience: RetryPolicy | None = None,
    goes_offline: bool = False,
) -> AsyncIterator[Services]:
    """The whole application.

    Args:
        demo: have the simulator answer.
        offline: have the model of this machine answer.
        patience: the router's.
        goes_offline: have this machine answer while the network is gone.
    """
    from app.composition import Source, compose
    from core.settings import load_settings

    source = Source("demo") if demo else Source("embedded") if offline else None
    services = await compose(load_settings(), source=source, patience=patience, goes_offline=goes_offline)
    try:
        yield services
    finally:
        await services.aclose()


@asynccontextmanager
async def open_stored(*, demo: bool = False) -> AsyncIterator[Stored]:
    """What was said and spent; ``demo`` for the demo's, which is kept apart."""
    from core.catalogue import load_catalogue
    from core.locations import find_locations
    from core.records import open_records
    from core.settings import load_settings

    settings, locations = load_settings(), find_locations()
    catalogue = load_catalogue(locations.models_file)
    records = await open_records(locations.database(settings.storage.url, demo=demo), catalogue)
    try:
        yield Stored(settings, catalogue, records)
    finally:
        await records.aclose()


def with_conversations(work: Callable[[Conversations], Awaitable[T]], *, demo: bool = False) -> T:
    """Open the conversations, do the work, close them; for commands that are not asynchronous."""

    async def whole() -> T:
        async with open_stored(demo=demo) as stored:
            return await work(stored.records.conversations)

    return asyncio.run(whole())


@asynccontextmanager
async def open_providers() -> AsyncIterator[list[Provider]]:
    """Every provider that is known: the built-in ones, and those of the settings."""
    from app.composition import all_providers
    from core.settings import load_settings

    providers: list[Provider] = [*all_providers(load_settings()).values()]
    try:
        yield providers
    finally:
        for provider in providers:
            await provider.aclose()


def unknown_provider(name: str, providers: Iterable[Provider]) -> InputError:
    """The error that names the providers there are."""
    return InputError(
        f"There is no provider {name!r}.",
        hint=f"Known: {', '.join(provider.name for provider in providers)}.",
    )
