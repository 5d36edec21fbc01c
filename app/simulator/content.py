"""Test material of a chosen shape and exact token count; the same for the same seed."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator

from app.simulator.options import ContentShape
from app.simulator.tokens import split_tokens

__all__ = ("ADVERSARIAL", "shaped")

_WORDS = (
    *("stream", "token", "router", "latency", "prompt", "model", "signal", "steady", "quiet", "river"),
    *("lantern", "harbour", "violet", "engine", "meadow", "copper", "window", "thunder", "paper", "orchard"),
    *("gentle", "silver", "compass", "market", "winter", "candle", "bridge", "forest", "garden", "hill"),
)
_IDEOGRAPHS = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生日本語文字"

ADVERSARIAL = (
    "Plain start. \x1b[31mred?\x1b[0m \x1b[2J\x1b[H cleared? \x1b]0;title\x07 "
    "\x1b]52;c;cm0gLXJmIC8=\x07 copied? \x1b]8;;https://example.invalid\x1b\\link\x1b]8;;\x1b\\ "
    "\x9b31m C1 \x90q\x9c \x00 NUL \x07 bell \x08\x08 back \r overwritten\n"
    "[bold red]markup[/bold red] [@click=app.quit]quit[/] [[/]] [link=https://example.invalid]x[/link]\n"
    "bidi \u202egnp.exe\u202c \u2066isolated\u2069 zero\u200bwidth joiner\u200d tag\U000e0041\U000e0042\n"
    "e\u0301 combining Z\u0351\u0343\u034a\u0348\u0316a\u0352\u033el\u0321g\u0322o\u0336 "
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \ufffd \u2028line\u2029paragraph\n"
    "```\nunclosed \x1b[5m fence\n| a | b \n|---\n* * *\n<script>alert(1)</script>\n"
)
"""Everything that must not act on a terminal, a markup parser or a reader's eye."""

_LONG_LINE_PIECES = 64
_LONG_LINE_PIECE = 16 * 1024


def shaped(shape: ContentShape, tokens: int | None, seed: int) -> list[str]:
    """Pieces of text in a shape, each one token.

    Args:
        shape: any but ``answer``.
        tokens: how many; ``None`` is the shape's natural length.
        seed: varies the words.
    """
    return list(_shaped(shape, tokens, seed))


@functools.lru_cache(maxsize=64)
def _shaped(shape: ContentShape, tokens: int | None, seed: int) -> tuple[str, ...]:
    if shape == "long_line":
        return ("x" * _LONG_LINE_PIECE,) * (_LONG_LINE_PIECES if tokens is None else tokens)
    write = _WRITERS[shape]
    random_ = random.Random(f"{shape} {seed}")
    wanted = 400 if tokens is None else tokens
    return tuple(itertools.islice(_pieces(write(random_)), wanted))


def _pieces(blocks: Iterator[str]) -> Iterator[str]:
    for block in blocks:
        yield from split_tokens(block)


def _sentence(random_: random.Random) -> str:
    words = random_.choices(_WORDS, k=random_.randint(6, 14))
    return f"{' '.join(words).capitalize()}."


def _paragraph(random_: random.Random) -> Iterator[str]:
    yield _sentence(random_)
    while True:
        yield f" {_sentence(random_)}"


def _code(random_: random.Random) -> Iterator[str]:
    yield "```python\n"
    while True:
        yield _function(random_)


def _function(random_: random.Random) -> str:
    name, argument, other = random_.sample(_WORDS, 3)
    return (
        f"def {name}({argument}: int = {random_.randint(0, 999)}) -> str:\n"
        f'    """{_sentence(random_)}"""\n'
        f"    if {argument} > {random_.randint(1, 99)}:  # {other}\n"
        f'        return f"{other}: {{{argument}!r}}"\n'
        f"    return {name}({argument} + 1)\n\n"
    )


def _list(random_: random.Random) -> Iterator[str]:
    while True:
        yield f"- **{random_.choice(_WORDS)}**: {_sentence(random_)}\n"


def _table(random_: random.Random) -> Iterator[str]:
    yield "| Name | Count | Remark |\n|---|---:|---|\n"
    while True:
        yield f"| {random_.choice(_WORDS)} | {random_.randint(0, 9999)} | {_sentence(random_)} |\n"


def _cjk(random_: random.Random) -> Iterator[str]:
    while True:
        yield "".join(random_.choices(_IDEOGRAPHS, k=random_.randint(8, 30)))
        yield random_.choice(("\uff0c", "\u3002", "\u3002\n\n"))


def _adversarial(random_: random.Random) -> Iterator[str]:
    while True:
        yield ADVERSARIAL
        yield f"{_sentence(random_)}\n"


def _markdown(random_: random.Random) -> Iterator[str]:
    for number in itertools.count(1):
        yield f"## {number}. {random_.choice(_WORDS).capitalize()} and {random_.choice(_WORDS)}\n\n"
        yield f"{_sentence(random_)} *{random_.choice(_WORDS)}* and `{random_.choice(_WORDS)}`.\n\n"
        for item in range(random_.randint(3, 6)):
            yield f"{'  ' * (item % 2)}- **{random_.choice(_WORDS)}** {_sentence(random_)}\n"
        yield "\n| Key | Value |\n|---|---:|\n"
        for _ in range(random_.randint(2, 5)):
            yield f"| {random_.choice(_WORDS)} | {random_.randint(0, 9999)} |\n"
        yield f"\n```python\n{_function(random_)}```\n\n> {_sentence(random_)}\n\n"


_WRITERS = {
    "markdown": _markdown,
    "code": _code,
    "list": _list,
    "table": _table,
    "paragraph": _paragraph,
    "cjk": _cjk,
    "adversarial": _adversarial,
}
