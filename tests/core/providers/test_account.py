"""Whose limits a provider's calls use: told by address and key, and telling neither."""

import pytest

from core.errors import CredentialsError
from core.providers import groq_provider
from core.providers.profiles import GROQ, OLLAMA
from core.providers.provider import OpenAICompatibleProvider

KEY = "gsk_" + "a1b2c3d4" * 6


def test_an_account_is_known_once_the_key_is(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    provider = OpenAICompatibleProvider(GROQ)
    assert provider.account is None
    assert provider.find_key() == KEY
    assert provider.account == groq_provider.with_overrides(KEY, None).account
    assert KEY[4:12] not in provider.account


def test_another_key_or_address_is_another_account(monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    provider = OpenAICompatibleProvider(GROQ)
    provider.find_key()
    elsewhere = provider.with_overrides(None, "https://other.example/v1")
    accounts = {provider.account, elsewhere.account, provider.with_overrides(KEY.upper(), None).account}
    assert len(accounts - {None}) == 3


def test_without_a_key_and_on_this_machine_there_is_none():
    with pytest.raises(CredentialsError, match="no API key for Groq"):
        OpenAICompatibleProvider(GROQ).find_key()
    local = OpenAICompatibleProvider(OLLAMA, api_key="any")
    assert (local.find_key(), local.account) == ("any", None)
    assert OpenAICompatibleProvider(OLLAMA).find_key() is None
