"""Where TensorWall keeps its files: config, data and cache, and how it writes the small ones.

``TENSORWALL_HOME`` puts all three under one folder; otherwise they are where the platform keeps
such files (XDG on Linux, Application Support on macOS, AppData on Windows).
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ("Locations", "find_locations", "replace_file")

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

    @property
    def models_file(self) -> Path:
        """The last answer of each provider's ``/models``."""
        return self.cache_dir / "models.json"


def find_locations() -> Locations:
    """The folders for this user, from ``TENSORWALL_HOME`` or the platform's conventions."""
    home = os.environ.get(HOME_VARIABLE, "").strip()
    if home:
        return Locations.under(Path(home).expanduser().absolute())

    from platformdirs import PlatformDirs

    folders = PlatformDirs("tensorwall", appauthor=False)
    return Locations(folders.user_config_path, folders.user_data_path, folders.user_cache_path)


def replace_file(path: Path, text: str, *, keep_mode: bool = False) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never half of it.

    The file, and each folder made for it, is open to its owner alone. A symbolic link stays one:
    the file it points to is replaced.

    Args:
        path: the file; it and its folders are made where they are missing.
        text: all that it will hold.
        keep_mode: leave the permissions of a file that is there already as they are.

    Raises:
        OSError: the folder cannot be made or written.
    """
    import tempfile  # lazily: most who look for folders write nothing

    path = path.resolve()
    _make_private_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if keep_mode and path.exists():
            Path(temporary).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _make_private_folder(folder: Path) -> None:
    """Like ``mkdir(parents=True)``, which would leave the parents at the default mode."""
    if folder.is_dir():
        return
    _make_private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
