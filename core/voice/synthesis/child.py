"""The speech process: ``python -m core.voice.synthesis.child``, requests on stdin, answers on stdout.

The engine lives on the main thread, as macOS and Windows want it. A second thread reads requests,
so that a cancellation is seen while a text is being spoken, and ends the process with its parent.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable

from core.voice.audio import PcmChunk
from core.voice.synthesis.engine import EngineFailed, SpeechEngine
from core.voice.synthesis.wire import (
    Cancel,
    Done,
    Failed,
    FrameDecoder,
    ListVoices,
    Message,
    Ready,
    Sound,
    Speak,
    VoiceList,
    WireError,
    encode,
)

__all__ = ("main", "open_engine")

_READ_SIZE = 65536
_DRIVERS = {"win32": "sapi5", "darwin": "nsss"}
"""Where it is not eSpeak."""


class Inbox:
    """The requests of the parent, in order; ends the process when there is no parent any more."""

    def __init__(self, source: int) -> None:
        self.cancelled = 0
        """The latest request that was given up; those before it are over, as they come one by one."""
        self._source = source
        self._waiting: queue.SimpleQueue[Speak | ListVoices] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Speak | ListVoices:
        """Wait for a request."""
        return self._waiting.get()

    def _read(self) -> None:
        decoder = FrameDecoder()
        try:
            while data := os.read(self._source, _READ_SIZE):
                for message in decoder.feed(data):
                    if isinstance(message, Cancel):
                        self.cancelled = max(self.cancelled, message.request)
                    elif isinstance(message, Speak | ListVoices):
                        self._waiting.put(message)
        except (OSError, WireError):
            os._exit(1)
        os._exit(0)  # the main thread may be deep in the engine, or in a write nobody reads


def open_engine(driver: str) -> SpeechEngine:
    """The engine behind one of pyttsx3's drivers; ``file:espeak`` has eSpeak write files, as a trial.

    Raises:
        EngineFailed: it is not installed or does not start.
    """
    if driver == "espeak":
        from core.voice.synthesis.espeak import EspeakEngine

        return EspeakEngine()
    from core.voice.synthesis.file_driver import FileEngine

    return FileEngine(driver.removeprefix("file:"))


def serve(engine: SpeechEngine, inbox: Inbox, send: Callable[[Message], None]) -> None:
    """Answer requests for ever."""
    send(Ready(engine.name, engine.default_voice))
    while True:
        request = inbox.next()
        if request.request <= inbox.cancelled:
            continue
        try:
            send(_answer(request, engine, inbox, send))
        except EngineFailed as error:
            send(Failed(request.request, error.reason, error.message, error.hint))
        except Exception as error:  # noqa: BLE001 - the edge of the process: the parent reports it
            send(Failed(request.request, "engine", f"{engine.name}: {type(error).__name__}: {error}", ""))


def _answer(
    request: Speak | ListVoices, engine: SpeechEngine, inbox: Inbox, send: Callable[[Message], None]
) -> Message:
    if isinstance(request, ListVoices):
        return VoiceList(request.request, tuple(engine.voices()))

    def hand(chunk: PcmChunk) -> bool:
        wanted = request.request > inbox.cancelled
        if wanted:
            send(Sound(request.request, chunk))
        return wanted

    engine.speak(request.text, voice=request.voice, rate=request.rate, language=request.language, hand=hand)
    return Done(request.request)


def _take_stdout() -> Callable[[Message], None]:
    """Keep stdout for messages; whatever engines print goes nowhere."""
    pipe = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)

    def send(message: Message) -> None:
        left = memoryview(encode(message))
        try:
            while left:
                left = left[os.write(pipe, left) :]
        except BrokenPipeError:
            os._exit(0)  # the parent is gone

    return send


def main() -> None:
    """Speak until stdin is closed."""
    send = _take_stdout()
    inbox = Inbox(0)
    driver = sys.argv[1] if len(sys.argv) > 1 else _DRIVERS.get(sys.platform, "espeak")
    try:
        engine = open_engine(driver)
    except EngineFailed as error:
        send(Failed(0, error.reason, error.message, error.hint))
        return
    except Exception as error:  # noqa: BLE001 - the edge of the process: the parent reports it
        send(Failed(0, "engine", f"The speech engine does not start: {type(error).__name__}: {error}", ""))
        return
    serve(engine, inbox, send)


if __name__ == "__main__":
    main()
