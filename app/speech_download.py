"""Fetching speech models from the hub they are published at, over HTTP."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from core.errors import DownloadFailed
from core.voice.transcription.download import STALL, DownloadProgress, FileStream, download
from core.voice.transcription.models import KnownModel, ModelFile

__all__ = ("HUB", "download_model")

HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
"""Names a mirror of the hub, as for the hub's own tools."""

_CONNECT_TIMEOUT = 10.0
_REASONS = {
    401: "does not give it without an account",
    403: "refuses it",
    404: "does not have it",
    429: "is asked too often from this address",
}


async def download_model(
    model: KnownModel,
    models_dir: Path,
    progress: Callable[[DownloadProgress], None] = lambda _: None,
    *,
    hub: str | None = None,
    stall: float = STALL,
) -> Path:
    """Fetch a speech model, or what is missing of it; gives its folder. Cancelling keeps what arrived.

    Args:
        model: from ``core.voice.transcription.models``.
        models_dir: where it gets a folder of its own.
        progress: told about ten times a second.
        hub: where it is published; by default the hub, or the mirror that the environment names.
        stall: seconds without a byte after which it is given up.

    Raises:
        DownloadFailed: it could not be fetched; running it again goes on from what arrived.
    """
    hub = (hub or os.environ.get(HUB_VARIABLE) or HUB).rstrip("/")
    timeout = httpx.Timeout(None, connect=_CONNECT_TIMEOUT)  # silence is `download`'s to judge
    async with httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client:

        @asynccontextmanager
        async def fetch(model: KnownModel, file: ModelFile, start: int) -> AsyncIterator[FileStream]:
            url = f"{hub}/{model.repository}/resolve/{model.revision}/{file.name}"
            headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
            try:
                async with client.stream("GET", url, headers=headers) as response:
                    _check(response, model)
                    given = start if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
                    yield FileStream(given, _chunks(response))
            except httpx.HTTPError as error:
                raise ConnectionError(_reason(error, url)) from error

        return await download(model, models_dir, fetch, progress, stall=stall)


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        raise ConnectionError("the connection broke") from error


def _check(response: httpx.Response, model: KnownModel) -> None:
    """Go on with success; a server's own trouble may pass, and everything else does not."""
    status = response.status_code
    if response.is_success:
        return
    host = response.url.host
    if status >= 500:
        raise ConnectionError(f"{host} failed (HTTP {status})")
    reason = _REASONS.get(status, f"answered HTTP {status}")
    raise DownloadFailed(
        f"The speech model {model.name} cannot be fetched: {host} {reason}.",
        hint="Try again later, or fetch the files by other means and give their folder as the model.",
    )


def _reason(error: httpx.HTTPError, url: str) -> str:
    host = urlsplit(url).netloc
    if isinstance(error, httpx.ConnectTimeout):
        return f"{host} did not answer"
    if isinstance(error, httpx.ConnectError):
        return f"{host} cannot be reached"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy does not lead to {host}"
    return f"the connection to {host} broke"
