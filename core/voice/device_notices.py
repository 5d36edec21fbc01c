"""What happens to microphone and speaker, as lines for the user."""

from __future__ import annotations

from core.voice.engine.events import DeviceLost, DeviceOpened, MicrophoneTrouble
from core.voice.events import Noticed

__all__ = ("device_notice",)

_TROUBLES = {
    "zeros": "The microphone gives nothing but silence.",
    "clipping": "The microphone is too loud.",
    "narrow": "The microphone is in call quality: 8 kHz.",
    "overruns": "Sound of the microphone is being lost.",
}


def device_notice(event: DeviceLost | DeviceOpened | MicrophoneTrouble) -> Noticed | None:
    """The line for it; ``None`` for a device that opens as it should."""
    match event:
        case DeviceLost(direction=direction, name=name, reason=reason):
            return Noticed(f"The {direction} {name} is gone: {reason}" if name else reason)
        case DeviceOpened(direction=direction, name=name, again=again):
            return Noticed(f"The {direction} is {name} now.") if again else None
        case MicrophoneTrouble(kind=kind, hint=hint):
            return Noticed(_TROUBLES[kind], hint)
