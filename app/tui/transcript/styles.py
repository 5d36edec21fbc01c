"""How the transcript looks, by the tokens of whatever theme the application has."""

from __future__ import annotations

from textual.widget import Widget

from app.tui.transcript.theme import STYLE_NAMES, Theme

__all__ = ("COMPONENT_CLASSES", "STYLE_SHEET", "theme_of")

COMPONENT_CLASSES = frozenset(f"transcript--{name.replace('_', '-')}" for name in STYLE_NAMES)


def theme_of(widget: Widget) -> Theme:
    """The styles as the style sheets make them for this widget now."""
    return Theme(
        **{
            name: widget.get_component_rich_style(f"transcript--{name.replace('_', '-')}")
            for name in STYLE_NAMES
        }
    )


STYLE_SHEET = """
TranscriptPage {
    height: 1fr;
    background: $background;
    color: $foreground;
    overflow-x: hidden;
    overflow-y: scroll;
    scrollbar-size-vertical: 1;
    scrollbar-background: $background;
    scrollbar-background-hover: $background;
    scrollbar-background-active: $background;
    scrollbar-color: $foreground 15%;
    scrollbar-color-hover: $foreground 30%;
    scrollbar-color-active: $accent;
}
TranscriptPage > .transcript--text { color: $foreground; }
TranscriptPage > .transcript--muted { color: $foreground 55%; }
TranscriptPage > .transcript--accent { color: $accent; }
TranscriptPage > .transcript--heading { color: $primary; text-style: bold; }
TranscriptPage > .transcript--subheading { color: $foreground; text-style: bold; }
TranscriptPage > .transcript--marker { color: $primary; }
TranscriptPage > .transcript--quote { color: $foreground 75%; text-style: italic; }
TranscriptPage > .transcript--quote-bar { color: $foreground 30%; }
TranscriptPage > .transcript--inline-code { color: $text-accent; background: $foreground 7%; }
TranscriptPage > .transcript--link { color: $text-primary; text-style: underline; }
TranscriptPage > .transcript--rule { color: $foreground 22%; }
TranscriptPage > .transcript--table-header { color: $foreground; text-style: bold; }
TranscriptPage > .transcript--table-line { color: $foreground 25%; }
TranscriptPage > .transcript--user { color: $foreground; background: $foreground 7%; }
TranscriptPage > .transcript--user-bar { color: $primary; background: $foreground 7%; }
TranscriptPage > .transcript--header { color: $primary 80%; }
TranscriptPage > .transcript--reasoning { color: $foreground 55%; }
TranscriptPage > .transcript--notice { color: $foreground 55%; }
TranscriptPage > .transcript--error { color: $text-error; }
TranscriptPage > .transcript--error-bar { color: $error; }
TranscriptPage > .transcript--code { color: $foreground 90%; background: $foreground 5%; }
TranscriptPage > .transcript--code-label { color: $foreground 45%; background: $foreground 5%; }
TranscriptPage > .transcript--code-comment {
    color: $foreground 45%; background: $foreground 5%; text-style: italic;
}
TranscriptPage > .transcript--code-keyword { color: $text-accent; background: $foreground 5%; }
TranscriptPage > .transcript--code-string { color: $text-success; background: $foreground 5%; }
TranscriptPage > .transcript--code-number { color: $text-warning; background: $foreground 5%; }
TranscriptPage > .transcript--code-name { color: $text-primary; background: $foreground 5%; }
TranscriptPage > .transcript--code-operator { color: $foreground 65%; background: $foreground 5%; }
TranscriptPage > .transcript--cursor { color: $accent; text-style: bold; }
TranscriptPage > .transcript--selection {
    color: $screen-selection-foreground; background: $screen-selection-background;
}
TranscriptPage > .transcript--match { color: $foreground; background: $warning 35%; }
TranscriptPage > .transcript--current-match { color: $background; background: $warning; }
TranscriptPage > .transcript--spoken { background: $primary 25%; }
TranscriptPage > .transcript--unheard { color: $foreground 45%; }
TranscriptPage > .transcript--pill { color: $background; background: $primary; text-style: bold; }
"""
