"""Recordings to text and text to sound over HTTP: by this machine, and by Groq as the simulator plays it."""

from __future__ import annotations

import asyncio
import io
import time
import uuid
import wave
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import create_engine, select

from core.catalogue import load_catalogue
from core.keys import KeyBudget, KeyScopes
from core.keys.keys import Keys
from core.locations import Locations
from core.records import open_records
from core.storage.tables import calls
from core.voice.synthesis.sound_file import read_sound
from core.voice.synthesis.sound_formats import SOUND_FORMATS, sound_type
from tests.gateway_process import RunningGateway, gateway_process
from tests.simulated import Simulated
from tests.voice_models import Clip, whisper_base

pytestmark = pytest.mark.skipif(
    find_spec("faster_whisper") is None, reason="the voice extra is not installed"
)

ORPHEUS = "canopylabs/orpheus-v1-english"
SAYING = "Ask not what your country can do for you."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "home"


@pytest.fixture(scope="module")
def gateway(simulator_url: str, random_whisper: Path, home: Path) -> Iterator[RunningGateway]:
    settings = f'[voice]\nmodel = "{random_whisper}"\n[gateway]\nmax_body_mb = 1\n'
    if weights := whisper_base():
        models = Locations.under(home).speech_models_dir
        models.mkdir(parents=True)
        (models / "base").symlink_to(weights)
    with gateway_process(home, simulator_url, settings=settings) as running:
        yield running


