"""Files and batches of one account: what they hold, and how far a batch is at a time of its clock.

Shapes and limits: https://console.groq.com/docs/batch and the types of Groq's SDK. A batch that has been made
is ``validating``; the next look finds it on its way or done.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.datastructures import Headers

from app.simulator.errors import ApiError, invalid_request
from app.simulator.forms import form_parts
from app.simulator.wire import dump

__all__ = ("LARGEST_INPUT", "Batch", "StoredFile", "Upload", "checked_lines", "uploaded", "window_seconds")

LARGEST_INPUT = 100 * 1_000_000
"""Bytes."""
_MOST_LINES = 50_000
_ENDPOINT = "/v1/chat/completions"
_WINDOW = re.compile(r"(\d+)([hd])")
_SECONDS = {"h": 3_600, "d": 86_400}
_EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
"""Answers a body: status and JSON."""
Status = Literal["validating", "failed", "in_progress", "completed", "expired", "cancelling", "cancelled"]


def _new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:26]}"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was uploaded, or that a batch wrote."""

    content: bytes
    filename: str
    purpose: Literal["batch", "batch_output"]
    created_at: int
    id: str = field(default_factory=lambda: _new_id("file"))

    def shown(self) -> dict[str, Any]:
        """As the API tells of it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
        }


@dataclass(frozen=True, slots=True)
class Upload:
    """The form of ``POST /files``."""

    content: bytes
    filename: str
    purpose: str

    def fields(self) -> dict[str, Any]:
        """For the log."""
        return {"filename": self.filename, "purpose": self.purpose, "file_bytes": len(self.content)}


def uploaded(headers: Headers, raw: bytes) -> Upload:
    """Read and check the form.

    Raises:
        ApiError: it is none, or not what a batch takes.
    """
    content, filename, purpose = None, "", ""
    for name, given, value in form_parts(headers.get("content-type", ""), raw):
        if name == "file" and given is not None:
            content, filename = value, given
        elif name == "purpose":
            purpose = value.decode(errors="replace")
    if content is None:
        raise invalid_request("`file` is required")
    if purpose != "batch":
        raise invalid_request("purpose must be one of [batch]")
    if not filename.endswith(".jsonl"):
        raise invalid_request("file must be a .jsonl file")
    if len(content) > LARGEST_INPUT:
        raise ApiError(413, "Request Entity Too Large", code="request_too_large")
    return Upload(content, filename, purpose)


def window_seconds(window: object) -> int:
    """Seconds of a completion window, from a day to a week.

    Raises:
        ApiError: 400 where it is another.
    """
    found = _WINDOW.fullmatch(window) if isinstance(window, str) else None
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 86_400 <= seconds <= 7 * 86_400:
        raise invalid_request("completion_window must be between 24h and 7d")
    return seconds


def checked_lines(content: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The requests of an input file, and what is wrong with it."""
    requests: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, raw in enumerate(content.splitlines(), 1):
        try:
            entry = json.loads(raw)
        except ValueError:
            problems.append(
                _problem("invalid_json_line", number, "This line is not parseable as valid JSON.")
            )
            continue
        if problem := _wrong(entry, seen, number):
            problems.append(problem)
        else:
            seen.add(entry["custom_id"])
            requests.append(entry)
    if not requests and not problems:
        problems.append(_problem("empty_file", None, "The input file is empty."))
    if len(requests) > _MOST_LINES:
        problems.append(_problem("too_many_tasks", None, f"More than {_MOST_LINES} requests."))
    return requests, problems


def _wrong(entry: Any, seen: set[str], number: int) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    if not isinstance(entry, dict):
        return _problem("invalid_json_line", number, "This line is not a JSON object.")
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(entry.get(name), kind):
            return _problem(
                "missing_required_parameter", number, f"Missing required parameter: {name}.", name
            )
    if entry["custom_id"] in seen:
        return _problem("duplicate_custom_id", number, "The custom_id is used already.", "custom_id")
    if entry["method"] != "POST":
        return _problem("invalid_method", number, "Only POST is supported.", "method")
    if entry["url"] != _ENDPOINT:
        return _problem("url_mismatch", number, "The URL does not match the batch's endpoint.", "url")
    return None


