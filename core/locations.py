"""Where TensorWall keeps its files: config, data and cache.

``TENSORWALL_HOME`` puts all three under one folder; otherwise they are where the platform keeps
such files (XDG on Linux, Application Support on macOS, AppData on Windows).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ("Locations", "find_locations")

HOME_VARIABLE = "TENSORWALL_HOME"


@dataclass(frozen=True, slots=True)
class Locations:
    """The three folders; none is made before something is written into it."""

    config_dir: Path
    """Settings and, where there is no keyring, keys: small files the user may edit."""
    data_dir: Path
    """What must not be lost: the database."""
    cache_dir: Path
    """What can be fetched again."""

    @classmethod
    def under(cls, home: Path) -> Locations:
        """All three within one folder."""
        return cls(config_dir=home / "config", data_dir=home / "data", cache_dir=home / "cache")

    @property
    def settings_file(self) -> Path:
        """The settings, ``config.toml``."""
        return self.config_dir / "config.toml"

    @property
    def tools_dir(self) -> Path:
        """The user's own tools, Python files."""
        return self.config_dir / "tools"

    @property
    def credentials_file(self) -> Path:
        """API keys where the system has no keyring; readable by its owner alone."""
        return self.config_dir / "credentials.json"

    @property
    def database_file(self) -> Path:
        """Conversations and the ledger, unless ``TENSORWALL_DATABASE_URL`` names another database."""
        return self.data_dir / "tensorwall.db"

    @property
    def demo_database_file(self) -> Path:
        """What the demo says and pretends to cost, apart from the real ledger."""
        return self.data_dir / "demo.db"

    def database(self, url: str | None, *, demo: bool = False) -> str | Path:
        """Where conversations and spend are kept: what the settings say, else the usual file.

        The demo keeps its own, so that simulated spend never mixes with what was really paid.
        """
        if demo:
            return self.demo_database_file
        return url or self.database_file

    @property
    def models_file(self) -> Path:
        """The last answer of each provider's ``/models``."""
        return self.cache_dir / "models.json"

    @property
    def limits_dir(self) -> Path:
        """What all processes have used of rate limits, a file a key and model."""
        return self.cache_dir / "limits"

    @property
    def speech_models_dir(self) -> Path:
        """The speech models that were downloaded, a folder each."""
        return self.cache_dir / "speech-models"

    @property
    def chat_models_dir(self) -> Path:
        """The chat models of this machine that were downloaded, a folder each."""
        return self.cache_dir / "chat-models"


def find_locations() -> Locations:
    """The folders for this user, from ``TENSORWALL_HOME`` or the platform's conventions."""
    home = os.environ.get(HOME_VARIABLE, "").strip()
    if home:
        return Locations.under(Path(home).expanduser().absolute())

    from platformdirs import PlatformDirs

    folders = PlatformDirs("tensorwall", appauthor=False)
    return Locations(folders.user_config_path, folders.user_data_path, folders.user_cache_path)
