"""Adapters to those who answer: one OpenAI-compatible wire, and a profile for each provider.

The providers here are light and lazy: no client is made, no key and no environment is read before the
first call.
"""

from __future__ import annotations

from core.providers.base import ModelRule, Provider, ProviderProfile, RemoteModel
from core.providers.discovery import find_local_servers
from core.providers.profiles import GROQ, LLAMA_CPP, LM_STUDIO, OLLAMA, OPENAI, custom_profile
from core.providers.provider import OpenAICompatibleProvider
from core.providers.warmth import Warmth

__all__ = (
    "ModelRule",
    "OpenAICompatibleProvider",
    "Provider",
    "ProviderProfile",
    "RemoteModel",
    "Warmth",
    "find_local_servers",
    "groq_provider",
    "llama_cpp_provider",
    "lm_studio_provider",
    "ollama_provider",
    "openai_compatible",
    "openai_provider",
)

groq_provider = OpenAICompatibleProvider(GROQ)
openai_provider = OpenAICompatibleProvider(OPENAI)
ollama_provider = OpenAICompatibleProvider(OLLAMA)
lm_studio_provider = OpenAICompatibleProvider(LM_STUDIO)
llama_cpp_provider = OpenAICompatibleProvider(LLAMA_CPP)


def openai_compatible(
    name: str,
    base_url: str,
    *,
    api_key: str | None = None,
    label: str | None = None,
    key_variable: str | None = None,
) -> OpenAICompatibleProvider:
    """A provider at any address that speaks OpenAI's chat API.

    Args:
        name: identifies it in routes, settings and the ledger; a key is stored under it.
        base_url: such as ``https://host/v1``.
        api_key: the key; by default the one in ``key_variable`` or stored under ``name``, if any.
        label: the name people read.
        key_variable: the environment variable that holds the key.
    """
    profile = custom_profile(name, base_url, label=label, key_variable=key_variable)
    return OpenAICompatibleProvider(profile, api_key=api_key)
