"""A function that the model may call, made from a typed Python function or described by another program."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, overload

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_json

from core.chat import FunctionTool, ToolDefinition
from core.errors import ToolFailed
from core.tools.printing import prints_to_stderr
from core.tools.tool_thread import in_own_thread

__all__ = ("Effect", "Tool", "tool")

Effect = Literal["none", "asks"]
"""``none``: it changes nothing and tells nobody anything. ``asks``: the user is asked before it runs."""

DEFAULT_SECONDS = 30.0
BUILT_IN = "built in"
"""Where a tool of this program comes from."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Attributes:
        name: letters, digits, ``_`` and ``-``.
        description: tells the model what it does and when to use it.
        run: takes the arguments as the model wrote them, decoded from JSON; gives the text for the model.
            Raises ``ToolFailed`` where the arguments or the world do not allow it.
        parameters: the JSON schema of the arguments.
        effect: whether the user is asked before it runs.
        seconds: after which it is waited for no more.
        stoppable: whether it ends then; what runs in a thread goes on to its own end.
        origin: where it comes from, as users are told: ``built in``, a file, a server.
    """

    name: str
    description: str
    run: Callable[[dict[str, Any]], Awaitable[str]] = field(repr=False)
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NO_PARAMETERS, repr=False)
    effect: Effect = "asks"
    seconds: float = DEFAULT_SECONDS
    stoppable: bool = True
    origin: str = BUILT_IN

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name for a tool: 1 to 64 letters, digits, _ and -")

    @property
    def definition(self) -> ToolDefinition:
        """As the model is told of it."""
        return ToolDefinition(
            function=FunctionTool(
                name=self.name, description=self.description, parameters=dict(self.parameters)
            )
        )


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *, name: str | None = None, effect: Effect = "asks", seconds: float = DEFAULT_SECONDS
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect = "asks",
    seconds: float = DEFAULT_SECONDS,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a typed function, ``async`` or not, a tool.

    Its docstring is the description; its parameters, which may be annotated with pydantic's ``Field``, become
    the schema, and the model's arguments are checked against them. What it returns is given to the model, as
    JSON where it is no text. A function that is not ``async`` runs in a thread, which goes on to its own
    end where the tool is stopped, or to the program's. What it prints goes to stderr.

    Args:
        function: the function, where the decorator is used without arguments.
        name: instead of the function's own.
        effect: ``none`` for a function that changes nothing and tells nobody anything.
        seconds: after which it is waited for no more.

    Raises:
        TypeError: a parameter has no type, or cannot be given by name.
    """

    def made(function: Callable[..., Any]) -> Tool:
        arguments = _arguments_model(function)

        told_name = name or function.__name__
        is_async = inspect.iscoroutinefunction(function)

        async def run(given: dict[str, Any]) -> str:
            call = partial(function, **_checked(arguments, given))
            if not is_async:
                return _as_text(await in_own_thread(partial(_printing_aside, call), f"tool {told_name}"))
            with prints_to_stderr():
                return _as_text(await call())

        return Tool(
            name=told_name,
            description=inspect.getdoc(function) or "",
            run=run,
            parameters=_schema(arguments),
            effect=effect,
            seconds=seconds,
            stoppable=is_async,
        )

    return made if function is None else made(function)


def _printing_aside(call: Callable[[], object]) -> object:
    with prints_to_stderr():  # in the thread, as long as it runs
        return call()


def _arguments_model(function: Callable[..., Any]) -> type[BaseModel]:
    """The parameters of a function as a model."""
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: {parameter.name} cannot be given by name")
        if parameter.annotation is parameter.empty:
            raise TypeError(f"{function.__name__}: {parameter.name} has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (parameter.annotation, default)
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _schema(arguments: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema, without the titles that say nothing more than the names do."""
    schema = arguments.model_json_schema()
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    return {"properties": {}, **schema}


def _checked(arguments: type[BaseModel], given: dict[str, Any]) -> dict[str, Any]:
    try:
        values = arguments.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        raise ToolFailed(f"The arguments do not fit: {problems}.") from None
    return {name: getattr(values, name) for name in arguments.model_fields}


def _as_text(result: object) -> str:
    return result if isinstance(result, str) else to_json(result, fallback=str).decode()
