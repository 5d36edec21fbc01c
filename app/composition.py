"""The composition root: settings and keys go in, the parts come out, made once and wired together.

The TUI and every sub-command that answers questions start here; nothing else makes a router, an
assistant or a database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from core.assistant import Assistant
from core.catalogue import Catalogue, load_catalogue
from core.chat import CallObserver
from core.credentials import find_api_key
from core.errors import CredentialsError, TensorWallError, UnexpectedResponse
from core.locations import Locations, find_locations
from core.offline.models import EMBEDDED
from core.offline.provider import EmbeddedProvider
from core.offline.reserve import OfflineReserve
from core.providers import OpenAICompatibleProvider, Provider, ProviderProfile
from core.providers.profiles import BUILT_IN, GROQ, custom_profile
from core.records import LazyRecords, open_records
from core.routing import HedgePolicy, LLMRouter, LoadBalanceStrategy, RouteEndpoint
from core.routing.limits.files import LimitFiles
from core.routing.retry import RetryPolicy
from core.settings import EndpointSettings, NetworkSettings, Settings
from core.tools.session_tools import InstalledTools

__all__ = ("Services", "Source", "all_providers", "compose", "embedded_provider", "find_source")

_EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Source:
    """Where answers come from.

    Attributes:
        kind: ``keys`` uses the providers a key was found for and the settings' own routes; ``callers``
            those that whoever asks brings a key for;
            ``local`` one server that was found on this machine; ``embedded`` the model that runs in a
            process of ours; ``demo`` the simulator.
        provider: the local server.
    """

    kind: Literal["keys", "callers", "local", "embedded", "demo"]
    provider: Provider | None = None


@dataclass(frozen=True, slots=True)
class Services:
    """One composed application.

    Attributes:
        settings: what it was composed from; a local server's model stands in for an unset one.
        catalogue: models, windows, prices.
        router: chooses who answers.
        providers: who may answer, by name.
        assistant: answers one turn.
        records: opens conversations and ledger when first called.
        tools: what the model may call; loaded when first called.
        simulated: answers come from the simulator, which has to be said.
    """

    settings: Settings
    locations: Locations
    catalogue: Catalogue
    router: LLMRouter
    providers: Mapping[str, Provider]
    assistant: Assistant
    records: LazyRecords
    tools: InstalledTools
    simulated: bool
    _exits: AsyncExitStack = field(repr=False)

    async def refresh_models(self, *, older_than: timedelta = timedelta(0)) -> None:
        """Ask the providers in use what they serve now, and keep the answers for an offline start.

        A provider that does not answer keeps what was known of it.

        Args:
            older_than: leave out those whose last answer is younger.

        Raises:
            OSError: the answers cannot be kept.
        """
        latest = datetime.now(UTC) - older_than
        asked = [
            provider
            for provider in self.providers.values()
            if (known := self.catalogue.fetched_at(provider.name)) is None or known <= latest
        ]
        async with asyncio.TaskGroup() as group:
            for provider in asked:
                group.create_task(self._refresh(provider))
        if asked and not self.simulated:
            await asyncio.to_thread(self.catalogue.save_offers, self.locations.models_file)

    async def _refresh(self, provider: Provider) -> None:
        try:
            self.catalogue.merge(provider.name, await provider.models())
        except TensorWallError:
            return

    async def aclose(self) -> None:
        """Close connections, the database and the simulator."""
        await self._exits.aclose()


def find_source(settings: Settings, locations: Locations) -> Source | None:
    """What can answer without asking the user: stored keys, or routes of the user's own. Blocking.

    Raises:
        CredentialsError: a key is there but cannot be used.
    """
    if settings.routes or settings.providers or _with_keys(locations):
        return Source("keys")
    return None


async def compose(
    settings: Settings,
    *,
    source: Source | None = None,
    locations: Locations | None = None,
    patience: RetryPolicy | None = None,
    observer: CallObserver | None = None,
    goes_offline: bool = False,
) -> Services:
    """Make the application for a source of answers; by default the one ``find_source`` finds.

    Args:
        settings: what to make it from.
        source: where answers come from.
        locations: where files are kept; by default where they are for this user.
        patience: how often the router tries again, and how long it waits; by default as for a chat.
        observer: told of every upstream call.
        goes_offline: have this machine answer while the network is gone; for people, who see who answers.

    Raises:
        CredentialsError: there is no key, and no route that needs none.
        ConnectionFailed: the simulator does not start.
        ProviderError: the local server, or this machine, has no model to offer.
    """
    locations = locations or find_locations()
    source = source or await asyncio.to_thread(find_source, settings, locations)
    if source is None:
        raise CredentialsError(
            "There is no API key for Groq.",
            hint=f"Set {GROQ.key_variable}, run `tensorwall login`, or try `tensorwall --demo`; "
            f"`tensorwall chat --offline` asks a small model of this machine. Keys: {GROQ.keys_page}",
        )
    catalogue = await asyncio.to_thread(load_catalogue, locations.models_file)
    embedded = embedded_provider(settings, locations)
    async with AsyncExitStack() as exits:
        match source.kind:
            case "keys":
                endpoints = await asyncio.to_thread(_keyed_endpoints, settings, locations)
            case "callers":
                endpoints = _endpoints_with_keys(settings)
            case "local":
                assert source.provider is not None
                settings = await _with_local_model(settings, source.provider, catalogue)
                endpoints = [RouteEndpoint(provider=source.provider)]
            case "embedded":
                settings = await _with_local_model(settings, embedded, catalogue)
                endpoints = [RouteEndpoint(provider=embedded)]
            case "demo":
                endpoints = [RouteEndpoint(provider=await _simulator(settings.network, exits))]
        strategy = LoadBalanceStrategy(settings.routing.strategy)
        reserve = None
        if goes_offline and settings.offline.takes_over and source.kind in ("keys", "local"):
            reserve = OfflineReserve(_idle_servers(settings, endpoints), embedded, catalogue)
            exits.push_async_callback(reserve.aclose)
        limits = LimitFiles(locations.limits_dir)
        router = LLMRouter(
            strategy,
            catalogue=catalogue,
            retry=patience,
            observer=observer,
            reserve=reserve,
            hedging=None if settings.routing.hedging else HedgePolicy(share=0),
            shared_limits=limits.of if source.kind == "keys" else None,
        )
        exits.push_async_callback(router.aclose)
        providers = _add_routes(router, settings, endpoints, embedded if source.kind == "keys" else None)
        database = locations.database(settings.storage.url, demo=source.kind == "demo")
        records = LazyRecords(partial(open_records, database, catalogue))
        exits.push_async_callback(records.aclose)
        tools = InstalledTools(settings.tools, locations.tools_dir, locations.cache_dir)
        exits.push_async_callback(tools.aclose)
        return Services(
            settings=settings,
            locations=locations,
            catalogue=catalogue,
            router=router,
            providers=providers,
            assistant=Assistant(router, catalogue, settings.chat, records, settings.budgets),
            records=records,
            tools=tools,
            simulated=source.kind == "demo",
            _exits=exits.pop_all(),
        )


def all_providers(settings: Settings) -> dict[str, OpenAICompatibleProvider]:
    """Every provider that can be named in a route: the built-in ones and the settings' own."""
    own = [
        custom_profile(given.name, given.base_url, label=given.label, key_variable=given.key_variable)
        for given in settings.providers
    ]
    return {
        profile.name: OpenAICompatibleProvider(_patient(profile, settings.network))
        for profile in (*BUILT_IN, *own)
    }


