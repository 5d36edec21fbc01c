"""A router in virtual time over scripted providers."""

from __future__ import annotations

from random import Random

import pytest

from core.routing import LLMRouter, LoadBalanceStrategy, RouteEndpoint
from tests.core.routing.scripted import Act, Observed, ScriptedProvider, VirtualTime


class Bench:
    """A router, its providers in tiers of their own, and what its observer saw."""

    def __init__(self) -> None:
        self.time = VirtualTime()
        self.observed = Observed()
        self.providers: list[ScriptedProvider] = []
        self.router = LLMRouter()

    def set_up(
        self,
        *scripts: list[tuple[Act, ...]],
        names: tuple[str, ...] = ("groq", "openai", "ollama"),
        one_tier: bool = False,
        default_output_cap: int | None = None,
        **options: object,
    ) -> list[ScriptedProvider]:
        """A route ``m`` with one provider for each list of scripts; without ``one_tier``, in order."""
        options.setdefault("strategy", LoadBalanceStrategy.ROUND_ROBIN)
        self.router = LLMRouter(
            clock=self.time.clock,
            sleep=self.time.sleep,
            random=Random(0),
            observer=self.observed,
            **options,
        )
        self.providers = [
            ScriptedProvider(name, self.time, script, default_output_cap=default_output_cap)
            for name, script in zip(names, scripts, strict=False)
        ]
        self.router.add_route(
            "m",
            [
                RouteEndpoint(provider=provider, priority=0 if one_tier else tier)
                for tier, provider in enumerate(self.providers)
            ],
        )
        return self.providers

    def set_up_always(self, *always: tuple[Act, ...], **options: object) -> list[ScriptedProvider]:
        """As ``set_up``, with providers that do the same in every call."""
        providers = self.set_up(*([] for _ in always), **options)
        for provider, script in zip(providers, always, strict=True):
            provider.always = script
        return providers


@pytest.fixture
def bench() -> Bench:
    return Bench()
