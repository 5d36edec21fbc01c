"""Whether to believe what Whisper wrote. Given silence, noise or a cough it writes something all the same.

Layers, from what is certain to what is only likely (https://arxiv.org/abs/2501.11378 lists the phrases that
Whisper makes up, and measures each of these signs):

1. nothing that can be spoken: marks, notes in brackets, music signs;
2. it repeats itself: the decoder went round in circles. Someone who says a sentence three times comes to
   an end, is understood clearly, and takes the time;
3. more words than a mouth can say in that time;
4. Whisper itself thinks that nobody spoke, and was not sure of the words;
5. it only says back the words it was told to listen for;
6. it is one of the phrases that end millions of videos, and was said in doubt or in an instant. A
   "thank you" that was really said is said clearly, and stays.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

__all__ = ("Reading", "Verdict", "judge", "lost_its_way", "repeats_itself", "spoken_part")

NO_SPEECH = 0.6
"""OpenAI's own threshold for "nobody spoke"; believed only together with `UNSURE`."""

UNSURE = -1.0
"""OpenAI's own threshold for the average log probability of a token."""

LARGEST_COMPRESSION = 2.4
"""OpenAI's own threshold: text that compresses better than this goes round in circles."""

MOST_WORDS_A_SECOND = 9.0
"""Fast speech has five to six; half as much again for short recordings."""

QUICK = 4.0
"""Words a second, pauses included, above which nobody says the same again: people are at two or three."""

DOUBTFUL = 0.6
"""Below this confidence a stock phrase is not believed; what is really said reaches 0.8 and more."""

SHORT = 1.0
"""Seconds of recording in which a stock phrase has to be clearer, at `CLEAR`."""

CLEAR = 0.8

_NOTE = re.compile(r"\[[^\[\]]{0,80}\]|\([^()]{0,80}\)|（[^（）]{0,80}）|\*[^*]{1,80}\*|[♪♫♬]+")  # noqa: RUF001
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001

