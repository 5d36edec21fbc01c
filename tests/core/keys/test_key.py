"""What a key is good for, and for how long."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credentials import redact
from core.errors import InputError
from core.keys import (
    ENDPOINTS,
    PERIODS,
    GatewayKey,
    KeyBudget,
    KeyScopes,
    KeySecret,
    hash_of,
    new_secret,
    prefix_of,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

names = st.text(string.ascii_lowercase + "-./", min_size=1, max_size=6)
moments = st.integers(-10, 10).map(lambda seconds: NOW + seconds * SECOND)


def make_key(**values: Any) -> GatewayKey:
    defaults = {
        "id": "k1", "name": "editor", "secret": KeySecret.of(new_secret()), "scopes": KeyScopes(),
        "created_at": NOW,
    }  # fmt: skip
    return GatewayKey(**(defaults | values))


def test_a_secret_is_long_unique_and_redacted_wherever_it_turns_up() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert re.fullmatch(r"gw_[A-Za-z0-9_-]{43}", secret)
        assert re.fullmatch(r"gw_[A-Za-z0-9_-]{8}", prefix_of(secret))
        assert redact(f"X-API-Key: {secret}") == "X-API-Key: gw_[redacted]"
        assert redact(prefix_of(secret)) == prefix_of(secret)


@given(st.binary(max_size=4), st.binary(max_size=4))
def test_only_the_secret_itself_matches(one: bytes, other: bytes) -> None:
    assert KeySecret.of(one.decode("latin-1")).matches(hash_of(other.decode("latin-1"))) == (one == other)


@given(names, names)
def test_models_are_allowed_by_name_or_by_its_beginning(model: str, other: str) -> None:
    assert KeyScopes().allows_model(model)
    assert KeyScopes(models=(other, model)).allows_model(model)
    assert KeyScopes(models=(other,)).allows_model(model) == (model == other)
    assert KeyScopes(models=(f"{other}*",)).allows_model(model) == model.startswith(other)
    assert KeyScopes(models=("*",)).allows_model(model)
    assert not KeyScopes(models=()).allows_model(model)


@given(st.sampled_from(ENDPOINTS), st.lists(st.sampled_from(ENDPOINTS)).map(tuple))
def test_what_is_not_named_is_refused(endpoint: str, allowed: tuple[str, ...]) -> None:
    assert KeyScopes().allows_endpoint(endpoint)
    assert KeyScopes(endpoints=allowed).allows_endpoint(endpoint) == (endpoint in allowed)


@given(st.none() | moments, st.none() | moments, moments)
def test_a_key_is_good_until_it_expires_or_is_revoked(
    expires_at: datetime | None, revoked_at: datetime | None, now: datetime
) -> None:
    key = make_key(expires_at=expires_at, revoked_at=revoked_at)
    expired = expires_at is not None and now >= expires_at
    expected = "revoked" if revoked_at else "expired" if expired else "active"
    problem = key.problem(now)
    assert key.state(now) == expected
    assert (problem.code if problem else "active") == expected


@given(moments, moments, st.none() | moments)
def test_a_replaced_secret_is_good_until_its_grace_is_over(
    until: datetime, now: datetime, expires_at: datetime | None
) -> None:
    old = KeySecret.of(new_secret())
    old = KeySecret(old.prefix, old.hash, until)
    key = make_key(previous=old, expires_at=expires_at)
    expired = expires_at is not None and now >= expires_at
    assert (key.problem(now, key.secret) is None) == (not expired)
    assert (key.problem(now, old) is None) == (not expired and now < until)


def test_a_key_goes_by_its_id_its_name_a_prefix_and_a_whole_secret() -> None:
    secret, old, stranger = new_secret(), new_secret(), new_secret()
    key = make_key(secret=KeySecret.of(secret), previous=KeySecret.of(old))
    for word in ("k1", "editor", prefix_of(secret), prefix_of(old), secret, old):
        assert key.is_named(word)
    for word in ("k", "edit", "", prefix_of(secret)[:-1], stranger, f"{secret}x", secret[:-1]):
        assert not key.is_named(word)


@given(
    st.none() | st.lists(names.map(lambda name: f"{name}*") | names, min_size=1).map(tuple),
    st.none() | st.lists(st.sampled_from(ENDPOINTS), min_size=1).map(tuple),
    st.dictionaries(st.sampled_from(PERIODS), st.integers(1, 10**12).map(Decimal("0.000001").__mul__)),
)
def test_scopes_that_can_be_meant_are_taken(
    models: tuple[str, ...] | None, endpoints: tuple[str, ...] | None, budgets: dict[Any, Decimal]
) -> None:
    KeyScopes(models, endpoints, tuple(KeyBudget(*each) for each in budgets.items())).check()


@pytest.mark.parametrize(
    "scopes",
    [
        KeyScopes(models=()),
        KeyScopes(models=("",)),
        KeyScopes(models=("a*b",)),
        KeyScopes(models=("two words",)),
        KeyScopes(endpoints=()),
        KeyScopes(endpoints=("chat", "nonesuch")),
        KeyScopes(budgets=(KeyBudget("day", Decimal(0)),)),
        KeyScopes(budgets=(KeyBudget("day", Decimal(-1)),)),
        KeyScopes(budgets=(KeyBudget("day", Decimal("NaN")),)),
        KeyScopes(budgets=(KeyBudget("day", Decimal("Infinity")),)),
        KeyScopes(budgets=(KeyBudget("day", Decimal(1)), KeyBudget("day", Decimal(2)))),
    ],
)
def test_scopes_that_cannot_be_meant_are_refused(scopes: KeyScopes) -> None:
    with pytest.raises(InputError):
        scopes.check()
