"""Small files are replaced whole, and are their owner's alone."""

import os
import stat
from pathlib import Path

import pytest

from core.files import create_file, replace_file


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


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_a_new_file_has_the_usual_permissions_and_replaces_none(tmp_path: Path) -> None:
    path, usual = tmp_path / "costs.csv", tmp_path / "usual"
    usual.touch()
    create_file(path, "one\n")
    assert path.read_bytes() == b"one\n"
    assert path.stat().st_mode == usual.stat().st_mode
    with pytest.raises(FileExistsError):
        create_file(path, "two\n")
    assert path.read_bytes() == b"one\n"


def test_a_new_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        create_file(tmp_path / "file", "new \ud800")
    assert list(tmp_path.iterdir()) == []
