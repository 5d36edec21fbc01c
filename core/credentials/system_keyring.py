"""The system's keyring, whose backends may be missing, locked or broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from core.credentials.redaction import redact

__all__ = ("ask_keyring", "get_key", "put_key", "take_key")

_SERVICE = "tensorwall"
_T = TypeVar("_T")


class _Keyring(Protocol):
    """The part of ``keyring``'s backend that is used here."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


def ask_keyring(question: Callable[[_Keyring], _T]) -> tuple[_T | None, str]:
    """Ask the backend; what it answered, or ``None`` and why it could not."""
    import keyring

    try:
        return question(keyring.get_keyring()), ""
    except Exception as error:  # noqa: BLE001 - backends are foreign code and raise what they like
        return None, f"the system keyring failed ({redact(str(error)).strip() or type(error).__name__})"


def get_key(ring: _Keyring, provider: str) -> tuple[str | None, str]:
    """A key, or ``None`` where it holds none, and the keyring's name."""
    return ring.get_password(_SERVICE, provider), _name_of(ring)


def put_key(ring: _Keyring, provider: str, key: str) -> str:
    """Store and read back: the null backend accepts everything and keeps nothing."""
    ring.set_password(_SERVICE, provider, key)
    return _name_of(ring) if ring.get_password(_SERVICE, provider) == key else ""


def take_key(ring: _Keyring, provider: str) -> str:
    """Remove a key; the keyring's name."""
    if ring.get_password(_SERVICE, provider) is not None:
        ring.delete_password(_SERVICE, provider)
    return _name_of(ring)


def _name_of(ring: _Keyring) -> str:
    """What the keyring is called, for people."""
    return str(getattr(ring, "name", type(ring).__name__))
