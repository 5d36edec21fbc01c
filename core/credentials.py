"""API keys and addresses: the environment first, then the system's keyring or a private file.

The private file also notes which keys are in the keyring, which is therefore asked only when
needed: asking it costs 0.1 s and more at every start.

A key is never printed and never part of an error; ``redact`` removes keys from texts that
others wrote. Looking a key up may block (a locked keyring asks its owner): from asynchronous
code, call it in a thread.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeVar
from urllib.parse import urlsplit

from core.errors import ConfigurationError, CredentialsError, InputError
from core.locations import Locations, find_locations, replace_file

__all__ = (
    "FoundKey",
    "StoredWhere",
    "address_problem",
    "api_key",
    "base_url",
    "clean_api_key",
    "find_api_key",
    "forget_api_key",
    "redact",
    "store_api_key",
)

_KEYRING_SERVICE = "tensorwall"
_IN_KEYRING = None
"""What the private file holds in place of a key that is in the keyring."""
_LONGEST_KEY = 4096
_ENCLOSING = (
    " \t\r\n\v\f\"'`"
    "\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
_WRAPPING = re.compile(
    r"(?:export\s+|set\s+|\$env:)?[A-Z][A-Z0-9]*_[A-Z0-9_]*\s*=\s*(?=\S)"  # GROQ_API_KEY=
    r"|(?i:(?:authorization\s*:\s*)?bearer\s+)"
)

_T = TypeVar("_T")


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
    kept = _read_file(path)
    if provider not in kept:
        return None
    key = kept[provider]
    if key is not None:
        return FoundKey(key, StoredWhere("file", str(path)))
    answer, failure = _ask_keyring(
        lambda ring: (ring.get_password(_KEYRING_SERVICE, provider), _name_of(ring))
    )
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
    kept = _read_file(path, trusted=True)
    name, failure = _ask_keyring(lambda ring: _put_in_keyring(ring, provider, key))
    if name:
        _write_file(path, kept | {provider: _IN_KEYRING})
        return StoredWhere("keyring", name)
    _write_file(path, kept | {provider: key})
    return StoredWhere("file", str(path), redact(failure, [key]) or "there is no working system keyring")


def forget_api_key(provider: str, *, locations: Locations | None = None) -> StoredWhere | None:
    """Remove a stored key; says where it was. A key in the environment is not ours to remove.

    Raises:
        CredentialsError: the keyring or the private file refuses.
    """
    path = (locations or find_locations()).credentials_file
    kept = _read_file(path, trusted=True)
    if provider not in kept:
        return None
    where = StoredWhere("file", str(path))
    if kept.pop(provider) is _IN_KEYRING:
        name, failure = _ask_keyring(lambda ring: _take_from_keyring(ring, provider))
        if name is None:
            raise _keyring_failed(provider, failure)
        where = StoredWhere("keyring", name)
    if kept:
        _write_file(path, kept)
    else:
        path.unlink(missing_ok=True)
    return where


def clean_api_key(text: str) -> str:
    """The key within what a person pasted: quotes, ``NAME=`` and ``Bearer`` around it are dropped.

    Raises:
        InputError: what is left cannot be a key; the message never repeats it.
    """
    key = text.strip(_ENCLOSING)
    while wrapping := _WRAPPING.match(key):
        key = key[wrapping.end() :].strip(_ENCLOSING)
    if not key:
        raise InputError("The key is empty.", hint="Paste the key itself.")
    if "\n" in key or "\r" in key:
        raise InputError("The key runs over several lines.", hint="Paste one key, on one line.")
    if "..." in key or "*" in key or "…" in key or "•" in key:
        raise InputError("The key is shortened or masked.", hint="Copy the whole key where it was created.")
    if any(not "!" <= character <= "~" for character in key):
        raise InputError(
            "The key holds a space or a character that no key has.", hint="Copy it again, alone."
        )
    if len(key) > _LONGEST_KEY:
        raise InputError(f"The key is longer than {_LONGEST_KEY} characters.", hint="Paste the key alone.")
    return key


def base_url(variable: str | None, default: str) -> str:
    """A provider's address from its environment variable, or the default; no slash at the end.

    Raises:
        ConfigurationError: the variable is set to something that is no http(s) address.
    """
    value = os.environ.get(variable, "").strip(_ENCLOSING) if variable else ""
    if not value:
        return default.rstrip("/")
    problem = address_problem(value)
    if problem:
        raise ConfigurationError(
            f"{redact(value)!r} {problem}.", key=variable, hint=f"An address looks like {default}."
        )
    return value.rstrip("/")


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


# --- taking keys out of texts -----------------------------------------------------------------

_KEY_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?P<prefix>gsk_|sk-(?:proj-|ant-|svcacct-|or-)?|xai-|csk-|gw_|hf_)[A-Za-z0-9_-]{12,}"
    r"|(?P<scheme>\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<address>\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)",
    re.IGNORECASE,
)


def redact(text: str, keys: Iterable[str] = ()) -> str:
    """Replace API keys, bearer tokens and passwords in addresses by ``[redacted]``.

    Args:
        text: anything, such as a server's error message.
        keys: keys that are known to be in use, whatever they look like.
    """
    for key in sorted((key for key in keys if len(key) >= 4), key=len, reverse=True):
        text = text.replace(key, "[redacted]")
    return _KEY_SHAPES.sub(lambda found: f"{found[found.lastgroup or 0]}[redacted]", text)


# --- the keyring --------------------------------------------------------------------------------


class _Keyring(Protocol):
    """The part of ``keyring``'s backend that is used here."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


