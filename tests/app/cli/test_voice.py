"""`tensorwall voice`: the loop on a virtual sound card, told as lines; Groq, simulated, listens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.cli.voice_lines import as_json, receipt_line
from core.voice.events import (
    Answered,
    FinalText,
    Interrupted,
    LevelChanged,
    Noticed,
    PartialText,
    ReceiptReady,
    Speaking,
    StateChanged,
)
from core.voice.receipt import Receipt
from core.voice.spoken_text.clause import Clause
from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated
from tests.sound_server import RATE, SoundServer
from tests.voice_models import Clip

RECEIPT = Receipt(
    2, 0.2, 0.1, 0.15, 0.05, 0.5, speculated=3, discarded=1, speculation_cost=Decimal("0.00042")
)


def question(clip: Clip) -> Any:
    import soxr

    return soxr.resample(clip.samples(), 16_000, RATE).astype("float32")


def lines_until(process: subprocess.Popen[bytes], event: str) -> list[dict[str, Any]]:
    """What is told, up to this event."""
    assert process.stdout is not None
    told: list[dict[str, Any]] = []
    while not told or told[-1]["event"] != event:
        line = process.stdout.readline()
        assert line, f"it ended before {event}: {told}"
        told.append(json.loads(line))
    return told


def test_just_speaking_is_answered_and_every_event_is_a_line_of_json(
    sound: SoundServer, simulator: Simulated, speech: tuple[Clip, ...], start: Callable[..., Any]
) -> None:
    simulator.configure(heard="Which card is it?", text="Seven of clubs it is.")
    process = start("voice", "--hands-free", "--events")
    lines_until(process, "state")
    sound.speak(question(speech[2]))
    told = lines_until(process, "answer")
    names = [line["event"] for line in told]
    assert [name for name in names if name not in {"state", "partial", "notice"}] == [
        "final",
        "first_token",
        "first_audio",
        "speaking",
        "receipt",
        "speaking",
        "answer",
    ]
    final, answer = (next(line for line in told if line["event"] == name) for name in ("final", "answer"))
    assert (final["text"], final["sent"]) == ("Which card is it?", True)
    assert answer["text"] == "Seven of clubs it is."
    receipt = next(line for line in told if line["event"] == "receipt")
    assert receipt["total"] > 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert all(json.loads(line) for line in out.splitlines())
    assert b"ALSA" not in err
    assert b"Traceback" not in err


def test_enter_starts_and_ends_what_one_says(
    sound: SoundServer,
    simulator: Simulated,
    speech: tuple[Clip, ...],
    on_terminal: Callable[..., OnTerminal],
    tensorwall: Run,
) -> None:
    simulator.configure(heard="Which card is it?", text="Seven of clubs it is.")
    terminal = on_terminal("voice")
    terminal.expect("Enter: talk")
    terminal.send("\n")
    terminal.expect("recording")
    sound.speak(question(speech[2])).wait()
    terminal.send("\n")
    terminal.expect(r"you: Which card is it\?")
    terminal.expect("total .*s")
    terminal.expect("Seven of clubs it is")
    terminal.expect("Enter: talk")
    terminal.send("\x04")
    terminal.expect("session .*: 1 spoken turn · to the first sound: half within")
    assert terminal.wait() == 0
    assert "ALSA" not in terminal.seen
    assert "Which card is it?" in tensorwall("sessions", "list").out


def test_a_pipe_for_stdin_is_no_talk_key(sound: SoundServer, start: Callable[..., Any]) -> None:
    read, write = os.pipe()
    process = start("voice", "--events", stdin=read)
    assert lines_until(process, "state")[-1]["state"] == "listening"
    os.close(write)
    os.close(read)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130


def test_no_sound_card_is_one_clear_line(sound: SoundServer, tensorwall: Run, tmp_path: Path) -> None:
    ran = tensorwall("voice", env={"PULSE_SERVER": f"unix:{tmp_path}/none"})
    assert ran.status == 1
    assert ran.out == ""
    assert ran.err.startswith("tensorwall: ")
    assert "ALSA lib" not in ran.err


def test_two_sessions_at_once_are_refused(tensorwall: Run) -> None:
    assert tensorwall("voice", "-c", "--session", "abc").status == 2


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (StateChanged("closing", 0.5), {"event": "state", "state": "closing", "closes_in": 0.5}),
        (PartialText(1, "a", "b"), {"event": "partial", "turn": 1, "stable": "a", "tail": "b"}),
        (
            FinalText(1, "\x1b[2J", sent=True),
            {"event": "final", "turn": 1, "text": "\x1b[2J", "sent": True, "confidence": 1.0},
        ),
        (
            Interrupted(1, "so", " far", "key"),
            {"event": "interrupted", "turn": 1, "heard": "so", "unheard": " far", "by": "key"},
        ),
        (
            Speaking(1, Clause(0, 2, 5, "one", ())),
            {"event": "speaking", "turn": 1, "clause": {"text": "one", "start": 2, "end": 5}},
        ),
        (Speaking(1, None), {"event": "speaking", "turn": 1, "clause": None}),
        (Answered(1, "yes"), {"event": "answer", "turn": 1, "text": "yes"}),
        (Noticed("gone", "plug it in"), {"event": "notice", "text": "gone", "hint": "plug it in"}),
    ],
)
def test_events_as_json(event: Any, line: dict[str, Any]) -> None:
    written = as_json(event)
    assert written is not None
    assert json.loads(written) == line
    assert written.isprintable()


def test_receipts_as_json_have_numbers() -> None:
    line = json.loads(as_json(ReceiptReady(RECEIPT)) or "")
    assert (line["event"], line["turn"], line["total"], line["speculation_cost"]) == (
        "receipt",
        2,
        0.5,
        0.00042,
    )


def test_loudness_is_no_line() -> None:
    assert as_json(LevelChanged(0.1, 0.2)) is None


def test_a_receipt_as_a_person_reads_it() -> None:
    line = receipt_line(RECEIPT)
    assert line.startswith("endpoint 200 ms · transcript 100 ms")
    assert line.endswith("1 of 3 guesses discarded, $0.00042")
