"""The settings, told to people: for the template of ``config.toml``, the README and the settings screen."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.settings.model import ADDRESS_CHECK, Settings

__all__ = ("NAME", "SettingInfo", "config_template", "describe_settings", "known_keys")

_TYPE_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Decimal: "US dollars",
}
_TEMPLATE_HEAD = """\
# TensorWall's settings. Remove the # before a line to change it; the value shown is the default.
"""
NAME = "NAME"
_NAMED_TABLES = "tables by name"
_EXAMPLES = {
    "tools.mcp": (
        '# [tools.mcp.files]\n# command = "npx"\n'
        '# args = ["-y", "@modelcontextprotocol/server-filesystem", "/home/me/notes"]\n# enabled = true'
    ),
    "keymap": '"chat.stop" = "escape,ctrl+x"',
    "providers": (
        '[[providers]]\nname = "mine"\nbase_url = "https://llm.example.com/v1"\nkey_variable = "MINE_API_KEY"'
    ),
    "routes": (
        '[[routes]]\nmodel = "llama-70b"\nendpoints = [\n  { provider = "groq" },\n'
        '  { provider = "openai", model = "gpt-5.4-mini", priority = 1 },\n]'
    ),
}


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting.

    Attributes:
        path: its keys, such as ``("chat", "model")``; array indices are left out, and ``NAME`` stands for
            a name of the user's choice.
        description: what it does, one or two sentences.
        allowed: its type and bounds, in words.
        default: its value where the file is silent; ``None`` where nothing is set.
        choices: the values of a closed list, else empty.
    """

    path: tuple[str, ...]
    description: str
    allowed: str
    default: Any
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The path as written in a dotted key."""
        return ".".join(self.path)

    @property
    def is_of_named_table(self) -> bool:
        """Whether it stands in a table whose name is the user's choice."""
        return NAME in self.path


@cache
def describe_settings() -> tuple[SettingInfo, ...]:
    """Every setting, in the order of the file."""
    return tuple(_describe(Settings, ()))


def known_keys(location: Sequence[str | int]) -> list[str]:
    """The keys that may stand in the table at this location."""
    model: type[BaseModel] = Settings
    for part in location:
        if isinstance(part, str) and part in model.model_fields:  # else a name of the user's choice
            model = _table_of(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def config_template() -> str:
    """A ``config.toml`` that explains every setting and changes none."""
    blocks = [_TEMPLATE_HEAD]
    for name, field in Settings.model_fields.items():
        section = _table_of(field.annotation)
        if section is not None and not _is_collection(field.annotation):
            blocks.append(_section_template(name, section))
        else:
            blocks.append(_example_template(name, section))
    return "\n".join(blocks)


def _section_template(name: str, section: type[BaseModel]) -> str:
    lines = [_comment(inspect.getdoc(section) or ""), f"[{name}]"]
    for info in _describe(section, (name,)):
        said = f"{info.description} ({info.allowed})"
        if info.is_of_named_table:
            lines.append(_comment(f"{info.path[-1]}: {said}"))
        else:
            lines.append(f"\n{_comment(said)}")
        if info.allowed != _NAMED_TABLES and not info.is_of_named_table:
            lines.append(f"# {'.'.join(info.path[1:])} = {_toml(info.default)}".rstrip())
    lines += [example for key, example in _EXAMPLES.items() if key.startswith(f"{name}.")]
    return "\n".join(lines) + "\n"


def _example_template(name: str, element: type[BaseModel] | None) -> str:
    lines = [_comment(_docstrings(Settings)[name])]
    if element is not None:
        lines += [
            _comment(f"{info.path[-1]}: {info.description} ({info.allowed})")
            for info in _describe(element, ())
            if not info.path[:-1]
        ]
    head = [] if element is not None else [f"[{name}]"]
    return "\n".join([*lines, *head, textwrap.indent(_EXAMPLES[name], "# ")]) + "\n"


def _describe(model: type[BaseModel], path: tuple[str, ...]) -> list[SettingInfo]:
    found: list[SettingInfo] = []
    explained = _docstrings(model)
    for name, field in model.model_fields.items():
        here = (*path, name)
        inner = _table_of(field.annotation)
        if inner is not None and not _is_collection(field.annotation):
            found += _describe(inner, here)
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        found.append(SettingInfo(here, explained[name], _allowed(field), default, _choices(field.annotation)))
        if inner is not None:
            found += _describe(inner, (*here, NAME) if _is_named(field.annotation) else here)
    return found


def _allowed(field: FieldInfo) -> str:
    annotation, bounds = _unwrap(field.annotation, field.metadata)
    if choices := _choices(annotation):
        return "one of " + ", ".join(choices)
    if get_origin(annotation) is dict:
        return _NAMED_TABLES if _table_of(annotation) else "a table of texts"
    if get_origin(annotation) is list:
        return "an array of tables" if _table_of(annotation) else "a list of texts"
    if ADDRESS_CHECK in bounds:
        return "an http:// or https:// address"
    words = _TYPE_NAMES[annotation]
    for bound in bounds:
        match bound:
            case annotated_types.Gt():
                words += f" above {bound.gt}"
            case annotated_types.Ge():
                words += f" from {bound.ge}"
            case annotated_types.Le():
                words += f" up to {bound.le}"
    return words


def _choices(annotation: object) -> tuple[str, ...]:
    annotation, _ = _unwrap(annotation)
    return tuple(get_args(annotation)) if get_origin(annotation) is Literal else ()


def _unwrap(annotation: object, bounds: Sequence[object] = ()) -> tuple[Any, list[object]]:
    """The type without ``| None`` and ``Annotated``, and what ``Annotated`` said of it."""
    if get_origin(annotation) in (Union, types.UnionType):
        return _unwrap(next(part for part in get_args(annotation) if part is not type(None)), bounds)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        return _unwrap(annotation, [*bounds, *more])
    return annotation, list(bounds)


def _table_of(annotation: object) -> type[BaseModel] | None:
    """The model of a table, or of each of several tables; ``None`` for plain values."""
    annotation, _ = _unwrap(annotation)
    if get_origin(annotation) in (list, dict):
        annotation = get_args(annotation)[-1]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _is_collection(annotation: object) -> bool:
    """Whether it holds several tables or values."""
    return get_origin(annotation) in (list, dict)


def _is_named(annotation: object) -> bool:
    """Whether its tables have names of the user's choice."""
    return get_origin(annotation) is dict


@cache
def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring under each field; Python itself does not keep them."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    explained = dict.fromkeys(model.model_fields, "")
    for field, text in zip(body.body, body.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                explained[name] = " ".join(said.split())
    return explained


def _comment(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent="# ", subsequent_indent="# ")


def _toml(value: object) -> str:
    """A default as TOML; JSON's texts, numbers and truth values are TOML's too."""
    return "" if value is None else json.dumps(value)
