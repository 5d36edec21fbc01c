"""Files of models as they are published over HTTP: opened from any byte on, with a reason when not."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import httpx

from core.download import Downloadable, Fetcher, FileStream, ModelFile
from core.errors import DownloadFailed

__all__ = ("http_fetcher", "hub_address", "mirrored")

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

_Model = TypeVar("_Model", bound=Downloadable)


def hub_address() -> str:
    """Where models are published: the hub, or the mirror that the environment names."""
    return (os.environ.get(HUB_VARIABLE) or HUB).rstrip("/")


def mirrored(url: str) -> str:
    """The URL of a file at the hub as it is at `hub_address`; any other as it is."""
    path = url.removeprefix(HUB)
    return url if path == url else f"{hub_address()}{path}"


@asynccontextmanager
async def http_fetcher(address: Callable[[_Model, ModelFile], str]) -> AsyncIterator[Fetcher[_Model]]:
    """What `core.download.download` opens files with.

    Args:
        address: the URL of a model's file.
    """
    timeout = httpx.Timeout(None, connect=_CONNECT_TIMEOUT)  # silence is `download`'s to judge
    async with httpx.AsyncClient(follow_redirects=True, timeout=timeout) as client:

        @asynccontextmanager
        async def fetch(model: _Model, file: ModelFile, start: int) -> AsyncIterator[FileStream]:
            url = address(model, file)
            headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
            try:
                async with client.stream("GET", url, headers=headers) as response:
                    _check(response, model)
                    given = start if response.status_code == httpx.codes.PARTIAL_CONTENT else 0
                    yield FileStream(given, _chunks(response))
            except httpx.HTTPError as error:
                raise ConnectionError(_reason(error, url)) from error

        yield fetch


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        raise ConnectionError("the connection broke") from error


def _check(response: httpx.Response, model: Downloadable) -> None:
    """Go on with success; a server's own trouble may pass, and everything else does not."""
    status = response.status_code
    if response.is_success:
        return
    host = response.url.host
    if status >= 500:
        raise ConnectionError(f"{host} failed (HTTP {status})")
    reason = _REASONS.get(status, f"answered HTTP {status}")
    raise DownloadFailed(
        f"The {model.title} cannot be fetched: {host} {reason}.",
        hint="Try again later, or fetch the files by other means and give their path as the model.",
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
