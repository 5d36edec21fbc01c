"""Two years of a person's and a team's use, made up from a seed: the same seed, the same rows.

Sessions are bursts of calls over minutes to days. Most calls answer at once; some fail and are tried again or
elsewhere, are hedged, break off or are stopped. Some sessions are spoken. Some calls belong to no session.
Prices are the catalogue's own at the time of each call, so that some are unknown.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import accumulate, product
from typing import Any

from core.catalogue import Price, SpeechPrice, load_catalogue
from core.chat import Usage
from core.costs.booking import money_values

__all__ = ("WORDS", "Row", "Rows", "history")

Row = dict[str, Any]

WEEKS = 104
_ROUTES = {
    # route: (first model and where to fall back to; from which share of the two years on; how often)
    "llama-70b": ((("groq", "llama-3.3-70b-versatile"), ("openai", "gpt-4o-mini")), 0.0, 3),
    "llama-8b": ((("groq", "llama-3.1-8b-instant"), ("openai", "gpt-4.1-nano")), 0.0, 3),
    "compound": ((("groq", "groq/compound"), ("groq", "llama-3.3-70b-versatile")), 0.3, 1),
    "kimi": ((("groq", "moonshotai/kimi-k2-instruct-0905"), ("groq", "qwen/qwen3-32b")), 0.4, 2),
    "smart": ((("groq", "openai/gpt-oss-120b"), ("openai", "gpt-5.4-mini")), 0.4, 8),
    "fast": ((("groq", "openai/gpt-oss-20b"), ("openai", "gpt-5.4-nano")), 0.4, 6),
    "local": ((("ollama", "gpt-oss:20b"), ("groq", "openai/gpt-oss-20b")), 0.5, 1),
}
_TITLE_MODEL = ("groq", "llama-3.1-8b-instant")
_EARS, _VOICE = "whisper-large-v3-turbo", "canopylabs/orpheus-v1-english"
_SYLLABLES = [
    "ba",
    "co",
    "de",
    "fi",
    "ga",
    "hu",
    "ja",
    "ki",
    "lo",
    "mu",
    "ne",
    "po",
    "ra",
    "se",
    "ti",
    "vu",
    "wo",
    "xe",
    "ya",
    "zo",
]
WORDS = ["".join(parts) for length in (2, 3) for parts in product(_SYLLABLES, repeat=length)]
"""8 400 words; a few are common and most are rare, as in any language."""
_HOW_OFTEN = list(accumulate(1 / (rank + 3) for rank in range(len(WORDS))))
_INSTANT = timedelta(microseconds=1)
_ASKS = ("explain", "fix", "compare", "draft", "review", "plan", "summarise", "name", "test", "price")
_ERRORS = (("RateLimited", "429: too many tokens per minute"), ("ServiceUnavailable", "503: over capacity"))
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass
class Rows:
    """Rows by table, ready to insert; ``calls`` in the order they started."""

    sessions: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    calls: list[Row] = field(default_factory=list)
    voice_turns: list[Row] = field(default_factory=list)


def history(calls: int, seed: int, until: datetime) -> Iterator[Rows]:
    """Week by week, so many calls in all, up to ``until``; use grows threefold over the time."""
    chance = random.Random(seed)
    shares = [1 + 2 * week / WEEKS for week in range(WEEKS)]
    begun = until - timedelta(weeks=WEEKS)
    left = calls
    for week, share in enumerate(shares):
        wanted = left if week == WEEKS - 1 else round(calls * share / sum(shares))
        writer = _Week(chance, begun + timedelta(weeks=week), until, week / WEEKS, min(wanted, left))
        left -= wanted
        yield writer.rows()


class _Week:
    def __init__(
        self, chance: random.Random, begun: datetime, until: datetime, age: float, wanted: int
    ) -> None:
        self._chance = chance
        self._begun = begun
        self._until = until
        self._wanted = wanted
        self._rows = Rows()
        self._routes = [(name, often) for name, (_, since, often) in _ROUTES.items() if age >= since]

    def rows(self) -> Rows:
        """All that began in this week."""
        rows = self._rows
        while len(rows.calls) < self._wanted:
            if self._chance.random() < 0.3:
                self._outside()
            else:
                _Session(self._chance, rows, self._moment(), self._until, self._route()).write()
        del rows.calls[self._wanted :]
        rows.calls.sort(key=_started)
        rows.messages.sort(key=_created)
        return rows

    def _outside(self) -> None:
        """A question on the command line, which is kept in no session."""
        place = _Place(None, None, "chat", self._route())
        _Answer(self._chance, self._rows, place, self._moment()).write()

    def _route(self) -> str:
        names, weights = zip(*self._routes, strict=True)
        return str(self._chance.choices(names, weights)[0])

    def _moment(self) -> datetime:
        """Mostly on working days, in the working hours of two continents."""
        day = self._chance.choices(range(7), (10, 10, 10, 10, 9, 3, 3))[0]
        hour = self._chance.triangular(6, 23, 14)
        moment = self._begun + timedelta(days=day, hours=hour, microseconds=self._chance.randrange(10**6))
        return min(moment, self._until - timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class _Place:
    session_id: str | None
    message_id: str | None
    feature: str
    route: str


class _Session:
    def __init__(
        self, chance: random.Random, rows: Rows, begun: datetime, until: datetime, route: str
    ) -> None:
        self._chance = chance
        self._rows = rows
        self._now = self._begun = begun
        self._until = until
        self._route = route
        self._id = _id(chance, begun)
        self._spoken = chance.random() < 0.15
        self._pace = 12.0 if chance.random() < 0.1 else 100.0  # a program asks faster than a person
        self._leaf: str | None = None

    def write(self) -> None:
        """Between 5 and 200 calls, most often some dozens."""
        chance, rows = self._chance, self._rows
        wanted = len(rows.calls) + min(200, max(5, round(chance.lognormvariate(3.3, 0.8))))
        session = self._session()
        rows.sessions.append(session)
        turn = 0
        while len(rows.calls) < wanted and self._now < self._until:
            turn += 1
            self._turn(turn)
            pause = 1 / self._pace if chance.random() < 0.97 else 1 / chance.choice((3_600, 40_000, 90_000))
            self._now += timedelta(seconds=chance.expovariate(pause))
        session["leaf_id"], session["updated_at"] = self._leaf, self._now

    def _session(self) -> Row:
        title = f"{self._chance.choice(_ASKS)} {_words(self._chance, 3)}"
        return {
            "id": self._id, "title": title.capitalize(), "title_source": "model", "model": self._route,
            "leaf_id": None, "created_at": self._begun, "updated_at": self._begun,
        }  # fmt: skip

    def _turn(self, number: int) -> None:
        chance, rows = self._chance, self._rows
        if self._spoken:
            self._heard()
        if chance.random() < 0.02:
            self._route = chance.choice(["smart", self._route, "fast"])
        question, answer = _id(chance, self._now), _id(chance, self._now + timedelta(milliseconds=1))
        text = f"{chance.choice(_ASKS)} {_words(chance, 6)}?"
        asked = self._now
        took = _Answer(chance, rows, _Place(self._id, answer, "chat", self._route), asked, number).write()
        self._now += timedelta(seconds=took)
        rows.messages.append(self._message(question, self._leaf, "user", text, asked))
        reply = f"{_words(chance, 12)}.".capitalize()
        rows.messages.append(self._message(answer, question, "assistant", reply, asked + _INSTANT))
        self._leaf = answer
        if number == 1:
            _Answer(chance, rows, _Place(self._id, None, "title", "fast"), self._now).write()
        if self._spoken:
            self._said(answer, number)

    def _message(self, id_: str, parent: str | None, role: str, text: str, at: datetime) -> Row:
        return {
            "id": id_, "session_id": self._id, "parent_id": parent, "role": role, "text": text,
            "state": "complete", "created_at": at, "finished_at": at,
        }  # fmt: skip

    def _heard(self) -> None:
        """What was said is transcribed, and sometimes answered before it is known to be over."""
        if self._chance.random() < 0.25:
            _Answer(
                self._chance, self._rows, _Place(self._id, None, "speculation", "fast"), self._now
            ).write()
        seconds = round(self._chance.uniform(1, 20), 2)
        price = _speech_price(_EARS, self._now.date())
        cost = price.cost_of_audio(Decimal(str(seconds))) if price else None
        self._speech("transcription", _EARS, price, cost, audio_seconds=seconds)

    def _said(self, answer: str, number: int) -> None:
        """An answer is spoken, and there is a receipt."""
        chance = self._chance
        characters = chance.randrange(40, 900)
        price = _speech_price(_VOICE, self._now.date())
        cost = price.cost_of_speech(characters) if price else None
        self._speech("speech", _VOICE, price, cost, characters=characters)
        parts = [round(chance.uniform(0.05, 0.6), 3) for _ in range(4)]
        self._rows.voice_turns.append({
            "session_id": self._id, "message_id": answer, "happened_at": self._now, "turn": number,
            "endpoint": parts[0], "transcript": parts[1], "first_token": parts[2], "first_audio": parts[3],
            "total": sum(parts), "speculated": 1, "discarded": 0, "speculation_cost": Decimal(0),
        })  # fmt: skip

    def _speech(
        self, feature: str, model: str, price: SpeechPrice | None, cost: Decimal | None, **amount: float
    ) -> None:
        row = _call(self._chance, _Place(self._id, None, feature, model), "groq", model, self._now)
        row |= {"outcome": "answered", "duration": self._chance.uniform(0.2, 2.0), **amount}
        row |= {"cost": cost, "price_id": price.id if price and cost is not None else None}
        self._rows.calls.append(row)


class _Answer:
    """The calls that one answer took."""

    def __init__(
        self, chance: random.Random, rows: Rows, place: _Place, begun: datetime, turn: int = 1
    ) -> None:
        self._chance = chance
        self._rows = rows
        self._place = place
        self._now = begun
        self._turn = turn

    def write(self) -> float:
        """The straight way, or one of the detours; the seconds it took."""
        chance = self._chance
        (first, other), *_ = _ROUTES[self._place.route]
        if self._place.feature == "title":
            first = _TITLE_MODEL
        luck = chance.random()
        begun = self._now
        if luck < 0.03:
            self._failed("first", first)
            again = chance.random() < 0.5
            self._ended("retry" if again else "fallback", first if again else other, "answered")
        elif luck < 0.05:
            self._ended("first", first, "cancelled")  # the hedge was faster
            self._ended("hedge", other, "answered")
        elif luck < 0.06:
            self._ended("first", first, "interrupted")
            self._ended("rescue", other, "answered")
        elif luck < 0.09 or self._place.feature == "speculation":
            self._ended("first", first, "cancelled")
        else:
            self._ended("first", first, "answered")
        return (self._now - begun).total_seconds()

    def _failed(self, role: str, target: tuple[str, str]) -> None:
        row = self._row(role, target)
        kind, text = self._chance.choice(_ERRORS)
        row |= {"outcome": "failed", "duration": self._chance.uniform(0.05, 1.0)}
        row |= {"error": text, "error_type": kind, "cost": Decimal(0)}
        self._add(row)

    def _ended(self, role: str, target: tuple[str, str], outcome: str) -> None:
        chance = self._chance
        prompt = min(100_000, 200 + self._turn * chance.randrange(50, 600))
        output = max(1, round(chance.lognormvariate(5.3, 0.9)))
        cached = prompt * 7 // 10 if self._turn > 1 and chance.random() < 0.5 else 0
        usage = Usage(prompt, output, cached, output // 4, estimated=outcome != "answered")
        first, speed = chance.uniform(0.08, 0.9), chance.uniform(80, 900)
        row = self._row(role, target)
        row |= {
            "outcome": outcome, "prompt_tokens": prompt, "completion_tokens": output, "cached_tokens": cached,
            "reasoning_tokens": usage.reasoning_tokens, "estimated": usage.estimated, "first_token": first,
            "first_content": first * 1.2, "duration": first + output / speed, "finish_reason": "stop",
            **money_values(usage, _price(*target, self._now.date())),
        }  # fmt: skip
        if outcome == "answered" and target[0] == "groq":
            row |= {"queue_time": first / 8, "prompt_time": first / 4, "completion_time": output / speed}
        self._add(row)

    def _row(self, role: str, target: tuple[str, str]) -> Row:
        return _call(self._chance, self._place, *target, self._now, role)

    def _add(self, row: Row) -> None:
        self._rows.calls.append(row)
        self._now += timedelta(seconds=row["duration"])


def _call(
    chance: random.Random, place: _Place, provider: str, model: str, at: datetime, role: str = "first"
) -> Row:
    return {
        "call_id": _id(chance, at), "session_id": place.session_id, "message_id": place.message_id,
        "feature": place.feature, "route": place.route, "provider": provider, "model": model, "reason": role,
        "role": role, "started_at": at, "outcome": "answered", "writer": None, "prompt_tokens": 0,
        "completion_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0, "estimated": False, "cost": None,
        "price_id": None, "cache_saving": None, "first_token": None, "first_content": None, "duration": None,
        "queue_time": None, "prompt_time": None, "completion_time": None, "finish_reason": None,
        "error": None, "error_type": None, "request_id": None, "audio_seconds": None, "characters": None,
    }  # fmt: skip


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, cum_weights=_HOW_OFTEN, k=count))


def _id(chance: random.Random, at: datetime) -> str:
    """Ids sort by time, see ``core.identifiers``; so rows that are read together lie together."""
    value = (at - _EPOCH) // timedelta(milliseconds=1) << 19 | chance.getrandbits(19)
    return "".join(_DIGITS[value >> shift & 31] for shift in range(55, -1, -5))


_CATALOGUE = load_catalogue()


@cache
def _price(provider: str, model: str, day: date) -> Price | None:
    return _CATALOGUE.price(provider, model, _noon(day))


@cache
def _speech_price(model: str, day: date) -> SpeechPrice | None:
    return _CATALOGUE.speech_price("groq", model, _noon(day))


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _started(row: Row) -> datetime:
    moment: datetime = row["started_at"]
    return moment


def _created(row: Row) -> datetime:
    moment: datetime = row["created_at"]
    return moment
