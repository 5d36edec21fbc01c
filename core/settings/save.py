"""Writes one setting back to ``config.toml``; comments, order and unrelated lines stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.files import replace_file
from core.locations import find_locations
from core.settings.load import parse_settings, read_settings_text
from core.settings.model import Settings

__all__ = ("save_setting",)


def save_setting(path: Path | None, key: str | Sequence[str], value: object) -> Settings:
    """Set one key in the file and give the settings that result.

    Args:
        path: the file, made where it is missing; ``None``: this user's ``config.toml``.
        key: dotted, such as ``chat.model``; what follows ``keymap.`` is one id, dots and all.
        value: text, number, truth value, list or dict; ``None`` removes the key.

    Raises:
        ConfigurationError: the file is broken already, the key is unknown, the value is not
            allowed, or the file cannot be written. The file is untouched then.
    """
    import tomlkit
    from tomlkit.items import AbstractTable

    path = path or find_locations().settings_file
    text = read_settings_text(path)
    parse_settings(text, path)  # a broken file is for its owner to mend
    document = tomlkit.parse(text)
    *tables, name = _parts(key)
    table: Any = document
    for part in tables:
        if part not in table and value is None:
            return parse_settings(text, path)
        table = table.setdefault(part, tomlkit.table())
        if not isinstance(table, AbstractTable):
            raise ConfigurationError("this is no table.", file=path, key=".".join(tables))
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value
    changed = document.as_string()
    settings = parse_settings(changed, path)
    try:
        replace_file(path, changed, keep_mode=True)
    except OSError as error:
        raise ConfigurationError(f"The file cannot be written: {error.strerror}.", file=path) from error
    return settings


def _parts(key: str | Sequence[str]) -> list[str]:
    if not isinstance(key, str):
        return list(key)
    return key.split(".", 1) if key.startswith("keymap.") else key.split(".")
