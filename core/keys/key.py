"""A key of the gateway: what it may do, and for how long. Pure: the moment comes in as an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from core.errors import InputError, KeyRefused
from core.keys.secret import MARK, KeySecret, hash_of, prefix_of

__all__ = ("ENDPOINTS", "PERIODS", "GatewayKey", "KeyBudget", "KeyPeriod", "KeyScopes", "KeyState")

KeyPeriod = Literal["day", "week", "month", "total"]
PERIODS: tuple[KeyPeriod, ...] = get_args(KeyPeriod)
KeyState = Literal["active", "expired", "revoked"]
ENDPOINTS = ("chat", "models", "audio", "metrics")
"""What a key may be limited to."""

_MOST = Decimal(1_000_000)
_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """The most that may be spent with a key in each such period, in US dollars; ``total`` is for good."""

    period: KeyPeriod
    hard: Decimal


@dataclass(frozen=True, slots=True)
class KeyScopes:
    """What a key is good for.

    Attributes:
        models: names and, ending in ``*``, beginnings of names; ``None`` for all models.
        endpoints: some of `ENDPOINTS`; ``None`` for all.
        budgets: at most one a period.
    """

    models: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None
    budgets: tuple[KeyBudget, ...] = ()

    def allows_model(self, model: str) -> bool:
        """Whether the model may be asked."""
        return self.models is None or any(_fits(model, pattern) for pattern in self.models)

    def allows_endpoint(self, name: str) -> bool:
        """Whether this part of the gateway may be used."""
        return self.endpoints is None or name in self.endpoints

    def check(self) -> None:
        """Raise where a new key cannot be meant like this.

        Raises:
            InputError: names what is wrong.
        """
        for pattern in _named(self.models, "models"):
            if not pattern or "*" in pattern[:-1] or any(sign.isspace() for sign in pattern):
                raise InputError(f"{pattern!r} is no model.", hint="A * stands at the end, such as: gpt-oss*")
        for name in _named(self.endpoints, "endpoints"):
            if name not in ENDPOINTS:
                raise InputError(f"There is no endpoint {name!r}.", hint=f"There are {', '.join(ENDPOINTS)}.")
        for budget in self.budgets:
            if not budget.hard.is_finite() or not 0 < budget.hard <= _MOST:
                raise InputError(f"A budget is above $0 and at most ${_MOST:,}.")
        if len({budget.period for budget in self.budgets}) < len(self.budgets):
            raise InputError("There are two budgets of one period.")


def _named(names: tuple[str, ...] | None, what: str) -> Iterable[str]:
    if names is not None and not names:
        raise InputError(f"A key without {what} is good for nothing.", hint="Leave them out to allow all.")
    return names or ()


def _fits(model: str, pattern: str) -> bool:
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """One key.

    It keeps its ``id``, and with it its budgets and what was spent, when its secret is replaced.

    Attributes:
        id: what the ledger knows it by.
        secret: of the secret in use.
        previous: of the one before it, which is good for a while longer.
        expires_at: from when on it is good for nothing; ``None`` for never.
        revoked_at: since when it is good for nothing.
    """

    id: str
    name: str
    secret: KeySecret
    scopes: KeyScopes
    created_at: datetime
    previous: KeySecret | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def prefix(self) -> str:
        """The beginning of its secret."""
        return self.secret.prefix

    @property
    def secrets(self) -> tuple[KeySecret, ...]:
        """All that it may be used by."""
        return (self.secret,) if self.previous is None else (self.secret, self.previous)

    def state(self, now: datetime) -> KeyState:
        """Whether it may be used."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"

    def problem(self, now: datetime, secret: KeySecret | None = None) -> KeyRefused | None:
        """Why it may not be used, by the one of its secrets that was given."""
        match self.state(now):
            case "revoked":
                return KeyRefused(f"The key {self.prefix}… was revoked.", code="revoked")
            case "expired":
                return KeyRefused(f"The key {self.prefix}… has expired.", code="expired")
        if secret is not None and secret.until is not None and now >= secret.until:
            return KeyRefused(
                f"The key {secret.prefix}… was replaced, and its time is over.",
                code="expired",
                hint=f"The one in its place begins with {self.prefix}.",
            )
        return None

    def is_named(self, word: str) -> bool:
        """Whether somebody who says this means it: its id, its name, a prefix, or a whole secret."""
        if word in (self.id, self.name) or any(word == secret.prefix for secret in self.secrets):
            return True
        if not word.startswith(MARK) or word == prefix_of(word):
            return False
        return any(secret.matches(hash_of(word)) for secret in self.secrets)


def clean_name(name: str) -> str:
    """A name on one line.

    Raises:
        InputError: there is nothing to read in it, or too much.
    """
    cleaned = " ".join(name.split())
    if not cleaned or len(cleaned) > _NAME_LIMIT or not cleaned.isprintable():
        raise InputError(f"A key's name has 1 to {_NAME_LIMIT} characters that can be printed.")
    return cleaned


def end_of_grace(now: datetime, grace: timedelta) -> datetime | None:
    """Until when a replaced secret is good; ``None`` where it ends at once.

    Raises:
        InputError: that is before now, or after all calendars.
    """
    if grace < timedelta(0):
        raise InputError("A time of grace is not negative.")
    try:
        return now + grace if grace else None
    except OverflowError:
        raise InputError("So long a time of grace has no end.") from None
