"""Who is being called, for errors: enough to name it to the user, and to keep its key out of texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from core.errors import ProviderError
from core.providers.base import ProviderProfile
from core.safe_text import safe_text

__all__ = ("Upstream",)

_E = TypeVar("_E", bound=ProviderError)

_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class Upstream:
    """One provider at one address, called with one key.

    Attributes:
        url: the base address of the API.
        model: the provider's id of the model asked for, where the call is about one.
        proxy: the proxy on the way, where there is one.
    """

    profile: ProviderProfile
    url: str
    model: str | None = None
    proxy: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """The name people read."""
        return self.profile.label

    @property
    def host(self) -> str:
        """Host and port; never the user name and password an address may hold."""
        return _host(self.url)

    @property
    def proxy_host(self) -> str | None:
        """Host and port of the proxy."""
        return _host(self.proxy) if self.proxy else None

    @property
    def invalid_address(self) -> tuple[str, str]:
        """What to say where the address is none, and what to do."""
        return (
            f"The address of {self.label} is not a web address: {self.quote(self.url)}.",
            "Write it as https://host/v1, or with http:// for a server on this machine.",
        )

    @property
    def key_place(self) -> str:
        """Where the key comes from, for hints."""
        return self.profile.key_variable or f"the key stored for {self.label}"

    def quote(self, text: str) -> str:
        """What the server wrote, made safe: one line of bounded length, without keys or controls."""
        from core.credentials import redact  # lazily: only errors need it

        text = redact(text[: 8 * _LONGEST_QUOTE], [self.key] if self.key else [])
        line = " ".join(safe_text(text).split())
        return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"

    def error(
        self,
        kind: type[_E],
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> _E:
        """An error of this kind that names the provider."""
        return kind(
            message, provider=self.profile.name, status=status, code=code, request_id=request_id, hint=hint
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url
    except ValueError:
        return "the address"
