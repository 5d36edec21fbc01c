"""What the endpoints share: the parts of the application, as a server uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.gateway.exchange import BodyLimits
from app.gateway.local_voice import LocalVoice
from app.gateway.metrics import Metrics
from core.catalogue import Catalogue
from core.costs.group_ledger import GroupLedger
from core.costs.speech_ledger import SpeechLedger
from core.keys.ring import KeyRing
from core.providers import Provider
from core.records import Records
from core.routing import LLMRouter
from core.settings import GatewaySettings

__all__ = ("Gateway",)

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """One running gateway.

    Attributes:
        settings: the ``gateway`` section.
        router: chooses who answers.
        providers: who may answer, by name.
        catalogue: models, windows, prices.
        routes: names that stand for models, such as ``llama-70b``.
        records: the database with keys, ledger and conversations.
        ledger: books the calls of all requests.
        speech: books the calls that hear and speak.
        voice: the voice engines of this machine.
        ring: the keys, in memory.
        metrics: what is counted for Prometheus.
        clock: the loop's seconds.
    """

    settings: GatewaySettings
    router: LLMRouter
    providers: Mapping[str, Provider]
    catalogue: Catalogue
    routes: Sequence[str]
    records: Records
    ledger: GroupLedger
    speech: SpeechLedger
    voice: LocalVoice
    ring: KeyRing
    metrics: Metrics
    clock: Callable[[], float]

    @property
    def body_limits(self) -> BodyLimits:
        """What the body of a request may take."""
        return BodyLimits(self.settings.max_body_mb * _MEBIBYTE, self.settings.client_timeout)
