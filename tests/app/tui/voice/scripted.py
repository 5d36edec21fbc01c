"""A voice loop that does what a test says, in place of the one with microphone, models and voices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from app.composition import Services
from core.errors import TensorWallError
from core.settings import VoiceSettings
from core.voice.events import StateChanged, VoiceEvent
from core.voice.reply import Replier, Reply
from core.voice.synthesis.synthesiser import Voice


class ScriptedLoop:
    """Records commands, and tells the events it is given."""

    def __init__(self, replier: Replier) -> None:
        self.commands: list[str] = []
        self.state = "off"
        self.microphone_name = "Built-in Microphone"
        self.language: str | None = None
        self.echo_reduction: float | None = None
        self.hands_free = False
        self.muted = False
        self.replier = replier
        self.read: list[Reply] = []
        self.failure: TensorWallError | None = None
        self.last_words: list[VoiceEvent] = []
        self._closing = asyncio.Event()
        self._events: asyncio.Queue[VoiceEvent | None] = asyncio.Queue()

    def tells(self, *events: VoiceEvent) -> None:
        for event in events:
            if isinstance(event, StateChanged):
                self.state = event.state
            self._events.put_nowait(event)

    async def run(self) -> None:
        try:
            if self.failure:
                raise self.failure
            self.tells(StateChanged("listening" if self.hands_free else "ready"))
            await self._closing.wait()
        finally:
            self._events.put_nowait(None)

    async def aclose(self) -> None:
        self.tells(*self.last_words)
        self._closing.set()

    def __aiter__(self) -> ScriptedLoop:
        return self

    async def __anext__(self) -> VoiceEvent:
        if (event := await self._events.get()) is None:
            raise StopAsyncIteration
        return event

    def talk_started(self) -> None:
        self.commands.append("started")

    def talk_ended(self, *, held: bool = True) -> None:
        self.commands.append("ended held" if held else "ended")

    def talk_cancelled(self) -> None:
        self.commands.append("cancelled")

    def commit_now(self) -> None:
        self.commands.append("commit")

    def hold_open(self) -> None:
        self.commands.append("hold open")

    def stop(self) -> None:
        self.commands.append("stop")

    def set_hands_free(self, hands_free: bool) -> None:
        self.hands_free = hands_free
        self.tells(StateChanged("listening" if hands_free else "ready"))

    def set_muted(self, muted: bool) -> None:
        self.muted = muted
        self.tells(StateChanged("muted" if muted else "ready"))

    def read_aloud(self, reply: Reply) -> None:
        self.read.append(reply)


class ScriptedVoice:
    """What ``compose_voice`` gives, with a scripted loop."""

    label = "eSpeak en-us"

    def __init__(self, settings: VoiceSettings, replier: Replier) -> None:
        self.loop = ScriptedLoop(replier)
        self.settings = settings
        self.synthesiser = self
        self.applied: list[VoiceSettings] = []
        self.closed = False

    async def voices(self) -> list[Voice]:
        return [Voice("en-us", "English (America)", ("en-us",)), Voice("de", "German", ("de",))]

    async def apply(self, settings: VoiceSettings) -> None:
        self.settings = settings
        self.applied.append(settings)

    async def aclose(self) -> None:
        self.closed = True


class Script:
    """Opens scripted voices; ``failure`` is what the loop runs into."""

    def __init__(self) -> None:
        self.voices: list[ScriptedVoice] = []
        self.failure: TensorWallError | None = None
        self.refusal: TensorWallError | None = None
        self.words: Callable[[], str] = str
        self.session: Callable[[], str | None] = lambda: None

    async def open(
        self,
        services: Services,
        replier: Replier,
        words: Callable[[], str],
        session: Callable[[], str | None],
    ) -> ScriptedVoice:
        if self.refusal:
            raise self.refusal
        voice = ScriptedVoice(services.settings.voice, replier)
        voice.loop.failure = self.failure
        self.voices.append(voice)
        self.words = words
        self.session = session
        return voice

    @property
    def voice(self) -> ScriptedVoice:
        return self.voices[-1]

    @property
    def loop(self) -> ScriptedLoop:
        return self.voice.loop
