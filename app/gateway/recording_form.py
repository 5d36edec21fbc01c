"""The form that brings a recording, as OpenAI's clients send it; a large file is kept on disk."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.gateway.api_errors import invalid_request
from app.gateway.exchange import BodyLimits, Exchange

__all__ = ("RecordingForm", "recording_form")

_MOST_FIELDS = 64
_MOST_FIELD_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}(\[\])?")
_SUFFIX = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class RecordingForm:
    """A recording, and the fields beside it.

    Attributes:
        fields: names and values in order; a name may come several times.
        file: open as long as the form is.
        kind: the suffix of the file's name, such as ``wav``.
        size: of the file, in bytes.
    """

    fields: tuple[tuple[str, str], ...]
    file: BinaryIO
    kind: str
    size: int

    def value(self, name: str) -> str | None:
        """The field's value; ``None`` where it is missing or empty."""
        return next((value for given, value in self.fields if given == name and value), None)

    def values(self, name: str) -> list[str]:
        """All values of a field that may come several times, as ``name`` or as ``name[]``."""
        return [value for given, value in self.fields if given.removesuffix("[]") == name]


@contextlib.asynccontextmanager
async def recording_form(exchange: Exchange, limits: BodyLimits) -> AsyncIterator[RecordingForm]:
    """The form of a request; its file is gone when the block ends.

    Args:
        exchange: the request.
        limits: of the form as a whole.

    Raises:
        ApiError: 400: it is no form with a file. 413: it is too large. 408: it does not arrive.
    """
    if not exchange.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise invalid_request("The request is not multipart/form-data.", code="invalid_form")
    async with contextlib.aclosing(exchange.pieces(limits)) as pieces:
        parser = MultiPartParser(
            exchange.headers,
            pieces,
            max_files=1,
            max_fields=_MOST_FIELDS,
            max_part_size=_MOST_FIELD_BYTES,
        )
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise invalid_request(f"The form cannot be read: {error.message}", code="invalid_form") from None
    try:
        yield _read(form.multi_items())
    finally:
        await form.close()


def _read(items: list[tuple[str, UploadFile | str]]) -> RecordingForm:
    fields = tuple((name, value) for name, value in items if isinstance(value, str))
    for name, _ in fields:
        if not _NAME.fullmatch(name):
            raise invalid_request("The form has a field whose name is none.", code="invalid_form")
    files = [value for name, value in items if name == "file" and isinstance(value, UploadFile)]
    if not files:
        raise invalid_request("file is missing: send the recording itself, as a file.", param="file")
    (upload,) = files
    if not upload.size:
        raise invalid_request("file is empty.", param="file")
    suffix = (upload.filename or "").rpartition(".")[2].lower()
    kind = suffix if _SUFFIX.fullmatch(suffix) else "wav"
    return RecordingForm(fields, upload.file, kind, upload.size)
