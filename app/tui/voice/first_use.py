"""What has to be fetched before voice can be used for the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import SpeechModelUnusable

if TYPE_CHECKING:
    from core.locations import Locations
    from core.settings import VoiceSettings
    from core.voice.transcription.models import KnownModel

__all__ = ("missing_model",)


def missing_model(settings: VoiceSettings, locations: Locations) -> KnownModel | None:
    """The model to download; ``None`` where it is there, or speech is understood elsewhere. Blocking.

    A model that is given by a folder is not ours to fetch: the transcriber tells what is wrong with it.
    """
    from core.voice.transcription.models import find_model, known_model

    known = known_model(settings.model)
    if settings.transcriber == "groq" or known is None:
        return None
    try:
        find_model(settings.model, locations.speech_models_dir)
    except SpeechModelUnusable:
        return known
    return None
