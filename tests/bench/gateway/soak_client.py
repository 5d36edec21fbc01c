"""The soak's clients: each asks over one connection again and again, in a mix of ways, some of them rude."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from tests.bench.gateway.running import body
from tests.bench.gateway.streams import request

__all__ = ("Asked", "ask_until")

_WAYS = {"whole": 40, "stream": 40, "leave early": 8, "leave late": 8, "wrong key": 2, "bad body": 2}
_PATIENCE = 60.0
_EARLY = 0.02


@dataclass
class Asked:
    """What came of all questions, by way and answer.

    Attributes:
        broken: answers that no client should get, in words.
    """

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)


async def ask_until(end: float, root: str, key: str, connections: int, seed: int) -> Asked:
    """Ask over so many connections until the loop's clock shows ``end``; each question is seen through."""
    asked, chance = Asked(), random.Random(seed)
    async with asyncio.TaskGroup() as clients:
        for _ in range(connections):
            clients.create_task(_Client(root, key, asked, random.Random(chance.random())).run(end))
    return asked


class _Client:
    def __init__(self, root: str, key: str, asked: Asked, chance: random.Random) -> None:
        self._root = root
        self._key = key
        self._asked = asked
        self._chance = chance
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < end:
            (way,) = self._chance.choices([*_WAYS], [*_WAYS.values()])
            try:
                async with asyncio.timeout(_PATIENCE):
                    answer = await self._ask(way)
            except TimeoutError:
                answer = "none in a minute"
            except (OSError, asyncio.IncompleteReadError) as error:
                answer = f"cut off ({type(error).__name__})"
            self._asked.answers[way, answer] += 1
            if answer.startswith(("5xx of its own", "none", "cut off")):
                self._asked.broken[f"{way}: {answer}"] += 1
                await self._leave()
        await self._leave()

    async def _ask(self, way: str) -> str:
        """The kind of answer; the connection is kept where it can be."""
        reader, writer = await self._connected()
        writer.write(self._question(way))
        if way == "leave early":
            await asyncio.sleep(self._chance.uniform(0, _EARLY))
            await self._leave()
            return "left"
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if way == "leave late" and b" 200 " in head:
            await reader.readuntil(b"@")
            await self._leave()
            return "left"
        content = await _content(head, reader)
        if b"connection: close" in head:
            await self._leave()
        return _kind(head, content)

    def _question(self, way: str) -> bytes:
        key = "gw_" + "0" * 40 if way == "wrong key" else self._key
        prompt = "chunks=50 every=0.01" if way.startswith("leave") else "How does a trigger work?"
        text = body(stream=way != "whole", prompt=prompt).decode()
        return request(
            f"{self._root}/v1/chat/completions", {"X-API-Key": key}, "{" if way == "bad body" else text
        )

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._connection is None or self._connection[0].at_eof():
            await self._leave()
            host, _, port = self._root.removeprefix("http://").partition(":")
            self._connection = await asyncio.open_connection(host, int(port))
        return self._connection

    async def _leave(self) -> None:
        if self._connection is not None:
            _, writer = self._connection
            self._connection = None
            writer.close()
            with suppress(OSError):  # the other side was quicker
                await writer.wait_closed()


async def _content(head: bytes, reader: asyncio.StreamReader) -> bytes:
    """The answer's body, by its length or chunk by chunk."""
    _, found, rest = head.partition(b"content-length: ")
    if found:
        return await reader.readexactly(int(rest.partition(b"\r\n")[0]))
    content = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        content += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return content


def _kind(head: bytes, content: bytes) -> str:
    status = head.split(b" ", 2)[1].decode()
    if status == "200" and content.startswith(b"data: ") and not content.endswith(b"data: [DONE]\n\n"):
        return "200, then an error" if b'"error"' in content else "cut off (without an error)"
    if status == "500" or b"internal_error" in content:
        return f"5xx of its own: {content[:200].decode(errors='replace')}"
    return status