def _ask_keyring(question: Callable[[_Keyring], _T]) -> tuple[_T | None, str]:
    """Ask the backend; what it answered, or ``None`` and why it could not."""
    import keyring

    try:
        return question(keyring.get_keyring()), ""
    except Exception as error:  # noqa: BLE001 - backends are foreign code and raise what they like
        return None, f"the system keyring failed ({redact(str(error)).strip() or type(error).__name__})"


def _name_of(ring: _Keyring) -> str:
    return str(getattr(ring, "name", type(ring).__name__))


def _put_in_keyring(ring: _Keyring, provider: str, key: str) -> str:
    """Store and read back: the null backend accepts everything and keeps nothing."""
    ring.set_password(_KEYRING_SERVICE, provider, key)
    return _name_of(ring) if ring.get_password(_KEYRING_SERVICE, provider) == key else ""


def _take_from_keyring(ring: _Keyring, provider: str) -> str:
    if ring.get_password(_KEYRING_SERVICE, provider) is not None:
        ring.delete_password(_KEYRING_SERVICE, provider)
    return _name_of(ring)


def _keyring_failed(provider: str, failure: str) -> CredentialsError:
    return CredentialsError(
        f"The key for {provider} is kept in the system keyring, but {failure}.",
        hint="Unlock the keyring, or set the key in the environment.",
    )


# --- the private file -----------------------------------------------------------------------------


def _read_file(path: Path, *, trusted: bool = False) -> dict[str, str | None]:
    """The keys by provider, ``None`` for one in the keyring; empty where there is no file.

    Args:
        path: the file.
        trusted: do not look at its permissions, because it is about to be replaced.
    """
    try:
        mode = path.stat().st_mode
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not valid JSON"
        raise CredentialsError(
            f"The key file {path} cannot be read: {reason}.", hint="Mend or delete it and set the key again."
        ) from None
    if not isinstance(kept, dict) or not all(isinstance(key, str | None) for key in kept.values()):
        raise CredentialsError(
            f"The key file {path} does not hold one key a provider.", hint="Delete it and set the key again."
        )
    if os.name == "posix" and not trusted and mode & (stat.S_IRWXG | stat.S_IRWXO) and any(kept.values()):
        raise CredentialsError(
            f"Others on this machine may read the keys in {path} (mode {stat.S_IMODE(mode):04o}).",
            hint=f"Run: chmod 600 '{path}', and replace the key if you share this machine.",
        )
    return kept


def _write_file(path: Path, keys: dict[str, str | None]) -> None:
    try:
        replace_file(path, json.dumps(keys, indent=2) + "\n")
    except OSError as error:
        raise CredentialsError(
            f"The key file {path} cannot be written: {error.strerror}.",
            hint="Set the key in the environment instead.",
        ) from error
