"""With which key and at which address a provider is called, and the connections there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING

from core.errors import AuthenticationFailed, ConnectionFailed, CredentialsError, InputError, TensorWallError
from core.providers.base import ProviderProfile
from core.providers.upstream import Upstream
from core.providers.warmth import Warmth

if TYPE_CHECKING:  # httpx takes 0.1 s to import: ``_connect`` does that, in a thread
    from core.providers.connection import Connection
    from core.providers.http_messages import HttpAnswer

__all__ = ("Access",)


class Access:
    """A key, an address, and a pool of connections for each event loop.

    The key is looked up once and kept until the provider refuses it or ``aclose`` is called.

    Args:
        profile: what is particular to the provider.
        api_key: the key to use; by default the one in ``core.credentials``.
        base_url: the address to use; by default the environment's, else the profile's.
    """

    def __init__(self, profile: ProviderProfile, api_key: str | None, base_url: str | None) -> None:
        self._profile = profile
        self._given_key = api_key
        self._given_url = base_url
        self._found_key: str | None = None
        self._checked_url: str | None = None
        self._connections: dict[asyncio.AbstractEventLoop, Connection] = {}

    def with_overrides(self, api_key: str | None, base_url: str | None) -> Access:
        """Another key or address; with the same address it shares the open connections."""
        other = Access(self._profile, api_key or self._given_key, base_url or self._given_url)
        if not base_url:
            other._connections = self._connections
        if not api_key:
            other._found_key = self._found_key
        return other

    @property
    def account(self) -> str | None:
        """A digest of address and key; ``None`` until the key is known, and for this machine's servers."""
        key = self._found_key or self._given_key
        if key is None or self._profile.local:
            return None
        return blake2b(f"{self._url()}\n{key}".encode(), digest_size=16).hexdigest()

    def find_key(self) -> str | None:
        """Look the key up, unless that is done already; blocking. ``None`` where none is needed.

        Raises:
            CredentialsError: a key is needed and missing, or cannot be used.
        """
        profile = self._profile
        if self._found_key is None and self._given_key is not None:
            self._found_key = _usable_key(self._given_key, profile)
        elif self._found_key is None and not (profile.local and profile.key_variable is None):
            from core.credentials import api_key

            self._found_key = api_key(profile.name, profile.key_variable)
            if self._found_key is None and profile.key_required:
                page = f" Keys are made at {profile.keys_page}." if profile.keys_page else ""
                raise CredentialsError(
                    f"There is no API key for {profile.label}.",
                    hint=f"Set {profile.key_variable} or store a key.{page}",
                )
        return self._found_key

    @asynccontextmanager
    async def exchange(
        self,
        method: str,
        path: str,
        *,
        model: str | None = None,
        content: bytes = b"",
        content_type: str = "application/json",
        read_timeout: float,
    ) -> AsyncIterator[tuple[Upstream, HttpAnswer]]:
        """Send a request; within the block its answer's body can be read.

        Args:
            method: such as ``POST``.
            path: below the base URL.
            model: what it is asked of, for errors to name.
            content: the request's body.
            content_type: of ``content``.
            read_timeout: seconds without a byte after which the call counts as dead.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        key = await self._key()
        connection = await self._connect()
        import httpx  # loaded by now

        upstream = Upstream(self._profile, self._url(), model, connection.proxy, key)
        headers = {"Accept": "application/json, text/event-stream, audio/wav", "Accept-Encoding": "identity"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if content:
            headers["Content-Type"] = content_type
        try:
            answer = await connection.ask(
                upstream,
                method,
                f"{upstream.url}/{path}",
                headers=headers,
                content=content,
                read_timeout=read_timeout,
            )
            async with aclosing(answer.body):
                yield upstream, answer
        except AuthenticationFailed:
            self._found_key = None  # the next call looks for a better one
            raise
        except httpx.HTTPError as error:
            from core.providers.connection_errors import body_error

            raise body_error(upstream, error, read_timeout=read_timeout) from error

    async def warm(self) -> bool:
        """As ``core.providers.Provider.warm``."""
        try:
            connection = await self._connect()
        except TensorWallError:
            return False
        return await connection.warm(Upstream(self._profile, self._url(), proxy=connection.proxy))

    @property
    def warmth(self) -> Warmth:
        """The running loop's connections as they are now; none outside a loop."""
        try:
            connection = self._connections.get(asyncio.get_running_loop())
        except RuntimeError:
            connection = None
        return Warmth() if connection is None else connection.warmth

    async def aclose(self) -> None:
        """Close the running loop's connections, and look the key up anew when it is needed."""
        self._found_key = None
        connection = self._connections.pop(asyncio.get_running_loop(), None)
        if connection is not None:
            await connection.aclose()

    async def _connect(self) -> Connection:
        """The running loop's pool of connections; making it sends nothing."""
        url = self._url()
        if url != self._checked_url:
            _check_address(Upstream(self._profile, url))
            self._checked_url = url
        loop = asyncio.get_running_loop()
        connection = self._connections.get(loop)
        if connection is None:
            module = await asyncio.to_thread(import_module, "core.providers.connection")
            made = await module.Connection.prepare(Upstream(self._profile, url))
            for closed in [known for known in self._connections if known.is_closed()]:
                del self._connections[closed]
            connection = self._connections.setdefault(loop, made)
        return connection

    async def _key(self) -> str | None:
        if self._found_key is not None:
            return self._found_key
        if self._given_key is not None or (self._profile.local and self._profile.key_variable is None):
            return self.find_key()
        return await asyncio.to_thread(self.find_key)  # a locked keyring asks its owner

    def _url(self) -> str:
        if self._given_url is not None:
            return self._given_url.strip().rstrip("/")
        from core.credentials import base_url

        return base_url(self._profile.base_url_variable, self._profile.base_url)


def _check_address(upstream: Upstream) -> None:
    from core.credentials import address_problem

    if address_problem(upstream.url):
        message, hint = upstream.invalid_address
        raise upstream.error(ConnectionFailed, message, hint=hint)


def _usable_key(key: str, profile: ProviderProfile) -> str:
    from core.credentials import clean_api_key

    try:
        return clean_api_key(key)
    except InputError as error:
        raise CredentialsError(
            f"The API key for {profile.label} cannot be used: {error.message}", hint=error.hint
        ) from None
