"""What ``assets/models.toml`` says, against the documents it was taken from."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from core.catalogue import Catalogue, load_catalogue

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


OWNERS_TABLE = [
    # model, input, output, shut down, what to use today
    ("llama-3.3-70b-versatile", "0.59", "0.79", date(2026, 8, 16), "openai/gpt-oss-120b"),
    ("llama-3.1-70b-versatile", "0.59", "0.79", date(2025, 1, 24), "openai/gpt-oss-120b"),
    ("llama-3.1-8b-instant", "0.05", "0.08", date(2026, 8, 16), "openai/gpt-oss-20b"),
    ("llama3-70b-8192", "0.59", "0.79", date(2025, 8, 30), "openai/gpt-oss-120b"),
    ("llama3-8b-8192", "0.05", "0.08", date(2025, 8, 30), "openai/gpt-oss-20b"),
    ("mixtral-8x7b-32768", "0.24", "0.24", date(2025, 3, 20), "openai/gpt-oss-120b"),
    ("gemma2-9b-it", "0.20", "0.20", date(2025, 10, 8), "openai/gpt-oss-20b"),
]


@pytest.mark.parametrize(("model", "input_price", "output_price", "shutdown", "today"), OWNERS_TABLE)
def test_every_model_of_the_owners_table_has_its_price_end_and_successor(
    catalogue: Catalogue, model: str, input_price: str, output_price: str, shutdown: date, today: str
) -> None:
    info = catalogue.find("groq", model)
    assert info is not None
    assert info.kind == "chat"
    assert info.shutdown_date == shutdown
    assert info.state in ("retired", "enterprise")
    assert not info.usable
    assert catalogue.replacement("groq", model) == today
    price = catalogue.price("groq", model, NOW)
    assert price is not None
    assert (price.input, price.output) == (Decimal(input_price), Decimal(output_price))
    assert price.source


@pytest.mark.parametrize(
    ("model", "prices", "window", "cap"),
    [
        ("openai/gpt-oss-120b", ("0.15", "0.075", "0.60"), 131_072, 65_536),
        ("openai/gpt-oss-20b", ("0.075", "0.0375", "0.30"), 131_072, 65_536),
        ("qwen/qwen3.8-27b", ("0.80", None, "4.00"), 131_072, 16_384),
    ],
)
def test_todays_groq_models(
    catalogue: Catalogue, model: str, prices: tuple[str, str | None, str], window: int, cap: int
) -> None:
    info, price = catalogue.find("groq", model), catalogue.price("groq", model, NOW)
    assert info is not None
    assert info.usable
    assert (info.context_window, info.max_output_tokens) == (window, cap)
    assert info.limits["free"].tokens_per_minute == 8000
    assert "reasoning" in info.capabilities
    assert price is not None
    cached = None if prices[1] is None else Decimal(prices[1])
    assert (price.input, price.cached_input, price.output) == (Decimal(prices[0]), cached, Decimal(prices[2]))


def test_what_models_can_do_decides_designs(catalogue: Catalogue) -> None:
    large, seeing = catalogue.find("groq", "openai/gpt-oss-120b"), catalogue.find("groq", "qwen/qwen3.8-27b")
    assert large is not None
    assert seeing is not None
    assert large.reasoning_efforts == ("low", "medium", "high")  # gpt-oss cannot be kept from reasoning
    assert {"strict_schema", "tools"} <= large.capabilities
    assert "parallel_tools" not in large.capabilities
    assert seeing.reasoning_efforts[0] == "none"
    assert "vision" in seeing.capabilities
    assert [
        info.id
        for info in catalogue.models("groq", kind="chat")
        if "vision" in info.capabilities and info.usable
    ] == ["qwen/qwen3.8-27b"]


def test_the_defaults_are_usable_chat_models(catalogue: Catalogue) -> None:
    assert catalogue.default_model == "openai/gpt-oss-120b"
    assert catalogue.voice_model == "openai/gpt-oss-20b"
    for model in (catalogue.default_model, catalogue.voice_model, catalogue.title_model):
        info = catalogue.find("groq", model)
        assert info is not None
        assert info.usable
        assert info.kind == "chat"


def test_every_successor_and_alias_names_a_model_that_is_known(catalogue: Catalogue) -> None:
    for info in catalogue.models():
        if info.replacement is not None:
            assert catalogue.find(info.provider, info.replacement), info.id
            end = catalogue.replacement(info.provider, info.id)
            assert end is not None
            successor = catalogue.find(info.provider, end)
            assert successor is not None
            assert successor.usable, info.id
            assert successor.kind == info.kind
    for alias in catalogue.aliases:
        for provider in ("groq", "openai"):
            if (model := catalogue.provider_model(alias, provider)) != alias:
                assert catalogue.find(provider, model), alias


def test_values_are_of_the_closed_lists(catalogue: Catalogue) -> None:
    known = {"vision", "tools", "parallel_tools", "json_object", "json_schema", "strict_schema", "reasoning"}
    for info in catalogue.models():
        assert info.kind in ("chat", "transcription", "speech", "guard")
        assert info.state in ("active", "preview", "enterprise", "retired")
        assert info.capabilities <= known
        assert set(info.reasoning_efforts) <= {"none", "minimal", "low", "medium", "high"}
        assert (info.state == "retired") <= (info.shutdown_date is not None)


def test_audio_is_priced_by_the_hour_and_by_the_character(catalogue: Catalogue) -> None:
    whisper = catalogue.speech_price("groq", "whisper-large-v3-turbo", NOW)
    assert whisper is not None
    assert whisper.cost_of_audio(3600) == Decimal("0.04")
    assert whisper.cost_of_audio(1) == whisper.cost_of_audio(10)  # at least ten seconds are billed
    assert whisper.cost_of_audio(0) == 0
    assert whisper.cost_of_speech(100) is None
    orpheus = catalogue.speech_price("groq", "canopylabs/orpheus-v1-english", NOW)
    assert orpheus is not None
    assert orpheus.cost_of_speech(600) == Decimal("0.0132")
    assert orpheus.cost_of_audio(60) is None
    assert catalogue.price("groq", "whisper-large-v3-turbo", NOW) is None
