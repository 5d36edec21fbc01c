"""Reads ``config.toml``; a mistake in it is named with file, line, key and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core.credentials import redact
from core.errors import ConfigurationError
from core.locations import find_locations
from core.safe_text import safe_text
from core.settings.describe import NAME, describe_settings, known_keys
from core.settings.model import Settings
from core.settings.positions import KeyPath, key_lines

__all__ = ("load_settings", "parse_settings", "read_settings_text")

_PLACE = re.compile(r" ?\((?:at line (?P<line>\d+), column \d+|at end of document)\)$")

_WANTED = {
    "model_type": "should be a table",
    "dict_type": "should be a table",
    "list_type": "should be an array",
    "string_type": "should be text in quotes",
    "string_too_short": "should not be empty",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "is_instance_of": "should be a number",
    "decimal_type": "should be a number",
    "literal_error": "is none of the values it may have",
}
"""What to say in TOML's words by pydantic's type of error; its own words for all others."""


def load_settings(path: Path | None = None) -> Settings:
    """The settings of a file; the defaults where there is none.

    Args:
        path: the file; by default ``config.toml`` in this user's config folder.

    Raises:
        ConfigurationError: the file cannot be read, is no TOML, or holds an unknown key or a value
            that is not allowed.
    """
    path = path or find_locations().settings_file
    return parse_settings(read_settings_text(path), path)


def read_settings_text(path: Path) -> str:
    """The file's text; empty where there is no file.

    Raises:
        ConfigurationError: it cannot be read or is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigurationError(f"The file cannot be read: {error.strerror}.", file=path) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            "This line is not UTF-8.", file=path, line=line, hint="Save the file as UTF-8."
        ) from None


def parse_settings(text: str, path: Path | None = None) -> Settings:
    """The settings a text holds; ``path`` is named in errors.

    Raises:
        ConfigurationError: as ``load_settings``.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text, path) from None
    hidden = next((key for key in values if key.startswith("_")), None)
    if hidden is not None:  # pydantic-settings would take it for an option of its own
        line = key_lines(text)[hidden,]
        raise ConfigurationError(
            "there is no such setting.",
            file=path,
            line=line,
            key=safe_text(hidden),
            hint=_suggestion((hidden,)),
        )
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _value_error(error, text, path) from None


def _syntax_error(error: tomllib.TOMLDecodeError, text: str, path: Path | None) -> ConfigurationError:
    place = _PLACE.search(str(error))
    line = int(place["line"]) if place and place["line"] else text.rstrip().count("\n") + 1
    problem = _PLACE.sub("", str(error))
    written = text.split("\n")[line - 1].strip()
    return ConfigurationError(
        f"This is not TOML: {problem[:1].lower()}{problem[1:]}, in {redact(written)[:80]!r}.",
        file=path,
        line=line,
        hint="A setting is written: name = value, and text stands in quotes.",
    )


def _value_error(error: ValidationError, text: str, path: Path | None) -> ConfigurationError:
    lines = key_lines(text)
    problems = sorted(error.errors(), key=lambda problem: _line_of(problem["loc"], lines) or 0)
    first, more = problems[0], len(problems) - 1
    message, hint = _explain(first)
    if more:
        hint = f"{hint} {more} more {'setting is' if more == 1 else 'settings are'} wrong.".strip()
    return ConfigurationError(
        message, file=path, line=_line_of(first["loc"], lines), key=_spoken(first["loc"]), hint=hint
    )


def _explain(problem: ErrorDetails) -> tuple[str, str]:
    location = problem["loc"]
    if problem["type"] == "extra_forbidden":
        return "there is no such setting.", _suggestion(location)
    if problem["type"] == "unknown_provider":
        hint = f"Known: {problem['ctx']['known']}; others are declared under [[providers]]."
        return f"there is no provider {_shown(problem['input'])}.", hint
    if problem["type"] == "missing":
        return "this setting is missing.", _allowed(location)
    said = _WANTED.get(problem["type"]) or problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{_shown(problem['input'])} {said}.", _allowed(location)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    shown = str(value).lower() if isinstance(value, bool) else redact(repr(value))
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _suggestion(location: Sequence[str | int]) -> str:
    from difflib import get_close_matches  # only for mistakes

    known = known_keys(location[:-1])
    near = get_close_matches(str(location[-1]), known, n=1)
    listed = f"Known here: {', '.join(known)}."
    return f"Did you mean {near[0]}? {listed}" if near else listed


def _allowed(location: Sequence[str | int]) -> str:
    names = tuple(part for part in location if isinstance(part, str))
    found = next((info for info in describe_settings() if _is_called(info.path, names)), None)
    return f"Allowed: {found.allowed}." if found else ""


def _is_called(path: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return len(path) == len(names) and all(
        part in (NAME, name) for part, name in zip(path, names, strict=True)
    )


def _line_of(location: Sequence[str | int], lines: dict[KeyPath, int]) -> int | None:
    """The line of the key, or of the nearest table around it where the key itself is missing."""
    for end in range(len(location), 0, -1):
        if line := lines.get(tuple(location[:end])):
            return line
    return None


def _spoken(location: Sequence[str | int]) -> str:
    """A location as the user would write it: ``routes[1].endpoints[0].weight``, counted from 1."""
    spoken = ""
    for part in location:
        spoken += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if spoken else part
    return safe_text(spoken)
