"""Short identifiers: new ones, which sort by the time they were made, and ones derived from a name."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time

__all__ = ("ID_LENGTH", "derived_id", "new_id")

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 (https://www.crockford.com/base32.html): no i, l, o or u to misread."""
_EPOCH = 1_704_067_200_000
"""2024-01-01 in Unix milliseconds; 41 bits of milliseconds last until 2093."""
_RANDOM_BITS = 19
ID_LENGTH = 12

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Make an identifier of 12 characters: 41 bits of time, 19 of chance.

    Within a process each is greater than the one before, even when the clock goes backwards;
    between processes two made in the same millisecond differ with odds of 524 287 to 1.
    """
    global _last
    now = time.time_ns() // 1_000_000 - _EPOCH
    value = now << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    with _lock:
        _last = value = max(value, _last + 1)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(5 * (ID_LENGTH - 1), -1, -5))


def derived_id(*names: str, length: int = ID_LENGTH) -> str:
    """The identifier that these names always have: 5 bits of a hash a character, at most 51 of them."""
    named = "\0".join(names).encode(errors="surrogatepass")
    value = int.from_bytes(hashlib.sha256(named).digest())
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in range(length))
