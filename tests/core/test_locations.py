import os
from pathlib import Path

import pytest

from core.locations import Locations, find_locations


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
