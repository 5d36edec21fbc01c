"""What went wrong between here and the server, as one of ``core.errors``: each cause its own sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

import httpx

from core.errors import ConnectionFailed, ProviderError, StreamInterrupted, StreamStalled, UnexpectedResponse
from core.providers.upstream import Upstream

__all__ = ("body_error", "send_error")

_E = TypeVar("_E", bound=BaseException)


def send_error(upstream: Upstream, error: Exception, *, read_timeout: float) -> ConnectionFailed:
    """The error of a call that got no answer.

    Args:
        upstream: who was called.
        error: what httpx, or what lies below it, raised.
        read_timeout: seconds the answer was waited for.
    """
    message, hint = _cause(upstream, error, read_timeout)
    return upstream.error(ConnectionFailed, message, hint=hint)


def body_error(upstream: Upstream, error: Exception, *, read_timeout: float) -> ProviderError:
    """The error of an answer that began and was not read to its end."""
    label = upstream.label
    if isinstance(error, httpx.TimeoutException):
        return upstream.error(
            StreamStalled,
            f"{label} sent nothing for {read_timeout:g} seconds, so the answer was ended.",
            hint="Ask again, or choose another model.",
        )
    if isinstance(error, httpx.DecodingError):
        return upstream.error(
            UnexpectedResponse,
            f"The answer of {upstream.host} is damaged: its compression cannot be undone.",
            hint="Look for a proxy on the way that alters answers.",
        )
    return upstream.error(
        StreamInterrupted,
        f"The connection to {label} broke before the answer was complete.",
        hint="Ask again.",
    )


def _cause(upstream: Upstream, error: Exception, read_timeout: float) -> tuple[str, str]:
    """One sentence that says what happened, and one that says what to do."""
    label, host = upstream.label, upstream.host
    target = f"The proxy {upstream.proxy_host}" if upstream.proxy_host else host
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError):
        return upstream.invalid_address
    if isinstance(error, httpx.ProxyError):
        return (
            f"{target} does not pass the call to {host} on: {upstream.quote(str(error))}.",
            "Check HTTPS_PROXY, and the user name and password in it.",
        )
    if isinstance(error, httpx.ConnectTimeout):
        return (
            f"{target} did not complete a connection within {upstream.profile.connect_timeout:g} seconds.",
            "Check the network, the VPN and the firewall, and whether the address is http or https.",
        )
    if isinstance(error, httpx.TimeoutException):
        return (
            f"{label} accepted the call but did not answer within {read_timeout:g} seconds.",
            "Try again, or choose another model.",
        )
    if _find(error, socket.gaierror):
        return (
            f"{target} cannot be found: its name does not resolve.",
            "Check the network connection, and the spelling of the address.",
        )
    if _find(error, ConnectionRefusedError):
        hint = f"Start {label}." if upstream.profile.local else "Check the address and its port."
        return f"{target} refuses connections.", hint
    if tls := _find(error, ssl.SSLError):
        return _tls_cause(host, tls)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return (
            f"{host} closed the connection without an HTTP answer.",
            "Try again; if it stays so, check that the address and http or https are right.",
        )
    reason = next((cause.strerror for cause in _causes(error, OSError) if cause.strerror), "")
    return (
        f"{target} cannot be reached{f': {reason}' if reason else ''}.",
        "Check the network connection.",
    )


def _tls_cause(host: str, error: ssl.SSLError) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {host} is not trusted: {error.verify_message}.",
            "Where a company's proxy reads the traffic, set SSL_CERT_FILE to its certificate;"
            " check the clock, too.",
        )
    reason = getattr(error, "reason", None)
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return f"{host} does not speak TLS.", "Write the address with http:// if that is what it speaks."
    return (
        f"No secure connection to {host} comes about (TLS: {reason or 'handshake failed'}).",
        "Look for a proxy or firewall that interferes with TLS.",
    )


def _find(error: BaseException, kind: type[_E]) -> _E | None:
    return next(_causes(error, kind), None)


def _causes(error: BaseException, kind: type[_E]) -> Iterator[_E]:
    """The errors of a kind behind this one, through causes and groups."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, kind):
            yield current
        pending += [current.__context__, current.__cause__]
        if isinstance(current, BaseExceptionGroup):
            pending += current.exceptions
