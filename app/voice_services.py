"""The voice loop's composition root: settings go in, the parts come out, made once and wired together.

Importing this is light; the audio and speech packages are imported when `compose_voice` runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.composition import Services
    from core.settings import VoiceSettings
    from core.voice.loop import VoiceLoop
    from core.voice.reply import Replier

__all__ = ("VoiceServices", "compose_voice")


@dataclass(slots=True)
class VoiceServices:
    """One composed voice loop.

    Attributes:
        loop: run it, iterate it, command it.
        settings: what it was composed from, or was changed to by `apply`.
        words: gives text of the conversation, whose names and terms are listened for.
    """

    loop: VoiceLoop
    settings: VoiceSettings
    words: Callable[[], str]

    async def apply(self, settings: VoiceSettings) -> None:
        """Change what runs to other settings: language, voice, rate, volume, devices, engines, patience.

        Only what differs is made anew; devices change at once, the rest from the next turn on.

        Raises:
            VoiceError: it cannot be had; what ran before goes on.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """End the loop, and every thread, process and connection of it."""
        raise NotImplementedError


async def compose_voice(
    services: Services, replier: Replier, *, settings: VoiceSettings | None = None
) -> VoiceServices:
    """Make a voice loop from the settings; nothing is opened before its loop runs.

    Args:
        services: the application: its router is warmed, its providers hear and speak where chosen.
        replier: gives answers; see ``app.voice_reply.VoiceReply``.
        settings: in place of the services' own ``voice`` section.

    Raises:
        VoiceUnavailable: a package or system library is missing; the hint has the command that mends it.
    """
    raise NotImplementedError
