"""Text as a speech engine may have it: nothing in it is a command, and every character keeps its place."""

from __future__ import annotations

from core.safe_text import safe_text

__all__ = ("harmless_to_speak",)


def harmless_to_speak(text: str) -> str:
    """The text with a space for every control, reordering or otherwise invisible command character.

    The length stays, so that the places of words in the result are their places in ``text``.
    Markup is not touched: the engines are told to read it as plain text.
    """
    if safe_text(text) == text:
        return text
    return "".join(character if safe_text(character) == character else " " for character in text)
