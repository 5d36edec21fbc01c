"""Messages of a conversation, in the shape of OpenAI's chat API."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = (
    "FunctionCall",
    "ImagePart",
    "ImageUrl",
    "Message",
    "Part",
    "Role",
    "TextPart",
    "ToolCall",
)

Role = Literal["system", "developer", "user", "assistant", "tool"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TextPart(_Frozen):
    """A piece of text within a message of several parts."""

    type: Literal["text"] = "text"
    text: str


class ImageUrl(_Frozen):
    """Where an image is: an https address, or a base64 ``data:`` URL that carries it."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url.startswith(("https://", "http://")):
            return url
        header, _, payload = url.partition(",")
        if not (header.startswith("data:image/") and header.endswith(";base64")):
            raise ValueError("an image is an http(s) address or a data:image/...;base64 URL")
        try:
            base64.b64decode(payload, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the image's base64 data is broken: {error}") from None
        return url


class ImagePart(_Frozen):
    """An image within a message of several parts."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl

    @classmethod
    def from_bytes(cls, data: bytes, media_type: str) -> ImagePart:
        """Embed an image; ``media_type`` is such as ``image/png``."""
        encoded = base64.b64encode(data).decode("ascii")
        return cls(image_url=ImageUrl(url=f"data:{media_type};base64,{encoded}"))


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class FunctionCall(_Frozen):
    """A function the model wants called; ``arguments`` is JSON text, as the model wrote it."""

    name: str
    arguments: str = "{}"


class ToolCall(_Frozen):
    """One call in an assistant's message; the tool's answer refers to it by ``id``."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(_Frozen):
    """One message.

    ``content`` is plain text, or parts where images are attached, or ``None`` for an assistant
    message that only calls tools. ``reasoning`` is kept for display and never sent back.
    """

    role: Role
    content: str | list[Part] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    reasoning: str | None = None

    @property
    def text(self) -> str:
        """The text parts joined by blank lines; images left out."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "\n\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> list[ImagePart]:
        """The image parts, in order."""
        if self.content is None or isinstance(self.content, str):
            return []
        return [part for part in self.content if isinstance(part, ImagePart)]