class Caller:
    """A client of the gateway; what it asks for is found again in the ledger by the request's name."""

    def __init__(self, gateway: RunningGateway, simulator: Simulated, home: Path) -> None:
        self.client = httpx.Client(
            base_url=f"{gateway.root}/v1",
            headers={"X-API-Key": gateway.key, "Authorization": f"Bearer {simulator.api_key}"},
            trust_env=False,
            verify=False,
            timeout=30,
        )
        self._engine = create_engine(f"sqlite:///{Locations.under(home).database_file}")

    def speak(
        self, text: str = SAYING, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        body = {"model": "local", "voice": "default", "input": text, **fields}
        return self.client.post("/audio/speech", json=body, headers=headers)

    def hear(
        self,
        recording: bytes,
        headers: dict[str, str] | None = None,
        *,
        name: str = "speech.wav",
        task: str = "transcriptions",
        **fields: Any,
    ) -> httpx.Response:
        files = {"file": (name, recording)}
        data = {"model": "local", **fields}
        return self.client.post(f"/audio/{task}", files=files, data=data, headers=headers)

    def rows(self, request_id: str) -> list[Any]:
        """The calls of a request, in order."""
        query = select(calls).where(calls.c.client_request_id == request_id).order_by(calls.c.started_at)
        with self._engine.connect() as connection:
            return list(connection.execute(query))

    def close(self) -> None:
        self.client.close()
        self._engine.dispose()


@pytest.fixture
def caller(gateway: RunningGateway, simulator: Simulated, home: Path) -> Iterator[Caller]:
    made = Caller(gateway, simulator, home)
    yield made
    made.close()


def sound(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        noise = np.random.default_rng(0).normal(0, 300, int(seconds * 16_000))
        writer.writeframes(noise.astype("<i2").tobytes())
    return file.getvalue()


def named(**headers: str) -> dict[str, str]:
    return {"X-Request-ID": uuid.uuid4().hex, **headers}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    return answer.json()["error"]  # type: ignore[no-any-return]


def wait_for(condition: Callable[[], object]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def keys(home: Path, gateway: RunningGateway) -> Callable[[Callable[[Keys], Awaitable[Any]]], Awaitable[Any]]:
    """Does something with the gateway's keys, as another process that is on its database."""

    async def act(on: Callable[[Keys], Awaitable[Any]]) -> Any:
        records = await open_records(Locations.under(home).database_file, load_catalogue())
        try:
            return await on(records.keys)
        finally:
            await records.aclose()

    return act


@pytest.fixture(scope="module")
def key_with(keys: Callable[..., Awaitable[Any]]) -> Callable[..., dict[str, str]]:
    """Makes a further key of the gateway; gives the header to send."""

    def make(**scopes: Any) -> dict[str, str]:
        _, secret = asyncio.run(keys(lambda known: known.create(uuid.uuid4().hex, KeyScopes(**scopes))))
        return {"X-API-Key": secret}

    return make


# Speech.


@pytest.mark.parametrize("kind", SOUND_FORMATS)
def test_this_machine_speaks_in_each_format(caller: Caller, kind: str) -> None:
    answer = caller.speak(response_format=kind)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == sound_type(kind)
    assert answer.headers["x-tensorwall-route"] == "local/voice"
    assert answer.headers["x-tensorwall-cost"] == "0"
    seconds = len(answer.content) / 48_000 if kind == "pcm" else read_sound(answer.content).seconds
    assert 1.5 < seconds < 5


def test_speed_and_voice_count(caller: Caller) -> None:
    def seconds(**fields: Any) -> float:
        answer = caller.speak(response_format="wav", **fields)
        assert answer.status_code == 200, answer.text
        return read_sound(answer.content).seconds

    assert seconds(speed=2) < 0.7 * seconds(speed=0.7)
    assert seconds(voice="gmw/de") != seconds(voice="default")


def test_what_was_spoken_here_is_in_the_ledger_with_its_key_and_feature(caller: Caller) -> None:
    headers = named(**{"X-Feature": "newsreader"})
    assert caller.speak(headers=headers).status_code == 200
    (row,) = caller.rows(headers["X-Request-ID"])
    assert (row.provider, row.model, row.feature, row.outcome) == ("local", "voice", "newsreader", "answered")
    assert (row.characters, row.cost, row.writer) == (len(SAYING), 0, None)
    assert row.key_id


def test_groq_speaks_long_texts_in_portions_each_booked(caller: Caller, simulator: Simulated) -> None:
    headers, text = named(), "Hello there, world. " * 25
    answer = caller.speak(text, model=ORPHEUS, voice="hannah", response_format="flac", headers=headers)
    assert answer.status_code == 200, answer.text
    assert read_sound(answer.content).seconds > 10
    rows = caller.rows(headers["X-Request-ID"])
    assert [row.outcome for row in rows] == ["answered"] * 3
    assert sum(row.characters for row in rows) == len(text)
    assert answer.headers["x-tensorwall-attempts"] == "3"
    cost = Decimal(22) * len(text) / 1_000_000
    assert sum(row.cost for row in rows) == Decimal(answer.headers["x-tensorwall-cost"]) == cost
    assert {request["body"]["voice"] for request in simulator.requests()} == {"hannah"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"input": "***"}, "input"),
        ({"model": ""}, "model"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": 7}, "voice"),
        ({"response_format": "midi"}, "response_format"),
        ({"speed": 9}, "speed"),
        ({"speed": True}, "speed"),
        ({"stream_format": "sse"}, "stream_format"),
        ({"model": "openai/gpt-oss-20b"}, "model"),
        ({"model": ORPHEUS, "voice": None}, "voice"),
    ],
)
def test_what_cannot_be_spoken_is_refused_with_the_field(
    caller: Caller, fields: dict[str, Any], param: str
) -> None:
    fields = dict(fields)
    answer = caller.speak(
        **{"text": fields.get("input", SAYING), **{k: v for k, v in fields.items() if k != "input"}}
    )
    assert answer.status_code == 400, answer.text
    assert error_of(answer)["param"] == param


# Transcripts.


@pytest.mark.parametrize("model", ["local", "whisper-large-v3-turbo"])
@pytest.mark.parametrize("wanted", ["json", "text", "verbose_json", "srt", "vtt"])
def test_each_format_is_given_by_this_machine_and_by_groq(
    caller: Caller, simulator: Simulated, model: str, wanted: str
) -> None:
    simulator.configure(heard="Ask not what your country")
    said = "" if model == "local" else "Ask not what your country"  # of noise, a model here makes nothing
    answer = caller.hear(sound(2), model=model, response_format=wanted)
    assert answer.status_code == 200, answer.text
    if wanted.endswith("json"):
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["text"].strip() == said
        if wanted == "verbose_json":
            assert answer.json()["duration"] == 2
            assert len(answer.json()["segments"]) == bool(said)
        return
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    times = {
        "text": "",
        "srt": "1\n00:00:00,000 --> 00:00:02,000\n",
        "vtt": "00:00:00.000 --> 00:00:02.000\n",
    }
    head = "WEBVTT\n\n" if wanted == "vtt" else ""
    assert answer.text.strip() == (f"{head}{times[wanted]}{said}" if said else head).strip()


def test_what_a_person_says_is_understood_here(
    caller: Caller, whisper_weights: Path, speech: tuple[Clip, ...]
) -> None:
    recording = next(clip for clip in speech if "amiable himself" in clip.words).file.read_bytes()
    fields = {"model": "local/base", "language": "en", "response_format": "verbose_json"}
    heard = caller.hear(recording, **fields, **{"timestamp_granularities[]": ["word"]}).json()
    assert heard["text"] == "He might even have been made amiable himself."
    assert [word["word"] for word in heard["words"]] == heard["text"].split()
    assert heard["language"] == "en"
    (segment,) = heard["segments"]
    assert segment["avg_logprob"] < 0
    assert segment["start"] < segment["end"] <= heard["duration"]
    subtitles = caller.hear(recording, model="local/base", response_format="vtt").text
    assert subtitles.startswith("WEBVTT\n\n00:00:0")
    assert "He might even have been" in subtitles


def test_groq_is_sent_the_form_as_it_came_and_its_answer_goes_on(
    caller: Caller, simulator: Simulated
) -> None:
    simulator.configure(heard="Hello")
    headers = named()
    answer = caller.hear(
        sound(12), headers, name="note.WAV", model="whisper-large-v3", prompt="Zürich", temperature="0.2"
    )
    assert answer.json()["x_groq"]["id"]
    (received,) = simulator.requests()
    assert received["body"] == {
        "model": "whisper-large-v3",
        "prompt": "Zürich",
        "temperature": "0.2",
        "filename": "speech.wav",
        "file_bytes": len(sound(12)),
    }
    (row,) = caller.rows(headers["X-Request-ID"])
    assert (row.provider, row.feature, row.outcome, row.audio_seconds) == ("groq", "gateway", "answered", 12)
    assert row.cost == (Decimal("0.111") * 12 / 3600).quantize(Decimal("1e-12"))


def test_translations_are_a_providers(caller: Caller, simulator: Simulated) -> None:
    simulator.configure(heard="Good morning")
    answer = caller.hear(
        sound(1), task="translations", model="whisper-large-v3", response_format="verbose_json"
    )
    assert (answer.json()["task"], answer.json()["text"].strip()) == ("translate", "Good morning")
    assert error_of(caller.hear(sound(1), task="translations", model="whisper-large-v3-turbo"))["message"]
    refused = caller.hear(sound(1), task="translations")
    assert (refused.status_code, error_of(refused)["param"]) == (400, "model")


def test_how_long_a_recording_is_is_measured_and_not_believed(caller: Caller) -> None:
    """Else whoever writes less into a header pays less of its key's budget."""

    def seconds(recording: bytes, name: str) -> float:
        dry = named(**{"X-Dry-Run": "true"})
        told = caller.hear(recording, dry, name=name, model="whisper-large-v3").json()
        return float(told["estimate"]["seconds"])

    once = caller.speak(response_format="mp3").content
    assert seconds(once * 2, "a.mp3") > 1.9 * seconds(once, "a.mp3")  # whose header tells of the first half
    streamed = bytearray(sound(20))
    streamed[40:44] = b"\xff" * 4  # written to a pipe: no length was known
    assert seconds(bytes(streamed), "a.wav") == 20
    assert seconds(b"x" * 15_000, "a.wav") == 20  # what cannot be read, at its longest


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": ""}, 400, "model"),
        ({"model": "local/nothing"}, 404, "model"),
        ({"model": "local/tiny"}, 404, "model"),  # known, and not fetched
        ({"model": "local//etc"}, 404, "model"),
        ({"model": ORPHEUS}, 400, "model"),
        ({"response_format": "pdf"}, 400, "response_format"),
        ({"language": "xx"}, 400, "language"),
        ({"language": "en-GB"}, 400, "language"),
        ({"timestamp_granularities[]": "syllable"}, 400, "timestamp_granularities"),
        ({"stream": "true"}, 400, "stream"),
        ({"a" * 65: "1"}, 400, None),
        ({f"f{number}": "1" for number in range(70)}, 400, None),
    ],
)
def test_what_cannot_be_transcribed_is_refused_with_the_field(
    caller: Caller, fields: dict[str, Any], status: int, param: str | None
) -> None:
    spoken = caller.speak(response_format="wav").content if "language" in fields else sound(1)
    answer = caller.hear(spoken, **fields)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["param"] == param


