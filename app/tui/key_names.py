"""Keys as people write them."""

from __future__ import annotations

__all__ = ("key_names",)

_KEYS = {
    "escape": "Esc",
    "enter": "Enter",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "tab": "Tab",
    "delete": "Del",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "dollar_sign": "$",
    "slash": "/",
}


def key_names(keys: str) -> str:
    """Keys as people write them: ``ctrl+up,f5`` is ``Ctrl+↑ F5``."""
    return "  ".join("+".join(_key(part) for part in key.split("+")) for key in keys.split(",") if key)


def _key(part: str) -> str:
    if len(part) == 1 and part.isupper():
        return f"Shift+{part}"
    return _KEYS.get(part) or (part.upper() if len(part) == 1 or part[1:].isdigit() else part.capitalize())