_STOCK_PHRASES = {
    # English
    "thank you", "thank you very much", "thank you so much", "thanks", "thanks for watching",
    "thank you for watching", "thanks for listening", "thank you for listening", "please subscribe",
    "like and subscribe", "subscribe to my channel", "see you in the next video", "see you next time",
    "bye", "bye bye", "you", "yeah", "okay", "oh", "so", "the", "hmm", "i'm sorry",
    "subtitles by the amara org community", "transcription by castingwords",
    # German
    "vielen dank", "danke", "danke schön", "tschüss", "bis zum nächsten mal", "vielen dank fürs zuschauen",
    "untertitel der amara org community", "untertitel im auftrag des zdf",
    "untertitelung des zdf für funk 2017",
    # French
    "merci", "merci beaucoup", "merci d'avoir regardé cette vidéo", "abonnez vous", "au revoir",
    "sous titres réalisés par la communauté d'amara org", "sous titrage société radio canada",
    # Spanish, Portuguese
    "gracias", "muchas gracias", "gracias por ver el video", "suscríbete", "hasta luego", "adiós",
    "subtítulos realizados por la comunidad de amara org", "obrigado", "obrigada", "tchau",
    "legendas pela comunidade amara org",
    # Italian, Dutch
    "grazie", "grazie a tutti", "grazie per la visione", "sottotitoli creati dalla comunità amara org",
    "bedankt voor het kijken", "dank je wel", "tot de volgende keer",
    "ondertiteld door de amara org gemeenschap",
    # Russian, Polish, Turkish, Japanese, Chinese, Korean
    "спасибо", "спасибо за просмотр", "продолжение следует", "dziękuję", "dziękuję za uwagę",
    "napisy stworzone przez społeczność amara org", "teşekkür ederim", "altyazı m k",  # noqa: RUF001
    "ご視聴ありがとうございました", "ありがとうございました", "谢谢", "谢谢大家", "谢谢观看",
    "시청해 주셔서 감사합니다", "감사합니다",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What Whisper wrote for one recording, and how it felt about it.

    Attributes:
        seconds: how long the recording is.
        mean_log_probability: of the tokens, such as -0.3.
        no_speech: Whisper's probability that nobody spoke.
        ended: it came to its end, rather than to the most words allowed.
    """

    text: str
    seconds: float
    mean_log_probability: float
    no_speech: float = 0.0
    ended: bool = True

    @property
    def confidence(self) -> float:
        """From 0 to 1: the probability of a token, as a geometric mean."""
        return min(1.0, exp(min(0.0, self.mean_log_probability)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is left of a text; ``rejected`` says why where it is not believed."""

    text: str
    rejected: str = ""


def judge(reading: Reading, hotwords: Sequence[str] = ()) -> Verdict:
    """The text to believe: empty where nobody spoke, or with the reason where it cannot be believed."""
    text = spoken_part(reading.text)
    words = _words(text)
    if not words:
        return Verdict("")
    reason = _disbelief(reading, text, words, hotwords)
    return Verdict("", reason) if reason else Verdict(text)


def spoken_part(text: str) -> str:
    """The text without notes in brackets and music; empty if only marks remain."""
    text = " ".join(_NOTE.sub(" ", text).split())
    return text if any(character.isalnum() for character in text) else ""


def repeats_itself(text: str) -> bool:
    """Whether the text goes round in circles: it compresses too well, or a few words follow themselves.

    People say a word three times ("no, no, no"); the decoder does not stop at four.
    """
    data = text.encode()
    if len(data) > 60 and len(data) / len(zlib.compress(data)) > LARGEST_COMPRESSION:
        return True
    words = _words(text)
    for length in range(1, 9):
        most = 4 if length <= 2 else 3
        run = length
        for place in range(length, len(words)):
            run = run + 1 if words[place] == words[place - length] else length
            if run >= length * most + (length == 1):
                return True
    return _repeats_characters(words)


def lost_its_way(reading: Reading) -> bool:
    """Whether to decode once more, with more room.

    It came to no end, or says the same again and again, or only twice but faster than anybody could.
    """
    if not reading.ended or repeats_itself(reading.text):
        return True
    words = _words(reading.text)
    return _is_quick(words, reading.seconds) and any(
        words == words[:length] * (len(words) // length) for length in range(1, len(words) // 2 + 1)
    )


def _is_quick(words: list[str], seconds: float) -> bool:
    return len(words) > QUICK * seconds


def _repeats_characters(words: list[str]) -> bool:
    """The same within one "word", as in languages that are written without spaces."""
    return any(re.search(r"(.{1,12}?)\1{5,}", word) for word in words if len(word) > 12)


def _disbelief(reading: Reading, text: str, words: list[str], hotwords: Sequence[str]) -> str:
    clearly = reading.ended and reading.confidence >= CLEAR and not _is_quick(words, reading.seconds)
    if repeats_itself(text) and not clearly:
        return "it repeats itself"
    if len(words) > 3 + MOST_WORDS_A_SECOND * reading.seconds:
        return "it has more words than can be said in that time"
    if reading.no_speech > NO_SPEECH and reading.mean_log_probability < UNSURE:
        return "nobody seems to have spoken"
    doubted = reading.confidence < DOUBTFUL or reading.no_speech > NO_SPEECH
    if doubted and _only_hotwords(words, hotwords):
        return "it only repeats the vocabulary"
    hurried = reading.seconds < SHORT and reading.confidence < CLEAR
    if (doubted or hurried) and _is_stock_phrase(words):
        return "it is what is often written where nobody spoke"
    return ""


def _only_hotwords(words: list[str], hotwords: Sequence[str]) -> bool:
    told = Counter(word for hotword in hotwords for word in _words(hotword))
    return len(words) >= 3 and all(word in told for word in words)


def _is_stock_phrase(words: list[str]) -> bool:
    """The whole of it is such phrases, one or several times."""
    text = " ".join(words)
    while text:
        phrase = next((phrase for phrase in _BY_LENGTH if _begins_with(text, phrase)), None)
        if phrase is None:
            return False
        text = text[len(phrase) :].strip()
    return True


def _begins_with(text: str, phrase: str) -> bool:
    return text == phrase or text.startswith(f"{phrase} ")


def _words(text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")  # noqa: RUF001
    return _WORD.findall(text)


_BY_LENGTH = sorted((" ".join(_words(phrase)) for phrase in _STOCK_PHRASES), key=len, reverse=True)
