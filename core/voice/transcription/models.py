"""The Whisper models that are known by name, and where they are on this machine.

A model is a folder in CTranslate2's format. One that is known by name lies in a folder of that name under
the models folder, put there by the downloader; any other is named by its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.download import PARTIAL_SUFFIX, ModelFile
from core.errors import SpeechModelUnusable

__all__ = (
    "KNOWN_MODELS",
    "KnownModel",
    "find_model",
    "is_english_only",
    "known_model",
    "model_name",
)

SETUP = "tensorwall voice setup"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be asked for by name.

    Attributes:
        repository: whose it is and what it is called at the hub it is fetched from.
        revision: the commit, so that what is fetched is what was tried.
    """

    name: str
    repository: str
    revision: str
    files: tuple[ModelFile, ...]

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"speech model {self.name}"

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)


def _model(
    name: str, repository: str, revision: str, sha256: str, sizes: tuple[int, int, int, int], mel: int = 0
) -> KnownModel:
    """A model of the common layout: sizes of config, weights, tokenizer and vocabulary.

    Newer ones hold their vocabulary as JSON, and the settings of the mel filter in a file of ``mel`` bytes.
    """
    config, weights, tokenizer, vocabulary = sizes
    files = (
        ModelFile("config.json", config),
        ModelFile("tokenizer.json", tokenizer),
        ModelFile("vocabulary.json" if mel else "vocabulary.txt", vocabulary),
        *((ModelFile("preprocessor_config.json", mel),) if mel else ()),
        ModelFile("model.bin", weights, sha256),  # last: it tells by its presence that the folder is whole
    )
    return KnownModel(name, repository, revision, files)


KNOWN_MODELS = (
    _model(
        "tiny",
        "Systran/faster-whisper-tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
        (2_249, 75_538_270, 2_203_239, 459_861),
    ),
    _model(
        "tiny.en",
        "Systran/faster-whisper-tiny.en",
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        (2_317, 75_537_502, 2_128_466, 422_309),
    ),
    _model(
        "base",
        "Systran/faster-whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        (2_309, 145_217_532, 2_203_239, 459_861),
    ),
    _model(
        "base.en",
        "Systran/faster-whisper-base.en",
        "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
        "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef",
        (2_227, 145_216_508, 2_128_466, 422_309),
    ),
    _model(
        "small",
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
        (2_370, 483_546_902, 2_203_239, 459_861),
    ),
    _model(
        "small.en",
        "Systran/faster-whisper-small.en",
        "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
        "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a",
        (2_657, 483_545_366, 2_128_466, 422_309),
    ),
    _model(
        "distil-small.en",
        "Systran/faster-distil-whisper-small.en",
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
        "1187de3982cdcf962a2fb8f797e429fb4651b875b18fe9ce50b58b52fc9072b7",
        (2_812, 332_308_257, 2_405_466, 825_480),
        mel=339,
    ),
    _model(
        "medium",
        "Systran/faster-whisper-medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
        (2_257, 1_527_906_378, 2_203_239, 459_861),
    ),
    _model(
        "medium.en",
        "Systran/faster-whisper-medium.en",
        "a29b04bd15381511a9af671baec01072039215e3",
        "11b220779aea4c6f3ce9d2549c8a95ea869ed84066864b999531ef53e594fe5b",
        (2_643, 1_527_904_330, 2_128_466, 422_309),
    ),
    _model(
        "distil-large-v3",
        "Systran/faster-distil-whisper-large-v3",
        "c3058b475261292e64a0412df1d2681c06260fab",
        "b79368e19b6623813609431a6e5ee309a71506701ebc49fd7820e692dec7c5f5",
        (2_690, 1_512_927_867, 2_480_617, 1_068_114),
        mel=340,
    ),
    _model(
        "large-v3",
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
        (2_394, 3_087_284_237, 2_480_617, 1_068_114),
        mel=340,
    ),
    _model(
        "turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
        (2_263, 1_617_884_929, 2_710_337, 1_068_114),
        mel=340,
    ),
)
"""By size, the smallest first; sizes and digests as the hub listed them in October 2026."""

_OTHER_NAMES = {"large": "large-v3", "large-v3-turbo": "turbo"}
_NEEDED = ("model.bin", "config.json", "tokenizer.json")
# Without tokenizer.json the decoder would go and fetch one; these names would be taken for a name at the hub.


def known_model(name: str) -> KnownModel | None:
    """The model of this name; ``None`` where it is none that is known."""
    name = _OTHER_NAMES.get(name, name)
    return next((model for model in KNOWN_MODELS if model.name == name), None)


def model_name(model: str | Path) -> str:
    """What the screen calls a model: its name, or the last part of its path."""
    text = str(model)
    return text if known_model(text) else Path(text).name or text


def is_english_only(model: str | Path) -> bool:
    """Whether the name says that it knows no other language."""
    return model_name(model).endswith(".en")


def find_model(model: str | Path, models_dir: Path) -> Path:
    """The folder of a model.

    Args:
        model: a name that is known, or the path of a folder.
        models_dir: where models that are known by name are kept.

    Raises:
        SpeechModelUnusable: it is not there, not whole, or no model; the hint says what to do.
    """
    known = known_model(str(model))
    if known is not None:
        return _find_known(known, models_dir)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise _not_found(str(model), folder, models_dir)
    for name in _NEEDED:
        if not (folder / name).is_file():
            raise SpeechModelUnusable(
                f"The folder {folder} has no {name}, so it is no model that can be used.",
                hint="It has to be a Whisper model in CTranslate2's format: model.bin, config.json, "
                "tokenizer.json and a vocabulary.",
            )
    return folder


def _find_known(known: KnownModel, models_dir: Path) -> Path:
    folder = models_dir / known.name
    again = f"Run `{SETUP} --model {known.name}`"
    if not folder.is_dir():
        if (models_dir / f"{known.name}{PARTIAL_SUFFIX}").is_dir():
            raise SpeechModelUnusable(
                f"The speech model {known.name} is half downloaded.", hint=f"{again}: it goes on from there."
            )
        raise SpeechModelUnusable(
            f"The speech model {known.name} is not on this machine.",
            hint=f"{again} to download it ({known.size / 1e6:,.0f} MB).",
        )
    for file in known.files:
        path = folder / file.name
        size = path.stat().st_size if path.is_file() else None
        if size != file.size:
            what = "has no" if size is None else "has a damaged"
            raise SpeechModelUnusable(
                f"The speech model {known.name} {what} {file.name}.", hint=f"{again} to fetch it once more."
            )
    return folder


def _not_found(model: str, folder: Path, models_dir: Path) -> SpeechModelUnusable:
    from difflib import get_close_matches

    names = ", ".join(_names_here(models_dir)) or "none yet"
    if any(mark in model for mark in "/\\~") or folder.is_absolute():
        what = "is a file" if folder.is_file() else "does not exist"
        return SpeechModelUnusable(
            f"The speech model {model} {what}; a folder is needed.",
            hint=f"Check the path. On this machine by name: {names}.",
        )
    near = get_close_matches(model, [known.name for known in KNOWN_MODELS], n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    known_names = ", ".join(known.name for known in KNOWN_MODELS)
    return SpeechModelUnusable(
        f"There is no speech model called {model}.{guess}",
        hint=f"Known are {known_names}; or give the path of a folder.",
    )


def _names_here(models_dir: Path) -> Iterator[str]:
    for known in KNOWN_MODELS:
        if (models_dir / known.name / "model.bin").is_file():
            yield known.name
