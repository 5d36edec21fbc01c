"""Where a provider is: addresses from the environment, and what makes one."""

from __future__ import annotations

import os
from functools import lru_cache
from urllib.parse import urlsplit

from core.credentials.pasted_key import ENCLOSING
from core.credentials.redaction import redact
from core.errors import ConfigurationError

__all__ = ("address_problem", "base_url")


def base_url(variable: str | None, default: str) -> str:
    """A provider's address from its environment variable, or the default; no slash at the end.

    Raises:
        ConfigurationError: the variable is set to something that is no http(s) address.
    """
    value = os.environ.get(variable, "").strip(ENCLOSING) if variable else ""
    if not value:
        return default.rstrip("/")
    problem = address_problem(value)
    if problem:
        raise ConfigurationError(
            f"{redact(value)!r} {problem}.", key=variable, hint=f"An address looks like {default}."
        )
    return value.rstrip("/")


@lru_cache(maxsize=256)  # asked again before every call
def address_problem(value: str) -> str:
    """What keeps this from being an http(s) address, as the end of a sentence; empty if nothing does."""
    if any(character.isspace() or not character.isprintable() for character in value):
        return "holds a space or a control character"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https"):
        return "does not begin with http:// or https://"
    return "" if parts.hostname else "names no host"
