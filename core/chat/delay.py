"""Whose fault it is that an answer was slow to begin. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ("Delay", "Fault", "delay_of")

Fault = Literal["network", "queue", "prompt", "generation"]


@dataclass(frozen=True, slots=True)
class Delay:
    """What the time to the first piece of an answer went to, in seconds.

    Attributes:
        network: the way there and back, and whatever else the provider does not account for.
        queue: waiting at the provider for its turn.
        prompt: reading the prompt.
        generation: thinking, before the first piece of the answer itself.
        untold: network, queue and prompt in one, where the provider does not tell them apart; those are
            ``None`` then.
    """

    network: float | None
    queue: float | None
    prompt: float | None
    generation: float
    untold: float = 0.0

    @property
    def whole(self) -> float:
        """The time to the first piece."""
        return self.untold + sum(seconds for _, seconds in self.parts())

    @property
    def fault(self) -> Fault | None:
        """The longest part; ``None`` where the provider does not tell enough to name one."""
        fault, longest = max(self.parts(), key=lambda part: part[1])
        return fault if longest > self.untold else None

    def parts(self) -> list[tuple[Fault, float]]:
        """The parts that are known, in the order in which they happen."""
        known: list[tuple[Fault, float | None]] = [
            ("network", self.network),
            ("queue", self.queue),
            ("prompt", self.prompt),
            ("generation", self.generation),
        ]
        return [(fault, seconds) for fault, seconds in known if seconds is not None]


def delay_of(
    first_token: float | None,
    first_content: float | None,
    queue_time: float | None,
    prompt_time: float | None,
) -> Delay | None:
    """Split the time until an answer began; ``None`` where it never did.

    Args:
        first_token: seconds to the first delta of any kind, as measured here.
        first_content: seconds to the first piece of the answer, as measured here.
        queue_time: seconds in the provider's queue, by its own word.
        prompt_time: seconds in which it read the prompt, by its own word.
    """
    if first_token is None:
        return None
    thinking = max(0.0, (first_content or first_token) - first_token)
    if queue_time is None and prompt_time is None:
        return Delay(None, None, None, thinking, untold=first_token)
    queue = min(max(0.0, queue_time or 0.0), first_token)
    prompt = min(max(0.0, prompt_time or 0.0), first_token - queue)
    return Delay(first_token - queue - prompt, queue, prompt, thinking)
