import os
import stat
from pathlib import Path

import pytest

from core.locations import Locations, find_locations, replace_file


def test_one_variable_puts_everything_under_one_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TENSORWALL_HOME", str(tmp_path))
    found = find_locations()
    assert found == Locations.under(tmp_path)
    for path in (found.settings_file, found.credentials_file, found.database_file, found.models_file):
        assert path.is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_a_home_may_be_relative_or_begin_with_a_tilde(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TENSORWALL_HOME", "~/wall")
    assert find_locations() == Locations.under(tmp_path / "wall")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENSORWALL_HOME", "here")
    assert find_locations() == Locations.under(tmp_path / "here")


@pytest.mark.skipif(os.name != "posix", reason="the XDG folders are for POSIX systems")
@pytest.mark.parametrize("unset", ["", "  "])
def test_without_it_the_platform_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unset: str) -> None:
    monkeypatch.setenv("TENSORWALL_HOME", unset)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("CONFIG", "DATA", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    assert find_locations() == Locations(
        tmp_path / "CONFIG" / "tensorwall",
        tmp_path / "DATA" / "tensorwall",
        tmp_path / "CACHE" / "tensorwall",
    )


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_replaced_file_and_its_folders_are_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    replace_file(path, "one\r\ntwo\n")
    assert path.read_bytes() == b"one\r\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    replace_file(path, "three", keep_mode=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    replace_file(path, "four")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "config.toml"
    replace_file(real, "old")
    link.symlink_to(real)
    replace_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
