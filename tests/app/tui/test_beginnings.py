"""Around the app: descriptor 2, the first look at the settings, imports before the first paint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.terminal import Terminal
from app.tui.launch import first_look
from core.locations import find_locations

ROOT = Path(__file__).parents[3]


def test_nothing_heavy_is_imported_before_the_first_paint() -> None:
    heavy = (
        "alembic", "genai_prices", "httpx", "keyring", "pydantic", "pydantic_settings",
        "sqlalchemy", "tomlkit", "app.composition", "core.catalogue", "core.providers", "core.routing",
    )  # fmt: skip
    code = f"import sys, app.tui.application; print([name for name in {heavy!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_first_look_forgives_everything() -> None:
    locations = find_locations()
    assert first_look(locations) == (None, True)
    locations.settings_file.parent.mkdir(parents=True)
    for text, seen in (
        ('[interface]\ntheme = "nord"\nmouse = false\n', ("nord", False)),
        ("interface = 3\n", (None, True)),
        ("[interface]\ntheme = 3\n", (None, True)),
        ("not toml", (None, True)),
    ):
        locations.settings_file.write_text(text, "utf-8")
        assert first_look(locations) == seen


def test_the_terminal_is_known_by_its_environment() -> None:
    remote = Terminal.from_environment({"SSH_CONNECTION": "x", "TMUX": "y", "EDITOR": "vi", "VISUAL": "hx"})
    assert remote == Terminal(remote=True, multiplexer="tmux", editor="hx")
    assert Terminal.from_environment({"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}) == Terminal(
        wayland=True, x11=True
    )
