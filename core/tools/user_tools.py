"""Tools of the user's own: Python files in a folder, and what installed packages offer.

A file is a module whose ``Tool`` objects, made with ``core.tools.tool``, become tools. A package names its
own under the entry point group ``tensorwall.tools``, each a ``Tool``. What cannot be loaded is told by
name and line, and stops nothing else.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from core.tools.tool import Tool

__all__ = ("ENTRY_POINTS", "Loaded", "load_folder", "load_packages")

ENTRY_POINTS = "tensorwall.tools"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found.

    Attributes:
        problems: what could not be loaded and why, a sentence each.
    """

    tools: tuple[Tool, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.tools + other.tools, self.problems + other.problems)


def load_folder(folder: Path) -> Loaded:
    """The tools in the ``*.py`` files of a folder, which may be missing; runs these files. Blocking."""
    loaded = Loaded()
    for path in sorted(folder.glob("[!_]*.py")):
        loaded += _load_file(path)
    return loaded


def load_packages() -> Loaded:
    """The tools that installed packages offer. Blocking."""
    from importlib.metadata import entry_points  # reads every installed package's metadata

    loaded = Loaded()
    for entry in entry_points(group=ENTRY_POINTS):
        origin = f"{entry.dist.name if entry.dist else 'a package'}, {entry.value}"
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - anybody's code; told below
            loaded += Loaded(problems=(f"{origin}: {type(error).__name__}: {error}",))
            continue
        if isinstance(found, Tool):
            loaded += Loaded((replace(found, origin=origin),))
        else:
            loaded += Loaded(problems=(f"{origin} is no tool.",))
    return loaded


def _load_file(path: Path) -> Loaded:
    name = f"tensorwall_tools.{path.stem}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)  # dataclasses and pydantic look it up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anybody's code; told by name and line
        del sys.modules[name]
        return Loaded(problems=(_problem(path, error),))
    return Loaded(tuple(_tools_of(module, path)))


def _tools_of(module: ModuleType, path: Path) -> Iterator[Tool]:
    """The tools a module defines, each once, whatever it also calls them."""
    found = {id(value): value for value in vars(module).values() if isinstance(value, Tool)}
    return (replace(each, origin=str(path)) for each in found.values())


def _problem(path: Path, error: BaseException) -> str:
    """What is wrong, and in which line of the file."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}: {error.msg}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    place = f"{path}:{lines[-1]}" if lines else str(path)
    return f"{place}: {type(error).__name__}: {error}"
