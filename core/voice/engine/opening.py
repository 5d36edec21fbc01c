"""Opening a device by its name, in whatever shape it can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.errors import AudioDeviceFailed
from core.voice.audio import SAMPLE_RATE
from core.voice.engine import portaudio
from core.voice.engine.events import Direction
from core.voice.engine.microphone import Microphone
from core.voice.engine.playback import Playback
from core.voice.engine.portaudio import ListedDevice
from core.voice.engine.sound_server import SERVER_DEVICES, ServerDevice, routed_to, server_devices
from core.voice.engine.speaker import Speaker

__all__ = ("Chosen", "choose", "open_microphone", "open_speaker")

_Device = TypeVar("_Device", ListedDevice, ServerDevice)

_NO_DEVICE = "Connect one and try again; in a container or over SSH there may be no sound server to reach."


def open_microphone(name: str | None, wake: Callable[[], None]) -> Microphone:
    """Open and start the microphone ``name``, or the default one where it is not connected or ``None``.

    Raises:
        AudioDeviceFailed: there is none, it is in use or it refuses.
        VoiceUnavailable: a package or a library is missing.
    """
    chosen = choose("microphone", name)
    refused: Exception | None = None
    with routed_to("microphone", chosen.routed):
        for rate, channels in _shapes(chosen):
            microphone = Microphone(chosen.name, rate, channels, wake)
            try:
                microphone.start(chosen.listed.index)
            except portaudio.load().PortAudioError as error:
                microphone.close()
                refused = refused or error
            else:
                return microphone
    assert refused is not None
    raise portaudio.device_failed("microphone", chosen.name, refused)


def open_speaker(
    name: str | None, latencies: Mapping[str, float], playback: Playback, wake: Callable[[], None]
) -> Speaker:
    """Open and start the speaker ``name``, else the default one; raises as `open_microphone` does.

    Each buffers as little as it can, but for those that ``latencies`` has seconds for, by name.
    """
    chosen = choose("speaker", name)
    channels = min(2, chosen.listed.channels)
    speaker = Speaker(chosen.name, chosen.rate, channels, playback, wake)
    with routed_to("speaker", chosen.routed):
        try:
            speaker.start(chosen.listed.index, latencies.get(chosen.name, "low"))
        except portaudio.load().PortAudioError as error:
            speaker.close()
            raise portaudio.device_failed("speaker", chosen.name, error) from error
    return speaker


@dataclass(frozen=True, slots=True)
class Chosen:
    """A device to open.

    Attributes:
        listed: how PortAudio reaches it.
        routed: where its sound server is to send or fetch the sound; ``None`` for its default.
        among: the names there are.
    """

    name: str
    rate: int
    listed: ListedDevice
    routed: ServerDevice | None
    among: frozenset[str]


def choose(direction: Direction, name: str | None) -> Chosen:
    """The device of that name, else the default one.

    Raises:
        AudioDeviceFailed: there is none at all.
    """
    listed = portaudio.devices(direction)
    if not listed:
        raise AudioDeviceFailed(f"There is no {direction}.", hint=_NO_DEVICE)
    server = next((device for key in SERVER_DEVICES for device in listed if device.name == key), None)
    if server is not None and (routes := server_devices(direction)):
        route = _named(routes, name)
        routed = route if route.name == name else None
        return Chosen(route.name, route.rate, server, routed, frozenset(each.name for each in routes))
    device = _named(listed, name)
    return Chosen(device.name, device.rate, device, None, frozenset(each.name for each in listed))


def _named(devices: Sequence[_Device], name: str | None) -> _Device:
    by_name = (device for device in devices if device.name == name)
    default = (device for device in devices if device.default)
    return next(by_name, None) or next(default, None) or devices[0]


def _shapes(chosen: Chosen) -> Iterator[tuple[int, int]]:
    """Rates and numbers of channels to try, the cheapest for us first."""
    yield SAMPLE_RATE, 1
    yield chosen.rate, 1
    if chosen.listed.channels > 1:
        yield chosen.rate, 2
