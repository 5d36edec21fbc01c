"""A setting is saved with everything else left as it was."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.locations import find_locations
from core.settings import (
    config_template,
    load_settings,
    save_setting,
)

KEPT = """\
# My settings.

[interface]   # the screen
fps = 60      # smooth

[chat]
# the model I like
model = "fast"
temperature = 0.5
"""


def test_a_save_changes_one_line_and_nothing_else(file: Path) -> None:
    file.write_text(KEPT)
    settings = save_setting(file, "chat.model", "smart")
    assert settings.chat.model == "smart"
    assert file.read_text() == KEPT.replace('"fast"', '"smart"')
    assert load_settings(file) == settings


def test_a_save_keeps_a_comment_behind_the_value(file: Path) -> None:
    file.write_text(KEPT)
    save_setting(file, "interface.fps", 20)
    assert "fps = 20      # smooth" in file.read_text()


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("chat.system_prompt", 'He said "hi"\nand \\left', lambda s: s.chat.system_prompt),
        ("interface.mouse", False, lambda s: s.interface.mouse),
        ("network.stall_timeout", 90.0, lambda s: s.network.stall_timeout),
        ("keymap.composer.send", "ctrl+j", lambda s: s.keymap["composer.send"]),
        (("keymap", "a.b"), "f2", lambda s: s.keymap["a.b"]),
        ("storage.url", "sqlite:///x.db", lambda s: s.storage.url),
    ],
)
@pytest.mark.parametrize("before", ["", KEPT, config_template()], ids=["empty", "some", "template"])
def test_a_saved_value_is_read_back(file: Path, before: str, key: Any, value: object, read: Any) -> None:
    file.write_text(before)
    save_setting(file, key, value)
    assert read(load_settings(file)) == value
    for line in before.splitlines():
        assert line in file.read_text()


def test_a_first_save_makes_file_and_folder(tmp_path: Path) -> None:
    save_setting(None, "interface.theme", "nord")
    assert find_locations().settings_file.read_text() == '[interface]\ntheme = "nord"\n'


def test_none_takes_a_setting_back(file: Path) -> None:
    file.write_text(KEPT)
    assert save_setting(file, "chat.temperature", None).chat.temperature is None
    assert file.read_text() == KEPT.replace("temperature = 0.5\n", "")
    untouched = file.read_text()
    save_setting(file, "storage.url", None)
    assert file.read_text() == untouched


def test_lists_of_tables_can_be_saved(file: Path) -> None:
    provider = {"name": "mine", "base_url": "http://10.0.0.2/v1"}
    settings = save_setting(file, "providers", [provider])
    assert settings.providers[0].name == "mine"
    assert load_settings(file) == settings


@pytest.mark.parametrize(
    ("key", "value"),
    [("chat.temperature", 9), ("chat.modle", "x"), ("nowhere.x", 1), ("chat", "x"), ("chat.model.x", "y")],
)
def test_a_save_that_would_break_the_file_is_refused(file: Path, key: str, value: object) -> None:
    file.write_text(KEPT)
    with pytest.raises(ConfigurationError):
        save_setting(file, key, value)
    assert file.read_text() == KEPT


def test_a_broken_file_is_never_overwritten(file: Path) -> None:
    file.write_text("[chat\n")
    with pytest.raises(ConfigurationError):
        save_setting(file, "chat.model", "x")
    assert file.read_text() == "[chat\n"


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_save_keeps_the_files_permissions(file: Path) -> None:
    file.write_text(KEPT)
    file.chmod(0o644)
    save_setting(file, "chat.model", "smart")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
