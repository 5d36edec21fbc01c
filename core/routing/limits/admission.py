"""Whether a call fits into a route's limits, when it will, and how long its answer may then be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.chat import LimitKind
from core.routing.limits.allowance import Allowance, Room

__all__ = ("LIMIT_NAMES", "NO_WAIT", "CallSize", "Fit", "fit", "is_too_large")

LIMIT_NAMES: dict[LimitKind, str] = {
    "requests_per_minute": "requests a minute",
    "requests_per_day": "requests a day",
    "tokens_per_minute": "tokens a minute",
    "tokens_per_day": "tokens a day",
}
"""What the limits are called for people."""

NO_WAIT = 0.001
"""Seconds; timers may fire this much early, and what has no room for so long is sent all the same."""
_LEAST = 256
"""Tokens; an answer cut to fewer helps nobody (as ``core.costs.worst_case`` has it for money)."""
_AMPLE = 1024
"""Tokens; most answers are shorter, reasoning included: a longer cap is not worth a wait."""
_UNTOLD = 1024
"""Tokens; what is set aside for an answer where no cap is sent."""


@dataclass(frozen=True, slots=True)
class CallSize:
    """What a call asks for, in tokens.

    Attributes:
        prompt: as a careful estimate has it at most.
        doubt: by which it may be less.
        cap: the longest answer; ``None`` where none is sent.
        answers: how many it gives, each of which may be as long.
    """

    prompt: int
    doubt: int = 0
    cap: int | None = None
    answers: int = 1


@dataclass(frozen=True, slots=True)
class Fit:
    """How a call fits.

    Attributes:
        room: when it does.
        tokens: what to set aside for it.
        cap: the longest answer that fits, as often as there are answers; ``None`` where no cap is sent.
        never: it is larger than the limit, so that waiting does not help.
    """

    room: Room
    tokens: float
    cap: int | None
    never: bool = False

    @property
    def problem(self) -> str:
        """Why it does not fit now, going on from the provider's name; empty where it does."""
        if self.never:
            return "takes no request of this size"
        if self.room.kind is None:
            return ""
        return f"has no room in its {LIMIT_NAMES[self.room.kind]} for {self.room.wait:.1f} s"


def fit(size: CallSize, allowance: Allowance, now: float, turn: float | None = None) -> Fit:
    """How a call fits into what is left for it; its cap is lowered rather than that it waits or is refused.

    Args:
        size: what it asks for.
        allowance: the limits.
        now: monotonic seconds.
        turn: its place in the queue; ``None`` for the end.
    """
    wanted, answers = _UNTOLD if size.cap is None else size.cap, size.answers
    largest = allowance.largest
    if math.isinf(largest) and math.isinf(allowance.free(now, turn)):
        cap = _presumed_cap(size, allowance.presumed)
        tokens = size.prompt + answers * (wanted if cap is None else cap)
        return Fit(allowance.room(0, now, turn), tokens, cap)
    if is_too_large(size, allowance):
        return Fit(Room(), size.prompt + answers * wanted, size.cap, never=True)
    ample = min(size.prompt + answers * min(wanted, _AMPLE), largest)
    room = allowance.room(ample, now, turn)
    if room.wait > NO_WAIT:
        return Fit(room, ample, size.cap)
    left = (min(allowance.free(now, turn), largest) - size.prompt) / answers
    cap = int(max(min(wanted, left), min(wanted, _LEAST)))
    return Fit(room, size.prompt + answers * cap, None if size.cap is None else cap)


def is_too_large(size: CallSize, allowance: Allowance) -> bool:
    """Whether the call can never fit, even with the shortest answers that help."""
    wanted = _UNTOLD if size.cap is None else size.cap
    return size.prompt - size.doubt + size.answers * min(wanted, _LEAST) > allowance.largest


def _presumed_cap(size: CallSize, presumed: float) -> int | None:
    """The cap with which a first call fits into the least plan; as it was where little would be left of it.

    A refusal then costs one round trip, and names the exact cap that fits. Whoever asks for more output
    than that plan has at all hardly has that plan, and shall not have the answer cut.
    """
    cap, answers = size.cap, size.answers
    if cap is None or answers * cap > presumed or size.prompt + answers * min(cap, _AMPLE) > presumed:
        return cap
    return int(min(cap, (presumed - size.prompt) / answers))