def _problem(code: str, line: int | None, message: str, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": param}


@dataclass(slots=True)
class Batch:
    """One batch.

    Attributes:
        requests: its lines.
        problems: what is wrong with its file, where it cannot be run.
        seconds: how long it takes.
        window: how long it may take at most.
        made: on the account's clock.
        created_at: in Unix time.
        answer: answers one body.
    """

    input_file_id: str
    completion_window: str
    requests: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    seconds: float
    window: float
    made: float
    created_at: int
    answer: Answer
    metadata: Any = None
    id: str = field(default_factory=lambda: _new_id("batch"))
    _cancelled_after: float | None = None
    _files: tuple[StoredFile | None, StoredFile | None] | None = None

    def cancel(self, now: float) -> None:
        """Stop it; what is done by now stays done."""
        if self._cancelled_after is None and self.status(now) in {"validating", "in_progress"}:
            self._cancelled_after = now - self.made

    def status(self, now: float) -> Status:
        """How far it is at a time of the account's clock."""
        if self.problems:
            return "failed"
        if self._cancelled_after is not None:
            return "cancelled"
        if now - self.made < self.seconds:
            return "in_progress" if now - self.made < self.window else "expired"
        return "completed" if self.seconds <= self.window else "expired"

    def files(self, now: float) -> tuple[StoredFile | None, StoredFile | None]:
        """Answers and errors, once it is over; ``None`` for one that would be empty."""
        if self.status(now) not in {"completed", "expired", "cancelled"}:
            return None, None
        if self._files is None:
            self._files = self._written(now)
        return self._files

    def shown(self, now: float, status: Status | None = None) -> dict[str, Any]:
        """As the API tells of it."""
        status = status or self.status(now)
        output, errors = self.files(now)
        done = self._done(now)
        failed = errors.content.count(b'"status_code"') if errors else 0
        moment = self.created_at + int(now - self.made)
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": _ENDPOINT,
            "errors": {"object": "list", "data": self.problems} if self.problems else None,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": status,
            "output_file_id": output.id if output else None,
            "error_file_id": errors.id if errors else None,
            "created_at": self.created_at,
            "in_progress_at": None if status in {"validating", "failed"} else self.created_at,
            "expires_at": self.created_at + int(self.window),
            "completed_at": moment if status == "completed" else None,
            "failed_at": moment if status == "failed" else None,
            "expired_at": moment if status == "expired" else None,
            "cancelled_at": moment if status == "cancelled" else None,
            "request_counts": {"total": len(self.requests), "completed": done - failed, "failed": failed},
            "metadata": self.metadata,
        }

    def _done(self, now: float) -> int:
        """Requests that are answered by now, or were when it ended."""
        if self.problems:
            return 0
        passed = now - self.made if self._cancelled_after is None else self._cancelled_after
        passed = min(passed, self.window)
        if passed >= self.seconds:
            return len(self.requests)
        return int(len(self.requests) * passed / self.seconds)

    def _written(self, now: float) -> tuple[StoredFile | None, StoredFile | None]:
        done = self._done(now)
        good: list[str] = []
        bad: list[str] = []
        for request in self.requests[:done]:
            status, body = self.answer(request["body"])
            response = {"status_code": status, "request_id": _new_id("req"), "body": body}
            (good if status < 400 else bad).append(_line(request, response, None))
        if self.status(now) == "expired":
            bad += [_line(request, None, _EXPIRED) for request in self.requests[done:]]
        return self._file(good, "output"), self._file(bad, "error")

    def _file(self, lines: list[str], kind: str) -> StoredFile | None:
        content = "".join(f"{line}\n" for line in lines).encode()
        name = f"{self.id}_{kind}.jsonl"
        return StoredFile(content, name, "batch_output", self.created_at) if lines else None


def _line(request: dict[str, Any], response: dict[str, Any] | None, error: dict[str, str] | None) -> str:
    entry = {
        "id": _new_id("batch_req"),
        "custom_id": request["custom_id"],
        "response": response,
        "error": error,
    }
    return dump(entry)
