"""The styles the transcript is drawn in, as values; the widget makes them from its theme's tokens."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

from rich.style import Style

from app.tui.transcript.inline import Emphasis

__all__ = ("STYLE_NAMES", "Theme")


@dataclass(frozen=True)
class Theme:
    """One style for each thing that looks different; all but the overlays are complete with background."""

    text: Style
    muted: Style
    accent: Style
    heading: Style
    subheading: Style
    marker: Style
    quote: Style
    quote_bar: Style
    inline_code: Style
    link: Style
    rule: Style
    table_header: Style
    table_line: Style
    user: Style
    user_bar: Style
    header: Style
    reasoning: Style
    notice: Style
    error: Style
    error_bar: Style
    code: Style
    code_label: Style
    code_comment: Style
    code_keyword: Style
    code_string: Style
    code_number: Style
    code_name: Style
    code_operator: Style
    cursor: Style
    selection: Style
    match: Style
    current_match: Style
    spoken: Style
    unheard: Style
    pill: Style

    @classmethod
    def plain(cls) -> Theme:
        """No colours at all: for laying out before there is a screen."""
        return cls(**{field.name: Style.null() for field in fields(cls)})

    @cached_property
    def tokens(self) -> dict[str, Style]:
        """The styles of highlighted code, by ``highlight.Group``."""
        return {
            "comment": self.code_comment,
            "keyword": self.code_keyword,
            "string": self.code_string,
            "number": self.code_number,
            "name": self.code_name,
            "operator": self.code_operator,
        }

    @cached_property
    def _emphasised(self) -> dict[tuple[Style, int], Style]:
        return {}

    def emphasise(self, base: Style, emphasis: Emphasis) -> Style:
        """``base`` set apart by ``emphasis``."""
        key = (base, int(emphasis))
        if (style := self._emphasised.get(key)) is None:
            style = self._emphasised[key] = self._combine(base, emphasis)
        return style

    def _combine(self, base: Style, emphasis: Emphasis) -> Style:
        style = base
        if emphasis & Emphasis.CODE:
            style += Style(color=self.inline_code.color, bgcolor=self.inline_code.bgcolor)
        if emphasis & Emphasis.LINK:
            style += Style(color=self.link.color, underline=True)
        if emphasis & Emphasis.BOLD:
            style += Style(bold=True)
        if emphasis & Emphasis.ITALIC:
            style += Style(italic=True)
        if emphasis & Emphasis.STRIKE:
            style += Style(strike=True)
        return style


STYLE_NAMES = tuple(field.name for field in fields(Theme))
