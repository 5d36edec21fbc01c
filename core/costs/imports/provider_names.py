"""Other programs' names of providers and models, as the ledger's; those that are unknown stay as they are."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from core.costs.worst_case import PricedModels
from core.providers.profiles import BUILT_IN

__all__ = ("provider_and_model",)

# The names of genai-prices, which those that are not built in go by here.
_PROVIDERS = {
    "bedrock": "aws",
    "custom_openai": "openai",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "lm_studio": "lm-studio",
    "moonshot": "moonshotai",
    "ollama_chat": "ollama",
    "text-completion-openai": "openai",
    "together_ai": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
}
_FAMILIES = (
    ("openai", re.compile(r"(gpt-[345]|chatgpt-|o[134](-|$)|text-embedding-|ft:gpt-)")),
    ("anthropic", re.compile(r"claude-")),
    ("google", re.compile(r"gemini-")),
)
"""Models that are asked for without a provider's name: OpenAI's own in llm, and those of older plugins."""
_GROQ_PLUGIN = "groq-"
_GROQ_SHORT_NAMES = {
    "gemma": "gemma-7b-it",
    "gemma2": "gemma2-9b-it",
    "llama2": "llama2-70b-4096",
    "llama3": "llama3-8b-8192",
    "llama3-70b": "llama3-70b-8192",
    "llama3.1-8b": "llama-3.1-8b-instant",
    "llama3.1-70b": "llama-3.1-70b-versatile",
    "llama-3.3-70b": "llama-3.3-70b-versatile",
    "mixtral": "mixtral-8x7b-32768",
}
"""What early versions of llm's plugin for Groq called models, after ``groq-``."""
_ADDRESSES = {urlsplit(profile.base_url).netloc: profile.name for profile in BUILT_IN}


def provider_and_model(
    models: PricedModels, name: str, provider: str = "", *, address: str = "", unknown: str
) -> tuple[str, str]:
    """Who was called, and for which model, by the names the ledger and the catalogue use.

    Args:
        models: tells a model whose own name begins with its provider's, such as ``groq/compound``.
        name: the model as the other program names it, often after the provider's name and a slash.
        provider: as the other program names it, where it does.
        address: the base URL that was called; an OpenAI-shaped API is named for what answers there.
        unknown: the provider where nothing tells.
    """
    prefix, slash, rest = name.partition("/")
    if not provider and not slash:
        return _by_family(name, unknown)
    ours = _PROVIDERS.get(provider or prefix, provider or prefix)
    if ours == "openai":
        ours = _ADDRESSES.get(urlsplit(address).netloc.replace("localhost", "127.0.0.1"), ours)
    prefixed = slash and rest and (not provider or prefix in {provider, ours})
    return ours, rest if prefixed and models.find(ours, name) is None else name


def _by_family(name: str, unknown: str) -> tuple[str, str]:
    if name.startswith(_GROQ_PLUGIN):
        short = name.removeprefix(_GROQ_PLUGIN)
        return "groq", _GROQ_SHORT_NAMES.get(short, short)
    for provider, family in _FAMILIES:
        if family.match(name):
            return provider, name
    return unknown, name
