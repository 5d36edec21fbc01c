"""The slow beginnings of the app, called after the first paint: imports wait for their call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.composition import Services, Source
    from core.credentials import StoredWhere
    from core.locations import Locations
    from core.offline.models import KnownGguf
    from core.providers import Provider
    from core.settings import Settings

__all__ = ("EmbeddedOffer", "Launcher", "first_look")


@dataclass(frozen=True, slots=True)
class EmbeddedOffer:
    """What the model of this machine still takes before it can answer.

    Attributes:
        label: its name for people.
        fetch: what has to be downloaded; ``None`` where nothing is that we know by name.
        problem: why it cannot be used, with what to do, where a download does not help; else empty.
    """

    label: str
    fetch: KnownGguf | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Settings, keys, servers and the composition, as the app asks for them."""

    locations: Locations

    def load_settings(self) -> Settings:
        """Read ``config.toml``; blocking.

        Raises:
            ConfigurationError: the file is broken.
        """
        from core.settings import load_settings

        return load_settings(self.locations.settings_file)

    def find_source(self, settings: Settings) -> Source | None:
        """What can answer without asking the user; blocking. ``None``: show the welcome screen.

        Raises:
            CredentialsError: a key is there but cannot be used.
        """
        from app.composition import find_source

        return find_source(settings, self.locations)

    async def check_key(self, key: str) -> int:
        """Try a Groq key at ``/models``; how many models it may use.

        Raises:
            InputError: this is not shaped like a key.
            ProviderError: the key is wrong, or Groq cannot be reached.
        """
        from core.credentials import clean_api_key
        from core.providers import groq_provider

        provider = groq_provider.with_overrides(clean_api_key(key), None)
        try:
            return len(await provider.check())
        finally:
            await provider.aclose()

    def store_key(self, key: str) -> StoredWhere:
        """Keep a Groq key for the next start; blocking.

        Raises:
            CredentialsError: it cannot be stored.
        """
        from core.credentials import store_api_key

        return store_api_key("groq", key, locations=self.locations)

    async def find_local_servers(self) -> Sequence[Provider]:
        """Ollama, LM Studio and llama.cpp."""
        from core.providers import find_local_servers

        return await find_local_servers()

    def look_for_embedded(self, settings: Settings) -> EmbeddedOffer:
        """Whether the model of this machine is there; blocking, for milliseconds."""
        from app.composition import embedded_provider
        from core.errors import OfflineUnavailable
        from core.offline.models import is_installed, known_models

        provider = embedded_provider(settings, self.locations)
        try:
            provider.find()
        except OfflineUnavailable as error:
            known = known_models().get(settings.offline.model) if is_installed() else None
            return EmbeddedOffer(provider.label, known, "" if known else error.hint or error.message)
        return EmbeddedOffer(provider.label)

    async def open(self, source: Source, settings: Settings) -> Services:
        """Compose the application.

        Raises:
            TensorWallError: the settings' routes cannot be made, or the source does not answer.
        """
        from app.composition import compose

        return await compose(settings, source=source, locations=self.locations, goes_offline=True)


def first_look(locations: Locations) -> tuple[str | None, bool]:
    """Theme (``None`` for the default) and mouse, which are needed before the settings are loaded.

    Read without validating anything: ``load_settings`` tells what is wrong.
    """
    import tomllib

    try:
        interface = tomllib.loads(locations.settings_file.read_text("utf-8"))["interface"]
        theme, mouse = interface.get("theme"), interface.get("mouse")
    except (OSError, ValueError, KeyError, AttributeError):
        return None, True
    return theme if isinstance(theme, str) else None, mouse is not False
