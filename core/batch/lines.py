"""Reading a batch's input: OpenAI's lines of JSON, one request each.

The format is https://platform.openai.com/docs/guides/batch, which Groq takes as well
(https://console.groq.com/docs/batch). All of it is checked before anything is sent; what is kept of a line
is where it stands, so that a file may be larger than memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.batch.request import chat_request
from core.chat import ChatRequest
from core.costs.tokens import estimate_prompt_tokens
from core.errors import InputError
from core.identifiers import derived_id

__all__ = ("ENDPOINT", "BadLine", "BatchInput", "BatchLine", "open_input")

ENDPOINT = "/v1/chat/completions"
_DIGEST = 16
"""Characters, 80 bits: enough to tell the requests of a batch apart."""
_MARK = b"\xef\xbb\xbf"  # a byte order mark, as some editors put first


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One line that can be asked.

    Attributes:
        number: from 1.
        custom_id: what its answer is told by.
        model: what it asks for.
        prompt_tokens: by estimate.
        output_cap: the most tokens it wants; ``None`` where it does not say.
        offset: where the line begins, in bytes.
        digest: of its body: the same for the same request, however it is laid out.
    """

    number: int
    custom_id: str
    model: str
    prompt_tokens: int
    output_cap: int | None
    offset: int
    digest: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be asked, and why."""

    number: int
    problem: str


class BatchInput:
    """The lines of one input.

    Args:
        file: bytes that can be read again.
        model: asked in place of what the lines name.
        name: where the bytes come from, for people.

    Attributes:
        lines: those that can be asked, in their order.
        bad: those that cannot.
    """

    def __init__(self, file: IO[bytes], model: str | None = None, *, name: str = "stdin") -> None:
        self.name = name
        self._file = file
        self._model = model
        self.lines: list[BatchLine] = []
        self.bad: list[BadLine] = []
        self._index()

    def body(self, line: BatchLine) -> dict[str, Any]:
        """The body of a line as it was written.

        Raises:
            InputError: the file has been changed.
        """
        try:
            self._file.seek(line.offset)
            entry = _parsed(self._file.readline())
            body: dict[str, Any] = entry["body"]
            if entry["custom_id"] != line.custom_id or _digest(body) != line.digest:
                raise ValueError("another line")
        except (KeyError, OSError, ValueError):
            raise InputError(
                f"Line {line.number} of the input has changed.", hint="Run it again with the new input."
            ) from None
        return body

    def request(self, line: BatchLine) -> ChatRequest:
        """What a line asks.

        Raises:
            InputError: the file has been changed.
        """
        return chat_request(self.body(line), self._model)

    def _index(self) -> None:
        known: dict[str, int] = {}
        for number, offset, raw in _numbered(self._file):
            try:
                line = self._checked(number, offset, raw)
                if line.custom_id in known:
                    raise ValueError(
                        f"custom_id {line.custom_id!r} is on line {known[line.custom_id]} already: "
                        "give each line its own"
                    )
            except ValueError as error:
                self.bad.append(BadLine(number, str(error)))
            else:
                known[line.custom_id] = number
                self.lines.append(line)

    def _checked(self, number: int, offset: int, raw: bytes) -> BatchLine:
        entry = _parsed(raw)
        custom_id = entry.get("custom_id")
        if not isinstance(custom_id, str) or not custom_id:
            raise ValueError("custom_id is missing: give each line a text of its own")
        if entry.get("method") != "POST":
            raise ValueError('method is not "POST"')
        if entry.get("url") != ENDPOINT:
            raise ValueError(f'url is not "{ENDPOINT}", the only one there is here')
        if not isinstance(entry.get("body"), dict):
            raise ValueError("body is no object: put model and messages there")  # noqa: TRY004 - it was read
        request = chat_request(entry["body"], self._model)
        return BatchLine(
            number,
            custom_id,
            request.model,
            estimate_prompt_tokens(request),
            request.max_completion_tokens,
            offset,
            _digest(entry["body"]),
        )


@contextmanager
def open_input(path: Path, model: str | None = None) -> Iterator[BatchInput]:
    """Open and check a file.

    Args:
        path: the file.
        model: asked in place of what the lines name.

    Raises:
        InputError: it cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None
    with file:
        try:
            found = BatchInput(file, model, name=str(path))
        except OSError as error:  # a folder
            raise _unreadable(path, error) from None
        yield found


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read: {error.strerror}.", hint="Name a file of JSON lines.")


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of each line that is not blank."""
    offset = len(_MARK) if file.read(len(_MARK)) == _MARK else 0
    file.seek(offset)
    for number, raw in enumerate(file, 1):
        if raw.strip():
            yield number, offset, raw
        offset += len(raw)


def _digest(body: dict[str, Any]) -> str:
    return derived_id(json.dumps(body, sort_keys=True), length=_DIGEST)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(raw.rstrip())
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8: save the file in that encoding") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (column {error.colno}: {error.msg})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(entry, dict):
        raise ValueError("it is no object: put custom_id, method, url and body between braces")  # noqa: TRY004
    return entry
