"""Models as dated data: capabilities, windows, prices, life cycle (retired -> replacement)."""

from core.catalogue.catalogue import Catalogue, load_catalogue
from core.catalogue.model_info import Capability, Kind, ModelInfo, PublishedLimits, State
from core.catalogue.price import LongPromptPrice, Price, SpeechPrice

__all__ = (
    "Capability",
    "Catalogue",
    "Kind",
    "LongPromptPrice",
    "ModelInfo",
    "Price",
    "PublishedLimits",
    "SpeechPrice",
    "State",
    "load_catalogue",
)
