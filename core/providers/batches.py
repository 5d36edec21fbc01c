"""The Batch API, as OpenAI and Groq have it: a file of requests goes up, files of answers come down.

https://console.groq.com/docs/batch and https://platform.openai.com/docs/guides/batch.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from urllib.parse import quote

from core.errors import UnexpectedResponse
from core.providers.answer_fields import parse_json
from core.providers.provider import OpenAICompatibleProvider
from core.providers.request_body import encode_body
from core.providers.upstream import Upstream

__all__ = ("LARGEST_INPUT", "MOST_LINES", "BatchStatus", "ProviderBatches", "RemoteBatch")

LARGEST_INPUT = 100 * 1000 * 1000
"""Bytes of an input file that Groq takes."""
MOST_LINES = 50_000

BatchStatus = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
_OVER: tuple[BatchStatus, ...] = ("failed", "completed", "expired", "cancelled")


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as its provider tells of it.

    Attributes:
        problems: what is wrong with the input, where it failed; a sentence each.
        output_file_id: the answers, once there are any.
        error_file_id: the requests that failed, once there are any.
    """

    id: str
    status: BatchStatus
    input_file_id: str
    created_at: datetime
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in _OVER


class ProviderBatches:
    """The batches of one account; every method raises as ``OpenAICompatibleProvider.call``."""

    def __init__(self, provider: OpenAICompatibleProvider) -> None:
        self._provider = provider

    async def upload(self, content: bytes) -> str:
        """Put an input file up; its id."""
        boundary = secrets.token_hex(16)
        form = b"".join(
            (
                f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'.encode(),
                f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
                "Content-Type: application/jsonl\r\n\r\n".encode(),
                content,
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )
        upstream, body = await self._provider.call(
            "POST", "files", content=form, content_type=f"multipart/form-data; boundary={boundary}"
        )
        file_id = _object(upstream, body).get("id")
        if not isinstance(file_id, str):
            raise _unexpected(upstream)
        return file_id

    async def create(self, input_file_id: str) -> RemoteBatch:
        """Have the requests of a file answered within a day."""
        wanted = {
            "input_file_id": input_file_id,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        return _batch(*await self._provider.call("POST", "batches", content=encode_body(wanted)))

    async def find(self, input_file_id: str) -> RemoteBatch | None:
        """The latest batch that was made of a file, if one was."""
        upstream, body = await self._provider.call("GET", "batches")
        listed = _object(upstream, body).get("data")
        found = (_read(upstream, entry) for entry in listed) if isinstance(listed, list) else iter(())
        return next((batch for batch in found if batch.input_file_id == input_file_id), None)

    async def get(self, batch_id: str) -> RemoteBatch:
        """How far a batch is."""
        return _batch(*await self._provider.call("GET", f"batches/{quote(batch_id)}"))

    async def cancel(self, batch_id: str) -> RemoteBatch:
        """Stop a batch; what it has done by then stays."""
        return _batch(*await self._provider.call("POST", f"batches/{quote(batch_id)}/cancel", content=b"{}"))

    async def lines(self, file_id: str) -> AsyncGenerator[bytes]:
        """The lines of a file as they arrive."""
        begun = b""
        async with aclosing(self._provider.download(f"files/{quote(file_id)}/content")) as chunks:
            async for chunk in chunks:
                *whole, begun = (begun + chunk).split(b"\n")
                for line in whole:
                    yield line
        if begun:
            yield begun


def _object(upstream: Upstream, body: bytes) -> dict[str, Any]:
    try:
        value = parse_json(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _unexpected(upstream)
    return value


def _batch(upstream: Upstream, body: bytes) -> RemoteBatch:
    return _read(upstream, _object(upstream, body))


def _read(upstream: Upstream, entry: dict[str, Any]) -> RemoteBatch:
    try:
        counts = entry.get("request_counts") or {}
        problems = (entry.get("errors") or {}).get("data") or ()
        if entry["status"] not in get_args(BatchStatus):
            raise ValueError("an unknown status")
        return RemoteBatch(
            id=str(entry["id"]),
            status=entry["status"],
            input_file_id=str(entry["input_file_id"]),
            created_at=datetime.fromtimestamp(entry["created_at"], UTC),
            total=int(counts.get("total") or 0),
            completed=int(counts.get("completed") or 0),
            failed=int(counts.get("failed") or 0),
            output_file_id=entry.get("output_file_id"),
            error_file_id=entry.get("error_file_id"),
            problems=tuple(_problem(upstream, problem) for problem in problems),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError, OSError) as error:
        raise _unexpected(upstream) from error


def _problem(upstream: Upstream, problem: dict[str, Any]) -> str:
    place = f"line {problem['line']}: " if problem.get("line") else ""
    return place + upstream.quote(str(problem.get("message") or problem.get("code")))


def _unexpected(upstream: Upstream) -> UnexpectedResponse:
    return upstream.error(
        UnexpectedResponse,
        f"{upstream.host} does not answer as a Batch API does.",
        hint="Check the base URL, or leave out --provider-batch.",
    )
