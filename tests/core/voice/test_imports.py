"""Nothing of audio or speech is imported before voice is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = {
    "av",
    "ctranslate2",
    "faster_whisper",
    "huggingface_hub",
    "numpy",
    "onnxruntime",
    "pynput",
    "pyttsx3",
    "pywebrtc_audio",
    "sounddevice",
    "soxr",
    "tokenizers",
}


@pytest.mark.parametrize(
    "imports",
    [
        "core.voice, core.voice.events, core.voice.reply, core.voice.availability",
        "core.voice.turn_taking.machine, core.voice.spoken_text.chunker, core.voice.loop",
        "app.cli, app.cli.root, app.cli.voice, app.cli.voice_setup, app.cli.say, app.cli.transcribe",
        "app.tui.run, app.tui.application, app.voice_services",
    ],
)
def test_nothing_heavy_is_imported_with(imports: str) -> None:
    code = f"import json, sys, {imports}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert HEAVY & {name.partition(".")[0] for name in json.loads(done.stdout)} == set()
