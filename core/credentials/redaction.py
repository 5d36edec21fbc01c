"""Taking API keys out of texts that others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ("redact",)

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
