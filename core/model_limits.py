"""What the models can take that a request may reach: how much history, images, tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.catalogue import Catalogue, ModelInfo
from core.chat import Message
from core.conversations.replay import without_images
from core.errors import InputError, UnknownRoute

if TYPE_CHECKING:
    from core.routing import LLMRouter

__all__ = ("ModelLimits",)

_OUTPUT_SHARE = 4
"""A fourth of the window is kept for the answer, where nothing says how long it may be."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Knows the models that a route leads to, by the catalogue.

    Args:
        router: whose routes.
        catalogue: what is known of models.
    """

    router: LLMRouter
    catalogue: Catalogue

    def seen(self, history: list[Message], model: str) -> list[Message]:
        """The history as the model can take it: without the earlier images where it does not see.

        Raises:
            InputError: the question itself has an image.
        """
        infos = self._infos(model)
        blind = infos and all(info.blind for info in infos)  # else the router finds one that sees
        if not blind or not any(message.images for message in history):
            return history
        if history[-1].images:
            raise InputError(f"{model} does not see images.", hint=self._seeing(infos))
        return without_images(history)

    def room(self, model: str, output: int | None, fixed: int) -> int | None:
        """Tokens for the history, in the smallest window that may serve the model; ``None``: unknown.

        Args:
            model: as it is asked for.
            output: tokens that the answer may have, where that is said.
            fixed: tokens of what goes before the history.
        """
        rooms = [
            window - (output or min(info.max_output_tokens or window, window // _OUTPUT_SHARE))
            for info in self._infos(model)
            if (window := info.context_window)
        ]
        return max(0, min(rooms) - fixed) if rooms else None

    def capabilities(self, model: str) -> frozenset[str] | None:
        """What every model can that the route may lead to; ``None`` where none of them is known."""
        known = [info.capabilities for info in self._infos(model) if info.listed]
        return frozenset.intersection(*known) if known else None

    def _infos(self, model: str) -> list[ModelInfo]:
        """What is known of the models that the route leads to."""
        try:
            asked_for = self.router.resolve(model)
        except UnknownRoute:  # told by the router when it is asked
            return []
        found = (self.catalogue.find(provider, name) for provider, name in asked_for)
        return [info for info in found if info is not None]

    def _seeing(self, infos: Sequence[ModelInfo]) -> str:
        """Which models of the same providers see, as a hint."""
        names = [
            info.id
            for provider in dict.fromkeys(info.provider for info in infos)
            for info in self.catalogue.models(provider, kind="chat")
            if info.usable and "vision" in info.capabilities
        ]
        return f"Ask one that does: {', '.join(names)}." if names else "Ask without the image."
