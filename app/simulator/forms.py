"""Forms with files, as browsers and SDKs send them."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from app.simulator.errors import invalid_request

__all__ = ("form_parts",)


def form_parts(content_type: str, raw: bytes) -> Iterator[tuple[str, str | None, bytes]]:
    """Name, file name and content of each part of a form (RFC 7578).

    Raises:
        ApiError: 400 where it is none.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise invalid_request("request Content-Type isn't multipart/form-data")
    first, *rest = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode())
    if first.strip() or not rest or not rest[-1].startswith(b"--"):
        raise invalid_request("multipart: NextPart: EOF")
    for part in rest[:-1]:
        head, gap, value = part.partition(b"\r\n\r\n")
        described = message_from_bytes(head.lstrip(b"\r\n"))
        name = described.get_param("name", header="content-disposition")
        if not gap or not isinstance(name, str):
            raise invalid_request("multipart: a part has no name")
        filename = described.get_filename()
        yield name, filename, value
