"""What a sub-command needs opened: no more than it uses, closed when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from core.errors import InputError

if TYPE_CHECKING:
    from app.composition import Services
    from core.conversations import Conversations
    from core.providers import Provider

__all__ = ("open_providers", "open_services", "unknown_provider", "with_conversations")

T = TypeVar("T")


@asynccontextmanager
async def open_services(*, demo: bool = False) -> AsyncIterator[Services]:
    """The whole application; ``demo`` has the simulator answer."""
    from app.composition import Source, compose
    from core.settings import load_settings

    services = await compose(load_settings(), source=Source("demo") if demo else None)
    try:
        yield services
    finally:
        await services.aclose()


def with_conversations(work: Callable[[Conversations], Awaitable[T]], *, demo: bool = False) -> T:
    """Open the conversations, do the work, close them; for commands that are not asynchronous."""

    async def whole() -> T:
        from core.catalogue import load_catalogue
        from core.locations import find_locations
        from core.records import open_records
        from core.settings import load_settings

        place = find_locations().database(load_settings().storage.url, demo=demo)
        records = await open_records(place, load_catalogue())
        try:
            return await work(records.conversations)
        finally:
            await records.aclose()

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
