"""Models that can run on this machine: GGUF files, by name or by path.

The known ones are a table in ``assets/models.toml``. One lies in a folder of its name under the models
folder, put there by the downloader, or inside a Python package that carries it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.download import PARTIAL_SUFFIX, ModelFile
from core.errors import OfflineUnavailable

__all__ = (
    "EMBEDDED",
    "KnownGguf",
    "LocalModel",
    "find_model",
    "is_installed",
    "known_models",
    "model_label",
)

EMBEDDED = "embedded"
"""The provider's name in routes and the ledger."""

_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class KnownGguf:
    """A model that can be asked for by name.

    Attributes:
        label: what people call it.
        url: where it is published, at one revision.
        licence: its SPDX id, or its name where it has none.
        context_window: tokens that it was trained on.
        file: its name, size and digest.
        package: a distribution that carries the file; ``""`` for none.
        system_prompt: opens conversations that have none; ``""`` leaves that to the model's template.
    """

    name: str
    label: str
    url: str
    licence: str
    context_window: int
    file: ModelFile
    package: str = ""
    system_prompt: str = ""

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"model {self.name}"

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """A single one."""
        return (self.file,)

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return self.file.size


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that is there.

    Attributes:
        name: its id in requests and the ledger.
        context_window: tokens that it was trained on; ``None`` where only the file knows.
        system_prompt: opens conversations that have none; ``""`` leaves that to the model's template.
    """

    name: str
    label: str
    path: Path
    context_window: int | None
    system_prompt: str = ""


@cache
def known_models() -> dict[str, KnownGguf]:
    """By name, the smallest first."""
    document = tomllib.loads(files("assets").joinpath("models.toml").read_text(encoding="utf-8"))
    return {name: _known(name, entry) for name, entry in document["offline"].items()}


def _known(name: str, entry: dict[str, Any]) -> KnownGguf:
    file = ModelFile(entry["url"].rpartition("/")[2], entry["size"], entry["sha256"])
    return KnownGguf(
        name,
        entry["label"],
        entry["url"],
        entry["licence"],
        entry["context_window"],
        file,
        entry.get("package", ""),
        entry.get("system_prompt", ""),
    )


def is_installed() -> bool:
    """Whether llama.cpp is: the extra ``offline``. It is not loaded for that."""
    return find_spec("xllamacpp") is not None


def model_label(model: str) -> str:
    """What the screen calls a model: its label, or the file's name."""
    known = known_models().get(model)
    return known.label if known else Path(model).stem


def find_model(model: str, models_dir: Path) -> LocalModel:
    """The file of a model.

    Args:
        model: a name that is known, or the path of a GGUF file.
        models_dir: where models that are known by name are kept.

    Raises:
        OfflineUnavailable: it is not there, not whole, or no model; the hint says what to do.
    """
    known = known_models().get(model)
    if known is not None:
        path = _find_known(known, models_dir)
        return LocalModel(known.name, known.label, path, known.context_window, known.system_prompt)
    path = Path(model).expanduser()
    if not path.is_file():
        raise _not_found(model, path)
    with path.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise _unavailable(
                f"{path} is no GGUF file, so it is no model that can be used.",
                "Give a file in llama.cpp's format, or the name of a model: `tensorwall offline` lists them.",
            )
    return LocalModel(path.stem, path.stem, path, None)


def _find_known(known: KnownGguf, models_dir: Path) -> Path:
    fetched, again = models_dir / known.name / known.file.name, f"`tensorwall offline fetch {known.name}`"
    for path in (fetched, _packaged(known)):
        if path is not None and path.is_file() and path.stat().st_size == known.size:
            return path
    megabytes = f"{known.size / 1e6:,.0f} MB"
    if fetched.exists():
        raise _unavailable(f"The {known.title} is damaged.", f"Run {again} to fetch it once more.")
    if (models_dir / f"{known.name}{PARTIAL_SUFFIX}").is_dir():
        raise _unavailable(
            f"The {known.title} is half downloaded.", f"Run {again}: it goes on from where it was."
        )
    raise _unavailable(
        f"The {known.title} is not on this machine.", f"Run {again} to download it ({megabytes})."
    )


def _packaged(known: KnownGguf) -> Path | None:
    """The file inside the package that carries it; the package is not imported."""
    spec = find_spec(known.package) if known.package else None
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / known.file.name if places else None


def _not_found(model: str, path: Path) -> OfflineUnavailable:
    names = ", ".join(known_models())
    if path.suffix == ".gguf" or len(path.parts) > 1:
        what = "is a folder" if path.is_dir() else "does not exist"
        return _unavailable(f"The model {model} {what}; a GGUF file is needed.", "Check the path.")
    return _unavailable(f"There is no model {model!r}.", f"Give the path of a GGUF file, or one of: {names}.")


def _unavailable(message: str, hint: str) -> OfflineUnavailable:
    return OfflineUnavailable(message, provider=EMBEDDED, hint=hint)
