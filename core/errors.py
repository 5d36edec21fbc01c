"""Every error TensorWall raises, as one tree; catch a family by its base.

    TensorWallError
    ├── ConfigurationError             a settings file names a wrong key or value
    ├── CredentialsError               no API key where one is needed
    ├── InputError                     what the user gave cannot be used (file, paste, schema)
    ├── StorageError                   the database cannot be opened, read or written
    │   ├── DatabaseTooNew             written by a newer TensorWall
    │   ├── DatabaseDamaged            not a database, or a corrupt one
    │   ├── DatabaseBusy               another process holds it for too long
    │   └── DiskFull                   no room for a write
    ├── BudgetExceeded                 a hard spending limit refuses the call
    ├── KeyRefused                     the gateway does not take the key it was sent
    ├── ToolFailed                     a tool cannot do what the model asked of it
    ├── VoiceError                     speech cannot be heard, understood or spoken
    │   ├── VoiceUnavailable           a package or system library of the voice loop is missing
    │   ├── AudioDeviceFailed          no device, busy, refused, silent or unplugged
    │   ├── TranscriptionFailed        a recording could not be turned into text
    │   │   ├── SpeechModelUnusable    weights missing, half downloaded or damaged
    │   │   └── LanguageUnknown        the speech model does not know the language
    │   └── SynthesisFailed            text could not be spoken
    ├── DownloadFailed                 weights could not be fetched; what arrived is kept
    ├── UnknownRoute                   no route is registered for the model asked for
    ├── AllRoutesFailed                every route was tried; holds each cause
    └── ProviderError                  one upstream call failed
        ├── ConnectionFailed           no answer: DNS, refused, TLS, proxy, time-out
        ├── AuthenticationFailed       401: the key is wrong
        ├── AccessDenied               403: key lacks permission, or a firewall page
        ├── QuotaExhausted             spend cap or credit used up
        ├── InvalidRequest             400: a field the provider refuses
        ├── RequestTooLarge            413: larger than a limit, so waiting never helps
        ├── RateLimited                429: waiting helps; says how long
        ├── CapacityExceeded           498: the flex tier is full
        ├── OfflineUnavailable         the model of this machine: package or weights missing, or damaged
        ├── ModelUnavailable           retired, unknown, or not for this key
        ├── ToolCallInvalid            the model wrote a malformed tool call
        ├── OutputInvalid              the model broke JSON mode or the schema
        ├── Unprocessable              422/424: semantic or dependency failure
        ├── ServerFailed               5xx
        ├── UnexpectedResponse         not an OpenAI-shaped answer
        ├── StreamInterrupted          the stream ended without its end mark
        └── StreamStalled              the stream went silent for too long

Each carries ``hint``: one sentence that tells the user what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from core.chat.decision import Decision
    from core.chat.usage import ToldLimit

__all__ = (
    "AccessDenied",
    "AllRoutesFailed",
    "AudioDeviceFailed",
    "AuthenticationFailed",
    "BudgetExceeded",
    "CapacityExceeded",
    "ConfigurationError",
    "ConnectionFailed",
    "CredentialsError",
    "DatabaseBusy",
    "DatabaseDamaged",
    "DatabaseTooNew",
    "DiskFull",
    "DownloadFailed",
    "InputError",
    "InvalidRequest",
    "KeyRefused",
    "LanguageUnknown",
    "ModelUnavailable",
    "OfflineUnavailable",
    "OutputInvalid",
    "ProviderError",
    "QuotaExhausted",
    "RateLimited",
    "RequestTooLarge",
    "ServerFailed",
    "SpeechModelUnusable",
    "StorageError",
    "StreamInterrupted",
    "StreamStalled",
    "SynthesisFailed",
    "TensorWallError",
    "ToolCallInvalid",
    "ToolFailed",
    "TranscriptionFailed",
    "UnexpectedResponse",
    "UnknownRoute",
    "Unprocessable",
    "VoiceError",
    "VoiceUnavailable",
)


class TensorWallError(Exception):
    """Base of the tree.

    Attributes:
        message: what happened, one sentence, safe to show.
        hint: what the user can do about it; empty when there is nothing.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ConfigurationError(TensorWallError):
    """A settings file cannot be used; names the file, the line (from 1) and the key."""

    def __init__(
        self,
        message: str,
        *,
        file: Path | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.key = key

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        subject = f"{self.key}: " if self.key else ""
        return f"{place + ': ' if place else ''}{subject}{super().__str__()}"


class CredentialsError(TensorWallError):
    """No API key is set for a provider that needs one."""


class InputError(TensorWallError):
    """Something the user gave (a file, a paste, a schema, an argument) cannot be used."""


class StorageError(TensorWallError):
    """The database cannot be opened, read or written."""


class DatabaseTooNew(StorageError):
    """The database was written by a newer TensorWall; nothing was touched."""


class DatabaseDamaged(StorageError):
    """The file is not a database or is corrupt; nothing was touched."""


class DatabaseBusy(StorageError):
    """Another process kept the database locked for longer than the busy time-out."""


class DiskFull(StorageError):
    """There is no room left for a write; what was stored before is intact."""


class BudgetExceeded(TensorWallError):
    """A hard spending limit refuses the call before it is sent.

    Attributes:
        scope: which budget: ``session``, ``day``, ``week`` or ``month``.
        left: US dollars it has left.
        refills_at: when it begins anew; ``None`` where it does not.
    """

    def __init__(
        self,
        message: str,
        *,
        scope: str,
        left: Decimal = Decimal(0),
        refills_at: datetime | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.scope = scope
        self.left = left
        self.refills_at = refills_at


class KeyRefused(TensorWallError):
    """The gateway does not take the key it was sent.

    Attributes:
        code: ``scope`` is a key that is good, but not for this.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Literal["missing", "unknown", "revoked", "expired", "scope", "bearer"],
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class ToolFailed(TensorWallError):
    """A tool cannot do what was asked of it; the message is for the model, which may try otherwise."""


class VoiceError(TensorWallError):
    """Speech cannot be heard, understood or spoken; text chat goes on."""


class VoiceUnavailable(VoiceError):
    """A package or a system library of the voice loop is missing; the hint has the command that mends it."""


class AudioDeviceFailed(VoiceError):
    """There is no such microphone or speaker, or it is busy, refused, silent or unplugged."""


class TranscriptionFailed(VoiceError):
    """A recording could not be turned into text; the recording is kept where the caller still has it."""


class SpeechModelUnusable(TranscriptionFailed):
    """The weights of a speech model are missing, half downloaded or damaged."""


class LanguageUnknown(TranscriptionFailed):
    """The speech model does not know the language that was asked for."""


class DownloadFailed(TensorWallError):
    """Weights could not be fetched; what has arrived is kept and the next try goes on from there."""


class SynthesisFailed(VoiceError):
    """Text could not be turned into speech."""


class UnknownRoute(TensorWallError):
    """No route is registered for the model asked for."""


class AllRoutesFailed(TensorWallError):
    """Every route that may answer was tried.

    Attributes:
        causes: one error a failed or refused call, in the order of the calls.
        decision: which routes were tried, why, and how long each took.
    """

    def __init__(
        self,
        message: str,
        *,
        causes: Sequence[ProviderError | CredentialsError | BudgetExceeded],
        decision: Decision,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.causes = tuple(causes)
        self.decision = decision


class ProviderError(TensorWallError):
    """One upstream call failed.

    Attributes:
        provider: the provider's name, such as ``groq``.
        status: the HTTP status, or ``None`` where no answer came.
        code: the provider's own error code, such as ``rate_limit_exceeded``.
        request_id: the provider's id of the call, for its support.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.provider = provider
        self.status = status
        self.code = code
        self.request_id = request_id


class ConnectionFailed(ProviderError):
    """No answer came: name not found, refused, TLS, proxy, or a time-out before the answer."""


class AuthenticationFailed(ProviderError):
    """401: the key is missing, malformed or revoked."""


class AccessDenied(ProviderError):
    """403: the key lacks a permission, or a firewall in front of the provider refused."""


class QuotaExhausted(ProviderError):
    """The account's spend cap or credit is used up; waiting seconds does not help.

    Attributes:
        renews_in: seconds until a monthly cap begins anew; ``None`` where only paying helps.
    """

    renews_in: float | None = None


class InvalidRequest(ProviderError):
    """400: a field or value the provider refuses; sending it again never helps."""


class RequestTooLarge(ProviderError):
    """413: prompt plus output cap exceed a limit, or the body is too big. Waiting never helps.

    Attributes:
        limit: tokens the limit allows, where the provider says so.
        requested: tokens that were asked for, where the provider says so.
        told: which of the account's limits it is, where it is one of those.
    """

    limit: int | None = None
    requested: int | None = None
    told: ToldLimit | None = None


class RateLimited(ProviderError):
    """429: a limit is used up for now.

    Attributes:
        retry_after: seconds until the provider says it is ready, or ``None``.
        told: which limit, where the provider says so.
    """

    retry_after: float | None = None
    told: ToldLimit | None = None


class CapacityExceeded(ProviderError):
    """498: the flex tier has no room; the on-demand tier may."""


class ModelUnavailable(ProviderError):
    """The model is retired, unknown, or not open to this key."""


class OfflineUnavailable(ProviderError):
    """The model of this machine cannot answer: its package or weights are missing, or it does not load."""


class ToolCallInvalid(ProviderError):
    """The model wrote a tool call that does not parse or names no tool.

    Attributes:
        failed_generation: what the model wrote, where the provider passes it on.
    """

    failed_generation: str | None = None


class OutputInvalid(ProviderError):
    """The model's output is not the JSON that was asked for.

    Attributes:
        failed_generation: what the model wrote, where the provider passes it on.
    """

    failed_generation: str | None = None


class Unprocessable(ProviderError):
    """422 or 424: well formed, but the provider or a dependency of it could not act on it."""


class ServerFailed(ProviderError):
    """5xx: the provider failed.

    Attributes:
        retry_after: seconds until the provider says it is ready, or ``None``.
    """

    retry_after: float | None = None


class UnexpectedResponse(ProviderError):
    """The answer is not OpenAI-shaped: wrong address, a login page, or broken JSON."""


class StreamInterrupted(ProviderError):
    """The stream ended without a finish reason; what arrived was passed on and is kept."""


class StreamStalled(ProviderError):
    """Nothing arrived for longer than the stall limit; what arrived was passed on and is kept."""