def embedded_provider(settings: Settings, locations: Locations) -> EmbeddedProvider:
    """The model of this machine, as the settings choose it; nothing is loaded."""
    chosen = settings.offline
    return EmbeddedProvider(chosen.model, window=chosen.window, models_dir=locations.chat_models_dir)


def _idle_servers(settings: Settings, endpoints: Sequence[RouteEndpoint]) -> list[OpenAICompatibleProvider]:
    """The servers of this machine that no route leads to."""
    used = {endpoint.provider.name for endpoint in endpoints} | {
        given.provider for route in settings.routes for given in route.endpoints
    }
    providers = all_providers(settings).values()
    return [provider for provider in providers if provider.profile.local and provider.name not in used]


def _patient(profile: ProviderProfile, network: NetworkSettings) -> ProviderProfile:
    """The profile with the user's patience; a local server keeps its own where that is longer."""
    stall = max(network.stall_timeout, profile.stall_timeout) if profile.local else network.stall_timeout
    return replace(profile, connect_timeout=network.connect_timeout, stall_timeout=stall)


def _with_keys(locations: Locations) -> list[str]:
    """The built-in providers a key was found for."""
    return [
        profile.name
        for profile in BUILT_IN
        if profile.key_required and find_api_key(profile.name, profile.key_variable, locations=locations)
    ]


