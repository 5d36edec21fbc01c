"""What a call needs that is the user's own: API keys, and the addresses of providers.

A key is never printed and never part of an error; ``redact`` removes keys from texts that others
wrote. Looking a key up may block (a locked keyring asks its owner): from asynchronous code, call it
in a thread.
"""

from core.credentials.addresses import address_problem, base_url
from core.credentials.api_keys import (
    FoundKey,
    StoredWhere,
    api_key,
    find_api_key,
    forget_api_key,
    store_api_key,
)
from core.credentials.pasted_key import clean_api_key
from core.credentials.redaction import redact

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
