"""The providers we know, as data.

What a family of models takes is here and not asked of the catalogue, since most ids (dated snapshots, what
came out last week, any local server's) are in no catalogue. Where the catalogue lists a model, a test
holds both to the same words (tests/core/providers/test_profiles.py).
"""

from __future__ import annotations

from core.providers.base import ModelRule, ProviderProfile
from core.providers.speech import LONGEST_SPOKEN

__all__ = ("BUILT_IN", "GROQ", "LLAMA_CPP", "LM_STUDIO", "OLLAMA", "OPENAI", "custom_profile")

_ONE_ANSWER = frozenset({"n"})  # gives one answer a call, whatever it is asked for

# What Groq refuses or does not support: https://console.groq.com/docs/openai
GROQ = ProviderProfile(
    name="groq",
    label="Groq",
    base_url="https://api.groq.com/openai/v1",
    base_url_variable="GROQ_API_URL",
    key_variable="GROQ_API_KEY",
    key_required=True,
    keys_page="https://console.groq.com/keys",
    key_prefix="gsk_",
    refused_fields=_ONE_ANSWER
    | {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "metadata",
        "presence_penalty",
        "store",
        "top_logprobs",
    },
    exclusive_fields=(("reasoning_format", "include_reasoning"),),
    message_names=False,
    cap_field="max_completion_tokens",
    # Prompt plus cap is reserved against the tokens per minute, 8000 on the free tier: half of it
    # leaves room for a conversation (https://console.groq.com/docs/rate-limits).
    default_output_cap=4096,
    service_tiers={"auto": "auto", "on_demand": "on_demand", "flex": "flex", "performance": "performance"},
    usage_option=False,  # usage comes unasked, in x_groq
    schema_streams=False,  # https://console.groq.com/docs/structured-outputs
    transcript_formats=("json", "text", "verbose_json"),  # https://console.groq.com/docs/speech-to-text
    longest_spoken=LONGEST_SPOKEN,
    model_rules=(
        # Reasoning cannot be switched off (https://console.groq.com/docs/reasoning).
        ModelRule("openai/gpt-oss-*", reasoning_efforts=("low", "medium", "high"), max_output_tokens=65_536),
        ModelRule(
            "qwen/*",
            reasoning_efforts=("none", "low", "medium", "high"),
            max_output_tokens=16_384,
            # Without it the reasoning stands inside the answer, between <think> marks.
            defaults={"reasoning_format": "parsed"},
        ),
        ModelRule("meta-llama/llama-prompt-guard-*", reasoning_efforts=(), max_output_tokens=512),
        # Prefill: https://console.groq.com/docs/prefilling. Models that reason do not take it well.
        ModelRule("llama*", reasoning_efforts=(), prefill=True),
        ModelRule("meta-llama/*", reasoning_efforts=(), prefill=True),
        ModelRule("gemma*", reasoning_efforts=(), prefill=True),
        ModelRule("mixtral-*", reasoning_efforts=(), prefill=True),
    ),
)

# Models that reason take no sampling fields (https://platform.openai.com/docs/guides/reasoning).
_SAMPLING = frozenset({"temperature", "top_p"})

OPENAI = ProviderProfile(
    name="openai",
    label="OpenAI",
    base_url="https://api.openai.com/v1",
    base_url_variable="OPENAI_BASE_URL",
    key_variable="OPENAI_API_KEY",
    key_required=True,
    keys_page="https://platform.openai.com/api-keys",
    key_prefix="sk-",
    developer_role=True,
    cap_field="max_completion_tokens",
    service_tiers={"auto": "auto", "on_demand": "default", "flex": "flex", "performance": "priority"},
    model_rules=(
        ModelRule("gpt-5*-chat*", reasoning_efforts=()),
        # From 5.1 on "none" stands where "minimal" was, and "minimal" is refused
        # (https://openai.com/index/gpt-5-1-for-developers/).
        ModelRule(
            "gpt-5.[0-9]*",
            reasoning_efforts=("none", "low", "medium", "high"),
            refused_fields=_SAMPLING,
        ),
        ModelRule(
            "gpt-5*",
            reasoning_efforts=("minimal", "low", "medium", "high"),
            refused_fields=_SAMPLING,
        ),
        ModelRule(
            "o[0-9]*",
            reasoning_efforts=("low", "medium", "high"),
            refused_fields=_SAMPLING | {"stop", "parallel_tool_calls"},
        ),
        ModelRule("gpt-3.5*", reasoning_efforts=()),
        ModelRule("gpt-4*", reasoning_efforts=()),
        ModelRule("chatgpt-*", reasoning_efforts=()),
    ),
)


def _local(name: str, label: str, port: int) -> ProviderProfile:
    return ProviderProfile(
        name=name,
        label=label,
        # Not "localhost": that may resolve to ::1 first, where most of them do not listen.
        base_url=f"http://127.0.0.1:{port}/v1",
        local=True,
        refused_fields=_ONE_ANSWER,
        # A model is loaded on its first call, and a long prompt read on a CPU takes minutes.
        stall_timeout=300.0,
        answer_timeout=1800.0,
    )


OLLAMA = _local("ollama", "Ollama", 11434)
LM_STUDIO = _local("lm-studio", "LM Studio", 1234)
LLAMA_CPP = _local("llama-cpp", "llama.cpp", 8080)

BUILT_IN = (GROQ, OPENAI, OLLAMA, LM_STUDIO, LLAMA_CPP)
"""Those that need no settings, in the order in which they are asked."""


def custom_profile(
    name: str, base_url: str, *, label: str | None = None, key_variable: str | None = None
) -> ProviderProfile:
    """A server nothing is known about but that it speaks OpenAI's chat API at ``base_url``."""
    return ProviderProfile(
        name=name,
        label=label or name,
        base_url=base_url,
        key_variable=key_variable,
        service_tiers={
            "auto": "auto",
            "on_demand": "on_demand",
            "flex": "flex",
            "performance": "performance",
        },
    )