def _keyed_endpoints(settings: Settings, locations: Locations) -> list[RouteEndpoint]:
    """Who answers for any model: Groq, then OpenAI, then servers of the user's own."""
    providers = all_providers(settings)
    names = [*_with_keys(locations), *(given.name for given in settings.providers)]
    for name in names:
        with suppress(CredentialsError):  # the first call says so
            providers[name].find_key()
    return [
        RouteEndpoint(provider=providers[name], priority=priority)
        for priority, name in enumerate(dict.fromkeys(names))
    ]


def _endpoints_with_keys(settings: Settings) -> list[RouteEndpoint]:
    """Every built-in provider that asks for a key, found or not."""
    needing = [each for each in all_providers(settings).values() if each.profile.key_required]
    return [RouteEndpoint(provider=provider, priority=place) for place, provider in enumerate(needing)]


def _add_routes(
    router: LLMRouter,
    settings: Settings,
    endpoints: Sequence[RouteEndpoint],
    embedded: EmbeddedProvider | None,
) -> dict[str, Provider]:
    """Register one route for everything; gives the providers in use.

    Args:
        router: where.
        settings: whose own routes come on top.
        endpoints: who answers for everything.
        embedded: what own routes may name besides; ``None`` leaves them out.
    """
    routes = {_EVERYTHING: list(endpoints)} if endpoints else {}
    if embedded is not None:
        providers: dict[str, Provider] = {**all_providers(settings), EMBEDDED: embedded}
        providers |= {endpoint.provider.name: endpoint.provider for endpoint in endpoints}
        routes |= {
            route.model: [_endpoint(given, providers) for given in route.endpoints]
            for route in settings.routes
        }
    for pattern, members in routes.items():
        router.add_route(pattern, members)
    return {member.provider.name: member.provider for members in routes.values() for member in members}


def _endpoint(given: EndpointSettings, providers: Mapping[str, Provider]) -> RouteEndpoint:
    return RouteEndpoint(
        provider=providers[given.provider],
        priority=given.priority,
        model=given.model,
        weight=given.weight,
        base_url=given.base_url,
    )


async def _simulator(network: NetworkSettings, exits: AsyncExitStack) -> Provider:
    """Groq as the simulator plays it, in a process that ends with this one."""
    from app.simulator.organizations import DEMO_KEY
    from app.simulator.process import running_simulator

    base_url = await exits.enter_async_context(running_simulator())
    return OpenAICompatibleProvider(_patient(GROQ, network), api_key=DEMO_KEY, base_url=base_url)


async def _with_local_model(settings: Settings, provider: Provider, catalogue: Catalogue) -> Settings:
    """Settings whose model is one that the server has: the chosen one, else its first that chats."""
    catalogue.merge(provider.name, await provider.models())
    offered = [info.id for info in catalogue.models(provider.name, kind="chat") if info.offered]
    if settings.chat.model in offered:
        return settings
    if not offered:
        raise UnexpectedResponse(
            f"{provider.profile.label} runs but has no model loaded.",
            provider=provider.name,
            hint="Load a model in it, such as: ollama pull llama3.2",
        )
    chat = settings.chat.model_copy(update={"model": offered[0]})
    return settings.model_copy(update={"chat": chat})
