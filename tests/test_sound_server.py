"""The tests' own microphone and speaker: what the voice tests stand on."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.sound_server import RATE, SoundServer

# Noise below 500 Hz: it is like nothing but itself, and the same when a device resamples it.
_NOISE = np.convolve(np.random.default_rng(0).standard_normal(RATE // 2), np.ones(16) / 16, "same")
_BURST = (0.5 * _NOISE / np.abs(_NOISE).max()).astype(np.float32)
_MILLISECOND = 0.001


def test_what_is_spoken_is_heard_when_it_says(sound: SoundServer) -> None:
    with sound.record("microphone") as recording:
        spoken = sound.speak(_BURST)
        spoken.wait()
        heard = recording.wait_for_sound()
        recording.wait_for_silence()
    assert heard == pytest.approx(spoken.began, abs=50 * _MILLISECOND)
    again = recording.samples
    assert np.correlate(again, _BURST, "valid").max() / np.linalg.norm(again) / np.linalg.norm(_BURST) > 0.99


def test_silence_falls_at_once(sound: SoundServer) -> None:
    with sound.record("microphone") as recording:
        spoken = sound.speak(np.tile(_BURST, 20))
        recording.wait_for_sound()
        spoken.stop()
        ended = recording.wait_for_silence()
    assert ended < spoken.began + 5


def test_echo_is_later_and_softer(sound: SoundServer) -> None:
    with sound.record("microphone") as microphone, sound.record() as speaker:
        with sound.echo(gain=-10, delay=0.15):
            spoken = sound.speak(np.tile(_BURST, 4), microphone="speaker")
            played = speaker.wait_for_sound()
            heard = microphone.wait_for_sound()
            spoken.wait()
        loud = speaker.between(played + 0.5, played + 1.5).std()
        soft = microphone.between(heard + 0.5, heard + 1.5).std()
    assert 0.1 < heard - played < 0.25
    assert 20 * np.log10(soft / loud) == pytest.approx(-10, abs=1.5)


def test_a_killed_server_comes_back_at_the_same_address(sound: SoundServer) -> None:
    with sound.record() as recording:
        sound.kill()
        recording.stop()
    assert not sound.running
    sound.start()
    with sound.record("microphone") as recording:
        sound.speak(_BURST).wait()
        recording.wait_for_sound()


def test_devices_come_and_go(sound: SoundServer) -> None:
    with sound.second_microphone("headset"), sound.second_speaker("earphones"):
        with sound.record("headset") as recording:
            sound.speak(_BURST, microphone="headset-room").wait()
            recording.wait_for_sound()
        assert {"headset", "earphones"} <= set(_pactl_names())
    assert not {"headset", "earphones"} & set(_pactl_names())


def test_portaudio_sees_it(sound: SoundServer) -> None:
    code = (
        "import sounddevice; sounddevice.rec(1600, 16000, 1, blocking=True);"
        "print(sounddevice.query_devices(kind='input')['name'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() in {"pulse", "default"}, done.stderr


def test_it_ends_with_its_owner(sound: SoundServer, tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.sound_server import SoundServer;"
        "server = SoundServer(Path(sys.argv[1])); server.start();"
        "print(server._process.pid, flush=True); input()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        server = int(owner.stdout.readline())
        owner.kill()
    deadline = time.monotonic() + 20
    while _alive(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(server)


def _pactl_names() -> list[str]:
    return [
        row.split("\t")[1]
        for kind in ("sources", "sinks")
        for row in subprocess.run(
            ["pactl", "list", "short", kind], capture_output=True, text=True, check=True, timeout=20
        ).stdout.splitlines()
    ]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
