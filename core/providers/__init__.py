"""Adapters to those who answer: one OpenAI-compatible wire and a profile for each provider."""

from core.providers.base import ModelRule, Provider, ProviderProfile, RemoteModel

__all__ = ("ModelRule", "Provider", "ProviderProfile", "RemoteModel")
