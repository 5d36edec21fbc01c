"""TensorWall's own themes, beside the ones Textual brings."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ("DEFAULT_THEME", "THEMES")

DEFAULT_THEME = "tensorwall"

THEMES = (
    Theme(
        name="tensorwall",
        primary="#82aaff",
        secondary="#9db2d6",
        accent="#c3a6ff",
        success="#8cc98f",
        warning="#e3b271",
        error="#ec7c83",
        foreground="#d7dbe4",
        background="#14161b",
        surface="#1b1e25",
        panel="#262a33",
        dark=True,
        variables={
            "border": "#3a4050",
            "border-blurred": "#262a33",
            "scrollbar": "#2d323d",
            "scrollbar-hover": "#434a5a",
            "scrollbar-active": "#82aaff",
            "scrollbar-background": "#14161b",
            "scrollbar-background-hover": "#14161b",
            "scrollbar-background-active": "#14161b",
            "scrollbar-corner-color": "#14161b",
            "input-selection-background": "#82aaff 30%",
            "block-cursor-background": "#2f3a52",
            "block-cursor-foreground": "#e8ecf5",
            "block-cursor-text-style": "none",
        },
    ),
    Theme(
        name="tensorwall-light",
        primary="#2f5fb3",
        secondary="#55698c",
        accent="#7a4fb5",
        success="#2f7d43",
        warning="#8f5e00",
        error="#b3303a",
        foreground="#24292f",
        background="#fbfaf7",
        surface="#f3f1ec",
        panel="#e7e4dc",
        dark=False,
        variables={
            "border": "#b9b4a8",
            "border-blurred": "#d8d4ca",
            "scrollbar": "#d3cec2",
            "scrollbar-hover": "#bbb5a7",
            "scrollbar-active": "#2f5fb3",
            "scrollbar-background": "#fbfaf7",
            "scrollbar-background-hover": "#fbfaf7",
            "scrollbar-background-active": "#fbfaf7",
            "scrollbar-corner-color": "#fbfaf7",
            "input-selection-background": "#2f5fb3 25%",
            "block-cursor-background": "#d6e0f2",
            "block-cursor-foreground": "#1c2733",
            "block-cursor-text-style": "none",
        },
    ),
)
