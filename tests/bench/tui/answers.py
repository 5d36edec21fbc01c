"""Synthetic answers of 4-character tokens, in the shapes that models write."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

__all__ = ("END", "SHAPES", "earlier_answer", "tokens")

END = "qzend"
"""Stands at the end of every answer, and nowhere else."""

_PROSE = (
    "The **event loop** runs one task at a time, and `await` hands control back to it. When a task waits "
    "for the network, another one *moves on*; see [the guide](https://docs.python.org/3/asyncio). "
)
_CODE = """\
def merge(left: list[int], right: list[int]) -> list[int]:
    \"\"\"Join two sorted lists.\"\"\"
    merged, i, j = [], 0, 0
    while i < len(left) and j < len(right):  # one step each
        if left[i] <= right[j]:
            merged.append(left[i]); i += 1
        else:
            merged.append(right[j]); j += 1
    return merged + left[i:] + right[j:]
"""
_CJK = (
    "事件循环一次只运行一个任务，当任务等待网络时，另一个任务会继续执行。日本語の文章も正しく折り返されます。"  # noqa: RUF001
)
_SECTION = (
    f"## How it works\n\n{_PROSE}{_PROSE}\n\n"
    "- first, the **reader** appends and returns\n- then the `frame` drains what came\n"
    "  - nothing waits for the screen\n- the rest is unchanged\n\n"
    f"```python\n{_CODE}```\n\n{_PROSE}\n\n"
    "| name | kind | cost |\n|---|:-:|---:|\n| append | O(1) | 0.4 µs |\n| frame | O(rows) | 1.9 ms |\n"
    "| resize | O(screen) | 12 ms |\n\n1. One more **thing**.\n2. And `another` one.\n\n"
    "> A quote to end with.\n\n"
)


def _mixed() -> Iterator[str]:
    return cycle((_SECTION,))


def _fence() -> Iterator[str]:
    yield "```python\n"
    yield from cycle((_CODE, "\n"))


def _list() -> Iterator[str]:
    return (f"- item {n} with **bold** and `code` and a few more words\n" for n in cycle(range(10_000)))


def _table() -> Iterator[str]:
    yield "| n | name | what it is |\n|--:|---|---|\n"
    yield from (f"| {n} | `row` | some **text** in a cell |\n" for n in cycle(range(10_000)))


def _cjk() -> Iterator[str]:
    return cycle((_CJK, _CJK, _CJK + "\n\n"))


def _paragraph() -> Iterator[str]:
    return cycle((_PROSE,))


SHAPES = {
    "mixed": _mixed,
    "fence": _fence,
    "list": _list,
    "table": _table,
    "cjk": _cjk,
    "paragraph": _paragraph,
}


def _characters(shape: str) -> Iterator[str]:
    return (character for piece in SHAPES[shape]() for character in piece)


def tokens(shape: str, count: int) -> Iterator[str]:
    """``count`` tokens of an answer, the last of which closes it and ends with ``END``."""
    characters = _characters(shape)
    for _ in range(count - 1):
        yield "".join(islice(characters, 4))
    yield f"\n```\n\n{END}" if shape == "fence" else f"\n\n{END}"


def earlier_answer(number: int) -> str:
    """An answer of about 900 characters."""
    return "".join(islice(_characters("mixed"), number * 37 % 400, number * 37 % 400 + 900))
