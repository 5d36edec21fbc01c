"""Texts are spoken: here, and by a provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import pytest

from core.voice.synthesis.sound_file import read_sound
from core.voice.synthesis.sound_formats import SOUND_FORMATS, sound_type
from tests.app.gateway.audio.conftest import ORPHEUS, SAYING, Caller, error_of, named
from tests.simulated import Simulated

pytestmark = pytest.mark.skipif(
    find_spec("faster_whisper") is None, reason="the voice extra is not installed"
)


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
