"""The secret of a key: made here, told once, and kept as a hash alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

__all__ = ("MARK", "KeySecret", "hash_of", "new_secret", "prefix_of")

MARK = "gw_"
"""What every secret begins with, so that it is known, and redacted, wherever it turns up."""
_BYTES = 32
_SHOWN = len(MARK) + 8


def new_secret() -> str:
    """``gw_`` and 43 characters that are safe in a URL: 256 bits of chance."""
    return MARK + secrets.token_urlsafe(_BYTES)


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal.

    No slow hash is needed, as passwords do: nobody can try 256 bits of chance one after the other.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def prefix_of(secret: str) -> str:
    """What may be shown of a secret: ``gw_`` and 8 characters, which leave 208 bits to guess."""
    return secret[:_SHOWN]


@dataclass(frozen=True, slots=True)
class KeySecret:
    """What is kept of a secret.

    Attributes:
        prefix: its beginning, to tell it from others.
        hash: see `hash_of`.
        until: when it ends, since another took its place; ``None`` for the one in use.
    """

    prefix: str
    hash: str
    until: datetime | None = None

    @classmethod
    def of(cls, secret: str) -> KeySecret:
        """What to keep of a new secret."""
        return cls(prefix_of(secret), hash_of(secret))

    def matches(self, hashed: str) -> bool:
        """Whether this is the hash of the secret; takes as long wherever they begin to differ."""
        return hmac.compare_digest(self.hash, hashed)
