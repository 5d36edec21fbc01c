"""The voice loop: has the turn machine decide and its decisions carried out, and tells whoever shows it.

    engine   --frames-->   machine  --Transcribe-->  hearing    --texts--> machine
    commands ----------->           --Commit------>  answering  --clauses--> engine

Everything runs in one task group on one event loop. Commands return at once; what comes of them is an
event. The machine is told one message at a time, and its actions are carried out before the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Self

from core.errors import TensorWallError
from core.voice.acting import Acting
from core.voice.answering import Answering
from core.voice.audio import Frame
from core.voice.device_notices import device_notice
from core.voice.engine.events import (
    ClauseEnded,
    ClauseStarted,
    DeviceLost,
    DeviceOpened,
    EngineEvent,
    MicrophoneTrouble,
)
from core.voice.event_queue import EventQueue
from core.voice.events import LevelChanged, Noticed, StateChanged, VoiceEvent
from core.voice.hearing import Hearing
from core.voice.machine_driver import MachineDriver
from core.voice.turn_taking.actions import State
from core.voice.turn_taking.messages import (
    CommitNow,
    FrameHeard,
    HoldOpen,
    ListeningChanged,
    Muted,
    Stopped,
    TalkCancelled,
    TalkEnded,
    TalkStarted,
)

if TYPE_CHECKING:
    from core.voice.engine import AudioEngine
    from core.voice.reply import Replier, Reply
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.synthesis.synthesiser import Synthesiser
    from core.voice.transcription.transcriber import Hints, Transcriber
    from core.voice.turn_taking.machine import TurnMachine

__all__ = ("VoiceLoop",)

_LEVELS = 3
"""Frames between two reports of loudness: about ten a second."""

_SPEAKER_PATIENCE = 5.0
"""Seconds in which a lost speaker may come back before an answer goes on without being spoken."""


class _Closed(Exception):
    """The engine was closed: the loop ends."""


class VoiceLoop:
    """Hears, has answered, and speaks. `run` it in one task and iterate it in another.

    Iterating gives what happens (`VoiceEvent`), for one consumer, and ends when the loop has ended.
    Every command may be given before `run` has opened the microphone, and from any event of it; they
    belong on the event loop's thread.

    Args:
        engine: microphone and speaker; the loop opens and closes it.
        transcriber: turns speech into text.
        synthesiser: turns text into speech.
        replier: gives answers.
        machine: decides whose turn it is.
        chunker: makes clauses of one answer as it arrives.
        hints: language and words to listen for, asked before each transcription.
        approach: opens what an answer will need, such as a connection; called when somebody speaks.
        hands_free: listen without a key from the start.
        speak: read answers to spoken questions aloud.
    """

    def __init__(
        self,
        *,
        engine: AudioEngine,
        transcriber: Transcriber,
        synthesiser: Synthesiser,
        replier: Replier,
        machine: TurnMachine,
        chunker: Callable[[], ClauseChunker],
        hints: Callable[[], Hints],
        approach: Callable[[], Awaitable[object]] | None = None,
        hands_free: bool = False,
        speak: bool = True,
    ) -> None:
        self._events = EventQueue()
        self._engine = engine
        self._machine = machine
        self._hints = hints
        self._driver = MachineDriver(
            machine,
            now=self._now,
            carry_out=lambda action: self._acting.carry_out(action),
            decided=self._analyse_as_needed,
        )
        self._driver.tell(ListeningChanged(engine.now(), hands_free))  # the first thing, once it runs
        self._hearing = Hearing(
            engine,
            transcriber,
            hints,
            tell=self._driver.tell,
            show=self._events.put,
            spawn=self._spawn,
            understood=self._learn_language,
        )
        self._answering = Answering(
            engine,
            synthesiser,
            replier,
            chunker,
            tell=self._driver.tell,
            show=self._events.put,
            said=machine.spoken,
            spawn=self._spawn,
            language=lambda: machine.language,
        )
        self._answering.speak = speak
        self._acting = Acting(
            engine,
            self._hearing,
            self._answering,
            show=self._events.put,
            spawn=self._spawn,
            approach=approach,
        )
        self._tasks: asyncio.TaskGroup | None = None
        self._frames = 0
        self._failure: TensorWallError | None = None
        self._over = asyncio.Event()
        self._running = False

    @property
    def state(self) -> State:
        """What is going on."""
        return self._machine.state

    @property
    def hands_free(self) -> bool:
        """Whether it listens without a key."""
        return self._machine.hands_free

    @property
    def muted(self) -> bool:
        """Whether the microphone is muted."""
        return self._machine.muted

    @property
    def language(self) -> str | None:
        """What the user speaks, as set or as detected; ``None`` until one of the two."""
        return self._machine.language

    @property
    def microphone_name(self) -> str | None:
        """The microphone in use; ``None`` while there is none."""
        return self._engine.microphone_name

    @property
    def echo_reduction(self) -> float | None:
        """Decibels by which the answer's own sound is made softer in the microphone; ``None``: unknown."""
        return self._engine.echo_reduction

    # Commands

    def talk_started(self) -> None:
        """The talk key went down, or was tapped to start."""
        self._driver.tell(TalkStarted(self._engine.now()))

    def talk_ended(self, *, held: bool = True) -> None:
        """The talk key was released (``held``), or tapped to end."""
        self._driver.tell(TalkEnded(self._engine.now(), held))

    def talk_cancelled(self) -> None:
        """It was only a tap: forget the recording."""
        self._driver.tell(TalkCancelled(self._engine.now()))

    def commit_now(self) -> None:
        """This is all: do not wait for more silence."""
        self._driver.tell(CommitNow(self._engine.now()))

    def hold_open(self) -> None:
        """More is coming: do not count down."""
        self._driver.tell(HoldOpen(self._engine.now()))

    def stop(self) -> None:
        """Be silent, and stop answering."""
        self._driver.tell(Stopped(self._engine.now()))
        self._answering.interrupt("key")  # one that is read aloud and has not been heard yet

    def set_hands_free(self, hands_free: bool) -> None:
        """Listen without a key, or only with it."""
        self._driver.tell(ListeningChanged(self._engine.now(), hands_free))

    def set_muted(self, muted: bool) -> None:
        """Mute or unmute the microphone."""
        self._driver.tell(Muted(self._engine.now(), muted))

    def read_aloud(self, reply: Reply) -> None:
        """Speak an answer to something typed; its turn is 0, and ``keep`` is not called for it.

        Does nothing before `run`, and while the user speaks.
        """
        if self._tasks is not None and self._machine.turn is None:
            self._answering.read_aloud(reply)

    def set_speak(self, speak: bool) -> None:
        """Read answers to spoken questions aloud, from the next one on, or show them only."""
        self._answering.speak = speak

    def set_volume(self, volume: float) -> None:
        """Loudness of the voice, from 0 to 1, at once."""
        self._engine.volume = volume

    def use_transcriber(self, transcriber: Transcriber) -> None:
        """Have another one turn speech into text from now on; the caller closes the old one."""
        self._hearing.transcriber = transcriber
        if self._tasks is not None:
            self._spawn(self._warm(transcriber))

    def use_synthesiser(self, synthesiser: Synthesiser) -> None:
        """Have another one speak from the next answer on; the caller closes the old one."""
        self._answering.synthesiser = synthesiser
        if self._tasks is not None:
            self._spawn(self._warm(synthesiser))

    async def use_engine(self, engine: AudioEngine) -> None:
        """Go on with another microphone or speaker; the one in use is closed, whatever it plays.

        Raises:
            AudioDeviceFailed: it cannot be opened, and there is none in use now.
        """
        self.stop()
        engine.analysing = self._engine.analysing
        old, self._engine = self._engine, engine
        self._hearing.engine = self._answering.engine = self._acting.engine = engine
        if self._tasks is not None:
            await old.aclose()
            await engine.open()

    def announce(self, text: str, hint: str = "") -> None:
        """Tell the user one line, as the loop does when a part of it swaps engines."""
        self._events.put(Noticed(text, hint))

    # Running

    async def run(self) -> None:
        """Open microphone and speaker and go on until cancelled, or until `aclose`.

        Raises:
            VoiceUnavailable: a package or system library is missing; the hint mends it.
            AudioDeviceFailed: there is nothing to listen with.
        """
        self._running = True
        try:
            await self._engine.open()
            async with asyncio.TaskGroup() as self._tasks:
                self._spawn(self._warm(self._hearing.transcriber))
                self._spawn(self._warm(self._answering.synthesiser))
                self._learn_language()
                self._driver.start()
                await self._listen()
                raise _Closed
        except* _Closed:
            pass
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        """Have `run` end, and wait until it has; safe to call again."""
        await self._engine.aclose()
        if self._running:
            await self._over.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> VoiceEvent:
        return await anext(self._events)

    async def _listen(self) -> None:
        """Take what the engine says, until the one in use is closed or fails."""
        engine = None
        try:
            while engine is not self._engine:
                engine = self._engine
                async for event in engine:
                    self._take(event)
        except TensorWallError as error:
            self._failure = error

    async def _end(self) -> None:
        self._driver.close()
        self._tasks = None
        try:
            await self._answering.aclose()
        finally:
            await self._engine.aclose()
            self._events.put(StateChanged("off"))
            self._over.set()
            self._events.close()

    async def _warm(self, part: Transcriber | Synthesiser) -> None:
        try:
            await part.warm()
        except TensorWallError as error:
            self._events.put(Noticed(error.message, error.hint))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(work)

    # What the engine says

    def _take(self, event: EngineEvent) -> None:
        match event:
            case Frame():
                self._frames += 1
                if self._frames % _LEVELS == 0:
                    self._events.put(LevelChanged(event.level, event.speech))
                self._driver.tell(FrameHeard(event.at, event.speech))
            case ClauseStarted() | ClauseEnded():
                self._answering.take(event)
            case DeviceLost() | DeviceOpened() | MicrophoneTrouble():
                if (notice := device_notice(event)) is not None:
                    self._events.put(notice)
                if isinstance(event, DeviceLost) and event.direction == "speaker":
                    self._spawn(self._give_up_speaker())

    async def _give_up_speaker(self) -> None:
        """Let what is spoken go on as text, if no other speaker is found soon."""
        await asyncio.sleep(_SPEAKER_PATIENCE)
        if self._engine.speaker_name is None:
            self._answering.lost_speaker()

    def _learn_language(self, heard: str = "") -> None:
        self._machine.language = self._hints().language or heard or None

    # What the machine needs

    def _now(self) -> float:
        return self._engine.now()

    def _analyse_as_needed(self) -> None:
        if self._engine.analysing != self._machine.needs_frames:
            self._engine.analysing = self._machine.needs_frames