def test_forms_that_are_none_and_files_that_hold_no_sound_are_refused(caller: Caller) -> None:
    post = caller.client.post
    broken = {"content-type": "multipart/form-data; boundary=x"}
    for answer in (
        post("/audio/transcriptions", json={"model": "local"}),
        post("/audio/transcriptions", content=b"--y\r\n", headers=broken),
        post("/audio/transcriptions", content=b"x", headers={"content-type": "multipart/form-data"}),
        post("/audio/transcriptions", files={"other": b"x"}, data={"model": "local"}),
        caller.hear(b""),
        caller.hear(b"Dear reader"),
    ):
        assert answer.status_code == 400, answer.text
        assert error_of(answer)["type"] == "invalid_request_error"


def test_what_is_too_large_is_refused_with_its_length_and_without(caller: Caller) -> None:
    assert caller.hear(sound(40)).status_code == 413
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    endless = (piece for piece in [head, *[bytes(65_536)] * 40])
    answer = caller.client.post(
        "/audio/transcriptions", content=endless, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status_code, error_of(answer)["code"]) == (413, "request_too_large")


# Money and keys.


def test_a_dry_run_books_and_sends_nothing(caller: Caller, simulator: Simulated) -> None:
    headers = named(**{"X-Dry-Run": "true"})
    heard = caller.hear(sound(5), headers, model="whisper-large-v3-turbo").json()
    assert heard["route"] == {"provider": "groq", "model": "whisper-large-v3-turbo"}
    assert Decimal(heard["estimate"]["worst_cost_usd"]) == (Decimal("0.04") / 360).quantize(Decimal("1e-12"))
    spoken = caller.speak(model=ORPHEUS, voice="troy", headers=headers).json()
    assert spoken["estimate"]["characters"] == len(SAYING)
    assert caller.speak(headers=headers).json()["estimate"]["worst_cost_usd"] == "0"
    assert (simulator.requests(), caller.rows(headers["X-Request-ID"])) == ([], [])


