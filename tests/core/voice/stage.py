"""A conversation on a stage in virtual time: who says what when is written down, and what happens is kept.

The turn machine, the chunker and the loop are the real ones; sound, speech and answers are played by parts
that keep to the same protocols and take the time they are told to take.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.chat import Event, TextDelta
from core.errors import TensorWallError
from core.voice.audio import FRAME_SECONDS, Frame, PcmChunk, WordMark
from core.voice.engine.events import ClauseEnded, ClauseStarted, DeviceLost, EngineEvent, Position
from core.voice.events import LevelChanged, VoiceEvent
from core.voice.loop import VoiceLoop
from core.voice.receipt import Receipt
from core.voice.spoken_text.chunker import ClauseChunker
from core.voice.transcription.transcriber import Hints, Transcript
from core.voice.turn_taking.machine import TurnMachine
from core.voice.turn_taking.policy import TurnPolicy

RATE = 22_050
SECONDS_A_CHARACTER = 0.06


@dataclass
class Utterance:
    """What the user says, and from when to when."""

    text: str
    start: float
    end: float

    def understood(self, since: float, until: float) -> str:
        """The words of it that end within a recording."""
        words = self.text.split()
        if until >= self.end and since <= self.start:
            return self.text
        each = (self.end - self.start) / len(words)
        ends = [self.start + each * (place + 1) for place in range(len(words))]
        kept = [word for word, end in zip(words, ends, strict=True) if since <= end <= until]
        return " ".join(kept)


class Engine:
    """Microphone and speaker: hears the utterances, and plays clauses one after the other."""

    def __init__(self) -> None:
        self.analysing = False
        self.volume = 1.0
        self.ducked = False
        self.speaker_name: str | None = "speaker"
        self.microphone_name: str | None = "microphone"
        self.said: list[Utterance] = []
        self.stopped_at: float | None = None
        self.failure: TensorWallError | None = None
        self.opened = self.closed = False
        self._events: deque[EngineEvent] = deque()
        self._arrived = asyncio.Event()
        self._queue: list[tuple[int, float]] = []
        self._ended: set[int] = set()
        self._started: dict[int, float] = {}
        self._playing: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def open(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.opened = True
        self._hearing = asyncio.create_task(self._hear())

    async def aclose(self) -> None:
        self.closed = True
        for task in (self._hearing, self._playing):
            if task is not None:
                task.cancel()
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        while not self.closed:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Exception):
                    raise event
                yield event
            self._arrived.clear()
            await self._arrived.wait()

    def tell(self, event: EngineEvent) -> None:
        self._events.append(event)
        self._arrived.set()

    def recording(self, since: float, until: float) -> Any:
        return since, min(until, self.now())

    def play(self, tag: int, chunk: PcmChunk) -> None:
        self._queue.append((tag, chunk.seconds))
        if self._playing is None or self._playing.done():
            self._playing = asyncio.create_task(self._play())

    def end(self, tag: int) -> None:
        self._ended.add(tag)
        if self._playing is None or self._playing.done():
            self.tell(ClauseEnded(tag, self.now()))

    def stop(self) -> None:
        if self._playing is not None and not self._playing.done():
            self._playing.cancel()
            self.stopped_at = self.now()
        self._playing = None
        self._queue.clear()
        self._started.clear()
        self.ducked = False

    def duck(self) -> None:
        self.ducked = True

    def unduck(self) -> None:
        self.ducked = False

    def position(self) -> Position | None:
        if not self._started:
            return None
        tag = max(self._started)
        return Position(tag, self.now() - self._started[tag])

    def unplug_speaker(self) -> None:
        assert self._playing is not None
        self._playing.cancel()
        self.speaker_name = None
        self.tell(DeviceLost("speaker", "speaker", "unplugged"))

    async def _hear(self) -> None:
        while True:
            await asyncio.sleep(FRAME_SECONDS)
            if self.analysing:
                at = self.now()
                speech = any(said.start <= at <= said.end for said in self.said)
                self.tell(Frame(at, 0.99 if speech else 0.01, 0.2 if speech else 0.0))

    async def _play(self) -> None:
        while self._queue:
            tag, seconds = self._queue.pop(0)
            if tag not in self._started:
                self._started = {tag: self.now()}
                self.tell(ClauseStarted(tag, self.now()))
            await asyncio.sleep(seconds)
            if tag in self._ended and all(other != tag for other, _ in self._queue):
                self._started.pop(tag, None)
                self.tell(ClauseEnded(tag, self.now()))


class Transcriber:
    """Understands what the user says, word by word."""

    label = "scripted"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.delay = 0.05
        self.failure: TensorWallError | None = None
        self.asked: list[str] = []
        self.hints: list[Hints] = []

    async def warm(self) -> None:
        await asyncio.sleep(0.01)

    async def transcribe(self, samples: Any, hints: Hints, *, purpose: str = "final") -> Transcript:
        self.asked.append(purpose)
        self.hints.append(hints)
        await asyncio.sleep(self.delay)
        if self.failure is not None:
            raise self.failure
        since, until = samples
        text = " ".join(filter(None, (said.understood(since, until) for said in self.engine.said)))
        return Transcript(text, "en", 0.95, until - since, self.delay, "local", "scripted")

    async def aclose(self) -> None:
        pass


class Synthesiser:
    """Speaks sixteen characters a second, in two pieces a text."""

    label = "scripted"

    def __init__(self) -> None:
        self.delay = 0.02
        self.failures: dict[str, TensorWallError] = {}
        self.spoken: list[str] = []

    async def warm(self) -> None:
        pass

    async def speak(self, text: str) -> AsyncIterator[PcmChunk]:
        self.spoken.append(text)
        await asyncio.sleep(self.delay)
        for part, failure in self.failures.items():
            if part in text:
                raise failure
        half = b"\0\0" * int(len(text) * SECONDS_A_CHARACTER * RATE / 2)
        yield PcmChunk(half, RATE, tuple(_marks(text)))
        await asyncio.sleep(self.delay)
        yield PcmChunk(half, RATE)

    async def voices(self) -> Sequence[Any]:
        return ()

    async def aclose(self) -> None:
        pass


def _marks(text: str) -> list[WordMark]:
    marks, place = [], 0
    for word in text.split():
        start = text.index(word, place)
        place = start + len(word)
        marks.append(WordMark(start * SECONDS_A_CHARACTER, start, place))
    return marks


@dataclass
class Reply:
    """One answer, and what became of it."""

    question: str
    tokens: list[str]
    first: float
    each: float
    failure: TensorWallError | None = None
    cost: Decimal | None = Decimal("0.001")
    kept: bool = False
    closed: bool = False
    asked_at: float | None = None
    all_heard: bool = False
    heard_characters: int | None = None
    receipts: list[Receipt] = field(default_factory=list)
    storage_delay: float = 0.0
    stored_at: float | None = None

    async def __aiter__(self) -> AsyncIterator[Event]:
        self.asked_at = asyncio.get_running_loop().time()
        await asyncio.sleep(self.first)
        for token in self.tokens:
            yield TextDelta(token)
            await asyncio.sleep(self.each)
        if self.failure is not None:
            raise self.failure

    async def keep(self) -> None:
        self.kept = True

    async def heard(self, characters: int | None) -> None:
        await asyncio.sleep(self.storage_delay)
        self.stored_at = asyncio.get_running_loop().time()
        self.all_heard = characters is None
        self.heard_characters = characters

    async def book(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)

    async def aclose(self) -> None:
        self.closed = True


class Stage:
    """The loop with all its parts, running; use as a context.

    Attributes:
        events: what the loop told, loudness left out, each with when.
        replies: every answer that was asked for.
        answers: gives the text of an answer to a question.
    """

    def __init__(
        self,
        policy: TurnPolicy | None = None,
        *,
        answers: Callable[[str], str] = lambda question: f"You said {question}",
        first_token: float = 0.1,
        hands_free: bool = False,
        speak: bool = True,
    ) -> None:
        self.engine = Engine()
        self.transcriber = Transcriber(self.engine)
        self.synthesiser = Synthesiser()
        self.machine = TurnMachine(policy or TurnPolicy())
        self.replies: list[Reply] = []
        self.events: list[tuple[float, VoiceEvent]] = []
        self.answers = answers
        self.first_token = first_token
        self.token_delay = 0.005
        self.reply_failure: TensorWallError | None = None
        self.approached = 0
        self.storage_delay = 0.0
        self.loop = VoiceLoop(
            engine=self.engine,  # type: ignore[arg-type]
            transcriber=self.transcriber,  # type: ignore[arg-type]
            synthesiser=self.synthesiser,  # type: ignore[arg-type]
            replier=self.reply,  # type: ignore[arg-type]
            machine=self.machine,
            chunker=lambda: ClauseChunker(language="en"),
            hints=lambda: Hints(language="en"),
            approach=self._approach,
            hands_free=hands_free,
            speak=speak,
        )
        self._news = asyncio.Event()

    def reply(self, question: str) -> Reply:
        tokens = [f"{word} " for word in self.answers(question).split()]
        tokens[-1] = tokens[-1].rstrip()
        reply = Reply(question, tokens, self.first_token, self.token_delay, self.reply_failure)
        reply.storage_delay = self.storage_delay
        self.replies.append(reply)
        return reply

    async def _approach(self) -> None:
        self.approached += 1

    async def __aenter__(self) -> Stage:
        self.running = asyncio.create_task(self.loop.run())
        self._collecting = asyncio.create_task(self._collect())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.loop.aclose()
        await self.running
        await self._collecting

    def say(self, text: str, *, after: float = 0.0, seconds: float | None = None) -> Utterance:
        """Have the user say something from now, or a little later, on."""
        start = self.engine.now() + after
        utterance = Utterance(text, start, start + (seconds or 0.25 * len(text.split())))
        self.engine.said.append(utterance)
        return utterance

    async def speak_with_key(self, text: str, *, held: bool = True) -> None:
        """Hold the key, say it, let go."""
        self.loop.talk_started()
        utterance = self.say(text, after=0.1)
        await asyncio.sleep(utterance.end - self.engine.now() + 0.05)
        self.loop.talk_ended(held=held)

    def told(self, kind: type) -> list[Any]:
        return [event for _, event in self.events if isinstance(event, kind)]

    def when(self, kind: type) -> float:
        return next(at for at, event in self.events if isinstance(event, kind))

    async def until(self, kind: type, count: int = 1, *, within: float = 60.0) -> Any:
        """Wait for the loop to tell this; gives the event."""
        async with asyncio.timeout(within):
            while len(self.told(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.told(kind)[count - 1]

    async def _collect(self) -> None:
        async for event in self.loop:
            if not isinstance(event, LevelChanged):
                self.events.append((self.engine.now(), event))
                self._news.set()
