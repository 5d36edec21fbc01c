from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SpeechModelUnusable
from core.voice.transcription.models import (
    KNOWN_MODELS,
    PARTIAL_SUFFIX,
    KnownModel,
    find_model,
    is_english_only,
    known_model,
    model_name,
)


def placed(model: KnownModel, models_dir: Path) -> Path:
    """Files of the right sizes that take no room."""
    folder = models_dir / model.name
    folder.mkdir(parents=True)
    for file in model.files:
        with (folder / file.name).open("wb") as made:
            made.truncate(file.size)
    return folder


def base() -> KnownModel:
    model = known_model("base")
    assert model
    return model


def test_every_known_model_is_pinned_and_checked() -> None:
    for model in KNOWN_MODELS:
        assert len(model.revision) == 40
        assert [len(file.sha256) for file in model.files if file.name == "model.bin"] == [64]
        assert {"config.json", "tokenizer.json", "model.bin"} < {file.name for file in model.files}
    assert KNOWN_MODELS[0].name == "tiny"
    assert known_model("large-v3-turbo") is known_model("turbo")


def test_a_known_model_is_found_by_name(tmp_path: Path) -> None:
    folder = placed(base(), tmp_path)
    assert find_model("base", tmp_path) == folder
    assert find_model(folder, tmp_path) == folder


def test_one_that_is_missing_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SpeechModelUnusable, match="not on this machine") as raised:
        find_model("tiny.en", tmp_path)
    assert raised.value.hint == "Run `tensorwall voice setup --model tiny.en` to download it (78 MB)."


def test_half_a_download_is_no_model(tmp_path: Path) -> None:
    (tmp_path / f"base{PARTIAL_SUFFIX}").mkdir()
    with pytest.raises(SpeechModelUnusable, match="half downloaded"):
        find_model("base", tmp_path)


@pytest.mark.parametrize("name", ["model.bin", "tokenizer.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = placed(base(), tmp_path)
    (folder / name).write_bytes(b"short")
    with pytest.raises(SpeechModelUnusable, match=f"has a damaged {name}"):
        find_model("base", tmp_path)
    (folder / name).unlink()
    with pytest.raises(SpeechModelUnusable, match=f"has no {name}"):
        find_model("base", tmp_path)


def test_a_folder_needs_weights_and_tokenizer(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(SpeechModelUnusable, match=r"has no model\.bin"):
        find_model(folder, tmp_path)
    for name in ("model.bin", "config.json"):
        (folder / name).touch()
    with pytest.raises(SpeechModelUnusable, match=r"has no tokenizer\.json"):
        find_model(str(folder), tmp_path)
    (folder / "tokenizer.json").touch()
    assert find_model(str(folder), tmp_path) == folder


def test_mistyped_paths_and_names_are_told_apart(tmp_path: Path) -> None:
    placed(base(), tmp_path)
    with pytest.raises(SpeechModelUnusable, match="does not exist") as raised:
        find_model("~/modles/base", tmp_path)
    assert "On this machine by name: base." in raised.value.hint
    file = tmp_path / "model.bin"
    file.touch()
    with pytest.raises(SpeechModelUnusable, match="is a file"):
        find_model(file, tmp_path)
    with pytest.raises(SpeechModelUnusable, match=r"called smal\. Did you mean small\?"):
        find_model("smal", tmp_path)


def test_names_for_the_screen() -> None:
    assert model_name("tiny.en") == "tiny.en"
    assert model_name("/opt/models/german-whisper/") == "german-whisper"
    assert is_english_only("tiny.en")
    assert not is_english_only("/models/base")
