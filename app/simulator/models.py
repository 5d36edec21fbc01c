"""The models the simulator serves and those it knows to be retired.

A table of its own and not the catalogue: a double that shared data with what it tests would hide
mistakes in it. Source: https://console.groq.com/docs/models and /docs/deprecations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from app.simulator.errors import model_decommissioned, model_not_found

__all__ = ("MODELS", "RETIRED", "SimulatedModel", "find_model")

Kind = Literal["chat", "transcription", "speech", "guard"]


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model: what ``/models`` says of it, and what it can do."""

    id: str
    owned_by: str
    created: int
    context_window: int = 131_072
    max_completion_tokens: int = 65_536
    kind: Kind = "chat"
    reasoning_efforts: tuple[str, ...] = ()
    reasoning_inline: bool = False
    """Whether reasoning comes as ``<think>`` within the content unless asked otherwise."""
    vision: bool = False
    strict_schema: bool = False
    caches_prompts: bool = False

    def listed(self) -> dict[str, Any]:
        """The entry in ``/models``, with the fields Groq adds to OpenAI's."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": self.owned_by,
            "active": True,
            "context_window": self.context_window,
            "public_apps": None,
            "max_completion_tokens": self.max_completion_tokens,
        }


_OSS_EFFORTS = ("low", "medium", "high")
_QWEN_EFFORTS = ("none", "default", "low", "medium", "high")


def _gpt_oss(name: str, created: int) -> SimulatedModel:
    return SimulatedModel(
        f"openai/gpt-oss-{name}",
        "OpenAI",
        created,
        reasoning_efforts=_OSS_EFFORTS,
        strict_schema=name in {"120b", "20b"},
        caches_prompts=True,
    )


MODELS: dict[str, SimulatedModel] = {
    model.id: model
    for model in (
        _gpt_oss("120b", 1754408224),
        _gpt_oss("20b", 1754407957),
        _gpt_oss("safeguard-20b", 1761708789),
        SimulatedModel(
            "qwen/qwen3.8-27b",
            "Alibaba Cloud",
            1788300000,
            max_completion_tokens=16_384,
            reasoning_efforts=_QWEN_EFFORTS,
            reasoning_inline=True,
            vision=True,
        ),
        SimulatedModel("meta-llama/llama-prompt-guard-2-22m", "Meta", 1748632101, 512, 512, "guard"),
        SimulatedModel("meta-llama/llama-prompt-guard-2-86m", "Meta", 1748632165, 512, 512, "guard"),
        SimulatedModel("whisper-large-v3", "OpenAI", 1693721698, 448, 448, "transcription"),
        SimulatedModel("whisper-large-v3-turbo", "OpenAI", 1728413088, 448, 448, "transcription"),
        SimulatedModel("canopylabs/orpheus-v1-english", "Canopy Labs", 1766186316, 4_000, 50_000, "speech"),
    )
}

RETIRED: dict[str, Literal["decommissioned", "not_found"]] = {
    "llama-3.1-70b-versatile": "decommissioned",
    "mixtral-8x7b-32768": "decommissioned",
    "llama3-70b-8192": "decommissioned",
    "llama3-8b-8192": "decommissioned",
    "gemma2-9b-it": "decommissioned",
    "llama-3.1-8b-instant": "not_found",
    "llama-3.3-70b-versatile": "not_found",
    "qwen/qwen3-32b": "not_found",
    "groq/compound": "not_found",
    "groq/compound-mini": "not_found",
}
"""Ids that once worked, and how they fail today: the last two Llamas are kept for enterprise
contracts, so that other keys meet ``model_not_found``."""


def find_model(name: str, *, extra: list[str], denied: list[str]) -> SimulatedModel:
    """The model of that id.

    Args:
        name: the id asked for.
        extra: ids that work for this key besides the usual ones.
        denied: ids this key has no access to.

    Raises:
        ApiError: 400 ``model_decommissioned`` or 404 ``model_not_found``.
    """
    if name not in denied:
        if name in MODELS:
            return MODELS[name]
        if name in extra:
            return SimulatedModel(name, "Simulated", 1733447754, max_completion_tokens=32_768, vision=True)
        if RETIRED.get(name) == "decommissioned":
            raise model_decommissioned(name)
    raise model_not_found(name)
