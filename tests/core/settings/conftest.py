"""A file of settings."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.settings import (
    load_settings,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def refusal(file: Path, text: str | bytes) -> ConfigurationError:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert caught.value.file == file
    return caught.value
