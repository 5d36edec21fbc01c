"""API keys: the environment first, then the system's keyring or a private file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

from core.credentials.key_file import IN_KEYRING, read_keys, write_keys
from core.credentials.pasted_key import clean_api_key
from core.credentials.redaction import redact
from core.credentials.system_keyring import ask_keyring, get_key, put_key, take_key
from core.errors import CredentialsError, InputError
from core.locations import Locations, find_locations

__all__ = ("FoundKey", "StoredWhere", "api_key", "find_api_key", "forget_api_key", "store_api_key")


@dataclass(frozen=True, slots=True)
class StoredWhere:
    """Where a key is kept; ``str()`` says it to the user."""

    kind: Literal["environment", "keyring", "file"]
    place: str
    """The variable, the keyring's name or the file's path."""
    reason: str = ""
    """Why it is in a file: what the keyring said."""

    def __str__(self) -> str:
        match self.kind:
            case "environment":
                return f"the environment variable {self.place}"
            case "keyring":
                return f"the system keyring ({self.place})"
            case "file":
                because = f", because {self.reason}" if self.reason else ""
                return f"{self.place}, readable by you alone{because}"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it came from; the key stays out of ``repr``."""

    key: str = field(repr=False)
    where: StoredWhere


def api_key(provider: str, variable: str | None = None, *, locations: Locations | None = None) -> str | None:
    """The provider's key, or ``None`` where there is none.

    Args:
        provider: the provider's name, such as ``groq``.
        variable: the environment variable to look at first, such as ``GROQ_API_KEY``.
        locations: where the private file is; by default this user's folders.

    Raises:
        CredentialsError: a key is there but malformed, or the file cannot be trusted.
    """
    found = find_api_key(provider, variable, locations=locations)
    return found.key if found else None


def find_api_key(
    provider: str, variable: str | None = None, *, locations: Locations | None = None
) -> FoundKey | None:
    """As ``api_key``, and says where the key was found."""
    if variable and (value := os.environ.get(variable, "").strip()):
        where = StoredWhere("environment", variable)
        try:
            return FoundKey(clean_api_key(value), where)
        except InputError as error:
            raise CredentialsError(f"The key in {variable} cannot be used: {error.message}") from None
    path = (locations or find_locations()).credentials_file
    kept = read_keys(path)
    if provider not in kept:
        return None
    key = kept[provider]
    if key is not None:
        return FoundKey(key, StoredWhere("file", str(path)))
    answer, failure = ask_keyring(lambda ring: get_key(ring, provider))
    if answer is None:
        raise _keyring_failed(provider, failure)
    return FoundKey(answer[0], StoredWhere("keyring", answer[1])) if answer[0] else None


def store_api_key(provider: str, key: str, *, locations: Locations | None = None) -> StoredWhere:
    """Keep a key for the next start: in the keyring, or in a private file where that fails.

    Raises:
        InputError: this is not shaped like a key.
        CredentialsError: neither place can be written.
    """
    key = clean_api_key(key)
    path = (locations or find_locations()).credentials_file
    kept = read_keys(path, trusted=True)
    name, failure = ask_keyring(lambda ring: put_key(ring, provider, key))
    if name:
        write_keys(path, kept | {provider: IN_KEYRING})
        return StoredWhere("keyring", name)
    write_keys(path, kept | {provider: key})
    return StoredWhere("file", str(path), redact(failure, [key]) or "there is no working system keyring")


def forget_api_key(provider: str, *, locations: Locations | None = None) -> StoredWhere | None:
    """Remove a stored key; says where it was. A key in the environment is not ours to remove.

    Raises:
        CredentialsError: the keyring or the private file refuses.
    """
    path = (locations or find_locations()).credentials_file
    kept = read_keys(path, trusted=True)
    if provider not in kept:
        return None
    where = StoredWhere("file", str(path))
    if kept.pop(provider) is IN_KEYRING:
        name, failure = ask_keyring(lambda ring: take_key(ring, provider))
        if name is None:
            raise _keyring_failed(provider, failure)
        where = StoredWhere("keyring", name)
    if kept:
        write_keys(path, kept)
    else:
        path.unlink(missing_ok=True)
    return where


def _keyring_failed(provider: str, failure: str) -> CredentialsError:
    return CredentialsError(
        f"The key for {provider} is kept in the system keyring, but {failure}.",
        hint="Unlock the keyring, or set the key in the environment.",
    )
