"""What a provider is: the protocol the router calls, and the data that tells one provider from another."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol, get_args

from core.chat import ChatRequest, ChatResponse, Event, ReasoningEffort, ServiceTier
from core.providers.warmth import Warmth

__all__ = ("ModelRule", "Provider", "ProviderProfile", "RemoteModel")

CapField = Literal["max_completion_tokens", "max_tokens"]


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model as a provider's ``/models`` lists it; what the provider does not say is ``None``.

    Attributes:
        created: Unix time, in seconds.
        context_window: tokens, prompt and output together.
        max_completion_tokens: the most tokens of one answer.
    """

    id: str
    owned_by: str | None = None
    created: int | None = None
    active: bool = True
    context_window: int | None = None
    max_completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRule:
    """What one family of models takes or refuses at one provider.

    Attributes:
        pattern: shell-style pattern of the model's id; the first rule that matches counts.
        reasoning_efforts: the efforts the model takes, lowest first; empty where the field is refused;
            ``None`` where nothing is known, so that it is sent as asked.
        max_output_tokens: a higher output cap is refused.
        refused_fields: request fields that are left out.
        defaults: fields that are sent unless the request sets them.
        prefill: where the last message is the assistant's, the model goes on with it.
    """

    pattern: str
    reasoning_efforts: tuple[ReasoningEffort, ...] | None = None
    max_output_tokens: int | None = None
    refused_fields: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    prefill: bool = False


_MOST_ANSWERS = 128
"""OpenAI's limit for ``n``; more is refused, wherever it is."""
_CAP_FIELDS: tuple[CapField, ...] = get_args(CapField)
_MOST_FOUND = 1_000
"""Models whose rule is remembered: clients of the gateway may name any number."""


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """How one OpenAI-compatible provider differs from the others, as data.

    Attributes:
        name: identifies the provider in routes, settings and the ledger.
        label: the name people read.
        base_url: the address the API's paths are appended to.
        base_url_variable: the environment variable that overrides ``base_url``.
        key_variable: the environment variable that holds the API key.
        key_required: whether a call without a key is pointless.
        keys_page: where a user gets a key.
        key_prefix: how its keys begin, where they can be told by that.
        local: a server on the user's own machine.
        caution: what has to be said of its answers, such as ``small model, may be wrong``.
        refused_fields: request fields that are left out.
        exclusive_fields: groups of request fields of which one may be sent; earlier ones win.
        message_names: whether ``messages[].name`` is taken.
        developer_role: whether the role ``developer`` is known; it is sent as ``system`` otherwise.
        cap_field: what the output cap is called.
        default_output_cap: the output cap, in tokens, of a request that names none; ``None`` sends none.
        service_tiers: what the provider calls each tier; a tier that is missing here is not sent.
        usage_option: whether usage in a stream has to be asked for with ``stream_options``.
        schema_streams: whether an answer that has to fit a JSON schema can be streamed.
        transcript_formats: what ``response_format`` may be for a transcript; ``None`` for whatever is asked.
        longest_spoken: characters that are spoken in one call, which gives a WAV file; ``None`` for any text
            in any format.
        connect_timeout: seconds to wait for a connection.
        stall_timeout: seconds without a byte after which a stream counts as stalled.
        answer_timeout: seconds to wait for an answer that is not streamed.
        model_rules: what families of models take or refuse.
    """

    name: str
    label: str
    base_url: str
    base_url_variable: str | None = None
    key_variable: str | None = None
    key_required: bool = False
    keys_page: str | None = None
    key_prefix: str | None = None
    local: bool = False
    caution: str = ""
    refused_fields: frozenset[str] = frozenset()
    exclusive_fields: tuple[tuple[str, ...], ...] = ()
    message_names: bool = True
    developer_role: bool = False
    cap_field: CapField = "max_tokens"
    default_output_cap: int | None = None
    service_tiers: Mapping[ServiceTier, str] = field(default_factory=dict)
    usage_option: bool = True
    schema_streams: bool = True
    transcript_formats: tuple[str, ...] | None = None
    longest_spoken: int | None = None
    connect_timeout: float = 5.0
    stall_timeout: float = 60.0
    answer_timeout: float = 300.0
    model_rules: tuple[ModelRule, ...] = ()
    _found: dict[str, ModelRule] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rule(self, model: str) -> ModelRule:
        """The rule of the model; an empty one where nothing is known."""
        rule = self._found.get(model)
        if rule is None:  # looked for once: a call asks many times
            fitting = (rule for rule in self.model_rules if fnmatchcase(model, rule.pattern))
            rule = next(fitting, None) or ModelRule(pattern=model)
            if len(self._found) < _MOST_FOUND:
                self._found[model] = rule
        return rule

    def output_cap(self, request: ChatRequest, model: str) -> int | None:
        """The output cap, in tokens, that goes on the wire with a request; ``None`` where none does."""
        cap = request.max_completion_tokens
        if cap is None:
            others = (request.extra.get(name) for name in _CAP_FIELDS)
            cap = next((cap for cap in others if isinstance(cap, int)), self.default_output_cap)
        most = self.rule(model).max_output_tokens
        return cap if cap is None or most is None else min(cap, most)

    def answers(self, request: ChatRequest, model: str) -> int:
        """How many answers a call gives: as many as a client asked for, where the provider gives several.

        The output cap holds for each of them. A request of our own has one.
        """
        asked = request.relayed.get("n") if request.relayed is not None else None
        if not isinstance(asked, int | float) or asked <= 1:
            return 1
        refused = "n" in self.refused_fields or "n" in self.rule(model).refused_fields
        return 1 if refused else int(min(asked, _MOST_ANSWERS))


class Provider(Protocol):
    """Someone who answers chat requests.

    Objects are light: no client is made and no key is read before the first call. Every call raises
    ``core.errors.ProviderError`` subclasses, or ``CredentialsError`` where a key is needed and missing.
    """

    @property
    def name(self) -> str:
        """Identifies the provider in routes, settings and the ledger."""

    @property
    def profile(self) -> ProviderProfile:
        """What is particular to this provider."""

    @property
    def account(self) -> str | None:
        """Names whose limits its calls use; ``None`` where nobody else does, or that is not known."""

    def with_overrides(self, api_key: str | None, base_url: str | None) -> Provider:
        """The same provider with another key or address; ``None`` keeps what it has."""

    def stream(self, request: ChatRequest, *, model: str) -> AsyncGenerator[Event]:
        """Stream an answer by the provider's own ``model``; ``Finished`` comes last.

        Closing the generator, or cancelling the task that reads it, ends the upstream call at once.
        """

    async def complete(self, request: ChatRequest, *, model: str) -> ChatResponse:
        """One answer in one piece; ``cost`` and ``decision`` are left ``None``."""

    async def models(self) -> list[RemoteModel]:
        """The models this key may use."""

    async def check(self) -> list[RemoteModel]:
        """Prove that address and key work; as ``models``, under a short time limit."""

    async def warm(self) -> bool:
        """Open a connection ahead of need, using none of the request quota; whether one is open now."""

    @property
    def warmth(self) -> Warmth:
        """The running loop's connections as they are now; none outside a loop."""

    async def aclose(self) -> None:
        """Close the running loop's connections; the provider stays usable."""
