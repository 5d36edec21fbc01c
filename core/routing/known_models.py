"""What a model is called at each provider, what became of it, and what it costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from weakref import WeakKeyDictionary

from core.catalogue import Catalogue, PublishedLimits, load_catalogue
from core.chat import UpstreamCall, Usage
from core.providers import Provider
from core.routing.endpoint import RouteEndpoint

__all__ = ("KnownModels", "same_weights")

_WORD = re.compile(r"[a-z]+|[0-9]+")
_VERSIONS = frozenset({"chat", "instant", "instruct", "it", "latest", "versatile"})
"""Words in models' names that tell how they are served or were tuned, and not which they are."""


class KnownModels:
    """The catalogue, loaded on first need, and the models that turned out to be gone.

    A model that is gone stays so for this process: it is asked for once, then its replacement is.
    """

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self._catalogue = catalogue
        self._successors: WeakKeyDictionary[Provider, dict[str, str]] = WeakKeyDictionary()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        if self._catalogue is None:
            self._catalogue = load_catalogue()
        return self._catalogue

    def resolve(self, endpoint: RouteEndpoint, provider: Provider, requested: str) -> str:
        """The provider's own id of the model to ask for."""
        model = endpoint.model or self.catalogue.provider_model(requested, provider.name)
        successors = self._successors.get(provider, {})
        while successor := successors.get(model):
            model = successor
        return model

    def replace(self, provider: Provider, model: str) -> str | None:
        """Remember that ``model`` is gone, and what takes its place; ``None`` where nothing does."""
        successor = self.catalogue.replacement(provider.name, model)
        successors = self._successors.setdefault(provider, {})
        while successor is not None and successor in successors:
            successor = successors[successor]
        if successor is None or successor == model:  # or two models would replace each other for ever
            return None
        successors[model] = successor
        return successor

    def fate(self, provider: Provider, model: str) -> str:
        """What happened to a model that the provider refused: one phrase with its name."""
        info = self.catalogue.find(provider.name, model)
        if info is not None and info.state in ("retired", "enterprise"):
            return f"{model} is retired"
        return f"{model} is not available with this key"

    def blind(self, provider: Provider, model: str) -> bool:
        """Whether the model is known to take no images."""
        info = self.catalogue.find(provider.name, model)
        return info is not None and info.blind

    def plans(self, provider: Provider, model: str) -> list[PublishedLimits]:
        """The limits of the provider's plans for the model, as far as they are published."""
        info = self.catalogue.find(provider.name, model)
        return [] if info is None else list(info.limits.values())

    def blended_price(self, provider: Provider, model: str) -> Decimal | None:
        """US dollars per million tokens at three prompt tokens to one of output; ``None``: unknown.

        The blend by which models are usually compared
        (https://artificialanalysis.ai/methodology/intelligence-benchmarking).
        """
        price = self.catalogue.price(provider.name, model, datetime.now(UTC))
        return None if price is None else (3 * price.input + price.output) / 4

    def cost(self, call: UpstreamCall, usage: Usage | None = None) -> Decimal | None:
        """US dollars that a call was billed; ``None`` where its price or usage is unknown.

        ``usage`` is by estimate, where the provider told of none.
        """
        usage = call.usage or usage
        if usage is None:
            return None
        price = self.catalogue.price(call.provider, call.model, call.started_at)
        return None if price is None else price.cost(usage)


def same_weights(one: str, other: str) -> bool:
    """Whether two providers mean the same model, as with ``openai/gpt-oss-120b`` and ``gpt-oss:120b``."""
    return _weights(one) == _weights(other)


def _weights(model: str) -> list[str]:
    """The words and numbers of a name, without its maker and its version."""
    return [word for word in _WORD.findall(model.lower().rpartition("/")[2]) if word not in _VERSIONS]
