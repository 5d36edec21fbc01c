"""The voice loop on the chat screen: opened when first wanted, and commanded by keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING

from app.tui.failures import explain
from app.tui.voice.keys import VoiceKeys, is_installed
from app.tui.voice.states import HEARD
from core.errors import InputError, TensorWallError

if TYPE_CHECKING:
    from textual.worker import Worker

    from app.composition import Services
    from app.tui.screens.chat import ChatScreen
    from app.tui.voice.hotkey import Hotkey
    from app.tui.voice.show import VoiceShow
    from app.tui.voice.spoken_answers import SpokenAnswers
    from app.voice_services import VoiceServices
    from core.assistant import Turn
    from core.chat import Event
    from core.settings import VoiceSettings
    from core.voice.loop import VoiceLoop
    from core.voice.reply import Replier, Reply
    from core.voice.synthesis.synthesiser import Voice

__all__ = ("VoiceControl",)

OpenVoice = Callable[
    ["Services", "Replier", Callable[[], str], Callable[[], str | None]], Awaitable["VoiceServices"]
]


async def compose(
    services: Services, replier: Replier, words: Callable[[], str], session: Callable[[], str | None]
) -> VoiceServices:
    """Make the real loop; its packages are imported now."""
    from app.voice_services import compose_voice

    return await compose_voice(services, replier, words=words, session=session)


class VoiceControl:
    """One for a chat screen; nothing of voice is imported or opened before it is used.

    Args:
        screen: where it is shown.
        open_voice: makes the voice loop.

    Attributes:
        keys: what keys do.
        voice: the loop and its parts, while it is open.
        show: what it tells, on screen; ``None`` while it is closed.
    """

    def __init__(self, screen: ChatScreen, open_voice: OpenVoice = compose) -> None:
        self.keys = VoiceKeys(lambda: screen.composer, self)
        self.voice: VoiceServices | None = None
        self.open_voice = open_voice
        self._screen = screen
        self._worker: Worker[None] | None = None
        self._hotkey: Hotkey | None = None
        self._hotkey_wanted: str | None = None
        self.show: VoiceShow | None = None
        self._closed = asyncio.Event()
        self._answers: SpokenAnswers | None = None
        self._to_read: Reply | None = None
        self._hands_free = False

    # What it is

    @property
    def settings(self) -> VoiceSettings | None:
        """The ``voice`` section; ``None`` before the services are there."""
        conversation = self._screen.conversation
        return conversation.services.settings.voice if conversation else None

    @property
    def loop(self) -> VoiceLoop | None:
        """The running loop."""
        return self.voice.loop if self.voice else None

    @property
    def is_open(self) -> bool:
        """Whether the microphone is open, or about to be."""
        return self._worker is not None and not self._worker.is_finished

    @property
    def sign(self) -> str:
        """The microphone's state for the window's title; empty while it is closed."""
        return self.show.sign if self.show else ""

    @property
    def answers(self) -> SpokenAnswers:
        """Answers on their way to being heard."""
        if self._answers is None:
            from app.tui.voice.spoken_answers import SpokenAnswers

            assert self._screen.conversation is not None
            self._answers = SpokenAnswers(self._screen.conversation, self._model, self._show_answer)
        return self._answers

    @property
    def is_dictating(self) -> bool:
        """Whether somebody speaks into the composer."""
        return self.show is not None and self.show.dictation.active

    def typed(self) -> None:
        """The composer has another text, and with it another key may talk."""
        if self.loop is not None and self.show is not None:
            self.show.update(hint=self.keys.hint(self.show.status.state))

    def silence(self) -> None:
        """Another conversation is on screen: answer and read no more of the one before."""
        self._to_read = None
        if self.loop is not None and self.loop.state not in HEARD:
            self.loop.stop()

    def _show_answer(self, work: Coroutine[None, None, None]) -> None:
        self._screen.run_worker(work, group="turn")

    def _model(self) -> str | None:
        return self.settings.chat_model if self.settings else None

    # Opening

    def open(self) -> None:
        """Open microphone and speaker, unless they are."""
        if not self.is_open:
            self._closed.clear()
            self._worker = self._screen.run_worker(self._run(), group="voice")

    async def aclose(self) -> None:
        """Close the microphone; returns when every part of the loop has ended."""
        if self._worker is None or not self.is_open:
            return
        if self.loop is not None and self.loop.state != "off":
            await self.loop.aclose()  # what it tells at last is shown, such as how much was heard
        else:
            self._worker.cancel()
        await self._closed.wait()

    async def end(self) -> None:
        """The app ends: close the microphone and hear no key any more."""
        self._use_hotkey(None)
        await self.aclose()

    async def _run(self) -> None:
        """The life of one voice loop."""
        from app.tui.voice.show import VoiceShow

        conversation = self._screen.conversation
        assert conversation is not None
        show = self.show = VoiceShow(self._screen, self.answers)
        show.update(state="off")
        self._screen.changed()
        try:
            if not await self._has_model():
                return
            voice = await self.open_voice(
                conversation.services, self.answers.ask, self.answers.words, lambda: conversation.session_id
            )
            try:
                await self._live(voice, show)
            finally:
                self.voice = None
                await voice.aclose()
        except* TensorWallError as failures:
            for failure in _flat(failures):
                self._screen.tell(*explain(failure))
        finally:
            self.show, self._to_read = None, None
            self._closed.set()
            self.keys.talk.ended()
            if self._screen.is_attached:  # the app may end, and the bar with it
                show.end()
                self._screen.changed()

    async def _has_model(self) -> bool:
        """Whether there is a model to understand speech with, after offering to fetch it."""
        from app.tui.voice.first_use import missing_model

        assert self._screen.conversation is not None
        services = self._screen.conversation.services
        model = await asyncio.to_thread(missing_model, services.settings.voice, services.locations)
        if model is None:
            return True
        from app.tui.screens.speech_download import SpeechDownloadScreen

        self.keys.talk.ended()
        screen = SpeechDownloadScreen(model, services.locations.speech_models_dir)
        is_there = await self._screen.app.push_screen_wait(screen)
        return is_there or (services.settings.voice.transcriber == "auto" and "groq" in services.providers)

    async def _live(self, voice: VoiceServices, show: VoiceShow) -> None:
        self.voice = voice
        if self._hands_free:
            voice.loop.set_hands_free(True)
        if self.keys.talk.active:
            voice.loop.talk_started()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(voice.loop.run(), name="voice loop")
            async for event in voice.loop:
                show.take(event)
                self._follow(voice, show)

    def _follow(self, voice: VoiceServices, show: VoiceShow) -> None:
        """After each event: what it changed beside what it says."""
        loop = voice.loop
        if self._to_read is not None:
            loop.read_aloud(self._to_read)
            self._to_read = None
        self.keys.follow(show.status.state)
        show.update(
            hands_free=loop.hands_free,
            hint=self.keys.hint(show.status.state),
            language=loop.language or "",
            microphone=loop.microphone_name or "",
            is_there=loop.microphone_name is not None,
            echo=loop.echo_reduction,
            voice=voice.synthesiser.label,
        )

    # What the user wants

    def set_hands_free(self, hands_free: bool) -> None:
        """Listen without a key, opening the microphone for it; or with the key only."""
        self._hands_free = hands_free
        if self.loop is not None:
            self.loop.set_hands_free(hands_free)
        elif hands_free:
            self.open()

    def apply_settings(self, keys: str) -> None:
        """Take over the settings and the keys that talk."""
        if self.settings is None:
            return
        self.keys.talk.use(keys, self.settings.mode)
        self._use_hotkey(self.settings.hotkey if self.settings.mode != "off" else None)
        self._hands_free = self.settings.mode == "hands_free"
        if self.settings.mode == "off":
            self._screen.run_worker(self.aclose(), group="close voice")
        elif self.voice is not None and self.voice.settings != self.settings:
            work = self._screen.attempt(self.voice.apply(self.settings))
            self._screen.run_worker(work, group="apply voice", exclusive=True)

    def _use_hotkey(self, combination: str | None) -> None:
        """Listen for the key that talks from any window, where one is wanted."""
        if combination == self._hotkey_wanted:
            return
        self._hotkey_wanted = combination
        if self._hotkey is not None:
            self._hotkey.close()
            self._hotkey = None
        if combination is None:
            return
        from app.tui.voice.hotkey import Hotkey

        try:
            self._hotkey = Hotkey(combination, self.keys.talk.press_anywhere, self.keys.talk.release_anywhere)
        except TensorWallError as error:
            self._screen.report(error)

    def read_last(self) -> bool:
        """Read the last answer of the conversation aloud; whether there is one."""
        conversation = self._screen.conversation
        answers = (
            [stored for stored in conversation.branch if stored.message.role == "assistant"]
            if conversation
            else []
        )
        if not answers:
            return False
        self._read(self.answers.again(answers[-1].id, answers[-1].message.text))
        return True

    async def voices(self) -> Sequence[Voice]:
        """The voices that can read.

        Raises:
            VoiceError: they cannot be had.
        """
        if self.voice is None:
            raise InputError("The microphone is closed.", hint="/voice opens it.")
        return await self.voice.synthesiser.voices()

    def _read(self, reply: Reply) -> None:
        if self.loop is not None and self.loop.state != "off":
            self.loop.read_aloud(reply)
        else:
            self._to_read = reply
            self.open()

    def read_aloud(self, turn: Turn) -> AsyncIterable[Event]:
        """The events of a typed question's answer, after having them read aloud where that is wanted."""
        settings = self.settings
        spoken = self.show is not None and self.show.was_dictated
        if self.show is not None:
            self.show.was_dictated = False
        if settings is None or settings.mode == "off" or not is_installed():
            return turn
        if settings.speak == "never" or (settings.speak == "spoken" and not spoken):
            return turn
        reply = self.answers.follow(turn)
        self._read(reply)
        return reply


def _flat(failures: BaseExceptionGroup[TensorWallError]) -> Iterator[TensorWallError]:
    for failure in failures.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            yield from _flat(failure)
        else:
            yield failure
