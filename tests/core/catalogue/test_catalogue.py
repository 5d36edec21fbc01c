"""Finding, aliases, successors and the merge with a provider's own list, on a catalogue of its own."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import Catalogue, load_catalogue
from core.catalogue.shipped import parse_models

TEXT = """
default_model = "new"
voice_model = "new"
title_model = "new"
local_providers = ["ollama"]

[aliases.llama]
groq = "oldest"
openai = "other"

[models.groq.new]
label = "New"
context_window = 1000
max_output_tokens = 100
[models.groq.oldest]
label = "Oldest"
state = "retired"
replacement = "old"
[models.groq.old]
label = "Old"
state = "enterprise"
replacement = "new"
[models.groq.one]
label = "One"
state = "retired"
replacement = "two"
[models.groq.two]
label = "Two"
state = "retired"
replacement = "one"
[models.groq.away]
label = "Away"
state = "retired"
replacement = "unlisted"
[models.groq.early]
label = "Early"
state = "preview"
[models.groq.ears]
label = "Ears"
kind = "transcription"
[models.openai.other]
label = "Other"
"""


@dataclass(frozen=True)
class Remote:
    id: str
    owned_by: str | None = None
    active: bool | None = True
    context_window: int | None = None
    max_completion_tokens: int | None = None


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(parse_models(TEXT))


def test_an_alias_is_what_the_provider_calls_it_and_itself_where_it_is_none(catalogue: Catalogue) -> None:
    assert catalogue.provider_model("llama", "groq") == "oldest"
    assert catalogue.provider_model("llama", "openai") == "other"
    assert catalogue.provider_model("llama", "mine") == "llama"
    assert catalogue.provider_model("new", "groq") == "new"


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("oldest", "new"),
        ("old", "new"),
        ("new", None),
        ("away", "unlisted"),
        ("one", None),  # a circle has no end
        ("never heard of", None),
    ],
)
def test_successors_are_followed_to_the_end(catalogue: Catalogue, model: str, end: str | None) -> None:
    assert catalogue.replacement("groq", model) == end
    assert catalogue.replacement("openai", model) is None


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 9), max_size=10), st.integers(0, 9))
def test_any_web_of_successors_ends(successors: dict[int, int], start: int) -> None:
    tables = "".join(
        f'[models.p."{model}"]\nlabel = "x"\nreplacement = "{successor}"\n'
        for model, successor in successors.items()
    )
    head = (
        'default_model = ""\nvoice_model = ""\ntitle_model = ""\nlocal_providers = []\n[aliases]\n[models]\n'
    )
    catalogue = Catalogue(parse_models(head + tables))
    end = catalogue.replacement("p", str(start))
    if end is not None:
        assert int(end) not in successors  # it has none itself
        assert end != str(start)


def test_a_successor_this_key_is_served_ends_the_chain_early(catalogue: Catalogue) -> None:
    catalogue.merge("groq", [Remote("old"), Remote("new")])
    assert catalogue.replacement("groq", "oldest") == "old"


def test_models_are_listed_usable_chat_models_first(catalogue: Catalogue) -> None:
    listed = [info.id for info in catalogue.models("groq")]
    assert listed[:3] == ["new", "early", "old"]
    assert listed[-1] == "ears"
    assert [info.id for info in catalogue.models("groq", kind="transcription")] == ["ears"]
    assert {info.provider for info in catalogue.models()} == {"groq", "openai"}


def test_what_the_provider_lists_is_merged_in(catalogue: Catalogue) -> None:
    catalogue.merge(
        "groq",
        [
            Remote("new", context_window=2000),
            Remote("brand/newer", owned_by="Brand", context_window=500, max_completion_tokens=50),
            Remote("oldest", active=False),
            Remote("whisper-9"),
        ],
    )
    new, newer = catalogue.find("groq", "new"), catalogue.find("groq", "brand/newer")
    early, oldest = catalogue.find("groq", "early"), catalogue.find("groq", "oldest")
    assert new is not None
    assert (new.context_window, new.max_output_tokens, new.offered) == (2000, 100, True)
    assert newer is not None
    assert (newer.context_window, newer.max_output_tokens, newer.listed) == (500, 50, False)
    assert newer.usable
    assert early is not None
    assert early.offered is False
    assert not early.usable
    assert oldest is not None
    assert oldest.offered is False
    assert [info.id for info in catalogue.models("groq", kind="transcription")] == ["whisper-9", "ears"]
    other = catalogue.find("openai", "other")
    assert other is not None
    assert other.offered is None


def test_a_second_merge_starts_afresh(catalogue: Catalogue) -> None:
    catalogue.merge("groq", [Remote("brand/newer"), Remote("new", context_window=2000)])
    catalogue.merge("groq", [Remote("early")])
    assert catalogue.find("groq", "brand/newer") is None
    early, new = catalogue.find("groq", "early"), catalogue.find("groq", "new")
    assert early is not None
    assert early.usable
    assert new is not None
    assert (new.context_window, new.offered) == (1000, False)


def test_an_empty_list_is_no_evidence(catalogue: Catalogue) -> None:
    before = catalogue.models()
    catalogue.merge("groq", [])
    assert catalogue.models() == before
    assert catalogue.fetched_at("groq") is None


# --- the offline copy -----------------------------------------------------------------------


def test_the_list_is_kept_for_an_offline_start(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "models.json"
    when = datetime(2026, 11, 20, 12, tzinfo=UTC)
    online = load_catalogue(path)
    online.merge(
        "groq", [Remote("brand/newer", context_window=500), Remote("openai/gpt-oss-20b")], fetched_at=when
    )
    online.save_offers(path)

    offline = load_catalogue(path)
    assert offline.models() == online.models()
    assert offline.fetched_at("groq") == when
    gone = offline.find("groq", "openai/gpt-oss-120b")
    assert gone is not None
    assert not gone.usable


def test_saving_keeps_what_another_process_saved(tmp_path: Path, catalogue: Catalogue) -> None:
    path, when = tmp_path / "models.json", datetime(2026, 11, 20, tzinfo=UTC)
    first, second = load_catalogue(path), load_catalogue(path)
    first.merge("groq", [Remote("newer list")], fetched_at=when)
    first.merge("openai", [Remote("other")], fetched_at=when)
    first.save_offers(path)
    second.merge("groq", [Remote("older list")], fetched_at=when - timedelta(days=1))
    second.save_offers(path)
    read = load_catalogue(path)
    assert read.find("groq", "newer list")
    assert read.find("openai", "other")
    assert read.find("groq", "older list") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"[" * 100_000,
        b'{"format": 99, "providers": {}}',
        b'{"format": 1}',
        b'{"format": 1, "providers": []}',
        b'{"format": 1, "providers": {"groq": {"fetched_at": "yesterday", "models": []}}}',
        b'{"format": 1, "providers": {"groq": {"fetched_at": "2026-11-20T00:00:00", "models": []}}}',
        b'{"format": 1, "providers": {"groq": {"fetched_at": "2026-11-20T00:00:00Z", "models": {}}}}',
        b'{"format": 1, "providers": {"g": {"fetched_at": "2026-11-20T00:00:00Z", "models": [{"id": 7}]}}}',
        b'{"format": 1, "providers": {"groq": {"fetched_at": "2026-11-20T00:00:00Z", "models": [{"x": 7}]}}}',
        b'{"format": 1, "providers": {"groq": {"fetched_at": "2026-11-20T00:00:00Z",'
        b' "models": [{"id": "a", "context_window": "big"}]}}}',
    ],
    ids=range(14),
)
def test_a_damaged_copy_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(content)
    catalogue = load_catalogue(path)
    assert catalogue.models() == load_catalogue().models()
    catalogue.merge("groq", [Remote("new one")])
    catalogue.save_offers(path)
    assert load_catalogue(path).find("groq", "new one")


@given(st.binary(max_size=200))
def test_no_copy_crashes_the_start(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("copy") / "models.json"
    path.write_bytes(content)
    assert load_catalogue(path).models() == load_catalogue().models()


def test_loading_imports_no_price_library() -> None:
    script = (
        "import sys; from core.catalogue import load_catalogue; load_catalogue();"
        "print([name for name in ('genai_prices', 'httpx', 'pydantic_settings') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
