"""Typed functions as tools: what the model is told, and how its arguments are taken."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from core.errors import ToolFailed
from core.tools import Tool, tool


class Place(BaseModel):
    city: str
    country: str = "DE"


@tool(effect="none")
def weather(
    place: Place,
    unit: Literal["C", "F"] = "C",
    days: Annotated[int, Field(ge=1, le=7, description="How far ahead.")] = 1,
) -> dict[str, object]:
    """Tell the weather."""
    return {"city": place.city, "unit": unit, "days": days}


def test_the_model_is_told_name_description_and_schema() -> None:
    function = weather.definition.function
    assert (function.name, function.description) == ("weather", "Tell the weather.")
    assert function.parameters["required"] == ["place"]
    assert function.parameters["properties"]["unit"] == {
        "default": "C",
        "enum": ["C", "F"],
        "type": "string",
    }
    assert function.parameters["properties"]["days"]["maximum"] == 7
    assert function.parameters["additionalProperties"] is False


async def test_arguments_are_checked_and_results_become_json() -> None:
    assert await weather.run({"place": {"city": "Köln"}, "days": 3}) == '{"city":"Köln","unit":"C","days":3}'
    with pytest.raises(ToolFailed, match=r"place\.city: Field required; days: Input should be less"):
        await weather.run({"place": {}, "days": 9})
    with pytest.raises(ToolFailed, match="wind: Extra inputs"):
        await weather.run({"place": {"city": "Köln"}, "wind": True})


async def test_a_function_without_parameters_and_an_async_one() -> None:
    @tool
    async def ping() -> str:
        """Answer."""
        return "pong"

    assert await ping.run({}) == "pong"
    assert ping.effect == "asks"
    assert ping.parameters["properties"] == {}


def test_what_cannot_become_a_tool() -> None:
    with pytest.raises(TypeError, match="text has no type"):
        tool(lambda text: text)

    def many(*texts: str) -> str:
        return "".join(texts)

    with pytest.raises(TypeError, match="texts cannot be given by name"):
        tool(many)

    async def run(_: dict[str, object]) -> str:
        return ""

    with pytest.raises(ValueError, match="no name for a tool"):
        Tool("two words", "", run)
