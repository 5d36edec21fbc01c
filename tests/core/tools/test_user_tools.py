"""Tools of the user's own: a folder of files, and packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from core.settings import ToolSettings
from core.tools.session_tools import InstalledTools
from core.tools.user_tools import load_folder, load_packages

GOOD = '''
from __future__ import annotations
from dataclasses import dataclass
from core.tools import tool

@dataclass
class Greeting:
    text: str

@tool(effect="none")
def greet(name: str) -> str:
    """Greet somebody."""
    return Greeting(f"Hello {name}").text

alias = greet
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tools"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


async def test_a_file_gives_its_tools(folder: Path) -> None:
    assert load_folder(folder).tools == ()
    write(folder, greeting=GOOD, _private="1 / 0")
    loaded = load_folder(folder)
    assert loaded.problems == ()
    (greet,) = loaded.tools
    assert (greet.name, greet.origin) == ("greet", str(folder / "greeting.py"))
    assert await greet.run({"name": "Ada"}) == "Hello Ada"


def test_a_broken_file_is_told_by_name_and_line_and_stops_no_other(folder: Path) -> None:
    write(
        folder,
        a="import nothing_of_this_name",
        b="x = 1\n\ndef broken(:\n    pass\n",
        c="from core.tools import tool\n\n@tool\ndef untyped(name):\n    pass\n",
        d="def inner():\n    raise SystemExit(3)\n\ninner()\n",
        greeting=GOOD,
    )
    loaded = load_folder(folder)
    assert [tool.name for tool in loaded.tools] == ["greet"]
    assert loaded.problems == (
        f"{folder}/a.py:1: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        f"{folder}/b.py:3: invalid syntax",
        f"{folder}/c.py:3: TypeError: untyped: name has no type",
        f"{folder}/d.py:2: SystemExit: 3",
    )


async def test_a_name_that_is_taken_is_told(folder: Path) -> None:
    taken = GOOD.replace("def greet(", "def calculate(").replace("alias = greet", "")
    write(folder, a_sum=taken, greeting=GOOD, hello=GOOD)
    loaded = await InstalledTools(ToolSettings(), folder, folder)()
    assert [(tool.name, tool.origin) for tool in loaded.tools] == [
        ("calculate", "built in"),
        ("clock", "built in"),
        ("greet", str(folder / "greeting.py")),
    ]
    assert loaded.problems == (
        f"{folder}/a_sum.py: calculate is left out: a tool built in has that name.",
        f"{folder}/hello.py: greet is left out: a tool of {folder}/greeting.py has that name.",
    )


def test_packages_offer_tools_by_entry_points(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, greeting_package=GOOD)
    info = folder / "greeting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tensorwall.tools]\n"
        "greet = greeting_package:greet\n"
        "wrong = greeting_package:Greeting\n"
        "missing = greeting_package:nothing\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loaded = load_packages()
    assert [(tool.name, tool.origin) for tool in loaded.tools] == [
        ("greet", "greeting, greeting_package:greet")
    ]
    assert sorted(loaded.problems) == [
        "greeting, greeting_package:Greeting is no tool.",
        "greeting, greeting_package:nothing: "
        "AttributeError: module 'greeting_package' has no attribute 'nothing'",
    ]
