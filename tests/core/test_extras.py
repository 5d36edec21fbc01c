from __future__ import annotations

import sys

import pytest

from core import extras
from core.extras import install_command


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/me/.local/share/pipx/venvs/tensorwall", "pipx install --force 'tensorwall[voice]'"),
        ("/home/me/.local/share/uv/tools/tensorwall", "uv tool install --force 'tensorwall[voice]'"),
        ("/home/me/venv", f"{sys.executable} -m pip install 'tensorwall[voice]'"),
    ],
)
def test_the_extra_is_added_by_what_installed_us(
    prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "__file__", "/usr/lib/site-packages/core/extras.py")
    monkeypatch.setattr(sys, "prefix", prefix)
    assert install_command("voice") == command
