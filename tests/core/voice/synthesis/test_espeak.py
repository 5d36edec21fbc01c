"""Real eSpeak NG as a maker of samples: its words are where they stand in the text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.voice.audio import PcmChunk, WordMark
from core.voice.synthesis.engine import EngineFailed
from core.voice.synthesis.espeak import EspeakEngine
from core.voice.synthesis.words import word_spans

FEW = settings(max_examples=60, deadline=None)

words = st.sampled_from(
    [
        "alpha",
        "Bravo,",
        "déjà",
        "être.",
        "Größe",
        "naïve!",
        "e\u0301te\u0301",
        "Привет",
        "мир",
        "καλημέρα",
        "yes?",
    ]
)


def spoken(
    espeak: EspeakEngine, text: str, *, voice: str | None = None, rate: int = 175, language: str | None = None
) -> tuple[list[PcmChunk], list[WordMark]]:
    chunks: list[PcmChunk] = []

    def hand(chunk: PcmChunk) -> bool:
        chunks.append(chunk)
        return True

    espeak.speak(text, voice=voice, rate=rate, language=language, hand=hand)
    return chunks, [mark for chunk in chunks for mark in chunk.marks]


def seconds(chunks: list[PcmChunk]) -> float:
    return sum(chunk.seconds for chunk in chunks)


@FEW
@given(st.lists(words, min_size=1, max_size=30), st.sampled_from([" ", "  ", "\n", " \t"]))
def test_each_word_is_marked_where_it_stands(espeak: EspeakEngine, said: list[str], space: str) -> None:
    text = space.join(said)
    _, marks = spoken(espeak, text)
    assert [text[mark.start : mark.end] for mark in marks] == said


@FEW
@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=120))
def test_marks_of_any_text_are_words_of_it_in_order(espeak: EspeakEngine, text: str) -> None:
    chunks, marks = spoken(espeak, text)
    assert set(word_spans(text)) >= {(mark.start, mark.end) for mark in marks}
    assert [mark.start for mark in marks] == sorted({mark.start for mark in marks})
    assert [mark.at for mark in marks] == sorted(mark.at for mark in marks)
    assert all(0 <= mark.at <= seconds(chunks) for mark in marks)


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("It costs $29.50 and 12,345 units", ["It", "costs", "$29.50", "and", "12,345", "units"]),
        ("I like 😀 cats 👩‍👩‍👧 and dogs", ["I", "like", "😀", "cats", "👩‍👩‍👧", "and", "dogs"]),
        ("Go e.g. to Dr. smith now", ["Go", "e.g.", "to", "Dr.", "smith", "now"]),
        ("你好世界 hello", ["你好世界", "hello"]),
    ],
)
def test_what_a_reader_takes_for_a_word_is_one(espeak: EspeakEngine, text: str, heard: list[str]) -> None:
    assert [text[mark.start : mark.end] for mark in spoken(espeak, text)[1]] == heard


def test_words_sound_while_their_mark_says_so(espeak: EspeakEngine) -> None:
    """The sound of the first words alone is as long as the mark of the word after them says."""
    _, marks = spoken(espeak, "Streaming tokens arrive at five hundred a second")
    alone, _ = spoken(espeak, "Streaming tokens arrive")
    assert marks[3].at == pytest.approx(seconds(alone), abs=0.25)


def test_sound_comes_in_small_pieces(espeak: EspeakEngine) -> None:
    chunks, _ = spoken(espeak, "A sentence of some length, so that it takes a while.")
    assert max(chunk.seconds for chunk in chunks) <= 0.1


def test_no_more_is_made_once_none_is_wanted(espeak: EspeakEngine) -> None:
    chunks: list[PcmChunk] = []

    def refuse(chunk: PcmChunk) -> bool:
        chunks.append(chunk)
        return len(chunks) < 3

    espeak.speak("word " * 2000, voice=None, rate=175, language=None, hand=refuse)
    assert len(chunks) == 3
    assert [mark.start for mark in spoken(espeak, "the next text")[1]] == [0, 4, 9]


def test_an_error_of_the_receiver_reaches_the_caller(espeak: EspeakEngine) -> None:
    def break_down(_chunk: PcmChunk) -> bool:
        raise ValueError("no more room")

    with pytest.raises(ValueError, match="no more room"):
        espeak.speak("Hello", voice=None, rate=175, language=None, hand=break_down)


def test_markup_and_phonemes_are_read_out_and_not_obeyed(espeak: EspeakEngine) -> None:
    plain, _ = spoken(espeak, "bold")
    marked, _ = spoken(espeak, "<b>bold</b>")
    assert seconds(marked) > 1.5 * seconds(plain)
    silenced, _ = spoken(espeak, '<break time="20s"/>')
    assert seconds(silenced) < 10
    phonemes, _ = spoken(espeak, "[[h@l'oU]]")
    hello, _ = spoken(espeak, "hello")
    assert seconds(phonemes) > 1.5 * seconds(hello)


def test_rate_language_and_voice_count(espeak: EspeakEngine) -> None:
    text = "Twenty one good reasons"
    slow, _ = spoken(espeak, text, rate=100)
    fast, _ = spoken(espeak, text, rate=350)
    assert seconds(slow) > 2 * seconds(fast)
    pcm = {
        b"".join(chunk.pcm for chunk in spoken(espeak, text, **how)[0])
        for how in ({}, {"language": "de"}, {"voice": "gmw/en"})
    }
    assert len(pcm) == 3


def test_english_is_one_voice_whether_said_or_not(espeak: EspeakEngine) -> None:
    taken = []
    for language in ("en", None, "en-gb"):
        spoken(espeak, "Hello", language=language)
        taken.append(espeak._espeak.GetCurrentVoice().contents.identifier)
    assert taken[0] == taken[1] != taken[2]


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pt", "nl", "zh", "ja", "ru", "no"])
def test_the_languages_that_are_listened_for_can_be_spoken(espeak: EspeakEngine, language: str) -> None:
    assert seconds(spoken(espeak, "12", language=language)[0]) > 0.1


def test_what_is_not_there_is_named(espeak: EspeakEngine) -> None:
    with pytest.raises(EngineFailed, match="no voice 'nobody'"):
        spoken(espeak, "Hello", voice="nobody")
    with pytest.raises(EngineFailed, match="no voice for the language 'xx'"):
        spoken(espeak, "Hello", language="xx")


def test_voices_are_listed_with_their_languages(espeak: EspeakEngine) -> None:
    voices = {voice.id: voice for voice in espeak.voices()}
    assert len(voices) > 50
    assert voices["gmw/de"].languages == ("de",)


def test_clauses_that_go_on_have_no_pause_at_their_end(espeak: EspeakEngine) -> None:
    durations = [seconds(spoken(espeak, f"Hello{mark}")[0]) for mark in ("", ",", ".")]
    assert durations == sorted(durations)
    assert durations[2] - durations[0] > 0.15


BUNDLED = """
import pytest
from core.voice.synthesis import espeak
from core.voice.synthesis.engine import EngineMissing
try:
    data = espeak.load_bundled_library()
except EngineMissing:
    raise SystemExit(77)
espeak.load_binding = lambda real=espeak.load_binding: (real()[0], data)
engine = espeak.EspeakEngine()
chunks = []
engine.speak("Hello there", voice=None, rate=175, language=None, hand=lambda c: chunks.append(c) or True)
print(sum(len(c.pcm) for c in chunks), [m.start for c in chunks for m in c.marks])
"""


def test_the_library_of_the_extra_speaks_where_the_system_has_none() -> None:
    """In a process of its own: once one library is loaded, no other can be."""
    done = subprocess.run([sys.executable, "-c", BUNDLED], capture_output=True, text=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("the espeak extra is not installed")
    assert done.returncode == 0, done.stderr
    size, starts = done.stdout.split(maxsplit=1)
    assert int(size) > 10_000
    assert starts.strip() == "[0, 6]"
