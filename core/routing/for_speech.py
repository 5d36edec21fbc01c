"""What is asked for where the answer is spoken: whoever listens waits in silence, so thinking is short."""

from __future__ import annotations

from core.chat import ChatRequest
from core.providers import Provider

__all__ = ("for_speech",)


def for_speech(request: ChatRequest, provider: Provider, model: str) -> ChatRequest:
    """A spoken request with the least reasoning that the model takes, unless it names how much itself.

    Models differ: some can do without, others think a little at least
    (https://console.groq.com/docs/reasoning). Where nothing is known of one it decides itself.
    """
    efforts = provider.profile.rule(model).reasoning_efforts
    if not request.spoken or request.reasoning_effort is not None or not efforts:
        return request
    return request.model_copy(update={"reasoning_effort": efforts[0]})
