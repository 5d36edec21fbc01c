"""Who asks: the gateway's own key, and keys of providers that come with a request for that call only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from app.gateway.api_errors import invalid_request
from app.gateway.exchange import Exchange
from core.credentials import clean_api_key
from core.errors import InputError, KeyRefused
from core.keys import GatewayKey
from core.keys.ring import KeyRing
from core.providers import Provider

__all__ = ("Caller", "identify")

_GATEWAY_KEY = "gw_"
_FEATURE = re.compile(r"[A-Za-z0-9._-]{1,20}")
_DEFAULT_FEATURE = "gateway"


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's caller.

    Attributes:
        key: the gateway's key, known and valid.
        recheck: raises ``KeyRefused`` where the key is not valid any more.
        api_keys: keys of the caller's own, by provider.
    """

    key: GatewayKey
    recheck: Callable[[], object] = field(repr=False)
    api_keys: Mapping[str, str] = field(repr=False)

    def check(self, endpoint: str, model: str | None = None) -> None:
        """See that the key may be used for this.

        Raises:
            KeyRefused: it may not.
        """
        scopes, prefix = self.key.scopes, self.key.prefix
        if not scopes.allows_endpoint(endpoint):
            raise KeyRefused(f"The key {prefix}… is not for the endpoint {endpoint}.", code="scope")
        if model is not None and not scopes.allows_model(model):
            raise KeyRefused(
                f"The key {prefix}… is not for the model {model!r}.",
                code="scope",
                hint="GET /v1/models lists the models that it may be used for.",
            )

    def place(self, exchange: Exchange) -> dict[str, str | None]:
        """What the request's calls belong to in the ledger.

        Raises:
            ApiError: 400: ``X-Feature`` is not a name.
        """
        feature = exchange.headers.get("x-feature", _DEFAULT_FEATURE)
        if not _FEATURE.fullmatch(feature):
            raise invalid_request(
                "X-Feature is a name of up to 20 letters, digits, dots, dashes and underscores.",
                param="X-Feature",
            )
        return {
            "session_id": None,
            "message_id": None,
            "feature": feature,
            "key_id": self.key.id,
            "client_request_id": exchange.request_id,
        }


def identify(exchange: Exchange, ring: KeyRing, providers: Iterable[Provider]) -> Caller:
    """Read the keys of a request.

    ``X-API-Key`` has the gateway's key and ``Authorization: Bearer`` may have a provider's; a client that
    can send only one header sends the gateway's as Bearer.

    Raises:
        KeyRefused: there is no valid key of this gateway, or one beside it that no provider has: whoever
            brings a key means it to be charged, and not the gateway's own account.
    """
    bearer = _bearer(exchange.headers.get("authorization", ""))
    secret = exchange.headers.get("x-api-key")
    if secret is None and bearer.startswith(_GATEWAY_KEY):
        secret = bearer
    if not secret:
        raise KeyRefused(
            "A key of this gateway is missing.",
            code="missing",
            hint="Send it as X-API-Key, or as Authorization: Bearer; `tensorwall keys create` makes one.",
        )
    secret = secret.strip()
    version = ring.version
    key = ring.find(secret)
    recheck = partial(ring.recheck, key, secret, version)
    own = {} if bearer in ("", secret) else _own_keys(bearer, providers)
    return Caller(key, recheck, own)


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _own_keys(bearer: str, providers: Iterable[Provider]) -> dict[str, str]:
    """The provider that a key belongs to, told by how it begins."""
    try:
        bearer = clean_api_key(bearer)
    except InputError as error:
        message = f"Authorization has a key that cannot be one: {error.message}"
        raise KeyRefused(message, code="bearer", hint=error.hint) from None
    known = {each.name: each.profile for each in providers if each.profile.key_prefix}
    own = {name: bearer for name, profile in known.items() if bearer.startswith(profile.key_prefix or "")}
    if not own:
        kinds = ", ".join(f"{profile.label}'s ({profile.key_prefix}…)" for profile in known.values())
        raise KeyRefused(
            "Authorization has a key that belongs to no provider here, so that nobody was asked.",
            code="bearer",
            hint=f"Beside X-API-Key there may be one of {kinds}." if kinds else "Leave it out.",
        )
    return own