def test_a_key_is_kept_to_its_endpoints_and_models(
    caller: Caller, key_with: Callable[..., dict[str, str]]
) -> None:
    chat_alone = key_with(endpoints=("chat",))
    assert caller.speak(headers=chat_alone).status_code == 403
    here_alone = key_with(endpoints=("audio",), models=("local*",))
    assert caller.speak(headers=here_alone).status_code == 200
    refused = caller.hear(sound(1), here_alone, model="whisper-large-v3")
    assert (refused.status_code, error_of(refused)["code"]) == (403, "key_scope")


def test_the_budget_of_a_key_holds_for_speech_of_many_at_once(
    caller: Caller, simulator: Simulated, key_with: Callable[..., dict[str, str]]
) -> None:
    one = Decimal(22) * len(SAYING) / 1_000_000
    headers = named(**key_with(budgets=(KeyBudget("day", 3 * one + one / 2),)))

    def ask(_: int) -> httpx.Response:
        return caller.speak(model=ORPHEUS, voice="troy", headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 5
    refusal = error_of(next(answer for answer in answers if answer.status_code == 429))
    assert refusal["code"] == "insufficient_quota"
    assert "of the key gw_" in refusal["message"]
    assert len(simulator.requests()) == len(caller.rows(headers["X-Request-ID"])) == 3
    assert caller.speak(headers=headers).status_code == 200  # what costs nothing goes on


def test_a_key_that_is_revoked_elsewhere_is_refused_at_once(
    caller: Caller, keys: Callable[..., Awaitable[Any]], key_with: Callable[..., dict[str, str]]
) -> None:
    headers = key_with()
    assert caller.speak(headers=headers).status_code == 200
    asyncio.run(keys(lambda known: known.revoke(headers["X-API-Key"])))
    answer = caller.speak(headers=headers)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "revoked_api_key")


# What goes wrong.


def test_a_providers_failure_is_told_and_booked_at_no_cost(caller: Caller, simulator: Simulated) -> None:
    simulator.fail("rate_limited", path="transcription", retry_after=7)
    headers = named()
    answer = caller.hear(sound(1), headers, model="whisper-large-v3")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    (row,) = caller.rows(headers["X-Request-ID"])
    assert (row.outcome, row.cost, row.error_type) == ("failed", 0, "RateLimited")


@pytest.mark.parametrize("path", ["transcription", "speech"])
def test_the_call_ends_when_the_client_goes(caller: Caller, simulator: Simulated, path: str) -> None:
    simulator.fail("hang", path=path)
    headers = named()

    def ask() -> None:
        if path == "speech":
            caller.speak(model=ORPHEUS, voice="troy", headers=headers)
        else:
            caller.hear(sound(1), headers, model="whisper-large-v3")

    caller.client.timeout = httpx.Timeout(0.5)
    with pytest.raises(httpx.ReadTimeout):
        ask()
    wait_for(lambda: [row.outcome for row in caller.rows(headers["X-Request-ID"])] == ["cancelled"])
    (row,) = caller.rows(headers["X-Request-ID"])
    assert row.cost > 0  # given up on the way, it may have been billed
    assert row.estimated


def test_requests_wait_for_the_voice_in_turn_and_no_more_than_a_few(caller: Caller) -> None:
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: caller.speak(SAYING * 10, response_format="wav"), range(30)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 17
    lengths = [len(answer.content) for answer in answers if answer.status_code == 200]
    assert max(lengths) < 1.01 * min(lengths)  # each text whole, and of nobody else's
    for refused in (answer for answer in answers if answer.status_code == 503):
        assert refused.headers["retry-after"] == "5"


def test_the_models_of_this_machine_are_listed(caller: Caller) -> None:
    models = {model["id"]: model["owned_by"] for model in caller.client.get("/models").json()["data"]}
    assert models["local"] == "local"
    assert models["whisper-large-v3"] == "groq"
